//! What the simulator tells about the requests it got.

use eci_sim::Simulator;
use serde_json::{Value, json};

use crate::caller::{Caller, control, simulator};

async fn get(simulator: &Simulator, path: &str) -> Value {
    let reply = control(simulator.address(), "GET", path, Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

#[tokio::test]
async fn every_request_is_remembered_in_order_with_its_outcome() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let id =
        caller.create("sleep 60", &[("ClientToken", "t"), ("Tag.1.Key", "k"), ("Tag.1.Value", "v")]).await;
    caller.groups().await;
    let stranger = Caller { id: "nobody".into(), ..caller.clone() };
    stranger.call("DescribeRegions", &[]).await.unwrap();
    let requests = get(&simulator, "requests").await["requests"].clone();
    let actions: Vec<&str> =
        requests.as_array().unwrap().iter().map(|r| r["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["CreateContainerGroup", "DescribeContainerGroups", "DescribeRegions"]);
    let create = &requests[0];
    assert_eq!((&create["method"], &create["access_key_id"]), (&json!("POST"), &json!(caller.id)));
    assert_eq!(create["outcome"]["container_group_id"], id.as_str());
    assert_eq!(create["outcome"]["http_status"], 200);
    assert_eq!(
        (&create["parameters"]["ClientToken"], &create["parameters"]["Tag.1.Value"]),
        (&json!("t"), &json!("v"))
    );
    assert!(create["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(requests[2]["outcome"]["code"], "InvalidAccessKeyId.NotFound");
    let later = get(&simulator, &format!("requests?since={}", create["seq"])).await;
    assert_eq!(later["requests"].as_array().unwrap().len(), 2);
    let one = get(&simulator, "requests?action=DescribeRegions").await;
    assert_eq!(one["requests"].as_array().unwrap().len(), 1);
    let counts = get(&simulator, "counts").await;
    assert_eq!(counts["counts"]["CreateContainerGroup"], 1);
    control(simulator.address(), "DELETE", "requests", Value::Null).await;
    assert_eq!(get(&simulator, "requests").await["requests"], json!([]));
    assert_eq!(get(&simulator, "counts").await["counts"], json!({}));
}

#[tokio::test]
async fn secrets_are_shown_only_when_asked_for() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let secrets = [
        ("ImageRegistryCredential.1.Server", "registry.example"),
        ("ImageRegistryCredential.1.UserName", "user"),
        ("ImageRegistryCredential.1.Password", "hush-password"),
        ("Container.1.EnvironmentVar.1.Key", "KEY"),
        ("Container.1.EnvironmentVar.1.Value", "hush-value"),
    ];
    caller.create("sleep 60", &secrets).await;
    let masked = get(&simulator, "requests").await.to_string();
    assert!(!masked.contains("hush") && !masked.contains(&caller.secret), "{masked}");
    assert!(masked.contains("KEY") && masked.contains("registry.example"));
    let unmasked = get(&simulator, "requests?unmasked=1").await.to_string();
    assert!(unmasked.contains("hush-password") && unmasked.contains("hush-value"));
}

#[tokio::test]
async fn all_groups_are_listed_gone_ones_too() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    control(simulator.address(), "POST", "settings", json!({"visibility_lag_ms": 3_600_000})).await;
    let id =
        caller.create("sleep 60", &[("ClientToken", "t"), ("Tag.1.Key", "k"), ("Tag.1.Value", "v")]).await;
    assert!(caller.groups().await.is_empty(), "readers do not see it yet");
    let group = get(&simulator, &format!("groups/{id}")).await;
    assert_eq!((&group["client_token"], &group["tags"]), (&json!("t"), &json!({"k": "v"})));
    assert_eq!(group["gone"], false);
    control(simulator.address(), "DELETE", &format!("groups/{id}"), Value::Null).await;
    let groups = get(&simulator, "groups").await;
    assert_eq!(
        (&groups["groups"][0]["container_group_id"], &groups["groups"][0]["gone"]),
        (&json!(id), &json!(true))
    );
    let (status, _) = simulator.control("GET", "groups/eci-unknown", &Value::Null);
    assert_eq!(status, 404);
}
