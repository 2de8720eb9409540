//! What the replies of the reading actions say about a group.

use super::*;

#[test]
fn a_running_group_is_shown_with_its_containers() {
    let mut world = World::new();
    let id = world.create(&[
        ("Cpu", "0.3"),
        ("Memory", "1"),
        ("Container.1.EnvironmentVar.1.Key", "A"),
        ("Container.1.EnvironmentVar.1.Value", "b"),
        ("Tag.1.Key", "k"),
        ("Tag.1.Value", "v"),
    ]);
    let scheduling = world.group(&id);
    assert_eq!((&scheduling["Status"], &scheduling["IntranetIp"]), (&json!("Scheduling"), &json!("")));
    world.wait(1_000);
    let running = world.group(&id);
    assert_eq!(running["Status"], "Running");
    assert_eq!((&running["Cpu"], &running["Memory"]), (&json!(0.5), &json!(1.0)));
    assert_eq!(running["CreationTime"], "2026-01-01T00:00:00Z");
    assert_eq!(running["Tags"], json!([{"Key": "k", "Value": "v"}]));
    let container = &running["Containers"][0];
    assert_eq!(container["CurrentState"]["State"], "Running");
    assert_eq!(container["CurrentState"]["StartTime"], "2026-01-01T00:00:00Z");
    assert_eq!(container["PreviousState"]["State"], "");
    assert_eq!(container["EnvironmentVars"][0]["Key"], "A");
    assert_eq!(container["EnvironmentVars"][1]["Key"], "PATH", "variables of the image are listed too");
    assert_eq!((&container["Ready"], &container["RestartCount"]), (&json!(true), &json!(0)));
    assert_eq!(texts(&running["Events"], "Reason"), ["Scheduled", "Pulling", "Pulled", "Created", "Started"]);
}

#[test]
fn the_end_of_a_container_is_shown_in_both_replies() {
    let mut world = World::new();
    let id = world.script("echo bye; sleep 2; exit 3", &[("RestartPolicy", "Never")]);
    world.wait(5_000);
    let group = world.group(&id);
    assert_eq!((&group["Status"], &group["FailedTime"]), (&json!("Failed"), &json!("2026-01-01T00:00:02Z")));
    let state = &group["Containers"][0]["CurrentState"];
    assert_eq!(
        (&state["State"], &state["ExitCode"], &state["Reason"]),
        (&json!("Terminated"), &json!(3), &json!("Error"))
    );
    let status = world.status_of(&id);
    assert_eq!(status["PodStatus"]["Phase"], "Failed");
    let terminated = &status["PodStatus"]["ContainerStatuses"][0]["State"]["Terminated"];
    assert_eq!(
        (&terminated["ExitCode"], &terminated["FinishedAt"]),
        (&json!(3), &json!("2026-01-01T00:00:02Z"))
    );
    assert!(terminated["ContainerID"].as_str().unwrap().starts_with("containerd://"));
}

#[test]
fn a_restarted_container_shows_its_previous_end() {
    let mut world = World::new();
    let id = world.script("exit 1", &[]);
    world.wait(5_000);
    let container = world.group(&id)["Containers"][0].clone();
    assert_eq!(container["CurrentState"]["Reason"], "CrashLoopBackOff");
    assert_eq!(container["PreviousState"]["ExitCode"], 1);
    let status = world.status_of(&id)["PodStatus"]["ContainerStatuses"][0].clone();
    assert_eq!(status["State"]["Waiting"]["Reason"], "CrashLoopBackOff");
    assert_eq!(status["LastState"]["Terminated"]["ExitCode"], 1);
    assert_eq!(status["RestartCount"], 1);
}

#[test]
fn init_containers_are_in_the_full_reply_only() {
    let mut world = World::new();
    let id = world.create(&[
        ("InitContainer.1.Name", "setup"),
        ("InitContainer.1.Image", "busybox"),
        ("InitContainer.1.Command.1", "true"),
    ]);
    world.wait(2_000);
    let init = world.group(&id)["InitContainers"][0].clone();
    assert_eq!((&init["Command"], &init["Ready"]), (&json!(["true"]), &json!(true)));
    assert_eq!(init["CurrentState"]["Reason"], "Completed");
    let status = world.status_of(&id);
    assert_eq!(texts(&status["PodStatus"]["ContainerStatuses"], "Name"), ["main"]);
    assert!(!status.to_string().contains("setup"));
}

#[test]
fn the_status_reply_has_either_casing() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    let status = world.status_of(&id)["PodStatus"].clone();
    assert_eq!(
        status["ContainerStatuses"][0]["State"]["Running"]["StartedAtstartedAt"],
        "2026-01-01T00:00:00Z"
    );
    let ready =
        status["Conditions"].as_array().unwrap().iter().find(|condition| condition["type"] == "Ready");
    assert_eq!(ready.unwrap()["status"], "True");
    world.set(json!({"status_casing": "kubernetes"}));
    let reply = world.call("DescribeContainerGroupStatus", &[]).unwrap();
    let status = &reply["Data"][0]["podStatus"];
    assert_eq!(status["containerStatuses"][0]["state"]["running"]["startedAt"], "2026-01-01T00:00:00Z");
    assert!(status["podIP"].as_str().unwrap().starts_with("10.250."));
}

/// Every path of a reply, lists as `[]`: `Data[].PodStatus.PodIps[].Ip`.
fn paths(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                paths(value, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{prefix}[]"), found)),
        _ => {
            found.insert(prefix.to_owned());
        }
    }
}

/// The reply says something, and has only fields that the published table declares.
pub(super) fn assert_declared(action: &str, reply: &Value) {
    let table: Value = serde_json::from_str(include_str!("../../../api.json")).unwrap();
    let declared: &Map<String, Value> = table["actions"][action]["response"].as_object().unwrap();
    let mut found = BTreeSet::new();
    paths(reply, "", &mut found);
    assert!(!found.is_empty());
    // The table declares a list of texts as `Zones[]`, and a map with free keys by its own name.
    let is_known = |path: &str| {
        let map = path.split_once('.').map_or("", |(map, _)| map);
        declared.contains_key(path) || declared.get(map).is_some_and(|row| row["type"] == "map")
    };
    let unknown: Vec<&String> = found.iter().filter(|path| !is_known(path)).collect();
    assert!(unknown.is_empty(), "{action}: {unknown:?}");
}

#[test]
fn replies_have_only_fields_that_the_published_table_declares() {
    let mut world = World::new();
    let everything = [
        ("InitContainer.1.Name", "setup"),
        ("InitContainer.1.Image", "busybox"),
        ("InitContainer.1.Command.1", "true"),
        ("InitContainer.1.VolumeMount.1.Name", "files"),
        ("InitContainer.1.VolumeMount.1.MountPath", "/x"),
        ("Container.1.Arg.1", "x"),
        ("Container.1.Port.1.Port", "80"),
        ("Container.1.VolumeMount.1.Name", "files"),
        ("Container.1.VolumeMount.1.MountPath", "/x"),
        ("Container.1.LivenessProbe.Exec.Command.1", "true"),
        ("Container.1.ReadinessProbe.HttpGet.Port", "80"),
        ("Container.1.SecurityContext.RunAsUser", "1000"),
        ("Container.1.SecurityContext.Capability.Add.1", "NET_RAW"),
        ("Container.1.EnvironmentVar.1.Key", "IP"),
        ("Container.1.EnvironmentVar.1.FieldRef.FieldPath", "status.podIP"),
        ("Volume.1.Name", "files"),
        ("Volume.1.Type", "ConfigFileVolume"),
        ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "a"),
        ("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", "aGk="),
        ("HostAliase.1.Ip", "10.0.0.1"),
        ("HostAliase.1.Hostname.1", "a"),
        ("DnsPolicy", "None"),
        ("DnsConfig.NameServer.1", "10.0.0.10"),
        ("DnsConfig.Option.1.Name", "ndots"),
        ("DnsConfig.Option.1.Value", "5"),
        ("SecurityContext.Sysctl.1.Name", "net.ipv4.ping_group_range"),
        ("SecurityContext.Sysctl.1.Value", "0 1"),
        ("Tag.1.Key", "k"),
    ];
    let running = world.create(&everything);
    let crashing = world.script("exit 1", &[]);
    let ended = world.script("exit 1", &[("RestartPolicy", "Never")]);
    world.wait(5_000);
    let ids = json!([running, crashing, ended]).to_string();
    let cases = [
        ("DescribeContainerGroups", vec![("ContainerGroupIds", ids.as_str()), ("WithEvent", "true")]),
        ("DescribeContainerGroupStatus", vec![]),
        ("DescribeContainerLog", vec![("ContainerGroupId", running.as_str()), ("ContainerName", "main")]),
        ("DescribeRegions", vec![]),
    ];
    for (action, parameters) in cases {
        assert_declared(action, &world.call(action, &parameters).unwrap());
    }
}
