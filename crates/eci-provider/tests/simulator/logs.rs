//! Logs: which part is asked for, and whose they are.

use serde_json::json;
use vk_core::{ErrorKind, LogProvider, LogQuery, LogSince};

use crate::world::{World, pod, pod_with, start};

fn chatty() -> k8s_openapi::api::core::v1::Pod {
    let script = "echo one; echo two; echo three; sleep 3600";
    pod_with(
        "web",
        json!([{"name": "app", "image": "busybox", "command": ["sh", "-c", script]}]),
        json!(null),
    )
}

#[tokio::test]
async fn the_wanted_part_of_a_log_is_read() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &chatty()).await;
    world.pass(1000);
    let read = async |query: LogQuery| provider.read_log(&group, "app", &query).await.unwrap();
    assert_eq!(read(LogQuery::default()).await, "one\ntwo\nthree\n");
    assert_eq!(read(LogQuery { tail_lines: Some(1), ..Default::default() }).await, "three\n");
    assert_eq!(read(LogQuery { tail_lines: Some(0), ..Default::default() }).await, "");
    assert_eq!(read(LogQuery { limit_bytes: Some(4), ..Default::default() }).await, "one\n");
    let stamped = read(LogQuery { timestamps: true, tail_lines: Some(1), ..Default::default() }).await;
    let (time, line) = stamped.split_once(' ').unwrap();
    assert!(time.parse::<jiff::Timestamp>().is_ok() && line == "three\n", "{stamped}");
    world.pass(60_000);
    let since = Some(LogSince::Seconds(10));
    assert_eq!(read(LogQuery { since, ..Default::default() }).await, "");
}

#[tokio::test]
async fn the_log_of_the_run_before_is_read() {
    let world = World::start().await;
    let provider = world.provider();
    let script = json!(["sh", "-c", "echo run; sleep 5; exit 1"]);
    let web = pod_with("web", json!([{"name": "app", "image": "busybox", "command": script}]), json!(null));
    let group = start(&provider, &web).await;
    world.pass(7000);
    let previous = LogQuery { previous: true, ..Default::default() };
    assert_eq!(provider.read_log(&group, "app", &previous).await.unwrap(), "run\n");
}

#[tokio::test]
async fn a_log_that_is_not_there_is_not_found() {
    let world = World::start().await;
    let provider = world.provider();
    let group = start(&provider, &pod("web")).await;
    let error = provider.read_log(&group, "nobody", &LogQuery::default()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound, "{}", error.chain());
}

#[tokio::test]
async fn the_log_of_another_clusters_group_is_not_read() {
    let world = World::start().await;
    let theirs = start(&world.process("cluster-2", "virtual-kubelet").0, &chatty()).await;
    world.pass(1000);
    let error = world.provider().read_log(&theirs, "app", &LogQuery::default()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound, "{}", error.chain());
    assert!(world.requests("DescribeContainerLog").is_empty());
}
