//! The process itself: settings, signals, restarts, probes.

use std::process::{Command, Output};

use vk_testkit::plain_http;
use vk_testkit::programs::Account;

use crate::bed::{Bed, group_of, program, text, uid};
use crate::manifests::{NGINX, pod};
use crate::waits::until;

/// `virtual-node run` with this environment alone, to its end.
fn run_with(settings: &[(&str, &str)], flags: &[&str]) -> Output {
    let mut command = Command::new(program("virtual-node"));
    command.arg("run").args(flags).env_clear().envs(settings.iter().copied());
    command.output().unwrap()
}

/// One line that names the setting, and the exit code that says whose turn it is.
fn assert_names(output: &Output, setting: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains(setting), "{said}");
    assert!(!said.contains("hush"), "{said}");
}

#[test]
fn a_missing_setting_ends_the_start_with_one_line_that_names_it() {
    let complete = [
        ("ECI_REGION", "cn-hangzhou"),
        ("ECI_VSWITCH", "vsw-1"),
        ("ECI_SECURITY_GROUP", "sg-1"),
        ("ECI_ACCESS_KEY", "key"),
        ("ECI_SECRET_KEY", "hush-secret"),
    ];
    for (missing, _) in complete {
        let rest: Vec<_> = complete.into_iter().filter(|(name, _)| *name != missing).collect();
        assert_names(&run_with(&rest, &[]), missing);
        let empty: Vec<_> =
            complete.map(|(name, value)| (name, if name == missing { "" } else { value })).into();
        assert_names(&run_with(&empty, &[]), missing);
    }
    for (flag, value, setting) in [
        ("--vswitch", "hush-pasted-here", "ECI_VSWITCH"),
        ("--kubelet-port", "many", "KUBELET_PORT"),
        ("--node-name", "Not_A_Name", "NODE_NAME"),
        ("--http-listen", "nowhere", "HTTP_LISTEN"),
    ] {
        assert_names(&run_with(&complete, &[flag, value]), setting);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_leaves_its_instances_and_the_next_one_takes_them_over() {
    let mut bed = Bed::new("restart").await;
    bed.apply(&pod("web", "restart", NGINX));
    let web = bed.running("web").await;

    assert!(bed.stop_node(), "SIGTERM ends the process with success");
    assert_eq!(bed.cloud.group_ids().await, [group_of(&web)]);
    assert!(bed.cloud.requests("DeleteContainerGroup").is_empty());

    // Bound while nobody runs: the next process finds one pod with a group and one without.
    bed.apply(&pod("meanwhile", "restart", NGINX));
    bed.start_node().await;
    bed.running("meanwhile").await;
    let adopted = bed.running("web").await;
    assert_eq!((uid(&adopted), group_of(&adopted)), (uid(&web), group_of(&web)));
    assert_eq!(bed.cloud.requests("CreateContainerGroup").len(), 2);

    bed.kill_node();
    bed.start_node().await;
    bed.kubectl_ok(&["delete", "pods", "--all"]);
    bed.no_group_left().await;
    assert_eq!(bed.cloud.requests("CreateContainerGroup").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_and_metrics_are_served() {
    let bed = Bed::new("probes").await;
    bed.apply(&pod("web", "probes", NGINX));
    bed.running("web").await;
    let http = bed.newest().ready().http;
    let get = |path| plain_http::request(http, "GET", path, "").unwrap();
    assert_eq!(get("/livez").status, 200);
    assert_eq!(get("/readyz").status, 200);
    let metrics = get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.body.contains("# TYPE") && metrics.body.trim_end().ends_with("# EOF"),
        "{}",
        metrics.body
    );
    assert!(!metrics.body.contains("hush"));
    assert_eq!(get("/pods").status, 404, "the plain port shows nothing of the kubelet API");
}

/// Logs in JSON are one object a line, from the first to the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_logs_are_json_to_the_last_line() {
    let bed = Bed::plan("json-logs").prepare().await;
    let mut command = bed.node_command();
    command.env("LOG_FORMAT", "json");
    let log = bed.file("json.log");
    let mut node = vk_testkit::programs::VirtualNode::start(command, &log).unwrap();
    bed.apply(&pod("web", "json-logs", NGINX));
    bed.running("web").await;
    assert!(node.process().stop(std::time::Duration::from_secs(30)).unwrap().success());
    let lines = std::fs::read_to_string(&log).unwrap();
    let mut objects = 0;
    for line in lines.lines().filter(|line| !line.starts_with("ready ")) {
        let object: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(object["level"].is_string() && object["timestamp"].is_string(), "{line}");
        objects += 1;
    }
    assert!(objects > 5, "{lines}");
    assert!(!lines.contains("hush"), "{lines}");
}

/// The cloud's name cannot be resolved here: only a proxy, which the simulator is for once, can lead there. The API server is
/// reached without one, though the variable says nothing of exceptions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cloud_is_reached_through_the_proxy_of_the_environment() {
    let bed = Bed::plan("proxy").prepare().await;
    let mut command = bed.node_command();
    command.env("ECI_ENDPOINT", "http://eci.cn-hangzhou.invalid").env("HTTP_PROXY", bed.cloud.endpoint());
    let mut node = vk_testkit::programs::VirtualNode::start(command, &bed.file("proxy.log")).unwrap();
    bed.apply(&pod("web", "proxy", NGINX));
    bed.running("web").await;
    assert!(node.process().stop(std::time::Duration::from_secs(30)).unwrap().success());
}

/// An environment meant for people must not decide which cluster a test or a demo talks to.
#[test]
fn the_programs_of_tests_get_nothing_of_the_surroundings() {
    let command = Account::default().virtual_node(Command::new("x"), "n");
    assert!(command.get_envs().all(|(name, _)| name != "KUBECONFIG"));
    assert!(text(&run_with(&[], &[]).stderr).contains("ECI_REGION"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_pod_stays_terminal_over_a_restart() {
    let mut bed = Bed::new("terminal").await;
    bed.apply(&pod("done", "terminal", &crate::manifests::script("exit 0")));
    bed.pod_that("done", "has succeeded", |pod| crate::bed::phase(pod) == "Succeeded").await;
    bed.kill_node();
    bed.start_node().await;
    bed.apply(&pod("web", "terminal", NGINX));
    bed.running("web").await;
    assert_eq!(crate::bed::phase(&bed.pod("done").await), "Succeeded");
    until("only one create each", async || match bed.cloud.requests("CreateContainerGroup").len() {
        2 => Ok(()),
        other => Err(format!("{other} creates")),
    })
    .await;
}
