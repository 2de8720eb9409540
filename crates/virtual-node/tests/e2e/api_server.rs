//! The API server goes away and comes back: nothing is lost, nothing is created twice.

use serde_json::json;
use vk_testkit::control_plane::Options;

use crate::bed::{Bed, condition, exit_code, group_of, phase, uid};
use crate::cluster::Cluster;
use crate::manifests::{NGINX, pod, script, several};
use crate::waits::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_api_server_loses_nothing_and_creates_nothing_twice() {
    let cluster = Cluster::own(Options::default());
    let mut bed = Bed::plan("restarted").on(&cluster).start().await;
    bed.expect_refusals();
    let ends_meanwhile = script("sleep 12; exit 3");
    bed.apply(&several(&[pod("web", "restarted", NGINX), pod("ends", "restarted", &ends_meanwhile)]));
    let before = [bed.running("web").await, bed.running("ends").await];

    // One create is under way when the API server goes, and answered while it is away.
    bed.cloud.fault(json!({"action": "CreateContainerGroup", "kind": "delay", "delay_ms": 2500}));
    bed.apply(&pod("meanwhile", "restarted", NGINX));
    until("the create is under way", async || match bed.cloud.requests("CreateContainerGroup").len() {
        3 => Ok(()),
        other => Err(format!("{other} creates")),
    })
    .await;
    cluster.control_plane.stop_apiserver().unwrap();
    until("a container has ended while nobody could be told", async || {
        let ended = bed.cloud.groups_of(&uid(&before[1])).await;
        let status = ended.first().map(|group| group.status.to_string()).unwrap_or_default();
        if status == "Failed" { Ok(()) } else { Err(status) }
    })
    .await;
    assert!(bed.is_running(), "the process outlives the API server");
    cluster.control_plane.start_apiserver().unwrap();

    let failed = bed.pod_that("ends", "has failed", |pod| phase(pod) == "Failed").await;
    assert_eq!((exit_code(&failed, "main"), uid(&failed)), (Some(3), uid(&before[1])));
    let web = bed.running("web").await;
    assert_eq!((uid(&web), group_of(&web)), (uid(&before[0]), group_of(&before[0])));
    let meanwhile = bed.running("meanwhile").await;
    assert_eq!(bed.cloud.ever_created_for(&uid(&meanwhile)).len(), 1);
    until("the node is Ready", async || match condition(&bed.node_object().await, "Ready") {
        (status, _, _) if status == "True" => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;

    bed.apply(&pod("later", "restarted", NGINX));
    bed.running("later").await;
    for (pod, creates) in [(&web, 1), (&failed, 1), (&meanwhile, 1)] {
        assert_eq!(bed.cloud.ever_created_for(&uid(pod)).len(), creates);
    }
    assert_eq!(bed.cloud.group_ids().await.len(), 4);
    assert_eq!(bed.cloud.requests("CreateContainerGroup").len(), 4);
}
