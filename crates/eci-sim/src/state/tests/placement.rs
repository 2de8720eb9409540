//! Where groups go: stock, vSwitches, specifications, spot, and the addresses that come with a place.

use super::replies::assert_declared;
use super::*;

fn with_switches(settings: Value) -> World {
    let mut world = World::with(settings);
    let v_switch = |zone: &str| VSwitch { id: format!("vsw-{zone}"), zone: format!("cn-hangzhou-{zone}") };
    world.cloud.network.v_switches = ["a", "b"].map(v_switch).into();
    world
}

const BOTH: (&str, &str) = ("VSwitchId", "vsw-a,vsw-b");

fn reasons(group: &Value) -> Vec<String> {
    texts(&group["Events"], "Reason")
}

#[test]
fn the_next_v_switch_is_taken_where_the_first_has_no_stock() {
    let mut world = with_switches(json!({"stock_rules": ["cn-hangzhou-a/*=1"]}));
    let (first, second) = (world.create(&[BOTH]), world.create(&[BOTH]));
    world.wait(300);
    let group = world.group(&second);
    assert_eq!(group["Status"], "Pending");
    assert_eq!(reasons(&group), ["CreateBackoff", "NoStock"]);
    world.wait(2_000);
    assert_eq!(world.group(&first)["ZoneId"], "cn-hangzhou-a");
    let group = world.group(&second);
    assert_eq!((&group["ZoneId"], &group["VSwitchId"]), (&json!("cn-hangzhou-b"), &json!("vsw-b")));
    assert_eq!(group["Status"], "Running");
    assert_eq!(world.ids(&[("ZoneId", "cn-hangzhou-b")]), [second]);
}

#[test]
fn room_is_given_back_by_groups_that_end_and_can_be_changed_at_any_time() {
    let mut world = World::with(json!({"stock_rules": ["*/2-4Gi=1"]}));
    let first = world.script("sleep 5", &[("RestartPolicy", "Never")]);
    world.wait(1_000);
    let refused = world.create(&[]);
    world.wait(10_000);
    assert_eq!(world.group(&refused)["Status"], "ScheduleFailed");
    assert_eq!(world.group(&first)["Status"], "Succeeded");
    let next = world.create(&[]);
    world.wait(1_000);
    assert_eq!(world.group(&next)["Status"], "Running");
    world.set(json!({"stock_rules": []}));
    let more = world.create(&[]);
    world.wait(1_000);
    assert_eq!(world.group(&more)["Status"], "Running");
}

#[test]
fn specifications_are_tried_in_order_and_the_one_taken_is_shown() {
    let mut world = with_switches(json!({"stock_rules": ["*/ecs.c6.*=0", "cn-hangzhou-a/4-8Gi=closed"]}));
    let id = world.create(&[BOTH, ("InstanceType", "ecs.c6.large,4-8Gi,8-16Gi")]);
    world.wait(10_000);
    let group = world.group(&id);
    assert_eq!((&group["InstanceType"], &group["Cpu"]), (&json!("4-8Gi"), &json!(4.0)));
    assert_eq!(group["ZoneId"], "cn-hangzhou-b");
    let reasons: Vec<String> =
        reasons(&group).into_iter().filter(|reason| reason != "CreateBackoff").collect();
    let expected = ["NoStock", "NoStock", "StockClose", "AutoInstanceTypeMatch", "Scheduled"];
    assert_eq!(reasons[..5], expected);
}

#[test]
fn categories_are_tried_in_order() {
    let mut world = World::new();
    let both = [("ComputeCategory.1", "economy"), ("ComputeCategory.2", "general")];
    let id = world.create(&both);
    world.wait(1_000);
    assert_eq!(world.group(&id)["ComputeCategory"], "economy");
    let large = world.create(&[&both[..], &[("Cpu", "16"), ("Memory", "32")]].concat());
    world.wait(1_000);
    assert_eq!(world.group(&large)["ComputeCategory"], "general");
    let with_type = [both[0], ("InstanceType", "ecs.c6.large")];
    assert_eq!(world.create_with(&with_type), Err("400 InvalidParameter".into()));
}

#[test]
fn a_create_without_room_fails_late_or_is_refused_at_once() {
    let mut world = World::with(json!({"stock_rules": ["*/*=0"]}));
    let id = world.create(&[]);
    world.wait(300);
    assert_eq!(world.group(&id)["Status"], "ScheduleFailed");
    let conditions = world.status_of(&id)["PodStatus"]["Conditions"].clone();
    assert!(conditions.to_string().contains("NoStock"), "{conditions}");
    world.set(json!({"no_stock": "refused", "no_stock_reason": "prefixed"}));
    assert_eq!(world.create_with(&[]), Err("403 OperationDenied.NoStock".into()));
    world.set(json!({"stock_rules": ["*/*=closed"]}));
    assert_eq!(world.create_with(&[]), Err("403 Zone.NotOnSale".into()));
    world.set(json!({"no_stock": "schedule-failed", "stock_rules": ["*/*=0"]}));
    let id = world.create(&[]);
    world.wait(300);
    let expected = ["MultiZoneRecommendations", "StockExhaust", "ContainerGroup.NoStock"];
    assert_eq!(reasons(&world.group(&id)), expected);
}

#[test]
fn a_v_switch_has_only_so_many_addresses() {
    let mut world = with_switches(json!({"v_switch_addresses": ["vsw-a=1", "vsw-b=1"]}));
    let ids = [world.create(&[BOTH]), world.create(&[BOTH])];
    world.wait(3_000);
    let zones = ids.map(|id| world.group(&id)["ZoneId"].clone());
    assert_eq!(zones, ["cn-hangzhou-a", "cn-hangzhou-b"]);
    assert_eq!(world.create_with(&[BOTH]), Err("403 InvalidVSwitchId.IpNotEnough".into()));
    let ids = world.ids(&[]);
    world.delete(&ids[0]).unwrap();
    world.wait(500);
    assert!(world.create_with(&[BOTH]).is_ok());
}

#[test]
fn v_switches_are_taken_in_order_or_at_random() {
    let mut world = with_switches(json!({}));
    let mut zones = |strategy: &str| {
        let ids: Vec<String> =
            (0..20).map(|_| world.create(&[BOTH, ("ScheduleStrategy", strategy)])).collect();
        world.wait(1_000);
        ids.iter().map(|id| world.group(id)["ZoneId"].to_string()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(zones("VSwitchOrdered"), 1);
    assert_eq!(zones("VSwitchRandom"), 2);
}

#[test]
fn spot_is_degraded_unless_it_is_strict() {
    let mut world = World::with(json!({"stock_rules": ["*/*/spot=0"]}));
    let spot = ("SpotStrategy", "SpotAsPriceGo");
    let id = world.create(&[spot]);
    world.wait(3_000);
    let group = world.group(&id);
    assert_eq!((&group["Status"], &group["SpotStrategy"]), (&json!("Running"), &json!("NoSpot")));
    assert_eq!(reasons(&group)[..4], ["CreateBackoff", "NoStock", "SpotDegraded", "Scheduled"]);
    let strict = world.create(&[spot, ("StrictSpot", "true")]);
    world.wait(3_000);
    assert_eq!(world.group(&strict)["Status"], "ScheduleFailed");
}

#[test]
fn a_spot_limit_below_the_price_is_refused() {
    let mut world = World::with(json!({"spot_price_percent": 50}));
    let limit = |limit| [("SpotStrategy", "SpotWithPriceLimit"), ("SpotPriceLimit", limit)];
    assert_eq!(world.create_with(&limit("0.1")), Err("403 Spot.NotMatched".into()));
    assert!(world.create_with(&limit("0.3")).is_ok());
}

#[test]
fn a_spot_group_is_taken_back_on_demand() {
    let mut world = World::new();
    let id = world.create(&[("SpotStrategy", "SpotAsPriceGo")]);
    world.wait(1_000);
    world.control("POST", &format!("groups/{id}/reclaim"), json!({"notice_ms": 60_000}));
    let group = world.group(&id);
    assert_eq!((&group["Status"], &group["SpotStrategy"]), (&json!("Running"), &json!("SpotAsPriceGo")));
    assert!(reasons(&group).contains(&"SpotToBeReleased".to_owned()));
    world.wait(60_000);
    let group = world.group(&id);
    assert_eq!(
        (&group["Status"], &group["ExpiredTime"]),
        (&json!("Expired"), &json!("2026-01-01T00:01:01Z"))
    );
    let regular = world.create(&[]);
    world.wait(1_000);
    let path = format!("groups/{regular}/reclaim");
    let request = ControlRequest { method: "POST", path: &path, query: "", body: b"{}" };
    assert_eq!(control::handle(&mut world.cloud, world.now, request).0, 409);
}

#[test]
fn looking_at_a_spot_group_is_no_change_of_it() {
    let mut world = World::new();
    world.create(&[("SpotStrategy", "SpotAsPriceGo"), ("SpotDuration", "0")]);
    world.wait(600_000);
    assert!(world.status_ids(&[("SinceSecond", "60")]).is_empty());
}

#[test]
fn prices_follow_size_category_zone_and_hour() {
    let mut world = World::new();
    let mut price = |more: &[(&str, &str)]| {
        let size = [("Cpu", "2"), ("Memory", "4")];
        let reply = world.call("DescribeContainerGroupPrice", &[&size[..], more].concat()).unwrap();
        assert_declared("DescribeContainerGroupPrice", &reply);
        (
            reply["PriceInfo"]["Price"]["TradePrice"].as_f64().unwrap(),
            reply["PriceInfo"]["SpotPrices"].clone(),
        )
    };
    let (full, none) = price(&[]);
    assert!((full - 0.000_122_52).abs() < 1e-9 && none["SpotPrice"] == json!([]), "{full} {none}");
    assert!(price(&[("ComputeCategory", "economy")]).0 < full);
    let (spot, all) = price(&[("SpotStrategy", "SpotAsPriceGo")]);
    assert!(spot < full && all["SpotPrice"].as_array().unwrap().len() == 2, "one for each zone: {all}");
    let history = |world: &mut World| world.control("GET", "spot-prices", Value::Null)["prices"].clone();
    let before = history(&mut world);
    assert_eq!(before.as_array().unwrap().len(), 26);
    world.wait(3_600_000);
    assert_eq!(before[25]["price"], history(&mut world)[24]["price"], "what was said comes true");
}

#[test]
fn stock_is_told_as_rules_have_it() {
    let mut world =
        with_switches(json!({"stock_rules": ["cn-hangzhou-a/ecs.c6.large=1", "cn-hangzhou-b/*=closed"]}));
    let mut told = || {
        let wish =
            [("DestinationResource.Category", "InstanceType"), ("DestinationResource.Value", "ecs.c6.large")];
        let reply = world.call("DescribeAvailableResource", &wish).unwrap();
        world.create(&[("VSwitchId", "vsw-a"), ("InstanceType", "ecs.c6.large")]);
        world.wait(1_000);
        let zones = reply["AvailableZones"]["AvailableZone"].as_array().unwrap().clone();
        let status = |zone: &Value| {
            zone["AvailableResources"]["AvailableResource"][0]["SupportedResources"]["SupportedResource"][0]["StatusCategory"].clone()
        };
        zones.iter().map(status).collect::<Vec<_>>()
    };
    assert_eq!(told(), ["WithStock", "ClosedWithoutStock"]);
    assert_eq!(told(), ["WithoutStock", "ClosedWithoutStock"]);
}

#[test]
fn eips_are_made_and_given_and_go_with_the_instance() {
    let mut world = World::with(json!({"eip_limit": 2}));
    let made = world.create(&[("AutoCreateEip", "true")]);
    let given = world.script("sleep 60", &[("EipInstanceId", "eip-1"), ("RestartPolicy", "Never")]);
    assert_eq!(world.group(&made)["InternetIp"], "", "not before it has a place");
    world.wait(1_000);
    let ips = [&made, &given].map(|id| world.group(id)["InternetIp"].as_str().unwrap().to_owned());
    assert!(ips[0].starts_with("198.18.") && ips[1].starts_with("198.19."), "{ips:?}");
    assert_eq!(world.create_with(&[("EipInstanceId", "eip-1")]), Err("400 IncorrectStatus".into()));
    assert_eq!(world.create_with(&[("AutoCreateEip", "true")]), Err("400 EipAddressPoolIpNotEnough".into()));
    world.wait(60_000);
    assert_eq!(world.group(&given)["InternetIp"], "", "it has ended");
    let again = world.create(&[("EipInstanceId", "eip-1")]);
    world.wait(1_000);
    assert_eq!(world.group(&again)["InternetIp"], ips[1].as_str(), "an EIP keeps its address");
}

#[test]
fn ipv6_comes_where_it_is_asked_for_and_supported() {
    let mut world = World::new();
    let id = world.create(&[("Ipv6AddressCount", "1")]);
    world.wait(1_000);
    let group = world.group(&id);
    assert!(group["Ipv6Address"].as_str().unwrap().starts_with("2001:db8:ec1:"), "{}", group["Ipv6Address"]);
    let ips = texts(&world.status_of(&id)["PodStatus"]["PodIps"], "Ip");
    assert_eq!(ips, [group["IntranetIp"].as_str().unwrap(), group["Ipv6Address"].as_str().unwrap()]);
    world.set(json!({"ipv6": "unavailable"}));
    assert_eq!(world.create_with(&[("Ipv6AddressCount", "1")]), Err("400 Ipv6AddressNotSupportVsw".into()));
}

#[test]
fn a_fixed_address_waits_for_the_next_group_of_the_name() {
    let mut world = World::new();
    let fixed = [("FixedIp", "true"), ("FixedIpRetainHour", "2"), ("VSwitchId", "vsw-1")];
    let address_of_next = |world: &mut World, hours: i64, more: &[(&str, &str)]| {
        world.wait(hours * 3_600_000);
        let id = world.create(&[&fixed[..], more].concat());
        world.wait(1_000);
        let address = world.group(&id)["IntranetIp"].clone();
        world.delete(&id).unwrap();
        world.wait(1_000);
        address
    };
    let first = address_of_next(&mut world, 0, &[]);
    assert_eq!(address_of_next(&mut world, 1, &[]), first);
    assert_ne!(address_of_next(&mut world, 1, &[("ContainerGroupName", "other")]), first);
    assert_ne!(address_of_next(&mut world, 3, &[]), first, "it waited for two hours only");
}

#[test]
fn the_platform_can_be_made_to_report_any_published_reason() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(1_000);
    let path = format!("groups/{id}/events");
    world.control("POST", &path, json!({"reason": "SystemFailureReboot", "message": "by hand"}));
    let only = [("EventSource", "EciService")];
    let events = world.call("DescribeContainerGroupEvents", &only).unwrap()["Data"][0]["Events"].clone();
    assert_eq!(texts(&events, "Reason"), ["Scheduled", "SystemFailureReboot"]);
    assert_eq!(events[1]["Type"], "Warning");
    let request =
        ControlRequest { method: "POST", path: &path, query: "", body: br#"{"reason": "Whatever"}"# };
    assert_eq!(control::handle(&mut world.cloud, world.now, request).0, 400);
}
