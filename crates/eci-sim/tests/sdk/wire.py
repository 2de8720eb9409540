"""What a request has to look like when it arrives, derived from the published table and from nothing of any SDK.

`flat` spells nested parameters as the API's documentation does, `filled` invents a value for every parameter that an action
has, `differences` compares what was meant with what arrived.
"""

import json
import os
from pathlib import Path

TABLE = json.loads(Path(os.environ["ECI_SIM_TABLE"]).read_text())["actions"]
# Texts that encoders and signers are known to differ on.
ODD = "ä=1&2/*~ +%"


def flat(value, name=""):
    """Nested parameters as they travel: {"Tag": [{"Key": "a"}]} is {"Tag.1.Key": "a"}."""
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value, 1)
    else:
        return {name: value}
    found = {}
    for member, inner in members:
        found |= flat(inner, f"{name}.{member}" if name else str(member))
    return found


def same(meant, arrived):
    """Whether two spellings mean the same: languages print booleans and floats differently."""
    if isinstance(meant, bool):
        return arrived.lower() == str(meant).lower()
    if isinstance(meant, float):
        try:
            return float(arrived) == meant
        except ValueError:
            return False
    return arrived == str(meant)


def differences(meant, arrived):
    """What is missing, changed or too much, one entry for each name."""
    meant = flat(meant)
    found = {name: (meant.get(name), arrived.get(name)) for name in meant.keys() | arrived.keys()}
    return {
        name: both for name, both in found.items() if None in both or not same(*both)
    }


def filled(action):
    """A request with every parameter of an action, two elements in every list, and no value twice."""
    request = {}
    number = 0
    for pattern, row in sorted(TABLE[action]["request"].items()):
        if row["type"] == "struct" or (row["type"] == "map" and pattern.endswith(".N")):
            continue
        for path in paths(pattern.split(".")):
            number += 1
            put(request, path, value(row["type"], number))
    return request


def pattern(name):
    """The name in the table: `Tag.3.Key` is there as `Tag.N.Key`."""
    return ".".join("N" if segment.isdigit() else segment for segment in name.split("."))


def paths(segments):
    """Every place that a pattern stands for: `A.N.B` is A 1 B and A 2 B."""
    if not segments:
        return [[]]
    first = [0, 1] if segments[0] == "N" else [segments[0]]
    return [[head, *rest] for head in first for rest in paths(segments[1:])]


def put(node, path, leaf):
    """Sets a leaf, making the lists and structures on the way to it."""
    for head, following in zip(path, [*path[1:], None]):
        if following is None:
            inner = leaf
        else:
            inner = [] if isinstance(following, int) else {}
        if isinstance(node, list):
            while len(node) <= head:
                node.append(None)
            if node[head] is None or following is None:
                node[head] = inner
        elif head not in node or following is None:
            node[head] = inner
        node = node[head]


def value(kind, number):
    if kind == "boolean":
        return number % 2 == 0
    if kind == "float":
        return number + 0.25
    if kind == "map":
        return {f"option-{number}": f"{ODD}{number}"}
    return number if kind in ("int32", "int64", "integer") else f"{ODD}{number}"
