"""Drives the simulator with `alibabacloud_eci20180808`, which signs by version 3 and has a type for everything."""

import re

from alibabacloud_eci20180808 import models
from alibabacloud_eci20180808.client import Client
from alibabacloud_openapi_util.client import Client as OpenApiUtil
from alibabacloud_tea_openapi import models as open_api
from alibabacloud_tea_util.client import Client as TeaUtil
from alibabacloud_tea_util.models import RuntimeOptions
from Tea.exceptions import TeaException

import journey
import shapes
from checks import ACCESS_KEY_ID, ACCESS_KEY_SECRET, HOST, REGION, Refused


class PythonV3:
    name = "python v3"
    wrong_secret = "SignatureDoesNotMatch"
    # Parameters that this release does not have yet.
    older_than = {
        "CreateContainerGroup": {"MaxPendingMinute"},
        "CreateImageCache": {"OsType"},
        "DeleteContainerGroup": {"Force"},
    }

    def client(self, key):
        access_key_id, secret, token = key or (ACCESS_KEY_ID, ACCESS_KEY_SECRET, None)
        return Client(open_api.Config(
            access_key_id=access_key_id, access_key_secret=secret, security_token=token, endpoint=HOST,
            protocol="http", region_id=REGION,
        ))

    def has(self, action):
        return hasattr(models, f"{action}Request")

    def call(self, action, parameters, key=None, beside=None):
        request = getattr(models, f"{action}Request")().from_map({"RegionId": REGION, **parameters})
        try:
            if beside:
                return self.call_beside(action, {**request.to_map(), **beside}, key)
            method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action).lower()
            reply = getattr(self.client(key), f"{method}_with_options")(request, RuntimeOptions(autoretry=False))
        except TeaException as error:
            raise Refused(error.code, error.message, error.statusCode) from error
        return reply.body.to_map()

    def call_beside(self, action, query, key):
        """The SDK's way to send what it has no type for."""
        params = open_api.Params(
            action=action, version="2018-08-08", protocol="HTTP", pathname="/", method="POST", auth_type="AK", style="RPC",
            req_body_type="formData", body_type="json")
        request = open_api.OpenApiRequest(query=OpenApiUtil.query(query))
        return TeaUtil.to_map(self.client(key).call_api(params, request, RuntimeOptions(autoretry=False)))["body"]


if __name__ == "__main__":
    journey.travel(PythonV3(), more=[shapes.travel])
