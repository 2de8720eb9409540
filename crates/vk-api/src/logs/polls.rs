//! Reads followed logs at a bounded rate, once for all who follow the same one.
//!
//! Reading logs is the scarcest thing a cloud gives (ECI: 500 calls a minute for a whole account). So the readers of
//! one container share each reading: the first whose time has come reads, the others take what it got. There is no
//! task: a reading is the future of the reader that makes it, and when that reader leaves, the next one reads. The
//! more different logs are followed, the longer the pause between two readings; after a failure it grows too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;
use tracing::debug;
use vk_core::{ErrorKind, GroupId, LogProvider, LogQuery, LogSince, ProviderError};

use crate::metrics::{LogReadLabels, Metrics};

/// For one reading; a cloud that needs longer is as good as unreachable.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Advice to wait that is believed. Somebody looks at the log that is followed.
const LONGEST_ADVICE: Duration = Duration::from_secs(300);

/// How logs are followed.
#[derive(Clone, Copy, Debug)]
pub struct FollowConfig {
    /// The pause between two readings of a log.
    pub poll: Duration,
    /// The longest pause, after failures.
    pub longest_poll: Duration,
    /// Readings a second of all followed logs together. The default is half of what ECI allows an account.
    pub reads_per_second: f64,
}

impl Default for FollowConfig {
    fn default() -> Self {
        Self { poll: Duration::from_secs(1), longest_poll: Duration::from_secs(30), reads_per_second: 4.0 }
    }
}

/// Reads logs for requests, and knows which ones are followed.
#[derive(Clone)]
pub(crate) struct LogReader {
    provider: Arc<dyn LogProvider>,
    config: FollowConfig,
    metrics: Metrics,
    followed: Arc<Mutex<HashMap<LogKey, Shared>>>,
}

/// A container of a group.
pub(crate) type LogKey = (GroupId, String);

struct Shared {
    readers: usize,
    log: Arc<FollowedLog>,
}

/// What the readers of one log share. The lock is held while one of them reads: the others wait for its answer.
type FollowedLog = tokio::sync::Mutex<LastReading>;

#[derive(Default)]
struct LastReading {
    reading: Option<Reading>,
    failures: u32,
    /// Nobody reads before.
    paused_until: Option<Instant>,
}

/// One answer of the provider.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) text: Arc<str>,
    /// When it was asked for.
    pub(crate) at: Instant,
    since: Option<LogSince>,
}

/// What came of wanting to read.
pub(crate) enum Polled {
    Reading(Reading),
    /// Nobody may read before this instant.
    Paused(Instant),
    /// This reader's reading failed; until the instant nobody reads.
    Failed(ProviderError, Instant),
}

impl LogReader {
    pub(crate) fn new(provider: Arc<dyn LogProvider>, config: FollowConfig, metrics: Metrics) -> Self {
        Self { provider, config, metrics, followed: Arc::default() }
    }

    /// Reads once.
    pub(crate) async fn read(&self, key: &LogKey, query: &LogQuery) -> Result<String, ProviderError> {
        let reading = self.provider.read_log(&key.0, &key.1, query);
        let answer = tokio::time::timeout(READ_TIMEOUT, reading).await.unwrap_or_else(|_| {
            let text = format!("reading the log brought no answer within {READ_TIMEOUT:?}");
            Err(ProviderError::new(ErrorKind::Unavailable, text))
        });
        let outcome = answer.as_ref().map_or_else(|error| error.kind().reason(), |_| "Read");
        self.metrics.log_reads.get_or_create(&LogReadLabels { outcome }).inc();
        answer
    }

    /// Joins the readers of a log.
    pub(crate) fn follow(&self, key: LogKey) -> Subscription {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let shared =
            followed.entry(key.clone()).or_insert_with(|| Shared { readers: 0, log: Arc::default() });
        shared.readers += 1;
        Subscription { log: Arc::clone(&shared.log), reader: self.clone(), key }
    }

    /// The pause between two readings of each followed log, so that all of them keep within the budget.
    pub(crate) fn interval(&self) -> Duration {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner).len();
        let followed = u32::try_from(followed).unwrap_or(u32::MAX);
        let fair = Duration::try_from_secs_f64(f64::from(followed) / self.config.reads_per_second);
        fair.unwrap_or(self.config.longest_poll).max(self.config.poll)
    }

    #[cfg(test)]
    pub(crate) fn followed_logs(&self) -> usize {
        self.followed.lock().unwrap().len()
    }

    /// The pause after failures in a row: longer each time, never shorter than the provider advises.
    fn backoff(&self, failures: u32, error: &ProviderError) -> Duration {
        let grown = self.interval().saturating_mul(1 << failures.min(16)).min(self.config.longest_poll);
        match error.kind() {
            ErrorKind::Throttled { retry_after: Some(advice) } => grown.max((*advice).min(LONGEST_ADVICE)),
            _ => grown,
        }
    }
}

/// One reader's share in a followed log. Dropping it ends the share.
pub(crate) struct Subscription {
    log: Arc<FollowedLog>,
    reader: LogReader,
    key: LogKey,
}

impl Subscription {
    pub(crate) fn interval(&self) -> Duration {
        self.reader.interval()
    }

    pub(crate) async fn read(&self, query: &LogQuery) -> Result<String, ProviderError> {
        self.reader.read(&self.key, query).await
    }

    /// A reading of the lines `since`, asked for at `not_before` or later: another reader's, or a new one.
    ///
    /// May be dropped at any time; then the next reader makes the reading.
    pub(crate) async fn poll(&self, since: Option<LogSince>, not_before: Instant) -> Polled {
        let mut last = self.log.lock().await;
        if let Some(reading) = last.reading.as_ref().filter(|reading| reading.serves(since, not_before)) {
            return Polled::Reading(reading.clone());
        }
        if let Some(until) = last.paused_until.filter(|until| Instant::now() < *until) {
            return Polled::Paused(until);
        }
        let at = Instant::now();
        match self.read(&following(since)).await {
            Ok(text) => {
                let text = text.into();
                let reading = Reading { text, at, since };
                *last = LastReading { reading: Some(reading.clone()), ..LastReading::default() };
                Polled::Reading(reading)
            }
            Err(error) => {
                last.failures = last.failures.saturating_add(1);
                let until = Instant::now() + self.reader.backoff(last.failures, &error);
                last.paused_until = Some(until);
                debug!(container_group = %self.key.0, error = %error.chain(), "log not read, will be read again");
                Polled::Failed(error, until)
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut followed = self.reader.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = followed.get_mut(&self.key) {
            shared.readers -= 1;
            if shared.readers == 0 {
                followed.remove(&self.key);
            }
        }
    }
}

impl Reading {
    fn serves(&self, since: Option<LogSince>, not_before: Instant) -> bool {
        self.at >= not_before && reaches_back(self.since, since)
    }
}

/// Whether a reading since `read` holds what is wanted since `wanted`. A window of seconds moves with the clock and is
/// nobody else's.
fn reaches_back(read: Option<LogSince>, wanted: Option<LogSince>) -> bool {
    let time = |since| -> Option<Timestamp> {
        match since {
            Some(LogSince::Time(time)) => Some(time),
            Some(LogSince::Seconds(_)) | None => None,
        }
    };
    matches!((time(read), time(wanted)), (Some(read), Some(wanted)) if read <= wanted)
}

/// The query of a log that is followed: with times, to tell lines apart, and without a cut.
pub(crate) fn following(since: Option<LogSince>) -> LogQuery {
    LogQuery { since, timestamps: true, ..LogQuery::default() }
}
