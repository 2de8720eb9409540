"""One way through the whole API, the same for every SDK.

An SDK is an object with `name`, `wrong_secret` (the code it tells of one), `create_parameters()`, `has(action)` and
`call(action, parameters, key=None)`. Parameters and replies pass through the SDK's own types, so that a field which the
SDK does not know is lost.
"""

import base64
import json

from checks import ACCESS_KEY_ID, Checks, NOT_CARRIED, Refused, SECURITY_GROUP, V_SWITCH, arrived, control, until

GREETING = "hello from a file"
NAME = "official-sdk"
TAG = {"Key": "suite", "Value": "official SDK, ä=1&2/*~"}
# What the nested request has to look like when it arrives, whatever types it was written with.
ARRIVING = {
    "ContainerGroupName": NAME,
    "RestartPolicy": "OnFailure",
    "Tag.1.Key": TAG["Key"],
    "Tag.1.Value": TAG["Value"],
    "Container.1.Name": "main",
    "Container.1.Cpu": "0.5",
    "Container.1.Command.1": "/bin/sh",
    "Container.1.Arg.1": "cat /etc/app/greeting; echo \"$WORD\"; sleep 3600",
    "Container.1.EnvironmentVar.1.Key": "WORD",
    "Container.1.EnvironmentVar.1.Value": "one two=3&4",
    "Container.1.Port.1.Port": "8080",
    "Container.1.VolumeMount.1.MountPath": "/etc/app",
    "Container.1.VolumeMount.2.Name": "scratch",
    "Container.1.ReadinessProbe.Exec.Command.1": "true",
    "Container.2.Name": "side",
    "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path": "greeting",
    "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content": base64.b64encode(GREETING.encode()).decode(),
    "Volume.2.Type": "EmptyDirVolume",
    "InitContainer.1.Name": "first",
    "HostAliase.1.Hostname.1": "db.internal",
    "ImageRegistryCredential.1.UserName": "puller",
}


def travel(sdk):
    checks = Checks(sdk.name)
    check = checks.check

    def regions():
        found = sdk.call("DescribeRegions", {})["Regions"]
        assert any(region["RegionId"] == "cn-hangzhou" for region in found), found

    check("DescribeRegions", "lists regions", regions)
    group = check("CreateContainerGroup", "nested parameters arrive as they were meant", lambda: create(sdk))
    check("CreateContainerGroup", "the same token gives the same group", lambda: again(sdk, group))
    check("DescribeContainerGroups", "reads the group back by id and tag", lambda: described(sdk, group))
    check("DescribeContainerGroupStatus", "tells the status", lambda: status(sdk, group))
    check("DescribeContainerLog", "shows file, environment and order", lambda: log(sdk, group))
    check("DescribeContainerGroupEvents", "tells events", lambda: events(sdk, group))
    check("ExecContainerCommand", "answers a synchronous command", lambda: execute(sdk, group))
    ask = asking(checks, sdk)
    one = {"ContainerGroupId": group}
    ask("UpdateContainerGroup", {**one, "Tag": [{"Key": "updated", "Value": "yes"}], "RestartPolicy": "OnFailure"})
    check("UpdateContainerGroup", "the change is seen", lambda: updated(sdk, group))
    ask("DescribeContainerGroupPrice", {"Cpu": 2.0, "Memory": 4.0}, holds="PriceInfo")
    ask("DescribeContainerGroupMetric", one)
    ask("DescribeMultiContainerGroupMetric", {"ContainerGroupIds": json.dumps([group])})
    ask("DescribeAvailableResource", {"DestinationResource": {"Category": "InstanceType", "Value": "ecs.c6.large"}})
    ask("ListUsage", {})
    ask("TagResources", {"ResourceType": "containergroup", "ResourceId": [group], "Tag": [{"Key": "k", "Value": "v"}]})
    ask("ListTagResources", {"ResourceType": "containergroup", "ResourceId": [group]}, holds="TagResources")
    ask("UntagResources", {"ResourceType": "containergroup", "ResourceId": [group], "TagKey": ["k"]})
    ask("ResizeContainerGroupVolume", {**one, "VolumeName": "disk", "NewSize": 40}, refusals=("Volume", "Disk"))
    ask("CommitContainer", {**one, "ContainerName": "main", "Image": {"Repository": "r.example/app", "Tag": "1"}})
    ask("DescribeCommitContainerTask", one)
    ask("CreateInstanceOpsTask", {**one, "OpsType": "coredump", "OpsValue": "enable"})
    ask("DescribeInstanceOpsRecords", {**one, "OpsType": "coredump"})
    image_cache(ask)
    data_cache(ask)
    virtual_node(ask)
    ask("RestartContainerGroup", one)
    check("DeleteContainerGroup", "the group goes", lambda: delete(sdk, group))
    refusals(checks, sdk)
    checks.end()


def asking(checks, sdk):
    """A function that makes a call a check: the reply names its request, holds what it should, and is returned."""

    def ask(action, parameters, holds=None, refusals=()):
        def body():
            try:
                reply = sdk.call(action, parameters)
            except Refused as refused:
                # The group has no disk: that the simulator says so, in words of the disk, is the answer.
                if any(word in refused.code for word in refusals):
                    return {}
                raise
            assert reply.get("RequestId"), reply
            assert holds is None or reply.get(holds), reply
            return reply

        if sdk.has(action):
            return checks.check(action, "is answered as the SDK's types have it", body) or {}
        return {}

    return ask


def create(sdk):
    reply = sdk.call("CreateContainerGroup", sdk.create_parameters())
    seen = arrived("CreateContainerGroup")
    wrong = {name: seen.get(name) for name, value in ARRIVING.items() if seen.get(name) != value}
    assert not wrong, wrong
    assert reply["ContainerGroupId"].startswith("eci-"), reply
    return reply["ContainerGroupId"]


def again(sdk, group):
    reply = sdk.call("CreateContainerGroup", sdk.create_parameters())
    assert reply["ContainerGroupId"] == group, reply


def find(sdk, group):
    reply = sdk.call("DescribeContainerGroups", {"ContainerGroupIds": json.dumps([group]), "Tag": [TAG]})
    groups = reply["ContainerGroups"]
    assert len(groups) <= 1 and reply["TotalCount"] == len(groups), reply
    return groups[0] if groups else None


def described(sdk, group):
    def running():
        found = find(sdk, group)
        return found if found and found["Status"] == "Running" else None

    found = until("the group runs", running)
    assert found["ContainerGroupName"] == NAME and found["RegionId"], found
    assert [container["Name"] for container in found["Containers"]] == ["main", "side"], found
    main = found["Containers"][0]
    assert main["Cpu"] == 0.5 and main["Ports"][0]["Port"] == 8080, main
    assert main["EnvironmentVars"][0]["Key"] == "WORD", main
    assert [mount["Name"] for mount in main["VolumeMounts"]] == ["files", "scratch"], main
    assert main["CurrentState"]["State"] == "Running" and main["CurrentState"]["StartTime"], main
    assert found["InitContainers"][0]["CurrentState"]["State"] == "Terminated", found
    assert [tag for tag in found["Tags"] if tag["Key"] == TAG["Key"]] == [TAG], found
    assert {volume["Name"] for volume in found["Volumes"]} == {"files", "scratch"}, found
    assert found["IntranetIp"] and found["VSwitchId"] == V_SWITCH, found
    assert found["SecurityGroupId"] == SECURITY_GROUP and found["CreationTime"], found


def status(sdk, group):
    reply = sdk.call("DescribeContainerGroupStatus", {"ContainerGroupIds": json.dumps([group])})
    found = reply["Data"]
    assert [(item["ContainerGroupId"], item["Status"]) for item in found] == [(group, "Running")], reply
    assert found[0]["PodStatus"], found


def events(sdk, group):
    reply = sdk.call("DescribeContainerGroupEvents", {"ContainerGroupIds": json.dumps([group])})
    assert any(item["Events"] for item in reply["Data"]), reply


def log(sdk, group):
    def whole():
        reply = sdk.call("DescribeContainerLog", {"ContainerGroupId": group, "ContainerName": "main"})
        lines = (reply.get("Content") or "").splitlines()
        return lines if any("one two" in line for line in lines) else None

    lines = until("the log is whole", whole)
    # The file has no line break at its end, so both may stand on one line.
    assert "".join(lines) == f"{GREETING}one two=3&4", lines


def execute(sdk, group):
    parameters = {"ContainerGroupId": group, "ContainerName": "main", "Command": '["echo", "hi there"]'}
    reply = sdk.call("ExecContainerCommand", {**parameters, "Sync": True})
    assert "hi there" in (reply.get("SyncResponse") or ""), reply
    reply = sdk.call("ExecContainerCommand", {**parameters, "Sync": False})
    assert reply.get("WebSocketUri", "").startswith(("ws://", "wss://")), reply


def updated(sdk, group):
    outcome = control("GET", "requests?action=UpdateContainerGroup")["requests"][-1]["outcome"]
    if outcome.get("code") == NOT_CARRIED:
        raise Refused(NOT_CARRIED, "the simulator does not carry it")

    def seen():
        reply = sdk.call("DescribeContainerGroups", {"ContainerGroupIds": json.dumps([group])})
        tags = {tag["Key"]: tag["Value"] for tag in reply["ContainerGroups"][0]["Tags"]}
        return tags.get("updated") == "yes"

    until("the new tag is there", seen)


def image_cache(ask):
    made = ask("CreateImageCache", {
        "ImageCacheName": "cache", "Image": ["nginx:1"], "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP,
    }, holds="ImageCacheId")
    one = {"ImageCacheId": made.get("ImageCacheId", "imc-none")}
    ask("DescribeImageCaches", one, holds="ImageCaches" if made else None)
    ask("UpdateImageCache", {**one, "ImageCacheName": "cache-2"})
    ask("DeleteImageCache", one)


def data_cache(ask):
    made = ask("CreateDataCache", {
        "Name": "data", "Bucket": "b", "Path": "/d", "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP,
        "DataSource": {"Type": "URL", "Options": {"repoId": "x"}}, "Size": 20,
    }, holds="DataCacheId")
    one = {"DataCacheId": made.get("DataCacheId", "edc-none")}
    ask("DescribeDataCaches", {"DataCacheId": [one["DataCacheId"]]}, holds="DataCaches" if made else None)
    ask("UpdateDataCache", {**one, "Name": "data-2"})
    ask("CopyDataCache", {**one, "DestinationRegionId": "cn-beijing"})
    ask("DeleteDataCache", one)


def virtual_node(ask):
    made = ask("CreateVirtualNode", {
        "VirtualNodeName": "vn", "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP,
        "KubeConfig": base64.b64encode(b"apiVersion: v1").decode(),
    }, holds="VirtualNodeId")
    one = made.get("VirtualNodeId", "vnd-none")
    ask("DescribeVirtualNodes", {"VirtualNodeIds": json.dumps([one])})
    ask("UpdateVirtualNode", {"VirtualNodeId": one, "VirtualNodeName": "vn-2"})
    ask("DeleteVirtualNode", {"VirtualNodeId": one})


def delete(sdk, group):
    assert sdk.call("DeleteContainerGroup", {"ContainerGroupId": group})["RequestId"]
    until("the group is gone", lambda: find(sdk, group) is None)


def refusals(checks, sdk):
    """Keys that are wrong, too old or too eager, and requests that are wrong."""
    regions = "DescribeRegions"
    refused = checks.refused
    key = (ACCESS_KEY_ID, "not-the-secret", None)
    refused(regions, sdk.wrong_secret, "a wrong secret is told", lambda: sdk.call(regions, {}, key=key))
    refused(regions, "InvalidAccessKeyId.NotFound", "an unknown key is told",
            lambda: sdk.call(regions, {}, key=("nobody", "x", None)))

    temporary = (f"sts-{sdk.name}".replace(" ", "-"), "hush-sts", "hush-token/+= of a role")
    change = {"access_key_id": temporary[0], "secret": temporary[1], "security_token": temporary[2]}
    control("POST", "accounts", {**change, "change": "add"})
    checks.check(regions, "a security token is accepted", lambda: sdk.call(regions, {}, key=temporary))
    control("POST", "accounts", {"access_key_id": temporary[0], "change": "expire_token"})
    refused(regions, "InvalidSecurityToken.Expired", "an expired token is told",
            lambda: sdk.call(regions, {}, key=temporary))

    throttled = {"action": "DescribeContainerGroups", "kind": "error", "code": "Throttling.User"}
    control("POST", "faults", throttled)
    refused("DescribeContainerGroups", "Throttling.User", "throttling is told",
            lambda: sdk.call("DescribeContainerGroups", {}))
    control("DELETE", "faults")

    incomplete = {"ContainerGroupName": "x", "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP}
    checks.check("CreateContainerGroup", "a group without containers is refused as the SDK can tell",
                 lambda: missing(sdk, incomplete))


def missing(sdk, parameters):
    try:
        sdk.call("CreateContainerGroup", parameters)
    except Refused as refused:
        assert refused.code.startswith(("MissingParameter", "InvalidParameter", "Missing")), refused
    else:
        raise AssertionError("it was accepted")
