"""Drives the simulator with `alibabacloud_eci20180808`, which signs by version 3 and has a type for everything."""

import base64
import re

from alibabacloud_eci20180808 import models
from alibabacloud_eci20180808.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from Tea.exceptions import TeaException

import journey
from checks import ACCESS_KEY_ID, ACCESS_KEY_SECRET, HOST, REGION, Refused, SECURITY_GROUP, V_SWITCH


class PythonV3:
    name = "python v3"
    wrong_secret = "SignatureDoesNotMatch"

    def client(self, key):
        access_key_id, secret, token = key
        return Client(Config(
            access_key_id=access_key_id, access_key_secret=secret, security_token=token, endpoint=HOST,
            protocol="http", region_id=REGION,
        ))

    def has(self, action):
        return hasattr(models, f"{action}Request")

    def call(self, action, parameters, key=None):
        request = getattr(models, f"{action}Request")().from_map({"RegionId": REGION, **parameters})
        method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).lower()
        client = self.client(key or (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None))
        try:
            reply = getattr(client, f"{method}_with_options")(request, RuntimeOptions(autoretry=False))
        except TeaException as error:
            raise Refused(error.code, error.message, error.statusCode) from error
        return reply.body.to_map()

    def create_parameters(self):
        """The request by the SDK's own constructors; the other actions are filled in by name."""
        request = models.CreateContainerGroupRequest
        container = models.CreateContainerGroupRequestContainer
        variable = models.CreateContainerGroupRequestContainerEnvironmentVar
        mount = models.CreateContainerGroupRequestContainerVolumeMount
        probe = models.CreateContainerGroupRequestContainerReadinessProbe
        volume = models.CreateContainerGroupRequestVolume
        file = models.CreateContainerGroupRequestVolumeConfigFileVolumeConfigFileToPath
        content = base64.b64encode(journey.GREETING.encode()).decode()
        return request(
            region_id=REGION, v_switch_id=V_SWITCH, security_group_id=SECURITY_GROUP,
            container_group_name=journey.NAME, client_token="python-v3", restart_policy="OnFailure",
            cpu=1.0, memory=2.0,
            tag=[models.CreateContainerGroupRequestTag(key=journey.TAG["Key"], value=journey.TAG["Value"])],
            container=[
                container(
                    name="main", image="busybox", cpu=0.5, memory=1.0, command=["/bin/sh", "-c"],
                    arg=[journey.ARRIVING["Container.1.Arg.1"]],
                    environment_var=[variable(key="WORD", value="one two=3&4")],
                    port=[models.CreateContainerGroupRequestContainerPort(port=8080, protocol="TCP")],
                    volume_mount=[mount(name="files", mount_path="/etc/app", read_only=True),
                                  mount(name="scratch", mount_path="/scratch")],
                    readiness_probe=probe(
                        exec=models.CreateContainerGroupRequestContainerReadinessProbeExec(command=["true"]),
                        period_seconds=5,
                    ),
                ),
                container(name="side", image="busybox", command=["sleep", "3600"]),
            ],
            init_container=[models.CreateContainerGroupRequestInitContainer(
                name="first", image="busybox", command=["echo", "first"])],
            volume=[
                volume(name="files", type="ConfigFileVolume",
                       config_file_volume=models.CreateContainerGroupRequestVolumeConfigFileVolume(
                           config_file_to_path=[file(path="greeting", content=content)])),
                volume(name="scratch", type="EmptyDirVolume"),
            ],
            host_aliase=[models.CreateContainerGroupRequestHostAliase(ip="10.0.0.9", hostname=["db.internal"])],
            image_registry_credential=[models.CreateContainerGroupRequestImageRegistryCredential(
                server="registry.example", user_name="puller", password="hush-password")],
        ).to_map()


if __name__ == "__main__":
    journey.travel(PythonV3())
