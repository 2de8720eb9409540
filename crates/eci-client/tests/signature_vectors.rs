//! Holds signing against the published vectors, stage by stage. No expectation here comes from the code under test.
#![cfg(feature = "client-core")]

use std::collections::BTreeMap;

use eci_client::AccessKey;
use eci_client::model::Parameters;
use eci_client::sign::{Unsigned, v1, v3};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    v1: Vec<Vector1>,
    v3: Vec<Vector3>,
}

#[derive(Deserialize)]
struct Vector1 {
    name: String,
    access_key_id: String,
    access_key_secret: String,
    method: String,
    query: BTreeMap<String, String>,
    body: BTreeMap<String, String>,
    canonicalized_query: String,
    string_to_sign: String,
    signature: String,
    request_target: String,
}

#[derive(Deserialize)]
struct Vector3 {
    name: String,
    access_key_id: String,
    access_key_secret: String,
    method: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: String,
    canonical_query: String,
    canonical_headers: String,
    signed_headers: String,
    hashed_payload: String,
    canonical_request: String,
    string_to_sign: String,
    signature: String,
    authorization: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("data/signature-vectors.json")).expect("the vectors are JSON")
}

/// Takes the parameters out of a form body; the vectors use percent signs only.
fn form(body: &str) -> Parameters {
    let decode = |text: &str| {
        let bytes = text.as_bytes();
        let mut decoded = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == b'%' {
                decoded.push(u8::from_str_radix(&text[at + 1..at + 3], 16).expect("two hex digits"));
                at += 3;
            } else {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
        String::from_utf8(decoded).expect("UTF-8")
    };
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect()
}

/// The headers that `sign` sets by itself.
const OWN: [&str; 9] = [
    "host",
    "content-type",
    "x-acs-accesskey-id",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-security-token",
    "x-acs-signature-nonce",
    "x-acs-version",
];

fn signed(vector: &Vector3) -> v3::Signed {
    let header = |name: &str| vector.headers.get(name).map(String::as_str);
    let mut key = AccessKey::new(&vector.access_key_id, &vector.access_key_secret);
    if let Some(token) = header("x-acs-security-token") {
        key = key.with_security_token(token);
    }
    let mut extra = vector.headers.clone();
    extra.retain(|name, _| !OWN.contains(&name.as_str()));
    let unsigned = Unsigned {
        method: &vector.method,
        host: header("host").expect("a host"),
        action: header("x-acs-action").expect("an action"),
        version: header("x-acs-version").expect("a version"),
        query: &vector
            .query
            .iter()
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        form: &form(&vector.body),
        headers: &extra,
    };
    let at = header("x-acs-date").expect("a time").parse().expect("RFC 3339");
    v3::sign(&unsigned, &key, at, header("x-acs-signature-nonce").expect("a nonce"))
}

#[test]
fn every_stage_of_every_v3_vector_is_reproduced() {
    let vectors = vectors().v3;
    assert_eq!(vectors.len(), 7);
    for vector in &vectors {
        let signed = signed(vector);
        let name = &vector.name;
        let canonical = &signed.canonical_request;
        assert_eq!(signed.outgoing.body, vector.body, "{name}: body");
        assert_eq!(canonical.hashed_payload, vector.hashed_payload, "{name}: hashed payload");
        assert_eq!(canonical.query, vector.canonical_query, "{name}: canonical query");
        assert_eq!(canonical.headers, vector.canonical_headers, "{name}: canonical headers");
        assert_eq!(canonical.signed_headers, vector.signed_headers, "{name}: signed headers");
        assert_eq!(canonical.to_string(), vector.canonical_request, "{name}: canonical request");
        assert_eq!(signed.string_to_sign.to_string(), vector.string_to_sign, "{name}: string to sign");
        assert_eq!(signed.authorization.signature, vector.signature, "{name}: signature");
        assert_eq!(signed.authorization.to_string(), vector.authorization, "{name}: authorization");
    }
}

#[test]
fn what_travels_is_what_was_signed() {
    for vector in &vectors().v3 {
        let outgoing = signed(vector).outgoing;
        let mut expected: BTreeMap<String, String> =
            vector.headers.iter().map(|(name, value)| (name.clone(), value.trim().to_owned())).collect();
        expected.insert("authorization".to_owned(), vector.authorization.clone());
        assert_eq!(outgoing.headers, expected, "{}", vector.name);
        assert_eq!(outgoing.query, vector.canonical_query, "{}", vector.name);
    }
}

#[test]
fn debug_shows_neither_parameters_nor_tokens_nor_signatures() {
    for vector in &vectors().v3 {
        let signed = signed(vector);
        let shown = format!("{signed:?} {:?}", signed.outgoing);
        assert!(!shown.contains(&vector.signature), "{shown}");
        assert!(!shown.contains("testSecurityToken"), "{shown}");
        assert!(vector.canonical_query.is_empty() || !shown.contains(&vector.canonical_query), "{shown}");
    }
}

/// The parameters that version 1 adds by itself. `Format` and the empty `SignatureType` of old SDKs are left to the
/// request, for the vectors differ in them.
const COMMON: [&str; 8] = [
    "AccessKeyId",
    "Action",
    "SecurityToken",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

fn signed_v1(vector: &Vector1) -> v1::Signed {
    let common = |name: &str| vector.query.get(name).map(String::as_str);
    let mut key = AccessKey::new(&vector.access_key_id, &vector.access_key_secret);
    if let Some(token) = common("SecurityToken") {
        key = key.with_security_token(token);
    }
    let own = vector.query.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()));
    let unsigned = Unsigned {
        method: &vector.method,
        host: "host",
        action: common("Action").expect("an action"),
        version: common("Version").expect("a version"),
        query: &own.map(|(name, value)| (name.clone(), value.clone())).collect(),
        form: &vector.body.clone().into_iter().collect(),
        headers: &BTreeMap::new(),
    };
    let at = common("Timestamp").expect("a time").parse().expect("RFC 3339");
    v1::sign(&unsigned, &key, at, common("SignatureNonce").expect("a nonce"))
}

#[test]
fn every_stage_of_every_v1_vector_is_reproduced() {
    let vectors = vectors().v1;
    assert_eq!(vectors.len(), 11);
    for vector in &vectors {
        let signed = signed_v1(vector);
        let name = &vector.name;
        assert_eq!(signed.canonical_query.to_string(), vector.canonicalized_query, "{name}: canonical query");
        assert_eq!(signed.string_to_sign.to_string(), vector.string_to_sign, "{name}: string to sign");
        assert_eq!(signed.signature.to_string(), vector.signature, "{name}: signature");
    }
}

#[test]
fn the_v1_parameters_that_travel_are_those_of_the_vectors() {
    for vector in &vectors().v1 {
        let outgoing = signed_v1(vector).outgoing;
        let mut expected = form(vector.request_target.trim_start_matches("/?"));
        for (name, value) in &vector.body {
            expected.insert(name, value);
        }
        let (travelling, other) = if vector.body.is_empty() {
            (&outgoing.query, &outgoing.body)
        } else {
            (&outgoing.body, &outgoing.query)
        };
        let mut travelled = form(travelling);
        for (name, value) in form(other).iter() {
            travelled.insert(name, value);
        }
        assert_eq!(travelled, expected, "{}", vector.name);
    }
}

#[test]
fn the_stages_of_v1_keep_to_themselves_in_debug() {
    for vector in &vectors().v1 {
        let signed = signed_v1(vector);
        let shown = format!("{signed:?}");
        assert!(!shown.contains(&vector.signature) && !shown.contains("Timestamp"), "{shown}");
    }
}
