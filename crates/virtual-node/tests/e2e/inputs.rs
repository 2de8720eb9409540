//! What pods name: ConfigMaps, Secrets, tokens, registries.

use std::time::Duration;

use crate::bed::{Bed, phase, uid, waiting};
use crate::cloud::parameter;
use crate::manifests::{pod, script, several};

/// Looked for every three seconds, and a group takes one to start.
const SECONDS_AFTER: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_starts_within_seconds_of_its_config_maps_appearance() {
    let bed = Bed::new("late").await;
    let spec = "containers: [{name: main, image: busybox, command: [sh, -c, 'echo $GREETING; sleep 3600'], \
                envFrom: [{configMapRef: {name: greetings}}]}]";
    bed.apply(&pod("waiting", "late", spec));
    let waits = bed
        .pod_that("waiting", "says why it waits", |pod| {
            waiting(pod).is_some_and(|(_, why)| why.contains("greetings"))
        })
        .await;
    assert_eq!(phase(&waits), "Pending");
    assert_eq!(waiting(&waits).unwrap().0, "CreateContainerConfigError");
    bed.event_with(&uid(&waits), &["greetings"]).await;
    assert!(
        bed.cloud.requests("CreateContainerGroup").is_empty(),
        "nothing is created before it is complete"
    );

    bed.kubectl_ok(&["create", "configmap", "greetings", "--from-literal=GREETING=hello"]);
    bed.pod_within(SECONDS_AFTER, "waiting", "runs", |pod| phase(pod) == "Running").await;
    assert_eq!(bed.kubectl_ok(&["logs", "waiting"]), "hello\n");
    assert_eq!(bed.cloud.requests("CreateContainerGroup").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_secret_is_named_and_nothing_else_is_disturbed() {
    let bed = Bed::new("missing").await;
    let spec = "volumes: [{name: keys, secret: {secretName: keys-of-mine}}], \
                containers: [{name: main, image: nginx, volumeMounts: [{name: keys, mountPath: /keys}]}]";
    let other = pod("other", "missing", crate::manifests::NGINX);
    bed.apply(&several(&[pod("lacking", "missing", spec), other]));
    bed.running("other").await;
    let lacking = bed
        .pod_that("lacking", "says why it waits", |pod| {
            waiting(pod).is_some_and(|(_, why)| why.contains("keys-of-mine"))
        })
        .await;
    bed.event_with(&uid(&lacking), &["keys-of-mine"]).await;
    bed.kubectl_ok(&["delete", "pod", "lacking"]);
    bed.gone("lacking").await;
    assert_eq!(bed.cloud.requests("CreateContainerGroup").len(), 1);
}

/// Values reach the container, by its log, and appear nowhere in the node's own, however much it says: see the end of
/// every test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_reach_the_container_and_no_log() {
    let bed = Bed::plan("secrets").log_level("trace").start().await;
    bed.kubectl_ok(&[
        "create",
        "secret",
        "generic",
        "keys",
        "--from-literal=password=hush-password",
        "--from-literal=file=hush-file\n",
    ]);
    bed.kubectl_ok(&[
        "create",
        "secret",
        "docker-registry",
        "registry",
        "--docker-server=registry.example.com",
        "--docker-username=puller",
        "--docker-password=hush-registry",
    ]);
    let spec = "
imagePullSecrets: [{name: registry}], \
volumes: [{name: keys, secret: {secretName: keys}}], \
containers: [{name: main, image: 'registry.example.com/team/app:1', \
command: [sh, -c, 'echo $PASSWORD; cat /keys/file; echo $KUBERNETES_SERVICE_HOST; \
cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; sleep 3600'], \
env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: keys, key: password}}}], \
volumeMounts: [{name: keys, mountPath: /keys}]}]";
    bed.apply(&pod("keeper", "secrets", spec));
    bed.running("keeper").await;
    let said = bed.kubectl_ok(&["logs", "keeper"]);
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(said, ["hush-password", "hush-file", "192.0.2.1", "secrets"]);

    let create = &bed.cloud.requests("CreateContainerGroup")[0];
    assert_eq!(parameter(create, "ImageRegistryCredential.1.UserName"), "puller");
    assert_eq!(parameter(create, "ImageRegistryCredential.1.Server"), "registry.example.com");
    let describe = bed.kubectl_ok(&["describe", "pod", "keeper"]);
    let events = bed.kubectl_ok(&["get", "events", "-o", "yaml"]);
    assert!(!describe.contains("hush") && !events.contains("hush"), "{describe}\n{events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_pod_keeps_its_log_and_termination_message() {
    let bed = Bed::new("message").await;
    bed.apply(&pod(
        "sad",
        "message",
        &script("echo last words; echo out of luck > /dev/termination-log; exit 4"),
    ));
    let sad = bed.pod_that("sad", "has failed", |pod| phase(pod) == "Failed").await;
    let ended =
        crate::bed::containers(&sad).next().unwrap().state.as_ref().unwrap().terminated.as_ref().unwrap();
    assert_eq!((ended.exit_code, ended.message.as_deref().map(str::trim)), (4, Some("out of luck")));
    assert_eq!(bed.kubectl_ok(&["logs", "sad"]), "last words\n");
}
