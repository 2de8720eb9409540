//! Holds the reading of replies: what is lenient, what is an error, and what the errors may say.

use std::collections::BTreeSet;

use eci_client::model::reply::*;
use eci_client::model::{ContainerState, Status};
use serde_json::{Value, json};

fn group(value: Value) -> ContainerGroup {
    serde_json::from_value(value).expect("a container group")
}

fn problem(text: &str) -> String {
    serde_json::from_str::<DescribeContainerGroupsReply>(text).expect_err("a wrong reply").to_string()
}

#[test]
fn missing_null_empty_and_zero_are_alike() {
    let bare = group(json!({ "ContainerGroupId": "eci-1" }));
    let nulls = group(json!({
        "ContainerGroupId": "eci-1", "IntranetIp": null, "Cpu": null, "Containers": null, "DnsConfig": null,
        "CreationTime": null, "RestartPolicy": null,
    }));
    let empties = group(json!({
        "ContainerGroupId": "eci-1", "IntranetIp": "", "Cpu": 0, "Memory": 0.0, "Containers": [], "Tags": "",
        "DnsConfig": {}, "EciSecurityContext": { "Sysctls": [] }, "CreationTime": "", "RestartPolicy": "",
        "FailedTime": "0001-01-01T00:00:00Z", "Status": "",
    }));
    assert_eq!(bare, nulls);
    assert_eq!(bare, empties);
}

#[test]
fn empty_structs_inside_a_container_are_absent() {
    let group = group(json!({
        "ContainerGroupId": "eci-1",
        "Containers": [{
            "Name": "c", "Cpu": 0.0, "Gpu": 0, "WorkingDir": "",
            "LivenessProbe": { "HttpGet": {}, "TcpSocket": {}, "Execs": [] },
            "ReadinessProbe": { "HttpGet": { "Port": 80 }, "TcpSocket": {} },
            "PreviousState": { "State": "" },
            "CurrentState": { "State": "Terminated", "ExitCode": 3 },
            "EnvironmentVars": [{ "Key": "A", "Value": "", "ValueFrom": { "FieldRef": {} } }],
        }],
    }));
    let container = &group.containers[0];
    assert_eq!(container.liveness_probe, None);
    let readiness = container.readiness_probe.as_ref().expect("a probe");
    assert_eq!(readiness.http_get.as_ref().map(|get| get.port), Some(80));
    assert_eq!(readiness.tcp_socket, None);
    assert_eq!(container.previous_state, None);
    let current = container.current_state.as_ref().expect("a state");
    assert_eq!((&current.state, current.exit_code), (&ContainerState::Terminated, 3));
    assert_eq!(container.environment_vars[0].value_from, None);
}

#[test]
fn numbers_and_booleans_may_come_as_text() {
    let group = group(json!({
        "ContainerGroupId": "eci-1", "Cpu": "2.0", "Memory": 4, "Discount": 3.0,
        "Containers": [{ "Name": "c", "RestartCount": "2", "Ready": "True", "Tty": "false" }],
    }));
    assert_eq!((group.cpu, group.memory, group.discount), (2.0, 4.0, 3));
    assert_eq!((group.containers[0].restart_count, group.containers[0].ready), (2, true));
}

#[test]
fn unknown_words_and_fields_are_kept_apart_from_known_ones() {
    let group = group(json!({
        "ContainerGroupId": "eci-1", "Status": "Hibernating", "NewThing": { "Deep": [1, { "a": null }] },
    }));
    assert_eq!(group.status, Status::Other("Hibernating".into()));
}

#[test]
fn status_replies_are_read_in_every_casing() {
    let declared = json!({
        "RequestId": "r",
        "Data": [{
            "ContainerGroupId": "eci-1", "Name": "web", "Status": "Running", "uuid": "u",
            "PodStatus": {
                "Phase": "Running", "PodIp": "10.0.0.1", "PodIps": [{ "Ip": "10.0.0.1" }],
                "Conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z",
                                 "Reason": "", "Message": "" }],
                "ContainerStatuses": [{
                    "Name": "c", "ImageID": "sha256:1", "Ready": true,
                    "State": { "Running": { "StartedAtstartedAt": "2026-01-02T03:04:05Z" } },
                    "LastState": { "Terminated": { "ExitCode": 137, "Reason": "OOMKilled", "ContainerID": "x",
                                                   "StartedAt": "2026-01-02T03:04:05Z" } },
                }],
            },
        }],
    });
    let text = declared.to_string();
    let read = |text: &str| serde_json::from_str::<DescribeContainerGroupStatusReply>(text).expect("a reply");
    let expected = read(&text);

    let status = &expected.data[0].pod_status.as_ref().expect("a status").container_statuses[0];
    let running = status.state.as_ref().and_then(|state| state.running.as_ref());
    assert!(running.is_some_and(|running| running.started_at.is_some()));
    let terminated = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    assert_eq!(terminated.map(|terminated| terminated.exit_code), Some(137));

    assert_eq!(read(&text.replace("StartedAtstartedAt", "StartedAt")), expected);
    assert_eq!(read(&text.replace("StartedAtstartedAt", "startedAt")), expected);
    assert_eq!(read(&with_keys(&declared, lower_first).to_string()), expected);
    assert_eq!(read(&with_keys(&declared, |key| key.to_ascii_uppercase()).to_string()), expected);
}

fn lower_first(key: &str) -> String {
    let mut chars = key.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

fn with_keys(value: &Value, rename: impl Fn(&str) -> String + Copy) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (rename(key), with_keys(value, rename))).collect()
        }
        Value::Array(list) => list.iter().map(|value| with_keys(value, rename)).collect(),
        other => other.clone(),
    }
}

#[test]
fn of_two_spellings_the_one_that_says_something_wins() {
    let text = r#"{ "StartedAt": "2026-01-02T03:04:05Z", "startedAt": "" }"#;
    let running: RunningState = serde_json::from_str(text).expect("a state");
    assert!(running.started_at.is_some());
}

#[test]
fn times_are_read_with_and_without_seconds_and_with_offsets() {
    let time = |text: &str| {
        group(json!({ "ContainerGroupId": "eci-1", "CreationTime": text }))
            .creation_time
            .map(|time| time.to_string())
    };
    assert_eq!(time("2018-08-02T15:00:00Z").as_deref(), Some("2018-08-02T15:00:00Z"));
    assert_eq!(time("2018-08-02T15:00Z").as_deref(), Some("2018-08-02T15:00:00Z"));
    assert_eq!(time("2018-08-02T23:00:00+08:00").as_deref(), Some("2018-08-02T15:00:00Z"));
}

#[test]
fn a_wrong_type_is_an_error_that_names_the_place_and_keeps_the_value_to_itself() {
    let wrong = [
        (r#"{"RequestId":"r","ContainerGroups":7}"#, "ContainerGroups: expected a list, found a number"),
        (
            r#"{"RequestId":"r","ContainerGroups":[{"ContainerGroupId":"e","Cpu":"hunter2"}]}"#,
            "ContainerGroups[0].Cpu: expected a number, found text",
        ),
        (
            r#"{"RequestId":"r","ContainerGroups":[{"ContainerGroupId":"e"},{"ContainerGroupId":"f","Containers":[
             {"EnvironmentVars":[{"Key":"A","Value":["hunter2"]}]}]}]}"#,
            "ContainerGroups[1].Containers[0].EnvironmentVars[0].Value: expected text, found a list",
        ),
        (
            r#"{"RequestId":"r","ContainerGroups":[{"ContainerGroupId":"e","CreationTime":"hunter2"}]}"#,
            "ContainerGroups[0].CreationTime: expected a time of RFC 3339, found other text",
        ),
        (
            r#"{"RequestId":"r","ContainerGroups":[{"ContainerGroupId":"e","DnsConfig":"hunter2"}]}"#,
            "ContainerGroups[0].DnsConfig: expected an object, found text",
        ),
        (
            r#"{"RequestId":"r","ContainerGroups":[{"ContainerGroupId":"e","Containers":[{"Gpu":4294967296}]}]}"#,
            "ContainerGroups[0].Containers[0].Gpu: expected a number of 32 bits, found a larger one",
        ),
        (
            r#"{"RequestId":"r","ContainerGroups":[{"ContainerGroupId":"e","Containers":[{"Ready":2}]}]}"#,
            "ContainerGroups[0].Containers[0].Ready: expected a boolean, found a number",
        ),
        (r#"["hunter2"]"#, "expected an object, found a list"),
    ];
    for (text, expected) in wrong {
        let problem = problem(text);
        assert!(problem.contains(expected), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn a_reply_without_request_id_or_group_id_is_no_reply() {
    assert!(problem("{}").contains("RequestId: missing"));
    assert!(problem("null").contains("RequestId: missing"));
    assert!(
        problem(r#"{"RequestId":"r","ContainerGroups":[{"Cpu":1}]}"#)
            .contains("ContainerGroups[0].ContainerGroupId: missing")
    );
    assert!(
        problem(r#"{"RequestId":"r","ContainerGroups":[null]}"#)
            .contains("ContainerGroups[0].ContainerGroupId: missing")
    );
    let created = serde_json::from_str::<CreateContainerGroupReply>(r#"{"RequestId":"r"}"#);
    assert!(created.expect_err("no id").to_string().contains("ContainerGroupId: missing"));
}

#[test]
fn no_reply_prints_its_secrets() {
    let group = group(json!({
        "ContainerGroupId": "eci-1",
        "Containers": [{ "Name": "c", "EnvironmentVars": [{ "Key": "A", "Value": "hunter2" }] }],
        "Volumes": [{ "Name": "v", "Type": "ConfigFileVolume", "FlexVolumeOptions": "hunter2",
                      "ConfigFileVolumeConfigFileToPaths": [{ "Path": "p", "Content": "hunter2" }] }],
    }));
    let shown = format!("{group:?}");
    assert!(shown.contains("[redacted]") && !shown.contains("hunter2"), "{shown}");
    let value = group.containers[0].environment_vars[0].value.as_ref().expect("a value");
    assert_eq!(value.expose(), "hunter2");
}

/// Builds a reply in which every published field holds a value of its declared type.
fn published(action: &str) -> Value {
    let table: Value = serde_json::from_str(include_str!("data/api.json")).expect("api.json is JSON");
    let fields = table["actions"][action]["response"].as_object().expect("the action is in the table");
    let mut reply = json!({});
    // Parents sort before their children, so a struct is there before its members.
    for (path, field) in fields.iter().collect::<std::collections::BTreeMap<_, _>>() {
        let mut at = &mut reply;
        let parts: Vec<&str> = path.split('.').collect();
        for (index, part) in parts.iter().enumerate() {
            let (name, in_list) = part.strip_suffix("[]").map_or((*part, false), |name| (name, true));
            let leaf = (index + 1 == parts.len()).then(|| value_of(name, &field["type"]));
            let slot = &mut at[name];
            if slot.is_null() {
                let value = leaf.unwrap_or_else(|| json!({}));
                *slot = if in_list { json!([value]) } else { value };
            }
            at = if in_list { &mut slot[0] } else { slot };
        }
    }
    reply
}

fn value_of(name: &str, kind: &Value) -> Value {
    match kind.as_str().expect("a type") {
        "struct" => json!({}),
        "string" if name.contains("Time") || name.contains("edAt") => json!("2026-01-02T03:04:05Z"),
        "string" => json!("text"),
        "boolean" => json!(true),
        "float" => json!(1.5),
        _ => json!(7),
    }
}

/// The paths at which a `Debug` text shows a field that is unset.
fn unset_fields(shown: &str) -> BTreeSet<&str> {
    shown
        .split([',', '{'])
        .filter_map(|part| part.trim().trim_end_matches(['}', ' ', ']']).split_once(": "))
        .filter(|(_, value)| matches!(*value, "None" | "0" | "0.0" | "false" | "\"\"" | "["))
        .map(|(field, _)| field)
        .collect()
}

#[test]
fn every_published_field_of_a_reply_arrives() {
    let groups: DescribeContainerGroupsReply =
        serde_json::from_value(published("DescribeContainerGroups")).expect("a reply");
    // Init containers have no sub path in the published table.
    assert_eq!(unset_fields(&format!("{groups:?}")), BTreeSet::from(["sub_path"]));
    let status: DescribeContainerGroupStatusReply =
        serde_json::from_value(published("DescribeContainerGroupStatus")).expect("a reply");
    assert_eq!(unset_fields(&format!("{status:?}")), BTreeSet::new());
    let log: DescribeContainerLogReply =
        serde_json::from_value(published("DescribeContainerLog")).expect("a reply");
    assert_eq!(unset_fields(&format!("{log:?}")), BTreeSet::new());
    let regions: DescribeRegionsReply =
        serde_json::from_value(published("DescribeRegions")).expect("a reply");
    assert_eq!(unset_fields(&format!("{regions:?}")), BTreeSet::new());
}
