//! Holds the request types against the published parameter table, and the rules of flattening.

use std::collections::BTreeSet;

use eci_client::model::*;

mod filled;
mod published;

/// `Container.12.Name` becomes `Container.N.Name`, `DataSource.Options.url` becomes `DataSource.Options`.
fn shape(name: &str) -> String {
    let name = name.find("DataSource.Options.").map_or(name, |at| &name[..at + "DataSource.Options".len()]);
    let parts: Vec<&str> =
        name.split('.').map(|part| if part.parse::<u32>().is_ok() { "N" } else { part }).collect();
    parts.join(".")
}

#[test]
fn every_published_action_is_here_and_no_other() {
    let table = published::actions();
    let published: BTreeSet<&str> = table.keys().map(String::as_str).collect();
    let here: BTreeSet<&str> = filled::rows().iter().map(|row| row.action).collect();
    assert_eq!(here, published);
    assert_eq!(here.len(), 36);
}

#[test]
fn every_request_produces_every_published_parameter_and_no_other() {
    let table = published::actions();
    for row in filled::rows() {
        let produced: BTreeSet<String> = row.parameters.iter().map(|(name, _)| shape(name)).collect();
        let published: BTreeSet<String> =
            published::parameters(&table[row.action]).into_keys().map(str::to_owned).collect();
        assert_eq!(produced, published, "{}", row.action);
    }
}

#[test]
fn values_travel_as_the_type_that_is_published() {
    let table = published::actions();
    for row in filled::rows() {
        let kinds = published::parameters(&table[row.action]);
        for (name, value) in row.parameters.iter() {
            let fits = match kinds[shape(name).as_str()] {
                // Octal digits, see the reference on `Mode`, are digits too.
                "int32" | "int64" | "integer" => value.parse::<i64>().is_ok(),
                "float" => value.parse::<f64>().is_ok(),
                "boolean" => matches!(value, "true" | "false"),
                "string" | "map" => true,
                unknown => panic!("{unknown} is no type this test knows"),
            };
            assert!(fits, "{}: {name}={value}", row.action);
        }
    }
}

#[test]
fn no_request_prints_its_secrets() {
    let mut with_secrets = BTreeSet::new();
    for filled::Row { action, parameters, shown, .. } in filled::rows() {
        let shown = format!("{shown} {parameters:?}");
        assert!(!shown.contains(filled::SECRET), "{action}: {shown}");
        let travels = parameters.iter().any(|(_, value)| value.contains(filled::SECRET));
        assert_eq!(parameters.holds_secret(), travels, "{action}");
        with_secrets.extend(travels.then_some(action));
    }
    assert_eq!(
        with_secrets,
        BTreeSet::from([
            "CreateContainerGroup",
            "CreateDataCache",
            "CreateImageCache",
            "CreateVirtualNode",
            "UpdateContainerGroup",
            "UpdateDataCache",
            "UpdateImageCache",
        ])
    );
    let all = serde_json::to_string(&filled::create_container_group().parameters()).expect("texts");
    assert_eq!(all.matches(filled::SECRET).count(), 7, "every secret of the request travels: {all}");
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
fn the_keys_of_a_map_become_parts_of_names() {
    let options = [("url".to_owned(), "https://host/a".into()), ("a.b".to_owned(), "".into())];
    let request = CreateDataCacheRequest {
        data_source: Some(DataSource { r#type: Some(DataSourceType::Url), options: options.into() }),
        ..Default::default()
    };
    let parameters = request.parameters();
    let listed: Vec<(&str, &str)> = parameters.iter().collect();
    assert_eq!(
        listed,
        [
            ("DataSource.Options.a.b", ""),
            ("DataSource.Options.url", "https://host/a"),
            ("DataSource.Type", "URL"),
        ]
    );
}

#[test]
fn updates_spell_the_headers_of_one_hook_differently() {
    let header = || vec![HttpHeader { name: "X".into(), value: "1".into() }];
    let container = UpdateContainer {
        image: Some("x".into()),
        lifecycle_post_start_handler: Some(UpdatePostStartHandler {
            http_get_http_headers: header(),
            ..Default::default()
        }),
        lifecycle_pre_stop_handler: Some(LifecycleHandler {
            http_get_http_header: header(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let request = UpdateContainerGroupRequest {
        container_group_id: "eci-1".into(),
        update_type: Some(UpdateType::IncrementalUpdate),
        container: vec![container],
        ..Default::default()
    };
    let parameters = request.parameters();
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "Container.1.Image",
            "Container.1.LifecyclePostStartHandlerHttpGetHttpHeaders.1.Name",
            "Container.1.LifecyclePostStartHandlerHttpGetHttpHeaders.1.Value",
            "Container.1.LifecyclePreStopHandlerHttpGetHttpHeader.1.Name",
            "Container.1.LifecyclePreStopHandlerHttpGetHttpHeader.1.Value",
            "ContainerGroupId",
            "UpdateType",
        ]
    );
}

#[test]
fn a_command_to_run_travels_as_one_text() {
    let request = ExecContainerCommandRequest {
        command: vec!["/bin/sh".into(), "-c".into(), "echo \"a b\"".into()],
        ..Default::default()
    };
    assert_eq!(request.parameters().get("Command"), Some(r#"["/bin/sh","-c","echo \"a b\""]"#));
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
