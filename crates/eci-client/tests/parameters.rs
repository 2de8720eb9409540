//! Holds the request types against the published parameter table, and the rules of flattening.

use std::collections::BTreeSet;

use eci_client::model::*;

mod filled;

/// The parameter names of an action in `api.json`: structs carry no value, so only leaves count.
fn published(action: &str) -> BTreeSet<String> {
    let table: serde_json::Value =
        serde_json::from_str(include_str!("data/api.json")).expect("api.json is JSON");
    let request = table["actions"][action]["request"].as_object().expect("the action is in the table");
    request
        .iter()
        .filter(|(_, parameter)| parameter["type"] != "struct")
        .map(|(name, _)| name.clone())
        .collect()
}

/// The account parameters every action declares and nobody uses.
const ACCOUNT: [&str; 4] = ["OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"];

/// `Container.12.Name` becomes `Container.N.Name`.
fn shape(name: &str) -> String {
    let parts: Vec<&str> =
        name.split('.').map(|part| if part.parse::<u32>().is_ok() { "N" } else { part }).collect();
    parts.join(".")
}

#[track_caller]
fn assert_complete(action: &str, parameters: &Parameters) {
    let produced: BTreeSet<String> = parameters.iter().map(|(name, _)| shape(name)).collect();
    let mut expected = published(action);
    for name in ACCOUNT {
        expected.remove(name);
    }
    assert_eq!(produced, expected, "{action}");
}

#[test]
fn create_container_group_produces_every_published_parameter_and_no_other() {
    assert_complete("CreateContainerGroup", &filled::create_container_group().parameters());
}

#[test]
fn the_other_requests_produce_every_published_parameter_and_no_other() {
    assert_complete("DescribeContainerGroups", &filled::describe_container_groups().parameters());
    assert_complete("DescribeContainerGroupStatus", &filled::describe_container_group_status().parameters());
    assert_complete("DeleteContainerGroup", &filled::delete_container_group().parameters());
    assert_complete("DescribeContainerLog", &filled::describe_container_log().parameters());
    assert_complete("DescribeRegions", &filled::describe_regions().parameters());
}

#[test]
fn no_request_prints_its_secrets() {
    let request = filled::create_container_group();
    let shown = format!("{request:?} {request:#?} {:?}", request.parameters());
    assert!(!shown.contains(filled::SECRET), "{shown}");
    let all = serde_json::to_string(&request.parameters()).expect("texts");
    assert_eq!(all.matches(filled::SECRET).count(), 7, "every secret of the request travels: {all}");
    assert!(request.parameters().holds_secret());
    assert!(!filled::describe_container_groups().parameters().holds_secret());
}

#[test]
fn lists_count_from_one_and_structs_nest_with_dots() {
    let request = CreateContainerGroupRequest {
        container_group_name: "web".into(),
        container: vec![
            CreateContainer { name: "a".into(), image: "x".into(), ..Default::default() },
            CreateContainer {
                name: "b".into(),
                image: "y".into(),
                cpu: Some(0.25),
                memory: Some(2.0),
                stdin: Some(false),
                environment_var: vec![
                    EnvironmentVar { key: "EMPTY".into(), value: Some("".into()), field_ref: None },
                    EnvironmentVar {
                        key: "IP".into(),
                        value: None,
                        field_ref: Some(FieldRef { field_path: "status.podIP".into() }),
                    },
                ],
                lifecycle_pre_stop_handler: Some(LifecycleHandler {
                    exec: vec!["sleep".into(), "1".into()],
                    http_get_http_header: vec![HttpHeader { name: "X".into(), value: "1".into() }],
                    ..Default::default()
                }),
                ..Default::default()
            },
        ],
        ..Default::default()
    };
    let parameters = request.parameters();
    let listed: Vec<(&str, &str)> = parameters.iter().collect();
    assert_eq!(
        listed,
        [
            ("Container.1.Image", "x"),
            ("Container.1.Name", "a"),
            ("Container.2.Cpu", "0.25"),
            ("Container.2.EnvironmentVar.1.Key", "EMPTY"),
            ("Container.2.EnvironmentVar.1.Value", ""),
            ("Container.2.EnvironmentVar.2.FieldRef.FieldPath", "status.podIP"),
            ("Container.2.EnvironmentVar.2.Key", "IP"),
            ("Container.2.Image", "y"),
            ("Container.2.LifecyclePreStopHandlerExec.1", "sleep"),
            ("Container.2.LifecyclePreStopHandlerExec.2", "1"),
            ("Container.2.LifecyclePreStopHandlerHttpGetHttpHeader.1.Name", "X"),
            ("Container.2.LifecyclePreStopHandlerHttpGetHttpHeader.1.Value", "1"),
            ("Container.2.Memory", "2"),
            ("Container.2.Name", "b"),
            ("Container.2.Stdin", "false"),
            ("ContainerGroupName", "web"),
        ]
    );
}

#[test]
fn some_lists_travel_as_one_text() {
    let create = CreateContainerGroupRequest {
        v_switch_id: vec!["vsw-a".into(), "vsw-b".into()],
        instance_type: vec!["2-4Gi".into()],
        ..Default::default()
    };
    assert_eq!(create.parameters().get("VSwitchId"), Some("vsw-a,vsw-b"));
    assert_eq!(create.parameters().get("InstanceType"), Some("2-4Gi"));
    assert_eq!(create.parameters().get("PlainHttpRegistry"), None);

    let describe = DescribeContainerGroupsRequest {
        container_group_ids: vec!["eci-a".into(), "eci-\"b".into()],
        ..Default::default()
    };
    assert_eq!(describe.parameters().get("ContainerGroupIds"), Some(r#"["eci-a","eci-\"b"]"#));
    assert!(DescribeContainerGroupsRequest::default().parameters().is_empty());
}

#[test]
fn file_modes_travel_as_octal_digits() {
    assert_eq!(FileMode(0o644).to_string(), "0644");
    assert_eq!(FileMode(0o7).to_string(), "0007");
    assert_eq!("0400".parse(), Ok(FileMode(0o400)));
    assert!("0800".parse::<FileMode>().is_err());
}

#[test]
fn words_are_recognised_in_any_case_and_unknown_ones_are_kept() {
    assert_eq!(Status::from("running"), Status::Running);
    assert_eq!(Status::from("Hibernating"), Status::Other("Hibernating".into()));
    assert_eq!(Status::from("Hibernating").as_str(), "Hibernating");
    assert_eq!(Protocol::from("tcp").to_string(), "TCP");
}
