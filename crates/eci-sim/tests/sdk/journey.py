"""One way through the whole API, the same for every SDK.

An SDK is an object with `name`, `wrong_secret` (the code it tells of one), `has(action)` and
`call(action, parameters, key=None, beside=None)`: parameters are spelt as the API's documentation spells them, `beside`
are more of them that the SDK has no type for. Parameters and replies pass through the SDK's own types, so that a field which
the SDK does not know is lost.
"""

import group
import refusals
import resources
import terminal
from checks import Checks, control
from wire import TABLE


class Noting:
    """An SDK that notes which actions have been answered."""

    def __init__(self, sdk):
        self.sdk = sdk
        self.answered = set()

    def __getattr__(self, name):
        return getattr(self.sdk, name)

    def call(self, action, parameters, key=None, beside=None):
        reply = self.sdk.call(action, parameters, key, beside)
        assert reply.get("RequestId"), reply
        self.answered.add(action)
        return reply


def travel(sdk, more=()):
    """Leads an SDK through everything; `more` are parts that not every SDK can go through."""
    checks = Checks(sdk.name)
    sdk = Noting(sdk)
    control("POST", "settings", {"build_ms": 60})
    made = life(checks, sdk)
    resources.travel(checks, sdk, made)
    refusals.travel(checks, sdk)
    for part in more:
        part(checks, sdk)
    for action in ("RestartContainerGroup", "DeleteContainerGroup"):
        body = {"RestartContainerGroup": group.restarted, "DeleteContainerGroup": group.deleted}[action]
        checks.check(action, "the group follows", lambda body=body: body(sdk, made))
    checks.check("every action", "what the SDK knows has been answered", lambda: complete(sdk))
    checks.end(sdk.answered)


def life(checks, sdk):
    """A group from its create to its update; returns its id."""
    made = checks.check("CreateContainerGroup", "nested parameters arrive as they were meant", lambda: group.create(sdk))
    for action, sentence, body in [
        ("CreateContainerGroup", "the same token gives the same group", group.again),
        ("DescribeContainerGroups", "everything nested is read back", group.described),
        ("DescribeContainerGroupStatus", "tells the status", group.status),
        ("DescribeContainerLog", "shows file, environment and order", group.log),
        ("DescribeContainerLog", "the newest line with its time", group.log_with_options),
        ("DescribeContainerGroupEvents", "tells events", group.events),
        ("ExecContainerCommand", "answers a synchronous command", terminal.synchronous),
        ("ExecContainerCommand", "the web socket carries output, once", terminal.output),
        ("ExecContainerCommand", "the web socket carries the exit code", terminal.status),
        ("ExecContainerCommand", "the web socket carries what is typed", terminal.conversation),
        ("ExecContainerCommand", "too long a command is refused", terminal.too_much),
        ("UpdateContainerGroup", "an added tag is seen", group.updated),
        ("UpdateContainerGroup", "a whole new wish is seen", group.renewed),
        ("ResizeContainerGroupVolume", "the disk grows", group.resized),
    ]:
        checks.check(action, sentence, lambda body=body: body(sdk, made))
    return made


def complete(sdk):
    missing = [action for action in TABLE if sdk.has(action) and action not in sdk.answered]
    assert not missing, missing
