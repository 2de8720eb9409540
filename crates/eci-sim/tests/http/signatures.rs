//! Who may call: both signature versions, and every way to be refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use eci_sim::{AccessKey, Clock, Config, ManualClock, Settings, SystemClock};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::caller::{Caller, control, pairs, send, sign_v1, sign_v3, simulator, start};

fn vectors(version: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../data/signature-vectors.json")).unwrap();
    all[version].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn map(value: &Value) -> BTreeMap<String, String> {
    value
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
        .collect()
}

#[test]
fn the_signer_of_these_tests_agrees_with_the_official_vectors() {
    for vector in vectors("v1") {
        let mut parameters = map(&vector["query"]);
        parameters.extend(map(&vector["body"]));
        let signature = sign_v1(text(&vector, "method"), &parameters, text(&vector, "access_key_secret"));
        assert_eq!(signature, text(&vector, "signature"), "{}", vector["name"]);
    }
    for vector in vectors("v3") {
        let mut headers = map(&vector["headers"]);
        let signed: Vec<&str> = text(&vector, "signed_headers").split(';').collect();
        headers.retain(|name, _| signed.contains(&name.as_str()));
        let authorization = sign_v3(
            text(&vector, "method"),
            &pairs(&map(&vector["query"])),
            &headers,
            text(&vector, "body"),
            text(&vector, "access_key_id"),
            text(&vector, "access_key_secret"),
        );
        assert_eq!(authorization, text(&vector, "authorization"), "{}", vector["name"]);
    }
}

/// Sends the vector's bytes to a simulator that has its key and its time. Returns the answer's code.
async fn replay(
    vector: &Value,
    time: &str,
    token: Option<String>,
    target: &str,
    headers: &[(String, String)],
    body: &str,
) -> String {
    let mut key = AccessKey::new(text(vector, "access_key_id"), text(vector, "access_key_secret"));
    key.security_token = token;
    let clock = ManualClock::at(time.parse().unwrap());
    let config = Config { access_keys: vec![key], clock: Arc::new(clock), ..Config::default() };
    let simulator = start(config).await;
    let reply = send(simulator.address(), text(vector, "method"), target, headers, body).await.unwrap();
    simulator.shutdown().await;
    reply.code()
}

#[tokio::test]
async fn the_official_vectors_pass_over_http() {
    let mut accepted = 0;
    for vector in vectors("v1").iter().filter(|vector| vector["query"]["Version"] == "2018-08-08") {
        let query = map(&vector["query"]);
        let form = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let (time, token) = (&query["Timestamp"], query.get("SecurityToken").cloned());
        let code =
            replay(vector, time, token, text(vector, "request_target"), &form, &pairs(&map(&vector["body"])))
                .await;
        assert!(!code.contains("Signature") && !code.contains("Token"), "{}: {code}", vector["name"]);
        accepted += 1;
    }
    for vector in vectors("v3").iter().filter(|vector| vector["headers"]["x-acs-version"] == "2018-08-08") {
        let mut headers = map(&vector["headers"]);
        headers.insert("authorization".into(), text(vector, "authorization").into());
        let token = headers.get("x-acs-security-token").map(|token| token.trim().to_owned());
        let time = headers["x-acs-date"].trim().to_owned();
        let target = format!("/?{}", pairs(&map(&vector["query"])));
        let headers: Vec<_> = headers.into_iter().collect();
        let code = replay(vector, &time, token, &target, &headers, text(vector, "body")).await;
        assert!(!code.contains("Signature") && !code.contains("Token"), "{}: {code}", vector["name"]);
        accepted += 1;
    }
    assert_eq!(accepted, 10 + 6, "all but the two published examples of another product");
}

#[tokio::test]
async fn both_versions_pass_by_get_and_post_in_query_and_form() {
    let simulator = simulator().await;
    for version_1 in [false, true] {
        for (method, in_form) in [("GET", false), ("POST", false), ("POST", true)] {
            let caller = Caller { version_1, method, in_form, ..Caller::of(&simulator) };
            let reply =
                caller.call("DescribeContainerGroups", &[("ContainerGroupName", "a b+c*d~é")]).await.unwrap();
            assert_eq!(reply.status, 200, "{version_1} {method} {in_form}: {}", reply.body);
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_the_servers_string_to_sign() {
    let simulator = simulator().await;
    for (version_1, expected) in [(false, "ACS3-HMAC-SHA256\n"), (true, "POST&%2F&AccessKeyId%3D")] {
        let caller = Caller { secret: "wrong".into(), version_1, ..Caller::of(&simulator) };
        let reply = caller.call("DescribeRegions", &[]).await.unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (400, "SignatureDoesNotMatch"));
        let message = reply.json()["Message"].as_str().unwrap().to_owned();
        let (_, string_to_sign) = message.split_once("server string to sign is:").unwrap();
        assert!(string_to_sign.starts_with(expected), "{message}");
    }
}

#[tokio::test]
async fn keys_that_are_unknown_or_disabled_are_refused_until_repaired() {
    let simulator = simulator().await;
    let caller = Caller::of(&simulator);
    let code = async || caller.call("DescribeRegions", &[]).await.unwrap().code();
    let change = async |change: Value| {
        let reply = control(simulator.address(), "POST", "accounts", change).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    };
    change(json!({"access_key_id": caller.id, "change": "disable"})).await;
    assert_eq!(code().await, "InvalidAccessKeyId.Inactive");
    change(json!({"access_key_id": caller.id, "change": "enable"})).await;
    assert_eq!(code().await, "");
    change(json!({"access_key_id": caller.id, "change": "remove"})).await;
    assert_eq!(code().await, "InvalidAccessKeyId.NotFound");
    change(json!({"access_key_id": caller.id, "change": "add", "secret": caller.secret})).await;
    assert_eq!(code().await, "");
    change(json!({"access_key_id": caller.id, "change": "deny", "deny": ["Create*"]})).await;
    let reply = caller.call("CreateContainerGroup", &[]).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (403, "Forbidden.RAM"));
    let accounts = control(simulator.address(), "GET", "accounts", Value::Null).await.body;
    assert!(accounts.contains(&caller.id) && !accounts.contains(&caller.secret));
}

#[tokio::test]
async fn temporary_keys_need_their_token_while_it_lasts() {
    let mut key = AccessKey::new("sts", "secret");
    key.security_token = Some("token/with+special=chars~*".into());
    let simulator = start(Config { access_keys: vec![key], ..Config::default() }).await;
    for version_1 in [false, true] {
        let caller = |token: Option<&str>| Caller {
            id: "sts".into(),
            secret: "secret".into(),
            token: token.map(str::to_owned),
            version_1,
            ..Caller::of(&simulator)
        };
        let code = async |token| caller(token).call("DescribeRegions", &[]).await.unwrap().code();
        assert_eq!(code(Some("token/with+special=chars~*")).await, "");
        assert_eq!(code(None).await, "MissingSecurityToken");
        assert_eq!(code(Some("other")).await, "InvalidSecurityToken.MismatchWithAccessKey");
    }
    control(
        simulator.address(),
        "POST",
        "accounts",
        json!({"access_key_id": "sts", "change": "expire_token"}),
    )
    .await;
    let caller = Caller {
        id: "sts".into(),
        secret: "secret".into(),
        token: Some("token/with+special=chars~*".into()),
        ..Caller::of(&simulator)
    };
    let reply = caller.call("DescribeRegions", &[]).await.unwrap();
    assert_eq!(reply.code(), "InvalidSecurityToken.Expired");
}

#[tokio::test]
async fn a_time_beyond_fifteen_minutes_of_the_simulators_is_expired() {
    let simulator = simulator().await;
    let at = |minutes: i64| {
        let time = SystemClock.now() + SignedDuration::from_mins(minutes);
        Caller { time: Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()), ..Caller::of(&simulator) }
    };
    let code = async |minutes| at(minutes).call("DescribeRegions", &[]).await.unwrap().code();
    assert_eq!(code(-14).await, "");
    assert_eq!(code(14).await, "");
    assert_eq!(code(-16).await, "InvalidTimeStamp.Expired");
    assert_eq!(code(16).await, "InvalidTimeStamp.Expired");
    let caller = Caller { time: Some("yesterday".into()), ..Caller::of(&simulator) };
    assert_eq!(caller.call("DescribeRegions", &[]).await.unwrap().code(), "InvalidTimeStamp.Format");
}

#[tokio::test]
async fn a_skewed_simulator_refuses_the_right_time_and_tells_its_own() {
    let settings = Settings { clock_skew_s: 3600, ..Settings::default() };
    let simulator = start(Config { settings, ..Config::default() }).await;
    let reply = Caller::of(&simulator).call("DescribeRegions", &[]).await.unwrap();
    assert_eq!(reply.code(), "InvalidTimeStamp.Expired");
    let date = jiff::fmt::rfc2822::parse(&reply.headers["date"]).unwrap().timestamp();
    let ahead = date.duration_since(SystemClock.now());
    assert!((3590..=3601).contains(&ahead.as_secs()), "{ahead}");
    let corrected = date.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let caller = Caller { time: Some(corrected), ..Caller::of(&simulator) };
    assert_eq!(caller.call("DescribeRegions", &[]).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_nonce_is_good_for_one_request() {
    let simulator = simulator().await;
    let caller = Caller { nonce: Some("same".into()), ..Caller::of(&simulator) };
    assert_eq!(caller.call("DescribeRegions", &[]).await.unwrap().code(), "");
    assert_eq!(caller.call("DescribeRegions", &[]).await.unwrap().code(), "SignatureNonceUsed");
}

#[tokio::test]
async fn an_incomplete_request_is_told_what_it_lacks() {
    let simulator = simulator().await;
    let code = async |target: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        send(simulator.address(), "POST", target, &headers, "").await.unwrap().code()
    };
    assert_eq!(code("/", &[]).await, "MissingAction");
    assert_eq!(code("/?Action=DescribeRegions", &[]).await, "MissingVersion");
    assert_eq!(code("/?Action=DescribeRegions&Version=2014-05-26", &[]).await, "InvalidVersion");
    assert_eq!(code("/?Action=DescribeRegions&Version=2018-08-08", &[]).await, "MissingAccessKeyId");
    assert_eq!(code("/?Action=StartEverything&Version=2018-08-08", &[]).await, "InvalidAction.NotFound");
    let v3 = [("x-acs-action", "DescribeRegions"), ("x-acs-version", "2018-08-08")];
    let with = |authorization| [&v3[..], &[("authorization", authorization)]].concat();
    assert_eq!(code("/", &with("Basic eDp5")).await, "InvalidSignatureMethod");
    assert_eq!(code("/", &with("ACS3-HMAC-SHA256 Credential=x")).await, "IncompleteSignature");
}

#[tokio::test]
async fn errors_come_as_xml_when_asked_for() {
    let simulator = simulator().await;
    let caller = Caller { secret: "wrong".into(), version_1: true, ..Caller::of(&simulator) };
    let reply = caller.call("DescribeRegions", &[("Format", "xml")]).await.unwrap();
    assert_eq!(reply.status, 400);
    assert!(reply.headers["content-type"].starts_with("text/xml"));
    assert!(reply.body.contains("<Error><") && reply.body.contains("<Code>SignatureDoesNotMatch</Code>"));
}

#[tokio::test]
async fn the_status_action_takes_post_only() {
    let simulator = simulator().await;
    let caller = Caller { method: "GET", ..Caller::of(&simulator) };
    let reply = caller.call("DescribeContainerGroupStatus", &[]).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (400, "UnsupportedHTTPMethod"));
}
