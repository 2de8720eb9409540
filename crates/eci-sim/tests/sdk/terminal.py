"""Commands in a container: answered at once, and over the web socket that the API names."""

import json

import websocket

from checks import Refused

STDIN, STDOUT, STATUS = 0, 1, 3


def parameters(group, command, **more):
    return {"ContainerGroupId": group, "ContainerName": "main", "Command": json.dumps(command), **more}


def synchronous(sdk, group):
    reply = sdk.call("ExecContainerCommand", parameters(group, ["echo", "hi there"], Sync=True))
    assert "hi there" in (reply.get("SyncResponse") or ""), reply


def address(sdk, group, command, **more):
    reply = sdk.call("ExecContainerCommand", parameters(group, command, **more))
    assert reply["HttpUrl"], reply
    return reply["WebSocketUri"]


def everything(socket):
    """What comes until the server closes, by channel."""
    found = {}
    while True:
        kind, message = socket.recv_data()
        if kind == websocket.ABNF.OPCODE_CLOSE:
            return found
        assert kind == websocket.ABNF.OPCODE_BINARY, (kind, message)
        found[message[0]] = found.get(message[0], b"") + message[1:]


def output(sdk, group):
    """Output comes on its channel; without a sub-protocol no status is told, and the token is good for one socket."""
    uri = address(sdk, group, ["/bin/sh", "-c", "echo one; echo two; exit 3"], Stdin=False)
    socket = websocket.create_connection(uri, timeout=10)
    found = everything(socket)
    assert found == {STDOUT: b"one\ntwo\n"}, found
    try:
        websocket.create_connection(uri, timeout=10).close()
    except websocket.WebSocketBadStatusException:
        return
    raise AssertionError("the token is good for a second socket")


def status(sdk, group):
    """Under the Kubernetes sub-protocol the exit code comes on channel 3."""
    uri = address(sdk, group, ["/bin/sh", "-c", "exit 7"])
    socket = websocket.create_connection(uri, timeout=10, subprotocols=["v4.channel.k8s.io"])
    told = json.loads(everything(socket)[STATUS])
    assert told["status"] == "Failure" and told["details"]["causes"][0]["message"] == "7", told


def conversation(sdk, group):
    """What is typed reaches the command, here in two pieces, and it ends with the code that was typed."""
    uri = address(sdk, group, ["/bin/sh"], Stdin=True)
    socket = websocket.create_connection(uri, timeout=10, subprotocols=["v4.channel.k8s.io"])
    for typed in (b"echo you sa", b"id so\nexit 5\n"):
        socket.send_binary(bytes([STDIN]) + typed)
    found = everything(socket)
    assert found[STDOUT] == b"you said so\n", found
    assert json.loads(found[STATUS])["details"]["causes"][0]["message"] == "5", found


def too_much(sdk, group):
    for command in (["x"] * 21, ["x" * 257]):
        try:
            sdk.call("ExecContainerCommand", parameters(group, command))
        except Refused as refused:
            assert refused.code == "InvalidParameter.ValueExceeded", refused
        else:
            raise AssertionError(f"{len(command)} items were accepted")
