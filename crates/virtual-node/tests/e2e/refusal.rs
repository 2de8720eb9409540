//! Pods that ask for what ECI can't give: refused by name, never run as something else, never Failed.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::bed::{Bed, phase, uid, waiting};
use crate::manifests::{NGINX, pod};
use crate::waits::{throughout, until};

/// Two fields that a container group has no place for.
const UNSUPPORTED: &str = "hostPID: true, volumes: [{name: logs, hostPath: {path: /var/log}}], \
                           containers: [{name: main, image: nginx, volumeMounts: [{name: logs, mountPath: /logs}]}]";

/// In this time a controller whose pods turned Failed would have made dozens of new ones.
const A_CONTROLLERS_PATIENCE: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsupported_pod_is_refused_with_all_problems_at_once() {
    let bed = Bed::new("refused").await;
    bed.apply(&pod("odd", "refused", UNSUPPORTED));
    let odd = bed.pod_that("odd", "says why it waits", |pod| waiting(pod).is_some()).await;
    let (reason, message) = waiting(&odd).unwrap();
    assert_eq!((reason.as_str(), phase(&odd)), ("UnsupportedPodSpec", "Pending"));
    assert!(message.contains("spec.hostPID") && message.contains("spec.volumes[0]"), "{message}");
    bed.event_with(&uid(&odd), &["spec.hostPID", "spec.volumes[0]"]).await;
    let shown = bed.kubectl_ok(&["get", "pods"]);
    assert!(shown.contains("UnsupportedPodSpec"), "{shown}");

    bed.apply(&pod("usual", "refused", NGINX));
    bed.running("usual").await;
    let creates = bed.cloud.requests("CreateContainerGroup");
    assert_eq!(creates.len(), 1, "only the other pod: {creates:?}");
    bed.kubectl_ok(&["delete", "pod", "odd"]);
    bed.gone("odd").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_set_of_refused_pods_stays_at_its_size() {
    let bed = Bed::new("refused-set").await;
    bed.apply(&format!(
        "
apiVersion: apps/v1
kind: ReplicaSet
metadata: {{name: odd}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: odd}}}}
  template:
    metadata: {{labels: {{app: odd}}}}
    spec: {{nodeName: refused-set, {UNSUPPORTED}}}
"
    ));
    let first: BTreeSet<String> = until("both are refused", async || {
        let pods = bed.all_pods().await;
        let refused =
            pods.iter().filter(|pod| waiting(pod).is_some_and(|(reason, _)| reason == "UnsupportedPodSpec"));
        let refused: BTreeSet<String> = refused.map(uid).collect();
        if refused.len() == 2 { Ok(refused) } else { Err(format!("{} of {}", refused.len(), pods.len())) }
    })
    .await;
    throughout(A_CONTROLLERS_PATIENCE, "the two pods stay and none is added", async || {
        let now: BTreeSet<String> = bed.all_pods().await.iter().map(uid).collect();
        if now == first { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    assert!(bed.cloud.requests("CreateContainerGroup").is_empty());
}
