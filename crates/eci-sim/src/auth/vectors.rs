//! The vectors that official tools computed, verified stage by stage by this crate's own verifier.

use jiff::Timestamp;
use serde_json::Value;

use super::{AccessKey, Keyring, v1, v3};
use crate::wire::{Call, Request, percent_encode};

fn vectors(version: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../tests/data/signature-vectors.json")).unwrap();
    all[version].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_else(|| panic!("{name} in {}", vector["name"]))
}

fn pairs(object: &Value) -> String {
    let pair = |(name, value): (&String, &Value)| {
        format!("{}={}", percent_encode(name), percent_encode(value.as_str().unwrap()))
    };
    object.as_object().unwrap().iter().map(pair).collect::<Vec<_>>().join("&")
}

fn headers(object: &Value) -> Vec<(String, String)> {
    object
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
        .collect()
}

fn v1_call(vector: &Value) -> Call {
    Call::read(&Request {
        method: text(vector, "method").into(),
        path: "/".into(),
        query: text(vector, "request_target").trim_start_matches("/?").into(),
        headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
        body: pairs(&vector["body"]).into_bytes(),
        peer: String::new(),
    })
}

fn v3_call(vector: &Value) -> Call {
    let mut headers = headers(&vector["headers"]);
    headers.retain(|(name, _)| name != "authorization");
    headers.push(("authorization".into(), text(vector, "authorization").into()));
    Call::read(&Request {
        method: text(vector, "method").into(),
        path: text(vector, "path").into(),
        query: pairs(&vector["query"]),
        headers,
        body: text(vector, "body").as_bytes().to_vec(),
        peer: String::new(),
    })
}

/// Authenticates with the vector's key, its secret changed by `secret`, at the time the vector was signed.
fn authenticate(
    vector: &Value,
    call: &Call,
    secret: impl Fn(&str) -> String,
) -> Result<String, (String, String)> {
    let mut key = AccessKey::new(text(vector, "access_key_id"), secret(text(vector, "access_key_secret")));
    key.security_token = call
        .common("SecurityToken")
        .or(call.header("x-acs-security-token"))
        .map(|token| token.trim().to_owned());
    let time = call.header("x-acs-date").or(call.common("Timestamp")).unwrap();
    let at: Timestamp = time.parse().unwrap();
    let caller = Keyring::new(vec![key]).authenticate(call, at, at);
    caller.map(|key| key.id).map_err(|error| (error.code, error.message))
}

fn verify_all(version: &str, expected: usize, call_of: impl Fn(&Value) -> Call) {
    let vectors = vectors(version);
    assert_eq!(vectors.len(), expected);
    for vector in &vectors {
        let call = call_of(vector);
        let name = &vector["name"];
        assert_eq!(
            authenticate(vector, &call, str::to_owned),
            Ok(text(vector, "access_key_id").into()),
            "{name}"
        );
        let (code, message) = authenticate(vector, &call, |secret| format!("{secret}x")).unwrap_err();
        assert_eq!(code, "SignatureDoesNotMatch", "{name}");
        let end = format!("server string to sign is:{}", text(vector, "string_to_sign"));
        assert!(message.ends_with(&end), "{name}: {message}");
    }
}

#[test]
fn every_vector_of_version_1_verifies_and_shows_its_string_to_sign() {
    verify_all("v1", 11, v1_call);
}

#[test]
fn every_vector_of_version_3_verifies_and_shows_its_string_to_sign() {
    verify_all("v3", 7, v3_call);
}

#[test]
fn the_computed_signatures_are_those_of_the_vectors() {
    for vector in vectors("v1") {
        let computed = v1::compute(&v1_call(&vector), text(&vector, "access_key_secret"));
        assert_eq!(computed[0].signature, text(&vector, "signature"), "{}", vector["name"]);
    }
    for vector in vectors("v3") {
        let computed = v3::compute(&v3_call(&vector), text(&vector, "access_key_secret")).unwrap();
        assert_eq!(computed[0].signature, text(&vector, "signature"), "{}", vector["name"]);
        assert_eq!(computed[0].string_to_sign, text(&vector, "string_to_sign"), "{}", vector["name"]);
    }
}

#[test]
fn a_changed_body_or_header_no_longer_verifies() {
    for vector in vectors("v3").iter().filter(|vector| !text(vector, "body").is_empty()) {
        let mut call = v3_call(vector);
        call.body.push(b'x');
        let (code, _) = authenticate(vector, &call, str::to_owned).unwrap_err();
        assert_eq!(code, "SignatureDoesNotMatch");
    }
    let vector = &vectors("v3")[0];
    let mut call = v3_call(vector);
    call.headers.insert("x-acs-action".into(), "DeleteContainerGroup".into());
    let (code, _) = authenticate(vector, &call, str::to_owned).unwrap_err();
    assert_eq!(code, "SignatureDoesNotMatch");
}

#[test]
fn a_header_left_out_of_the_signature_is_refused() {
    let vector = &vectors("v3")[0];
    let mut call = v3_call(vector);
    let authorization = call.headers["authorization"].replace("x-acs-signature-nonce;", "");
    call.headers.insert("authorization".into(), authorization);
    let (code, _) = authenticate(vector, &call, str::to_owned).unwrap_err();
    assert_eq!(code, "IncompleteSignature");
}

#[test]
fn a_replay_is_refused() {
    let vector = &vectors("v3")[0];
    let call = v3_call(vector);
    let at: Timestamp = call.header("x-acs-date").unwrap().parse().unwrap();
    let key = AccessKey::new(text(vector, "access_key_id"), text(vector, "access_key_secret"));
    let mut keyring = Keyring::new(vec![key]);
    assert!(keyring.authenticate(&call, at, at).is_ok());
    assert_eq!(keyring.authenticate(&call, at, at).unwrap_err().code, "SignatureNonceUsed");
}
