"""A container group with everything nested that the API has: asked for, compared as it arrives, and read back."""

import base64
import json

from checks import REGION, SECURITY_GROUP, V_SWITCH, arrived, control, until
from wire import differences

GREETING = "hello from a file"
NAME = "official-sdk"
TAG = {"Key": "suite", "Value": "official SDK, ä=1&2/*~"}
DISK = {"volumeSize": "20", "deleteWithInstance": "true"}


def wish(sdk):
    """The request, spelt as the API's documentation does."""
    return {
        "RegionId": REGION, "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP,
        "ContainerGroupName": NAME, "ClientToken": sdk.name.replace(" ", "-"), "RestartPolicy": "OnFailure",
        "Cpu": 2.0, "Memory": 4.0, "EphemeralStorage": 20, "TerminationGracePeriodSeconds": 1,
        "ActiveDeadlineSeconds": 86400, "SpotStrategy": "NoSpot", "RamRoleName": "a-role",
        "CorePattern": "/pods/data/core", "HostName": "named", "ContainerResourceView": True,
        "PlainHttpRegistry": "plain.example:80", "InsecureRegistry": "self-signed.example",
        "Tag": [TAG, {"Key": "second", "Value": ""}],
        "NtpServer": ["ntp.example", "10.0.0.123"],
        "DnsPolicy": "None",
        "DnsConfig": {
            "NameServer": ["10.0.0.2", "10.0.0.3"], "Search": ["a.example", "b.example"],
            "Option": [{"Name": "ndots", "Value": "5"}, {"Name": "rotate", "Value": ""}],
        },
        "HostAliase": [{"Ip": "10.0.0.9", "Hostname": ["db.internal", "db"]}, {"Ip": "10.0.0.8", "Hostname": ["c"]}],
        "SecurityContext": {"Sysctl": [{"Name": "net.ipv4.ping_group_range", "Value": "0 100"}]},
        "ImageRegistryCredential": [
            {"Server": "registry.example", "UserName": "puller", "Password": "hush-password"},
            {"Server": "other.example:5000", "UserName": "b", "Password": "hush=&+/ "},
        ],
        "AcrRegistryInfo": [
            {"InstanceId": "cri-1", "InstanceName": "acr", "RegionId": REGION, "Domain": ["a.example", "b.example"]}],
        "Container": [main(), side()],
        "InitContainer": [first()],
        "Volume": volumes(),
    }


def main():
    return {
        "Name": "main", "Image": "busybox", "ImagePullPolicy": "IfNotPresent", "Cpu": 0.5, "Memory": 1.0,
        "Command": ["/bin/sh", "-c"],
        "Arg": ["cat /etc/app/greeting; echo \"$WORD\"; sleep 3600"],
        "WorkingDir": "/scratch", "Stdin": True, "StdinOnce": False, "Tty": False,
        "EnvironmentVar": [
            {"Key": "WORD", "Value": "one two=3&4"},
            {"Key": "ADDRESS", "FieldRef": {"FieldPath": "status.podIP"}},
        ],
        "Port": [{"Port": 8080, "Protocol": "TCP"}, {"Port": 8081, "Protocol": "UDP"}],
        "VolumeMount": [
            {"Name": "files", "MountPath": "/etc/app", "ReadOnly": True},
            # Left out, the V1 SDK would send the text None.
            {"Name": "scratch", "MountPath": "/scratch", "ReadOnly": False, "SubPath": "main",
             "MountPropagation": "None"},
        ],
        "TerminationMessagePath": "/dev/termination-log", "TerminationMessagePolicy": "File",
        "SecurityContext": {
            "RunAsUser": 0, "ReadOnlyRootFilesystem": True, "Capability": {"Add": ["NET_ADMIN", "CHOWN"]}},
        "ReadinessProbe": {"Exec": {"Command": ["cat", "/etc/app/greeting"]}, "PeriodSeconds": 5, "TimeoutSeconds": 2},
        # Far away: what is tested is how it travels.
        "LivenessProbe": {"TcpSocket": {"Port": 8080}, "InitialDelaySeconds": 3600, "FailureThreshold": 7,
                          "SuccessThreshold": 1},
        "LifecyclePostStartHandlerExec": ["true"],
        "LifecyclePreStopHandlerExec": ["/bin/sh", "-c", "true"],
    }


def side():
    return {
        "Name": "side", "Image": "busybox", "Command": ["sleep", "3600"],
        "LivenessProbe": {"HttpGet": {"Path": "/healthy?a=b", "Port": 8080, "Scheme": "HTTPS"},
                          "InitialDelaySeconds": 3600},
        "LifecyclePreStopHandlerTcpSocketHost": "127.0.0.1", "LifecyclePreStopHandlerTcpSocketPort": 8080,
    }


def first():
    return {
        "Name": "first", "Image": "busybox", "Command": ["echo"], "Arg": ["first"],
        "EnvironmentVar": [{"Key": "WHERE", "Value": "init"}],
        "VolumeMount": [{"Name": "memory", "MountPath": "/m", "ReadOnly": False}],
        "SecurityContext": {"RunAsUser": 1000, "Capability": {"Add": ["KILL"]}},
    }


def volumes():
    content = base64.b64encode(GREETING.encode()).decode()
    return [
        {"Name": "files", "Type": "ConfigFileVolume",
         "ConfigFileVolume": {"ConfigFileToPath": [{"Path": "greeting", "Content": content}]}},
        {"Name": "scratch", "Type": "EmptyDirVolume"},
        {"Name": "memory", "Type": "EmptyDirVolume", "EmptyDirVolume": {"Medium": "Memory", "SizeLimit": "64Mi"}},
        {"Name": "share", "Type": "NFSVolume",
         "NFSVolume": {"Server": "nas.example", "Path": "/share", "ReadOnly": True}},
        {"Name": "disk", "Type": "FlexVolume",
         "FlexVolume": {"Driver": "alicloud/disk", "FsType": "ext4", "Options": json.dumps(DISK)}},
        {"Name": "attached", "Type": "DiskVolume",
         "DiskVolume": {"DiskId": "d-1", "DiskSize": 40, "FsType": "xfs"}},
        {"Name": "host", "Type": "HostPathVolume", "HostPathVolume": {"Path": "/var/log", "Type": "Directory"}},
    ]


def create(sdk):
    """Creates it; exactly what was meant has to arrive."""
    meant = wish(sdk)
    reply = sdk.call("CreateContainerGroup", meant)
    wrong = differences(meant, arrived("CreateContainerGroup"))
    assert not wrong, wrong
    assert reply["ContainerGroupId"].startswith("eci-"), reply
    return reply["ContainerGroupId"]


def again(sdk, group):
    reply = sdk.call("CreateContainerGroup", wish(sdk))
    assert reply["ContainerGroupId"] == group, reply


def find(sdk, group):
    reply = sdk.call("DescribeContainerGroups", {"ContainerGroupIds": json.dumps([group]), "Tag": [TAG]})
    groups = reply["ContainerGroups"]
    assert len(groups) <= 1 and reply["TotalCount"] == len(groups), reply
    return groups[0] if groups else None


def described(sdk, group):
    """Reads it back; the reply spells much differently from the request."""

    def running():
        found = find(sdk, group)
        return found if found and found["Status"] == "Running" and found["Containers"][0]["Ready"] else None

    found = until("the group runs and is ready", running)
    assert found["ContainerGroupName"] == NAME and found["RegionId"] == REGION, found
    assert found["RestartPolicy"] == "OnFailure" and found["RamRoleName"] == "a-role", found
    assert (found["Cpu"], found["Memory"], found["EphemeralStorage"]) == (2.0, 4.0, 20), found
    assert found["IntranetIp"] and found["VSwitchId"] == V_SWITCH and found["VpcId"] and found["ZoneId"], found
    assert found["SecurityGroupId"] == SECURITY_GROUP and found["CreationTime"].endswith("Z"), found
    assert [tag for tag in found["Tags"] if tag["Key"] == TAG["Key"]] == [TAG], found
    assert found["DnsConfig"]["NameServers"] == ["10.0.0.2", "10.0.0.3"], found
    assert found["DnsConfig"]["Searches"] == ["a.example", "b.example"], found
    assert found["DnsConfig"]["Options"][0] == {"Name": "ndots", "Value": "5"}, found
    assert found["HostAliases"][0] == {"Ip": "10.0.0.9", "Hostnames": ["db.internal", "db"]}, found
    assert found["EciSecurityContext"]["Sysctls"][0]["Name"] == "net.ipv4.ping_group_range", found
    assert not any("hush" in text for text in [json.dumps(found)]), "a password comes back"
    main_described(found["Containers"][0])
    assert [container["Name"] for container in found["Containers"]] == ["main", "side"], found
    get = found["Containers"][1]["LivenessProbe"]["HttpGet"]
    assert get == {"Path": "/healthy?a=b", "Port": 8080, "Scheme": "HTTPS"}, get
    init = found["InitContainers"][0]
    assert init["CurrentState"]["State"] == "Terminated" and init["CurrentState"]["ExitCode"] == 0, init
    assert init["Command"] == ["echo"] and init["Args"] == ["first"], init
    volumes_described({volume["Name"]: volume for volume in found["Volumes"]})


def main_described(main):
    assert (main["Cpu"], main["Memory"], main["WorkingDir"]) == (0.5, 1.0, "/scratch"), main
    assert main["Commands"] == ["/bin/sh", "-c"] and len(main["Args"]) == 1, main
    assert main["Ports"] == [{"Port": 8080, "Protocol": "TCP"}, {"Port": 8081, "Protocol": "UDP"}], main
    assert main["EnvironmentVars"][0]["Value"] == "one two=3&4", main
    assert main["EnvironmentVars"][1]["ValueFrom"]["FieldRef"]["FieldPath"] == "status.podIP", main
    assert [mount["Name"] for mount in main["VolumeMounts"]] == ["files", "scratch"], main
    assert main["VolumeMounts"][0]["ReadOnly"] and main["VolumeMounts"][1]["SubPath"] == "main", main
    assert main["SecurityContext"]["Capability"]["Adds"] == ["NET_ADMIN", "CHOWN"], main
    assert main["SecurityContext"]["ReadOnlyRootFilesystem"] is True, main
    assert main["ReadinessProbe"]["Execs"] == ["cat", "/etc/app/greeting"], main
    assert main["ReadinessProbe"]["PeriodSeconds"] == 5 and main["ReadinessProbe"]["TimeoutSeconds"] == 2, main
    assert main["LivenessProbe"]["TcpSocket"]["Port"] == 8080, main
    assert main["LivenessProbe"]["FailureThreshold"] == 7, main
    assert main["CurrentState"]["State"] == "Running" and main["CurrentState"]["StartTime"].endswith("Z"), main


def volumes_described(found):
    assert set(found) == {"files", "scratch", "memory", "share", "disk", "attached", "host"}, found
    assert found["files"]["ConfigFileVolumeConfigFileToPaths"][0]["Path"] == "greeting", found
    memory, share, disk = found["memory"], found["share"], found["disk"]
    assert (memory["EmptyDirVolumeMedium"], memory["EmptyDirVolumeSizeLimit"]) == ("Memory", "64Mi"), memory
    assert (share["NFSVolumeServer"], share["NFSVolumePath"]) == ("nas.example", "/share"), share
    assert share["NFSVolumeReadOnly"] is True, share
    assert disk["FlexVolumeDriver"] == "alicloud/disk" and json.loads(disk["FlexVolumeOptions"]) == DISK, disk
    assert (found["attached"]["DiskVolumeDiskId"], found["attached"]["DiskVolumeFsType"]) == ("d-1", "xfs"), found


def status(sdk, group):
    reply = sdk.call("DescribeContainerGroupStatus", {"ContainerGroupIds": json.dumps([group])})
    found = reply["Data"]
    assert [(item["ContainerGroupId"], item["Status"]) for item in found] == [(group, "Running")], reply
    pod = found[0]["PodStatus"]
    assert pod["Phase"] == "Running" and pod["PodIp"], pod
    assert {state["Name"] for state in pod["ContainerStatuses"]} == {"main", "side"}, pod
    conditions = {condition["type"]: condition["status"] for condition in pod["Conditions"]}
    assert conditions.get("ContainersReady") == "True", conditions


def events(sdk, group):
    reply = sdk.call("DescribeContainerGroupEvents", {"ContainerGroupIds": json.dumps([group])})
    assert [item["ContainerGroupId"] for item in reply["Data"]] == [group], reply
    reasons = {event["Reason"] for event in reply["Data"][0]["Events"]}
    assert "Started" in reasons, reasons


def log(sdk, group):
    def whole():
        reply = sdk.call("DescribeContainerLog", {"ContainerGroupId": group, "ContainerName": "main"})
        lines = (reply.get("Content") or "").splitlines()
        return lines if any("one two" in line for line in lines) else None

    lines = until("the log is whole", whole)
    # The file has no line break at its end, so both may stand on one line.
    assert "".join(lines) == f"{GREETING}one two=3&4", lines


def log_with_options(sdk, group):
    parameters = {"ContainerGroupId": group, "ContainerName": "main", "Tail": 1, "Timestamps": True, "LimitBytes": 4096}
    lines = sdk.call("DescribeContainerLog", parameters)["Content"].splitlines()
    assert len(lines) == 1 and lines[0][:4].isdigit() and "T" in lines[0].split()[0], lines


def tags(sdk, group):
    reply = sdk.call("DescribeContainerGroups", {"ContainerGroupIds": json.dumps([group])})
    return {tag["Key"]: tag["Value"] for tag in reply["ContainerGroups"][0]["Tags"]}


def updated(sdk, group):
    """Only what is sent changes; whoever asks sees it, and the old tags stay."""
    change = {"ContainerGroupId": group, "UpdateType": "IncrementalUpdate", "Tag": [{"Key": "updated", "Value": "yes"}]}
    assert sdk.call("UpdateContainerGroup", change)["RequestId"]
    found = until("the new tag is there", lambda: seen if (seen := tags(sdk, group)).get("updated") else None)
    assert found[TAG["Key"]] == TAG["Value"], found


def renewed(sdk, group):
    """The whole wish anew, with another image."""
    change = {name: value for name, value in wish(sdk).items()
              if name in ("RegionId", "Container", "InitContainer", "RestartPolicy", "ImageRegistryCredential",
                          "AcrRegistryInfo", "DnsConfig")}
    change["Volume"] = [volume for volume in volumes() if volume["Type"] not in ("DiskVolume", "HostPathVolume")]
    change["Container"][1]["Image"] = "busybox:2"
    # The action does not have these.
    for name in ("TerminationMessagePath", "TerminationMessagePolicy"):
        del change["Container"][0][name]
    change["ContainerGroupId"] = group
    sdk.call("UpdateContainerGroup", change)
    wrong = differences({"RegionId": REGION, **change}, arrived("UpdateContainerGroup"))
    assert not wrong, wrong

    def seen():
        found = find(sdk, group)
        return found if found["Status"] == "Running" and found["Containers"][1]["Image"] == "busybox:2" else None

    found = until("the new image runs", seen)
    assert {volume["Name"] for volume in found["Volumes"]} == {"files", "scratch", "memory", "share", "disk"}, found


def resized(sdk, group):
    assert sdk.call("ResizeContainerGroupVolume",
                    {"ContainerGroupId": group, "VolumeName": "disk", "NewSize": 40})["RequestId"]
    disk = next(volume for volume in find(sdk, group)["Volumes"] if volume["Name"] == "disk")
    assert json.loads(disk["FlexVolumeOptions"])["volumeSize"] == "40", disk


def restarted(sdk, group):
    def started():
        found = find(sdk, group)
        state = found["Containers"][0]["CurrentState"]
        return state["StartTime"] if found["Status"] == "Running" and state["State"] == "Running" else None

    before = until("the group runs", started)
    # The times of containers are told in seconds.
    control("POST", "clock", {"advance_ms": 2000})
    assert sdk.call("RestartContainerGroup", {"ContainerGroupId": group})["RequestId"]
    until("the container has started anew", lambda: (now := started()) and now > before)


def deleted(sdk, group):
    assert sdk.call("DeleteContainerGroup", {"ContainerGroupId": group})["RequestId"]
    until("the group is gone", lambda: find(sdk, group) is None)
