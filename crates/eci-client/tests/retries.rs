//! Holds what happens between attempts: which failures are repeated, when, with what signature, within which limits.
//! Time is virtual; the transport is a script.
#![cfg(feature = "client-core")]

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use eci_client::model::{
    CreateContainerGroupReply, CreateContainerGroupRequest, DeleteContainerGroupRequest,
    DescribeRegionsReply, DescribeRegionsRequest,
};
use eci_client::{
    AccessKey, Client, ClientBuilder, CredentialsError, Error, ErrorKind, ErrorOrigin, Lane, Limits,
    ProvideCredentials, RetryPolicy, Transport, TransportError,
};
use http::{HeaderMap, Request, Response};
use jiff::Timestamp;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// What becomes of one attempt.
#[derive(Clone)]
enum Fate {
    Answered(u16, Vec<(&'static str, &'static str)>, &'static str),
    NotSent,
    Lost,
    Silence,
}

fn refused(status: u16, body: &'static str) -> Fate {
    Fate::Answered(status, Vec::new(), body)
}

const FINE: Fate = Fate::Answered(200, Vec::new(), r#"{"RequestId":"r","ContainerGroupId":"eci-1"}"#);
const THROTTLED: &str = r#"{"RequestId":"r","HostId":"h","Code":"Throttling.User","Message":"slow"}"#;
const NO_STOCK: &str = r#"{"RequestId":"r","HostId":"h","Code":"OperationDenied.NoStock","Message":"none"}"#;
const LATE: &str = r#"{"RequestId":"r","HostId":"h","Code":"InvalidTimeStamp.Expired","Message":"late"}"#;
const DISABLED: &str =
    r#"{"RequestId":"r","HostId":"h","Code":"InvalidAccessKeyId.Inactive","Message":"disabled"}"#;
const EXPIRED: &str =
    r#"{"RequestId":"r","HostId":"h","Code":"InvalidSecurityToken.Expired","Message":"old"}"#;

/// Plays a script; when it is over every attempt is answered well. Records the headers of each attempt and its time.
#[derive(Clone)]
struct Script {
    fates: Arc<Mutex<VecDeque<Fate>>>,
    seen: Arc<Mutex<Vec<(HeaderMap, Duration)>>>,
    started: Instant,
}

impl Script {
    fn new(fates: impl IntoIterator<Item = Fate>) -> Self {
        let fates = Arc::new(Mutex::new(fates.into_iter().collect()));
        Self { fates, seen: Arc::default(), started: Instant::now() }
    }

    fn attempts(&self) -> usize {
        self.seen.lock().expect("no panic").len()
    }

    fn times(&self) -> Vec<Duration> {
        self.seen.lock().expect("no panic").iter().map(|(_, at)| *at).collect()
    }

    fn headers(&self, name: &str) -> Vec<String> {
        let seen = self.seen.lock().expect("no panic");
        let value = |headers: &HeaderMap| {
            headers.get(name).map_or("", |value| value.to_str().expect("ASCII")).to_owned()
        };
        seen.iter().map(|(headers, _)| value(headers)).collect()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.seen.lock().expect("no panic").push((request.headers().clone(), self.started.elapsed()));
        let fate = self.fates.lock().expect("no panic").pop_front().unwrap_or(FINE);
        match fate {
            Fate::Answered(status, headers, body) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(Bytes::from_static(body.as_bytes())).expect("a response"))
            }
            Fate::NotSent => Err(TransportError::not_sent(io::Error::other("refused"))),
            Fate::Lost => Err(TransportError::unanswered(io::Error::other("reset"))),
            Fate::Silence => pending().await,
        }
    }
}

fn builder(script: &Script) -> ClientBuilder {
    Client::builder("cn-test")
        .credentials(AccessKey::new("id", "secret"))
        .transport(script.clone())
        .jitter(|| 0.0)
}

/// A client that tries three times, a second apart.
fn patient(script: &Script) -> Client {
    let policy =
        RetryPolicy::standard().attempts(3).delays(SECOND, SECOND).attempt_deadline(Some(4 * SECOND));
    builder(script).retry(policy).build().expect("a client")
}

async fn read(eci: &Client) -> Result<DescribeRegionsReply, Error> {
    eci.describe_regions(&DescribeRegionsRequest::default()).await
}

async fn create(eci: &Client, token: Option<&str>) -> Result<CreateContainerGroupReply, Error> {
    let client_token = token.map(str::to_owned);
    eci.create_container_group(&CreateContainerGroupRequest { client_token, ..Default::default() }).await
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.expect_err("a failure").kind()
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_nothing_is_tried_again() {
    let script = Script::new([Fate::NotSent]);
    assert_eq!(kind(read(&builder(&script).build().expect("a client")).await), ErrorKind::Unavailable);
    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_signed_anew() {
    let script = Script::new([Fate::Lost, refused(400, THROTTLED)]);
    read(&patient(&script)).await.expect("a reply");
    for header in ["x-acs-signature-nonce", "authorization"] {
        let mut values = script.headers(header);
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 3, "{header}");
    }
    assert_eq!(script.times(), [Duration::ZERO, SECOND, 2 * SECOND]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_creation_is_repeated_only_with_a_token() {
    let script = Script::new([Fate::Lost]);
    create(&patient(&script), Some("t")).await.expect("a reply");
    assert_eq!(script.attempts(), 2);

    let script = Script::new([Fate::Lost]);
    assert_eq!(kind(create(&patient(&script), None).await), ErrorKind::Indeterminate);
    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_never_left_is_repeated_without_a_token() {
    let script = Script::new([Fate::NotSent, refused(400, THROTTLED)]);
    create(&patient(&script), None).await.expect("a reply");
    assert_eq!(script.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lost_deletion_is_repeated() {
    let script = Script::new([Fate::Lost]);
    patient(&script).delete_container_group(&DeleteContainerGroupRequest::default()).await.expect("a reply");
    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_attempt_leaves_the_creation_open() {
    let script = Script::new([Fate::Lost, refused(403, NO_STOCK)]);
    assert_eq!(kind(create(&patient(&script), Some("t")).await), ErrorKind::Indeterminate);

    let script = Script::new([refused(400, THROTTLED), refused(403, NO_STOCK)]);
    assert_eq!(kind(create(&patient(&script), Some("t")).await), ErrorKind::OutOfStock);
}

#[tokio::test(start_paused = true)]
async fn a_lost_attempt_stays_open_when_the_deadline_passes_while_waiting_for_a_key() {
    /// Gives one key, and then none.
    struct Once(AtomicUsize);
    #[async_trait]
    impl ProvideCredentials for Once {
        async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
            if self.0.fetch_add(1, Ordering::Relaxed) > 0 {
                pending::<()>().await;
            }
            Ok(Some(AccessKey::new("id", "secret")))
        }
    }
    let script = Script::new([Fate::Lost]);
    let policy = RetryPolicy::standard().attempt_deadline(None);
    let eci =
        builder(&script).credentials(Once(AtomicUsize::new(0))).retry(policy).build().expect("a client");
    assert_eq!(kind(create(&eci, Some("t")).await), ErrorKind::Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_costs_one_attempt_and_not_the_call() {
    let script = Script::new([Fate::Silence]);
    read(&patient(&script)).await.expect("a reply");
    assert_eq!(script.times(), [Duration::ZERO, 5 * SECOND]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_call_bounds_all_attempts() {
    let script = Script::new(vec![Fate::Silence; 9]);
    let policy =
        RetryPolicy::standard().attempts(9).delays(SECOND, SECOND).attempt_deadline(Some(4 * SECOND));
    let eci = builder(&script).retry(policy).deadline(12 * SECOND).build().expect("a client");
    let started = Instant::now();
    assert_eq!(kind(create(&eci, Some("t")).await), ErrorKind::Indeterminate);
    assert_eq!(started.elapsed(), 12 * SECOND);
    assert_eq!(script.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_the_deadline_is_not_begun() {
    let script = Script::new([Fate::Answered(429, vec![("retry-after", "60")], THROTTLED)]);
    let started = Instant::now();
    let error = read(&patient(&script)).await.expect_err("throttled");
    assert_eq!(error.kind(), ErrorKind::Throttled { retry_after: Some(60 * SECOND) });
    assert_eq!(error.origin(), ErrorOrigin::Gateway);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_pause_the_cloud_asks_for_is_kept_in_milliseconds_too() {
    let script = Script::new([
        Fate::Answered(400, vec![("x-acs-retry-after", "2500")], THROTTLED),
        Fate::Answered(
            503,
            vec![("retry-after", "3")],
            r#"{"RequestId":"r","Code":"Throttling","Message":""}"#,
        ),
    ]);
    read(&patient(&script)).await.expect("a reply");
    assert_eq!(script.times(), [0, 2500, 5500].map(Duration::from_millis));
}

fn morning() -> Timestamp {
    "2026-01-01T08:00:00Z".parse().expect("a timestamp")
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_set_by_the_answer_and_tried_once_more() {
    let late = Fate::Answered(400, vec![("date", "Thu, 01 Jan 2026 09:30:00 GMT")], LATE);
    let script = Script::new([late.clone()]);
    let policy = RetryPolicy::standard();
    let eci = builder(&script).retry(policy).clock(morning).build().expect("a client");
    read(&eci).await.expect("a reply");
    read(&eci).await.expect("a reply");
    let times = ["2026-01-01T08:00:00Z", "2026-01-01T09:30:00Z", "2026-01-01T09:30:00Z"];
    assert_eq!(script.headers("x-acs-date"), times);
    assert_eq!(script.times()[1], Duration::ZERO);

    let stubborn = Script::new([late.clone(), late]);
    let eci = builder(&stubborn).retry(RetryPolicy::standard()).clock(morning).build().expect("a client");
    assert_eq!(kind(read(&eci).await), ErrorKind::ClockSkew);
    assert_eq!(stubborn.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_the_next_call_has_the_right_time() {
    let script = Script::new([Fate::Answered(400, vec![("date", "Thu, 01 Jan 2026 09:30:00 GMT")], LATE)]);
    let eci = builder(&script).clock(morning).build().expect("a client");
    assert_eq!(kind(read(&eci).await), ErrorKind::ClockSkew);
    read(&eci).await.expect("a reply");
    assert_eq!(script.headers("x-acs-date")[1], "2026-01-01T09:30:00Z");
}

#[tokio::test(start_paused = true)]
async fn a_refused_temporary_key_is_given_back_and_another_one_tried_once() {
    /// Gives key after key: `id-0` until it is refused, then `id-1`.
    #[derive(Clone, Default)]
    struct Source(Arc<AtomicUsize>);
    #[async_trait]
    impl ProvideCredentials for Source {
        async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
            let id = format!("id-{}", self.0.load(Ordering::Relaxed));
            Ok(Some(AccessKey::new(id, "secret").with_security_token("token")))
        }
        fn refused(&self, _: &AccessKey) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let script = Script::new([refused(400, EXPIRED)]);
    let eci = builder(&script).credentials(Source::default()).retry(RetryPolicy::standard());
    read(&eci.build().expect("a client")).await.expect("a reply");
    assert_eq!(script.headers("x-acs-accesskey-id"), ["id-0", "id-1"]);

    let script = Script::new(vec![refused(400, EXPIRED); 3]);
    let eci = builder(&script).credentials(Source::default()).retry(RetryPolicy::standard());
    assert_eq!(kind(read(&eci.build().expect("a client")).await), ErrorKind::InvalidCredentials);
    assert_eq!(script.attempts(), 2);

    let script = Script::new([refused(400, EXPIRED)]);
    assert_eq!(kind(read(&patient(&script)).await), ErrorKind::InvalidCredentials);
    assert_eq!(script.attempts(), 1, "a lasting key stays as it is");
}

#[tokio::test(start_paused = true)]
async fn origins_are_told_apart() {
    let cases = [
        (Fate::NotSent, ErrorOrigin::Network),
        (Fate::Lost, ErrorOrigin::Network),
        (Fate::Silence, ErrorOrigin::Network),
        (refused(400, LATE), ErrorOrigin::Gateway),
        (refused(403, NO_STOCK), ErrorOrigin::Service),
        (refused(502, "<html><h1>Bad Gateway</h1></html>"), ErrorOrigin::Intermediary),
        (
            refused(403, r#"{"code":403,"message":"blocked, see https://proxy/?Signature=s"}"#),
            ErrorOrigin::Intermediary,
        ),
        (refused(200, "<html>please log in</html>"), ErrorOrigin::Intermediary),
    ];
    for (fate, origin) in cases {
        let error =
            read(&builder(&Script::new([fate])).build().expect("a client")).await.expect_err("a failure");
        assert_eq!(error.origin(), origin, "{error}");
        assert!(!error.to_string().contains("Signature"), "{error}");
    }
    let script = Script::new([refused(403, r#"{"code":403,"message":"blocked"}"#)]);
    assert_eq!(kind(create(&patient(&script), None).await), ErrorKind::Indeterminate);
}

#[tokio::test(start_paused = true)]
async fn limits_hold_calls_back_and_waiting_counts_towards_the_deadline() {
    let script = Script::new([]);
    let limits = Limits::adaptive().per_minute("DescribeRegions", 10);
    let eci = builder(&script).limits(limits).build().expect("a client");
    read(&eci).await.expect("a reply");
    read(&eci).await.expect("a reply");
    assert!(script.times()[1] > 6 * SECOND);
    assert_eq!(kind(read(&eci.with_deadline(SECOND)).await), ErrorKind::Unavailable);
    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn throttling_slows_the_calls_that_follow() {
    let script = Script::new([Fate::Answered(400, vec![("x-acs-retry-after", "5000")], THROTTLED)]);
    let eci = builder(&script).limits(Limits::adaptive()).build().expect("a client");
    assert_eq!(kind(read(&eci).await), ErrorKind::Throttled { retry_after: Some(5 * SECOND) });
    create(&eci, None).await.expect("another action");
    read(&eci).await.expect("a reply");
    let times = script.times();
    assert_eq!(times[1], Duration::ZERO);
    assert!(times[2] >= 5 * SECOND, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn no_pause_that_is_asked_for_switches_an_action_off() {
    for (name, value, body, asked) in [
        ("retry-after", "31536000", "<html>slow down</html>", Some(30 * SECOND)),
        ("retry-after", "31536000", THROTTLED, Some(300 * SECOND)),
        ("x-acs-retry-after", "18446744073709551615", THROTTLED, Some(300 * SECOND)),
    ] {
        let script = Script::new([Fate::Answered(429, vec![(name, value)], body)]);
        let eci = builder(&script).limits(Limits::adaptive()).build().expect("a client");
        assert_eq!(kind(read(&eci).await), ErrorKind::Throttled { retry_after: asked });
        read(&eci.with_deadline(301 * SECOND)).await.expect("a reply");
        let waited = script.times()[1];
        assert!(waited < asked.unwrap_or_default() + 30 * SECOND, "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_is_one_too() {
    let script = Script::new([Fate::Lost]);
    read(&patient(&script).with_deadline(Duration::MAX)).await.expect("a reply");
    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn of_a_lost_creation_nothing_is_proved_by_something_else_that_is_missing() {
    const GONE: &str =
        r#"{"RequestId":"r","HostId":"h","Code":"InvalidParameter.NotFound","Message":"no group"}"#;
    let script = Script::new([Fate::Lost, refused(404, GONE)]);
    assert_eq!(kind(create(&patient(&script), Some("t")).await), ErrorKind::Indeterminate);
    let script = Script::new([Fate::Lost, refused(404, GONE)]);
    let deletion = patient(&script).delete_container_group(&DeleteContainerGroupRequest::default()).await;
    assert_eq!(kind(deletion), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_lasting_key_that_was_changed_meanwhile_is_tried_once() {
    /// Files that are written anew after the first call has read them, and then no more.
    #[derive(Default)]
    struct Files(AtomicUsize);
    #[async_trait]
    impl ProvideCredentials for Files {
        async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
            let read = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Some(AccessKey::new(format!("id-{}", read.min(1)), "secret")))
        }
    }
    let script = Script::new(vec![refused(400, DISABLED); 3]);
    let eci = builder(&script).credentials(Files::default()).retry(RetryPolicy::standard());
    assert_eq!(kind(read(&eci.build().expect("a client")).await), ErrorKind::InvalidCredentials);
    let [first, second] = &script.headers("authorization")[..] else { panic!("two attempts") };
    assert!(first.contains("Credential=id-0,") && second.contains("Credential=id-1,"), "{first} {second}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_does_not_hide_that_its_key_was_refused() {
    #[derive(Default)]
    struct Hangs(AtomicUsize);
    #[async_trait]
    impl ProvideCredentials for Hangs {
        async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
            if self.0.fetch_add(1, Ordering::Relaxed) > 0 {
                pending::<()>().await;
            }
            Ok(Some(AccessKey::new("id", "secret")))
        }
    }
    let script = Script::new([refused(400, DISABLED)]);
    let eci = builder(&script).credentials(Hangs::default()).build().expect("a client");
    assert_eq!(kind(create(&eci, None).await), ErrorKind::InvalidCredentials);
}

#[tokio::test(start_paused = true)]
async fn an_urgent_call_overtakes_those_that_wait() {
    let script = Script::new([]);
    let limits = Limits::adaptive().per_minute("DescribeRegions", 10);
    let eci = builder(&script).limits(limits).deadline(60 * SECOND).build().expect("a client");
    read(&eci).await.expect("the only token");
    let finished = Arc::new(Mutex::new(Vec::new()));
    let mut calls = Vec::new();
    for lane in [Lane::Background, Lane::Normal, Lane::Urgent] {
        let (eci, finished) = (eci.with_lane(lane), Arc::clone(&finished));
        calls.push(tokio::spawn(async move {
            read(&eci).await.expect("a reply");
            finished.lock().expect("no panic").push(lane);
        }));
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    for call in calls {
        call.await.expect("no panic");
    }
    assert_eq!(*finished.lock().expect("no panic"), [Lane::Urgent, Lane::Normal, Lane::Background]);
}
