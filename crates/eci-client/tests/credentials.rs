//! Holds each source of credentials: what it asks for, how long it keeps a key, when it counts as absent or broken.
#![cfg(feature = "client-core")]

mod world;

use std::sync::Arc;

use eci_client::credentials::{
    AssumeRole, Chain, CliProfile, CredentialsUri, ExternalCommand, IniProfile, InstanceRole, MountedFiles,
    OidcRole, Role,
};
use eci_client::sign::SignatureVersion;
use eci_client::{AccessKey, CredentialsError, ProvideCredentials};
use world::{Reply, World};

const SECRET: &str = "hunter2-secret";

/// The four fields, ending this many minutes after midnight of the test's first day.
fn fields(id: &str, ends: i64) -> String {
    let end = format!("2026-01-01T{:02}:{:02}:00Z", ends / 60, ends % 60);
    format!(
        r#""AccessKeyId":"{id}","AccessKeySecret":"{SECRET}","SecurityToken":"tok3n","Expiration":"{end}""#
    )
}

fn assumed(id: &str, ends: i64) -> String {
    format!(r#"{{"RequestId":"r","AssumedRoleUser":{{}},"Credentials":{{{}}}}}"#, fields(id, ends))
}

fn metadata(id: &str, ends: i64) -> String {
    format!(r#"{{"Code":"Success","LastUpdated":"",{}}}"#, fields(id, ends))
}

async fn id(source: &dyn ProvideCredentials) -> String {
    source.provide().await.expect("no failure").expect("a key").id().to_owned()
}

async fn is_absent(source: &dyn ProvideCredentials) -> bool {
    source.provide().await.expect("no failure").is_none()
}

/// The whole text of a failure, which must not hold a secret.
async fn failure(source: &dyn ProvideCredentials) -> (CredentialsError, String) {
    let error = source.provide().await.expect_err("a failure");
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(&format!(" {inner}"));
        cause = inner.source();
    }
    for secret in [SECRET, "tok3n", "oidc-token"] {
        assert!(!text.contains(secret), "{text}");
    }
    (error, text)
}

async fn is_refused(source: &dyn ProvideCredentials) -> bool {
    matches!(failure(source).await.0, CredentialsError::Refused(_))
}

fn role() -> Role {
    Role::new("acs:ram::1:role/r").sts_endpoint("https://sts.example")
}

fn own_key() -> AccessKey {
    AccessKey::new("own", SECRET)
}

// ---- chain ----

#[tokio::test]
async fn the_environment_comes_first_and_the_instance_is_not_asked() {
    let world = World::default();
    world.var("ALIBABA_CLOUD_ACCESS_KEY_ID", "env").var("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET);
    world.var("HOME", "/h").file("/h/.aliyun/config.json", "not read");
    assert_eq!(id(&Chain::official(&world.surroundings())).await, "env");
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn the_official_order_is_kept() {
    let world = World::default();
    world.var("HOME", "/h").var("ALIBABA_CLOUD_CREDENTIALS_URI", "http://local/keys");
    let chain = || Chain::official(&world.surroundings());

    // Token and role list of the instance, in both versions, and then the URI.
    world.replies(Reply::NotThere).replies(Reply::NotThere).says(200, metadata("uri", 600));
    assert_eq!(id(&chain()).await, "uri");
    world.says(200, "session").says(200, "the-role\n").says(200, metadata("instance", 600));
    assert_eq!(id(&chain()).await, "instance");
    world.file(
        "/h/.alibabacloud/credentials.ini",
        "[default]\ntype=access_key\naccess_key_id=ini\naccess_key_secret=s",
    );
    assert_eq!(id(&chain()).await, "ini");
    world.file(
        "/h/.aliyun/config.json",
        r#"{"current":"p","profiles":[{"name":"p","mode":"AK","access_key_id":"cli","access_key_secret":"s"}]}"#,
    );
    assert_eq!(id(&chain()).await, "cli");
    world.var("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r").var("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p");
    assert_eq!(id(&chain()).await, "cli", "two of three are not a configuration");
    world.var("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/token").file("/token", "oidc-token");
    world.says(200, assumed("oidc", 600));
    assert_eq!(id(&chain()).await, "oidc");
    world.var("ALIBABA_CLOUD_ACCESS_KEY_ID", "env").var("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET);
    assert_eq!(id(&chain()).await, "env");
}

#[tokio::test]
async fn a_chain_without_any_source_is_absent_and_a_broken_source_ends_it() {
    let world = World::default();
    assert!(is_absent(&Chain::official(&world.surroundings())).await);
    world.var("HOME", "/h").file("/h/.aliyun/config.json", "{");
    world.var("ALIBABA_CLOUD_CREDENTIALS_URI", "http://local/keys");
    let before = world.lines().len();
    assert!(is_refused(&Chain::official(&world.surroundings())).await);
    assert_eq!(world.lines().len(), before, "nobody else is asked");
}

#[tokio::test]
async fn sources_can_be_switched_off() {
    let world = World::default();
    world.var("HOME", "/h").var("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "TRUE");
    world.var("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true").file("/h/.aliyun/config.json", "{");
    assert!(is_absent(&Chain::official(&world.surroundings())).await);
    assert!(world.lines().is_empty());
}

// ---- roles ----

#[tokio::test]
async fn a_role_is_assumed_with_a_signed_request_of_either_version() {
    for (version, header) in [(SignatureVersion::V3, true), (SignatureVersion::V1, false)] {
        let world = World::default();
        world.says(200, assumed("temporary", 60));
        let role = role().signature(version).session_name("me").external_id("ext").policy("{}");
        let source = AssumeRole::new(own_key(), role, &world.surroundings());
        let key = source.provide().await.expect("no failure").expect("a key");
        assert_eq!(key.expires_at(), Some("2026-01-01T01:00:00Z".parse().expect("a time")));
        let sent = &world.sent()[0];
        assert_eq!(sent.line, "POST https://sts.example/");
        for part in [
            "RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr",
            "RoleSessionName=me",
            "DurationSeconds=3600",
            "ExternalId=ext",
        ] {
            assert!(sent.body.contains(part), "{}", sent.body);
        }
        assert_eq!(sent.headers.get("x-acs-action").is_some_and(|action| action == "AssumeRole"), header);
        assert_eq!(sent.body.contains("Signature=") && sent.body.contains("Action=AssumeRole&"), !header);
        assert!(!sent.body.contains(SECRET));
    }
}

#[tokio::test]
async fn roles_can_be_chained() {
    let world = World::default();
    world.says(200, assumed("first", 60)).says(200, assumed("second", 60));
    let first = AssumeRole::new(own_key(), role(), &world.surroundings());
    let second = AssumeRole::new(first, role(), &world.surroundings());
    assert_eq!(id(&second).await, "second");
    let authorization = |index: usize| format!("{:?}", world.sent()[index].headers.get("x-acs-accesskey-id"));
    assert!(authorization(1).contains("first"));
}

#[tokio::test]
async fn a_key_is_kept_until_a_quarter_of_an_hour_before_its_end() {
    let world = World::default();
    world.says(200, assumed("one", 60)).says(200, assumed("two", 120));
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    for (passes, expected) in [(0, "one"), (44, "one"), (2, "two"), (30, "two")] {
        world.pass(passes);
        assert_eq!(id(&source).await, expected);
    }
    assert_eq!(world.lines().len(), 2);
}

#[tokio::test]
async fn a_short_lived_key_is_kept_too() {
    let world = World::default();
    world.says(200, assumed("short", 15));
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    for _ in 0..3 {
        assert_eq!(id(&source).await, "short");
        world.pass(3);
    }
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test]
async fn many_callers_cause_one_refresh() {
    let world = World::default();
    world.says(200, assumed("one", 60));
    let source = Arc::new(AssumeRole::new(own_key(), role(), &world.surroundings()));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let source = Arc::clone(&source);
            tokio::spawn(async move { id(&*source).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("no panic"), "one");
    }
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let world = World::default();
    world.replies(Reply::NotThere).says(503, "<html>").says(200, assumed("one", 60));
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    for _ in 0..2 {
        assert!(matches!(failure(&source).await.0, CredentialsError::Unreachable(_)));
    }
    assert_eq!(id(&source).await, "one");
}

#[tokio::test]
async fn while_renewal_fails_the_old_key_serves_to_its_last_minute() {
    let world = World::default();
    world.says(200, assumed("old", 60));
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    assert_eq!(id(&source).await, "old");
    world.pass(50);
    assert_eq!(id(&source).await, "old");
    assert_eq!(id(&source).await, "old");
    assert_eq!(world.lines().len(), 2, "between two tries there is a pause");
    world.pass(9);
    assert!(matches!(failure(&source).await.0, CredentialsError::Unreachable(_)));
    world.says(200, assumed("new", 120));
    assert_eq!(id(&source).await, "new");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_keeps_nobody_from_a_key_that_is_valid() {
    let world = World::default();
    let told = Arc::new(tokio::sync::Notify::new());
    world.says(200, assumed("old", 60)).replies(Reply::Hangs(Arc::clone(&told), assumed("new", 120)));
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    assert_eq!(id(&source).await, "old");
    world.pass(50);
    let started = tokio::time::Instant::now();
    for _ in 0..10 {
        // A caller that goes away does not end the search.
        _ = tokio::time::timeout(std::time::Duration::from_millis(10), source.provide()).await;
        assert_eq!(id(&source).await, "old");
    }
    let waited = started.elapsed();
    assert!(waited < std::time::Duration::from_secs(2), "all of them together waited {waited:?}");
    told.notify_one();
    while id(&source).await == "old" {
        tokio::task::yield_now().await;
    }
    assert_eq!(id(&source).await, "new");
    assert_eq!(world.lines().len(), 2, "one refresh");
}

#[tokio::test(start_paused = true)]
async fn a_search_outlives_the_callers_who_gave_up_on_it() {
    let world = World::default();
    let told = Arc::new(tokio::sync::Notify::new());
    world.replies(Reply::Hangs(Arc::clone(&told), assumed("slow", 60)));
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    for _ in 0..3 {
        assert!(tokio::time::timeout(std::time::Duration::from_secs(1), source.provide()).await.is_err());
    }
    told.notify_one();
    assert_eq!(id(&source).await, "slow");
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test]
async fn those_who_wait_together_share_a_failure_with_its_cause() {
    let world = World::default();
    world.says(403, r#"{"RequestId":"r-7","HostId":"sts","Code":"NoPermission","Message":"no"}"#);
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    let results = tokio::join!(failure(&source), failure(&source), failure(&source));
    for (error, text) in [results.0, results.1, results.2] {
        assert!(matches!(error, CredentialsError::Refused(_)));
        assert!(text.contains("NoPermission") && text.contains("r-7"), "{text}");
    }
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test]
async fn a_search_whose_runtime_is_gone_is_begun_anew() {
    let world = World::default();
    world.replies(Reply::Hangs(Arc::default(), String::new())).says(200, assumed("one", 60));
    let source = Arc::new(AssumeRole::new(own_key(), role(), &world.surroundings()));
    let other = Arc::clone(&source);
    let gone = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let soon = std::time::Duration::from_millis(10);
        runtime.block_on(async { assert!(tokio::time::timeout(soon, other.provide()).await.is_err()) });
    });
    gone.join().expect("no panic");
    assert_eq!(id(&*source).await, "one");
}

#[tokio::test]
async fn a_machine_whose_clock_is_ahead_does_not_ask_for_each_call() {
    let world = World::default();
    world.pass(600);
    world.says(200, assumed("one", 60)).says(200, assumed("two", 60));
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    for _ in 0..5 {
        assert_eq!(id(&source).await, "one");
    }
    world.pass(1);
    assert_eq!(id(&source).await, "two");
}

#[tokio::test]
async fn a_key_that_sts_does_not_take_is_told_to_its_source() {
    const EXPIRED: &str =
        r#"{"RequestId":"r","HostId":"h","Code":"InvalidSecurityToken.Expired","Message":"old"}"#;
    let world = World::default();
    world.says(200, metadata("first", 360)).says(400, EXPIRED);
    world.says(200, metadata("second", 360)).says(200, assumed("role", 60));
    let base = CredentialsUri::new("http://local/k", &world.surroundings());
    let source = AssumeRole::new(base, role(), &world.surroundings());
    assert_eq!(id(&source).await, "role");
    let signed = |index: usize| world.sent()[index].headers["x-acs-accesskey-id"].clone();
    assert_eq!([signed(1), signed(3)], ["first", "second"]);

    // A key that stays the same is not tried again.
    world.says(400, EXPIRED);
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    assert!(is_refused(&source).await);
    assert_eq!(world.lines().len(), 5);
}

#[tokio::test]
async fn a_refused_key_is_forgotten_and_another_one_is_not() {
    let world = World::default();
    world.says(200, assumed("one", 60)).says(200, assumed("two", 60));
    let source = AssumeRole::new(own_key(), role(), &world.surroundings());
    let one = source.provide().await.expect("no failure").expect("a key");
    source.refused(&AccessKey::new("other", "key"));
    assert_eq!(id(&source).await, "one");
    source.refused(&one);
    assert_eq!(id(&source).await, "two");
}

#[tokio::test]
async fn a_refusal_of_sts_says_why_and_no_secret() {
    let world = World::default();
    let words = "not allowed; server string to sign is: hunter2-secret";
    world.says(
        403,
        format!(r#"{{"RequestId":"r-7","HostId":"sts","Code":"NoPermission","Message":"{words}"}}"#),
    );
    let (error, text) = failure(&AssumeRole::new(own_key(), role(), &world.surroundings())).await;
    assert!(matches!(error, CredentialsError::Refused(_)));
    assert!(text.contains("NoPermission") && text.contains("r-7"), "{text}");
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_for_sts_too() {
    let world = World::default();
    let late = r#"{"RequestId":"r","HostId":"h","Code":"InvalidTimeStamp.Expired","Message":"late"}"#;
    world.replies(Reply::Dated(400, "Thu, 01 Jan 2026 02:00:00 GMT", late.to_owned()));
    world.says(200, assumed("one", 180));
    assert_eq!(id(&AssumeRole::new(own_key(), role(), &world.surroundings())).await, "one");
    assert_eq!(world.sent()[1].headers["x-acs-date"], "2026-01-01T02:00:00Z");
}

#[tokio::test]
async fn a_token_of_an_identity_provider_is_read_for_each_key_and_sent_unsigned() {
    let world = World::default();
    world.file("/token", "oidc-token-1\n").says(200, assumed("one", 60)).says(200, assumed("two", 120));
    let source = OidcRole::new(role(), "acs:ram::1:oidc-provider/p", "/token", &world.surroundings());
    assert_eq!(id(&source).await, "one");
    world.file("/token", "oidc-token-2\n").pass(50);
    assert_eq!(id(&source).await, "two");
    let sent = world.sent();
    assert!(sent[0].body.contains("OIDCToken=oidc-token-1&"), "{}", sent[0].body);
    assert!(sent[1].body.contains("OIDCToken=oidc-token-2&"), "{}", sent[1].body);
    assert!(sent[0].body.contains("Action=AssumeRoleWithOIDC&") && !sent[0].body.contains("Signature="));
    assert!(sent[0].headers.get("authorization").is_none());
}

#[tokio::test]
async fn a_refused_token_is_not_quoted_and_a_missing_one_is_a_failure() {
    let world = World::default();
    world.file("/token", "oidc-token");
    world.says(
        400,
        r#"{"RequestId":"r","Code":"AuthenticationFail.OIDCToken.Invalid","Message":"oidc-token is bad"}"#,
    );
    let source = OidcRole::new(role(), "p", "/token", &world.surroundings());
    assert!(is_refused(&source).await);
    world.without_file("/token");
    assert!(is_refused(&source).await);
}

#[tokio::test]
async fn the_environment_names_the_region_of_sts_and_the_session() {
    let world = World::default();
    for (name, value) in [
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/r"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/token"),
        ("ALIBABA_CLOUD_STS_REGION", "cn-test"),
        ("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true"),
        ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "pod-7"),
    ] {
        world.var(name, value);
    }
    world.file("/token", "oidc-token").says(200, assumed("one", 60));
    let source = OidcRole::from_environment(&world.surroundings()).expect("all three are set");
    assert_eq!(id(&source).await, "one");
    assert_eq!(world.sent()[0].line, "POST https://sts-vpc.cn-test.aliyuncs.com/");
    assert!(world.sent()[0].body.contains("RoleSessionName=pod-7"));
}

// ---- instance ----

#[tokio::test]
async fn the_instance_is_asked_with_a_session_token() {
    let world = World::default();
    world.says(200, "session").says(200, "the-role").says(200, metadata("instance", 360));
    let surroundings = world.surroundings().metadata_endpoint("http://127.0.0.1:1/");
    assert_eq!(id(&InstanceRole::new(&surroundings)).await, "instance");
    let path = "http://127.0.0.1:1/latest";
    assert_eq!(
        world.lines(),
        [
            format!("PUT {path}/api/token"),
            format!("GET {path}/meta-data/ram/security-credentials/"),
            format!("GET {path}/meta-data/ram/security-credentials/the-role"),
        ]
    );
    assert_eq!(world.sent()[0].headers["x-aliyun-ecs-metadata-token-ttl-seconds"], "21600");
    assert_eq!(world.sent()[2].headers["x-aliyun-ecs-metadata-token"], "session");
}

#[tokio::test]
async fn version_1_of_the_metadata_serves_where_there_is_no_token_unless_it_is_forbidden() {
    let world = World::default();
    world.says(404, "").says(200, metadata("instance", 360));
    assert_eq!(id(&InstanceRole::new(&world.surroundings()).role_name("r")).await, "instance");
    assert!(world.sent()[1].headers.get("x-aliyun-ecs-metadata-token").is_none());

    world.says(404, "");
    assert!(is_refused(&InstanceRole::new(&world.surroundings()).role_name("r").without_v1()).await);
    assert_eq!(world.lines().len(), 3);
}

#[tokio::test]
async fn no_metadata_is_absent_unless_a_role_is_named() {
    let world = World::default();
    assert!(is_absent(&InstanceRole::new(&world.surroundings())).await);
    let named = InstanceRole::new(&world.surroundings()).role_name("r");
    assert!(matches!(failure(&named).await.0, CredentialsError::Unreachable(_)));
    world.says(200, "session").says(404, "no role");
    assert!(is_absent(&InstanceRole::new(&world.surroundings())).await);
    world.says(200, "session").says(200, r#"{"Code":"Failed"}"#);
    assert!(is_refused(&named).await);
}

#[tokio::test]
async fn metadata_that_is_away_for_a_moment_changes_nobodys_identity() {
    for hiccup in
        [vec![Reply::NotThere; 2], vec![Reply::Says(200, "session".into()), Reply::Says(404, "".into())]]
    {
        let world = World::default();
        world.var("ALIBABA_CLOUD_CREDENTIALS_URI", "http://local/keys");
        world.says(200, "session").says(200, "the-role").says(200, metadata("instance", 360));
        let chain = Chain::official(&world.surroundings());
        assert_eq!(id(&chain).await, "instance");
        world.pass(346);
        hiccup.into_iter().for_each(|reply| _ = world.replies(reply));
        assert_eq!(id(&chain).await, "instance", "the key is valid for a quarter of an hour");
        world.pass(14);
        world.replies(Reply::NotThere).replies(Reply::NotThere).says(200, metadata("another", 720));
        assert!(matches!(failure(&chain).await.0, CredentialsError::Unreachable(_)));
    }
}

#[tokio::test]
async fn a_profile_that_wants_the_instances_role_is_no_absent_one() {
    for mode in ["EcsRamRole", "RamRoleArnWithRoleName"] {
        for (answers, expected) in [
            (vec![Reply::NotThere; 2], "does not answer"),
            (vec![Reply::Says(200, "session".into()), Reply::Says(404, "".into())], "attach a RAM role"),
        ] {
            let world = World::default();
            world.var("HOME", "/h").var("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true");
            world.var("ALIBABA_CLOUD_CREDENTIALS_URI", "http://local/keys");
            let text = format!(
                r#"{{"current":"p","profiles":[{{"name":"p","mode":"{mode}","ram_role_arn":"r"}}]}}"#
            );
            world.file("/h/.aliyun/config.json", &text);
            answers.into_iter().for_each(|reply| _ = world.replies(reply));
            world.says(200, metadata("another", 720));
            let (_, text) = failure(&Chain::official(&world.surroundings())).await;
            assert!(text.contains(r#"the profile "p""#) && text.contains(expected), "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_near_is_asked_directly_and_the_rest_as_sts_is() {
    let (proxied, direct) = (World::default(), World::default());
    let surroundings = proxied.surroundings().metadata_transport(direct.clone());
    direct.says(200, metadata("near", 60));
    assert_eq!(id(&CredentialsUri::new("http://127.0.0.1:9/k", &surroundings)).await, "near");
    proxied.says(200, metadata("far", 60)).says(200, assumed("role", 60));
    assert_eq!(id(&CredentialsUri::new("https://keys.example.com/k", &surroundings)).await, "far");
    assert_eq!(id(&AssumeRole::new(own_key(), role(), &surroundings)).await, "role");
    direct.says(200, "session").says(200, metadata("instance", 60));
    assert_eq!(id(&InstanceRole::new(&surroundings).role_name("r")).await, "instance");
}

#[tokio::test]
async fn a_credentials_uri_is_asked_and_never_shown() {
    let world = World::default();
    world.says(200, metadata("uri", 60)).says(200, r#"{"Code":"Success","AccessKeyId":"a"}"#).says(500, "");
    let source = || CredentialsUri::new("http://local/keys?auth=hunter2-secret", &world.surroundings());
    assert_eq!(id(&source()).await, "uri");
    assert!(is_refused(&source()).await);
    assert!(matches!(failure(&source()).await.0, CredentialsError::Unreachable(_)));
}

// ---- profiles ----

fn config(current: &str, profiles: &str) -> String {
    format!(r#"{{"current":"{current}","profiles":[{profiles}],"meta_path":""}}"#)
}

const CONFIG: &str = "/config.json";
const KEY: &str = r#""access_key_id":"ak","access_key_secret":"hunter2-secret""#;

fn profile(world: &World, body: &str) -> CliProfile {
    world.file(CONFIG, &config("p", &format!(r#"{{"name":"p",{body}}}"#)));
    CliProfile::new(CONFIG, &world.surroundings())
}

#[tokio::test]
async fn every_mode_without_a_browser_gives_a_key() {
    let world = World::default();
    assert_eq!(id(&profile(&world, &format!(r#""mode":"AK",{KEY}"#))).await, "ak");
    let source = profile(&world, &format!(r#""mode":"StsToken",{KEY},"sts_token":"tok3n""#));
    assert_eq!(id(&source).await, "ak");

    let role = r#""ram_role_arn":"acs:ram::1:role/r","ram_session_name":"s","expired_seconds":900,"sts_region":"cn-test""#;
    world.says(200, assumed("role", 60));
    assert_eq!(id(&profile(&world, &format!(r#""mode":"RamRoleArn",{KEY},{role}"#))).await, "role");
    let sent = world.sent().pop().expect("a request");
    assert_eq!(sent.line, "POST https://sts.cn-test.aliyuncs.com/");
    assert!(
        sent.body.contains("DurationSeconds=900") && sent.body.contains("RoleSessionName=s"),
        "{}",
        sent.body
    );

    world.says(200, "session").says(200, metadata("instance", 60));
    assert_eq!(id(&profile(&world, r#""mode":"EcsRamRole","ram_role_name":"r""#)).await, "instance");

    world.file("/token", "oidc-token").says(200, assumed("oidc", 60));
    let oidc = format!(r#""mode":"OIDC",{role},"oidc_provider_arn":"p","oidc_token_file":"/token""#);
    assert_eq!(id(&profile(&world, &oidc)).await, "oidc");

    world.prints(r#"{"mode":"StsToken","access_key_id":"ext","access_key_secret":"s","sts_token":"t"}"#);
    assert_eq!(
        id(&profile(&world, r#""mode":"External","process_command":"get-key 'for me' -v""#)).await,
        "ext"
    );
    assert_eq!(world.commands_run(), ["get-key for me|-v"]);

    world.says(200, assumed("chained", 60));
    let chained = format!(
        r#"{{"name":"p","mode":"ChainableRamRoleArn","source_profile":"base",{role}}},{{"name":"base","mode":"AK",{KEY}}}"#
    );
    world.file(CONFIG, &config("p", &chained));
    assert_eq!(id(&CliProfile::new(CONFIG, &world.surroundings())).await, "chained");
}

#[tokio::test]
async fn a_token_left_over_from_another_mode_is_not_the_keys() {
    for mode in ["AK", ""] {
        let world = World::default();
        let body =
            format!(r#""mode":"{mode}","access_key_id":"a","access_key_secret":"b","sts_token":"left over""#);
        let key = profile(&world, &body).provide().await.expect("no failure");
        assert_eq!(key, Some(AccessKey::new("a", "b")), "{mode:?}");
    }
}

#[tokio::test]
async fn a_profile_is_chosen_by_name_and_absent_when_there_is_none() {
    let world = World::default();
    let source = || CliProfile::new(CONFIG, &world.surroundings());
    assert!(is_absent(&source()).await);
    world.file(CONFIG, &config("none", &format!(r#"{{"name":"q","mode":"AK",{KEY}}}"#)));
    assert!(is_absent(&source()).await);
    assert_eq!(id(&source().named("q")).await, "ak");
    assert!(is_absent(&profile(&world, r#""mode":"AK","access_key_id":"","access_key_secret":"""#)).await);
}

#[tokio::test]
async fn a_broken_profile_is_a_failure() {
    let world = World::default();
    for body in [
        r#""mode":"AK","access_key_id":"ak""#,
        r#""mode":"StsToken","access_key_id":"ak","access_key_secret":"hunter2-secret""#,
        r#""mode":"RamRoleArn","access_key_id":"ak","access_key_secret":"hunter2-secret""#,
        r#""mode":"CloudSSO""#,
        r#""mode":"ChainableRamRoleArn","source_profile":"p","ram_role_arn":"r""#,
        r#""mode":"External","process_command":"fails""#,
        r#""mode":7"#,
    ] {
        assert!(is_refused(&profile(&world, body)).await, "{body}");
    }
}

#[tokio::test]
async fn a_changed_profile_counts_at_once_and_an_unchanged_one_keeps_its_key() {
    let world = World::default();
    world.says(200, "session").says(200, metadata("instance", 360));
    let source = profile(&world, r#""mode":"EcsRamRole","ram_role_name":"r""#);
    assert_eq!(id(&source).await, "instance");
    assert_eq!(id(&source).await, "instance");
    assert_eq!(world.lines().len(), 2);
    profile(&world, &format!(r#""mode":"AK",{KEY}"#));
    assert_eq!(id(&source).await, "ak");
}

#[tokio::test]
async fn sections_of_an_ini_file_are_read() {
    let world = World::default();
    let ini = "; comment\n[default]\ntype = access_key\naccess_key_id = ini # mine\naccess_key_secret = hunter2-secret\n\
        [role]\ntype=ram_role_arn\naccess_key_id=a\naccess_key_secret=b\nrole_arn=acs:ram::1:role/r\nrole_session_name=s\n\
        [instance]\ntype=ecs_ram_role\nrole_name=r\n[rsa]\ntype=rsa_key_pair\n[half]\ntype=access_key\naccess_key_id=x\n";
    world.file("/c.ini", ini);
    let section = |name: &str| IniProfile::new("/c.ini", &world.surroundings()).section(name);
    assert_eq!(id(&IniProfile::new("/c.ini", &world.surroundings())).await, "ini");
    world.says(200, assumed("role", 60));
    assert_eq!(id(&section("role")).await, "role");
    world.says(200, "session").says(200, metadata("instance", 60));
    assert_eq!(id(&section("instance")).await, "instance");
    assert!(is_absent(&section("nowhere")).await);
    assert!(is_absent(&IniProfile::new("/none.ini", &world.surroundings())).await);
    assert!(is_refused(&section("rsa")).await);
    assert!(is_refused(&section("half")).await);
}

#[tokio::test]
async fn a_command_is_run_again_when_its_key_ends() {
    let world = World::default();
    let key = |id: &str, end: &str| {
        format!(r#"{{"mode":"AK","access_key_id":"{id}","access_key_secret":"s","expiration":"{end}"}}"#)
    };
    world.prints(&key("one", "2026-01-01T01:00:00Z")).prints(&key("two", "")).prints(&key("three", "soon"));
    let source = ExternalCommand::new("get-key", &world.surroundings());
    for (passes, expected) in [(0, "one"), (40, "one"), (10, "two"), (9, "two")] {
        world.pass(passes);
        assert_eq!(id(&source).await, expected);
    }
    world.pass(2);
    assert!(is_refused(&source).await);
    assert_eq!(world.commands_run().len(), 3);
}

// ---- mounted files ----

#[tokio::test]
async fn mounted_files_are_followed_when_they_change() {
    let world = World::default();
    let source = MountedFiles::new("/keys", &world.surroundings());
    assert!(is_absent(&source).await);
    world.file("/keys/access-key-id", "one\n").file("/keys/access-key-secret", "hunter2-secret\n");
    assert_eq!(source.provide().await.expect("no failure"), Some(AccessKey::new("one", SECRET)));
    world.file("/keys/access-key-id", "two").file("/keys/security-token", "tok3n");
    let two = AccessKey::new("two", SECRET).with_security_token("tok3n");
    assert_eq!(source.provide().await.expect("no failure"), Some(two));
    world.without_file("/keys/access-key-secret");
    assert!(is_refused(&source).await);
}

#[tokio::test]
async fn a_rotation_in_the_middle_of_reading_never_mixes_two_keys() {
    use std::io;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Rotates after so many files were read.
    struct Rotating(AtomicUsize, usize);
    #[async_trait::async_trait]
    impl eci_client::credentials::Files for Rotating {
        async fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            let new = self.0.fetch_add(1, Ordering::Relaxed) >= self.1;
            let key = if new { "new" } else { "old" };
            if path.ends_with("security-token") {
                Err(io::ErrorKind::NotFound.into())
            } else {
                Ok(key.into())
            }
        }
    }
    for after in 0..12 {
        let surroundings = World::default().surroundings().files(Rotating(AtomicUsize::new(0), after));
        let key =
            MountedFiles::new("/keys", &surroundings).provide().await.expect("no failure").expect("a key");
        assert!(
            [("old", "old"), ("new", "new")].iter().any(|(id, secret)| key == AccessKey::new(*id, *secret))
        );
    }
}
