"""Every parameter of every action, through the SDK's own types: each has to arrive under its published name.

The values are invented, so most calls are refused for what they say; none may be refused for how it is spelt.
"""

from checks import Refused, arrived
from wire import TABLE, differences, filled, pattern

# How the simulator complains of a name, a type or a position; what it says of values is of no interest here.
OF_SPELLING = ("has no such parameter", "without gaps", "a structure without a value", "must be a number",
               "must be an integer", "must be true or false")


def travel(checks, sdk):
    for action in TABLE:
        if sdk.has(action):
            checks.check(action, "every parameter arrives under its published name",
                         lambda action=action: every_parameter(sdk, action))


def every_parameter(sdk, action):
    meant = filled(action)
    unknown = sdk.older_than.get(action, set())
    try:
        sdk.call(action, meant)
    except Refused as refused:
        complaints = [part for part in OF_SPELLING if part in refused.message]
        assert not complaints, refused
    seen = arrived(action)
    wrong = differences(meant, seen)
    # The SDK is older than these parameters, and loses them. That they arrive after all is an error of this list.
    lost = {name for name in wrong if pattern(name) in unknown}
    assert {pattern(name) for name in lost} == unknown, f"{unknown} are not lost, but {sorted(lost)}"
    wrong = {name: both for name, both in wrong.items() if name not in lost}
    assert not wrong, wrong
