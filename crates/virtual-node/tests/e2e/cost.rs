//! What a pod costs, measured: calls to the cloud and writes to the API server, from apply to gone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use vk_testkit::audit::AuditedRequest;
use vk_testkit::wait::Stopwatch;

use crate::bed::{Bed, NODE_USER, is_running};
use crate::manifests::{NGINX, pod, several};
use crate::waits::within;

const PODS: usize = 100;
/// Calls of the cloud a pod may cost, polls that all pods share apart.
const CALLS_A_POD: f64 = 2.1;
/// Status patches a pod may cost.
const STATUS_WRITES_A_POD: f64 = 3.0;
/// Asked for all pods together, however many they are.
const SHARED_POLLS: [&str; 2] = ["DescribeContainerGroupStatus", "DescribeContainerGroups"];
const LONG: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pods_life_costs_two_calls_and_three_status_writes() {
    let bed = Bed::new("cost").await;
    let before = bed.cloud.counts();
    let watch = Stopwatch::start();
    bed.apply(&several(&(0..PODS).map(|n| pod(&format!("pod-{n}"), "cost", NGINX)).collect::<Vec<_>>()));
    within(LONG, "all pods run", async || {
        let running = bed.all_pods().await.iter().filter(|pod| is_running(pod)).count();
        if running == PODS { Ok(()) } else { Err(format!("{running} run")) }
    })
    .await;
    let running_after = watch.elapsed();
    bed.kubectl_ok(&["delete", "pods", "--all", "--wait=false"]);
    within(LONG, "all pods are gone", async || match bed.all_pods().await.len() {
        0 => Ok(()),
        left => Err(format!("{left} left")),
    })
    .await;
    let calls = difference(&bed.cloud.counts(), &before);
    assert_eq!(bed.cloud.group_ids().await, [""; 0]);
    let writes = writes(&bed.audit.requests().unwrap());

    let report = report(&calls, &writes, running_after, watch.elapsed());
    // Past libtest, which would hold it back: the figures belong to the run's output.
    let _ = std::io::stderr().write_all(report.as_bytes());
    let own: u64 = calls.iter().filter(|(action, _)| !is_shared(action)).map(|(_, count)| count).sum();
    let status = writes.get("patch pods/status").copied().unwrap_or_default();
    assert!(a_pod(own) <= CALLS_A_POD, "{report}");
    assert!(a_pod(status) <= STATUS_WRITES_A_POD, "{report}");
    assert!(
        calls["CreateContainerGroup"] >= PODS as u64 && status >= PODS as u64,
        "nothing was counted\n{report}"
    );
}

fn is_shared(action: &str) -> bool {
    SHARED_POLLS.contains(&action)
}

fn difference(now: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    now.iter().map(|(action, count)| (action.clone(), count - before.get(action).unwrap_or(&0))).collect()
}

/// Writes of the virtual node that concern this test's pods, by kind; other tests share its service account.
fn writes(requests: &[AuditedRequest]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let own = requests.iter().filter(|request| request.user == NODE_USER && request.is_write());
    for request in own.filter(|request| request.namespace == "cost" || request.name == "cost") {
        let AuditedRequest { verb, resource, subresource, .. } = request;
        let slash = if subresource.is_empty() { "" } else { "/" };
        *counts.entry(format!("{verb} {resource}{slash}{subresource}")).or_default() += 1;
    }
    counts
}

#[allow(clippy::cast_precision_loss, reason = "counts of a hundred pods are small numbers")]
fn a_pod(count: u64) -> f64 {
    count as f64 / PODS as f64
}

fn report(
    calls: &BTreeMap<String, u64>,
    writes: &BTreeMap<String, u64>,
    running: Duration,
    gone: Duration,
) -> String {
    let mut text = format!(
        "\ncost of a pod, over {PODS} pods (all Running after {:.1} s, all gone after {:.1} s)\n",
        running.as_secs_f32(),
        gone.as_secs_f32()
    );
    let mut section = |title: &str, rows: Vec<(&String, &u64)>| {
        let _ = writeln!(text, "  {title}");
        let sum: u64 = rows.iter().map(|(_, count)| **count).sum();
        for (name, count) in rows {
            let _ = writeln!(text, "    {name:<40} {count:>6}   {:>6.2} a pod", a_pod(*count));
        }
        let _ = writeln!(text, "    {:<40} {sum:>6}   {:>6.2} a pod", "together", a_pod(sum));
    };
    section("calls to ECI", calls.iter().filter(|(action, _)| !is_shared(action)).collect());
    section(
        "calls to ECI shared by all pods",
        calls.iter().filter(|(action, _)| is_shared(action)).collect(),
    );
    section("writes of the virtual node to the API server", writes.iter().collect());
    text
}
