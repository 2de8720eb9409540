//! How groups leave: by deletion and by age.

use super::*;

#[test]
fn a_deleted_group_vanishes_after_a_while_and_then_is_unknown() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    world.delete(&id).unwrap();
    world.wait(499);
    assert_eq!(world.group(&id)["Status"], "Running");
    assert!(world.delete(&id).is_ok(), "deleting twice is no error while it is there");
    world.wait(1);
    assert!(world.ids(&[]).is_empty());
    assert_eq!(world.delete(&id), Err("404 InvalidParameter.NotFound".into()));
    world.set(json!({"delete_unknown": "success"}));
    assert!(world.delete(&id).is_ok());
    let groups = world.control("GET", "groups", Value::Null);
    assert_eq!(
        (&groups["groups"][0]["gone"], &groups["groups"][0]["gone_because"]),
        (&json!(true), &json!("deleted"))
    );
}

#[test]
fn a_delete_may_honour_its_client_token() {
    let mut world = World::with(json!({"delete_client_token": "honoured"}));
    let (one, two) = (world.create(&[]), world.create(&[]));
    let delete = |world: &mut World, id: &str| {
        world.call("DeleteContainerGroup", &[("ContainerGroupId", id), ("ClientToken", "t")])
    };
    assert!(delete(&mut world, &one).is_ok());
    world.wait(60_000);
    assert!(delete(&mut world, &one).is_ok(), "the answer is that of the first call");
    assert_eq!(delete(&mut world, &two), Err("400 IdempotentParameterMismatch".into()));
}

#[test]
fn a_terminal_group_never_changes_and_can_be_deleted() {
    let mut world = World::new();
    let id = world.script("exit 0", &[("RestartPolicy", "Never")]);
    world.wait(1_800_000);
    assert_eq!(world.group(&id)["Status"], "Succeeded");
    world.delete(&id).unwrap();
    world.wait(500);
    assert!(world.ids(&[]).is_empty());
}

#[test]
fn ended_groups_stay_for_an_hour_and_then_only_the_newest_hundred() {
    let mut world = World::new();
    let made: Vec<String> = (0..110)
        .map(|_| {
            world.wait(1_000);
            world.script("exit 0", &[("RestartPolicy", "Never")])
        })
        .collect();
    world.wait(3_480_000);
    assert_eq!(all_pages(&mut world, "DescribeContainerGroupStatus", "Data", &[]).0, made);
    world.wait(3_600_000);
    assert_eq!(all_pages(&mut world, "DescribeContainerGroupStatus", "Data", &[]).0, made[10..]);
    let newer = world.script("exit 0", &[("RestartPolicy", "Never")]);
    world.wait(10_000);
    let left = all_pages(&mut world, "DescribeContainerGroupStatus", "Data", &[]).0;
    assert_eq!((left.len(), left.first(), left.last()), (100, made.get(11), Some(&newer)));
    let groups = world.control("GET", &format!("groups/{}", made[0]), Value::Null);
    assert_eq!(groups["gone_because"], "retention");
}

#[test]
fn a_group_that_was_never_placed_stays_for_a_day() {
    let mut world = World::with(json!({"stock": "schedule-failed"}));
    let id = world.create(&[]);
    world.wait(86_400_000);
    assert_eq!(world.group(&id)["Status"], "ScheduleFailed");
    assert!(texts(&world.group(&id)["Events"], "Reason").contains(&"NoStock".to_owned()));
    world.wait(300);
    assert!(world.ids(&[]).is_empty());
}

#[test]
fn a_shorter_retention_takes_effect_while_running() {
    let mut world = World::new();
    world.script("exit 0", &[("RestartPolicy", "Never")]);
    world.wait(60_000);
    world.set(json!({"terminal_keep_s": 10, "terminal_keep_newest": 0}));
    world.wait(1);
    assert!(world.ids(&[]).is_empty());
}
