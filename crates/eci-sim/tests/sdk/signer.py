"""Signs the requests of `eci-client` again with the signer of the official Python core, and compares.

Reads the lines of `signed-requests` from standard input. Nothing is taken over but what a server would see: the request as it
travels and the secret. Prints an `ok` line for each kind of request, a `FAILED` line for each that is signed otherwise.
"""

import hashlib
import json
import sys
from collections import Counter
from types import SimpleNamespace
from urllib.parse import parse_qsl

from alibabacloud_openapi_util.client import Client as OpenApiUtil
from alibabacloud_tea_openapi.utils import Utils

ALGORITHM = "ACS3-HMAC-SHA256"
# Two versions, each with parameters in the query and in the body.
KINDS = 4


def pairs(text):
    """The parameters of a query or a body; none is lost, none comes twice."""
    found = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    assert len({name for name, _ in found}) == len(found), "a parameter comes twice"
    return dict(found)


def version_3(request):
    headers = request["headers"]
    authorization = headers["authorization"]
    fields = dict(part.split("=", 1) for part in authorization.removeprefix(f"{ALGORITHM} ").split(","))
    signed = {name: headers[name] for name in fields["SignedHeaders"].split(";")}
    # What the vendor's own signer would have signed: nothing may be missing.
    expected = {name for name in headers if name.startswith("x-acs-") or name in ("host", "content-type")}
    assert set(signed) == expected, f"signed are {sorted(signed)}"
    payload = hashlib.sha256(request["body"].encode()).hexdigest()
    assert headers["x-acs-content-sha256"] == payload, "the digest of the body"
    official = SimpleNamespace(
        method=request["method"], pathname=request["path"], query=pairs(request["query"]), headers=signed)
    for signer in (Utils, OpenApiUtil):
        again = signer.get_authorization(official, ALGORITHM, payload, fields["Credential"], request["secret"])
        assert again == authorization, f"{signer.__module__} signs {again}, the client {authorization}"


def version_1(request):
    parameters = {**pairs(request["query"]), **pairs(request["body"])}
    signature = parameters.pop("Signature")
    for signer in (Utils, OpenApiUtil):
        again = signer.get_rpcsignature(parameters, request["method"], request["secret"])
        assert again == signature, f"{signer.__module__} signs {again}, the client {signature}"


def main():
    signed, failed = Counter(), 0
    for number, line in enumerate(sys.stdin):
        request = json.loads(line)
        kind = f"{request['version']}, parameters in the {'body' if request['body'] else 'query'}"
        try:
            {"V3": version_3, "V1": version_1}[request["version"]](request)
        except AssertionError as error:
            failed += 1
            print(f"FAILED  signer: request {number}, {kind}: {error}")
        else:
            signed[kind] += 1
    for kind, count in sorted(signed.items()):
        print(f"ok      signer: {kind}: {count} requests are signed as the official signers do")
    if len(signed) != KINDS:
        failed += 1
        print(f"FAILED  signer: {KINDS} kinds of requests are to come, these have: {sorted(signed)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
