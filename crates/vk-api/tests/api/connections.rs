//! Connections that are slow, silent, many, cut or ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{
    Client, Log, Node, NodeBuilder, OnePod, Talk, add_admin, chunk, connect_tls, eventually, request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const FOLLOW: &str = "/containerLogs/default/web/nginx?follow=true";
const SHORT: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(20);

async fn node(change: impl FnOnce(&mut NodeBuilder)) -> Node {
    let mut builder = NodeBuilder::new();
    builder.cluster.set(add_admin);
    change(&mut builder);
    builder.start().await
}

fn gauge(node: &Node, name: &str) -> String {
    let metrics = node.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("kubelet_api_{name} ")));
    line.expect("a registered gauge").to_owned()
}

/// A pod list that does not come.
fn held() -> OnePod {
    OnePod { held: Some(Arc::default()), ..OnePod::default() }
}

/// Reads until the server closes; tells how long that took.
async fn closed_after(stream: &mut (impl AsyncReadExt + Unpin)) -> Duration {
    let started = Instant::now();
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the server closes");
    started.elapsed()
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_given_up() {
    let node = node(|builder| builder.config.limits.handshake = SHORT).await;
    let mut silent = TcpStream::connect(node.addr).await.unwrap();
    let mut slow = TcpStream::connect(node.addr).await.unwrap();
    slow.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    assert!(closed_after(&mut silent).await >= SHORT / 2);
    closed_after(&mut slow).await;
    eventually("no connection is left", async || gauge(&node, "connections") == "0").await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_given_up() {
    let node = node(|builder| builder.config.limits.header = SHORT).await;
    for begun in [&b""[..], b"GET /healthz HTTP/1.1\r\nhost: x\r\nauthori"] {
        let mut stream = connect_tls(node.addr, Talk::default()).await.unwrap();
        stream.write_all(begun).await.unwrap();
        closed_after(&mut stream).await;
    }
    eventually("no connection is left", async || gauge(&node, "connections") == "0").await;
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_closed() {
    let node = node(|builder| builder.config.limits.idle = SHORT).await;
    let talk = Talk { http2: true, ..Talk::default() };
    let mut client = Client::connect(node.addr, talk).await;
    assert_eq!(client.get("/healthz", Some("admin")).await.0, 200);
    eventually("no connection is left", async || gauge(&node, "connections") == "0").await;
}

#[tokio::test]
async fn a_log_that_is_followed_in_silence_is_not_idle() {
    let node = node(|builder| builder.config.limits.idle = SHORT).await;
    node.log.append("first");
    for http2 in [false, true] {
        let talk = Talk { http2, ..Talk::default() };
        let mut client = Client::connect(node.addr, talk).await;
        let mut body = client.send(request("GET", FOLLOW, Some("admin"))).await.unwrap().into_body();
        let first = chunk(&mut body).await.unwrap().unwrap();
        tokio::time::sleep(4 * SHORT).await;
        node.log.append("later");
        let later = chunk(&mut body).await.unwrap().unwrap();
        assert!(first.starts_with("first\n") && later == "later\n", "{first:?} {later:?}");
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_a_place() {
    let node = node(|builder| builder.config.limits.connections = 2).await;
    let mut first = Client::connect(node.addr, Talk::default()).await;
    let _second = Client::connect(node.addr, Talk::default()).await;
    let third = connect_tls(node.addr, Talk::default());
    tokio::pin!(third);
    assert!(timeout(SHORT, &mut third).await.is_err(), "no place");
    assert_eq!(first.get("/healthz", Some("admin")).await.0, 200, "who is in is served");
    drop(first);
    timeout(PATIENCE, third).await.expect("a place came free").unwrap();
}

/// Follows a log until two lines of it arrived, each at once.
async fn follow(node: &Node, talk: Talk<'_>) -> (Client, hyper::body::Incoming) {
    let log: &Log = &node.log;
    log.append("one");
    let mut client = Client::connect(node.addr, talk).await;
    let response = client.send(request("GET", FOLLOW, Some("admin"))).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    assert_eq!(chunk(&mut body).await.unwrap().unwrap(), "one\n");
    log.append("two");
    assert_eq!(chunk(&mut body).await.unwrap().unwrap(), "two\n");
    (client, body)
}

#[tokio::test]
async fn lines_arrive_as_they_are_written_and_a_client_that_leaves_ends_the_reading() {
    for http2 in [false, true] {
        let node = node(|_| ()).await;
        let talk = Talk { http2, ..Talk::default() };
        let (client, body) = follow(&node, talk).await;
        assert_eq!(gauge(&node, "open_streams"), "1");
        drop((body, client));
        eventually("the stream is gone", async || gauge(&node, "open_streams") == "0").await;
        let reads = node.log.reads();
        tokio::time::sleep(SHORT).await;
        assert_eq!(node.log.reads(), reads, "nobody reads for nobody");
    }
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let node = node(|builder| builder.config.limits.write = SHORT).await;
    let line = "x".repeat(1000);
    let block = format!("2026-01-02T03:04:05Z {line}\n").repeat(20_000);
    node.log.text.lock().unwrap().push_str(&block);
    let mut stream = connect_tls(node.addr, Talk::default()).await.unwrap();
    let ask = format!("GET {FOLLOW} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer admin\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    eventually("it is being served", async || node.log.reads() > 0).await;
    eventually("it is cut off", async || gauge(&node, "connections") == "0").await;
    assert_eq!(gauge(&node, "open_streams"), "0");
}

#[tokio::test]
async fn the_end_waits_for_answers_under_way_and_breaks_logs_off() {
    let pods = held();
    let node = node(|builder| builder.pods = pods.clone()).await;
    let (_follower, mut body) = follow(&node, Talk::default()).await;
    let mut client = Client::connect(node.addr, Talk::default()).await;
    let list = tokio::spawn(async move { client.get("/pods", Some("admin")).await });
    eventually("the list is under way", async || pods.listing.load(Ordering::SeqCst) == 1).await;
    let (addr, running) = (node.addr, node.running);
    node.shutdown.cancel();
    assert!(chunk(&mut body).await.expect("not an ordinary end").is_err());
    assert!(!running.is_finished(), "it waits for the list");
    pods.held.unwrap().notify_one();
    assert_eq!(list.await.unwrap().0, 200);
    timeout(PATIENCE, running).await.expect("the server ends").unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let pods = held();
    let node = node(|builder| {
        builder.pods = pods.clone();
        builder.config.limits.shutdown = SHORT;
    })
    .await;
    let mut client = Client::connect(node.addr, Talk::default()).await;
    let list =
        tokio::spawn(async move { client.send(request("GET", "/pods", Some("admin"))).await.is_err() });
    eventually("the list is under way", async || pods.listing.load(Ordering::SeqCst) == 1).await;
    let started = Instant::now();
    timeout(PATIENCE, node.stop()).await.expect("the server ends");
    assert!(started.elapsed() >= SHORT && list.await.unwrap());
}
