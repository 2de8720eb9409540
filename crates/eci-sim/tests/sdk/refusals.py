"""Keys that are wrong, too old or too eager, and requests that are wrong: each SDK has to tell the API's own code."""

from checks import ACCESS_KEY_ID, Refused, SECURITY_GROUP, V_SWITCH, control
from group import wish

REGIONS, GROUPS, CREATE, DELETE = (
    "DescribeRegions", "DescribeContainerGroups", "CreateContainerGroup", "DeleteContainerGroup")
# The smallest of the published quotas, a minute.
IMAGE_CACHES_A_MINUTE = 200


def travel(checks, sdk):
    keys(checks, sdk)
    permissions(checks, sdk)
    flow_control(checks, sdk)
    requests(checks, sdk)


def keys(checks, sdk):
    refused = checks.refused
    refused(REGIONS, sdk.wrong_secret, "a wrong secret is told",
            lambda: sdk.call(REGIONS, {}, key=(ACCESS_KEY_ID, "hush-wrong", None)), status=400)
    refused(REGIONS, "InvalidAccessKeyId.NotFound", "an unknown key is told",
            lambda: sdk.call(REGIONS, {}, key=("nobody", "hush-wrong", None)), status=404)

    temporary = (f"STS.{sdk.name.replace(' ', '-')}", "hush-temporary", "hush/token+=")
    change = {"access_key_id": temporary[0], "secret": temporary[1], "security_token": temporary[2]}
    control("POST", "accounts", {**change, "change": "add"})
    checks.check(REGIONS, "a security token is accepted", lambda: sdk.call(REGIONS, {}, key=temporary))
    refused(REGIONS, "InvalidSecurityToken.MismatchWithAccessKey", "another key's token is told",
            lambda: sdk.call(REGIONS, {}, key=(*temporary[:2], "hush-other")))
    control("POST", "accounts", {"access_key_id": temporary[0], "change": "expire_token"})
    refused(REGIONS, "InvalidSecurityToken.Expired", "an expired token is told",
            lambda: sdk.call(REGIONS, {}, key=temporary))
    control("POST", "accounts", {"access_key_id": temporary[0], "change": "disable"})
    refused(REGIONS, "InvalidAccessKeyId.Inactive", "a disabled key is told",
            lambda: sdk.call(REGIONS, {}, key=temporary))


def permissions(checks, sdk):
    """What RAM denies: writes are refused, lists are empty."""
    visitor = (f"visitor-{sdk.name.replace(' ', '-')}", "hush-visitor", None)
    change = {"access_key_id": visitor[0], "secret": visitor[1], "change": "add", "deny": [GROUPS, DELETE]}
    control("POST", "accounts", change)
    checks.refused(DELETE, "Forbidden.RAM", "a denied write is told",
                   lambda: sdk.call(DELETE, {"ContainerGroupId": "eci-none"}, key=visitor), status=403)

    def empty():
        reply = sdk.call(GROUPS, {}, key=visitor)
        assert not reply.get("ContainerGroups") and sdk.call(GROUPS, {})["ContainerGroups"], reply

    checks.check(GROUPS, "a denied list is empty", empty)


def flow_control(checks, sdk):
    """A quota that is used up, and throttling whatever the quota."""

    def eager():
        for _ in range(IMAGE_CACHES_A_MINUTE):
            try:
                sdk.call("CreateImageCache", {"ImageCacheName": "incomplete"})
            except Refused as refused:
                if not refused.code.startswith("Missing"):
                    raise
        for _ in range(IMAGE_CACHES_A_MINUTE):
            try:
                sdk.call("CreateImageCache", {"ImageCacheName": "incomplete"})
            except Refused as refused:
                # The quota grows again while it is used.
                if refused.code.startswith("Missing"):
                    continue
                raise

    control("POST", "settings", {"rate_limits": "limits"})
    checks.refused("CreateImageCache", "Throttling.User", "a quota that is used up is told", eager)
    control("POST", "settings", {"rate_limits": "off"})
    control("POST", "faults", {"action": GROUPS, "kind": "error", "code": "Throttling.User", "times": 1})
    checks.refused(GROUPS, "Throttling.User", "throttling is told", lambda: sdk.call(GROUPS, {}))
    control("DELETE", "faults")
    control("POST", "faults", {"action": GROUPS, "kind": "error", "code": "ServiceUnavailable", "times": 1})
    checks.refused(GROUPS, "ServiceUnavailable", "that the service is away is told",
                   lambda: sdk.call(GROUPS, {}), status=503)
    control("DELETE", "faults")


def requests(checks, sdk):
    refused = checks.refused
    incomplete = {"ContainerGroupName": "incomplete", "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP}
    refused(CREATE, "MissingParameter", "a group without containers is refused", lambda: sdk.call(CREATE, incomplete))
    refused(CREATE, "IdempotentParameterMismatch", "a token with another wish is refused",
            lambda: sdk.call(CREATE, {**wish(sdk), "ContainerGroupName": "another"}))
    twice = {**wish(sdk), "ClientToken": "twice"}
    twice["Container"][1]["Name"] = "main"
    refused(CREATE, "InvalidParameter.DuplicatedName", "a name that comes twice is refused",
            lambda: sdk.call(CREATE, twice))
    vast = {**wish(sdk), "ClientToken": "vast", "Cpu": 1000.0}
    refused(CREATE, "InvalidParameter.CPU.Memory", "a size that is not sold is refused",
            lambda: sdk.call(CREATE, vast))
    dry = {**wish(sdk), "ClientToken": "dry", "DryRun": True}
    refused(CREATE, "DryRunOperation", "a dry run ends as such", lambda: sdk.call(CREATE, dry), status=400)
    refused(DELETE, "InvalidParameter.NotFound", "an unknown group cannot be deleted",
            lambda: sdk.call(DELETE, {"ContainerGroupId": "eci-unknown"}), status=404)
    refused(DELETE, "InvalidParameter", "an unknown parameter is told in strict mode",
            lambda: sdk.call(DELETE, {"ContainerGroupId": "eci-unknown"}, beside={"Forse": "true"}))

    def lenient():
        control("POST", "settings", {"strict": False})
        try:
            sdk.call(REGIONS, {}, beside={"Forse": "true"})
        finally:
            control("POST", "settings", {"strict": True})

    checks.check(REGIONS, "an unknown parameter is ignored otherwise", lenient)
