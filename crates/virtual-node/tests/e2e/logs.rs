//! `kubectl logs`, through the API server and the node's port.

use std::process::Stdio;
use std::time::Duration;

use crate::bed::{Bed, containers, phase, text};
use crate::manifests::{pod, script};
use crate::waits::SOON;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_what_the_container_wrote() {
    let bed = Bed::new("logs").await;
    bed.apply(&pod("speaker", "logs", &script("echo one; echo two; echo three; sleep 3600")));
    bed.running("speaker").await;
    assert_eq!(bed.kubectl_ok(&["logs", "speaker"]), "one\ntwo\nthree\n");
    assert_eq!(bed.kubectl_ok(&["logs", "speaker", "--tail=1"]), "three\n");
    assert_eq!(bed.kubectl_ok(&["logs", "speaker", "--limit-bytes=5"]), "one\nt");
    let timed = bed.kubectl_ok(&["logs", "speaker", "--timestamps"]);
    for (line, word) in timed.lines().zip(["one", "two", "three"]) {
        let (time, said) = line.split_once(' ').unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert_eq!(said, word);
    }

    let nobody = bed.kubectl(&["logs", "speaker", "--container=nobody"]);
    assert!(!nobody.status.success());
    assert!(text(&nobody.stderr).contains("nobody"), "{}", text(&nobody.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_followed_log_has_every_line_once_in_order_and_ends_with_the_container() {
    let bed = Bed::new("follow").await;
    let lines = 40;
    bed.apply(&pod(
        "counter",
        "follow",
        &script(&format!("for i in $(seq 1 {lines}); do echo line $i; sleep 0.25; done")),
    ));
    bed.pod_that("counter", "runs", |pod| phase(pod) == "Running").await;

    let mut follow =
        bed.cluster.control_plane.kubectl(&["--namespace", "follow", "logs", "--follow", "counter"]);
    let follow = follow.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = tokio::time::timeout(SOON, tokio::task::spawn_blocking(|| follow.wait_with_output()));
    let output = output.await.expect("the followed log ends with the container").unwrap().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected: String = (1..=lines).map(|line| format!("line {line}\n")).collect();
    assert_eq!(text(&output.stdout), expected);

    let ended = bed
        .pod_within(Duration::from_secs(10), "counter", "has succeeded", |pod| phase(pod) == "Succeeded")
        .await;
    assert!(containers(&ended).all(|container| container.restart_count == 0));
}
