"""Drives the simulator with `@alicloud/eci20180808`, which signs by version 3, in a Node.js process."""

import json
import subprocess

import journey
import shapes
from checks import ACCESS_KEY_ID, ACCESS_KEY_SECRET, HERE, REGION, Refused


class TypeScript:
    name = "typescript"
    wrong_secret = "SignatureDoesNotMatch"
    # Parameters that this release does not have yet.
    older_than = {
        "CreateContainerGroup": {
            "MaxPendingMinute", "ComputeCategory.N", "GpuDriverVersion", "Container.N.SecurityContextPrivileged"},
        "CreateImageCache": {"OsType"},
        "DeleteContainerGroup": {"Force"},
        "DescribeContainerGroupPrice": {"ComputeCategory"},
        "DescribeContainerGroups": {"ComputeCategory", "SecurityGroupId"},
    }

    def __init__(self):
        command = ["node", str(HERE / "typescript.mjs")]
        self.node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question):
        self.node.stdin.write(json.dumps(question) + "\n")
        self.node.stdin.flush()
        line = self.node.stdout.readline()
        if not line:
            raise RuntimeError(f"node has ended with {self.node.wait()}")
        return json.loads(line)

    def has(self, action):
        return not self.ask({"action": action, "probe": True})["missing"]

    def call(self, action, parameters, key=None, beside=None):
        key = key or (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None)
        question = {"action": action, "parameters": {"RegionId": REGION, **parameters}, "key": key, "beside": beside}
        answer = self.ask(question)
        if "code" in answer:
            raise Refused(answer["code"], answer["message"], answer.get("status"))
        return answer["reply"]


if __name__ == "__main__":
    journey.travel(TypeScript(), more=[shapes.travel])
