//! Probes and hooks of every kind, and the order of init containers.

use eci_sim::Settings;
use serde_json::Value;

use crate::caller::{Caller, eventually};
use crate::machine::{create, is_running, log_with, simulator, until};

const WAIT: &str = "trap 'exit 0' TERM; while true; do sleep 0.1; done";

#[tokio::test(flavor = "multi_thread")]
async fn readiness_comes_and_goes_by_http_by_tcp_and_by_command() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let http =
        "mkdir /www; httpd -p 80 -h /www; sleep 1; echo ok > /www/health; while true; do sleep 0.1; done";
    let tcp = "sleep 1; httpd -p 81 -h /; while true; do sleep 0.1; done";
    let command = "touch /tmp/ready; sleep 2; rm /tmp/ready; while true; do sleep 0.1; done";
    let more = [
        ("TerminationGracePeriodSeconds", "1"),
        ("Container.1.ReadinessProbe.HttpGet.Port", "80"),
        ("Container.1.ReadinessProbe.HttpGet.Path", "/health"),
        ("Container.1.ReadinessProbe.PeriodSeconds", "1"),
        ("Container.2.ReadinessProbe.TcpSocket.Port", "81"),
        ("Container.2.ReadinessProbe.PeriodSeconds", "1"),
        ("Container.3.ReadinessProbe.Exec.Command.1", "cat"),
        ("Container.3.ReadinessProbe.Exec.Command.2", "/tmp/ready"),
        ("Container.3.ReadinessProbe.PeriodSeconds", "1"),
        ("Container.3.ReadinessProbe.FailureThreshold", "1"),
    ];
    let id = create(&caller, &[("http", http), ("tcp", tcp), ("command", command)], &more).await;
    let is_ready = |group: &Value, index: usize| group["Containers"][index]["Ready"] == true;
    until(&caller, &id, "a file that is there", |group| is_ready(group, 2)).await;
    until(&caller, &id, "an answer and a port", |group| is_ready(group, 0) && is_ready(group, 1)).await;
    let group = until(&caller, &id, "a file that has gone", |group| !is_ready(group, 2)).await;
    assert_eq!(group["Containers"][2]["RestartCount"], 0, "readiness restarts nothing");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn init_containers_run_one_after_another_and_hooks_over_http() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let init = |number: &'static str, script: &'static str| {
        let path = |rest: &str| format!("InitContainer.{number}.{rest}");
        [
            (path("Name"), format!("init-{number}")),
            (path("Image"), "busybox".to_owned()),
            (path("Command.1"), "sh".to_owned()),
            (path("Command.2"), "-c".to_owned()),
            (path("Command.3"), script.to_owned()),
            (path("VolumeMount.1.Name"), "order".to_owned()),
            (path("VolumeMount.1.MountPath"), "/order".to_owned()),
        ]
    };
    let inits = [init("1", "sleep 1; echo one >> /order/log"), init("2", "echo two >> /order/log")].concat();
    let inits: Vec<(&str, &str)> =
        inits.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let more = [
        ("Volume.1.Name", "order"),
        ("Volume.1.Type", "EmptyDirVolume"),
        ("Container.1.VolumeMount.1.Name", "order"),
        ("Container.1.VolumeMount.1.MountPath", "/order"),
        ("Container.2.LifecyclePreStopHandlerHttpGetPort", "80"),
        ("Container.2.LifecyclePreStopHandlerHttpGetPath", "/cgi-bin/bye"),
    ];
    let serve = "mkdir -p /www/cgi-bin; printf '#!/bin/sh\\necho goodbye > /proc/1/fd/1; echo; echo ok\\n' \
                 > /www/cgi-bin/bye; chmod +x /www/cgi-bin/bye; httpd -p 80 -h /www; echo serving; \
                 trap 'echo asked; sleep 0.3; exit 0' TERM; while true; do sleep 0.1; done";
    let first = format!("cat /order/log; {WAIT}");
    let id = create(&caller, &[("main", &first), ("web", serve)], &[&more[..], &inits].concat()).await;
    until(&caller, &id, "running", is_running).await;
    assert_eq!(log_with(&caller, &id, "main", "two").await, "one\ntwo\n");
    log_with(&caller, &id, "web", "serving").await;
    simulator.control("POST", "settings", &serde_json::json!({"delete_visible_ms": 5_000}));
    caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &id)]).await;
    assert_eq!(log_with(&caller, &id, "web", "asked").await, "serving\ngoodbye\nasked\n");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_end_in_time_is_killed() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let stubborn = "trap 'echo not yet' TERM; echo up; while true; do sleep 0.1; done";
    let id = create(&caller, &[("main", stubborn)], &[("TerminationGracePeriodSeconds", "1")]).await;
    log_with(&caller, &id, "main", "up").await;
    simulator.control("POST", "settings", &serde_json::json!({"delete_visible_ms": 60_000}));
    caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &id)]).await;
    log_with(&caller, &id, "main", "not yet").await;
    let killed = |group: &Value| group["Containers"][0]["CurrentState"]["ExitCode"] == 137;
    until(&caller, &id, "a killed container", killed).await;
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_takes_too_long_leaves_no_process_in_its_container() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let more = [
        ("Container.1.ReadinessProbe.Exec.Command.1", "sh"),
        ("Container.1.ReadinessProbe.Exec.Command.2", "-c"),
        ("Container.1.ReadinessProbe.Exec.Command.3", "sleep 1000; true"),
        ("Container.1.ReadinessProbe.TimeoutSeconds", "1"),
        ("Container.1.ReadinessProbe.PeriodSeconds", "1"),
    ];
    let id = create(&caller, &[("main", WAIT)], &more).await;
    eventually("three probes that took too long", || async {
        let reply = caller.ok("DescribeContainerGroups", &[("WithEvent", "true")]).await;
        let events = reply["ContainerGroups"][0]["Events"].as_array().cloned().unwrap_or_default();
        let failed = events.iter().filter(|event| event["Reason"] == "Unhealthy");
        let times: u64 = failed.filter_map(|event| event["Count"].as_u64()).sum();
        (times >= 3).then_some(())
    })
    .await;
    let count = [
        ("ContainerGroupId", id.as_str()),
        ("ContainerName", "main"),
        ("Command", r#"["sh", "-c", "ps | grep -c '[s]leep 1000'"]"#),
        ("Sync", "true"),
    ];
    let reply = caller.ok("ExecContainerCommand", &count).await;
    let count: u32 = reply["SyncResponse"].as_str().unwrap().trim().parse().unwrap();
    // The shell and what it waits for, of the probe under way.
    assert!(count <= 2, "{count} processes");
    simulator.shutdown().await;
}

/// The reasons of a group's events.
async fn reasons(caller: &Caller) -> Vec<String> {
    let reply = caller.ok("DescribeContainerGroups", &[("WithEvent", "true")]).await;
    let events = reply["ContainerGroups"][0]["Events"].as_array().cloned().unwrap_or_default();
    events.iter().map(|event| event["Reason"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liveness_that_fails_by_http_or_by_tcp_restarts_only_its_container() {
    let simulator = simulator(Settings { backoff_base_ms: 200, ..Settings::default() }).await;
    let caller = Caller::of(&simulator);
    let http = "mkdir /www; echo ok > /www/health; httpd -p 80 -h /www; sleep 2; rm /www/health; \
                while true; do sleep 0.1; done";
    let tcp = "httpd -f -p 81 -h / & sleep 2; kill $!; while true; do sleep 0.1; done";
    let well = "mkdir /www; echo ok > /www/health; httpd -p 82 -h /www; while true; do sleep 0.1; done";
    let more = [
        ("TerminationGracePeriodSeconds", "1"),
        ("Container.1.LivenessProbe.HttpGet.Port", "80"),
        ("Container.1.LivenessProbe.HttpGet.Path", "/health"),
        ("Container.1.LivenessProbe.InitialDelaySeconds", "1"),
        ("Container.1.LivenessProbe.PeriodSeconds", "1"),
        ("Container.1.LivenessProbe.FailureThreshold", "2"),
        ("Container.2.LivenessProbe.TcpSocket.Port", "81"),
        ("Container.2.LivenessProbe.InitialDelaySeconds", "1"),
        ("Container.2.LivenessProbe.PeriodSeconds", "1"),
        ("Container.2.LivenessProbe.FailureThreshold", "2"),
        ("Container.3.LivenessProbe.HttpGet.Port", "82"),
        ("Container.3.LivenessProbe.HttpGet.Path", "/health"),
        ("Container.3.LivenessProbe.InitialDelaySeconds", "1"),
        ("Container.3.LivenessProbe.PeriodSeconds", "1"),
    ];
    let id = create(&caller, &[("http", http), ("tcp", tcp), ("well", well)], &more).await;
    let restarts =
        |group: &Value, index: usize| group["Containers"][index]["RestartCount"].as_u64().unwrap_or(0);
    let both = |group: &Value| restarts(group, 0) > 0 && restarts(group, 1) > 0;
    let group = until(&caller, &id, "two restarts", both).await;
    assert_eq!(restarts(&group, 2), 0, "{group}");
    let last = &group["Containers"][0]["PreviousState"];
    assert_eq!((&last["State"], &last["ExitCode"]), (&"Terminated".into(), &137.into()), "{last}");
    let reasons = reasons(&caller).await;
    assert!(["Unhealthy", "Killing"].iter().all(|reason| reasons.iter().any(|r| r == reason)), "{reasons:?}");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_start_hook_over_http_or_by_command_that_fails_restarts_its_container_until_it_succeeds() {
    let simulator = simulator(Settings { backoff_base_ms: 200, ..Settings::default() }).await;
    let caller = Caller::of(&simulator);
    let serve = "mkdir -p /www/cgi-bin; printf '#!/bin/sh\\necho greeted > /proc/1/fd/1; echo; echo ok\\n' \
                 > /www/cgi-bin/hello; chmod +x /www/cgi-bin/hello; sleep 2; httpd -p 80 -h /www; \
                 trap 'exit 0' TERM; while true; do sleep 0.1; done";
    let more = [
        ("TerminationGracePeriodSeconds", "1"),
        ("Volume.1.Name", "shared"),
        ("Volume.1.Type", "EmptyDirVolume"),
        ("Container.2.LifecyclePostStartHandlerHttpGetPort", "80"),
        ("Container.2.LifecyclePostStartHandlerHttpGetPath", "/cgi-bin/hello"),
        ("Container.3.VolumeMount.1.Name", "shared"),
        ("Container.3.VolumeMount.1.MountPath", "/shared"),
        ("Container.3.LifecyclePostStartHandlerExec.1", "sh"),
        ("Container.3.LifecyclePostStartHandlerExec.2", "-c"),
        (
            "Container.3.LifecyclePostStartHandlerExec.3",
            "echo x >> /shared/tries; [ $(grep -c x /shared/tries) -gt 1 ]",
        ),
    ];
    let scripts = [("server", serve), ("client", WAIT), ("command", WAIT)];
    let id = create(&caller, &scripts, &more).await;
    let log = log_with(&caller, &id, "server", "greeted").await;
    assert_eq!(log, "greeted\n", "it succeeds once, and is not asked again");
    let settled = |group: &Value| {
        let of = |index: usize| {
            let container = &group["Containers"][index];
            container["CurrentState"]["State"] == "Running" && container["RestartCount"].as_u64() > Some(0)
        };
        of(1) && of(2)
    };
    let group = until(&caller, &id, "both run after a restart", settled).await;
    assert_eq!(group["Containers"][2]["RestartCount"], 1, "the second try of the command succeeds");
    assert!(reasons(&caller).await.contains(&"FailedPostStartHook".to_owned()));
    simulator.shutdown().await;
}
