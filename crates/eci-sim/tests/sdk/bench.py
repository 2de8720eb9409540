"""Measures the official Python SDK without a network: `bench.py PAGE SECONDS`, or makes the page: `bench.py PAGE --make-page`.

Prints JSON: microseconds (medians) for `create` and `page`, and the sizes they were measured at.
"""

import base64
import json
import os
import statistics
import sys
import time
from pathlib import Path

from alibabacloud_eci20180808 import models
from alibabacloud_eci20180808.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from darabonba.core import DaraCore
from darabonba.response import DaraResponse

GROUPS = 200
# What a program has at hand when it makes a request; making texts is not what is measured.
NAMES = [f"container-{number}" for number in range(2)]
KEYS = [f"key-{number}" for number in range(2)]
VARIABLES = [(f"VARIABLE_{index}", f"value {index}") for index in range(15)]
CONTENT = base64.b64encode(b"key = value\n" * 20).decode()


def client(endpoint, key="id", secret="secret"):
    return Client(Config(
        access_key_id=key, access_key_secret=secret, endpoint=endpoint, protocol="http", region_id="cn-hangzhou"))


def create_request():
    """A request of 100 parameters; client-bench makes the same ones."""
    variable = models.CreateContainerGroupRequestContainerEnvironmentVar
    container = [
        models.CreateContainerGroupRequestContainer(
            name=name, image="registry.example/team/app:1.2.3", cpu=0.5, memory=1.0,
            command=["/bin/sh", "-c", "exec app --flag"],
            environment_var=[variable(key=key, value=value) for key, value in VARIABLES],
            port=[models.CreateContainerGroupRequestContainerPort(port=8080, protocol="TCP")],
            volume_mount=[models.CreateContainerGroupRequestContainerVolumeMount(
                name="files", mount_path="/etc/app", read_only=True)],
        )
        for name in NAMES
    ]
    file = models.CreateContainerGroupRequestVolumeConfigFileVolumeConfigFileToPath(path="app.conf", content=CONTENT)
    return models.CreateContainerGroupRequest(
        region_id="cn-hangzhou", container_group_name="bench", v_switch_id="vsw-local1",
        security_group_id="sg-local1", client_token="token", restart_policy="Always", cpu=1.0, memory=2.0,
        tag=[models.CreateContainerGroupRequestTag(key=key, value="value") for key in KEYS],
        container=container,
        volume=[models.CreateContainerGroupRequestVolume(
            name="files", type="ConfigFileVolume",
            config_file_volume=models.CreateContainerGroupRequestVolumeConfigFileVolume(config_file_to_path=[file]))],
    )


def make_page(path):
    """Creates the groups and keeps the answer that lists them as it came."""
    host = os.environ["ECI_SIM_ENDPOINT"].removeprefix("http://")
    real = client(host, os.environ["ECI_SIM_ACCESS_KEY_ID"], os.environ["ECI_SIM_ACCESS_KEY_SECRET"])
    for number in range(GROUPS):
        request = create_request()
        request.client_token = f"token-{number}"
        real.create_container_group_with_options(request, RuntimeOptions(autoretry=False))
    send = DaraCore.do_action
    kept = []

    def keeping(*arguments):
        response = send(*arguments)
        kept.append(response.body)
        return response

    DaraCore.do_action = staticmethod(keeping)
    request = models.DescribeContainerGroupStatusRequest(region_id="cn-hangzhou", limit=GROUPS)
    end = time.monotonic() + 60
    while True:
        data = real.describe_container_group_status_with_options(request, RuntimeOptions()).body.data
        if len(data) == GROUPS and all(item.status == "Running" for item in data):
            break
        assert time.monotonic() < end, "the groups never ran"
        time.sleep(0.2)
    path.write_bytes(kept[-1])


def median_microseconds(seconds, work):
    """The median of single runs, after some that warm up."""
    for _ in range(5):
        work()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def measure(path, seconds):
    sent, answer = [], []

    def answered(request, _runtime=None):
        sent[:] = [request]
        response = DaraResponse()
        response.status_code, response.status_message = 200, "OK"
        response.headers = {"content-type": "application/json"}
        response.body = answer[0]
        return response

    # The one function that reaches the network. All else is the SDK as it is.
    DaraCore.do_action = staticmethod(answered)
    sdk, options = client("127.0.0.1:1"), RuntimeOptions(autoretry=False)

    def create():
        return sdk.create_container_group_with_options(create_request(), options).body

    def decode():
        request = models.DescribeContainerGroupStatusRequest(region_id="cn-hangzhou")
        return sdk.describe_container_group_status_with_options(request, options).body

    answer[:] = [b'{"RequestId":"r","ContainerGroupId":"eci-1"}']
    assert create().container_group_id == "eci-1"
    parameters = len(sent[0].query)
    times = {"create": median_microseconds(seconds, create)}
    answer[:] = [path.read_bytes()]
    times["page"] = median_microseconds(seconds, decode)
    return {**times, "parameters": parameters, "items": len(decode().data)}


if __name__ == "__main__":
    if sys.argv[2] == "--make-page":
        make_page(Path(sys.argv[1]))
    else:
        print(json.dumps(measure(Path(sys.argv[1]), float(sys.argv[2]))))
