"""Runs checks against a simulator, one line each, and talks to its control API.

A line begins with `ok` or `FAILED`; the program that started the script counts them. The last line, `answered`, names the
actions that have been answered through the SDK's own types.
"""

import json
import os
import sys
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ENDPOINT = os.environ["ECI_SIM_ENDPOINT"]
ACCESS_KEY_ID = os.environ["ECI_SIM_ACCESS_KEY_ID"]
ACCESS_KEY_SECRET = os.environ["ECI_SIM_ACCESS_KEY_SECRET"]
REGION = os.environ["ECI_SIM_REGION"]
V_SWITCH = os.environ["ECI_SIM_V_SWITCH"]
SECURITY_GROUP = os.environ["ECI_SIM_SECURITY_GROUP"]
HOST = ENDPOINT.removeprefix("http://")


class Refused(Exception):
    """What the API answered instead of a reply, the same for every SDK."""

    def __init__(self, code, message, status=None):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


class Checks:
    """The checks of one SDK, in order."""

    def __init__(self, sdk):
        self.sdk = sdk
        self.failed = 0

    def check(self, action, sentence, body):
        """Runs one check. Returns what it returned, None when it did not pass."""
        what = f"{self.sdk}: {action}: {sentence}"
        try:
            result = body()
        except Refused as refused:
            self._fail(what, f"answered {refused}")
        except AssertionError as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(what, f"{place.line} ({Path(place.filename).name}:{place.lineno}) {error}")
        except Exception as error:  # noqa: BLE001 - whatever an SDK throws fails the check, not the run
            self._fail(what, f"{type(error).__name__}: {error}")
        else:
            print(f"ok      {what}", flush=True)
            return result
        return None

    def _fail(self, what, why):
        self.failed += 1
        print(f"FAILED  {what}: {why}", flush=True)

    def refused(self, action, code, sentence, call, status=None):
        """Checks that a call is refused with this code, and with this HTTP status if one is given."""

        def body():
            try:
                reply = call()
            except Refused as refused:
                assert refused.code == code, f"the code is {refused.code}: {refused.message}"
                assert status is None or refused.status == status, f"the HTTP status is {refused.status}"
            else:
                raise AssertionError(f"answered {reply}")

        self.check(action, sentence, body)

    def end(self, answered):
        print("answered", *sorted(answered), flush=True)
        sys.exit(1 if self.failed else 0)


def control(method, path, body=None):
    """One call of the simulator's control API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{ENDPOINT}/_sim/{path}", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} /_sim/{path}: {error.read().decode()}") from error


def arrived(action):
    """The parameters of the newest call of an action, as they reached the simulator."""
    return control("GET", f"requests?action={action}&unmasked=1")["requests"][-1]["parameters"]


def until(what, look):
    """Looks until it sees something true; 20 s at most."""
    end = time.monotonic() + 20
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"never: {what}")
        time.sleep(0.05)
    return seen
