"""Drives the simulator with `aliyun-python-sdk-eci`, which signs by version 1 and sets parameters one by one."""

import base64
import importlib
import json

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient

import journey
from checks import ACCESS_KEY_ID, ACCESS_KEY_SECRET, HOST, REGION, Refused, SECURITY_GROUP, V_SWITCH

# The setters of lists are named in the plural, except where one text carries the list.
PLURAL = {"Container", "InitContainer", "Volume", "Tag", "Image", "ImageRegistryCredential", "HostAliase"}


class PythonV1:
    name = "python v1"
    # The SDK says so when the server's string to sign, told in SignatureDoesNotMatch, is equal to its own: both
    # canonicalise alike, and it can only be the secret.
    wrong_secret = "InvalidAccessKeySecret"

    def client(self, key):
        access_key_id, secret, token = key
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
        return getattr(module, f"{action}Request")()

    def call(self, action, parameters, key=None):
        request = self.request(action)
        request.set_endpoint(HOST)
        request.set_protocol_type("http")
        request.set_method("POST")
        for name, value in parameters.items():
            setter = getattr(request, f"set_{name}s" if name in PLURAL else f"set_{name}", None)
            if setter:
                setter(value)
            else:
                # The SDK is older than the parameter; whoever needs one adds it by this method.
                add(request, name, value)
        try:
            answer = self.client(key or (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None)).do_action_with_exception(request)
        except ServerException as error:
            raise Refused(error.get_error_code(), error.get_error_msg(), error.get_http_status()) from error
        return json.loads(answer)

    def create_parameters(self):
        content = base64.b64encode(journey.GREETING.encode()).decode()
        return {
            "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP, "ContainerGroupName": journey.NAME,
            "ClientToken": "python-v1", "RestartPolicy": "OnFailure", "Cpu": 1.0, "Memory": 2.0,
            "Tag": [journey.TAG],
            "Container": [
                {
                    "Name": "main", "Image": "busybox", "Cpu": 0.5, "Memory": 1.0, "Commands": ["/bin/sh", "-c"],
                    "Args": [journey.ARRIVING["Container.1.Arg.1"]],
                    "EnvironmentVars": [{"Key": "WORD", "Value": "one two=3&4"}],
                    "Ports": [{"Port": 8080, "Protocol": "TCP"}],
                    "VolumeMounts": [
                        {"Name": "files", "MountPath": "/etc/app", "ReadOnly": True},
                        # Left out, the SDK would send the text None.
                        {"Name": "scratch", "MountPath": "/scratch", "ReadOnly": False},
                    ],
                    "ReadinessProbe.Exec.Commands": ["true"], "ReadinessProbe.PeriodSeconds": 5,
                },
                {"Name": "side", "Image": "busybox", "Commands": ["sleep", "3600"]},
            ],
            "InitContainer": [{"Name": "first", "Image": "busybox", "Commands": ["echo", "first"]}],
            "Volume": [
                {"Name": "files", "Type": "ConfigFileVolume",
                 "ConfigFileVolume.ConfigFileToPaths": [{"Path": "greeting", "Content": content}]},
                {"Name": "scratch", "Type": "EmptyDirVolume"},
            ],
            "HostAliase": [{"Ip": "10.0.0.9", "Hostnames": ["db.internal"]}],
            "ImageRegistryCredential": [
                {"Server": "registry.example", "UserName": "puller", "Password": "hush-password"}],
        }


def add(request, name, value):
    """Adds a parameter flattened as the API has it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            add(request, f"{name}.{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            add(request, f"{name}.{number}", inner)
    else:
        request.add_query_param(name, value)


if __name__ == "__main__":
    journey.travel(PythonV1())
