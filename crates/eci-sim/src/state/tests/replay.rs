//! What happened, repeated.

use super::*;
use crate::state::record::{Start, What};

fn start(world: &World) -> Start {
    Start {
        region: "cn-hangzhou".into(),
        network: Network::default(),
        address_range: "10.250.0.0/16".into(),
        settings: world.cloud.settings.clone(),
        seed: 7,
        seed_is_given: true,
        virtual_time: None,
        gateway: None,
        faults: Vec::new(),
    }
}

/// A world that writes down what happens in it.
fn recorded() -> World {
    let mut world = World::new();
    let start = start(&world);
    world.cloud.begin(world.now, &start).unwrap();
    world.cloud.unsaved = Some(Vec::new());
    world.cloud.keep(What::Start(Box::new(start)));
    world
}

/// Another world to which the same has happened.
fn repeated(world: &mut World) -> World {
    let records = world.cloud.unsaved.take().unwrap();
    let text = serde_json::to_string(&records).unwrap();
    let records: Vec<Record> = serde_json::from_str(&text).unwrap();
    let mut again = World::new();
    records.into_iter().for_each(|record| again.cloud.replay(record).unwrap());
    again.now = world.now;
    again
}

fn inside(world: &mut World) -> String {
    let now = world.now;
    world.cloud.advance(now);
    let groups: Vec<String> = world.cloud.store.groups().map(|group| format!("{group:?}")).collect();
    let gone: Vec<String> = world.cloud.store.gone().map(|group| format!("{group:?}")).collect();
    format!("{}\n{}\n{:?}", groups.join("\n"), gone.join("\n"), world.cloud.catalog)
}

#[test]
fn the_same_records_lead_to_the_same_inside() {
    let mut world = recorded();
    world.set(json!({"create_throttling": "pend", "rate_limits": "limits", "quota_used_by_others": 99}));
    let first = world.create(&[("ClientToken", "t"), ("Tag.1.Key", "k"), ("Tag.1.Value", "v")]);
    world.script("sleep 5; exit 2", &[("SpotStrategy", "SpotAsPriceGo")]);
    world.wait(700);
    let held_up = world.create(&[]);
    world.wait(90_000);
    world.status_ids(&[]);
    world.delete(&first).unwrap();
    world.control("POST", "clock", json!({"advance_ms": 3_600_000}));
    world.call("RestartContainerGroup", &[("ContainerGroupId", &held_up)]).unwrap();
    let cache = [("ImageCacheName", "c"), ("Image.1", "nginx"), ("VSwitchId", "v"), ("SecurityGroupId", "s")];
    world.call("CreateImageCache", &cache).unwrap();
    assert!(world.delete("eci-unknown").is_err());
    world.wait(1_000);
    let mut again = repeated(&mut world);
    assert_eq!(inside(&mut again), inside(&mut world));
    let token = [("ClientToken", "t"), ("Tag.1.Key", "k"), ("Tag.1.Value", "v")];
    assert_eq!(again.create(&token), first, "client tokens are remembered");
    let now = again.now;
    assert_eq!(again.cloud.time(now), world.cloud.time(now));
}

#[test]
fn what_leads_elsewhere_is_noticed() {
    let mut world = recorded();
    world.create(&[]);
    for record in world.cloud.unsaved.as_mut().unwrap() {
        if let What::Call(call) = &mut record.what {
            call.id = Some("eci-another".into());
        }
    }
    let records = world.cloud.unsaved.take().unwrap();
    let mut again = World::new();
    let problems: Vec<String> =
        records.into_iter().filter_map(|record| again.cloud.replay(record).err()).collect();
    assert_eq!(problems, ["CreateContainerGroup makes another group than it did"]);
}

#[test]
fn a_later_run_has_other_ids_and_never_an_earlier_time() {
    let mut world = recorded();
    let first = world.create(&[]);
    let before = world.cloud.time(world.now);
    let mut again = repeated(&mut world);
    let start = start(&again);
    let an_hour_ago = later(again.now, SignedDuration::from_hours(-1));
    again.cloud.begin(an_hour_ago, &start).unwrap();
    assert_eq!(again.cloud.time(an_hour_ago), before);
    again.now = an_hour_ago;
    assert_ne!(again.create(&[]), first);
}

#[test]
fn groups_of_a_runtime_end_with_the_simulator_that_ran_them() {
    let mut world = recorded();
    world.cloud.is_real = true;
    let (ended, running, leaving) = (world.create(&[]), world.create(&[]), world.create(&[]));
    world.wait(1_000);
    world.delete(&leaving).unwrap();
    let now = world.cloud.advance(world.now);
    let Cloud { store, settings, .. } = &mut world.cloud;
    store.change(&ended, settings, |group| {
        group.life.force(now, Some(crate::group::Status::Succeeded), "");
    });
    world.cloud.keep_end(&ended, false);
    let mut records = world.cloud.unsaved.take().unwrap();
    let What::Start(mut start) = records.remove(0).what else { panic!("the first record") };
    start.gateway = Some("10.250.0.1".parse().unwrap());
    let mut again = World::new();
    again.cloud.begin("2026-01-01T00:00:00Z".parse().unwrap(), &start).unwrap();
    // The addresses differ by the gateway's, which the first world did not have.
    records.into_iter().for_each(|record| again.cloud.replay(record).unwrap());
    again.now = world.now;
    start.gateway = None;
    let now = again.now;
    again.cloud.begin(now, &start).unwrap();
    assert_eq!(again.group(&ended)["Status"], "Succeeded");
    assert_eq!(again.group(&running)["Status"], "Failed");
    again.wait(1_000);
    assert_eq!(again.ids(&[]), [ended, running], "the one that was being deleted is gone");
}
