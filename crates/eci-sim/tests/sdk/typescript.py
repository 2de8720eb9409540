"""Drives the simulator with `@alicloud/eci20180808`, which signs by version 3, in a Node.js process."""

import base64
import json
import subprocess

import journey
from checks import ACCESS_KEY_ID, ACCESS_KEY_SECRET, HERE, REGION, Refused, SECURITY_GROUP, V_SWITCH


class TypeScript:
    name = "typescript"
    wrong_secret = "SignatureDoesNotMatch"

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

    def call(self, action, parameters, key=None):
        key = key or (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None)
        question = {"action": action, "parameters": {"RegionId": REGION, **parameters}, "key": key}
        answer = self.ask(question)
        if "code" in answer:
            raise Refused(answer["code"], answer["message"], answer.get("status"))
        return answer["reply"]

    def create_parameters(self):
        content = base64.b64encode(journey.GREETING.encode()).decode()
        return {
            "VSwitchId": V_SWITCH, "SecurityGroupId": SECURITY_GROUP, "ContainerGroupName": journey.NAME,
            "ClientToken": "typescript", "RestartPolicy": "OnFailure", "Cpu": 1.0, "Memory": 2.0,
            "Tag": [journey.TAG],
            "Container": [
                {
                    "Name": "main", "Image": "busybox", "Cpu": 0.5, "Memory": 1.0, "Command": ["/bin/sh", "-c"],
                    "Arg": [journey.ARRIVING["Container.1.Arg.1"]],
                    "EnvironmentVar": [{"Key": "WORD", "Value": "one two=3&4"}],
                    "Port": [{"Port": 8080, "Protocol": "TCP"}],
                    "VolumeMount": [
                        {"Name": "files", "MountPath": "/etc/app", "ReadOnly": True},
                        {"Name": "scratch", "MountPath": "/scratch"},
                    ],
                    "ReadinessProbe": {"Exec": {"Command": ["true"]}, "PeriodSeconds": 5},
                },
                {"Name": "side", "Image": "busybox", "Command": ["sleep", "3600"]},
            ],
            "InitContainer": [{"Name": "first", "Image": "busybox", "Command": ["echo", "first"]}],
            "Volume": [
                {"Name": "files", "Type": "ConfigFileVolume",
                 "ConfigFileVolume": {"ConfigFileToPath": [{"Path": "greeting", "Content": content}]}},
                {"Name": "scratch", "Type": "EmptyDirVolume"},
            ],
            "HostAliase": [{"Ip": "10.0.0.9", "Hostname": ["db.internal"]}],
            "ImageRegistryCredential": [
                {"Server": "registry.example", "UserName": "puller", "Password": "hush-password"}],
        }

if __name__ == "__main__":
    journey.travel(TypeScript())
