//! Faults that lie: replies that are broken, wrong, old or not from the service at all, as a caller meets them.

use std::io::ErrorKind;
use std::time::Duration;

use eci_sim::{Config, Error, Settings, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::caller::{Caller, Reply, control, eventually, simulator, start};

const GROUPS: &str = "DescribeContainerGroups";
const CREATE: &str = "CreateContainerGroup";

async fn add(simulator: &Simulator, fault: Value) -> u64 {
    let reply = control(simulator.address(), "POST", "faults", fault).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()["id"].as_u64().unwrap()
}

/// A simulator with groups `web-0` and so on.
async fn with_groups(count: usize) -> (Simulator, Caller) {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    for n in 0..count {
        caller.create("sleep 3600", &[("ContainerGroupName", &format!("web-{n}"))]).await;
    }
    (simulator, caller)
}

fn names(reply: &Value) -> Vec<&str> {
    let groups = reply["ContainerGroups"].as_array().unwrap();
    groups.iter().map(|group| group["ContainerGroupName"].as_str().unwrap()).collect()
}

/// The answer to a list of groups that one fault of this kind strikes.
async fn struck(fault: Value) -> Reply {
    let (simulator, caller) = with_groups(3).await;
    let id = add(&simulator, fault).await;
    let reply = caller.call(GROUPS, &[]).await.unwrap();
    let applied = control(simulator.address(), "GET", &format!("faults/{id}"), Value::Null).await.json();
    assert_eq!((&applied["applied"], &applied["active"]), (&json!(1), &json!(false)));
    assert_eq!(names(&caller.ok(GROUPS, &[]).await).len(), 3, "the next answer is true again");
    reply
}

#[tokio::test]
async fn an_answer_is_lost_by_reset_or_silence_after_its_effect() {
    let (simulator, caller) = with_groups(0).await;
    add(&simulator, json!({"action": CREATE, "kind": "reset_after"})).await;
    let web = [("ContainerGroupName", "web"), ("Container.1.Name", "a"), ("Container.1.Image", "nginx")];
    assert_eq!(caller.call(CREATE, &web).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(caller.groups().await.len(), 1);
    add(&simulator, json!({"action": CREATE, "kind": "hang_after"})).await;
    assert!(timeout(Duration::from_millis(300), caller.call(CREATE, &web)).await.is_err());
    assert_eq!(caller.groups().await.len(), 2);
}

#[tokio::test]
async fn a_gateway_answers_with_a_page_or_nothing_and_without_a_request_id() {
    let page = struck(json!({"kind": "gateway"})).await;
    assert_eq!((page.status, page.headers["content-type"].as_str()), (502, "text/html"));
    assert!(page.body.contains("<h1>502 Bad Gateway</h1>"), "{}", page.body);
    assert!(!page.headers.contains_key("x-acs-request-id"));
    let empty = struck(json!({"kind": "gateway", "http_status": 504, "body": "empty"})).await;
    assert_eq!((empty.status, empty.body.as_str()), (504, ""));
    let (simulator, caller) = with_groups(0).await;
    add(&simulator, json!({"action": CREATE, "kind": "gateway_after", "http_status": 503, "body": "text"}))
        .await;
    let web = [("ContainerGroupName", "web"), ("Container.1.Name", "a"), ("Container.1.Image", "nginx")];
    assert_eq!(caller.call(CREATE, &web).await.unwrap().status, 503);
    assert_eq!(caller.groups().await.len(), 1, "the effect was there before");
}

#[tokio::test]
async fn a_throttle_storm_refuses_every_call_until_it_is_over() {
    let (simulator, caller) = with_groups(1).await;
    let id = add(&simulator, json!({"kind": "throttle", "for_ms": 600_000, "retry_after_ms": 700})).await;
    for action in [GROUPS, CREATE, "DescribeRegions"] {
        let reply = caller.call(action, &[]).await.unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (400, "Throttling.User"), "{action}");
        assert_eq!(reply.headers["x-acs-retry-after"], "700");
    }
    let fault = control(simulator.address(), "GET", &format!("faults/{id}"), Value::Null).await.json();
    assert_eq!((&fault["applied"], &fault["active"]), (&json!(3), &json!(true)));
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 600_000})).await;
    caller.ok(GROUPS, &[]).await;
}

#[tokio::test]
async fn a_create_can_be_accepted_and_throttled_behind_the_scenes() {
    let (simulator, caller) = with_groups(0).await;
    add(&simulator, json!({"action": CREATE, "kind": "async_throttle"})).await;
    caller.create("sleep 3600", &[]).await;
    let group = caller.until("it is given up", |group| group["Status"] == "ScheduleFailed").await;
    let events = caller.ok(GROUPS, &[("WithEvent", "true")]).await["ContainerGroups"][0]["Events"].clone();
    assert_eq!(events[0]["Reason"], "Throttling", "{group}");
    add(&simulator, json!({"action": CREATE, "kind": "async_throttle", "delay_ms": 600_000})).await;
    let late = caller.create("sleep 3600", &[]).await;
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 599_000})).await;
    let status = async || {
        let ids = json!([late]).to_string();
        caller.ok(GROUPS, &[("ContainerGroupIds", &ids)]).await["ContainerGroups"][0]["Status"].clone()
    };
    assert_eq!(status().await, "Scheduling");
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 10_000})).await;
    assert_eq!(status().await, "Running");
}

#[tokio::test]
async fn json_is_malformed_cut_in_half_or_no_json_at_all() {
    for kind in ["malformed_json", "truncated_json", "html_page"] {
        let reply = struck(json!({"kind": kind})).await;
        assert_eq!(reply.status, 200);
        assert!(serde_json::from_str::<Value>(&reply.body).is_err(), "{kind}: {}", reply.body);
        assert_eq!(
            reply.headers["content-length"],
            reply.body.len().to_string(),
            "{kind} is a whole message"
        );
    }
}

#[tokio::test]
async fn a_connection_ends_in_the_middle_of_a_body() {
    let reply = struck(json!({"kind": "cut_body"})).await;
    let announced: usize = reply.headers["content-length"].parse().unwrap();
    assert!(!reply.body.is_empty() && reply.body.len() < announced, "{} of {announced}", reply.body.len());
}

#[tokio::test]
async fn values_have_wrong_types_are_null_or_unheard_of() {
    let wrong = struck(json!({"kind": "wrong_types"})).await.json();
    assert!(wrong["TotalCount"].is_string() && wrong["ContainerGroups"][0]["Status"].is_number());
    let nulls = struck(json!({"kind": "nulls", "fields": ["Status"]})).await.json();
    assert_eq!(nulls["ContainerGroups"][0]["Status"], Value::Null);
    assert_eq!(names(&nulls).len(), 3);
    let unknown = struck(json!({"kind": "unknown_values"})).await.json();
    assert_eq!(unknown["ContainerGroups"][0]["Status"], "Hibernating");
}

#[tokio::test]
async fn a_reply_can_be_larger_than_anybody_wants() {
    let padded = struck(json!({"kind": "oversized", "bytes": 3_000_000})).await;
    assert!(padded.body.len() > 3_000_000);
    assert_eq!(names(&padded.json()).len(), 3);
}

#[tokio::test]
async fn lists_are_empty_partial_repeated_or_shuffled_with_status_200() {
    let empty = struck(json!({"kind": "empty_list"})).await;
    assert_eq!((empty.status, names(&empty.json()).len()), (200, 0));
    assert_eq!(empty.json()["TotalCount"], 0);
    let part = struck(json!({"kind": "partial_list", "share": 0.7})).await.json();
    assert_eq!((names(&part), &part["TotalCount"]), (vec!["web-0", "web-1"], &json!(2)));
    let twice = struck(json!({"kind": "repeated_list"})).await.json();
    assert_eq!(names(&twice), ["web-0", "web-0", "web-1", "web-1", "web-2", "web-2"]);
    let shuffled = struck(json!({"kind": "shuffled_list", "seed": 2})).await.json();
    assert_ne!(names(&shuffled), ["web-0", "web-1", "web-2"]);
    assert_eq!(names(&shuffled).len(), 3);
}

#[tokio::test]
async fn paging_loops_expires_and_shifts() {
    let (simulator, caller) = with_groups(4).await;
    let page = async |token: &str| {
        let parameters = [("Limit", "2"), ("NextToken", token)];
        caller.call(GROUPS, &parameters[..if token.is_empty() { 1 } else { 2 }]).await.unwrap()
    };
    let first = page("").await.json();
    let token = first["NextToken"].as_str().unwrap();
    assert_eq!(page(token).await.json()["NextToken"], "", "two pages are all");

    let looping = add(&simulator, json!({"kind": "token_loop", "times": null})).await;
    for _ in 0..3 {
        assert_eq!(page(token).await.json()["NextToken"], token, "the page is its own successor");
    }
    control(simulator.address(), "DELETE", &format!("faults/{looping}"), Value::Null).await;

    add(&simulator, json!({"kind": "token_expired"})).await;
    assert_eq!(page("").await.status, 200, "a first page has no token");
    let expired = page(token).await;
    assert_eq!((expired.status, expired.code().as_str()), (400, "InvalidParameter"));

    for (shift, seen) in [(1, vec!["web-3"]), (-1, vec!["web-1", "web-2", "web-3"])] {
        let id = add(&simulator, json!({"kind": "token_shift", "shift": shift, "times": null})).await;
        assert_eq!(names(&page("").await.json()), ["web-0", "web-1"]);
        assert_eq!(names(&page(token).await.json()), seen, "shifted by {shift}");
        control(simulator.address(), "DELETE", &format!("faults/{id}"), Value::Null).await;
    }
}

/// A fault that is meant for one call is not used up by one on which it has no effect.
#[tokio::test]
async fn a_fault_waits_for_a_call_that_it_can_spoil() {
    let (simulator, caller) = with_groups(3).await;
    let page = async |token: &str| {
        let parameters = [("Limit", "1"), ("NextToken", token)];
        caller.ok(GROUPS, &parameters[..if token.is_empty() { 1 } else { 2 }]).await
    };
    let first = page("").await;
    let token = first["NextToken"].as_str().unwrap();
    for fault in [json!({"kind": "token_loop"}), json!({"kind": "token_shift", "shift": 1})] {
        let seen = |page: &Value| (names(page).join(" "), page["NextToken"].clone());
        let second = seen(&page(token).await);
        add(&simulator, fault.clone()).await;
        assert_eq!(page("").await["NextToken"], first["NextToken"]);
        assert_ne!(seen(&page(token).await), second, "{fault}");
        assert_eq!(seen(&page(token).await), second, "{fault}");
    }
    add(&simulator, json!({"action": GROUPS, "kind": "stale"})).await;
    assert_eq!(caller.groups().await.len(), 3);
    caller.create("sleep 60", &[]).await;
    assert_eq!(caller.groups().await.len(), 3, "as it was");
    assert_eq!(caller.groups().await.len(), 4);
}

/// The output of a command under Sync comes after the call was carried out, and is spoilt all the same.
#[tokio::test]
async fn the_answer_of_a_command_is_spoilt_too_and_nobody_else_gets_it() {
    let (simulator, caller) = with_groups(1).await;
    let group = caller.until("it runs", |group| group["Status"] == "Running").await;
    let id = group["ContainerGroupId"].as_str().unwrap();
    let exec = async || {
        let command = [
            ("ContainerGroupId", id),
            ("ContainerName", "main"),
            ("Command", r#"["echo","out"]"#),
            ("Sync", "true"),
        ];
        caller.call("ExecContainerCommand", &command).await
    };
    let strike = async |fault: Value| {
        let mut fault = fault;
        fault["action"] = json!("ExecContainerCommand");
        add(&simulator, fault).await;
        exec().await
    };
    let late = strike(json!({"kind": "delay_before", "delay_ms": 30})).await.unwrap();
    assert_eq!(late.json()["SyncResponse"], "out\n");
    let others = caller.ok("DescribeRegions", &[]).await;
    assert!(others["Regions"].is_array() && others.get("SyncResponse").is_none(), "{others}");

    let failed = strike(json!({"kind": "error_after", "code": "InternalError"})).await.unwrap();
    assert_eq!((failed.status, failed.code().as_str()), (500, "InternalError"));
    assert_eq!(strike(json!({"kind": "gateway_after"})).await.unwrap().status, 502);
    let malformed = strike(json!({"kind": "malformed_json"})).await.unwrap();
    assert!(malformed.body.contains("out") && malformed.body.ends_with(",,}"), "{}", malformed.body);
    let nulls = strike(json!({"kind": "nulls"})).await.unwrap();
    assert_eq!(nulls.json()["SyncResponse"], Value::Null);
    let cut = strike(json!({"kind": "cut_body"})).await.unwrap();
    assert!(serde_json::from_str::<Value>(&cut.body).is_err(), "{}", cut.body);
    for kind in ["drop_after", "reset_after"] {
        assert!(strike(json!({ "kind": kind })).await.is_err(), "{kind}");
    }
    assert_eq!(exec().await.unwrap().json()["SyncResponse"], "out\n");
}

#[tokio::test]
async fn an_older_status_comes_after_a_newer_one() {
    let settings = Settings { schedule_ms: 0, ..Settings::default() };
    let simulator = start(Config { settings, ..Config::default() }).await;
    let caller = Caller::of(&simulator);
    control(simulator.address(), "POST", "settings", json!({"schedule_ms": 60_000})).await;
    caller.create("sleep 3600", &[]).await;
    add(&simulator, json!({"action": GROUPS, "kind": "stale", "skip": 2})).await;
    assert_eq!(caller.groups().await[0]["Status"], "Scheduling");
    control(simulator.address(), "POST", "clock", json!({"advance_ms": 70_000})).await;
    assert_eq!(caller.groups().await[0]["Status"], "Running");
    assert_eq!(caller.groups().await[0]["Status"], "Scheduling", "what was true a while ago");
    assert_eq!(caller.groups().await[0]["Status"], "Running");
}

#[tokio::test]
async fn a_token_that_is_not_remembered_makes_a_second_group() {
    let (simulator, caller) = with_groups(0).await;
    add(&simulator, json!({"action": CREATE, "kind": "forget_token", "skip": 2})).await;
    let create = async || caller.create("sleep 60", &[("ClientToken", "t")]).await;
    let (one, same, other) = (create().await, create().await, create().await);
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert_eq!(create().await, other, "the later one is remembered");
}

#[tokio::test]
async fn a_skewed_clock_refuses_the_request_and_tells_its_time() {
    let (simulator, caller) = with_groups(0).await;
    add(&simulator, json!({"kind": "clock_skew", "skew_s": 86_400})).await;
    let refused = caller.call("DescribeRegions", &[]).await.unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (400, "InvalidTimeStamp.Expired"));
    let told = caller.ok("DescribeRegions", &[]).await;
    assert!(told["Regions"].is_array());
    let later = caller.call("DescribeRegions", &[]).await.unwrap();
    assert_ne!(refused.headers["date"], later.headers["date"], "a day apart");
    let requests = control(simulator.address(), "GET", "requests", Value::Null).await.json();
    assert_eq!(requests["requests"][0]["outcome"]["fault"]["kind"], "clock_skew");
}

#[tokio::test]
async fn the_socket_of_a_command_breaks_off() {
    let (simulator, caller) = with_groups(1).await;
    let group = caller.until("it runs", |group| group["Status"] == "Running").await;
    add(&simulator, json!({"kind": "exec_cut", "action": "ExecContainerCommand", "bytes": 3})).await;
    let id = group["ContainerGroupId"].as_str().unwrap();
    let exec = async || {
        let parameters =
            [("ContainerGroupId", id), ("ContainerName", "main"), ("Command", "[\"echo\",\"hello\"]")];
        let uri = caller.ok("ExecContainerCommand", &parameters).await["WebSocketUri"].clone();
        let uri = uri.as_str().unwrap();
        let path = &uri[uri.find("/exec").unwrap()..];
        let mut stream = TcpStream::connect(simulator.address()).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: sim\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        let head = all.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        all.split_off(head)
    };
    // A binary message of four bytes, the channel and three of the output, and no close frame after it.
    assert_eq!(exec().await, b"\x82\x04\x01hel");
    let whole = exec().await;
    assert!(whole.starts_with(b"\x82\x07\x01hello\n") && whole.len() > 9, "{whole:?}");
}

#[tokio::test]
async fn a_file_of_faults_is_there_from_the_start() {
    let path = std::env::temp_dir().join(format!("eci-sim-faults-{}.yaml", std::process::id()));
    std::fs::write(&path, "# One of each notation.\n- {kind: drop_before, action: DescribeRegions}\n")
        .unwrap();
    let simulator = start(Config { faults: Some(path.clone()), ..Config::default() }).await;
    let caller = Caller::of(&simulator);
    assert!(caller.call("DescribeRegions", &[]).await.is_err());
    assert!(caller.call("DescribeRegions", &[]).await.is_ok());
    std::fs::write(&path, "- kind: drop_before\n- kind: delay\n").unwrap();
    let refused = Simulator::start(Config { faults: Some(path.clone()), ..Config::default() }).await;
    let Err(error @ Error::Script { .. }) = refused else { panic!("it was taken") };
    assert!(error.to_string().ends_with("line 2: delay_ms: the kind delay needs it"), "{error}");
    std::fs::remove_file(&path).unwrap();
    let missing = Simulator::start(Config { faults: Some(path), ..Config::default() }).await;
    assert!(matches!(missing, Err(Error::Read { .. })));
}

#[tokio::test]
async fn one_seed_strikes_the_same_calls_again() {
    let run = async |seed: u64| {
        let (simulator, caller) = with_groups(0).await;
        add(&simulator, json!({"kind": "gateway", "probability": 0.4, "times": null, "seed": seed})).await;
        let mut struck = Vec::new();
        for _ in 0..30 {
            struck.push(caller.call("DescribeRegions", &[]).await.unwrap().status);
        }
        struck
    };
    let (one, again, other) = (run(1).await, run(1).await, run(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!(one.contains(&502) && one.contains(&200));
}

#[tokio::test]
async fn late_effects_are_seen_by_others_meanwhile() {
    let (simulator, caller) = with_groups(0).await;
    add(&simulator, json!({"action": ["Create*", "Delete*"], "kind": "delay", "delay_ms": 60_000})).await;
    let late = caller.clone();
    let call = tokio::spawn(async move { late.create("sleep 60", &[]).await });
    eventually("the group is there", || async { (caller.groups().await.len() == 1).then_some(()) }).await;
    assert!(!call.is_finished());
    call.abort();
}
