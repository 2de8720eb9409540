//! Creation: ids, client tokens, addresses, places.

use super::*;

#[test]
fn an_id_looks_like_the_clouds() {
    let mut world = World::new();
    let id = world.create(&[]);
    assert!(id.starts_with("eci-bp1") && id.len() == 24, "{id}");
}

#[test]
fn the_same_token_and_parameters_give_the_same_group() {
    let mut world = World::new();
    let first = world.create(&[("ClientToken", "t")]);
    world.wait(60_000);
    assert_eq!(world.create(&[("ClientToken", "t")]), first);
    assert_eq!(world.ids(&[]).len(), 1);
    world.delete(&first).unwrap();
    world.wait(60_000);
    assert_eq!(world.create(&[("ClientToken", "t")]), first, "also when the group is gone by then");
    assert!(world.ids(&[]).is_empty());
}

#[test]
fn the_same_token_with_other_parameters_is_a_mismatch() {
    let mut world = World::new();
    world.create(&[("ClientToken", "t")]);
    let other = [("ClientToken", "t"), ("Container.1.Arg.1", "x")];
    assert_eq!(world.create_with(&other), Err("400 IdempotentParameterMismatch".into()));
    world.set(json!({"token_mismatch_http_status": 409}));
    assert_eq!(world.create_with(&other), Err("409 IdempotentParameterMismatch".into()));
    world.caller.account = "other".into();
    assert!(world.create_with(&other).is_ok(), "tokens belong to an account");
}

#[test]
fn a_token_is_forgotten_after_its_window_and_at_once_when_that_is_zero() {
    let mut world = World::new();
    let first = world.create(&[("ClientToken", "t")]);
    world.wait(86_400_000);
    let second = world.create(&[("ClientToken", "t")]);
    assert_ne!(first, second);
    world.set(json!({"client_token_window_s": 0}));
    assert_ne!(world.create(&[("ClientToken", "t")]), second);
}

#[test]
fn a_refused_create_does_not_use_its_token_up() {
    let mut world = World::with(json!({"stock": "refused"}));
    assert_eq!(world.create_with(&[("ClientToken", "t")]), Err("403 OperationDenied.NoStock".into()));
    world.set(json!({"stock": "available"}));
    assert!(world.create_with(&[("ClientToken", "t"), ("Container.1.Arg.1", "x")]).is_ok());
}

#[test]
fn a_dry_run_creates_nothing_and_succeeds_as_an_error() {
    let mut world = World::new();
    assert_eq!(world.create_with(&[("DryRun", "True")]), Err("400 DryRunOperation".into()));
    assert!(world.ids(&[]).is_empty());
}

#[test]
fn groups_have_addresses_of_their_own() {
    let mut world = World::new();
    let ids: Vec<String> = (0..50).map(|_| world.create(&[])).collect();
    world.wait(1_000);
    let addresses: BTreeSet<String> =
        ids.iter().map(|id| world.group(id)["IntranetIp"].as_str().unwrap().to_owned()).collect();
    assert_eq!(addresses.len(), 50);
    assert!(addresses.iter().all(|address| address.starts_with("10.250.")));
}

#[test]
fn an_address_that_is_taken_is_refused_until_its_group_is_gone() {
    let mut world = World::new();
    let wish = [("PrivateIpAddress", "192.168.0.9"), ("VSwitchId", "vsw-1"), ("SecurityGroupId", "sg-1")];
    let first = world.create(&wish);
    assert_eq!(world.create_with(&wish), Err("400 PrivateIpAddress.Already.InUse".into()));
    world.delete(&first).unwrap();
    world.wait(500);
    assert!(world.create_with(&wish).is_ok());
}

#[test]
fn a_range_without_addresses_left_refuses_creates() {
    let mut world = World::new();
    world.cloud.store = Store::new(Addresses::of_range("10.0.0.0/30").unwrap());
    world.create(&[]);
    world.create(&[]);
    assert_eq!(world.create_with(&[]), Err("403 InvalidVSwitchId.IpNotEnough".into()));
}

#[test]
fn known_v_switches_and_security_groups_are_the_only_ones() {
    let mut world = World::new();
    world.cloud.network = Network {
        v_switches: vec![VSwitch { id: "vsw-b".into(), zone: "cn-hangzhou-b".into() }],
        security_groups: vec!["sg-1".into()],
    };
    let id = world.create(&[("VSwitchId", "vsw-b"), ("SecurityGroupId", "sg-1")]);
    assert_eq!(world.group(&id)["ZoneId"], "cn-hangzhou-b");
    assert_eq!(world.create_with(&[("VSwitchId", "vsw-x")]), Err("404 InvalidVSwitchId.NotFound".into()));
    assert_eq!(
        world.create_with(&[("SecurityGroupId", "sg-x")]),
        Err("404 InvalidSecurityGroupId.NotFound".into())
    );
    assert_eq!(world.create_with(&[("ZoneId", "cn-hangzhou-a")]), Err("403 Zone.NotOnSale".into()));
    assert_eq!(
        world.create_with(&[("VSwitchId", "vsw-b"), ("ZoneId", "cn-hangzhou-a")]),
        Err("403 OperationDenied.VswZoneMisMatch".into())
    );
}

#[test]
fn another_region_is_a_world_of_its_own_or_refused() {
    let mut world = World::new();
    let id = world.create(&[("RegionId", "cn-shanghai")]);
    assert!(id.starts_with("eci-uf6"));
    assert!(world.ids(&[]).is_empty());
    assert_eq!(world.ids(&[("RegionId", "cn-shanghai")]), [id.as_str()]);
    assert_eq!(world.delete(&id), Err("404 InvalidParameter.NotFound".into()));
    world.set(json!({"foreign_region": "refuse"}));
    assert_eq!(world.create_with(&[("RegionId", "cn-shanghai")]), Err("404 InvalidRegionId.NotFound".into()));
}

#[test]
fn an_action_that_the_api_lacks_says_so() {
    let mut world = World::new();
    let plural = world.call("DeleteContainerGroups", &[("ContainerGroupId", "eci-1")]);
    assert_eq!(plural, Err("404 InvalidAction.NotFound".into()));
}

#[test]
fn v_switches_and_security_group_are_in_one_vpc() {
    let mut world = World::with(json!({"vpcs": ["vsw-1=vpc-a", "sg-1=vpc-a", "*=vpc-b"]}));
    let id = world.create(&[("VSwitchId", "vsw-1"), ("SecurityGroupId", "sg-1")]);
    assert_eq!(world.group(&id)["VpcId"], "vpc-a");
    let refused = world.create_with(&[("VSwitchId", "vsw-1"), ("SecurityGroupId", "sg-2")]);
    assert_eq!(refused, Err("403 OperationDenied.SecurityGroupMisMatch".into()));
    assert_eq!(world.create_with(&[("VSwitchId", "vsw-1,vsw-2")]), Err("400 InvalidParameter".into()));
}
