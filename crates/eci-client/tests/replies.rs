//! Holds the reading of replies: what is lenient, what is an error, and what the errors may say.

use std::collections::BTreeSet;

use eci_client::model::reply::*;
use eci_client::model::{ContainerState, ImageCacheStatus, Status};
use serde_json::{Value, json};

mod filled;
mod published;

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
fn whatever_spells_nothing_is_nothing_for_every_type() {
    let without = group(json!({ "ContainerGroupId": "eci-1" }));
    for nothing in [json!(null), json!(""), json!(0), json!(0.0), json!([]), json!({})] {
        let mut fields = json!({ "ContainerGroupId": "eci-1" });
        for field in
            ["CreationTime", "IntranetIp", "Status", "Tags", "Containers", "DnsConfig", "Cpu", "Discount"]
        {
            fields[field] = nothing.clone();
        }
        assert_eq!(group(fields), without, "{nothing}");
    }
    for never in ["-", "0", "0001-01-01T00:00:00Z"] {
        assert_eq!(group(json!({ "ContainerGroupId": "eci-1", "CreationTime": never })), without, "{never}");
    }
}

#[test]
fn numbers_stand_for_texts_and_truths_and_keep_as_much_as_has_room() {
    let odd = group(json!({
        "ContainerGroupId": "eci-1",
        "RegionId": 7,
        "Containers": [
            { "Name": "c", "Stdin": 0, "Tty": 1, "CurrentState": { "ExitCode": 3_221_225_477_u32 } },
            { "Name": "d", "CurrentState": { "ExitCode": 5_000_000_000_i64 } },
            { "Name": "e", "CurrentState": { "ExitCode": -5_000_000_000_i64 } },
        ],
    }));
    assert_eq!(odd.region_id.as_deref(), Some("7"));
    let [first, rest @ ..] = &*odd.containers else { panic!("no container") };
    assert_eq!((first.stdin, first.tty), (false, true));
    let code = |container: &eci_client::model::Container| {
        container.current_state.as_ref().map(|state| state.exit_code)
    };
    assert_eq!(code(first), Some(0xC000_0005_u32.cast_signed()));
    assert_eq!(rest.iter().map(code).collect::<Vec<_>>(), [Some(i32::MAX), Some(i32::MIN)]);
}

#[test]
fn an_item_that_says_nothing_is_left_out_and_one_without_its_id_is_an_error() {
    for nothing in
        ["null", "{}", "[]", r#""""#, r#"{"ContainerGroupId":""}"#, r#"{"ContainerGroupId":null,"New":1}"#]
    {
        let text = format!(
            r#"{{"RequestId":"r","ContainerGroups":[{{"ContainerGroupId":"a"}},{nothing},{{"ContainerGroupId":"b"}}]}}"#
        );
        let reply: DescribeContainerGroupsReply = serde_json::from_str(&text).expect("a page");
        let ids: Vec<_> =
            reply.container_groups.iter().map(|group| group.container_group_id.to_string()).collect();
        assert_eq!(ids, ["a", "b"], "{nothing}");
    }
    let text = r#"{"RequestId":"r","ContainerGroups":[null,{"ContainerGroupId":"","Status":"Running"}]}"#;
    assert!(problem(text).contains("ContainerGroups[1].ContainerGroupId: missing"), "{}", problem(text));

    let text = r#"{"ContainerGroupId":"eci-1","Containers":[null,{"Name":"c","Args":["","x"]}]}"#;
    let group: ContainerGroup = serde_json::from_str(text).expect("a group");
    assert_eq!(group.containers.len(), 1);
    assert_eq!(group.containers[0].args, ["", "x"]);
}

#[test]
fn a_reply_without_request_id_or_group_id_is_no_reply() {
    assert!(problem("{}").contains("RequestId: missing"));
    assert!(problem("null").contains("RequestId: missing"));
    assert!(
        problem(r#"{"RequestId":"r","ContainerGroups":[{"Cpu":1}]}"#)
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
fn every_field_of_a_reply_is_set_by_the_published_one() {
    let table = published::actions();
    for row in filled::rows() {
        let shown = (row.read)(&published::reply(&table[row.action])).expect("a reply");
        let expected = match row.action {
            // Their init containers have no sub path in the published table.
            "DescribeContainerGroups" => vec!["sub_path"],
            // Read in case the cloud sends it.
            "DescribeContainerGroupEvents" => vec!["next_token"],
            // Told by the other action that shares the type.
            "DescribeMultiContainerGroupMetric" => vec!["category"],
            _ => vec![],
        };
        assert_eq!(unset_fields(&shown), BTreeSet::from_iter(expected), "{}", row.action);
    }
}

/// A wrong type is noticed only where the field is read.
#[test]
fn every_published_field_of_a_reply_is_read_and_a_wrong_type_there_is_an_error() {
    let table = published::actions();
    let mut read = 0;
    for row in filled::rows() {
        for path in published::leaves(&table[row.action]) {
            let mut wrong = published::reply(&table[row.action]);
            *published::at(&mut wrong, &path) = json!([["hunter2"]]);
            let problem = (row.read)(&wrong).expect_err(&path);
            let field = path.rsplit('.').next().unwrap_or(&path).trim_end_matches("[]");
            let named = problem.to_ascii_lowercase().contains(&field.to_ascii_lowercase());
            // `StartedAtstartedAt` is reported by the name it should have.
            assert!(named || problem.contains("StartedAt: "), "{}: {path}: {problem}", row.action);
            assert!(!problem.contains("hunter2"), "{problem}");
            read += 1;
        }
    }
    assert!(read > 400, "{read} fields");
}

/// A client reads most replies by a shorter way than serde's.
#[cfg(feature = "client-core")]
#[test]
fn a_client_reads_whatever_stands_in_a_field_as_serde_reads_it() {
    let table = published::actions();
    let values = [
        r#""""#,
        "null",
        "{}",
        "[]",
        "[[]]",
        r#""other""#,
        r#""7""#,
        "7",
        "-12.50",
        "0",
        "1e3",
        "true",
        "false",
        r#""True""#,
        r#""a \" b\n""#,
        r#""\u4f60""#,
        r#""2026-01-02T03:04:05Z""#,
        r#""2026-01-02T03:04:05.5+08:00""#,
        r#""0001-01-01T00:00:00Z""#,
        r#""running""#,
        r#"{"a":1}"#,
        r#"[{}]"#,
        r#"["a",null,"b"]"#,
        "[1,]",
        "nul",
        "",
    ];
    let mut compared = 0;
    for row in filled::rows() {
        let full = published::reply(&table[row.action]);
        let plain = full.to_string();
        for text in
            [plain.clone(), format!("{full:#}"), plain.to_ascii_uppercase(), plain.replace(',', " , ")]
        {
            assert_eq!((row.called)(&text).ok(), read(&row, &text), "{}: {text}", row.action);
        }
        for path in published::leaves(&table[row.action]) {
            let mut marked = full.clone();
            *published::at(&mut marked, &path) = json!("HERE");
            for value in values {
                let text = marked.to_string().replace("\"HERE\"", value);
                assert_eq!((row.called)(&text).ok(), read(&row, &text), "{}: {text}", row.action);
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared} replies");
}

#[cfg(feature = "client-core")]
fn read(row: &filled::Row, text: &str) -> Option<String> {
    (row.read_text)(text).ok()
}

/// Without these a reply, or an item of a list, is worthless.
const REQUIRED: [&str; 6] =
    ["RequestId", "ContainerGroupId", "ImageCacheId", "DataCacheId", "VirtualNodeId", "TaskId"];

/// The reply with every leaf made nothing in one of three ways.
fn emptied(value: &Value, nothing: fn(&Value) -> Option<Value>) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter_map(|(key, value)| match value {
                _ if REQUIRED.contains(&key.as_str()) => Some((key.clone(), value.clone())),
                Value::Object(_) => Some((key.clone(), emptied(value, nothing))),
                Value::Array(list) if list[0].is_object() => Some((key.clone(), emptied(value, nothing))),
                leaf => nothing(leaf).map(|leaf| (key.clone(), leaf)),
            })
            .collect(),
        Value::Array(list) => list.iter().map(|item| emptied(item, nothing)).collect(),
        leaf => leaf.clone(),
    }
}

#[test]
fn missing_null_empty_and_zero_are_alike_in_every_reply() {
    let table = published::actions();
    for row in filled::rows().into_iter().filter(|row| row.action != "ListUsage") {
        let full = published::reply(&table[row.action]);
        let missing = (row.read)(&emptied(&full, |_| None)).expect("a reply");
        let null = (row.read)(&emptied(&full, |_| Some(Value::Null))).expect("a reply");
        let empty = (row.read)(&emptied(&full, |leaf| {
            Some(match leaf {
                Value::Array(_) => json!([]),
                Value::Number(_) => json!(0),
                Value::Bool(_) => json!(false),
                _ => json!(""),
            })
        }))
        .expect("a reply");
        assert_eq!(missing, null, "{}", row.action);
        assert_eq!(missing, empty, "{}", row.action);
    }
}

/// The reply with a field beside every other that this crate cannot know.
fn extended(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut map: serde_json::Map<String, Value> =
                map.iter().map(|(key, value)| (key.clone(), extended(value))).collect();
            map.insert("NewThing".to_owned(), json!({ "Deep": [1, { "a": null }] }));
            Value::Object(map)
        }
        Value::Array(list) => list.iter().map(extended).collect(),
        leaf => leaf.clone(),
    }
}

#[test]
fn unknown_fields_are_skipped_and_keys_match_in_any_case_in_every_reply() {
    let table = published::actions();
    for row in filled::rows() {
        let full = published::reply(&table[row.action]);
        let expected = (row.read)(&full).expect("a reply");
        assert_eq!((row.read)(&extended(&full)), Ok(expected.clone()), "{}", row.action);
        // The names of attributes are data, not keys of ours.
        if row.action != "ListUsage" {
            assert_eq!((row.read)(&with_keys(&full, lower_first)), Ok(expected.clone()), "{}", row.action);
            let upper = with_keys(&full, |key| key.to_ascii_uppercase());
            assert_eq!((row.read)(&upper), Ok(expected), "{}", row.action);
        }
    }
}

#[test]
fn no_reply_names_a_state_this_crate_would_refuse() {
    // Every word of the published replies is "text" here, which no enum of this crate knows.
    let table = published::actions();
    for row in filled::rows() {
        let shown = (row.read)(&published::reply(&table[row.action])).expect("a reply");
        assert!(!shown.contains("Other(\"\")"), "{}: {shown}", row.action);
    }
    let cache =
        json!({ "RequestId": "r", "ImageCaches": [{ "ImageCacheId": "imc-1", "Status": "Dreaming" }] });
    let reply: DescribeImageCachesReply = serde_json::from_value(cache).expect("a reply");
    assert_eq!(reply.image_caches[0].status, ImageCacheStatus::Other("Dreaming".into()));
}

#[test]
fn lists_that_older_replies_wrap_are_read_wrapped_and_bare() {
    let read = |text: &str| serde_json::from_str::<DescribeContainerGroupPriceReply>(text);
    let wrapped = r#"{ "RequestId": "r", "PriceInfo": {
        "Price": { "TradePrice": 0.5, "Currency": "CNY",
                   "DetailInfos": { "DetailInfo": [{ "Resource": "cpu", "TradePrice": 0.25, "Rules": { "Rule": [] } }] } },
        "SpotPrices": { "SpotPrice": [{ "InstanceType": "ecs.c6.large", "OriginPrice": 1, "SpotPrice": 0.1 }] } } }"#;
    let reply = read(wrapped).expect("a reply");
    let bare = wrapped
        .replace(r#"{ "DetailInfo": "#, "")
        .replace(r#""Rules": { "Rule": [] } }] }"#, r#""Rules": [] }]"#)
        .replace(r#"{ "SpotPrice": ["#, "[")
        .replace(r#"0.1 }] }"#, "0.1 }]");
    assert_eq!(read(&bare).expect("a reply"), reply);
    let info = reply.price_info.expect("prices");
    assert_eq!(info.spot_prices[0].spot_price, 0.1);
    let price = info.price.expect("a price");
    assert_eq!((price.trade_price, price.detail_infos[0].resource.as_str()), (0.5, "cpu"));

    let empty = r#"{ "RequestId": "r", "PriceInfo": { "Rules": {}, "SpotPrices": "", "Price": null } }"#;
    assert_eq!(read(empty).expect("a reply").price_info, None);
    let problem =
        read(r#"{ "RequestId": "r", "PriceInfo": { "Rules": { "Rule": [{}, { "RuleId": [7] }] } } }"#);
    let problem = problem.expect_err("a list").to_string();
    assert!(
        problem.contains("PriceInfo.Rules.Rule[1].RuleId: expected a whole number, found a list"),
        "{problem}"
    );
}

#[test]
fn quotas_are_numbers_by_name_and_zero_is_one() {
    let text = r#"{ "RequestId": "r",
        "Attributes": { "MaxCpu": "500", "UsedCpu": 12.5, "UsedDataCacheCount": 0, "Note": "soon", "More": {} } }"#;
    let reply: ListUsageReply = serde_json::from_str(text).expect("a reply");
    let numbers = [("MaxCpu", 500.0), ("UsedCpu", 12.5), ("UsedDataCacheCount", 0.0)];
    assert_eq!(reply.attributes, numbers.map(|(name, number)| (name.to_owned(), number)).into());
    for nothing in [r#""Attributes": null, "#, r#""Attributes": "", "#, r#""Attributes": {}, "#, ""] {
        let reply: ListUsageReply =
            serde_json::from_str(&format!(r#"{{ {nothing}"RequestId": "r" }}"#)).expect("a reply");
        assert!(reply.attributes.is_empty(), "{nothing}");
    }
}

#[test]
fn the_urls_of_a_reply_that_open_something_are_secrets() {
    let exec = json!({ "RequestId": "r", "WebSocketUri": "wss://h/exec/?s=hunter2", "HttpUrl": "https://h/?p=hunter2" });
    let exec: ExecContainerCommandReply = serde_json::from_value(exec).expect("a reply");
    let records =
        json!({ "RequestId": "r", "Records": [{ "ResultContent": "https://h/core?Signature=hunter2" }] });
    let records: DescribeInstanceOpsRecordsReply = serde_json::from_value(records).expect("a reply");
    let shown = format!("{exec:?} {records:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_eq!(exec.web_socket_uri.expect("a URL").expose(), "wss://h/exec/?s=hunter2");
}
