"""Drives the simulator with `aliyun-python-sdk-eci`, which signs by version 1 and sets parameters one by one."""

import importlib
import json
import re
import xml.etree.ElementTree

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient

import journey
from checks import ACCESS_KEY_ID, ACCESS_KEY_SECRET, HOST, REGION, Refused
from wire import flat


class PythonV1:
    name = "python v1"
    # The SDK says so when the server's string to sign, told in SignatureDoesNotMatch, is equal to its own: both
    # canonicalise alike, and it can only be the secret.
    wrong_secret = "InvalidAccessKeySecret"

    def client(self, key):
        access_key_id, secret, token = key or (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None)
        if token:
            credential = StsTokenCredential(access_key_id, secret, token)
            return AcsClient(region_id=REGION, credential=credential, auto_retry=False)
        return AcsClient(access_key_id, secret, REGION, auto_retry=False)

    def has(self, action):
        try:
            self.request(action)
        except ModuleNotFoundError:
            return False
        return True

    def request(self, action):
        module = importlib.import_module(f"aliyunsdkeci.request.v20180808.{action}Request")
        request = getattr(module, f"{action}Request")()
        request.set_endpoint(HOST)
        request.set_protocol_type("http")
        request.set_method("POST")
        return request

    def filled(self, action, parameters, beside):
        """The request, set by the SDK's setters, and by its own general one where it is older than a parameter."""
        request = self.request(action)
        for setter, value in of_setters(parameters):
            if hasattr(request, f"set_{setter}"):
                getattr(request, f"set_{setter}")(value)
        present = request.get_query_params()
        for name in [name for name, value in present.items() if is_slip(name, value)]:
            del present[name]
        for name, value in flat({**parameters, **(beside or {})}).items():
            if name not in present:
                request.add_query_param(name, value)
        return request

    def call(self, action, parameters, key=None, beside=None):
        request = self.filled(action, parameters, beside)
        try:
            answer = self.client(key).do_action_with_exception(request)
        except ServerException as error:
            raise Refused(error.get_error_code(), error.get_error_msg(), error.get_http_status()) from error
        return json.loads(answer)

    def call_for_xml(self, action, parameters):
        """The status and the root of the reply in the other format."""
        request = self.filled(action, parameters, None)
        request.set_accept_format("XML")
        status, _, body = self.client(None).get_response(request)
        return status, xml.etree.ElementTree.fromstring(body)


def is_slip(name, value):
    """What its setters get wrong: a dot is missing in a name, and some members that are not given get the text None."""
    return re.fullmatch(r"AcrRegistryInfo\.\d+Domain\.\d+", name) or value is None


def of_setters(parameters):
    """Setters and what they take, in every spelling that this SDK uses: a list's is in the plural, a structure's members
    are joined to the name of the setter at the top and by dots further down."""
    for name, value in parameters.items():
        if isinstance(value, list):
            yield f"{name}s", [dotted(item) for item in value]
        if isinstance(value, dict):
            yield from of_setters({f"{name}{member}": inner for member, inner in value.items()})
        yield name, dotted(value)


def dotted(value, name=""):
    """A structure as the setters take it: {"Exec": {"Command": ["a"]}} is {"Exec.Commands": ["a"]}."""
    if not isinstance(value, dict):
        return value
    found = {}
    for member, inner in value.items():
        path = f"{name}.{member}" if name else member
        if isinstance(inner, dict):
            found |= dotted(inner, path)
        elif isinstance(inner, list):
            found[path] = found[f"{path}s"] = [dotted(item) for item in inner]
        else:
            found[path] = inner
    return found


def other_format(checks, sdk):
    def reply():
        status, root = sdk.call_for_xml("DescribeRegions", {})
        assert (status, root.tag) == (200, "DescribeRegionsResponse"), (status, root.tag)
        assert root.findtext("RequestId") and root.findtext("Regions/RegionId"), root

    def error():
        status, root = sdk.call_for_xml("DeleteContainerGroup", {"ContainerGroupId": "eci-unknown", "RegionId": REGION})
        assert (status, root.tag) == (404, "Error"), (status, root.tag)
        assert root.findtext("Code") == "InvalidParameter.NotFound", root.findtext("Code")
        assert all(root.findtext(name) for name in ("RequestId", "HostId", "Message")), list(root)

    checks.check("DescribeRegions", "answers in XML", reply)
    checks.check("DeleteContainerGroup", "is refused in XML", error)


if __name__ == "__main__":
    journey.travel(PythonV1(), more=[other_format])
