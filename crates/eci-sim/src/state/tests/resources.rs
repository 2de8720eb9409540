//! Caches, virtual nodes, tags, metrics, tasks and stock.

use super::replies::assert_declared;
use super::*;

fn checked(world: &mut World, action: &str, parameters: &[(&str, &str)]) -> Value {
    let reply = world.call(action, parameters).unwrap();
    if reply != json!({}) {
        assert_declared(action, &reply);
    }
    reply
}

fn image_cache(world: &mut World, image: &str, more: &[(&str, &str)]) -> String {
    let base = [("ImageCacheName", "c"), ("Image.1", image)];
    let reply = checked(world, "CreateImageCache", &[&base[..], more].concat());
    assert!(reply["ContainerGroupId"].as_str().unwrap().starts_with("eci-"));
    reply["ImageCacheId"].as_str().unwrap().to_owned()
}

fn cache_status(world: &mut World, id: &str) -> Value {
    checked(world, "DescribeImageCaches", &[("ImageCacheId", id)])["ImageCaches"][0]["Status"].clone()
}

#[test]
fn an_image_cache_is_prepared_created_and_ready() {
    let mut world = World::new();
    let id = image_cache(&mut world, "nginx", &[("RetentionDays", "2")]);
    assert_eq!(cache_status(&mut world, &id), "Preparing");
    world.wait(600);
    assert_eq!(cache_status(&mut world, &id), "Creating");
    world.wait(400);
    assert_eq!(cache_status(&mut world, &id), "Ready");
    checked(&mut world, "UpdateImageCache", &[("ImageCacheId", &id), ("Image.1", "redis")]);
    assert_eq!(cache_status(&mut world, &id), "Updating");
    world.wait(1_000);
    let found = checked(&mut world, "DescribeImageCaches", &[("MatchImage.1", "redis")]);
    assert_eq!(found["ImageCaches"][0]["Status"], "Ready");
    world.wait(2 * 86_400_000);
    assert_eq!(cache_status(&mut world, &id), Value::Null, "its retention is over");
}

#[test]
fn a_cache_of_a_missing_image_fails_and_an_unknown_one_is_not_found() {
    let mut world = World::new();
    let id = image_cache(&mut world, "does-not-exist", &[]);
    world.wait(1_000);
    assert_eq!(cache_status(&mut world, &id), "Failed");
    checked(&mut world, "DeleteImageCache", &[("ImageCacheId", &id)]);
    let again = world.call("DeleteImageCache", &[("ImageCacheId", &id)]);
    assert_eq!(again, Err("404 InvalidParameter.NotFound".into()));
}

#[test]
fn caches_come_in_pages_and_a_token_makes_one_only_once() {
    let mut world = World::new();
    let made: Vec<String> = (0..3).map(|_| image_cache(&mut world, "nginx", &[])).collect();
    let one = image_cache(&mut world, "redis", &[("ClientToken", "t")]);
    assert_eq!(image_cache(&mut world, "redis", &[("ClientToken", "t")]), one);
    let page = checked(&mut world, "DescribeImageCaches", &[("Limit", "2")]);
    assert_eq!(
        (texts(&page["ImageCaches"], "ImageCacheId"), &page["TotalCount"]),
        (made[..2].to_vec(), &json!(4))
    );
    let token = page["NextToken"].as_str().unwrap().to_owned();
    let rest = checked(&mut world, "DescribeImageCaches", &[("NextToken", &token)]);
    assert_eq!(texts(&rest["ImageCaches"], "ImageCacheId"), [made[2].clone(), one]);
    assert_eq!(rest["NextToken"], "");
}

#[test]
fn a_token_that_was_never_given_out_begins_no_page_of_any_list() {
    let mut world = World::new();
    let id = world.create(&[("Tag.1.Key", "a"), ("Tag.2.Key", "b")]);
    let tags = [("ResourceType", "ContainerGroup"), ("ResourceId.1", id.as_str())];
    let first = checked(&mut world, "ListTagResources", &[&tags[..], &[("Limit", "1")]].concat());
    let token = first["NextToken"].as_str().unwrap();
    let second = checked(&mut world, "ListTagResources", &[&tags[..], &[("NextToken", token)]].concat());
    assert_eq!(
        (&first["TagResources"][0]["TagKey"], &second["TagResources"][0]["TagKey"]),
        (&json!("a"), &json!("b"))
    );
    let commits = [("ContainerGroupId", id.as_str())];
    for (action, base) in [
        ("DescribeImageCaches", &[][..]),
        ("DescribeDataCaches", &[]),
        ("DescribeVirtualNodes", &[]),
        ("ListTagResources", &tags),
        ("DescribeCommitContainerTask", &commits),
    ] {
        let made_up = [base, &[("NextToken", "5")]].concat();
        assert_eq!(world.call(action, &made_up), Err("400 InvalidParameter".into()), "{action}");
    }
}

#[test]
fn data_caches_are_found_by_path_and_copied_to_another_region() {
    let mut world = World::new();
    let source = [
        ("Name", "data"),
        ("Path", "/model"),
        ("DataSource.Type", "URL"),
        ("DataSource.Options.repoId", "r"),
    ];
    let id = checked(&mut world, "CreateDataCache", &source)["DataCacheId"].as_str().unwrap().to_owned();
    world.wait(1_000);
    let found = checked(&mut world, "DescribeDataCaches", &[("Bucket", "default"), ("Path", "/model")]);
    assert_eq!(found["DataCaches"][0]["Status"], "Available");
    assert_eq!(found["DataCaches"][0]["DataSource"]["Options"], "{\"repoId\":\"r\"}");
    checked(&mut world, "CopyDataCache", &[("DataCacheId", &id), ("DestinationRegionId", "cn-beijing")]);
    let there = checked(&mut world, "DescribeDataCaches", &[("RegionId", "cn-beijing")]);
    assert_eq!(there["TotalCount"], 1);
    checked(&mut world, "UpdateDataCache", &[("DataCacheId", &id), ("Size", "40")]);
    assert_eq!(checked(&mut world, "DescribeDataCaches", &[])["DataCaches"][0]["Status"], "Updating");
    checked(&mut world, "DeleteDataCache", &[("Path", "/model")]);
    assert_eq!(checked(&mut world, "DescribeDataCaches", &[])["TotalCount"], 0);
    let reserved = world.call("CreateDataCache", &[("Bucket", "eci-system")]);
    assert_eq!(reserved, Err("400 InvalidParameter".into()));
}

#[test]
fn a_virtual_node_becomes_ready_and_goes() {
    let mut world = World::new();
    let place = [("SecurityGroupId", "sg-1"), ("VSwitchId", "vsw-1"), ("VirtualNodeName", "n")];
    let id = checked(&mut world, "CreateVirtualNode", &place)["VirtualNodeId"].as_str().unwrap().to_owned();
    assert_eq!(checked(&mut world, "DescribeVirtualNodes", &[])["VirtualNodes"][0]["Status"], "Pending");
    world.wait(1_000);
    checked(&mut world, "UpdateVirtualNode", &[("VirtualNodeId", &id), ("VirtualNodeName", "m")]);
    world.wait(1_000);
    let ids = json!([id]).to_string();
    let node = checked(&mut world, "DescribeVirtualNodes", &[("VirtualNodeIds", &ids), ("Status", "Ready")]);
    assert_eq!(node["VirtualNodes"][0]["VirtualNodeName"], "m");
    checked(&mut world, "DeleteVirtualNode", &[("VirtualNodeId", &id)]);
    assert_eq!(checked(&mut world, "DescribeVirtualNodes", &[])["TotalCount"], 0);
}

#[test]
fn tags_are_set_listed_and_removed() {
    let mut world = World::new();
    let id = world.create(&[]);
    let which = [("ResourceType", "ContainerGroup"), ("ResourceId.1", id.as_str())];
    let tag = [("Tag.1.Key", "k"), ("Tag.1.Value", "v")];
    checked(&mut world, "TagResources", &[which, tag].concat());
    assert_eq!(world.ids(&tag), [id.as_str()], "the filter of groups sees it");
    let listed = checked(&mut world, "ListTagResources", &which);
    assert_eq!((&listed["TagResources"][0]["TagKey"], &listed["NextToken"]), (&json!("k"), &json!("")));
    checked(&mut world, "UntagResources", &[&which[..], &[("TagKey.1", "k")]].concat());
    assert!(world.ids(&tag).is_empty());
    let unknown = [("ResourceType", "ContainerGroup"), ("ResourceId.1", "eci-none"), tag[0], tag[1]];
    assert_eq!(world.call("TagResources", &unknown), Err("404 InvalidParameter.NotFound".into()));
    let cache = image_cache(&mut world, "nginx", &tag);
    let which = [("ResourceType", "ImageCache"), ("ResourceId.1", cache.as_str())];
    checked(&mut world, "UntagResources", &[&which[..], &[("All", "true")]].concat());
    assert_eq!(world.call("ListTagResources", &which).unwrap()["TagResources"], json!([]));
}

#[test]
fn metrics_move_and_grow() {
    let mut world = World::new();
    let id = world.create(&[]);
    world.wait(600_000);
    let reply = checked(&mut world, "DescribeContainerGroupMetric", &[("ContainerGroupId", &id)]);
    let records = reply["Records"].as_array().unwrap();
    assert_eq!(records.len(), 21, "five minutes at 15 seconds");
    let number = |index: usize, name: &str| records[index]["CPU"][name].as_i64().unwrap();
    assert_ne!(number(0, "UsageNanoCores"), number(1, "UsageNanoCores"));
    assert!(number(0, "UsageCoreNanoSeconds") < number(20, "UsageCoreNanoSeconds"));
    assert_eq!(records[0]["Containers"][0]["Name"], "main");
    let ids = json!([id, "eci-none"]).to_string();
    let several = checked(&mut world, "DescribeMultiContainerGroupMetric", &[("ContainerGroupIds", &ids)]);
    assert_eq!(texts(&several["MonitorDatas"], "ContainerGroupId"), [id.as_str()]);
    let bad = world.call("DescribeContainerGroupMetric", &[("ContainerGroupId", &id), ("StartTime", "now")]);
    assert_eq!(bad, Err("400 InvalidParameter".into()));
    world.wait(31 * 24 * 3_600_000);
    let now = world.now;
    for (days, expected) in [(29, true), (31, false)] {
        let start = (now - jiff::SignedDuration::from_hours(24 * days)).to_string();
        let which = [("ContainerGroupId", id.as_str()), ("StartTime", start.as_str())];
        assert_eq!(world.call("DescribeContainerGroupMetric", &which).is_ok(), expected, "{days}");
    }
}

#[test]
fn no_way_leads_to_more_than_twenty_tags() {
    let mut world = World::new();
    let id = world.create(&[]);
    let names: Vec<(String, String)> = (1..=20).map(|n| (format!("Tag.{n}.Key"), format!("k{n}"))).collect();
    let twenty: Vec<(&str, &str)> = names.iter().map(|(name, key)| (name.as_str(), key.as_str())).collect();
    let more = [("Tag.1.Key", "another")];
    world.wait(1_000);
    let cache = image_cache(&mut world, "nginx", &[]);
    world.wait(100_000);
    let updates = [
        (
            "UpdateContainerGroup",
            vec![("ContainerGroupId", id.as_str()), ("UpdateType", "IncrementalUpdate")],
        ),
        ("UpdateImageCache", vec![("ImageCacheId", cache.as_str())]),
    ];
    for (action, which) in updates {
        world.call(action, &[&which[..], &twenty[..]].concat()).unwrap();
        world.wait(100_000);
        let refused = world.call(action, &[&which[..], &more[..]].concat());
        assert_eq!(refused, Err("400 NumberExceed.Tags".into()), "{action}");
    }
}

#[test]
fn a_disk_grows_and_nothing_else_does() {
    let mut world = World::new();
    let id = world.create(&[
        ("Volume.1.Name", "disk"),
        ("Volume.1.Type", "FlexVolume"),
        ("Volume.1.FlexVolume.Driver", "alicloud/disk"),
        ("Volume.1.FlexVolume.Options", "{\"volumeSize\":\"30\"}"),
        ("Volume.2.Name", "tmp"),
        ("Volume.2.Type", "EmptyDirVolume"),
    ]);
    let mut resize = |name: &str, size: &str| {
        let parameters = [("ContainerGroupId", id.as_str()), ("VolumeName", name), ("NewSize", size)];
        world.call("ResizeContainerGroupVolume", &parameters)
    };
    assert_eq!(resize("disk", "20"), Err("400 InvalidParameter".into()));
    assert_eq!(resize("tmp", "40"), Err("403 InvalidVolumeType".into()));
    assert_eq!(resize("none", "40"), Err("404 InvalidParameter.NotFound".into()));
    assert!(resize("disk", "40").is_ok());
    assert!(world.group(&id)["Volumes"][0]["FlexVolumeOptions"].as_str().unwrap().contains("40"));
}

#[test]
fn a_commit_goes_through_its_phases() {
    let mut world = World::new();
    let id = world.create(&[]);
    let image = [
        ("ContainerGroupId", id.as_str()),
        ("ContainerName", "main"),
        ("Image.Repository", "r"),
        ("Image.Tag", "1"),
    ];
    assert_eq!(world.call("CommitContainer", &image), Err("403 IncorrectStatusDetail".into()));
    world.wait(1_000);
    let task = checked(&mut world, "CommitContainer", &image)["TaskId"].as_str().unwrap().to_owned();
    assert_eq!(world.call("DescribeCommitContainerTask", &[]), Err("400 MissingParameter".into()));
    let which = [("TaskId.1", task.as_str())];
    let early = checked(&mut world, "DescribeCommitContainerTask", &which)["CommitTasks"][0].clone();
    assert_eq!(
        (&early["TaskStatus"], early["CommitPhaseInfos"].as_array().unwrap().len()),
        (&json!("Running"), 1)
    );
    world.wait(1_000);
    let done = checked(&mut world, "DescribeCommitContainerTask", &which)["CommitTasks"][0].clone();
    assert_eq!((&done["TaskStatus"], &done["TaskProgress"]), (&json!("Succeeded"), &json!("100%")));
    assert_eq!(texts(&done["CommitPhaseInfos"], "Status"), ["Succeeded"; 3]);
}

#[test]
fn dumps_expire_and_captures_succeed() {
    let mut world = World::new();
    let id = world.create(&[]);
    let ask = |world: &mut World, kind: &str, value: &str| {
        let parameters = [("ContainerGroupId", id.as_str()), ("OpsType", kind), ("OpsValue", value)];
        world.call("CreateInstanceOpsTask", &parameters)
    };
    ask(&mut world, "coredump", "enable").unwrap();
    for bad in
        [r#"{"Duration":-5}"#, r#"{"Protocol":"sctp"}"#, r#"{"FileSize":2000000000}"#, r#"{"Bogus":1}"#, "[]"]
    {
        assert_eq!(ask(&mut world, "tcpdump", bad).unwrap_err(), "400 InvalidParameter", "{bad}");
    }
    ask(&mut world, "tcpdump", "{\"Enable\":true,\"Duration\":60}").unwrap();
    assert_eq!(ask(&mut world, "strace", "x"), Err("400 InvalidParameter".into()));
    let status = |world: &mut World, kind: &str| {
        let which = [("ContainerGroupId", id.as_str()), ("OpsType", kind)];
        checked(world, "DescribeInstanceOpsRecords", &which)["Records"][0]["OpsStatus"].clone()
    };
    assert_eq!(status(&mut world, "coredump"), "Ready");
    world.wait(60_000);
    assert_eq!(status(&mut world, "tcpdump"), "Success");
    world.wait(12 * 3_600_000);
    assert_eq!(status(&mut world, "coredump"), "Expired");
}

#[test]
fn stock_is_told_by_zone() {
    let mut world = World::new();
    let wish = [
        ("DestinationResource.Category", "InstanceType"),
        ("DestinationResource.Cores", "7"),
        ("DestinationResource.Memory", "13"),
    ];
    let reply = checked(&mut world, "DescribeAvailableResource", &wish);
    let zone = &reply["AvailableZones"]["AvailableZone"][0];
    let offer =
        &zone["AvailableResources"]["AvailableResource"][0]["SupportedResources"]["SupportedResource"][0];
    assert_eq!(*offer, json!({"Value": "8-14Gi", "StatusCategory": "WithStock"}));
    world.set(json!({"stock": "refused"}));
    let reply = checked(&mut world, "DescribeAvailableResource", &wish).to_string();
    assert!(reply.contains("WithoutStock"));
}
