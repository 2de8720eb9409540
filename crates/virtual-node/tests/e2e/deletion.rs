//! Pods that are deleted: in order, by force, and before they exist.

use serde_json::json;

use crate::bed::{Bed, group_of, uid};
use crate::cloud::outcomes;
use crate::manifests::{NGINX, pod};
use crate::waits::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_pod_goes_only_after_its_group() {
    let bed = Bed::plan("deleted").simulator(&["--delete-visible-ms", "3000"]).start().await;
    bed.apply(&pod("web", "deleted", NGINX));
    let web = bed.running("web").await;
    bed.kubectl_ok(&["delete", "pod", "web", "--wait=false"]);
    until("the group is deleted", async || {
        let requests = bed.cloud.requests("DeleteContainerGroup");
        if requests.is_empty() { Err("no call yet".to_owned()) } else { Ok(()) }
    })
    .await;
    // The cloud shows it for three more seconds, and so long the pod has to be there.
    assert_eq!(bed.cloud.group_ids().await, [group_of(&web)]);
    let terminating = bed.pod("web").await;
    assert_eq!(uid(&terminating), uid(&web));
    assert!(terminating.metadata.deletion_timestamp.is_some());

    bed.gone("web").await;
    assert_eq!(bed.cloud.group_ids().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_deleted_by_force_leaves_no_group() {
    let bed = Bed::new("forced").await;
    bed.apply(&pod("web", "forced", NGINX));
    let web = bed.running("web").await;
    assert_eq!(bed.cloud.group_ids().await, [group_of(&web)]);
    bed.kubectl_ok(&["delete", "pod", "web", "--force", "--grace-period=0"]);
    bed.gone("web").await;
    bed.no_group_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_deleted_by_force_while_no_node_runs_leaves_no_group() {
    let mut bed = Bed::new("forced-unseen").await;
    bed.apply(&pod("web", "forced-unseen", NGINX));
    bed.running("web").await;
    bed.kill_node();
    bed.kubectl_ok(&["delete", "pod", "web", "--force", "--grace-period=0"]);
    bed.gone("web").await;
    bed.start_node().await;
    bed.no_group_left().await;
}

/// The answer is late in both cases; the effect is there at once in one, and as late in the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_deleted_while_it_is_created_leaves_no_group() {
    let bed = Bed::new("unborn").await;
    for kind in ["delay", "delay_before"] {
        bed.cloud.fault(json!({"action": "CreateContainerGroup", "kind": kind, "delay_ms": 4000}));
        let before = bed.cloud.requests("CreateContainerGroup").len();
        bed.apply(&pod("web", "unborn", NGINX));
        until("the create is under way", async || {
            if bed.cloud.requests("CreateContainerGroup").len() > before {
                Ok(())
            } else {
                Err("no call yet".to_owned())
            }
        })
        .await;
        let web = bed.pod("web").await;
        bed.kubectl_ok(&["delete", "pod", "web", "--wait=false"]);
        bed.gone("web").await;
        bed.no_group_left().await;
        let created = bed.cloud.ever_created_for(&uid(&web));
        let calls = outcomes(&bed.cloud.requests("CreateContainerGroup"));
        assert_eq!(created.len(), 1, "the fault {kind} lets the create have its effect\n{calls}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_somebody_else_is_never_touched() {
    let mut bed = Bed::new("foreign").await;
    let foreign = bed.cloud.create_foreign_group(&bed.account).await;
    bed.apply(&pod("web", "foreign", NGINX));
    bed.running("web").await;
    // A start sweeps everything.
    bed.kill_node();
    bed.start_node().await;
    bed.kubectl_ok(&["delete", "pod", "web"]);
    until("only the foreign group is left", async || match bed.cloud.group_ids().await {
        ids if ids == [foreign.as_str()] => Ok(()),
        ids => Err(ids.join(", ")),
    })
    .await;
}
