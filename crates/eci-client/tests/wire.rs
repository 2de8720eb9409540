//! Calls a scripted server over real HTTP: what travels, what comes back, and the kind of every failure.
#![cfg(feature = "client")]

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use eci_client::model::*;
use eci_client::{AccessKey, Client, Error, ErrorKind, SignatureVersion};
use jiff::Timestamp;

use self::scripted::{Recorded, Scripted, Step};

mod scripted;

const SECRET: &str = "the-secret-of-the-key";
const NOW: &str = "2026-01-02T03:04:05Z";
const PASSWORD: &str = "hunter2-password";

fn client(endpoint: impl Into<String>) -> Client {
    let nonces = AtomicU32::new(1);
    Client::builder("cn-test")
        .credentials(AccessKey::new("the-id", SECRET))
        .endpoint(endpoint)
        .clock(|| NOW.parse::<Timestamp>().expect("RFC 3339"))
        .nonce(move || format!("nonce-{}", nonces.fetch_add(1, Ordering::Relaxed)))
        .build()
        .expect("a client")
}

fn read() -> DescribeContainerGroupsRequest {
    DescribeContainerGroupsRequest { container_group_name: Some("a b".into()), ..Default::default() }
}

fn write() -> CreateContainerGroupRequest {
    CreateContainerGroupRequest {
        container_group_name: "web".into(),
        client_token: Some("token-1".into()),
        image_registry_credential: vec![ImageRegistryCredential {
            server: "r".into(),
            user_name: "u".into(),
            password: PASSWORD.into(),
        }],
        ..Default::default()
    }
}

/// The errors of a read and of a write that both meet this step.
async fn failures(step: Step) -> (Error, Error) {
    let server = Scripted::start([step.clone()]).await;
    let read = client(server.endpoint()).describe_container_groups(&read()).await.expect_err("a failed read");
    let server = Scripted::start([step]).await;
    let write = client(server.endpoint()).create_container_group(&write()).await.expect_err("a failed write");
    assert_discreet(&read);
    assert_discreet(&write);
    assert_eq!((read.action(), write.action()), ("DescribeContainerGroups", "CreateContainerGroup"));
    (read, write)
}

async fn kinds(step: Step) -> (ErrorKind, ErrorKind) {
    let (read, write) = failures(step).await;
    (read.kind(), write.kind())
}

/// No error shows the key, a signature, a parameter or a URL, in its text, its `Debug` or its sources.
#[track_caller]
fn assert_discreet(error: &Error) {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        shown.push_str(&format!("{error} {error:?}"));
        source = error.source();
    }
    for secret in [SECRET, PASSWORD, "Signature=", "http://", "ContainerGroupName=", "token-1"] {
        assert!(!shown.contains(secret), "{secret:?} in {shown}");
    }
}

/// Checks the signature of a request as a server does, from what arrived alone.
#[track_caller]
fn assert_signed(request: &Recorded) {
    use hmac::{KeyInit, Mac};
    use sha2::Digest;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();

    let authorization = request.header("authorization");
    let (credential, signature) = authorization.split_once(",Signature=").expect("a signature");
    let (credential, names) = credential.split_once(",SignedHeaders=").expect("signed headers");
    assert_eq!(credential, "ACS3-HMAC-SHA256 Credential=the-id");
    let lines: String = names.split(';').map(|name| format!("{name}:{}\n", request.header(name))).collect();
    let hash = hex(&sha2::Sha256::digest(&request.body));
    assert_eq!(request.header("x-acs-content-sha256"), hash);
    let canonical = format!("{}\n/\n{}\n{lines}\n{names}\n{hash}", request.method, request.query());
    let text = format!("ACS3-HMAC-SHA256\n{}", hex(&sha2::Sha256::digest(canonical)));
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(text.as_bytes());
    assert_eq!(signature, hex(&mac.finalize().into_bytes()));
    for name in ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"] {
        assert!(names.split(';').any(|signed| signed == name), "{name} in {names}");
    }
}

#[tokio::test]
async fn a_small_request_travels_signed_in_the_query() {
    let server = Scripted::start([Step::ok(
        r#"{"RequestId":"r","ContainerGroups":[{"ContainerGroupId":"eci-1","Status":"Running"}],"NextToken":""}"#,
    )])
    .await;
    let reply = client(server.endpoint()).describe_container_groups(&read()).await.expect("a reply");
    assert_eq!(reply.container_groups[0].status, Status::Running);
    assert_eq!(reply.next_token, None);

    let request = &server.recorded()[0];
    assert_signed(request);
    assert_eq!((request.method.as_str(), request.uri.path()), ("POST", "/"));
    assert_eq!(request.query(), "ContainerGroupName=a%20b&RegionId=cn-test");
    assert_eq!((request.body.as_str(), request.header("content-length")), ("", "0"));
    assert_eq!(request.header("x-acs-action"), "DescribeContainerGroups");
    assert_eq!(request.header("x-acs-version"), "2018-08-08");
    assert_eq!(request.header("x-acs-date"), NOW);
    assert_eq!(request.header("accept"), "application/json");
    assert_eq!(format!("http://{}", request.header("host")), server.endpoint());
}

#[tokio::test]
async fn a_large_request_travels_signed_in_the_body() {
    let server = Scripted::start([Step::ok(r#"{"RequestId":"r","ContainerGroups":[]}"#)]).await;
    let filter = DescribeContainerGroupsRequest {
        tag: vec![Tag { key: "k".into(), value: "ü".repeat(2000) }],
        ..Default::default()
    };
    client(server.endpoint()).describe_container_groups(&filter).await.expect("a reply");
    let request = &server.recorded()[0];
    assert_signed(request);
    assert_eq!(request.query(), "");
    assert_eq!(request.header("content-type"), "application/x-www-form-urlencoded");
    assert!(request.body.starts_with("RegionId=cn-test&Tag.1.Key=k&Tag.1.Value=%C3%BC"), "{}", request.body);
}

#[tokio::test]
async fn a_request_with_a_secret_travels_in_the_body_however_small() {
    let server = Scripted::start([Step::ok(r#"{"RequestId":"r","ContainerGroupId":"eci-1"}"#)]).await;
    let created = client(server.endpoint()).create_container_group(&write()).await.expect("a reply");
    assert_eq!(created.container_group_id, "eci-1".into());
    let request = &server.recorded()[0];
    assert_signed(request);
    assert_eq!(request.query(), "");
    assert!(request.body.contains(PASSWORD));
}

#[tokio::test]
async fn temporary_keys_send_their_token() {
    let server = Scripted::start([Step::ok(r#"{"RequestId":"r"}"#)]).await;
    let eci = Client::builder("cn-test")
        .credentials(AccessKey::new("the-id", SECRET).with_security_token("the-token"))
        .endpoint(server.endpoint())
        .build()
        .expect("a client");
    eci.describe_regions(&DescribeRegionsRequest::default()).await.expect("a reply");
    let request = &server.recorded()[0];
    assert_signed(request);
    assert_eq!(request.header("x-acs-security-token"), "the-token");
    assert_eq!(request.header("x-acs-accesskey-id"), "the-id");
}

#[tokio::test]
async fn version_1_sends_everything_as_parameters_and_the_token_only_in_the_body() {
    let server = Scripted::start(vec![Step::ok(r#"{"RequestId":"r"}"#); 2]).await;
    let lasting = AccessKey::new("the-id", SECRET);
    for key in [lasting.clone(), lasting.with_security_token("the-token")] {
        let eci = Client::builder("cn-test")
            .credentials(key)
            .endpoint(server.endpoint())
            .signature(SignatureVersion::V1)
            .build()
            .expect("a client");
        eci.describe_container_groups(&read()).await.expect("a reply");
    }
    let [lasting, temporary] = &server.recorded()[..] else { panic!("two requests") };
    assert!(lasting.query().starts_with("AccessKeyId=the-id&Action=DescribeContainerGroups&"), "{lasting:?}");
    assert!(lasting.query().contains("&Signature=") && lasting.body.is_empty(), "{lasting:?}");
    assert!(
        temporary.body.contains("&SecurityToken=the-token&") && temporary.query().is_empty(),
        "{temporary:?}"
    );
    assert_eq!((lasting.header("authorization"), lasting.header("x-acs-action")), ("", ""));
}

#[tokio::test]
async fn a_bearer_token_travels_in_place_of_a_signature() {
    let server = Scripted::start(vec![Step::ok(r#"{"RequestId":"r"}"#); 2]).await;
    for version in [SignatureVersion::V3, SignatureVersion::V1] {
        let eci = Client::builder("cn-test")
            .credentials(AccessKey::bearer("the-token"))
            .endpoint(server.endpoint())
            .signature(version)
            .clock(|| NOW.parse::<Timestamp>().expect("RFC 3339"))
            .nonce(|| "nonce-1".to_owned())
            .build()
            .expect("a client");
        eci.describe_container_groups(&read()).await.expect("a reply");
    }
    let [v3, v1] = &server.recorded()[..] else { panic!("two requests") };
    assert_eq!(v3.query(), "ContainerGroupName=a%20b&RegionId=cn-test&SignatureType=BEARERTOKEN");
    let names: BTreeSet<&str> = v3.headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(
        names.into_iter().filter(|name| name.starts_with("x-acs-")).collect::<Vec<_>>(),
        [
            "x-acs-action",
            "x-acs-bearer-token",
            "x-acs-content-sha256",
            "x-acs-date",
            "x-acs-signature-nonce",
            "x-acs-version"
        ]
    );
    assert_eq!((v3.header("x-acs-bearer-token"), v3.header("authorization")), ("the-token", ""));
    // Not in the URL, which is logged on its way.
    assert_eq!(
        (v1.query(), v1.body.as_str()),
        (
            "",
            "Action=DescribeContainerGroups&BearerToken=the-token&ContainerGroupName=a%20b&Format=JSON\
             &RegionId=cn-test&SignatureNonce=nonce-1&SignatureType=BEARERTOKEN\
             &Timestamp=2026-01-02T03%3A04%3A05Z&Version=2018-08-08"
        )
    );
    assert_eq!((v1.header("x-acs-bearer-token"), v1.header("authorization")), ("", ""));
}

#[tokio::test]
async fn no_token_is_in_the_url_of_a_request_without_parameters() {
    for key in
        [AccessKey::new("the-id", SECRET).with_security_token("the-token"), AccessKey::bearer("the-token")]
    {
        for version in [SignatureVersion::V3, SignatureVersion::V1] {
            let server = Scripted::start([Step::ok(r#"{"RequestId":"r"}"#)]).await;
            let eci = Client::builder("cn-test")
                .credentials(key.clone())
                .endpoint(server.endpoint())
                .signature(version)
                .build()
                .expect("a client");
            eci.describe_regions(&DescribeRegionsRequest::default()).await.expect("a reply");
            let [request] = &server.recorded()[..] else { panic!("one request") };
            assert!(!request.query().contains("the-token"), "{request:?}");
            let in_header = ["x-acs-security-token", "x-acs-bearer-token"].map(|name| request.header(name));
            assert!(
                request.body.contains("Token=the-token") || in_header.contains(&"the-token"),
                "{request:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_refused_bearer_token_is_a_matter_of_credentials_and_not_shown() {
    let server = Scripted::start([Step::error(400, "InvalidBearerToken.Inactive", "it has expired")]).await;
    let eci = Client::builder("cn-test")
        .credentials(AccessKey::bearer(SECRET))
        .endpoint(server.endpoint())
        .build()
        .expect("a client");
    let error = eci.describe_container_groups(&read()).await.expect_err("a refusal");
    assert_discreet(&error);
    assert!(!format!("{eci:?}").contains(SECRET));
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
}

#[tokio::test]
async fn the_clients_region_is_added_where_the_request_names_none() {
    let empty = r#"{"RequestId":"r"}"#;
    let server = Scripted::start([Step::ok(empty), Step::ok(empty), Step::ok(empty)]).await;
    let eci = client(server.endpoint());
    let delete = DeleteContainerGroupRequest { container_group_id: "eci-1".into(), ..Default::default() };
    eci.delete_container_group(&delete).await.expect("a reply");
    let elsewhere = DeleteContainerGroupRequest { region_id: Some("cn-else".into()), ..delete };
    eci.delete_container_group(&elsewhere).await.expect("a reply");
    eci.describe_regions(&DescribeRegionsRequest::default()).await.expect("a reply");
    let queries: Vec<String> = server.recorded().iter().map(|request| request.query().to_owned()).collect();
    assert_eq!(
        queries,
        ["ContainerGroupId=eci-1&RegionId=cn-test", "ContainerGroupId=eci-1&RegionId=cn-else", ""]
    );
}

#[tokio::test]
async fn calls_share_a_connection_and_each_has_its_own_nonce() {
    let server = Scripted::start(vec![Step::ok(r#"{"RequestId":"r"}"#); 3]).await;
    let eci = client(server.endpoint());
    for _ in 0..3 {
        eci.describe_regions(&DescribeRegionsRequest::default()).await.expect("a reply");
    }
    assert_eq!(server.connections(), 1);
    let recorded = server.recorded();
    let nonces: Vec<&str> = recorded.iter().map(|request| request.header("x-acs-signature-nonce")).collect();
    assert_eq!(nonces, ["nonce-1", "nonce-2", "nonce-3"]);
}

#[tokio::test]
async fn logs_are_read_and_asked_for_by_time() {
    let server =
        Scripted::start([Step::ok(r#"{"RequestId":"r","ContainerName":"c","Content":"a\nb\n"}"#)]).await;
    let request = DescribeContainerLogRequest {
        container_group_id: "eci-1".into(),
        container_name: "c".into(),
        tail: Some(10),
        start_time: Some(NOW.parse().expect("RFC 3339")),
        ..Default::default()
    };
    let log = client(server.endpoint()).describe_container_log(&request).await.expect("a log");
    assert_eq!(log.content, "a\nb\n");
    assert_eq!(
        server.recorded()[0].query(),
        "ContainerGroupId=eci-1&ContainerName=c&RegionId=cn-test&StartTime=2026-01-02T03%3A04%3A05Z&Tail=10"
    );
}

#[tokio::test]
async fn an_error_of_the_api_keeps_its_facts() {
    let (_, error) = failures(Step::error(403, "QuotaExceeded", "Living instances quota exceeded.")).await;
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    assert_eq!(error.code(), Some("QuotaExceeded"));
    assert_eq!(error.request_id(), Some("req-1"));
    assert_eq!(error.http_status(), Some(403));
    assert_eq!(
        error.to_string(),
        "cannot complete \"CreateContainerGroup\": Living instances quota exceeded \
         (code \"QuotaExceeded\", HTTP 403, request id \"req-1\")"
    );
    assert!(!error.is_indeterminate());
}

#[tokio::test]
async fn codes_become_kinds() {
    use ErrorKind::*;
    let cases = [
        (404, "InvalidParameter.NotFound", NotFound),
        (400, "IdempotentParameterMismatch", IdempotentParameterMismatch),
        (400, "Throttling.User", Throttled { retry_after: None }),
        (503, "Throttling", Throttled { retry_after: None }),
        (403, "OperationDenied.NoStock", OutOfStock),
        (403, "Throttling.Vcpu.PerDay", QuotaExceeded),
        (400, "InvalidParameter.CPU.Memory", InvalidRequest),
        (403, "Forbidden.RAM", Denied),
        (400, "Account.Arrearage", Denied),
        (404, "InvalidAccessKeyId.NotFound", InvalidCredentials),
        (400, "SignatureDoesNotMatch", InvalidCredentials),
        (403, "InvalidSecurityToken.Expired", InvalidCredentials),
        (400, "InvalidTimeStamp.Expired", ClockSkew),
        (400, "IncorrectStatus", IncorrectStatus),
        (400, "ImageCache.IncorrectStatus", IncorrectStatus),
        (404, "InvalidInstanceId.NotFound", NotFound),
        (400, "DryRunOperation", DryRun),
        (400, "Degrade.Api", Unavailable),
        (404, "InvalidAction.NotFound", Bug),
        (400, "SomethingNew", Unrecognized),
    ];
    for (status, code, kind) in cases {
        let (read, write) = failures(Step::error(status, code, "m")).await;
        assert_eq!((read.kind(), write.kind()), (kind, kind), "{code}");
        assert_eq!(write.code(), Some(code));
    }
}

const UNANSWERED: (ErrorKind, ErrorKind) = (ErrorKind::Unavailable, ErrorKind::Indeterminate);

#[tokio::test]
async fn a_failure_of_the_service_leaves_a_write_open() {
    assert_eq!(kinds(Step::error(500, "InternalError", "m")).await, UNANSWERED);
    assert_eq!(kinds(Step::error(408, "ReadTimeout", "m")).await, UNANSWERED);
    assert_eq!(kinds(Step::error(503, "ServiceUnavailable", "m")).await, UNANSWERED);
    assert_eq!(kinds(Step::error(500, "SomethingNew", "m")).await, UNANSWERED);
    assert_eq!(kinds(Step::error(500, "InvalidParameter", "m")).await, UNANSWERED);
    assert_eq!(kinds(Step::error(408, "RequestTimeout", "m")).await, UNANSWERED);
    // The request came twice: what the first of the two did is not known.
    assert_eq!(kinds(Step::error(400, "SignatureNonceUsed", "m")).await, UNANSWERED);
}

#[tokio::test]
async fn a_page_of_a_proxy_leaves_a_write_open_and_is_not_quoted() {
    for status in [200, 302, 403, 502] {
        let page = "<html>cannot fetch http://host/?ContainerGroupName=web</html>".to_owned();
        let html = vec![("content-type", "text/html")];
        let (read, write) = failures(Step::Answer(status, html, page)).await;
        assert_eq!((read.kind(), write.kind()), UNANSWERED, "HTTP {status}");
        assert_eq!(write.http_status(), Some(status));
    }
    let busy = Step::Answer(429, vec![("retry-after", "7")], String::new());
    let wait = ErrorKind::Throttled { retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(kinds(busy).await, (wait, wait));
}

#[tokio::test]
async fn throttling_says_how_long_to_wait() {
    let body = r#"{"RequestId":"r","Code":"Throttling.Api","Message":"m"}"#.to_owned();
    let wait = ErrorKind::Throttled { retry_after: Some(Duration::from_millis(1500)) };
    assert_eq!(kinds(Step::Answer(400, vec![("x-acs-retry-after", "1500")], body)).await, (wait, wait));
}

#[tokio::test]
async fn an_error_that_comes_with_200_is_an_error() {
    let (read, write) = failures(Step::error(200, "OperationDenied.NoStock", "m")).await;
    assert_eq!((read.kind(), write.kind()), (ErrorKind::OutOfStock, ErrorKind::OutOfStock));
    let unknown = kinds(Step::error(200, "SomethingNew", "m")).await;
    assert_eq!(unknown, (ErrorKind::Unrecognized, ErrorKind::Indeterminate));
    let lower = r#"{"requestid":"r","code":"Throttling","message":"m"}"#;
    assert!(matches!(kinds(Step::ok(lower)).await.0, ErrorKind::Throttled { .. }));
}

#[tokio::test]
async fn half_a_body_is_no_answer() {
    let half = r#"{"RequestId":"r","ContainerGroupId":"eci-1","#;
    assert_eq!(kinds(Step::Cut(half.to_owned())).await, UNANSWERED);
    assert_eq!(kinds(Step::ok(half)).await, UNANSWERED);
    assert_eq!(kinds(Step::ok("")).await, UNANSWERED);
}

#[tokio::test]
async fn a_broken_connection_leaves_a_write_open() {
    assert_eq!(kinds(Step::DropAfterRead).await, UNANSWERED);
    assert_eq!(kinds(Step::DropBeforeRead).await, UNANSWERED);
}

#[tokio::test]
async fn a_refused_connection_is_proof_that_nothing_was_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let error = client(endpoint).create_container_group(&write()).await.expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_discreet(&error);
}

#[tokio::test]
async fn a_host_without_address_is_proof_that_nothing_was_sent() {
    let error =
        client("http://no-such-host.invalid").create_container_group(&write()).await.expect_err("no host");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_discreet(&error);
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_with_the_deadline() {
    let server = Scripted::start([Step::Hang, Step::Hang]).await;
    let eci = client(server.endpoint()).with_deadline(Duration::from_millis(100));
    let error = eci.describe_container_groups(&read()).await.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let error = eci.create_container_group(&write()).await.expect_err("no answer");
    assert!(error.is_indeterminate());
    assert_eq!(error.message(), "no answer within 100ms");
    assert_discreet(&error);
}

#[tokio::test]
async fn a_reply_that_is_not_as_declared_names_action_and_field() {
    let wrong = r#"{"RequestId":"r","ContainerGroupId":["hunter2"],"ContainerGroups":[{"Cpu":"hunter2"}]}"#;
    let (unread, undone) = failures(Step::ok(wrong)).await;
    assert_eq!(unread.kind(), ErrorKind::Bug);
    let shown = unread.to_string();
    assert!(shown.contains("\"DescribeContainerGroups\""), "{shown}");
    assert!(shown.contains("at ContainerGroups[0].Cpu: expected a number, found text"), "{shown}");
    assert!(undone.is_indeterminate());
    assert!(undone.to_string().contains("at ContainerGroupId: expected text, found a list"), "{undone}");
    assert!(!format!("{unread:?}{undone:?}").contains("hunter2"));

    let server = Scripted::start([Step::ok(r#"{"RequestId":"r"}"#)]).await;
    let without_id = client(server.endpoint()).create_container_group(&write()).await.expect_err("no id");
    assert!(without_id.is_indeterminate(), "something may have been created");
}

#[tokio::test]
async fn the_string_the_server_signed_is_cut_from_its_message() {
    let message = "Specified signature is not matched with our calculation. \
                   Server String To Sign is:POST&%2F&ContainerGroupName=web";
    let (_, error) = failures(Step::error(400, "SignatureDoesNotMatch", message)).await;
    assert_eq!(error.message(), "Specified signature is not matched with our calculation");
    let echo = format!("the password {PASSWORD} is too long");
    let server = Scripted::start([Step::error(400, "InvalidParameter", &echo)]).await;
    let error = client(server.endpoint()).create_container_group(&write()).await.expect_err("a refusal");
    assert_discreet(&error);
    assert_eq!(error.message(), "the password [redacted] is too long");
}

fn page(ids: &[&str], token: &str) -> Step {
    let groups: Vec<String> = ids.iter().map(|id| format!(r#"{{"ContainerGroupId":"{id}"}}"#)).collect();
    let groups = groups.join(",");
    Step::ok(&format!(
        r#"{{"RequestId":"r","ContainerGroups":[{groups}],"Data":[{groups}],"NextToken":"{token}"}}"#
    ))
}

#[tokio::test]
async fn a_list_follows_its_tokens_to_the_end() {
    let server = Scripted::start([page(&["a", "b"], "t1"), page(&[], "t2"), page(&["c"], "")]).await;
    let groups = client(server.endpoint()).list_container_groups(&read()).await.expect("a list");
    let ids: Vec<&str> = groups.iter().map(|group| group.container_group_id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let queries: Vec<String> = server.recorded().iter().map(|request| request.query().to_owned()).collect();
    assert_eq!(
        queries,
        [
            "ContainerGroupName=a%20b&RegionId=cn-test",
            "ContainerGroupName=a%20b&NextToken=t1&RegionId=cn-test",
            "ContainerGroupName=a%20b&NextToken=t2&RegionId=cn-test",
        ]
    );
}

#[tokio::test]
async fn a_list_of_statuses_follows_its_tokens_too() {
    let server = Scripted::start([page(&["a"], "t1"), page(&["b"], "")]).await;
    let filter = DescribeContainerGroupStatusRequest { limit: Some(200), ..Default::default() };
    let statuses = client(server.endpoint()).list_container_group_statuses(&filter).await.expect("a list");
    assert_eq!(statuses.len(), 2);
}

#[tokio::test]
async fn a_list_whose_tokens_lead_in_a_circle_is_an_error() {
    let server = Scripted::start([page(&["a"], "t1"), page(&["b"], "t2"), page(&["a"], "t1")]).await;
    let error = client(server.endpoint()).list_container_groups(&read()).await.expect_err("a circle");
    assert_eq!(error.kind(), ErrorKind::Bug);
    assert_eq!(server.recorded().len(), 3);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_an_error_and_not_a_part() {
    let server = Scripted::start([page(&["a"], "t1"), Step::error(500, "InternalError", "m")]).await;
    let error = client(server.endpoint()).list_container_groups(&read()).await.expect_err("half a list");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn after_a_failed_page_the_same_page_can_be_fetched_again() {
    let script = [page(&["a"], "t1"), Step::error(500, "InternalError", "m"), page(&["b"], "")];
    let server = Scripted::start(script).await;
    let eci = client(server.endpoint());
    let mut pages = eci.pages(read());
    assert_eq!(pages.next().await.expect("a page").map(|page| page.len()), Some(1));
    assert_eq!(pages.next().await.expect_err("a failure").kind(), ErrorKind::Unavailable);
    assert_eq!(pages.next().await.expect("a page").map(|page| page.len()), Some(1));
    assert!(pages.next().await.expect("the end").is_none());
    assert_eq!(server.recorded()[2].query(), "ContainerGroupName=a%20b&NextToken=t1&RegionId=cn-test");
}
