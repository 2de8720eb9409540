"""Caches, virtual nodes, tags, monitoring, prices and tasks: each made, found again as it was meant, and removed."""

import base64
import json
from datetime import datetime, timedelta, timezone

from checks import REGION, SECURITY_GROUP, V_SWITCH, arrived, control, until
from wire import differences

NETWORK = {"VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP}
TAG = {"Key": "kept by", "Value": "the SDK=1"}


def travel(checks, sdk, group):
    def check(action, sentence, body, *arguments):
        return checks.check(action, sentence, lambda: body(sdk, *arguments)) if sdk.has(action) else None

    check("DescribeRegions", "lists regions and their zones", regions)
    check("DescribeContainerGroupPrice", "a larger group costs more", price)
    check("DescribeAvailableResource", "a type is there or not, by zone", available)
    check("ListUsage", "counts what runs", usage)
    check("DescribeContainerGroupMetric", "tells what containers use", metric, group)
    check("DescribeMultiContainerGroupMetric", "tells it of several groups", metrics, group)
    check("TagResources", "a tag is added", tag, group)
    check("ListTagResources", "the tag is listed", list_tags, group)
    check("UntagResources", "the tag goes", untag, group)
    check("CommitContainer", "an image is made of a container", commit, group)
    check("CreateInstanceOpsTask", "a capture is taken", capture, group)
    image = check("CreateImageCache", "nested parameters arrive as they were meant", make_image_cache)
    check("DescribeImageCaches", "the cache becomes ready", image_cache_ready, image)
    check("UpdateImageCache", "the change is seen", update_image_cache, image)
    check("DeleteImageCache", "the cache goes", delete_image_cache, image)
    data = check("CreateDataCache", "the map of options arrives as it was meant", make_data_cache)
    check("DescribeDataCaches", "the cache becomes available", data_cache_available, data)
    check("UpdateDataCache", "the change is seen", update_data_cache, data)
    check("CopyDataCache", "the copy is in the other region", copy_data_cache, data)
    check("DeleteDataCache", "the cache goes", delete_data_cache, data)
    node = check("CreateVirtualNode", "taints arrive as they were meant", make_virtual_node)
    check("DescribeVirtualNodes", "the node becomes ready", virtual_node_ready, node)
    check("UpdateVirtualNode", "the change is seen", update_virtual_node, node)
    check("DeleteVirtualNode", "the node goes", delete_virtual_node, node)


def made(sdk, action, parameters, field):
    """Creates something; what was meant has to arrive. Returns its id."""
    meant = {"RegionId": REGION, **parameters}
    reply = sdk.call(action, meant)
    wrong = differences(meant, arrived(action))
    assert not wrong, wrong
    assert reply[field], reply
    return reply[field]


def regions(sdk):
    found = {region["RegionId"]: region for region in sdk.call("DescribeRegions", {})["Regions"]}
    assert REGION in found and "eu-central-1" in found, found
    assert found[REGION]["Zones"] and found[REGION]["RegionEndpoint"], found[REGION]


def price(sdk):
    def of(cpu, memory):
        info = sdk.call("DescribeContainerGroupPrice", {"Cpu": cpu, "Memory": memory})["PriceInfo"]["Price"]
        assert info["Currency"] and info["DetailInfos"]["DetailInfo"], info
        return info["TradePrice"]

    assert of(4.0, 8.0) > of(2.0, 4.0) > 0


def available(sdk):
    wanted = {"Category": "InstanceType", "Value": "ecs.c6.large"}
    zones = sdk.call("DescribeAvailableResource", {"DestinationResource": wanted})["AvailableZones"]["AvailableZone"]
    kind = zones[0]["AvailableResources"]["AvailableResource"][0]["SupportedResources"]["SupportedResource"][0]
    assert zones[0]["ZoneId"].startswith(REGION) and kind["Value"] == "ecs.c6.large", zones
    assert kind["StatusCategory"].endswith("Stock"), kind


def usage(sdk):
    attributes = sdk.call("ListUsage", {})["Attributes"]
    assert float(attributes["UsedCpu"]) >= 2, attributes


def metric(sdk, group):
    # A record for every fifteen seconds of the group's own time.
    now = control("POST", "clock", {"advance_ms": 60_000})["now"]
    end = datetime.fromisoformat(now[:19]).replace(tzinfo=timezone.utc)
    times = {"StartTime": stamp(end - timedelta(minutes=5)), "EndTime": stamp(end), "Period": "15"}
    for window in ({}, times):
        reply = sdk.call("DescribeContainerGroupMetric", {"ContainerGroupId": group, **window})
        record = reply["Records"][-1]
        assert reply["ContainerGroupId"] == group and record["Timestamp"], reply
        assert record["CPU"]["Limit"] > 0 and record["Memory"]["WorkingSet"] > 0, record
        assert {container["Name"] for container in record["Containers"]} == {"main", "side"}, record


def metrics(sdk, group):
    reply = sdk.call("DescribeMultiContainerGroupMetric",
                     {"ContainerGroupIds": json.dumps([group]), "MetricType": "summary"})
    assert [data["ContainerGroupId"] for data in reply["MonitorDatas"]] == [group], reply
    assert reply["MonitorDatas"][0]["Records"], reply


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def listed_tags(sdk, group):
    reply = sdk.call("ListTagResources", {"ResourceType": "ContainerGroup", "ResourceId": [group], "Limit": "20"})
    tags = reply["TagResources"]
    assert all(tag["ResourceId"] == group and tag["ResourceType"] for tag in tags), tags
    return {tag["TagKey"]: tag["TagValue"] for tag in tags}


def tag(sdk, group):
    sdk.call("TagResources", {"ResourceType": "ContainerGroup", "ResourceId": [group], "Tag": [TAG]})


def list_tags(sdk, group):
    assert listed_tags(sdk, group)[TAG["Key"]] == TAG["Value"]


def untag(sdk, group):
    sdk.call("UntagResources", {"ResourceType": "ContainerGroup", "ResourceId": [group], "TagKey": [TAG["Key"]]})
    assert TAG["Key"] not in listed_tags(sdk, group)


def commit(sdk, group):
    image = {"Repository": "r.example/app", "Tag": "1", "Author": "a", "Message": "m"}
    parameters = {"ContainerGroupId": group, "ContainerName": "main", "Image": image,
                  "AcrRegistryInfo": {"InstanceId": "cri-1", "RegionId": REGION},
                  "Arn": {"RoleArn": "acs:ram::1:role/a", "RoleType": "assume"}}
    task = made(sdk, "CommitContainer", parameters, "TaskId")

    def done():
        reply = sdk.call("DescribeCommitContainerTask", {"ContainerGroupId": group, "TaskId": [task]})
        found = {item["TaskId"]: item for item in reply["CommitTasks"]}[task]
        return found if found["TaskStatus"] == "Succeeded" else None

    found = until("the image is pushed", done)
    assert [phase["Phase"] for phase in found["CommitPhaseInfos"]][-1] == "PushCommittedImage", found


def capture(sdk, group):
    value = {"Enable": True, "Protocol": "tcp", "Duration": 1, "IfDeviceName": "eth0"}
    task = {"ContainerGroupId": group, "OpsType": "tcpdump", "OpsValue": json.dumps(value)}
    assert sdk.call("CreateInstanceOpsTask", task)["Result"]
    control("POST", "clock", {"advance_ms": 2000})
    records = sdk.call("DescribeInstanceOpsRecords", {"ContainerGroupId": group, "OpsType": "tcpdump"})["Records"]
    assert records[-1]["OpsStatus"] == "Success" and records[-1]["ResultContent"].startswith("http"), records


def image_cache(sdk, cache):
    found = sdk.call("DescribeImageCaches", {"ImageCacheId": cache})["ImageCaches"]
    assert len(found) <= 1, found
    return found[0] if found else None


def make_image_cache(sdk):
    return made(sdk, "CreateImageCache", {
        **NETWORK, "ImageCacheName": "cache", "Image": ["nginx:1", "busybox"], "ImageCacheSize": 25,
        "RetentionDays": 7, "AutoMatchImageCache": True, "EliminationStrategy": "LRU", "Tag": [TAG],
        "ImageRegistryCredential": [{"Server": "r.example", "UserName": "u", "Password": "hush"}],
        "AcrRegistryInfo": [{"InstanceId": "cri-1", "Domain": ["a.example", "b.example"]}],
    }, "ImageCacheId")


def image_cache_ready(sdk, cache):
    found = until("ready", lambda: seen if (seen := image_cache(sdk, cache))["Status"] == "Ready" else None)
    assert found["Images"] == ["nginx:1", "busybox"] and found["ImageCacheSize"] == 25, found
    assert found["SnapshotId"] and found["ExpireDateTime"] and found["Tags"] == [TAG], found


def update_image_cache(sdk, cache):
    sdk.call("UpdateImageCache", {"ImageCacheId": cache, "ImageCacheName": "cache-2", "Image": ["nginx:2"]})
    found = image_cache(sdk, cache)
    assert found["ImageCacheName"] == "cache-2" and found["Images"] == ["nginx:2"], found


def delete_image_cache(sdk, cache):
    sdk.call("DeleteImageCache", {"ImageCacheId": cache})
    assert image_cache(sdk, cache) is None


def data_cache(sdk, cache):
    found = sdk.call("DescribeDataCaches", {"DataCacheId": [cache]})["DataCaches"]
    assert len(found) <= 1, found
    return found[0] if found else None


def make_data_cache(sdk):
    return made(sdk, "CreateDataCache", {
        **NETWORK, "Name": "data", "Bucket": "b", "Path": "/d", "Size": 30, "RetentionDays": 3, "Tag": [TAG],
        "DataSource": {"Type": "OSS", "Options": {"bucket": "in-oss", "url": "oss.example/a b", "path": "/"}},
        "EipCreateParam": {"Bandwidth": 10, "ISP": "BGP"},
    }, "DataCacheId")


def data_cache_available(sdk, cache):
    found = until("available", lambda: seen if (seen := data_cache(sdk, cache))["Status"] == "Available" else None)
    assert (found["Name"], found["Bucket"], found["Path"], found["Size"]) == ("data", "b", "/d", 30), found
    assert found["DataSource"]["Type"] == "OSS" and "oss.example/a b" in str(found["DataSource"]["Options"]), found


def update_data_cache(sdk, cache):
    sdk.call("UpdateDataCache", {"DataCacheId": cache, "Name": "data-2"})
    assert data_cache(sdk, cache)["Name"] == "data-2"


def copy_data_cache(sdk, cache):
    copy = sdk.call("CopyDataCache", {"DataCacheId": cache, "DestinationRegionId": "cn-beijing", "Bucket": "b",
                                      "Path": "/copy", "Name": "copy"})["DataCacheId"]
    assert copy != cache and data_cache(sdk, copy) is None
    found = sdk.call("DescribeDataCaches", {"DataCacheId": [copy], "RegionId": "cn-beijing"})["DataCaches"]
    assert [(item["DataCacheId"], item["RegionId"]) for item in found] == [(copy, "cn-beijing")], found


def delete_data_cache(sdk, cache):
    sdk.call("DeleteDataCache", {"DataCacheId": cache})
    assert data_cache(sdk, cache) is None


def virtual_node(sdk, node):
    found = sdk.call("DescribeVirtualNodes", {"VirtualNodeIds": json.dumps([node])})["VirtualNodes"]
    assert len(found) <= 1, found
    return found[0] if found else None


def make_virtual_node(sdk):
    return made(sdk, "CreateVirtualNode", {
        **NETWORK, "VirtualNodeName": "vn", "KubeConfig": base64.b64encode(b"apiVersion: v1").decode(),
        "Taint": [{"Key": "virtual", "Value": "yes", "Effect": "NoSchedule"}], "Tag": [TAG],
        "ClusterDNS": "10.0.0.10", "ClusterDomain": "cluster.local", "TlsBootstrapEnabled": False,
    }, "VirtualNodeId")


def virtual_node_ready(sdk, node):
    found = until("ready", lambda: seen if (seen := virtual_node(sdk, node))["Status"] == "Ready" else None)
    assert found["VirtualNodeName"] == "vn" and found["VirtualNodeVSwitchId"] == V_SWITCH, found


def update_virtual_node(sdk, node):
    sdk.call("UpdateVirtualNode", {"VirtualNodeId": node, "VirtualNodeName": "vn-2"})
    assert virtual_node(sdk, node)["VirtualNodeName"] == "vn-2"


def delete_virtual_node(sdk, node):
    sdk.call("DeleteVirtualNode", {"VirtualNodeId": node})
    assert virtual_node(sdk, node) is None
