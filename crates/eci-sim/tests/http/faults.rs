//! Every kind of fault, as a caller meets it.

use std::io::ErrorKind;
use std::time::Duration;

use eci_sim::Simulator;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::caller::{Caller, control, eventually, simulator};

async fn add(simulator: &Simulator, fault: Value) -> u64 {
    let reply = control(simulator.address(), "POST", "faults", fault).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["id"].as_u64().unwrap()
}

const CREATE: &str = "CreateContainerGroup";
const WEB: [(&str, &str); 4] = [
    ("ContainerGroupName", "web"),
    ("Container.1.Name", "main"),
    ("Container.1.Image", "nginx"),
    ("ClientToken", "token"),
];

/// The outcome of the only create, as the simulator noted it.
async fn noted(simulator: &Simulator) -> Value {
    let reply = control(simulator.address(), "GET", &format!("requests?action={CREATE}"), Value::Null).await;
    reply.json()["requests"][0]["outcome"].clone()
}

#[tokio::test]
async fn drop_before_closes_without_effect() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let id = add(&simulator, json!({"action": CREATE, "kind": "drop_before"})).await;
    let error = caller.call(CREATE, &WEB).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(caller.groups().await.is_empty());
    let outcome = noted(&simulator).await;
    assert_eq!(outcome["fault"], json!({"id": id, "kind": "drop_before"}));
    assert_eq!((&outcome["http_status"], &outcome["container_group_id"]), (&Value::Null, &Value::Null));
    assert_eq!(caller.call(CREATE, &WEB).await.unwrap().status, 200, "once means once");
}

#[tokio::test]
async fn drop_after_closes_with_effect() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    add(&simulator, json!({"action": CREATE, "kind": "drop_after"})).await;
    assert_eq!(caller.call(CREATE, &WEB).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    let made = caller.groups().await[0]["ContainerGroupId"].clone();
    assert_eq!(noted(&simulator).await["container_group_id"], made);
    let repeated = caller.ok(CREATE, &WEB).await;
    assert_eq!(repeated["ContainerGroupId"], made, "the token finds what the lost answer named");
    assert_eq!(caller.groups().await.len(), 1);
}

#[tokio::test]
async fn reset_breaks_the_connection_without_effect() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    add(&simulator, json!({"action": CREATE, "kind": "reset"})).await;
    assert_eq!(caller.call(CREATE, &WEB).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(caller.groups().await.is_empty());
}

#[tokio::test]
async fn hang_never_answers_and_has_no_effect() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    add(&simulator, json!({"action": CREATE, "kind": "hang"})).await;
    assert!(timeout(Duration::from_millis(300), caller.call(CREATE, &WEB)).await.is_err());
    assert!(caller.groups().await.is_empty());
}

#[tokio::test]
async fn delay_has_its_effect_at_once_and_answers_late() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    add(&simulator, json!({"action": CREATE, "kind": "delay", "delay_ms": 2_000})).await;
    let late = caller.clone();
    let call = tokio::spawn(async move { late.call(CREATE, &WEB).await.map(|reply| reply.status) });
    caller.until("the group is there", |_| true).await;
    assert!(!call.is_finished(), "the answer is still on its way");
    assert_eq!(call.await.unwrap().unwrap(), 200);
}

#[tokio::test]
async fn delay_before_has_its_effect_late_even_when_the_caller_is_gone() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    add(&simulator, json!({"action": CREATE, "kind": "delay_before", "delay_ms": 2_000})).await;
    assert!(timeout(Duration::from_millis(100), caller.call(CREATE, &WEB)).await.is_err());
    assert!(caller.groups().await.is_empty());
    let group = caller.until("the late group", |_| true).await;
    assert_eq!(noted(&simulator).await["container_group_id"], group["ContainerGroupId"]);
}

#[tokio::test]
async fn error_answers_as_told_without_effect() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let fault = json!({"action": CREATE, "kind": "error", "code": "Throttling.User", "message": "slow down", "retry_after_ms": 1500, "times": 2});
    let id = add(&simulator, fault).await;
    control(simulator.address(), "POST", "settings", json!({"throttling_http_status": 429})).await;
    let reply = caller.call(CREATE, &WEB).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (429, "Throttling.User"));
    assert_eq!(reply.json()["Message"], "slow down");
    assert_eq!(reply.headers["x-acs-retry-after"], "1500");
    assert!(caller.groups().await.is_empty());
    let fault = control(simulator.address(), "GET", &format!("faults/{id}"), Value::Null).await.json();
    assert_eq!((&fault["times"], &fault["applied"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn error_after_answers_as_told_with_effect() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let fault = json!({"action": CREATE, "kind": "error_after", "code": "InternalError", "http_status": 502});
    add(&simulator, fault).await;
    let reply = caller.call(CREATE, &WEB).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (502, "InternalError"));
    assert_eq!(caller.groups().await.len(), 1);
}

#[tokio::test]
async fn faults_are_listed_and_removed() {
    let simulator = simulator().await;
    let address = simulator.address();
    let caller = Caller::of(&simulator);
    let one = add(&simulator, json!({"action": "*", "kind": "drop_before", "times": null})).await;
    add(&simulator, json!({"action": CREATE, "kind": "hang"})).await;
    let listed = control(address, "GET", "faults", Value::Null).await.json();
    assert_eq!(listed["faults"].as_array().unwrap().len(), 2);
    assert!(caller.call("DescribeRegions", &[]).await.is_err());
    assert!(caller.call("DescribeRegions", &[]).await.is_err());
    assert_eq!(control(address, "DELETE", &format!("faults/{one}"), Value::Null).await.status, 200);
    assert_eq!(caller.call("DescribeRegions", &[]).await.unwrap().status, 200);
    assert_eq!(control(address, "DELETE", "faults", Value::Null).await.json()["removed"], 1);
    assert_eq!(control(address, "GET", "faults/7", Value::Null).await.status, 404);
    assert_eq!(control(address, "POST", "faults", json!({"action": "*", "kind": "error"})).await.status, 400);
}

#[tokio::test]
async fn an_unsigned_request_meets_no_fault() {
    let simulator = simulator().await;
    add(&simulator, json!({"action": "*", "kind": "drop_before"})).await;
    let stranger = Caller { secret: "wrong".into(), ..Caller::of(&simulator) };
    assert_eq!(stranger.call("DescribeRegions", &[]).await.unwrap().code(), "SignatureDoesNotMatch");
    assert!(Caller::of(&simulator).call("DescribeRegions", &[]).await.is_err());
}

#[tokio::test]
async fn shutdown_ends_what_hangs() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    add(&simulator, json!({"action": "*", "kind": "hang"})).await;
    let hanging =
        tokio::spawn(async move { caller.call("DescribeRegions", &[]).await.map(|reply| reply.status) });
    eventually("the fault is met", || async {
        (simulator.control("GET", "faults/1", &Value::Null).1["applied"] == 1).then_some(())
    })
    .await;
    timeout(Duration::from_secs(10), simulator.shutdown()).await.unwrap();
    assert!(hanging.await.unwrap().is_err());
}
