"""Calls that no SDK makes: signed by the official core's functions, then changed in any way, and sent as they are."""

import datetime
import hashlib
import http.client
import json
import uuid
from types import SimpleNamespace
from urllib.parse import urlencode

from alibabacloud_tea_openapi.utils import Utils

from checks import ACCESS_KEY_ID, ACCESS_KEY_SECRET, HOST, REGION

VERSION = "2018-08-08"
ALGORITHM = "ACS3-HMAC-SHA256"
KEY = (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def version_1(action, parameters, key=KEY, method="POST", before=None, after=None):
    """Signs by version 1. `before` and `after` change the parameters, a None removes one."""
    access_key_id, secret, token = key
    query = {
        "Action": action, "Version": VERSION, "Format": "JSON", "AccessKeyId": access_key_id, "RegionId": REGION,
        "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": str(uuid.uuid4()),
        "Timestamp": now(), **({"SecurityToken": token} if token else {}), **parameters,
    }
    query = changed(query, before)
    query["Signature"] = Utils.get_rpcsignature(query, method, secret)
    return send(method, changed(query, after), {})


def version_3(action, parameters, key=KEY, method="POST", before=None, after=None, body=""):
    """Signs by version 3. `before` and `after` change the headers, a None removes one."""
    access_key_id, secret, token = key
    payload = hashlib.sha256(body.encode()).hexdigest()
    headers = {
        "host": HOST, "x-acs-action": action, "x-acs-version": VERSION, "x-acs-date": now(),
        "x-acs-signature-nonce": str(uuid.uuid4()), "x-acs-content-sha256": payload,
        **({"x-acs-security-token": token, "x-acs-accesskey-id": access_key_id} if token else {}),
    }
    headers = changed(headers, before)
    query = changed({"RegionId": REGION}, parameters)
    request = SimpleNamespace(method=method, pathname="/", query=query, headers=headers)
    headers["authorization"] = Utils.get_authorization(request, ALGORITHM, payload, access_key_id, secret)
    return send(method, query, changed(headers, after), body)


def changed(pairs, changes):
    return {name: str(value) for name, value in (pairs | (changes or {})).items() if value is not None}


def send(method, query, headers, body=""):
    """The status, the headers and the body, read as JSON where it is."""
    connection = http.client.HTTPConnection(HOST, timeout=10)
    connection.request(method, f"/?{urlencode(query)}", body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return answer.status, answer.headers, json.loads(text) if is_json else text
