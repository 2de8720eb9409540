//! The log endpoint on a scripted log, in paused time.
//!
//! A script says when a line is written and when the container is where; the fake provider answers as a cloud does:
//! whole lines from an instant on, the last so many of them.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use prometheus_client::registry::Registry;
use tokio::time::{Instant, sleep, timeout};
use vk_core::{LogSince, MockLogProvider};

use super::*;
use crate::pods::MockPods;

/// Of the script's clock.
const START: i64 = 1_800_000_000;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A log that is written while it is read.
struct ScriptedLog {
    started: Instant,
    /// When, and what. In the order of the file.
    written: Vec<(f64, &'static str)>,
    previous: Vec<(f64, &'static str)>,
    /// The most lines that one reading holds.
    holds: usize,
    failures: Mutex<VecDeque<ErrorKind>>,
    reads: Mutex<Vec<(Duration, LogQuery)>>,
    under_way: AtomicUsize,
    takes: Duration,
}

impl ScriptedLog {
    fn new(written: &[(f64, &'static str)]) -> Self {
        Self {
            started: Instant::now(),
            written: written.to_vec(),
            previous: Vec::new(),
            holds: 2000,
            failures: Mutex::default(),
            reads: Mutex::default(),
            under_way: AtomicUsize::new(0),
            takes: Duration::ZERO,
        }
    }

    fn failing(self, failures: impl IntoIterator<Item = ErrorKind>) -> Self {
        self.failures.lock().unwrap().extend(failures);
        self
    }

    fn reads(&self) -> usize {
        self.reads.lock().unwrap().len()
    }

    fn read(&self, query: &LogQuery) -> String {
        let now = self.started.elapsed().as_secs_f64();
        let from = match query.since {
            None => Timestamp::MIN,
            Some(LogSince::Time(time)) => time,
            Some(LogSince::Seconds(seconds)) => time_of(now) - SignedDuration::from_secs(seconds.into()),
        };
        let file = if query.previous { &self.previous } else { &self.written };
        let lines = file.iter().filter(|(at, _)| *at <= now && time_of(*at) >= from);
        let lines: Vec<String> = lines.map(|(at, text)| line(query.timestamps, *at, text)).collect();
        let most = query.tail_lines.map_or(self.holds, |tail| self.holds.min(tail as usize));
        lines[lines.len().saturating_sub(most)..].concat()
    }
}

fn time_of(at: f64) -> Timestamp {
    Timestamp::from_second(START).unwrap() + SignedDuration::from_secs_f64(at)
}

fn line(timestamps: bool, at: f64, text: &str) -> String {
    if timestamps { format!("{:.9} {text}\n", time_of(at)) } else { format!("{text}\n") }
}

/// Counts itself as under way while it lives: a reading that was dropped is seen to be gone.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl LogProvider for ScriptedLog {
    async fn read_log(&self, _: &GroupId, _: &str, query: &LogQuery) -> Result<String, ProviderError> {
        self.reads.lock().unwrap().push((self.started.elapsed(), query.clone()));
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(&self.under_way);
        sleep(self.takes).await;
        match self.failures.lock().unwrap().pop_front() {
            Some(kind) => Err(ProviderError::new(kind, "scripted failure")),
            None => Ok(self.read(query)),
        }
    }
}

fn running() -> Located {
    at("eci-1", true, 0)
}

fn ended() -> Located {
    at("eci-1", false, 0)
}

fn at(group: &str, running: bool, restart_count: i32) -> Located {
    Located::At { group: GroupId::new(group), running, restart_count }
}

fn path() -> ContainerPath {
    ContainerPath { namespace: "default".to_owned(), pod: "web".to_owned(), container: "nginx".to_owned() }
}

/// A pod that is somewhere else from each of these seconds on.
fn pods(script: Vec<(f64, Located)>) -> Arc<MockPods> {
    let started = Instant::now();
    let mut pods = MockPods::new();
    pods.expect_locate().returning(move |namespace, name, container| {
        assert_eq!((namespace, name, container), ("default", "web", "nginx"));
        let now = started.elapsed();
        let reached = script.iter().rev().find(|(at, _)| seconds(*at) <= now);
        reached.expect("the script begins at 0").1.clone()
    });
    Arc::new(pods)
}

fn logs(pods: Arc<MockPods>, provider: Arc<dyn LogProvider>) -> Logs {
    let metrics = Metrics::register(&mut Registry::default());
    Logs::new(pods, provider, FollowConfig::default(), 8, metrics, CancellationToken::new())
}

/// Status and body of an answer that ends within an hour of the script's time.
async fn answer(logs: &Logs, query: &str) -> (u16, String) {
    let response = logs.respond(path(), query).await;
    let status = response.status().as_u16();
    let body = timeout(seconds(3600.0), response.into_body().collect()).await;
    let body = body.expect("the answer ends").expect("the answer is whole").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("whole characters"))
}

async fn next(body: &mut Body) -> Option<String> {
    let frame: Option<Result<_, _>> = timeout(seconds(3600.0), body.frame()).await.expect("something comes");
    let data: Bytes = frame?.expect("no break").into_data().expect("data");
    Some(String::from_utf8(data.to_vec()).unwrap())
}

#[tokio::test]
async fn statuses_and_texts_are_those_of_a_kubelet() {
    let waiting = Located::NotStarted { reason: "ContainerCreating".to_owned() };
    for (located, query, status, text) in [
        (Located::NoSuchPod, "", 404, r#"pod "web" does not exist"#),
        (Located::NoSuchContainer, "", 404, r#"container "nginx" not found in pod "web""#),
        (
            waiting.clone(),
            "",
            400,
            r#"container "nginx" in pod "web" is waiting to start: ContainerCreating"#,
        ),
        (
            waiting,
            "follow=true",
            400,
            r#"container "nginx" in pod "web" is waiting to start: ContainerCreating"#,
        ),
        (running(), "previous=true", 400, r#"previous terminated container "nginx" in pod "web" not found"#),
        (Located::NoSuchPod, "tailLines=-1", 422, "tailLines must not be negative"),
        (Located::NoSuchPod, "tailLines=x", 400, "tailLines is not a whole number"),
    ] {
        let logs = logs(pods(vec![(0.0, located)]), Arc::new(MockLogProvider::new()));
        assert_eq!(answer(&logs, query).await, (status, text.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn the_wanted_part_is_asked_of_the_provider() {
    let mut provider = MockLogProvider::new();
    let expected = LogQuery {
        tail_lines: Some(5),
        since: Some(LogSince::Seconds(60)),
        previous: true,
        timestamps: true,
        limit_bytes: None,
    };
    provider
        .expect_read_log()
        .withf(move |group, container, query| {
            group.as_str() == "eci-1" && container == "nginx" && *query == expected
        })
        .once()
        .returning(|_, _, _| Ok("the log\n".to_owned()));
    let logs = logs(pods(vec![(0.0, at("eci-1", true, 1))]), Arc::new(provider));
    let query = "tailLines=5&sinceSeconds=60&previous=true&timestamps=true&follow=true";
    assert_eq!(answer(&logs, query).await, (200, "the log\n".to_owned()), "previous is never followed");
}

#[tokio::test]
async fn zero_lines_are_had_without_reading() {
    let logs = logs(pods(vec![(0.0, running())]), Arc::new(MockLogProvider::new()));
    assert_eq!(answer(&logs, "tailLines=0").await, (200, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_bytes_cuts_between_characters() {
    for (limit, expected) in [(1, "a"), (2, "a"), (3, "aé"), (4, "aé\n"), (400, "aé\nb\n")] {
        let log = Arc::new(ScriptedLog::new(&[(0.0, "aé"), (0.0, "b")]));
        let logs = logs(pods(vec![(0.0, running())]), log);
        let got = answer(&logs, &format!("limitBytes={limit}")).await;
        assert_eq!(got, (200, expected.to_owned()), "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_has_a_status_even_when_followed() {
    for (kind, status) in [
        (ErrorKind::NotFound, 404),
        (ErrorKind::Throttled { retry_after: None }, 503),
        (ErrorKind::Unavailable, 503),
        (ErrorKind::Denied, 500),
        (ErrorKind::Bug, 500),
    ] {
        for query in ["", "follow=true"] {
            let log = Arc::new(ScriptedLog::new(&[]).failing([kind.clone()]));
            let (got, text) = answer(&logs(pods(vec![(0.0, running())]), log), query).await;
            assert_eq!(got, status, "{kind:?}");
            assert!(text.contains("web") && text.contains("scripted failure"), "{text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_given_up() {
    let mut log = ScriptedLog::new(&[]);
    log.takes = Duration::from_secs(3600);
    let log = Arc::new(log);
    let (status, _) = answer(&logs(pods(vec![(0.0, running())]), log.clone()), "").await;
    assert_eq!((status, log.under_way.load(Ordering::SeqCst)), (503, 0));
}

#[tokio::test(start_paused = true)]
async fn a_followed_log_brings_each_line_once_in_order_and_ends_with_the_container() {
    let written =
        [(0.0, "a"), (0.5, "b"), (2.2, "b"), (2.2, "b"), (2.2, "c"), (7.9, "d"), (9.9, "last words")];
    let log = Arc::new(ScriptedLog::new(&written));
    let logs = logs(pods(vec![(0.0, running()), (10.0, ended())]), log);
    assert_eq!(answer(&logs, "follow=true").await, (200, "a\nb\nb\nb\nc\nd\nlast words\n".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_log_of_an_ended_container_is_read_once_though_followed() {
    let log = Arc::new(ScriptedLog::new(&[(0.0, "a")]));
    let logs = logs(pods(vec![(0.0, ended())]), log.clone());
    assert_eq!(answer(&logs, "follow=true").await, (200, "a\n".to_owned()));
    assert_eq!(log.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn following_shows_times_only_where_asked_for() {
    let log = Arc::new(ScriptedLog::new(&[(0.0, "a"), (1.5, "b")]));
    let logs = logs(pods(vec![(0.0, running()), (3.0, ended())]), log);
    let expected = line(true, 0.0, "a") + &line(true, 1.5, "b");
    assert_eq!(answer(&logs, "follow=true&timestamps=true").await, (200, expected));
}

#[tokio::test(start_paused = true)]
async fn following_begins_with_the_last_lines_wanted() {
    for (tail, expected) in [(0, "new\n"), (1, "c\nnew\n"), (2, "c\nc\nnew\n"), (9, "a\nb\nc\nc\nnew\n")] {
        let log = ScriptedLog::new(&[(0.0, "a"), (0.0, "b"), (0.0, "c"), (0.0, "c"), (1.5, "new")]);
        let logs = logs(pods(vec![(0.0, running()), (3.0, ended())]), Arc::new(log));
        let got = answer(&logs, &format!("follow=true&tailLines={tail}")).await;
        assert_eq!(got, (200, expected.to_owned()), "tail {tail}");
    }
}

#[tokio::test(start_paused = true)]
async fn following_since_then_never_shows_older_lines() {
    let log = ScriptedLog::new(&[(0.0, "old"), (100.0, "in the window"), (145.0, "new"), (145.02, "newer")]);
    let logs = logs(pods(vec![(0.0, running()), (160.0, ended())]), Arc::new(log));
    let follow = async |from: f64| {
        sleep(seconds(from)).await;
        answer(&logs, "follow=true&sinceSeconds=5").await.1
    };
    let (in_window, empty_at_first) = tokio::join!(follow(102.0), follow(130.0));
    assert_eq!(in_window, "in the window\nnew\nnewer\n");
    assert_eq!(empty_at_first, "new\nnewer\n");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_bytes_holds_for_all_that_is_followed() {
    let log = Arc::new(ScriptedLog::new(&[(0.0, "abc"), (1.5, "def"), (3.5, "ghi")]));
    let logs = logs(pods(vec![(0.0, running())]), log);
    assert_eq!(answer(&logs, "follow=true&limitBytes=6").await, (200, "abc\nde".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_marked_where_more_was_written_than_read() {
    let mut log = ScriptedLog::new(&[(0.0, "a"), (1.1, "b"), (1.2, "c"), (1.3, "d"), (1.4, "e"), (2.5, "f")]);
    log.holds = 3;
    let logs = logs(pods(vec![(0.0, running()), (5.0, ended())]), Arc::new(log));
    let (_, text) = answer(&logs, "follow=true").await;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!([&lines[..1], &lines[2..]].concat(), ["a", "c", "d", "e", "f"]);
    assert!(lines[1].starts_with("[log lines may be missing here"), "{}", lines[1]);
    assert_eq!(logs.metrics.log_gaps.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn throttling_slows_the_reading_and_loses_nothing() {
    let advice = ErrorKind::Throttled { retry_after: Some(Duration::from_secs(20)) };
    let log = ScriptedLog::new(&[(0.0, "a"), (1.5, "b"), (8.0, "c"), (35.5, "d")]);
    let log = Arc::new(log);
    let logs = logs(pods(vec![(0.0, running()), (40.0, ended())]), log.clone());
    let response = logs.respond(path(), "follow=true").await;
    log.failures.lock().unwrap().extend([
        ErrorKind::Throttled { retry_after: None },
        ErrorKind::Unavailable,
        advice,
    ]);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "a\nb\nc\nd\n");
    let times: Vec<_> = log.reads.lock().unwrap().iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(times[..5], [0, 1, 3, 7, 27], "1 s, then 2, 4, and as long as advised");
    assert_eq!(times[5], 28, "back to the ordinary pace");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_stays_is_said_in_the_log() {
    let log = Arc::new(ScriptedLog::new(&[(0.0, "a")]));
    let logs = logs(pods(vec![(0.0, running())]), log.clone());
    let response = logs.respond(path(), "follow=true").await;
    log.failures.lock().unwrap().push_back(ErrorKind::InvalidRequest);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "a\n[the rest of the log could not be read: scripted failure]\n");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_read_is_tried_a_few_times_and_then_said() {
    let log = Arc::new(ScriptedLog::new(&[(0.0, "a")]));
    let logs = logs(pods(vec![(0.0, running()), (0.5, ended())]), log.clone());
    let response = logs.respond(path(), "follow=true").await;
    log.failures.lock().unwrap().extend(vec![ErrorKind::Unavailable; 100]);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "a\n[the rest of the log could not be read: scripted failure]\n");
    assert_eq!(log.reads(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_log_ends_where_its_pod_is_gone_or_replaced() {
    for located in [Located::NoSuchPod, Located::NoSuchContainer, at("eci-2", true, 0)] {
        let log = Arc::new(ScriptedLog::new(&[(0.0, "a"), (1.5, "b"), (10.0, "of another pod")]));
        let logs = logs(pods(vec![(0.0, running()), (5.0, located)]), log.clone());
        assert_eq!(answer(&logs, "follow=true").await, (200, "a\nb\n".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_whose_state_is_not_known_for_a_while_is_followed_on() {
    let waiting = Located::NotStarted { reason: "Unknown".to_owned() };
    let log = Arc::new(ScriptedLog::new(&[(0.0, "a"), (5.5, "b")]));
    let script = vec![(0.0, running()), (2.0, waiting), (9.0, running()), (12.0, ended())];
    assert_eq!(answer(&logs(pods(script), log), "follow=true").await, (200, "a\nb\n".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_log_ends_with_the_run_it_belongs_to_and_brings_the_rest_of_it() {
    let mut log = ScriptedLog::new(&[(0.0, "run 1"), (1.5, "more of run 1")]);
    log.previous = vec![(0.0, "run 1"), (1.5, "more of run 1"), (2.5, "end of run 1")];
    let script = vec![(0.0, running()), (2.6, at("eci-1", true, 1))];
    let got = answer(&logs(pods(script), Arc::new(log)), "follow=true").await;
    assert_eq!(got, (200, "run 1\nmore of run 1\nend of run 1\n".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_stops_the_reading_at_once() {
    let mut log = ScriptedLog::new(&[(0.0, "a")]);
    log.takes = seconds(0.5);
    let log = Arc::new(log);
    let logs = logs(pods(vec![(0.0, running())]), log.clone());
    let mut body = logs.respond(path(), "follow=true").await.into_body();
    assert_eq!(next(&mut body).await.as_deref(), Some("a\n"));
    assert!(timeout(seconds(5.2), body.frame()).await.is_err(), "nothing new is written");
    assert_eq!((log.under_way.load(Ordering::SeqCst), logs.metrics.open_streams.get()), (1, 1));
    drop(body);
    let reads = log.reads();
    assert_eq!((log.under_way.load(Ordering::SeqCst), logs.metrics.open_streams.get()), (0, 0));
    sleep(seconds(60.0)).await;
    assert_eq!(log.reads(), reads);
    assert_eq!(logs.reader.followed_logs(), 0);
}

#[tokio::test(start_paused = true)]
async fn all_readers_of_one_log_cost_one_reading_a_poll() {
    let log = Arc::new(ScriptedLog::new(&[(0.0, "a"), (5.5, "b"), (9.5, "c"), (20.2, "d")]));
    let logs = logs(pods(vec![(0.0, running()), (30.0, ended())]), log.clone());
    let reader = |late: f64| {
        let logs = &logs;
        async move {
            sleep(seconds(late)).await;
            answer(logs, "follow=true").await.1
        }
    };
    let all = futures::future::join_all((0..8).map(|reader_no| reader(f64::from(reader_no) * 0.3))).await;
    assert_eq!(all, vec!["a\nb\nc\nd\n"; 8]);
    // Each reader has a first reading of its own, and one more at the end.
    let polls = log.reads() - 8;
    assert!((25..=45).contains(&polls), "{polls} readings in 30 s");
}

#[tokio::test(start_paused = true)]
async fn readers_of_one_log_survive_the_one_that_reads() {
    let log = Arc::new(ScriptedLog::new(&[(0.0, "a"), (5.5, "b")]));
    let logs = logs(pods(vec![(0.0, running()), (10.0, ended())]), log);
    let leaver = logs.respond(path(), "follow=true").await.into_body();
    let stayer = answer(&logs, "follow=true");
    let (_, (_, text)) = tokio::join!(timeout(seconds(3.5), leaver.collect()), stayer);
    assert_eq!(text, "a\nb\n");
}

#[tokio::test(start_paused = true)]
async fn many_followed_logs_share_the_budget_of_readings() {
    let logs = logs(pods(vec![(0.0, running())]), Arc::new(ScriptedLog::new(&[])));
    let subscriptions: Vec<_> = (0..40)
        .map(|number| logs.reader.follow((GroupId::new(format!("eci-{number}")), "c".to_owned())))
        .collect();
    assert_eq!(logs.reader.interval(), Duration::from_secs(10), "40 logs at 4 readings a second");
    drop(subscriptions);
    assert_eq!(logs.reader.interval(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_log_breaks_off_when_the_process_ends() {
    let logs = logs(pods(vec![(0.0, running())]), Arc::new(ScriptedLog::new(&[(0.0, "a")])));
    let mut body = logs.respond(path(), "follow=true").await.into_body();
    assert_eq!(next(&mut body).await.as_deref(), Some("a\n"));
    logs.shutdown.cancel();
    assert!(body.frame().await.expect("not an ordinary end").is_err());
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_number_of_followed_logs_is_bounded() {
    let logs = logs(pods(vec![(0.0, running())]), Arc::new(ScriptedLog::new(&[])));
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(logs.respond(path(), "follow=true").await);
    }
    assert_eq!(logs.respond(path(), "follow=true").await.status(), 503);
    open.pop();
    assert_eq!(logs.respond(path(), "follow=true").await.status(), 200);
}
