// Calls actions through `@alicloud/eci20180808`: a JSON line in ({action, parameters, key, beside}), a JSON line out ({reply} or
// {code, message, status}). typescript.py is at the other end.

import { createInterface } from "node:readline";
import { createRequire } from "node:module";

// The packages lie outside of the repository, and import statements know no NODE_PATH.
const require = createRequire(process.env.ECI_SIM_NODE_PACKAGE);
const sdk = require("@alicloud/eci20180808");
const { Config, OpenApiRequest, Params } = require("@alicloud/openapi-client");
const OpenApiUtil = require("@alicloud/openapi-util").default;
const { RuntimeOptions } = require("@alicloud/tea-util");
const tea = require("@alicloud/tea-typescript");

function client([accessKeyId, accessKeySecret, securityToken]) {
  return new sdk.default(new Config({
    accessKeyId, accessKeySecret, ...(securityToken ? { securityToken } : {}),
    endpoint: process.env.ECI_SIM_ENDPOINT.replace("http://", ""),
    protocol: "http",
    regionId: process.env.ECI_SIM_REGION,
  }));
}

async function call({ action, parameters, key, beside }) {
  const request = tea.cast(parameters, new sdk[`${action}Request`]());
  if (beside) return callBeside(action, { ...request.toMap(), ...beside }, key);
  const method = `${action[0].toLowerCase()}${action.slice(1)}WithOptions`;
  const response = await client(key)[method](request, new RuntimeOptions({ autoretry: false }));
  return response.body.toMap();
}

// The SDK's way to send what it has no type for.
async function callBeside(action, query, key) {
  const params = new Params({
    action, version: "2018-08-08", protocol: "HTTP", pathname: "/", method: "POST", authType: "AK", style: "RPC",
    reqBodyType: "formData", bodyType: "json",
  });
  const request = new OpenApiRequest({ query: OpenApiUtil.query(query) });
  return (await client(key).callApi(params, request, new RuntimeOptions({ autoretry: false }))).body;
}

async function answer(question) {
  if (!sdk[`${question.action}Request`]) return { missing: true };
  if (question.probe) return { missing: false };
  try {
    return { reply: await call(question) };
  } catch (error) {
    // Whatever has no code of the API is a bug here or in the SDK.
    if (!error.data) throw error;
    return { code: error.data.Code ?? error.code, message: error.data.Message ?? error.message, status: error.data.statusCode };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
