//! Restart and update, their events, prices, usage and quotas.

use super::replies::assert_declared;
use super::*;

fn restart(world: &mut World, id: &str) -> Result<Value, String> {
    world.call("RestartContainerGroup", &[("ContainerGroupId", id)])
}

fn update(world: &mut World, id: &str, more: &[(&str, &str)]) -> Result<Value, String> {
    world.call("UpdateContainerGroup", &[&[("ContainerGroupId", id)], more].concat())
}

#[test]
fn a_restarted_group_runs_its_containers_again() {
    let mut world = World::new();
    let id = world.create(&[
        ("InitContainer.1.Name", "setup"),
        ("InitContainer.1.Image", "busybox"),
        ("InitContainer.1.Command.1", "true"),
    ]);
    world.wait(5_000);
    restart(&mut world, &id).unwrap();
    assert_eq!(world.group(&id)["Status"], "Restarting");
    assert_eq!(restart(&mut world, &id), Err("400 IncorrectStatus".into()));
    world.wait(5_000);
    let group = world.group(&id);
    assert_eq!(
        (&group["Status"], &group["InitContainers"][0]["RestartCount"]),
        (&json!("Running"), &json!(1))
    );
    let container = &group["Containers"][0];
    assert_eq!((&container["RestartCount"], &container["Ready"]), (&json!(1), &json!(true)));
    assert_eq!(container["PreviousState"]["Signal"], 15);
}

#[test]
fn what_has_ended_or_is_unknown_cannot_be_restarted() {
    let mut world = World::new();
    let id = world.script("exit 0", &[("RestartPolicy", "Never")]);
    assert_eq!(restart(&mut world, &id), Err("400 IncorrectStatus".into()), "it is being scheduled");
    world.wait(5_000);
    assert_eq!(restart(&mut world, &id), Err("400 IncorrectStatus".into()));
    assert_eq!(restart(&mut world, "eci-none"), Err("404 InvalidParameter.NotFound".into()));
}

const TWO: [(&str, &str); 6] = [
    ("Container.1.Name", "main"),
    ("Container.1.Image", "nginx"),
    ("Container.2.Name", "side"),
    ("Container.2.Image", "nginx"),
    ("Container.2.Command.1", "echo"),
    ("Container.2.Arg.1", "old"),
];

#[test]
fn an_incremental_update_restarts_only_what_it_changes() {
    let mut world = World::new();
    let id = world.create(&TWO);
    world.wait(1_000);
    let changes = [
        ("UpdateType", "IncrementalUpdate"),
        ("Container.1.Image", "nginx"),
        ("Container.2.Image", "nginx:2"),
        ("Tag.1.Key", "k"),
        ("Tag.1.Value", "v"),
    ];
    update(&mut world, &id, &changes).unwrap();
    let group = world.group(&id);
    assert_eq!(group["Status"], "Updating");
    assert_eq!(group["Containers"][0]["CurrentState"]["State"], "Running");
    world.wait(1_000);
    let group = world.group(&id);
    let restarts = |index: usize| group["Containers"][index]["RestartCount"].clone();
    assert_eq!((restarts(0), restarts(1).as_u64() > Some(0)), (json!(0), true));
    assert_eq!(group["Containers"][1]["Image"], "nginx:2");
    assert_eq!(group["Containers"][1]["Args"], json!(["old"]), "sent without a name, it keeps the rest");
    assert_eq!(world.ids(&[("Tag.1.Key", "k"), ("Tag.1.Value", "v")]), [id.as_str()]);
    assert_eq!(update(&mut world, &id, &changes), Err("400 NoNeedUpdate".into()));
}

#[test]
fn a_renewal_removes_what_it_does_not_name() {
    let mut world = World::new();
    let id =
        world.create(&[&TWO[..], &[("Volume.1.Name", "tmp"), ("Volume.1.Type", "EmptyDirVolume")]].concat());
    world.wait(1_000);
    update(&mut world, &id, &[("Container.1.Name", "main"), ("Container.1.Image", "nginx")]).unwrap();
    world.wait(1_000);
    let group = world.group(&id);
    assert_eq!(texts(&group["Containers"], "Name"), ["main"]);
    assert_eq!((&group["Status"], &group["Volumes"]), (&json!("Running"), &Value::Null));
    assert_eq!(update(&mut world, &id, &[]), Err("400 MissingParameter".into()));
    let twice = [TWO[0], TWO[1], ("Container.2.Name", "main"), ("Container.2.Image", "nginx")];
    assert_eq!(update(&mut world, &id, &twice), Err("400 InvalidParameter.DuplicatedName".into()));
}

#[test]
fn the_log_of_the_run_before_an_update_stays_what_it_was() {
    let mut world = World::new();
    let id = world.script("echo before; sleep 1000", &[]);
    world.wait(1_000);
    let changes = [
        ("UpdateType", "IncrementalUpdate"),
        ("Container.1.Command.1", "sh"),
        ("Container.1.Command.2", "-c"),
        ("Container.1.Command.3", "echo after; sleep 1000"),
    ];
    update(&mut world, &id, &changes).unwrap();
    world.wait(1_000);
    assert_eq!(world.log(&id, &[]).unwrap(), "after\n");
    assert_eq!(world.log(&id, &[("LastTime", "true")]).unwrap(), "before\n");
}

#[test]
fn changed_init_containers_restart_everything() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    let changes = [
        ("UpdateType", "IncrementalUpdate"),
        ("InitContainer.1.Name", "setup"),
        ("InitContainer.1.Image", "busybox"),
        ("InitContainer.1.Command.1", "true"),
    ];
    update(&mut world, &id, &changes).unwrap();
    world.wait(5_000);
    let group = world.group(&id);
    assert_eq!((&group["Status"], &group["Containers"][0]["RestartCount"]), (&json!("Running"), &json!(1)));
    assert_eq!(group["InitContainers"][0]["CurrentState"]["Reason"], "Completed");
}

#[test]
fn events_come_with_their_source_in_either_casing() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    let reply = world.call("DescribeContainerGroupEvents", &[]).unwrap();
    assert_declared("DescribeContainerGroupEvents", &reply);
    let events = &reply["Data"][0]["Events"];
    assert_eq!(texts(events, "Reason"), ["Scheduled", "Pulling", "Pulled", "Created", "Started"]);
    assert_eq!(events[0]["involvedObject"]["Uid"], id.as_str());
    let platform = world.call("DescribeContainerGroupEvents", &[("EventSource", "EciService")]).unwrap();
    assert_eq!(texts(&platform["Data"][0]["Events"], "Reason"), ["Scheduled"]);
    world.set(json!({"status_casing": "kubernetes"}));
    let reply = world.call("DescribeContainerGroupEvents", &[("EventSource", "K8sAgent")]).unwrap();
    assert_eq!(texts(&reply["Data"][0]["events"], "reason"), ["Pulling", "Pulled", "Created", "Started"]);
}

#[test]
fn the_published_price_is_reproduced_and_spot_is_cheaper() {
    let mut world = World::new();
    let size = [("Cpu", "2.0"), ("Memory", "4.0")];
    let mut price = |more: &[(&str, &str)]| {
        let reply = world.call("DescribeContainerGroupPrice", &[&size[..], more].concat()).unwrap();
        assert_declared("DescribeContainerGroupPrice", &reply);
        (reply["PriceInfo"]["Price"]["TradePrice"].as_f64().unwrap(), reply)
    };
    let (full, _) = price(&[]);
    assert!((full - 0.000_122_52).abs() < 1e-9, "{full}");
    let (spot, reply) = price(&[("SpotStrategy", "SpotAsPriceGo")]);
    assert!(spot < full);
    assert_eq!(reply["PriceInfo"]["SpotPrices"]["SpotPrice"][0]["ZoneId"], "cn-hangzhou-a");
    assert_eq!(world.call("DescribeContainerGroupPrice", &[]), Err("400 MissingParameter".into()));
}

#[test]
fn usage_counts_what_has_not_ended_against_the_quota() {
    let mut world = World::with(json!({"vcpu_quota": 4}));
    world.create(&[]);
    let ending = world.script("exit 0", &[("RestartPolicy", "Never")]);
    assert_eq!(world.create_with(&[]), Err("403 QuotaExceeded".into()));
    world.wait(5_000);
    assert_eq!(world.group(&ending)["Status"], "Succeeded");
    let usage = world.call("ListUsage", &[]).unwrap();
    assert_declared("ListUsage", &usage);
    assert_eq!((&usage["Attributes"]["UsedCpu"], &usage["Attributes"]["MaxCpu"]), (&json!(2.0), &json!(4.0)));
    assert!(world.create_with(&[]).is_ok());
}

#[test]
fn calls_beyond_the_published_quota_are_throttled() {
    let mut world = World::with(json!({"rate_limits": "limits"}));
    for _ in 0..500 {
        assert_eq!(world.log("eci-none", &[]), Err("404 InvalidParameter.NotFound".into()));
    }
    assert_eq!(world.log("eci-none", &[]), Err("400 Throttling.User".into()));
    world.set(json!({"throttling_http_status": 429}));
    assert_eq!(world.log("eci-none", &[]), Err("429 Throttling.User".into()));
    world.wait(120);
    assert_eq!(world.log("eci-none", &[]), Err("404 InvalidParameter.NotFound".into()));
}

#[test]
fn an_update_that_spells_out_what_is_there_is_not_needed_and_restarts_nothing() {
    let mut world = World::new();
    let port = ("Container.1.ReadinessProbe.TcpSocket.Port", "80");
    let id = world.create(&[("Cpu", "2"), ("Memory", "4"), ("Container.1.Tty", "true"), port]);
    world.wait(1_000);
    let same = [
        ("ContainerGroupId", id.as_str()),
        ("RestartPolicy", "Always"),
        ("Container.1.Name", "main"),
        ("Container.1.Image", "nginx"),
        ("Container.1.Tty", "True"),
        ("Container.1.Stdin", "False"),
        ("Container.1.ImagePullPolicy", "IfNotPresent"),
        ("Container.1.ReadinessProbe.PeriodSeconds", "10"),
        ("Container.1.ReadinessProbe.FailureThreshold", "3"),
        port,
    ];
    for kind in ["RenewUpdate", "IncrementalUpdate"] {
        let same = [&same[..], &[("UpdateType", kind)]].concat();
        assert_eq!(world.call("UpdateContainerGroup", &same), Err("400 NoNeedUpdate".into()), "{kind}");
    }
    let other = [&same[..], &[("DnsConfig.NameServer.1", "10.0.0.2")]].concat();
    world.call("UpdateContainerGroup", &other).unwrap();
    world.wait(1_000);
    assert_eq!(world.group(&id)["Containers"][0]["RestartCount"], 0);
}
