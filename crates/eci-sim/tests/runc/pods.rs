//! Groups of real processes: network, files, exits, probes, hooks, signals.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eci_sim::Settings;

use crate::caller::{Caller, eventually};
use crate::machine::{create, is_running, log, log_with, output, simulator, until};

const NEVER: (&str, &str) = ("RestartPolicy", "Never");

#[tokio::test(flavor = "multi_thread")]
async fn two_containers_serve_http_to_another_group_by_address() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let serve =
        "mkdir /tmp/www; echo hello from $WHO > /tmp/www/index.html; exec httpd -f -p $PORT -h /tmp/www";
    let variables = [
        ("Container.1.EnvironmentVar.1.Key", "WHO"),
        ("Container.1.EnvironmentVar.1.Value", "one"),
        ("Container.1.EnvironmentVar.2.Key", "PORT"),
        ("Container.1.EnvironmentVar.2.Value", "80"),
        ("Container.2.EnvironmentVar.1.Key", "WHO"),
        ("Container.2.EnvironmentVar.1.Value", "two"),
        ("Container.2.EnvironmentVar.2.Key", "PORT"),
        ("Container.2.EnvironmentVar.2.Value", "8080"),
        ("Container.1.ReadinessProbe.HttpGet.Port", "80"),
        ("Container.1.ReadinessProbe.HttpGet.Path", "/"),
        ("Container.1.ReadinessProbe.PeriodSeconds", "1"),
    ];
    let server = create(&caller, &[("a", serve), ("b", serve)], &variables).await;
    let ready = |group: &serde_json::Value| group["Containers"][0]["Ready"] == true && is_running(group);
    let group = until(&caller, &server, "a ready server", ready).await;
    let address = group["IntranetIp"].as_str().unwrap();
    let fetch = format!("for port in 80 8080; do wget -q -O - http://{address}:$port/ || exit 1; done");
    let client = create(&caller, &[("main", &fetch)], &[NEVER]).await;
    until(&caller, &client, "a client that succeeds", |group| group["Status"] == "Succeeded").await;
    assert_eq!(log(&caller, &client, "main").await, "hello from one\nhello from two\n");
    // This machine reaches the group as well.
    let page = output("busybox", &["wget", "-q", "-O", "-", &format!("http://{address}:80/")]);
    assert_eq!(page, "hello from one\n");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_finds_its_files_names_user_and_directory() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let script = "pwd; id -u; id -g; cat /etc/app/sub/app.ini; stat -c %a /etc/app/sub/app.ini; hostname; \
                  grep db.example /etc/hosts; cat /etc/resolv.conf; cat /shared/note; \
                  grep CapBnd /proc/self/status; cat /proc/mounts | grep -c /etc/hosts; echo err >&2; exit 0";
    let content = STANDARD.encode("key=value\n");
    let more = [
        NEVER,
        ("HostName", "box"),
        ("HostAliase.1.Ip", "10.1.1.1"),
        ("HostAliase.1.Hostname.1", "db.example"),
        ("DnsConfig.NameServer.1", "10.9.9.9"),
        ("DnsConfig.Search.1", "svc.local"),
        ("Container.1.WorkingDir", "/tmp"),
        ("Container.1.SecurityContext.RunAsUser", "1234"),
        ("Container.1.SecurityContextRunAsGroup", "99"),
        ("Volume.1.Name", "conf"),
        ("Volume.1.Type", "ConfigFileVolume"),
        ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "sub/app.ini"),
        ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", &content),
        ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Mode", "0444"),
        ("Volume.2.Name", "shared"),
        ("Volume.2.Type", "EmptyDirVolume"),
        ("Container.1.VolumeMount.1.Name", "conf"),
        ("Container.1.VolumeMount.1.MountPath", "/etc/app"),
        ("Container.1.VolumeMount.2.Name", "shared"),
        ("Container.1.VolumeMount.2.MountPath", "/shared"),
        ("InitContainer.1.Name", "first"),
        ("InitContainer.1.Image", "busybox"),
        ("InitContainer.1.Command.1", "sh"),
        ("InitContainer.1.Command.2", "-c"),
        ("InitContainer.1.Command.3", "echo from init > /shared/note"),
        ("InitContainer.1.VolumeMount.1.Name", "shared"),
        ("InitContainer.1.VolumeMount.1.MountPath", "/shared"),
    ];
    let id = create(&caller, &[("main", script)], &more).await;
    until(&caller, &id, "success", |group| group["Status"] == "Succeeded").await;
    let text = log(&caller, &id, "main").await;
    let mut lines: Vec<&str> = text.lines().collect();
    // The two outputs are two pipes: which of them is read first is nobody's promise.
    let err = lines.iter().position(|line| *line == "err").map(|at| lines.remove(at));
    assert_eq!(err, Some("err"), "{text}");
    assert_eq!(lines[..6], ["/tmp", "1234", "99", "key=value", "444", "box"], "{text}");
    for expected in ["10.1.1.1\tdb.example", "nameserver 10.9.9.9", "search svc.local", "from init"] {
        assert!(lines.contains(&expected), "{expected}: {text}");
    }
    assert!(lines.contains(&"CapBnd:\t00000000a80425fb"), "{text}");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_has_its_code_signal_message_and_reason() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let hog = "x=a; while true; do x=$x$x; done";
    let scripts = [
        ("code", "echo out of luck > /dev/termination-log; exit 3"),
        ("signal", "kill -9 $$"),
        ("logged", "echo the last words; exit 1"),
        ("hog", hog),
    ];
    let more = [
        NEVER,
        ("Container.3.TerminationMessagePolicy", "FallbackToLogsOnError"),
        ("Container.4.Memory", "0.03125"),
        ("Cpu", "1"),
        ("Memory", "2"),
    ];
    let id = create(&caller, &scripts, &more).await;
    let group = until(&caller, &id, "failure", |group| group["Status"] == "Failed").await;
    let state = |index: usize| &group["Containers"][index]["CurrentState"];
    assert_eq!((&state(0)["ExitCode"], &state(0)["Message"]), (&3.into(), &"out of luck\n".into()));
    // A shell as the first process of its namespace cannot kill itself with 9; the exit code is its own.
    assert_eq!(state(2)["Message"], "the last words");
    assert_eq!(
        (&state(3)["ExitCode"], &state(3)["Reason"]),
        (&137.into(), &"OOMKilled".into()),
        "{}",
        state(3)
    );
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_no_more_memory_than_it_was_asked_with() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let hog = "x=a; while true; do x=$x$x; done";
    let id = create(&caller, &[("hog", hog)], &[NEVER, ("Cpu", "0.25"), ("Memory", "0.5")]).await;
    until(&caller, &id, "failure", |group| group["Status"] == "Failed").await;
    let reply = caller.ok("DescribeContainerGroups", &[("WithEvent", "true")]).await;
    let group = &reply["ContainerGroups"][0];
    assert_eq!(group["Containers"][0]["CurrentState"]["Reason"], "OOMKilled");
    let events = group["Events"].as_array().unwrap();
    assert!(events.iter().any(|event| event["Reason"] == "OOMKilled"), "{events:?}");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_is_asked_to_end_when_the_others_have() {
    let simulator = simulator(Settings::default()).await;
    let caller = Caller::of(&simulator);
    let sidecar = "trap 'echo bye; exit 3' TERM; echo up; while true; do sleep 0.1; done";
    let more = [
        NEVER,
        ("Container.2.EnvironmentVar.1.Key", "ECI_CONTAINER_TYPE"),
        ("Container.2.EnvironmentVar.1.Value", "sidecar"),
    ];
    let id = create(&caller, &[("main", "sleep 2"), ("side", sidecar)], &more).await;
    let group = until(&caller, &id, "success", |group| group["Status"] == "Succeeded").await;
    assert_eq!(group["Containers"][1]["CurrentState"]["ExitCode"], 3, "what it ended with");
    assert_eq!(log_with(&caller, &id, "side", "bye").await, "up\nbye\n");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_or_a_program_that_is_not_there_fails_as_it_does_in_the_cloud() {
    let simulator = simulator(Settings { pull_ms: 20, ..Settings::default() }).await;
    let caller = Caller::of(&simulator);
    let missing = [("Container.1.Image", "registry.example/team/app:1.0")];
    let mut parameters: Vec<(&str, &str)> = vec![("ContainerGroupName", "web"), ("Container.1.Name", "main")];
    parameters.extend(missing);
    let reply = caller.ok("CreateContainerGroup", &parameters).await;
    let id = reply["ContainerGroupId"].as_str().unwrap();
    let reason = |group: &serde_json::Value| group["Containers"][0]["CurrentState"]["Reason"].clone();
    until(&caller, id, "a failed pull", |group| {
        ["ErrImagePull", "ImagePullBackOff"].contains(&reason(group).as_str().unwrap_or_default())
    })
    .await;
    let program = [
        ("ContainerGroupName", "web"),
        ("RestartPolicy", "Never"),
        ("Container.1.Name", "main"),
        ("Container.1.Image", "docker.io/library/busybox:1.36"),
        ("Container.1.Command.1", "/no/such/program"),
    ];
    let reply = caller.ok("CreateContainerGroup", &program).await;
    let id = reply["ContainerGroupId"].as_str().unwrap();
    let group = until(&caller, id, "a failed start", |group| group["Status"] == "Failed").await;
    let state = &group["Containers"][0]["CurrentState"];
    assert_eq!((&state["ExitCode"], &state["Reason"]), (&128.into(), &"StartError".into()));
    assert!(state["Message"].as_str().unwrap().contains("no such file"), "{state}");
    let groups =
        caller.ok("DescribeContainerGroups", &[("WithEvent", "true")]).await["ContainerGroups"].clone();
    let group = groups.as_array().unwrap().iter().find(|group| group["ContainerGroupId"] == id).unwrap();
    let told =
        |reason: &str| group["Events"].as_array().unwrap().iter().any(|event| event["Reason"] == reason);
    assert!(told("Failed") && !told("Started"), "{}", group["Events"]);
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liveness_failure_restarts_with_back_off() {
    let simulator = simulator(Settings { backoff_base_ms: 300, ..Settings::default() }).await;
    let caller = Caller::of(&simulator);
    let script = "touch /tmp/alive; echo started; sleep 1; rm /tmp/alive; sleep 3600";
    let more = [
        ("TerminationGracePeriodSeconds", "1"),
        ("Container.1.LivenessProbe.Exec.Command.1", "cat"),
        ("Container.1.LivenessProbe.Exec.Command.2", "/tmp/alive"),
        ("Container.1.LivenessProbe.PeriodSeconds", "1"),
        ("Container.1.LivenessProbe.FailureThreshold", "1"),
        ("Container.1.LifecyclePostStartHandlerExec.1", "touch"),
        ("Container.1.LifecyclePostStartHandlerExec.2", "/tmp/hooked"),
    ];
    let id = create(&caller, &[("main", script)], &more).await;
    let waits = |group: &serde_json::Value| {
        group["Containers"][0]["CurrentState"]["Reason"] == "CrashLoopBackOff"
            && group["Containers"][0]["RestartCount"].as_u64() >= Some(1)
    };
    until(&caller, &id, "a back-off", waits).await;
    let restarted = |group: &serde_json::Value| group["Containers"][0]["RestartCount"].as_u64() >= Some(2);
    until(&caller, &id, "a second restart", restarted).await;
    let with_events = || async {
        let reply = caller.ok("DescribeContainerGroups", &[("WithEvent", "true")]).await;
        let events = reply["ContainerGroups"][0]["Events"].as_array()?.clone();
        let has = |reason: &str| events.iter().any(|event| event["Reason"] == reason);
        (has("Unhealthy") && has("Killing") && has("BackOff")).then_some(())
    };
    eventually("events that tell of it", with_events).await;
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_runs_the_hook_and_gives_time_to_end() {
    let simulator = simulator(Settings { delete_visible_ms: 2_000, ..Settings::default() }).await;
    let caller = Caller::of(&simulator);
    let script = "trap 'echo asked to end; sleep 0.3; echo ended; exit 0' TERM; echo ready; while true; do sleep 0.1; done";
    let hook = [
        ("Container.1.LifecyclePreStopHandlerExec.1", "sh"),
        ("Container.1.LifecyclePreStopHandlerExec.2", "-c"),
        ("Container.1.LifecyclePreStopHandlerExec.3", "echo from the hook > /proc/1/fd/1"),
    ];
    let id = create(&caller, &[("main", script)], &hook).await;
    log_with(&caller, &id, "main", "ready").await;
    // The settings of these tests make a deleted group vanish at once; its log is wanted here.
    simulator.control("POST", "settings", &serde_json::json!({"delete_visible_ms": 5_000}));
    caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &id)]).await;
    let text = log_with(&caller, &id, "main", "ended").await;
    assert_eq!(text, "ready\nfrom the hook\nasked to end\nended\n");
    let gone = || async { caller.groups().await.is_empty().then_some(()) };
    eventually("a group that is gone", gone).await;
    let left = || async { (!output("ip", &["netns", "list"]).contains(&id)).then_some(()) };
    eventually("no namespace", left).await;
    simulator.shutdown().await;
}
