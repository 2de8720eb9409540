//! Deleting groups: with and without grace, again, and what is not ours.

use std::time::Duration;

use serde_json::json;
use vk_core::{ErrorKind, GroupId, Provider};

use crate::world::{World, pod, start};

const GRACE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn deleting_removes_the_group_and_may_be_repeated() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    provider.delete_pod(&group, GRACE).await.unwrap();
    assert!(world.groups().is_empty());
    world.pass(60_000);
    provider.delete_pod(&group, GRACE).await.unwrap();
    world.provider().delete_pod(&group, GRACE).await.unwrap();
}

#[tokio::test]
async fn deleting_a_missing_group_succeeds_however_the_cloud_answers() {
    for switch in [
        json!({"delete_unknown": "not-found"}),
        json!({"delete_unknown": "success"}),
        json!({"unknown_ids": "error"}),
    ] {
        let world = World::start().await;
        world.set(switch);
        world.provider().delete_pod(&GroupId::new("eci-bp1nobody"), GRACE).await.unwrap();
    }
}

#[tokio::test]
async fn only_a_deletion_without_grace_is_forced() {
    let world = World::start().await;
    let provider = world.provider();
    for (name, grace) in [("a", GRACE), ("b", Duration::ZERO)] {
        let group = start(&provider, &pod(name)).await;
        provider.delete_pod(&group, grace).await.unwrap();
    }
    let forced: Vec<_> = world
        .requests("DeleteContainerGroup")
        .iter()
        .map(|request| request["parameters"]["Force"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(forced, [None, Some("true".to_owned())]);
}

#[tokio::test]
async fn a_group_of_another_cluster_is_never_deleted() {
    let world = World::start().await;
    let theirs = start(&world.process("cluster-2", "virtual-kubelet").0, &pod("web")).await;
    world.provider().delete_pod(&theirs, Duration::ZERO).await.unwrap();
    assert_eq!(world.groups().len(), 1);
    assert!(world.requests("DeleteContainerGroup").is_empty());
}

#[tokio::test]
async fn a_group_made_by_an_earlier_process_is_deleted() {
    let world = World::start().await;
    let group = start(&world.provider(), &pod("web")).await;
    world.provider().delete_pod(&group, GRACE).await.unwrap();
    assert!(world.groups().is_empty());
}

#[tokio::test]
async fn a_lost_answer_to_a_deletion_leaves_it_open() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    world.fault(json!({"action": "DeleteContainerGroup", "kind": "drop_after"}));
    let lost = provider.delete_pod(&group, GRACE).await.unwrap_err();
    assert_eq!(*lost.kind(), ErrorKind::Indeterminate, "{}", lost.chain());
    provider.delete_pod(&group, GRACE).await.unwrap();
}

#[tokio::test]
async fn a_group_in_the_wrong_state_is_a_conflict() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    world.fault(json!({"action": "DeleteContainerGroup", "kind": "error", "code": "OperationConflict"}));
    let refused = provider.delete_pod(&group, GRACE).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Conflict, "{}", refused.chain());
}
