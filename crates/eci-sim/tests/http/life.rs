//! A group's life as a caller sees it, on the real clock.

use eci_sim::{Config, Settings, Stock, VSwitch};
use serde_json::{Value, json};

use crate::caller::{Caller, control, eventually, simulator, start};

#[tokio::test]
async fn a_group_runs_logs_and_is_deleted() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let id = caller.create("echo hello from $HOSTNAME; sleep 3600", &[]).await;
    let group = caller.until("it runs", |group| group["Status"] == "Running").await;
    assert_eq!(group["ContainerGroupId"], id.as_str());
    assert!(group["IntranetIp"].as_str().unwrap().starts_with("10.250."));
    let log =
        caller.ok("DescribeContainerLog", &[("ContainerGroupId", &id), ("ContainerName", "main")]).await;
    assert_eq!(log["Content"], "hello from web\n");
    caller.ok("DeleteContainerGroup", &[("ContainerGroupId", &id)]).await;
    eventually("it is gone", || async { caller.groups().await.is_empty().then_some(()) }).await;
    let reply = caller.call("DeleteContainerGroup", &[("ContainerGroupId", &id)]).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (404, "InvalidParameter.NotFound"));
}

#[tokio::test]
async fn a_job_ends_with_its_exit_code() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    caller.create("echo working; exit 3", &[("RestartPolicy", "Never")]).await;
    let group = caller.until("it fails", |group| group["Status"] == "Failed").await;
    assert_eq!(group["Containers"][0]["CurrentState"]["ExitCode"], 3);
    let status = caller.ok("DescribeContainerGroupStatus", &[]).await;
    let state = &status["Data"][0]["PodStatus"]["ContainerStatuses"][0]["State"];
    assert_eq!(state["Terminated"]["ExitCode"], 3);
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_in_strict_mode_and_ignored_otherwise() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let misspelt = [("Limits", "20")];
    let reply = caller.call("DescribeContainerGroups", &misspelt).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidParameter"));
    assert!(reply.json()["Message"].as_str().unwrap().contains("Limits"));
    control(simulator.address(), "POST", "settings", json!({"strict": false})).await;
    caller.ok("DescribeContainerGroups", &misspelt).await;
}

#[tokio::test]
async fn racing_creates_with_one_token_make_one_group() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let calls = (0..20).map(|_| {
        let caller = caller.clone();
        tokio::spawn(async move { caller.create("sleep 60", &[("ClientToken", "t")]).await })
    });
    let mut ids = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        ids.push(call.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(caller.groups().await.len(), 1);
}

#[tokio::test]
async fn stock_is_a_switch() {
    let settings = Settings { stock: Stock::Refused, ..Settings::default() };
    let simulator = start(Config { settings, ..Config::default() }).await;
    let caller = Caller::of(&simulator);
    let web = [("ContainerGroupName", "web"), ("Container.1.Name", "main"), ("Container.1.Image", "nginx")];
    let reply = caller.call("CreateContainerGroup", &web).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (403, "OperationDenied.NoStock"));
    control(simulator.address(), "POST", "settings", json!({"stock": "schedule-failed"})).await;
    caller.ok("CreateContainerGroup", &web).await;
    caller.until("it could not be placed", |group| group["Status"] == "ScheduleFailed").await;
}

#[tokio::test]
async fn settings_accounts_and_clock_change_while_it_runs() {
    let simulator = simulator().await;
    let address = simulator.address();
    let caller = Caller::of(&simulator);
    caller.create("sleep 7200", &[("RestartPolicy", "Never")]).await;
    control(address, "POST", "clock", json!({"advance_ms": 7_300_000})).await;
    let group = caller.groups().await[0].clone();
    assert_eq!(group["Status"], "Succeeded", "requests are still in time although the group is two hours on");
    let settings = control(address, "GET", "settings", Value::Null).await.json();
    assert_eq!(settings["schedule_ms"], 20);
    let refused = control(address, "POST", "settings", json!({"schedul_ms": 1})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("schedul_ms"));
    assert_eq!(control(address, "GET", "nothing", Value::Null).await.status, 404);
}

#[tokio::test]
async fn one_seed_repeats_its_ids() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let simulator = start(Config { seed: Some(7), ..Config::default() }).await;
        ids.push(Caller::of(&simulator).create("true", &[]).await);
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_group_goes_where_there_is_room_and_comes_back_from_spot() {
    let v_switch = |zone: &str| VSwitch { id: format!("vsw-{zone}"), zone: format!("cn-hangzhou-{zone}") };
    let settings = Settings { stock_retry_ms: 20, ..Settings::default() };
    let v_switches = ["a", "b"].map(v_switch).into();
    let simulator = start(Config { settings, v_switches, ..Config::default() }).await;
    let caller = Caller::of(&simulator);
    let rules = json!({"stock_rules": ["cn-hangzhou-a/*=0"]});
    assert_eq!(control(simulator.address(), "POST", "settings", rules).await.status, 200);
    let spot = [("VSwitchId", "vsw-a,vsw-b"), ("SpotStrategy", "SpotAsPriceGo"), ("AutoCreateEip", "true")];
    let id = caller.create("sleep 3600", &spot).await;
    let group = caller.until("it runs", |group| group["Status"] == "Running").await;
    assert_eq!((&group["ZoneId"], &group["VSwitchId"]), (&json!("cn-hangzhou-b"), &json!("vsw-b")));
    assert!(group["InternetIp"].as_str().unwrap().starts_with("198.18."));
    let path = format!("groups/{id}/reclaim");
    control(simulator.address(), "POST", &path, json!({"notice_ms": 10})).await;
    let group = caller.until("it is released", |group| group["Status"] == "Expired").await;
    assert_eq!(group["InternetIp"], "", "the EIP went with it");
}
