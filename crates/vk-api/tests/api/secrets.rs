//! Runs requests with everything logged, and looks for what must not be there.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::support::{Client, Talk, node, request};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn tokens_paths_and_queries_are_in_no_log_and_no_metric() {
    let captured = Captured::default();
    let writer = captured.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let node = node().await;
    let good = "canary-good-token";
    node.cluster.set(|cluster| _ = cluster.tokens.insert(good.to_owned(), "alice".to_owned()));
    for http2 in [false, true] {
        let talk = Talk { http2, ..Talk::default() };
        let mut client = Client::connect(node.addr, talk).await;
        for token in [good, "canary-bad-token"] {
            for path in
                ["/containerLogs/default/web/nginx?canary=query", "/exec/canary/path/c?command=canary"]
            {
                client.send(request("GET", path, Some(token))).await.unwrap();
            }
        }
    }
    node.cluster.set(|cluster| cluster.down = true);
    let mut client = Client::connect(node.addr, Talk::default()).await;
    assert_eq!(client.get("/healthz", Some("canary-other-token")).await.0, 503);

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<_> = log.lines().filter(|line| line.contains("vk_api")).collect();
    assert!(ours.iter().any(|line| line.contains("request admitted")), "the log is captured: {log}");
    assert!(ours.iter().any(|line| line.contains("not reviewed")), "{log}");
    let leaks: Vec<_> = ours.iter().filter(|line| line.contains("canary")).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert!(!node.metrics().contains("canary"));
}
