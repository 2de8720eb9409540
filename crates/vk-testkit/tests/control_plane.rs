//! Starts real control planes and looks at what a test relies on: that they work, stay apart and leave nothing.
//!
//! The first run builds the program (minutes), see `vk_testkit::control_plane::build`.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests themselves")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use vk_testkit::audit::{AuditLog, Write};
use vk_testkit::control_plane::{ControlPlane, Options};
use vk_testkit::wait::{wait_until, wait_until_seen};

const SOON: Duration = Duration::from_secs(60);

const NODE: &str = "
apiVersion: v1
kind: Node
metadata: {name: hand-made}
status:
  capacity: {cpu: '8', memory: 16Gi, pods: '10', ephemeral-storage: 10Gi}
  allocatable: {cpu: '8', memory: 16Gi, pods: '10', ephemeral-storage: 10Gi}
";

fn pod(name: &str, placement: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{{placement}, containers: [{{name: c, image: nginx}}]}}}}"
    )
}

fn start() -> ControlPlane {
    ControlPlane::start(Options::default()).unwrap()
}

/// Every process of which the command line names the folder; a zombie has no command line.
fn processes_of(dir: &Path) -> Vec<String> {
    let dir = dir.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let command_lines = entries.filter_map(|entry| fs::read_to_string(entry.join("cmdline")).ok());
    command_lines.filter(|line| line.contains(dir)).map(|line| line.replace('\0', " ")).collect()
}

fn wait_until_no_process_is_left(dir: &Path) {
    wait_until_seen("no process is left", SOON, || match processes_of(dir) {
        left if left.is_empty() => Ok(()),
        left => Err(left.join("\n")),
    })
    .unwrap();
}

#[test]
fn pods_reach_a_node_by_name_and_by_the_scheduler() {
    let cluster = start();
    cluster.kubectl_apply(NODE).unwrap();
    cluster.kubectl_apply(&pod("named", "nodeName: hand-made")).unwrap();
    cluster.kubectl_apply(&pod("scheduled", "tolerations: [{operator: Exists}]")).unwrap();
    for name in ["named", "scheduled"] {
        wait_until_seen(&format!("pod {name} is bound"), SOON, || {
            let pod = cluster.kubectl_json(&["get", "pod", name]).unwrap();
            if pod["spec"]["nodeName"] == "hand-made" { Ok(()) } else { Err(pod["status"].to_string()) }
        })
        .unwrap();
        let pod = cluster.kubectl_json(&["get", "pod", name]).unwrap();
        assert_eq!(pod["status"]["phase"], "Pending");
        // Service account admission is on: every default pod carries its token.
        assert!(pod["spec"]["volumes"][0]["projected"].is_object(), "{pod}");
    }
}

#[test]
fn the_api_server_comes_back_on_its_port_with_its_data() {
    let cluster = start();
    let server = cluster.server().to_owned();
    let first = cluster.pids().unwrap();
    cluster.kubectl_ok(&["create", "configmap", "kept", "--from-literal=a=b"]).unwrap();

    cluster.restart_apiserver().unwrap();
    cluster.stop_apiserver().unwrap();
    assert!(cluster.kubectl_ok(&["get", "configmap", "kept"]).is_err(), "a stopped API server answered");
    cluster.start_apiserver().unwrap();
    cluster.control("kill kube-apiserver").unwrap();
    cluster.start_apiserver().unwrap();

    let kept = cluster.kubectl_json(&["get", "configmap", "kept"]).unwrap();
    assert_eq!(kept["data"]["a"], "b");
    assert_eq!(cluster.server(), server);
    let second = cluster.pids().unwrap();
    assert_ne!(first["kube-apiserver"], second["kube-apiserver"]);
    assert_eq!(first["kube-controller-manager"], second["kube-controller-manager"]);
    // The controllers have found it again: the account of a new namespace is theirs to make.
    cluster.kubectl_ok(&["create", "namespace", "later"]).unwrap();
    wait_until("the namespace has a service account", SOON, || {
        cluster.kubectl_ok(&["get", "serviceaccount", "default", "--namespace", "later"]).ok()
    })
    .unwrap();
    assert!(cluster.control("restart kubelet").is_err(), "there is no such component");
}

#[test]
fn two_run_side_by_side_on_the_loopback_address_only() {
    let clusters = [start(), start()];
    assert_ne!(clusters[0].server(), clusters[1].server());
    clusters[0].kubectl_ok(&["create", "namespace", "only-here"]).unwrap();
    assert!(clusters[1].kubectl_ok(&["get", "namespace", "only-here"]).is_err());
    // A credential of one opens no door of the other.
    let foreign = clusters[0].kubeconfig().to_str().unwrap();
    let other = clusters[1].server();
    let ca = clusters[1].pki().join("ca.crt");
    let refused = clusters[1].kubectl_ok(&[
        "--kubeconfig",
        foreign,
        "--server",
        other,
        "--certificate-authority",
        ca.to_str().unwrap(),
        "get",
        "namespaces",
    ]);
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("Unauthorized") || text.contains("must be logged in"), "{text}");
    for cluster in &clusters {
        let listening: Vec<String> = cluster.pids().unwrap().values().copied().flat_map(listeners).collect();
        assert_eq!(listening.len(), 4, "one port for each component: {listening:?}");
        assert!(listening.iter().all(|address| address.starts_with("0100007F:")), "{listening:?}");
    }
}

/// The local addresses, as the kernel writes them, on which a process listens (TCP) or receives (UDP).
fn listeners(pid: u32) -> Vec<String> {
    let proc = PathBuf::from(format!("/proc/{pid}"));
    let links =
        fs::read_dir(proc.join("fd")).unwrap().filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
    let sockets: BTreeSet<String> = links.map(|link| link.to_string_lossy().into_owned()).collect();
    let mut found = Vec::new();
    for (table, state) in [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")] {
        let text = fs::read_to_string(proc.join("net").join(table)).unwrap_or_default();
        let rows = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
        let ours = rows.filter(|row| row[3] == state && sockets.contains(&format!("socket:[{}]", row[9])));
        found.extend(ours.map(|row| row[1].to_owned()));
    }
    found
}

#[test]
fn nothing_is_left_when_it_is_dropped() {
    let cluster = start();
    let dir = cluster.dir().to_path_buf();
    assert_eq!(processes_of(&dir).len(), 5, "the supervisor and four components");
    drop(cluster);
    assert_eq!(processes_of(&dir), [""; 0]);
    assert!(!dir.exists());
}

#[test]
fn nothing_is_left_when_the_supervisor_is_killed() {
    let cluster = start();
    let dir = cluster.dir().to_path_buf();
    let supervisor = cluster.pids().unwrap()["supervise"].to_string();
    assert!(Command::new("kill").args(["-9", &supervisor]).status().unwrap().success());
    wait_until_no_process_is_left(&dir);
    drop(cluster);
    assert!(!dir.exists());
}

#[test]
fn a_component_that_can_not_start_is_named_with_its_own_words() {
    let options = Options { apiserver_args: vec!["--no-such-flag".into()], ..Options::default() };
    let text = ControlPlane::start(options).unwrap_err().to_string();
    assert!(text.contains("kube-apiserver ended") && text.contains("no-such-flag"), "{text}");
}

#[test]
fn a_detached_one_is_found_again_and_can_be_shut_down() {
    let program = vk_testkit::control_plane::build(&mut |_| ()).unwrap();
    let dir = std::env::temp_dir().join(format!("vk-testkit-detached-{}", std::process::id()));
    drop(ControlPlane::start_detached(&program, &dir, &Options::default()).unwrap());

    let found = ControlPlane::attach(&dir).unwrap().expect("it lives on");
    assert!(found.kubectl_ok(&["get", "--raw", "/readyz"]).unwrap().contains("ok"));
    found.shutdown().unwrap();
    wait_until_no_process_is_left(&dir);
    assert!(ControlPlane::attach(&dir).unwrap().is_none());
    assert!(!dir.exists());
}

#[test]
fn a_service_account_has_its_own_rights_and_its_writes_are_counted() {
    let cluster = start();
    let kubectl = cluster.kubectl(&["version"]);
    assert!(kubectl.get_envs().any(|(name, value)| name == "KUBECONFIG" && value.is_none()));

    cluster.kubectl_ok(&["create", "serviceaccount", "writer"]).unwrap();
    let kubeconfig = cluster.service_account_kubeconfig("default", "writer").unwrap();
    let as_writer =
        |args: &[&str]| cluster.kubectl_ok(&[&["--kubeconfig", kubeconfig.to_str().unwrap()], args].concat());
    let log = AuditLog::from_now(cluster.audit_log()).unwrap();
    let refused = as_writer(&["create", "configmap", "a"]).unwrap_err().to_string();
    assert!(refused.contains("Forbidden") || refused.contains("forbidden"), "{refused}");
    cluster
        .kubectl_ok(&[
            "create",
            "rolebinding",
            "writer",
            "--clusterrole=edit",
            "--serviceaccount=default:writer",
        ])
        .unwrap();
    // RBAC learns of a binding through a watch of its own.
    wait_until("the binding takes effect", SOON, || {
        as_writer(&["auth", "can-i", "create", "configmaps"]).ok()
    })
    .unwrap();
    as_writer(&["create", "configmap", "a"]).unwrap();

    let write = Write {
        user: "system:serviceaccount:default:writer".into(),
        verb: "create".into(),
        resource: "configmaps".into(),
        subresource: String::new(),
    };
    wait_until_seen("both attempts are logged", SOON, || {
        let writes = log.writes().unwrap();
        if writes.get(&write) == Some(&2) { Ok(()) } else { Err(format!("{writes:?}")) }
    })
    .unwrap();
    let codes: Vec<u16> = log
        .requests()
        .unwrap()
        .iter()
        .filter(|request| request.user == write.user && request.resource == "configmaps")
        .map(|request| request.code)
        .collect();
    assert_eq!(codes, [403, 201]);
}
