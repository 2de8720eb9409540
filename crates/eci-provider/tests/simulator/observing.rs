//! Observing: complete sweeps, increments, what is read in full and how often.

use serde_json::json;
use vk_core::{Attempt, ContainerState, GroupState, Provider};

use crate::world::{World, cursor, ids, pod, pod_with, start, sweep};

#[tokio::test]
async fn a_sweep_shows_every_group_of_the_node_whatever_the_size_of_pages() {
    let world = World::start().await;
    world.set(json!({"page_cap": 2}));
    let provider = world.provider();
    let mut started = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        started.push(start(&provider, &pod(name)).await);
    }
    started.sort();
    assert_eq!(ids(&sweep(&provider).await), started);
    assert!(world.requests("DescribeContainerGroupStatus").len() >= 3);
}

#[tokio::test]
async fn a_new_process_reads_what_it_does_not_know_twenty_at_a_time_and_only_once() {
    let world = World::start().await;
    let before = world.provider();
    for number in 0..45 {
        start(&before, &pod(&format!("web-{number}"))).await;
    }
    let (provider, calls) = world.process("cluster-1", "virtual-kubelet");
    assert_eq!(sweep(&provider).await.len(), 45);
    assert_eq!(calls.count("DescribeContainerGroups"), 3);
    assert_eq!(calls.count("DescribeContainerGroupStatus"), 1);
    calls.forget();
    assert_eq!(sweep(&provider).await.len(), 45);
    assert_eq!(calls.outcomes(), [("DescribeContainerGroupStatus", "ok")]);
}

#[tokio::test]
async fn groups_of_other_nodes_clusters_and_people_are_not_reported() {
    let world = World::start().await;
    let provider = world.provider();
    start(&world.process("cluster-1", "other-node").0, &pod("theirs")).await;
    start(&world.process("cluster-2", "virtual-kubelet").0, &pod("theirs")).await;
    let ours = start(&provider, &pod("ours")).await;
    assert_eq!(ids(&sweep(&provider).await), [ours]);
}

#[tokio::test]
async fn an_increment_shows_what_changed_and_is_not_complete() {
    let world = World::start().await;
    let provider = world.provider();
    let old = start(&provider, &pod("old")).await;
    assert_eq!(ids(&sweep(&provider).await), [old]);
    world.pass(300_000);
    let since = cursor(&provider).await;
    let new = start(&provider, &pod("new")).await;
    let increment = provider.observe(Some(since)).await.unwrap();
    assert!(!increment.complete);
    assert_eq!(ids(&increment.groups), [new]);
    assert!(increment.cursor.0 > since.0);
}

#[tokio::test]
async fn a_cursor_too_old_to_be_followed_leads_to_a_sweep() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    let since = cursor(&provider).await;
    world.pass(3_700_000);
    let observation = provider.observe(Some(since)).await.unwrap();
    assert!(observation.complete);
    assert_eq!(ids(&observation.groups), [group]);
}

#[tokio::test]
async fn an_observed_group_tells_how_its_containers_fare() {
    let world = World::start().await;
    let provider = world.provider();
    let command = json!([{"name": "app", "image": "busybox", "command": ["sh", "-c", "exit 3"]}]);
    let mut job = pod_with("job", command, json!(null));
    job.spec.as_mut().unwrap().restart_policy = Some("Never".to_owned());
    start(&provider, &job).await;
    let web = start(&provider, &pod("web")).await;
    world.pass(1000);
    let seen = sweep(&provider).await;
    let (web, job): (Vec<_>, Vec<_>) = seen.into_iter().partition(|group| group.group == web);
    assert_eq!((&web[0].state, web[0].attempt), (&GroupState::Running, Attempt(0)));
    assert!(web[0].containers[0].ready && !web[0].pod_ips.is_empty());
    assert_eq!(job[0].state, GroupState::Failed);
    let ContainerState::Terminated(end) = &job[0].containers[0].state else { panic!("{job:?}") };
    assert_eq!(end.exit_code, 3);
}

#[tokio::test]
async fn facts_of_the_placed_group_are_read_once() {
    let world = World::start().await;
    world.set(json!({"schedule_ms": 5000}));
    let (provider, calls) = world.process("cluster-1", "virtual-kubelet");
    start(&provider, &pod("web")).await;
    let zone = "k8s.aliyun.com/eci-instance-zone";
    assert!(!sweep(&provider).await[0].annotations.contains_key(zone));
    assert_eq!(calls.count("DescribeContainerGroups"), 0);
    world.pass(6000);
    assert!(sweep(&provider).await[0].annotations.contains_key(zone));
    assert!(sweep(&provider).await[0].annotations.contains_key(zone));
    assert_eq!(calls.count("DescribeContainerGroups"), 1);
}

#[tokio::test]
async fn init_containers_are_followed_until_they_have_done_their_work() {
    let world = World::start().await;
    let (provider, calls) = world.process("cluster-1", "virtual-kubelet");
    let init = json!([{"name": "prepare", "image": "busybox", "command": ["sh", "-c", "sleep 30"]}]);
    start(&provider, &pod_with("web", json!([{"name": "app", "image": "nginx"}]), init)).await;
    world.pass(1000);
    for _ in 0..2 {
        let seen = sweep(&provider).await;
        assert!(matches!(seen[0].init_containers[0].state, ContainerState::Running { .. }), "{seen:?}");
    }
    world.pass(31_000);
    let done = sweep(&provider).await;
    assert!(
        matches!(&done[0].init_containers[0].state, ContainerState::Terminated(end) if end.exit_code == 0)
    );
    calls.forget();
    assert_eq!(sweep(&provider).await[0].init_containers, done[0].init_containers);
    assert_eq!(calls.count("DescribeContainerGroups"), 0);
}

#[tokio::test]
async fn what_published_material_leaves_open_makes_no_difference() {
    let switches = [
        json!({"status_casing": "kubernetes"}),
        json!({"unset_values": "omit"}),
        json!({"unset_values": "null"}),
        json!({"total_count": "page", "page_cap": 1}),
        json!({"unknown_ids": "error"}),
        json!({"since_second_bounds": "ignore"}),
    ];
    for switch in switches {
        let world = World::start().await;
        world.set(switch.clone());
        let group = start(&world.provider(), &pod("web")).await;
        let other = start(&world.provider(), &pod("other")).await;
        world.pass(1000);
        let provider = world.provider();
        let seen = sweep(&provider).await;
        assert_eq!(seen.len(), 2, "{switch}");
        assert!(seen.iter().all(|seen| seen.state == GroupState::Running), "{switch}: {seen:?}");
        assert!(seen.iter().all(|seen| seen.containers[0].ready), "{switch}: {seen:?}");
        let since = cursor(&provider).await;
        assert_eq!(provider.observe(Some(since)).await.unwrap().groups.len(), 2, "{switch}");
        world.remove(&group);
        assert_eq!(ids(&sweep(&provider).await), std::slice::from_ref(&other), "{switch}");
        let fetched = provider.fetch(&[group.clone(), other.clone()]).await.unwrap();
        assert_eq!((ids(&fetched.present), fetched.absent), (vec![other], vec![group]), "{switch}");
    }
}
