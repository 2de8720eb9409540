//! What happened, repeated.

use super::*;
use crate::keep::shorten::shorter;
use crate::state::record::{Report, Start, What};

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

/// What a runtime says of the one container of a group.
fn tell(world: &mut World, id: &str, report: Report) -> Option<String> {
    let now = world.cloud.advance(world.now);
    world.cloud.told(id, report, now)
}

/// Lets a runtime start a group's container. Returns the id of its run.
fn launch(world: &mut World, id: &str) -> String {
    let name = || "main".to_owned();
    tell(world, id, Report::Pulled { name: name(), found: Ok("ab".into()) });
    world.wait(1_000);
    tell(world, id, Report::Launched { name: name() }).unwrap()
}

#[test]
fn groups_of_a_runtime_end_as_by_a_failed_machine_when_the_simulator_that_ran_them_ends() {
    let mut world = recorded();
    let What::Start(start) = &mut world.cloud.unsaved.as_mut().unwrap()[0].what else { panic!("no start") };
    start.gateway = Some("10.250.255.254".parse().unwrap());
    let mut start = start.clone();
    world.cloud.is_real = true;
    let never = [("RestartPolicy", "Never")];
    let [ended, running, leaving, pulling] = std::array::from_fn(|_| world.create(&never));
    world.wait(1_000);
    let run = launch(&mut world, &ended);
    launch(&mut world, &running);
    let exit = crate::group::Exit::of_code(7, "bye".into());
    tell(&mut world, &ended, Report::Exited { name: "main".into(), run, exit });
    world.delete(&leaving).unwrap();
    let mut again = repeated(&mut world);
    start.gateway = None;
    let now = again.now;
    again.cloud.begin(now, &start).unwrap();
    let told = |world: &mut World, id: &str| {
        let group = world.group(id);
        let state = &group["Containers"][0]["CurrentState"];
        let event = group["Events"].as_array().unwrap().last().unwrap()["Reason"].clone();
        (group["Status"].clone(), state["State"].clone(), state["ExitCode"].clone(), event)
    };
    let (failed, gone) = (json!("Failed"), json!("Terminated"));
    let of_ended = (failed.clone(), gone.clone(), json!(7), json!("Started"));
    assert_eq!(told(&mut again, &ended), of_ended, "what had ended keeps its exit code");
    let of_running = (failed.clone(), gone, json!(137), json!("SYSTEM_FAILURE"));
    assert_eq!(told(&mut again, &running), of_running);
    assert_eq!(told(&mut again, &pulling).0, failed);
    again.wait(1_000);
    assert_eq!(again.ids(&[]), [ended, running, pulling], "the one that was being deleted is gone");
}

fn records(world: &mut World) -> Vec<Record> {
    world.cloud.advance(world.now);
    serde_json::from_value(json!(world.cloud.unsaved.as_ref().unwrap())).unwrap()
}

/// The world that a shortened journal leads to, and how many records that has.
fn shortened(world: &mut World) -> Option<(World, usize)> {
    let blank = World::new().cloud;
    let shorter = shorter(records(world), &world.cloud, &blank)?;
    let mut again = World { cloud: blank, caller: world.caller.clone(), now: world.now };
    let length = shorter.len();
    shorter.into_iter().for_each(|record| again.cloud.replay(record).unwrap());
    Some((again, length))
}

fn living(world: &mut World) -> Vec<String> {
    world.cloud.advance(world.now);
    world.cloud.store.groups().map(|group| format!("{group:?}")).collect()
}

#[test]
fn what_groups_that_are_gone_have_left_is_left_out_and_the_others_stay_as_they_are() {
    let mut world = recorded();
    let mut kept = Vec::new();
    for n in 0..12 {
        let name = format!("job-{n}");
        let id = world.script("sleep 5; exit 2", &[("ContainerGroupName", &name), ("Tag.1.Key", "k")]);
        world.wait(1_000);
        world.control("POST", "clock", json!({"advance_ms": 10}));
        if n % 4 == 0 {
            kept.push(id);
        } else {
            world.delete(&id).unwrap();
        }
    }
    world.wait(60_000);
    let before = records(&mut world).len();
    let (mut again, after) = shortened(&mut world).unwrap();
    assert!(after < before / 2, "{after} of {before}");
    assert_eq!(living(&mut again), living(&mut world));
    assert_eq!(again.ids(&[]), kept);
    let (now, present) = (again.now, world.cloud.time(world.now));
    assert_eq!(again.cloud.time(now), present, "the clock is as far ahead");
}

#[test]
fn a_client_token_that_is_still_known_keeps_its_group_in_the_journal() {
    let mut world = recorded();
    let token = [("ClientToken", "once")];
    let id = world.create(&token);
    world.delete(&id).unwrap();
    world.wait(60_000);
    assert!(world.ids(&[]).is_empty() && shortened(&mut world).is_none());
    let other = world.create(&[]);
    world.delete(&other).unwrap();
    world.wait(60_000);
    let (mut again, _) = shortened(&mut world).unwrap();
    assert_eq!(again.create(&token), id);
    world.wait(25 * 3_600_000);
    let (again, _) = shortened(&mut world).unwrap();
    assert_eq!(again.cloud.store.groups().count(), 0);
}

#[test]
fn a_journal_that_would_lead_elsewhere_stays_as_it_is() {
    let mut world = recorded();
    let gone = world.create(&[("AutoMatchImageCache", "true")]);
    world.delete(&gone).unwrap();
    world.wait(60_000);
    assert!(world.ids(&[]).is_empty());
    assert!(shortened(&mut world).is_none(), "the cache that was made along with the group is there");
}
