//! Deployments and Jobs, whose controllers believe what the statuses say.

use k8s_openapi::api::batch::v1::Job;
use kube::Api;

use crate::bed::{Bed, containers, exit_code, is_running, phase, pod_condition};
use crate::manifests::{pod, script};
use crate::waits::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_scaled_from_three_to_zero_leaves_no_group() {
    let bed = Bed::new("scaled").await;
    bed.apply(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {nodeName: scaled, containers: [{name: nginx, image: nginx}]}
",
    );
    until("three replicas run", async || {
        let pods = bed.all_pods().await;
        let running = pods.iter().filter(|pod| is_running(pod)).count();
        if running == 3 && pods.len() == 3 {
            Ok(())
        } else {
            Err(format!("{running} of {} pods run", pods.len()))
        }
    })
    .await;
    assert_eq!(bed.cloud.group_ids().await.len(), 3);

    bed.kubectl_ok(&["scale", "deployment/web", "--replicas=0"]);
    until("no pod is left", async || {
        let pods = bed.all_pods().await;
        if pods.is_empty() { Ok(()) } else { Err(format!("{} pods", pods.len())) }
    })
    .await;
    // The last pod went only after its group.
    assert_eq!(bed.cloud.group_ids().await, [""; 0]);
    assert_eq!(bed.cloud.requests("CreateContainerGroup").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_container_exits_3_is_failed_and_shows_the_code() {
    let bed = Bed::new("job").await;
    bed.apply(
        "
apiVersion: batch/v1
kind: Job
metadata: {name: unlucky}
spec:
  backoffLimit: 0
  template:
    spec:
      nodeName: job
      restartPolicy: Never
      containers: [{name: main, image: busybox, command: [sh, -c, 'echo trying; sleep 1; exit 3']}]
",
    );
    let jobs: Api<Job> = Api::namespaced(bed.api.clone(), "job");
    until("the Job is Failed", async || {
        let status = jobs.get("unlucky").await.map_err(|error| error.to_string())?.status.unwrap_or_default();
        let conditions = status.conditions.clone().unwrap_or_default();
        let failed =
            conditions.iter().any(|condition| condition.type_ == "Failed" && condition.status == "True");
        if failed && status.failed == Some(1) { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await;
    let pods = bed.all_pods().await;
    assert_eq!(pods.len(), 1);
    assert_eq!((phase(&pods[0]), exit_code(&pods[0], "main")), ("Failed", Some(3)));
    let name = pods[0].metadata.name.clone().unwrap();
    assert_eq!(bed.kubectl_ok(&["logs", &name]), "trying\n");
    let shown = bed.kubectl_ok(&["get", "pods"]);
    assert!(shown.contains("Error"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_containers_run_first_and_their_ends_are_shown() {
    let bed = Bed::new("init").await;
    let spec = "initContainers: [{name: prepare, image: busybox, command: [sh, -c, 'echo prepared; sleep 1']}], \
                containers: [{name: main, image: nginx}]";
    bed.apply(&pod("prepared", "init", spec));
    let pod_with_init = bed.running("prepared").await;
    assert_eq!(exit_code(&pod_with_init, "prepare"), Some(0));
    assert_eq!(pod_condition(&pod_with_init, "Initialized"), "True");
    assert_eq!(bed.kubectl_ok(&["logs", "prepared", "--container=prepare"]), "prepared\n");

    let spec = "restartPolicy: Never, initContainers: [{name: prepare, image: busybox, command: [sh, -c, 'exit 5']}], \
                containers: [{name: main, image: nginx}]";
    bed.apply(&pod("unprepared", "init", spec));
    let failed = bed.pod_that("unprepared", "has failed", |pod| phase(pod) == "Failed").await;
    assert_eq!(exit_code(&failed, "prepare"), Some(5));
    let main = containers(&failed).find(|container| container.name == "main").unwrap();
    assert!(main.state.as_ref().unwrap().running.is_none(), "{main:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_that_fails_is_started_again_and_counted() {
    let bed = Bed::plan("restarts").simulator(&["--backoff-base-ms", "500"]).start().await;
    let always = script("sleep 1; exit 1").replace("Never", "Always");
    bed.apply(&pod("flaky", "restarts", &always));
    let flaky = bed
        .pod_that("flaky", "was restarted twice", |pod| {
            containers(pod).any(|container| container.restart_count >= 2)
        })
        .await;
    let main = containers(&flaky).next().unwrap();
    let last = main.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    assert_eq!(last.map(|ended| ended.exit_code), Some(1), "{main:?}");
    assert_eq!(phase(&flaky), "Running");
}
