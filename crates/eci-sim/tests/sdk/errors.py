"""Situations whose error code is published: each is brought about, and code, HTTP status and shape are compared.

The requests are made by hand (`raw.py`), so that they can be wrong in ways in which no SDK is.
"""

import base64
import json

import raw
from checks import Checks, REGION, SECURITY_GROUP, V_SWITCH, control, until

CREATE, DELETE, UPDATE, GROUPS, REGIONS = (
    "CreateContainerGroup", "DeleteContainerGroup", "UpdateContainerGroup", "DescribeContainerGroups", "DescribeRegions")
GROUP = {
    "ContainerGroupName": "errors", "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP, "TerminationGracePeriodSeconds": 1,
    "Container.1.Name": "main", "Container.1.Image": "busybox", "Container.1.Command.1": "sleep",
    "Container.1.Arg.1": "3600", "RestartPolicy": "Always", "Cpu": 2, "Memory": 4,
}
PROBE = "Container.1.LivenessProbe"
HOOK = "Container.1.LifecyclePreStopHandler"


def volume(number, kind, **members):
    found = {f"Volume.{number}.Name": f"volume-{number}", f"Volume.{number}.Type": kind}
    return found | {f"Volume.{number}.{kind}.{name}": value for name, value in members.items()}


def file(size):
    content = base64.b64encode(b"x" * size).decode()
    return {"Volume.1.Name": "files", "Volume.1.Type": "ConfigFileVolume",
            "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path": "a",
            "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content": content}


def disks(count):
    found = {}
    for number in range(1, count + 1):
        found |= volume(number, "FlexVolume", Driver="alicloud/disk", Options='{"volumeSize":"20"}')
    return found


def many(name, count, value="x"):
    return {f"{name}.{number}": value for number in range(1, count + 1)}


class Errors:
    """Brings situations about, and compares the answers."""

    def __init__(self, checks):
        self.checks = checks

    def expect(self, sentence, status, code, answer):
        """`answer` makes the call; its answer has to be this error, in the published shape."""

        def body():
            found, headers, error = answer()
            assert isinstance(error, dict) and "Code" in error, (found, error)
            assert (found, error["Code"]) == (status, code), f"{found} {error['Code']}: {error['Message']}"
            assert error["Message"] and error["HostId"] and "Recommend" in error, error
            assert error["RequestId"] == headers["x-acs-request-id"], (error, headers)

        self.checks.check(code, sentence, body)

    def create(self, sentence, status, code, change, remove=()):
        wish = {name: value for name, value in (GROUP | change).items() if name not in remove}
        self.expect(sentence, status, code, lambda: raw.version_1(CREATE, wish))

    def call(self, sentence, status, code, action, parameters):
        self.expect(sentence, status, code, lambda: raw.version_1(action, parameters))


def settings(**changes):
    control("POST", "settings", changes)


def succeed(action, parameters):
    status, _, reply = raw.version_1(action, parameters)
    assert status == 200, reply
    return reply


def made(**changes):
    """A group that runs."""
    group = succeed(CREATE, GROUP | changes)["ContainerGroupId"]
    until("it runs", lambda: status_of(group) == "Running")
    return group


def status_of(group):
    groups = succeed(GROUPS, {"ContainerGroupIds": json.dumps([group])})["ContainerGroups"]
    return groups[0]["Status"] if groups else None


def gateway(errors):
    expect = errors.expect
    for what, sign, name, value in [
        ("Action", raw.version_1, "Action", None), ("Version", raw.version_1, "Version", None),
        ("Timestamp", raw.version_1, "Timestamp", None), ("SignatureNonce", raw.version_1, "SignatureNonce", None),
        ("AccessKeyId", raw.version_1, "AccessKeyId", None), ("Timestamp", raw.version_3, "x-acs-date", None),
        ("SignatureNonce", raw.version_3, "x-acs-signature-nonce", None),
    ]:
        expect(f"{sign.__name__} without {name}", 400, f"Missing{what}",
               lambda sign=sign, name=name, value=value: sign(REGIONS, {}, after={name: value}))
    expect("a request without a signature", 400, "MissingSignature",
           lambda: raw.version_1(REGIONS, {}, after={"Signature": None}))
    expect("another version of the API", 400, "InvalidVersion", lambda: raw.version_1(REGIONS, {}, before={"Version": "x"}))
    expect("an unknown action", 404, "InvalidAction.NotFound", lambda: raw.version_1("DescribeNothing", {}))
    expect("a withdrawn action", 404, "InvalidAction.NotFound", lambda: raw.version_3("ExportContainerGroupTemplate", {}))
    expect("an unknown signature method", 400, "InvalidSignatureMethod",
           lambda: raw.version_1(REGIONS, {}, before={"SignatureMethod": "HMAC-MD5"}))
    for sign, name in ((raw.version_1, "Timestamp"), (raw.version_3, "x-acs-date")):
        expect(f"{sign.__name__} long ago", 400, "InvalidTimeStamp.Expired",
               lambda sign=sign, name=name: sign(REGIONS, {}, before={name: "2020-01-01T00:00:00Z"}))
        expect(f"{sign.__name__} at no time", 400, "InvalidTimeStamp.Format",
               lambda sign=sign, name=name: sign(REGIONS, {}, before={name: "yesterday"}))
        expect(f"{sign.__name__} by nobody", 404, "InvalidAccessKeyId.NotFound",
               lambda sign=sign: sign(REGIONS, {}, key=("nobody", "hush", None)))
        expect(f"{sign.__name__} with a wrong secret", 400, "SignatureDoesNotMatch",
               lambda sign=sign: sign(REGIONS, {}, key=(raw.KEY[0], "hush-wrong", None)))
    expect("a header is not signed", 400, "IncompleteSignature",
           lambda: raw.version_3(REGIONS, {}, before={"x-acs-content-sha256": None}, after={
               "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}))
    expect("an authorization that is none", 400, "IncompleteSignature",
           lambda: raw.version_3(REGIONS, {}, after={"authorization": "ACS3-HMAC-SHA256 Credential="}))
    expect("a changed parameter", 400, "SignatureDoesNotMatch",
           lambda: raw.version_1(REGIONS, {}, after={"RegionId": "cn-beijing"}))
    nonce = {"SignatureNonce": "errors-replayed"}
    raw.version_1(REGIONS, {}, before=nonce)
    expect("a replayed nonce", 400, "SignatureNonceUsed", lambda: raw.version_1(REGIONS, {}, before=nonce))
    expect("a method that the action does not take", 400, "UnsupportedHTTPMethod",
           lambda: raw.version_1("DescribeContainerGroupStatus", {}, method="GET"))
    for code, status in [("InternalError", 500), ("ServiceUnavailable", 503), ("RequestTimeout", 408),
                         ("Throttling.Api", 400), ("Degrade.Api", 400), ("containerRepositoryAuthorizationFailed", 503)]:
        control("POST", "faults", {"action": REGIONS, "kind": "error", "code": code, "times": 1})
        expect("a fault of that code", status, code, lambda: raw.version_1(REGIONS, {}))
        control("DELETE", "faults")


def identities(errors):
    temporary = ("STS.errors", "hush-temporary", "hush-token")
    add = {"access_key_id": temporary[0], "secret": temporary[1], "security_token": temporary[2], "change": "add"}
    control("POST", "accounts", {**add, "deny": ["Create*", "DescribeContainerLog", "DescribeContainerGroups"]})
    expect = errors.expect
    expect("another token", 400, "InvalidSecurityToken.MismatchWithAccessKey",
           lambda: raw.version_3(REGIONS, {}, key=(*temporary[:2], "hush-other")))
    expect("no permission to write", 403, "Forbidden.RAM", lambda: raw.version_1(CREATE, GROUP, key=temporary))
    log = {"ContainerGroupId": "eci-1", "ContainerName": "main"}
    expect("no permission to read a log", 403, "Forbidden.Unauthorized",
           lambda: raw.version_1("DescribeContainerLog", log, key=temporary))
    control("POST", "accounts", {"access_key_id": temporary[0], "change": "expire_token"})
    expect("an expired token", 400, "InvalidSecurityToken.Expired", lambda: raw.version_3(REGIONS, {}, key=temporary))
    control("POST", "accounts", {"access_key_id": temporary[0], "change": "disable"})
    expect("a disabled key", 400, "InvalidAccessKeyId.Inactive", lambda: raw.version_3(REGIONS, {}, key=temporary))


def wishes(errors):
    """Creates that are wrong in themselves."""
    create = errors.create
    create("a dry run", 400, "DryRunOperation", {"DryRun": "true"})
    create("a required name is missing", 400, "MissingParameter", {}, remove=["ContainerGroupName"])
    create("no number", 400, "InvalidParameter", {"Cpu": "two"})
    create("a size that is not sold", 400, "InvalidParameter.CPU.Memory", {"Cpu": 65})
    create("a size that is not sold as spot", 400, "InvalidSpotCpuMemorySpec", {"SpotStrategy": "SpotAsPriceGo", "Cpu": 65})
    create("two containers of a name", 400, "InvalidParameter.DuplicatedName",
           {"Container.2.Name": "main", "Container.2.Image": "busybox"})
    twice = volume(1, "EmptyDirVolume") | volume(2, "EmptyDirVolume") | {"Volume.2.Name": "volume-1"}
    create("two volumes of a name", 400, "InvalidParameter.DuplicatedVolumeName", twice)
    containers = many("Container", 21)
    containers = {f"{name}.Name": f"c-{name[10:]}" for name in containers} | {f"{name}.Image": "i" for name in containers}
    create("too many containers", 400, "InvalidParameter.ValueExceeded", containers)
    create("too many tags", 400, "InvalidParameter.ValueExceeded",
           {f"Tag.{number}.Key": f"k{number}" for number in range(1, 23)})
    create("too many DNS servers", 400, "InvalidParameter.ValueExceeded", many("DnsConfig.NameServer", 21))
    create("too large a file", 400, "InvalidParameter.LengthExceeded", file(32 * 1024 + 1))
    create("too long a variable", 400, "InvalidParameter.LengthExceeded",
           {"Container.1.EnvironmentVar.1.Key": "K", "Container.1.EnvironmentVar.1.Value": "x" * 257})
    create("too long a client token", 400, "InvalidParameter.LengthExceeded", {"ClientToken": "x" * 65})
    create("a probe of two kinds", 400, "InvalidParameter", {f"{PROBE}.TcpSocket.Port": 1, f"{PROBE}.Exec.Command.1": "a"})
    create("a hook of two kinds", 400, "InvalidParameter", {f"{HOOK}TcpSocketPort": 1, f"{HOOK}Exec.1": "a"})
    create("a mount without a volume", 400, "InvalidParameter",
           {"Container.1.VolumeMount.1.Name": "none", "Container.1.VolumeMount.1.MountPath": "/x"})
    create("more disks than fit", 400, "DiskNumber.LimitExceed", disks(7))
    create("a tag of the platform", 400, "InvalidParameter", {"Tag.1.Key": "acs:mine", "Tag.1.Value": ""})
    create("a core pattern that is a pipe", 400, "InvalidParameter", {"CorePattern": "|/bin/x"})
    create("a price limit is missing", 400, "MissingParameter", {"SpotStrategy": "SpotWithPriceLimit"})


def surroundings(errors):
    """Creates that the account's cloud cannot carry out."""
    create = errors.create
    create("an unknown vSwitch", 404, "InvalidVSwitchId.NotFound", {"VSwitchId": "vsw-none"})
    create("a vSwitch of another zone", 403, "OperationDenied.VswZoneMisMatch", {"ZoneId": f"{REGION}-z"})
    create("an unknown security group", 404, "InvalidSecurityGroupId.NotFound", {"SecurityGroupId": "sg-none"})
    create("a dry run of what cannot be", 404, "InvalidSecurityGroupId.NotFound",
           {"SecurityGroupId": "sg-none", "DryRun": "true"})
    create("an unknown image cache", 404, "ImageSnapshot.NotFound", {"ImageSnapshotId": "imc-none"})
    settings(build_ms=3_600_000)
    cache = succeed("CreateImageCache", {"ImageCacheName": "errors", "Image.1": "busybox", "VSwitchId": V_SWITCH,
                                         "SecurityGroupId": SECURITY_GROUP})["ImageCacheId"]
    create("an image cache that is not ready", 400, "ImageSnapshot.IncorrectStatus", {"ImageSnapshotId": cache})
    errors.call("a change of an image cache that is not ready", 400, "ImageCache.IncorrectStatus", "UpdateImageCache",
                {"ImageCacheId": cache, "ImageCacheName": "other"})
    settings(stock="refused")
    create("no stock", 403, "OperationDenied.NoStock", {})
    settings(stock="available", vcpu_quota=1)
    create("more than the quota", 403, "QuotaExceeded", {})
    settings(vcpu_quota=0, no_stock="refused", stock_rules=[f"{REGION}-a/*=closed"])
    create("a zone that is not on sale", 403, "Zone.NotOnSale", {})
    settings(stock_rules=[], no_stock="schedule-failed", v_switch_addresses=[f"{V_SWITCH}=0"])
    create("a vSwitch without addresses", 403, "InvalidVSwitchId.IpNotEnough", {})
    settings(v_switch_addresses=[], ipv6="unavailable")
    create("a vSwitch without IPv6", 400, "Ipv6AddressNotSupportVsw", {"Ipv6AddressCount": 1})
    settings(ipv6="available")
    address = {"PrivateIpAddress": "10.250.77.1"}
    made(**address)
    create("a private address in use", 400, "PrivateIpAddress.Already.InUse", address)
    create("a spot price below the market", 403, "Spot.NotMatched",
           {"SpotStrategy": "SpotWithPriceLimit", "SpotPriceLimit": 0.001, "StrictSpot": "true"})
    token = {"ClientToken": "errors-token"}
    made(**token)
    create("a token with another wish", 400, "IdempotentParameterMismatch", {**token, "Cpu": 4, "Memory": 8})
    settings(foreign_region="refuse")
    errors.call("another region's endpoint", 404, "InvalidRegionId.NotFound", GROUPS, {"RegionId": "eu-central-1"})
    settings(foreign_region="accept")


def groups(errors):
    """What living and ended groups refuse."""
    call = errors.call
    missing = {"ContainerGroupId": "eci-none"}
    main = {"ContainerName": "main"}
    disk = volume(1, "FlexVolume", Driver="alicloud/disk", Options='{"volumeSize":"40"}')
    running = made(**disk, **{f"Volume.2.{name}": value for name, value in (("Name", "dir"), ("Type", "EmptyDirVolume"))})
    ended = made_ended()
    one, over = {"ContainerGroupId": running}, {"ContainerGroupId": ended}
    image = {"Image.Repository": "r", "Image.Tag": "t"}
    for action, more in [(DELETE, {}), ("RestartContainerGroup", {}), (UPDATE, {"RestartPolicy": "Never"}),
                         ("DescribeContainerLog", main), ("ExecContainerCommand", {**main, "Command": '["a"]'}),
                         ("ResizeContainerGroupVolume", {"VolumeName": "disk", "NewSize": 40})]:
        call(f"{action} of an unknown group", 404, "InvalidParameter.NotFound", action, {**missing, **more})
    for action in ("CreateInstanceOpsTask", "DescribeInstanceOpsRecords"):
        more = {"OpsValue": "enable"} if action.startswith("Create") else {}
        call(f"{action} of an unknown group", 400, "InvalidInstanceId.NotFound", action, {**missing, "OpsType": "coredump", **more})
    call("a restart of what has ended", 400, "IncorrectStatus", "RestartContainerGroup", over)
    call("an update of what has ended", 400, "IncorrectStatus", UPDATE,
         {**over, "UpdateType": "IncrementalUpdate", "RestartPolicy": "Always"})
    call("an update that changes nothing", 400, "NoNeedUpdate", UPDATE,
         {**one, "UpdateType": "IncrementalUpdate", "RestartPolicy": "Always"})
    call("an update to two containers of a name", 400, "InvalidParameter.DuplicatedName", UPDATE,
         {**one, "Container.1.Name": "a", "Container.1.Image": "i", "Container.2.Name": "a", "Container.2.Image": "i"})
    call("a command in what has ended", 400, "IncorrectStatus", "ExecContainerCommand", {**over, **main, "Command": '["a"]'})
    call("a command of too many words", 400, "InvalidParameter.ValueExceeded", "ExecContainerCommand",
         {**one, **main, "Command": json.dumps(["x"] * 21)})
    call("a terminal that is to be answered at once", 400, "InvalidParameter", "ExecContainerCommand",
         {**one, **main, "Command": '["a"]', "Sync": "true", "TTY": "true"})
    call("a smaller disk", 400, "InvalidParameter", "ResizeContainerGroupVolume",
         {**one, "VolumeName": "volume-1", "NewSize": 20})
    call("a larger directory", 403, "InvalidVolumeType", "ResizeContainerGroupVolume", {**one, "VolumeName": "dir", "NewSize": 40})
    call("a disk of what has ended", 403, "IncorrectStatusDetail", "ResizeContainerGroupVolume",
         {**over, "VolumeName": "volume-1", "NewSize": 80})
    call("an image of what has ended", 403, "IncorrectStatusDetail", "CommitContainer", {**over, **main, **image})
    tags = {"ResourceType": "ContainerGroup", "ResourceId.1": running}
    for number in range(1, 21):
        tags |= {f"Tag.{number}.Key": f"k{number}", f"Tag.{number}.Value": "v"}
    succeed("TagResources", tags)
    call("a tag too many", 400, "NumberExceed.Tags", "TagResources",
         {"ResourceType": "ContainerGroup", "ResourceId.1": running, "Tag.1.Key": "more", "Tag.1.Value": "v"})
    call("too long a log is asked for", 400, "InvalidParameter.ValueExceeded", "DescribeContainerLog", {**one, **main, "Tail": 2001})
    call("ids that are no list", 400, "InvalidParameter", GROUPS, {"ContainerGroupIds": "eci-1"})
    call("too many ids", 400, "InvalidParameter.ValueExceeded", GROUPS, {"ContainerGroupIds": json.dumps(["eci-1"] * 21)})
    call("too large a page", 400, "InvalidParameter.ValueExceeded", GROUPS, {"Limit": 21})
    call("a reserved bucket", 400, "InvalidParameter", "CreateDataCache", {
        "Name": "d", "Bucket": "eci-system", "Path": "/", "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP,
        "DataSource.Type": "URL"})


def made_ended():
    group = succeed(CREATE, GROUP | {"RestartPolicy": "Never", "Container.1.Command.1": "true"} | volume(
        1, "FlexVolume", Driver="alicloud/disk", Options='{"volumeSize":"40"}'))["ContainerGroupId"]
    until("it has ended", lambda: status_of(group) == "Succeeded")
    return group


def main():
    checks = Checks("errors")
    errors = Errors(checks)
    for part in (gateway, identities, wishes, surroundings, groups):
        part(errors)
    checks.end(set())


if __name__ == "__main__":
    main()
