//! What counts as proof that a group is gone, and what does not (S5, S7).

use std::time::Duration;

use serde_json::json;
use vk_core::{ErrorKind, Provider};

use crate::world::{World, ids, pod, start, sweep};

const GRACE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_group_that_vanished_is_absent_while_another_is_shown() {
    let world = World::start().await;
    let provider = world.provider();
    let gone = start(&provider, &pod("gone")).await;
    let there = start(&provider, &pod("there")).await;
    sweep(&provider).await;
    world.remove(&gone);
    let fetched = provider.fetch(&[gone.clone(), there.clone()]).await.unwrap();
    assert_eq!((ids(&fetched.present), fetched.absent), (vec![there.clone()], vec![gone]));
    assert_eq!(ids(&sweep(&provider).await), [there]);
}

#[tokio::test]
async fn one_living_group_is_asked_for_along_with_those_in_question() {
    let world = World::start().await;
    let (provider, calls) = world.process("cluster-1", "virtual-kubelet");
    let gone = start(&provider, &pod("gone")).await;
    start(&provider, &pod("there")).await;
    sweep(&provider).await;
    world.remove(&gone);
    calls.forget();
    let fetched = provider.fetch(std::slice::from_ref(&gone)).await.unwrap();
    assert_eq!((fetched.present, fetched.absent), (vec![], vec![gone]));
    assert_eq!(calls.count("DescribeContainerGroups"), 1);
}

#[tokio::test]
async fn a_group_on_another_node_proves_that_reading_is_permitted() {
    let world = World::start().await;
    let provider = world.provider();
    let gone = start(&provider, &pod("gone")).await;
    start(&world.process("cluster-1", "other-node").0, &pod("there")).await;
    world.remove(&gone);
    assert_eq!(provider.fetch(std::slice::from_ref(&gone)).await.unwrap().absent, [gone]);
    assert!(sweep(&provider).await.is_empty());
}

#[tokio::test]
async fn a_group_of_another_cluster_proves_nothing() {
    let world = World::start().await;
    let provider = world.provider();
    let gone = start(&world.provider(), &pod("gone")).await;
    start(&world.process("cluster-2", "virtual-kubelet").0, &pod("theirs")).await;
    world.remove(&gone);
    let error = provider.fetch(&[gone]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Denied, "{}", error.chain());
    assert!(!provider.observe(None).await.unwrap().complete);
}

#[tokio::test]
async fn the_last_group_is_absent_once_the_cloud_accepted_its_deletion() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    sweep(&provider).await;
    provider.delete_pod(&group, GRACE).await.unwrap();
    world.pass(60_000);
    assert_eq!(provider.fetch(std::slice::from_ref(&group)).await.unwrap().absent, [group]);
    assert!(sweep(&provider).await.is_empty());
}

#[tokio::test]
async fn a_group_whose_deletion_was_accepted_is_present_as_long_as_it_is_shown() {
    let world = World::start().await;
    world.set(json!({"delete_visible_ms": 60_000}));
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    provider.delete_pod(&group, GRACE).await.unwrap();
    let fetched = provider.fetch(std::slice::from_ref(&group)).await.unwrap();
    assert_eq!((ids(&fetched.present), fetched.absent), (vec![group], vec![]));
}

#[tokio::test]
async fn the_last_group_that_ran_is_absent_when_the_cloud_knows_no_log_of_it() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    world.pass(1000);
    sweep(&provider).await;
    world.remove(&group);
    assert_eq!(provider.fetch(std::slice::from_ref(&group)).await.unwrap().absent, [group]);
    assert!(sweep(&provider).await.is_empty());
}

#[tokio::test]
async fn a_sweep_that_lacks_the_last_group_that_ran_asks_for_it_by_name() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    world.pass(1000);
    sweep(&provider).await;
    world.remove(&group);
    assert!(sweep(&provider).await.is_empty());
    assert_eq!(provider.fetch(std::slice::from_ref(&group)).await.unwrap().absent, [group]);
}

#[tokio::test]
async fn the_last_group_that_never_ran_stays_undecided() {
    let world = World::start().await;
    world.set(json!({"schedule_ms": 600_000}));
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    sweep(&provider).await;
    world.remove(&group);
    let error = provider.fetch(std::slice::from_ref(&group)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Denied, "{}", error.chain());
    assert!(!provider.observe(None).await.unwrap().complete);
    // As soon as anything of ours is shown again, it is decided.
    start(&provider, &pod("next")).await;
    assert_eq!(provider.fetch(std::slice::from_ref(&group)).await.unwrap().absent, [group]);
}

#[tokio::test]
async fn a_permission_that_is_taken_away_makes_nothing_absent() {
    for count in [1, 3] {
        let world = World::start().await;
        let provider = world.provider();
        let mut groups = Vec::new();
        for number in 0..count {
            groups.push(start(&provider, &pod(&format!("web-{number}"))).await);
        }
        world.pass(1000);
        sweep(&provider).await;
        world.set(json!({"read_permission": "denied"}));
        for _ in 0..3 {
            let error = provider.fetch(&groups).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Denied, "{}", error.chain());
            let error = provider.observe(None).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Denied, "{}", error.chain());
        }
        world.set(json!({"read_permission": "granted"}));
        groups.sort();
        assert_eq!(ids(&sweep(&provider).await), groups);
        assert_eq!(provider.fetch(&groups).await.unwrap().absent, []);
    }
}

#[tokio::test]
async fn a_process_that_may_not_read_from_the_start_knows_nothing_to_be_absent() {
    let world = World::start().await;
    let group = start(&world.provider(), &pod("web")).await;
    world.set(json!({"read_permission": "denied"}));
    let provider = world.provider();
    let observation = provider.observe(None).await.unwrap();
    assert!(observation.groups.is_empty() && !observation.complete);
    assert_eq!(*provider.fetch(&[group]).await.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_permission_for_only_one_of_the_two_lists_is_told() {
    let world = World::start().await;
    let group = start(&world.provider(), &pod("web")).await;
    world.pass(120_000);
    for (denied, shows) in [
        ("DescribeContainerGroupStatus", "DescribeContainerGroupStatus shows nothing"),
        ("DescribeContainerGroups", "DescribeContainerGroups shows none"),
    ] {
        world.deny(&[denied]);
        let error = world.provider().observe(None).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Denied);
        assert!(error.chain().contains(shows) && error.chain().contains(group.as_str()), "{}", error.chain());
    }
}

#[tokio::test]
async fn a_group_accepted_moments_ago_is_not_absent() {
    let world = World::start().await;
    start(&world.provider(), &pod("old")).await;
    world.pass(3_600_000);
    world.set(json!({"visibility_lag_ms": 60_000}));
    let hour = Duration::from_secs(3600);
    let (provider, _) = world.patient_process("cluster-1", "virtual-kubelet", hour);
    let new = start(&provider, &pod("new")).await;
    let fetched = provider.fetch(std::slice::from_ref(&new)).await.unwrap();
    assert_eq!((fetched.present, fetched.absent), (vec![], vec![]));
    world.pass(61_000);
    assert_eq!(ids(&provider.fetch(std::slice::from_ref(&new)).await.unwrap().present), [new]);
}

#[tokio::test]
async fn names_that_the_cloud_refuses_are_found_out_one_by_one() {
    let world = World::start().await;
    world.set(json!({"unknown_ids": "error"}));
    let provider = world.provider();
    let mut groups = Vec::new();
    for number in 0..25 {
        groups.push(start(&provider, &pod(&format!("web-{number}"))).await);
    }
    let gone = [groups[3].clone(), groups[24].clone()];
    gone.iter().for_each(|group| world.remove(group));
    let fetched = provider.fetch(&groups).await.unwrap();
    assert_eq!(fetched.present.len(), 23);
    let mut absent = fetched.absent;
    absent.sort_by_key(|id| groups.iter().position(|group| group == id));
    assert_eq!(absent, gone);
    // By its name alone, even the last group is proven to be gone.
    groups.iter().filter(|group| !gone.contains(group)).for_each(|group| world.remove(group));
    assert_eq!(provider.fetch(&groups[..1]).await.unwrap().absent, groups[..1]);
}

#[tokio::test]
async fn a_group_of_another_cluster_is_absent_from_ours() {
    let world = World::start().await;
    let theirs = start(&world.process("cluster-2", "virtual-kubelet").0, &pod("web")).await;
    let fetched = world.provider().fetch(std::slice::from_ref(&theirs)).await.unwrap();
    assert_eq!((fetched.present, fetched.absent), (vec![], vec![theirs]));
}

#[tokio::test]
async fn asking_for_no_group_calls_nobody() {
    let world = World::start().await;
    let provider = world.provider();
    assert_eq!(provider.fetch(&[]).await.unwrap(), vk_core::Fetched::default());
    assert!(world.requests("DescribeContainerGroups").is_empty());
}
