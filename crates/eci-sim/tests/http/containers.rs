//! What containers do under the switches that concern them: commands, probes, pulls, mounts.

use eci_sim::{Config, NoneValues, Settings};
use serde_json::json;

use crate::caller::{Caller, control, eventually, simulator, start};

/// The output, or the code of the error.
async fn sync(caller: &Caller, id: &str, command: &str) -> String {
    let parameters =
        [("ContainerGroupId", id), ("ContainerName", "main"), ("Command", command), ("Sync", "true")];
    let reply = caller.call("ExecContainerCommand", &parameters).await.unwrap();
    reply.json()["SyncResponse"].as_str().map_or_else(|| reply.code(), str::to_owned)
}

#[tokio::test]
async fn a_command_under_sync_may_take_and_say_only_so_much() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let id = caller.create("sleep 3600", &[]).await;
    caller.until("it runs", |group| group["Status"] == "Running").await;
    assert_eq!(sync(&caller, &id, r#"["echo", "hello"]"#).await, "hello\n");
    control(simulator.address(), "POST", "settings", json!({"exec_sync_bytes": 2})).await;
    assert_eq!(sync(&caller, &id, r#"["echo", "hello"]"#).await, "he");
    control(simulator.address(), "POST", "settings", json!({"exec_sync_s": 1})).await;
    assert_eq!(sync(&caller, &id, r#"["sleep", "3600"]"#).await, "RequestTimeout");
    control(simulator.address(), "POST", "settings", json!({"exec_sync_s": 0})).await;
    assert_eq!(sync(&caller, &id, r#"["sleep", "1.5"]"#).await, "");
}

/// Under virtual time an hour's command takes an hour of that.
#[tokio::test]
async fn a_command_lives_by_the_time_of_its_container() {
    let settings = Settings { exec_sync_s: 7200, ..Settings::default() };
    let virtual_time = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let simulator = start(Config { settings, virtual_time, ..Config::default() }).await;
    let advance = |ms: u64| simulator.control("POST", "clock", &json!({"advance_ms": ms})).0;
    let caller = Caller::of(&simulator);
    let id = caller.create("sleep 86400", &[]).await;
    assert_eq!(advance(60_000), 200);
    for (command, expected) in
        [(r#"["sh", "-c", "sleep 3600; echo done"]"#, "done\n"), (r#"["sleep", "10000"]"#, "RequestTimeout")]
    {
        let answer = sync(&caller, &id, command);
        let moving = async {
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                assert_eq!(advance(60_000), 200);
            }
        };
        let answer = tokio::select! { answer = answer => answer, () = moving => unreachable!() };
        assert_eq!(answer, expected, "{command}");
    }
}

#[tokio::test]
async fn the_text_none_of_an_old_sdk_can_count_as_not_given() {
    let settings = Settings { none_values: NoneValues::Unset, ..Settings::default() };
    let simulator = start(Config { settings, ..Config::default() }).await;
    let caller = Caller { version_1: true, ..Caller::of(&simulator) };
    let mount = [
        ("Volume.1.Name", "tmp"),
        ("Volume.1.Type", "EmptyDirVolume"),
        ("Container.1.VolumeMount.1.Name", "tmp"),
        ("Container.1.VolumeMount.1.MountPath", "/tmp"),
        ("Container.1.VolumeMount.1.ReadOnly", "None"),
    ];
    caller.create("sleep 60", &mount).await;
    let group = caller.until("it runs", |group| group["Status"] == "Running").await;
    assert_eq!(group["Containers"][0]["VolumeMounts"][0]["ReadOnly"], false);
}

#[tokio::test]
async fn a_cache_that_one_group_made_serves_the_next() {
    let settings = Settings { build_ms: 20, ..Settings::default() };
    let simulator = start(Config { settings, ..Config::default() }).await;
    let caller = Caller::of(&simulator);
    let auto = [("AutoMatchImageCache", "true")];
    caller.create("sleep 60", &auto).await;
    eventually("the cache is built", || async {
        let found = caller.ok("DescribeImageCaches", &[("MatchImage.1", "busybox")]).await;
        (found["ImageCaches"][0]["Status"] == "Ready").then_some(())
    })
    .await;
    control(simulator.address(), "POST", "settings", json!({"pull_ms": 3_600_000})).await;
    let next = caller.create("sleep 60", &auto).await;
    caller
        .until("the next runs", |group| {
            group["ContainerGroupId"] == next.as_str() && group["Status"] == "Running"
        })
        .await;
}

#[tokio::test]
async fn a_container_whose_liveness_script_fails_is_restarted() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let probe = [
        ("Container.1.LivenessProbe.TcpSocket.Port", "80"),
        ("Container.1.LivenessProbe.PeriodSeconds", "1"),
        ("Container.1.LivenessProbe.FailureThreshold", "1"),
        ("Container.1.EnvironmentVar.1.Key", "ECI_SIM_LIVENESS"),
        ("Container.1.EnvironmentVar.1.Value", "[ $SECONDS -lt 600 ]"),
    ];
    caller.create("sleep 3600", &probe).await;
    caller.until("it runs", |group| group["Status"] == "Running").await;
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 700_000})).await;
    let group = caller.groups().await[0].clone();
    assert_eq!(group["Containers"][0]["RestartCount"], 1);
    assert_eq!(group["Containers"][0]["PreviousState"]["ExitCode"], 137);
}
