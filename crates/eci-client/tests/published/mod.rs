//! Reads `api.json`, the table of what is published of the API.

#![allow(dead_code, reason = "each test target uses a part of it")]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The account parameters every action declares and nobody uses.
const ACCOUNT: [&str; 4] = ["OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"];

pub(crate) fn actions() -> Map<String, Value> {
    let table: Value = serde_json::from_str(include_str!("../data/api.json")).expect("api.json is JSON");
    table["actions"].as_object().expect("a table of actions").clone()
}

/// The parameters of an action and their types: structs carry no value, so only leaves count.
pub(crate) fn parameters(action: &Value) -> BTreeMap<&str, &str> {
    let request = action["request"].as_object().expect("a table of parameters");
    request
        .iter()
        .map(|(name, parameter)| (name.as_str(), parameter["type"].as_str().expect("a type")))
        .filter(|(name, kind)| *kind != "struct" && !ACCOUNT.contains(name))
        .collect()
}

/// A reply in which every published field holds a value of its declared type, every list one item.
pub(crate) fn reply(action: &Value) -> Value {
    let fields = action["response"].as_object().expect("a table of fields");
    let mut reply = json!({});
    // Parents sort before their children, so a struct is there before its members.
    for (path, field) in fields.iter().collect::<BTreeMap<_, _>>() {
        let mut at = &mut reply;
        let parts: Vec<&str> = path.split('.').collect();
        for (index, part) in parts.iter().enumerate() {
            let (name, in_list) = part.strip_suffix("[]").map_or((*part, false), |name| (name, true));
            let leaf = (index + 1 == parts.len()).then(|| value_of(name, &field["type"]));
            let slot = &mut at[name];
            if slot.is_null() {
                let value = leaf.unwrap_or_else(|| json!({}));
                *slot = if in_list { json!([value]) } else { value };
            }
            at = if in_list { &mut slot[0] } else { slot };
        }
    }
    reply
}

fn value_of(name: &str, kind: &Value) -> Value {
    match kind.as_str().expect("a type") {
        "struct" => json!({}),
        "map" => json!({ "UsedCpu": 7.5, "MaxCpu": "20" }),
        // Declared a text, holds a number.
        "string" if name == "MaxResults" => json!("7"),
        "string" if name.contains("Time") || name.contains("edAt") => json!("2026-01-02T03:04:05Z"),
        "string" => json!("text"),
        "boolean" => json!(true),
        "float" => json!(1.5),
        _ => json!(7),
    }
}

/// The paths of a reply's fields that carry a value, `Regions[].RegionId` for example.
pub(crate) fn leaves(action: &Value) -> Vec<String> {
    let fields = action["response"].as_object().expect("a table of fields");
    fields.iter().filter(|(_, field)| field["type"] != "struct").map(|(path, _)| path.clone()).collect()
}

/// What a path of [`leaves`] leads to; of each list its first item.
pub(crate) fn at<'a>(reply: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(reply, |at, part| match part.strip_suffix("[]") {
        Some(name) => &mut at[name][0],
        None => &mut at[part],
    })
}
