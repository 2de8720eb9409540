//! What published material leaves open about the service: every question has a switch, and both of its settings
//! make a difference that a caller sees.
//!
//! The numbers are those of the list of open questions that the simulator was written from; 0 is for doubts beside
//! that list. The limits of commands under Sync are the HTTP layer's, and tested there.

use super::*;
use crate::exec::socket::Rules;

struct Question {
    number: u32,
    asks: &'static str,
    switch: &'static str,
    settings: [Value; 2],
    /// What a caller sees, in few words.
    seen: fn(&mut World) -> String,
    expected: [&'static str; 2],
}

fn question(
    number: u32,
    asks: &'static str,
    switch: &'static str,
    settings: [Value; 2],
    seen: fn(&mut World) -> String,
    expected: [&'static str; 2],
) -> Question {
    Question { number, asks, switch, settings, seen, expected }
}

fn questions() -> Vec<Question> {
    let names = |a: &str, b: &str| [json!(a), json!(b)];
    vec![
        question(
            1,
            "casing of status and events",
            "status_casing",
            names("declared", "kubernetes"),
            casing,
            ["PodStatus", "podStatus"],
        ),
        question(
            1,
            "StartedAtstartedAt",
            "started_at",
            names("doubled", "single"),
            started_at,
            ["StartedAtstartedAt", "StartedAt"],
        ),
        question(
            2,
            "channels 3 and 4",
            "exec_channels",
            names("kubernetes", "swapped"),
            |world| rules(world, "resize"),
            ["resize: 4", "resize: 3"],
        ),
        question(
            2,
            "exit status",
            "exec_status",
            names("always", "never"),
            |world| rules(world, "sends_status"),
            ["sends_status: true", "sends_status: false"],
        ),
        question(
            2,
            "idle timeout",
            "exec_idle_s",
            [json!(0), json!(60)],
            |world| rules(world, "idle"),
            ["idle: None", "idle: Some(60s)"],
        ),
        question(
            2,
            "frame limit",
            "exec_frame_bytes",
            [json!(0), json!(1024)],
            |world| rules(world, "max_message"),
            ["max_message: None", "max_message: Some(1024)"],
        ),
        question(
            2,
            "2048 characters",
            "exec_command_characters",
            [json!(2048), json!(0)],
            long_command,
            ["400 InvalidParameter.ValueExceeded", "ok"],
        ),
        question(
            2,
            "life of a token",
            "exec_token_s",
            [json!(30), json!(60)],
            late_socket,
            ["refused", "opened"],
        ),
        question(
            3,
            "bounds of SinceSecond",
            "since_second_bounds",
            names("refuse", "clamp"),
            short_since,
            ["400 InvalidParameter.ValueExceeded", "ok"],
        ),
        question(
            3,
            "default Limit",
            "status_default_limit",
            [json!(200), json!(50)],
            page_of_sixty,
            ["60", "50"],
        ),
        question(
            3,
            "ids that do not exist",
            "unknown_ids",
            names("omit", "error"),
            unknown_id,
            ["ok", "404 InvalidParameter.NotFound"],
        ),
        question(
            4,
            "time until a deleted group is gone",
            "delete_visible_ms",
            [json!(500), json!(60_000)],
            after_delete,
            ["gone", "there"],
        ),
        question(
            4,
            "deleting an unknown id",
            "delete_unknown",
            names("not-found", "success"),
            |world| outcome(&world.delete("eci-none")),
            ["404 InvalidParameter.NotFound", "ok"],
        ),
        question(
            4,
            "Terminating without preStop",
            "terminating",
            names("with-pre-stop", "always"),
            deleting,
            ["Running", "Terminating"],
        ),
        question(
            5,
            "window of a token",
            "client_token_window_s",
            [json!(86_400), json!(60)],
            token_later,
            ["the same", "another"],
        ),
        question(
            5,
            "status of a mismatch",
            "token_mismatch_http_status",
            [json!(400), json!(409)],
            mismatch,
            ["400 IdempotentParameterMismatch", "409 IdempotentParameterMismatch"],
        ),
        question(
            5,
            "code of a mismatch",
            "token_mismatch_code",
            names("IdempotentParameterMismatch", "InvalidClientToken"),
            mismatch,
            ["400 IdempotentParameterMismatch", "400 InvalidClientToken"],
        ),
        question(
            5,
            "whether a delete honours tokens",
            "delete_client_token",
            names("honoured", "ignored"),
            delete_again,
            ["ok", "404 InvalidParameter.NotFound"],
        ),
        question(
            5,
            "whether a restart honours tokens",
            "restart_client_token",
            names("honoured", "ignored"),
            restart_again,
            ["Running", "Restarting"],
        ),
        question(
            5,
            "whether other changes honour tokens",
            "update_client_token",
            names("honoured", "ignored"),
            untag_again,
            ["kept", "removed"],
        ),
        question(
            6,
            "octal or decimal modes",
            "file_mode",
            names("octal", "decimal"),
            mode_438,
            ["400 InvalidParameter", "ok"],
        ),
        question(
            6,
            "default of deleteWithInstance",
            "delete_with_instance",
            names("yes", "no"),
            disks_left,
            ["0", "1"],
        ),
        question(6, "unit of bandwidths", "bandwidth_unit", names("bits", "bytes"), received, ["100", "800"]),
        question(
            7,
            "status of throttling",
            "throttling_http_status",
            [json!(400), json!(429)],
            throttled,
            ["400 Throttling.User", "429 Throttling.User"],
        ),
        question(
            7,
            "limits per account or region",
            "quota_scope",
            names("account", "region"),
            other_region,
            ["400 Throttling.User", "ok"],
        ),
        question(
            7,
            "x-acs-retry-after",
            "retry_after",
            names("sent", "absent"),
            told_when,
            ["true", "false"],
        ),
        question(
            8,
            "how long logs stay",
            "log_keep_s",
            [json!(86_400), json!(60)],
            old_log,
            ["ok", "400 IncorrectStatus"],
        ),
        question(
            8,
            "which limit cuts a log first",
            "log_truncation",
            names("tail-first", "bytes-first"),
            cut_log,
            ["bbb\nc", "aaa\nb"],
        ),
        question(
            8,
            "a log that has not begun",
            "log_not_started",
            names("error", "empty"),
            early_log,
            ["400 IncorrectStatus", "ok"],
        ),
        question(
            9,
            "codes beyond the list",
            "error_codes",
            names("listed", "unlisted"),
            missing,
            ["404 InvalidParameter.NotFound", "404 InvalidParameter.NotFound.Unlisted"],
        ),
        question(
            10,
            "another region's RegionId",
            "foreign_region",
            names("accept", "refuse"),
            elsewhere,
            ["ok", "404 InvalidRegionId.NotFound"],
        ),
        question(
            0,
            "None for what is not given",
            "none_values",
            names("refused", "unset"),
            none_read_only,
            ["400 InvalidParameter", "ok"],
        ),
        question(
            0,
            "a mount that is not read-only",
            "mount_read_only",
            names("always", "when-true"),
            read_only,
            ["false", "nothing"],
        ),
        question(
            0,
            "a mount that is not read-only",
            "mount_read_only",
            names("always", "null"),
            read_only,
            ["false", "null"],
        ),
        question(
            0,
            "how missing stock is told",
            "no_stock",
            names("schedule-failed", "refused"),
            without_stock,
            ["ok", "403 OperationDenied.NoStock"],
        ),
    ]
}

fn outcome<T>(result: &Result<T, String>) -> String {
    result.as_ref().map_or_else(Clone::clone, |_| "ok".to_owned())
}

fn running(world: &mut World, more: &[(&str, &str)]) -> String {
    let id = world.create(more);
    world.wait(1_000);
    id
}

fn casing(world: &mut World) -> String {
    running(world, &[]);
    let reply = world.call("DescribeContainerGroupStatus", &[]).unwrap();
    let members = reply["Data"][0].as_object().unwrap();
    members.keys().find(|name| name.eq_ignore_ascii_case("podstatus")).unwrap().clone()
}

fn started_at(world: &mut World) -> String {
    let id = running(world, &[]);
    let state = world.status_of(&id)["PodStatus"]["ContainerStatuses"][0]["State"]["Running"].clone();
    state.as_object().unwrap().keys().next().unwrap().clone()
}

/// One of the rules of the socket.
fn rules(world: &mut World, name: &str) -> String {
    let all = format!("{:?}", Rules::of(&world.cloud.settings, true)).replace('}', ",");
    let (_, rest) = all.split_once(&format!(" {name}: ")).unwrap();
    format!("{name}: {}", rest.split(',').next().unwrap().trim())
}

fn exec(world: &mut World, id: &str, command: &str) -> Result<Value, String> {
    let parameters = [("ContainerGroupId", id), ("ContainerName", "main"), ("Command", command)];
    world.call("ExecContainerCommand", &parameters)
}

fn long_command(world: &mut World) -> String {
    let id = running(world, &[]);
    let command = serde_json::to_string(&vec!["x".repeat(200); 15]).unwrap();
    outcome(&exec(world, &id, &command))
}

fn late_socket(world: &mut World) -> String {
    let id = running(world, &[]);
    let uri = exec(world, &id, "date").unwrap()["WebSocketUri"].as_str().unwrap().to_owned();
    let (_, token) = uri.split_once("s=").unwrap();
    world.wait(45_000);
    let opened = world.cloud.execs.redeem(token, world.now).is_some();
    if opened { "opened" } else { "refused" }.to_owned()
}

fn short_since(world: &mut World) -> String {
    outcome(&world.call("DescribeContainerGroupStatus", &[("SinceSecond", "30")]))
}

fn page_of_sixty(world: &mut World) -> String {
    (0..60).for_each(|_| drop(world.create(&[])));
    world.status_ids(&[]).len().to_string()
}

fn unknown_id(world: &mut World) -> String {
    outcome(&world.call("DescribeContainerGroups", &[("ContainerGroupIds", "[\"eci-none\"]")]))
}

fn after_delete(world: &mut World) -> String {
    let id = running(world, &[]);
    world.delete(&id).unwrap();
    world.wait(1_000);
    if world.ids(&[]).is_empty() { "gone" } else { "there" }.to_owned()
}

fn deleting(world: &mut World) -> String {
    let id = running(world, &[]);
    world.delete(&id).unwrap();
    world.group(&id)["Status"].as_str().unwrap().to_owned()
}

fn token_later(world: &mut World) -> String {
    let first = world.create(&[("ClientToken", "t")]);
    world.wait(120_000);
    let second = world.create(&[("ClientToken", "t")]);
    if first == second { "the same" } else { "another" }.to_owned()
}

fn mismatch(world: &mut World) -> String {
    world.create(&[("ClientToken", "t")]);
    outcome(&world.create_with(&[("ClientToken", "t"), ("Container.1.Arg.1", "x")]))
}

fn delete_again(world: &mut World) -> String {
    let id = running(world, &[]);
    let delete = [("ContainerGroupId", id.as_str()), ("ClientToken", "t")];
    world.call("DeleteContainerGroup", &delete).unwrap();
    world.wait(60_000);
    outcome(&world.call("DeleteContainerGroup", &delete))
}

fn restart_again(world: &mut World) -> String {
    let id = running(world, &[]);
    let restart = [("ContainerGroupId", id.as_str()), ("ClientToken", "t")];
    world.call("RestartContainerGroup", &restart).unwrap();
    world.wait(1_000);
    world.call("RestartContainerGroup", &restart).unwrap();
    world.group(&id)["Status"].as_str().unwrap().to_owned()
}

/// The tag that was set between two calls of the same token.
fn untag_again(world: &mut World) -> String {
    let tag = [("Tag.1.Key", "k"), ("Tag.1.Value", "v")];
    let id = running(world, &tag);
    let which = [("ResourceType", "ContainerGroup"), ("ResourceId.1", id.as_str())];
    let untag = [&which[..], &[("TagKey.1", "k"), ("ClientToken", "t")]].concat();
    world.call("UntagResources", &untag).unwrap();
    world.call("TagResources", &[&which[..], &tag].concat()).unwrap();
    world.call("UntagResources", &untag).unwrap();
    if world.ids(&tag).is_empty() { "removed" } else { "kept" }.to_owned()
}

fn mode_438(world: &mut World) -> String {
    let volume = [
        ("Volume.1.Name", "files"),
        ("Volume.1.Type", "ConfigFileVolume"),
        ("Volume.1.ConfigFileVolume.DefaultMode", "438"),
    ];
    outcome(&world.create_with(&volume))
}

fn disks_left(world: &mut World) -> String {
    let disk = |number: u32| {
        [
            ("Name", format!("disk-{number}")),
            ("Type", "FlexVolume".into()),
            ("FlexVolume.Driver", "alicloud/disk".into()),
        ]
        .map(|(name, value)| (format!("Volume.{number}.{name}"), value))
    };
    let mut all: Vec<(String, String)> = [disk(1), disk(2)].concat();
    all.push(("Volume.1.FlexVolume.Options".into(), "{\"volumeSize\":\"20\"}".into()));
    all.push((
        "Volume.2.FlexVolume.Options".into(),
        "{\"volumeSize\":\"20\",\"deleteWithInstance\":\"true\"}".into(),
    ));
    let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let id = running(world, &all);
    world.delete(&id).unwrap();
    world.wait(1_000);
    let gone = world.control("GET", &format!("groups/{id}"), Value::Null);
    gone["disks_left"].as_array().unwrap().len().to_string()
}

/// Bytes that came in a second, under a bandwidth of 800.
fn received(world: &mut World) -> String {
    let id = running(world, &[("IngressBandwidth", "800")]);
    world.wait(300_000);
    let reply = world.call("DescribeContainerGroupMetric", &[("ContainerGroupId", &id)]).unwrap();
    let record =
        |index: usize| reply["Records"][index]["Network"]["Interfaces"][0]["RxBytes"].as_i64().unwrap();
    ((record(5) - record(1)) / 60).to_string()
}

fn throttled(world: &mut World) -> String {
    world.set(json!({"rate_limits": "limits"}));
    (0..1000).find_map(|_| world.create_with(&[]).err()).unwrap_or_default()
}

/// Whether the quota of one region is used up by the other.
fn other_region(world: &mut World) -> String {
    throttled(world);
    outcome(&world.create_with(&[("RegionId", "cn-shanghai")]))
}

fn told_when(world: &mut World) -> String {
    world.set(json!({"rate_limits": "limits"}));
    (0..1000).find(|_| world.create_with(&[]).is_err());
    let answer = answer(world, "CreateContainerGroup", &[]);
    answer.headers.iter().any(|(name, _)| *name == "x-acs-retry-after").to_string()
}

fn old_log(world: &mut World) -> String {
    let id = world.script("echo hi", &[("RestartPolicy", "Never")]);
    world.wait(120_000);
    outcome(&world.log(&id, &[]))
}

fn cut_log(world: &mut World) -> String {
    let id = world.script("echo aaa; echo bbb; echo ccc", &[("RestartPolicy", "Never")]);
    world.wait(5_000);
    world.log(&id, &[("Tail", "2"), ("LimitBytes", "5")]).unwrap()
}

fn early_log(world: &mut World) -> String {
    let id = world.create(&[]);
    outcome(&world.log(&id, &[]))
}

/// The whole answer, headers and all.
fn answer(world: &mut World, action: &str, parameters: &[(&str, &str)]) -> Answer {
    let all = parameters.iter().chain(&[("RegionId", "cn-hangzhou")]);
    let all: Parameters = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let call = Call { parameters: Arc::new(all), ..Call::read(&crate::wire::Request::default()) };
    let unset_values = world.cloud.settings.unset_values;
    let envelope = Envelope { request_id: "R".into(), host_id: String::new(), as_xml: false, unset_values };
    let (action, caller) = (action.to_owned(), world.caller.clone());
    let admitted = Admitted { action, caller, call, envelope, journal_seq: 0, fault: None };
    world.cloud.perform(world.now, &admitted)
}

fn missing(world: &mut World) -> String {
    let answer = answer(world, "DeleteContainerGroup", &[("ContainerGroupId", "eci-none")]);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    format!("{} {}", answer.status, body["Code"].as_str().unwrap())
}

fn elsewhere(world: &mut World) -> String {
    outcome(&world.call("DescribeContainerGroups", &[("RegionId", "cn-shanghai")]))
}

const MOUNT: [(&str, &str); 4] = [
    ("Volume.1.Name", "tmp"),
    ("Volume.1.Type", "EmptyDirVolume"),
    ("Container.1.VolumeMount.1.Name", "tmp"),
    ("Container.1.VolumeMount.1.MountPath", "/tmp"),
];

fn none_read_only(world: &mut World) -> String {
    outcome(&world.create_with(&[&MOUNT[..], &[("Container.1.VolumeMount.1.ReadOnly", "None")]].concat()))
}

fn read_only(world: &mut World) -> String {
    let id = running(world, &MOUNT);
    let mount = world.group(&id)["Containers"][0]["VolumeMounts"][0].clone();
    mount.get("ReadOnly").map_or("nothing".to_owned(), Value::to_string)
}

fn without_stock(world: &mut World) -> String {
    world.set(json!({"stock_rules": ["*/*=0"]}));
    outcome(&world.create_with(&[]))
}

#[test]
fn every_open_question_has_a_switch_whose_settings_differ() {
    for Question { number, asks, switch, settings, seen, expected } in questions() {
        let seen = settings.map(|setting| seen(&mut World::with(json!({ switch: setting }))));
        assert_eq!(seen, expected, "question {number}, {asks}: {switch}");
        assert_ne!(seen[0], seen[1], "{switch} makes no difference");
    }
}

#[test]
fn no_question_is_left_out() {
    let numbers: BTreeSet<u32> = questions().iter().map(|question| question.number).collect();
    assert_eq!(numbers, (0..=10).collect());
}
