//! Follows logs over a transport that is the cloud's log in memory. Time is paused: pauses cost none.
#![cfg(feature = "client")]

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use eci_client::{
    AccessKey, Client, ErrorKind, FollowLog, LogFollower, LogGap, LogItem, Transport, TransportError,
};
use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The log of a container that may have been started again, and what befalls those who read it.
#[derive(Clone, Default)]
struct Cloud(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Milliseconds and text, run after run.
    runs: Vec<Vec<(i64, String)>>,
    /// Answers that come in place of the log: status, code, header.
    failures: VecDeque<(u16, &'static str, Option<&'static str>)>,
    /// Calls: whether they were for the run before, and when.
    calls: Vec<(bool, Instant)>,
    /// Bytes after which an answer is cut off.
    most_bytes: Option<usize>,
}

impl Cloud {
    fn client(&self) -> Client {
        let key = AccessKey::new("id", "secret");
        Client::builder("cn-test").credentials(key).transport(self.clone()).build().expect("a client")
    }

    fn follow(&self) -> LogFollower {
        self.client().follow_log(FollowLog::new("eci-1", "main"))
    }

    fn write(&self, lines: &[(i64, &str)]) {
        let mut state = self.0.lock().expect("no panic");
        if state.runs.is_empty() {
            state.runs.push(Vec::new());
        }
        let run = state.runs.last_mut().expect("a run");
        run.extend(lines.iter().map(|(at, text)| (*at, (*text).to_owned())));
    }

    fn restart(&self) {
        self.0.lock().expect("no panic").runs.push(Vec::new());
    }

    fn fail(&self, status: u16, code: &'static str, times: usize) {
        self.0.lock().expect("no panic").failures.extend(std::iter::repeat_n((status, code, None), times));
    }

    fn calls(&self) -> Vec<(bool, Instant)> {
        self.0.lock().expect("no panic").calls.clone()
    }
}

#[async_trait]
impl Transport for Cloud {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let asked = parameters(&request);
        let mut state = self.0.lock().expect("no panic");
        let previous = asked.get("LastTime").is_some_and(|value| value == "true");
        state.calls.push((previous, Instant::now()));
        if let Some((status, code, wait)) = state.failures.pop_front() {
            if status == 0 {
                return Err(TransportError::unanswered(io::Error::other("reset")));
            }
            let body = format!(r#"{{"RequestId":"r","Code":"{code}","Message":"m"}}"#);
            let mut response = http::Response::builder().status(status);
            if let Some(milliseconds) = wait {
                response = response.header("x-acs-retry-after", milliseconds);
            }
            return Ok(response.body(body.into()).expect("a response"));
        }
        let body = serde_json::json!({ "RequestId": "r", "Content": state.content(&asked, previous) });
        Ok(http::Response::new(body.to_string().into()))
    }
}

impl State {
    fn content(&self, asked: &BTreeMap<String, String>, previous: bool) -> String {
        let run = self.runs.len().checked_sub(1 + usize::from(previous)).map(|run| &self.runs[run]);
        let from = asked.get("StartTime").map_or(Timestamp::MIN, |text| text.parse().expect("a time"));
        let lines: Vec<String> = run
            .into_iter()
            .flatten()
            .map(|(at, text)| (Timestamp::from_millisecond(*at).expect("a time"), text))
            .filter(|(at, _)| *at >= from)
            .map(|(at, text)| format!("{at:.9} {text}\n"))
            .collect();
        let tail: usize = asked["Tail"].parse().expect("a number");
        assert_eq!(asked["Timestamps"], "true");
        let mut text = lines[lines.len().saturating_sub(tail)..].concat();
        text.truncate(self.most_bytes.unwrap_or(usize::MAX));
        text
    }
}

fn parameters(request: &http::Request<Bytes>) -> BTreeMap<String, String> {
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned();
    let query = request.uri().query().unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// The next item, for people: a line's text, or what stands in its place.
async fn next(log: &mut LogFollower) -> String {
    match log.next().await {
        None => "END".to_owned(),
        Some(Ok(LogItem::Line(line))) => line.text.to_string(),
        Some(Ok(LogItem::Gap(LogGap::SlowReader { items }))) => format!("SLOW {items}"),
        Some(Ok(LogItem::Gap(_))) => "GAP".to_owned(),
        Some(Ok(LogItem::Restarted)) => "RESTARTED".to_owned(),
        Some(Err(error)) => format!("{:?}", error.kind()),
        Some(Ok(item)) => panic!("{item:?}"),
    }
}

async fn take(log: &mut LogFollower, count: usize) -> Vec<String> {
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(next(log).await);
    }
    items
}

#[tokio::test(start_paused = true)]
async fn lines_come_once_and_in_order_until_it_is_finished() {
    let cloud = Cloud::default();
    cloud.write(&[(1000, "a"), (1001, "b"), (1001, "b")]);
    let mut log = cloud.follow();
    assert_eq!(take(&mut log, 3).await, ["a", "b", "b"]);
    cloud.write(&[(1001, "b"), (1500, "c")]);
    assert_eq!(take(&mut log, 2).await, ["b", "c"]);
    cloud.write(&[(1600, "last words")]);
    log.finish();
    assert_eq!(take(&mut log, 3).await, ["last words", "END", "END"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_has_its_time() {
    let cloud = Cloud::default();
    cloud.write(&[(1234, "a")]);
    let Some(Ok(LogItem::Line(line))) = cloud.follow().next().await else { panic!("a line") };
    assert_eq!(line.at, Some(Timestamp::from_millisecond(1234).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_container_has_ended_and_not_before() {
    let cloud = Cloud::default();
    cloud.write(&[(1, "a")]);
    let (end, ended) = oneshot::channel::<()>();
    let until = async move { drop(ended.await) };
    let mut log = cloud.client().follow_log(FollowLog::new("eci-1", "main").until(until));
    assert_eq!(next(&mut log).await, "a");
    let waiting = tokio::time::timeout(Duration::from_secs(60), log.next()).await;
    assert!(waiting.is_err(), "the container still runs");
    cloud.write(&[(70_000, "b")]);
    end.send(()).expect("the follower waits");
    assert_eq!(take(&mut log, 2).await, ["b", "END"]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_beyond_one_reading_is_a_gap() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "before")]);
    let mut log = cloud.follow();
    assert_eq!(next(&mut log).await, "before");
    let burst: Vec<_> = (0..2500).map(|n| (1000 + n, "burst")).collect();
    cloud.write(&burst);
    assert_eq!(next(&mut log).await, "GAP");
    let mut first = None;
    for _ in 0..2000 {
        let Some(Ok(LogItem::Line(line))) = log.next().await else { panic!("a line") };
        first = first.or(line.at);
    }
    assert_eq!(first, Some(Timestamp::from_millisecond(1500).unwrap()));
    cloud.write(&[(4000, "after")]);
    assert_eq!(next(&mut log).await, "after");
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_rest_of_the_run_before_comes_first() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a")]);
    let mut log = cloud.follow();
    assert_eq!(next(&mut log).await, "a");
    cloud.write(&[(500, "dying words")]);
    cloud.restart();
    cloud.write(&[(900, "a again")]);
    assert_eq!(take(&mut log, 3).await, ["dying words", "RESTARTED", "a again"]);
    cloud.write(&[(1000, "b")]);
    assert_eq!(next(&mut log).await, "b");
}

#[tokio::test(start_paused = true)]
async fn a_restart_shows_before_the_new_run_has_written() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a"), (10, "b")]);
    let mut log = cloud.follow();
    assert_eq!(take(&mut log, 2).await, ["a", "b"]);
    cloud.restart();
    assert_eq!(next(&mut log).await, "RESTARTED");
    cloud.write(&[(900, "c")]);
    assert_eq!(next(&mut log).await, "c");
    assert_eq!(cloud.calls().iter().filter(|(previous, _)| *previous).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_came_and_went_between_two_readings_is_a_gap() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "first")]);
    let mut log = cloud.follow();
    assert_eq!(next(&mut log).await, "first");
    cloud.restart();
    cloud.write(&[(300, "second")]);
    cloud.restart();
    cloud.write(&[(600, "third")]);
    assert_eq!(take(&mut log, 2).await, ["GAP", "third"]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_vanished_is_asked_for_its_run_before_only_once() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a")]);
    let mut log = cloud.follow();
    assert_eq!(next(&mut log).await, "a");
    cloud.0.lock().unwrap().runs.clear();
    let waiting = tokio::time::timeout(Duration::from_secs(60), log.next()).await;
    assert!(waiting.is_err(), "nothing was written");
    let calls = cloud.calls();
    assert!(calls.len() > 30, "{}", calls.len());
    assert_eq!(calls.iter().filter(|(previous, _)| *previous).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_while_a_restart_is_looked_into_loses_nothing() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a")]);
    let mut log = cloud.follow();
    assert_eq!(next(&mut log).await, "a");
    cloud.write(&[(500, "dying words")]);
    cloud.restart();
    cloud.write(&[(900, "c")]);
    cloud.fail(0, "", 3);
    assert_eq!(take(&mut log, 3).await, ["dying words", "RESTARTED", "c"]);
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_longer_each_time_and_as_long_as_is_asked() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a")]);
    let started = Instant::now();
    cloud.fail(400, "Throttling.User", 2);
    cloud.0.lock().unwrap().failures.push_back((400, "Throttling.User", Some("60000")));
    assert_eq!(next(&mut cloud.follow()).await, "a");
    let after: Vec<_> = cloud.calls().iter().map(|(_, at)| (*at - started).as_secs()).collect();
    assert!(after.last().is_some_and(|last| *last >= 66), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_has_not_started_is_waited_for() {
    let cloud = Cloud::default();
    cloud.fail(400, "IncorrectStatus", 20);
    cloud.write(&[(0, "at last")]);
    assert_eq!(next(&mut cloud.follow()).await, "at last");
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_ends_the_log_for_all_readers() {
    let cloud = Cloud::default();
    cloud.fail(403, "Forbidden.RAM", 1000);
    let mut log = cloud.follow();
    let mut other = log.subscribe();
    let error = log.next().await.expect("an item").expect_err("denied");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(take(&mut other, 2).await, ["Denied", "END"]);
    assert_eq!(next(&mut log).await, "END");
    assert_eq!(next(&mut log.subscribe()).await, "END");
}

#[tokio::test(start_paused = true)]
async fn the_last_reading_is_tried_again() {
    let cloud = Cloud::default();
    let mut log = cloud.follow();
    cloud.write(&[(0, "a")]);
    assert_eq!(next(&mut log).await, "a");
    cloud.write(&[(200, "b")]);
    cloud.fail(503, "ServiceUnavailable", 3);
    log.finish();
    assert_eq!(take(&mut log, 2).await, ["b", "END"]);
}

#[tokio::test(start_paused = true)]
async fn many_readers_cost_one_reading() {
    let cloud = Cloud::default();
    let log = cloud.follow();
    let mut readers: Vec<_> = (0..50).map(|_| log.subscribe()).collect();
    cloud.write(&[(0, "a"), (1, "b")]);
    for reader in &mut readers {
        assert_eq!(take(reader, 2).await, ["a", "b"]);
    }
    assert_eq!(cloud.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_log_is_a_stream_that_stays_at_its_end() {
    let cloud = Cloud::default();
    let log = cloud.follow();
    let other = log.subscribe();
    cloud.write(&[(0, "a"), (1, "b")]);
    log.finish();
    let mut stream = log.into_stream();
    let mut texts = Vec::new();
    while let Some(item) = stream.next().await {
        match item.expect("a log that can be read") {
            LogItem::Line(line) => texts.push(line.text.to_string()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(texts, ["a", "b"]);
    assert!(stream.next().await.is_none());
    assert_eq!(other.into_stream().count().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_a_gap_and_holds_nobody_up() {
    let cloud = Cloud::default();
    let mut quick = cloud.client().follow_log(FollowLog::new("eci-1", "main").buffer(1));
    let mut slow = quick.subscribe();
    for second in 0..3 {
        // As much as a reading holds, at once: who reads all the time loses nothing of it, however small his buffer.
        let lines: Vec<_> = (0..1999).map(|n| (second * 10_000 + n, "x")).collect();
        cloud.write(&lines);
        assert!(take(&mut quick, 1999).await.iter().all(|item| item == "x"));
    }
    assert_eq!(take(&mut slow, 2).await, [format!("SLOW {}", 3 * 1999 - 4096), "x".to_owned()]);
}

#[tokio::test(start_paused = true)]
async fn any_size_of_a_buffer_will_do() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a")]);
    let mut log = cloud.client().follow_log(FollowLog::new("eci-1", "main").buffer(usize::MAX));
    assert_eq!(next(&mut log).await, "a");
}

#[tokio::test(start_paused = true)]
async fn a_container_that_starts_late_is_waited_for_as_long_as_is_said() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a")]);
    cloud.fail(404, "InvalidParameter.NotFound", 25);
    let started = Instant::now();
    assert_eq!(next(&mut cloud.follow()).await, "a");
    assert!(started.elapsed() > Duration::from_secs(600), "{:?}", started.elapsed());

    for within in [Duration::from_secs(3600), Duration::ZERO] {
        let cloud = Cloud::default();
        cloud.fail(404, "InvalidParameter.NotFound", 1000);
        let started = Instant::now();
        let what = FollowLog::new("eci-1", "main").appears_within(within);
        assert_eq!(next(&mut cloud.client().follow_log(what)).await, "NotFound");
        let waited = started.elapsed();
        assert!(waited >= within && waited < within + Duration::from_secs(60), "{waited:?}");
    }
    let for_ever = FollowLog::new("eci-1", "main").appears_within(Duration::MAX);
    assert_eq!(next(&mut cloud.client().follow_log(for_ever)).await, "a");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_gone_at_its_last_reading_ends_after_a_gap() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a")]);
    let mut log = cloud.follow();
    assert_eq!(next(&mut log).await, "a");
    cloud.fail(404, "InvalidParameter.NotFound", 1000);
    log.finish();
    assert_eq!(take(&mut log, 2).await, ["GAP", "END"]);

    let cloud = Cloud::default();
    cloud.fail(404, "InvalidParameter.NotFound", 1000);
    let mut log = cloud.follow();
    log.finish();
    assert_eq!(next(&mut log).await, "NotFound", "nothing was ever read");
}

#[tokio::test(start_paused = true)]
async fn without_a_reader_nothing_is_read() {
    let cloud = Cloud::default();
    cloud.write(&[(0, "a")]);
    let mut log = cloud.follow();
    assert_eq!(next(&mut log).await, "a");
    let other = log.subscribe();
    drop(log);
    let before = cloud.calls().len();
    tokio::time::advance(Duration::from_secs(5)).await;
    while cloud.calls().len() == before {
        tokio::task::yield_now().await;
    }
    drop(other);
    tokio::task::yield_now().await;
    let before = cloud.calls().len();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(cloud.calls().len(), before);
}

#[tokio::test(start_paused = true)]
async fn an_instant_that_fills_the_answer_does_not_hold_up_the_rest() {
    let cloud = Cloud::default();
    cloud.0.lock().unwrap().most_bytes = Some(1_048_576);
    let long = "x".repeat(1000);
    let flood: Vec<_> = (0..1500).map(|_| (1000, long.as_str())).collect();
    cloud.write(&flood);
    cloud.write(&[(2500, "after the flood")]);
    let mut log = cloud.follow();
    let mut seen = 0;
    let after = loop {
        let item = next(&mut log).await;
        if item == long { seen += 1 } else { break item }
    };
    assert!(seen > 900, "{seen}");
    assert_eq!((after.as_str(), next(&mut log).await.as_str()), ("GAP", "after the flood"));
}
