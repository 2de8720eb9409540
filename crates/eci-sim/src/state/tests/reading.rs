//! Reading: filters, pages, increments, lag, permission.

use super::*;

#[test]
fn filters_select_and_combine() {
    let mut world = World::new();
    let one = tag(&mut world, "one");
    let two = tag(&mut world, "two");
    let named =
        world.create(&[("ContainerGroupName", "db"), ("VSwitchId", "vsw-1"), ("ZoneId", "cn-hangzhou-b")]);
    let owner = ("Tag.1.Key", "owner");
    assert_eq!(world.ids(&[owner, ("Tag.1.Value", "one")]), [one.as_str()]);
    assert_eq!(world.ids(&[owner]), [one.clone(), two.clone()], "a key alone matches any value");
    let both = [("Tag.1.Key", "all"), ("Tag.1.Value", "x"), ("Tag.2.Key", "owner"), ("Tag.2.Value", "two")];
    assert_eq!(world.ids(&both), [two.as_str()]);
    assert!(world.ids(&[owner, ("Tag.1.Value", "none")]).is_empty());
    assert_eq!(world.ids(&[("ContainerGroupName", "db")]), [named.as_str()]);
    assert_eq!(world.ids(&[("ZoneId", "cn-hangzhou-b")]), [named.as_str()]);
    assert_eq!(world.status_ids(&[("VSwitchId", "vsw-1")]), [named.as_str()]);
    assert_eq!(world.ids(&[("Status", "Scheduling")]).len(), 3);
    assert!(world.ids(&[("Status", "Running")]).is_empty());
    let ids = json!([two, "eci-unknown", one]).to_string();
    assert_eq!(world.ids(&[("ContainerGroupIds", &ids)]), [one, two]);
    world.set(json!({"unknown_ids": "error"}));
    let result = world.call("DescribeContainerGroups", &[("ContainerGroupIds", &ids)]);
    assert_eq!(result, Err("404 InvalidParameter.NotFound".into()));
}

#[test]
fn another_account_sees_nothing() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.caller.account = "other".into();
    assert!(world.ids(&[]).is_empty());
    assert_eq!(world.delete(&id), Err("404 InvalidParameter.NotFound".into()));
    assert_eq!(world.log(&id, &[]), Err("404 InvalidParameter.NotFound".into()));
}

#[test]
fn pages_cover_everything_once() {
    let mut world = World::new();
    let made: Vec<String> = (0..45).map(|_| world.create(&[])).collect();
    let groups = |world: &mut World, more: &[(&str, &str)]| {
        all_pages(world, "DescribeContainerGroups", "ContainerGroups", more)
    };
    assert_eq!(groups(&mut world, &[]), (made.clone(), 3));
    assert_eq!(groups(&mut world, &[("Limit", "15")]), (made.clone(), 3));
    let status = |world: &mut World| all_pages(world, "DescribeContainerGroupStatus", "Data", &[]);
    assert_eq!(status(&mut world), (made.clone(), 1));
    world.set(json!({"status_default_limit": 20, "page_cap": 10}));
    assert_eq!(status(&mut world), (made.clone(), 5));
    let bad = world.call("DescribeContainerGroups", &[("NextToken", "stale")]);
    assert_eq!(bad, Err("400 InvalidParameter".into()));
    let total = |world: &mut World| world.call("DescribeContainerGroups", &[]).unwrap()["TotalCount"].clone();
    assert_eq!(total(&mut world), 45);
    world.set(json!({"total_count": "page"}));
    assert_eq!(total(&mut world), 10);
}

#[test]
fn since_second_shows_what_changed() {
    let mut world = World::new();
    let old = world.script("sleep 200; exit 1", &[("RestartPolicy", "Never")]);
    world.wait(100_000);
    let new = world.create(&[]);
    let since = [("SinceSecond", "60")];
    assert_eq!(world.status_ids(&since), [new.as_str()]);
    world.wait(101_000);
    assert_eq!(world.status_ids(&since), [old.as_str()], "it ended in this window");
    assert_eq!(
        world.call("DescribeContainerGroupStatus", &[("SinceSecond", "10")]),
        Err("400 InvalidParameter.ValueExceeded".into())
    );
    world.wait(30_000);
    world.set(json!({"since_second_bounds": "clamp"}));
    assert_eq!(world.status_ids(&[("SinceSecond", "10")]), [old]);
    world.set(json!({"since_second_bounds": "ignore"}));
    assert!(world.status_ids(&[("SinceSecond", "10")]).is_empty());
}

#[test]
fn a_new_group_becomes_visible_after_the_lag() {
    let mut world = World::with(json!({"visibility_lag_ms": 5_000}));
    let id = world.create(&[]);
    world.wait(4_999);
    let by_id = json!([id]).to_string();
    assert!(world.ids(&[("ContainerGroupIds", &by_id)]).is_empty());
    assert!(world.status_ids(&[("SinceSecond", "60")]).is_empty());
    world.set(json!({"visibility_lag_ms": 0}));
    assert_eq!(world.ids(&[]), [id.as_str()]);
    world.set(json!({"visibility_lag_ms": 5_000}));
    world.wait(1);
    assert_eq!(world.status_ids(&[]), [id]);
}

#[test]
fn without_permission_reads_are_empty_and_the_rest_is_forbidden() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    world.set(json!({"read_permission": "denied"}));
    assert!(world.ids(&[]).is_empty());
    assert!(world.status_ids(&[]).is_empty());
    assert_eq!(world.log(&id, &[]), Err("403 Forbidden.Unauthorized".into()));
    assert!(world.call("DescribeRegions", &[]).is_ok());
    world.set(json!({"read_permission": "granted"}));
    world.caller.permissions.deny = vec!["DeleteContainerGroup".into(), "DescribeContainerGroups".into()];
    assert_eq!(world.delete(&id), Err("403 Forbidden.RAM".into()));
    assert!(world.ids(&[]).is_empty());
    assert_eq!(world.status_ids(&[]), [id]);
    world.set(json!({"denied_reads": "forbidden"}));
    assert_eq!(world.call("DescribeContainerGroups", &[]), Err("403 Forbidden.RAM".into()));
    world.caller.permissions.deny.clear();
    world.caller.permissions.allow = Some(vec!["eci:DescribeContainerGroups".into()]);
    assert_eq!(world.ids(&[]).len(), 1, "what is allowed is seen");
    assert_eq!(world.call("DescribeContainerGroupStatus", &[]), Err("403 Forbidden.RAM".into()));
}
