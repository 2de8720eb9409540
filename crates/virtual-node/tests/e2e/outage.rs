//! The cloud fails: wrong key, throttling, no answer. New pods stay away, running pods are not touched.

use std::time::Duration;

use k8s_openapi::api::core::v1 as corev1;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use vk_testkit::control_plane::Options;
use vk_testkit::wait::Stopwatch;

use crate::bed::{Bed, condition, group_of, taints, uid};
use crate::cluster::Cluster;
use crate::manifests::{NGINX, pod};
use crate::waits::{throughout, until, within};

/// Our own taint while the cloud does not answer.
const UNREACHABLE: &str = "virtual-node.eci/cloud-unreachable";
/// What the pods tolerate a node to be not Ready.
const TOLERATED_SECONDS: u64 = 30;

const TOLERATIONS: &str = "tolerations: [{operator: Exists, effect: NoSchedule}, \
    {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 30}, \
    {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 30}]";

/// A second, Ready node, without which nobody would ever be evicted; and a third that is not Ready, whose pod shows
/// that this cluster does evict in the time that is watched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_key_evicts_nobody() {
    let cluster = Cluster::own(Options {
        controller_manager_args: vec!["--node-monitor-grace-period=20s".into()],
        ..Options::default()
    });
    let other = Bed::plan("healthy").on(&cluster).start().await;
    let bed = Bed::plan("outage").on(&cluster).start().await;
    let pods = [
        pod("web", "outage", &format!("{TOLERATIONS}, {NGINX}")),
        pod("db", "outage", &format!("{TOLERATIONS}, {NGINX}")),
    ];
    for manifest in &pods {
        bed.apply(manifest);
    }
    let before = [bed.running("web").await, bed.running("db").await];
    let groups = bed.cloud.group_ids().await;
    assert_eq!(groups.len(), 2);

    bed.cloud.withdraw_key(&bed.account);
    not_ready_node(&bed, "broken").await;
    bed.apply(&pod("doomed", "broken", &format!("{TOLERATIONS}, {NGINX}")));
    shows_the_outage(&bed, "InvalidCredentials").await;

    let watch = Stopwatch::start();
    let outage = Duration::from_secs(TOLERATED_SECONDS + 40);
    throughout(outage, "no pod is deleted and the node stays Ready", async || {
        for pod in &before {
            let now = bed.pod(pod.metadata.name.as_deref().unwrap()).await;
            if now.metadata.deletion_timestamp.is_some()
                || uid(&now) != uid(pod)
                || group_of(&now) != group_of(pod)
            {
                return Err(format!("{:?}", now.metadata));
            }
        }
        let node = bed.node_object().await;
        if taints(&node).iter().any(|(_, effect)| effect == "NoExecute")
            || condition(&node, "Ready").0 != "True"
        {
            return Err(format!("{:?} {:?}", node.spec, node.status));
        }
        Ok(())
    })
    .await;
    assert!(watch.elapsed() >= outage);
    // So long was long enough: a pod on a node that is not Ready did go.
    let doomed = bed.pods().get_opt("doomed").await.unwrap();
    assert!(doomed.is_none_or(|pod| pod.metadata.deletion_timestamp.is_some()), "this cluster evicts nobody");
    assert_eq!(condition(&other.node_object().await, "Ready").0, "True");

    bed.cloud.restore_key(&bed.account);
    shows_recovery(&bed).await;
    for pod in &before {
        let now = bed.running(pod.metadata.name.as_deref().unwrap()).await;
        assert_eq!((uid(&now), group_of(&now)), (uid(pod), group_of(pod)));
    }
    assert_eq!(bed.cloud.group_ids().await, groups);
    bed.apply(&pod("later", "outage", NGINX));
    bed.running("later").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_is_told_and_waited_out() {
    let bed = Bed::new("throttled").await;
    bed.apply(&pod("web", "throttled", NGINX));
    let web = bed.running("web").await;
    let code = "Throttling.User";
    bed.cloud.fault(json!({"action": "*", "kind": "error", "code": code, "times": null}));
    bed.apply(&pod("late", "throttled", NGINX));
    shows_the_outage(&bed, "Throttled").await;
    let calls = bed.cloud.requests("CreateContainerGroup").len();
    assert!(calls < 12, "{calls} creates in a few seconds are no backoff");
    assert_eq!(uid(&bed.running("web").await), uid(&web));

    bed.cloud.no_more_faults();
    bed.running("late").await;
    shows_recovery(&bed).await;
    assert_eq!(bed.cloud.group_ids().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_does_not_answer_is_told_and_waited_out() {
    let bed = Bed::new("silent").await;
    bed.apply(&pod("web", "silent", NGINX));
    let web = bed.running("web").await;
    bed.cloud.fault(json!({"action": "*", "kind": "reset", "times": null}));
    shows_the_outage(&bed, "").await;
    bed.apply(&pod("late", "silent", NGINX));
    bed.kubectl_ok(&["delete", "pod", "web", "--wait=false"]);
    // The group runs on as long as nobody can say that it does not.
    throughout(Duration::from_secs(4), "the pod stays", async || {
        let now = bed.pods().get_opt("web").await.map_err(|error| error.to_string())?;
        now.map(drop).ok_or_else(|| "it is gone".to_owned())
    })
    .await;

    bed.cloud.no_more_faults();
    let late = bed.running("late").await;
    bed.gone("web").await;
    shows_recovery(&bed).await;
    assert_eq!(bed.cloud.group_ids().await, [group_of(&late)]);
    assert!(bed.cloud.groups_of(&uid(&web)).await.is_empty());
}

/// A key that may read but not create: a pod waits and says why, and starts when it may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stock_is_the_pods_trouble_and_not_the_nodes() {
    let bed = Bed::plan("no-stock").simulator(&["--stock", "refused"]).start().await;
    bed.apply(&pod("big", "no-stock", NGINX));
    let big = bed.pod_that("big", "says why it waits", |pod| crate::bed::waiting(pod).is_some()).await;
    assert_eq!(crate::bed::waiting(&big).unwrap().0, "OutOfStock");
    assert_eq!(crate::bed::phase(&big), "Pending");
    bed.event_with(&uid(&big), &["NoStock"]).await;
    let node = bed.node_object().await;
    assert!(!taints(&node).iter().any(|(key, _)| key == UNREACHABLE), "{:?}", taints(&node));

    bed.cloud.set(json!({"stock": "available"}));
    bed.running("big").await;
}

async fn shows_the_outage(bed: &Bed, reason: &str) {
    until("the node says that the cloud can't be worked with, and keeps new pods away", async || {
        let node = bed.node_object().await;
        let (status, why, message) = condition(&node, "CloudReachable");
        let tainted = taints(&node).contains(&(UNREACHABLE.to_owned(), "NoSchedule".to_owned()));
        let told = status == "False" && (reason.is_empty() || why == reason) && !message.is_empty();
        if told && tainted { Ok(()) } else { Err(format!("{status} {why} {message}, {:?}", taints(&node))) }
    })
    .await;
    assert_eq!(condition(&bed.node_object().await, "Ready").0, "True");
}

async fn shows_recovery(bed: &Bed) {
    within(Duration::from_secs(90), "the node says that the cloud answers, and lets pods come", async || {
        let node = bed.node_object().await;
        let (status, why, message) = condition(&node, "CloudReachable");
        let tainted = taints(&node).iter().any(|(key, _)| key == UNREACHABLE);
        if status == "True" && !tainted {
            Ok(())
        } else {
            Err(format!("{status} {why} {message}, {:?}", taints(&node)))
        }
    })
    .await;
}

/// A Node that nobody keeps, as its status says.
async fn not_ready_node(bed: &Bed, name: &str) {
    let nodes: Api<corev1::Node> = Api::all(bed.api.clone());
    let node = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    nodes.create(&kube::api::PostParams::default(), &node).await.unwrap();
    let ready = json!({"type": "Ready", "status": "False", "reason": "Broken", "message": "made so by a test",
        "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status = Patch::Merge(json!({"status": {"conditions": [ready]}}));
    nodes.patch_status(name, &PatchParams::default(), &status).await.unwrap();
    let all = nodes.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(all.len(), 3);
}
