//! Follows a container's log: reads it again and again, and passes on what is new.
//!
//! ```text
//!  first reading ──▶ chunk     before the answer's head, so that its failure still has a status
//!  then, each poll:  locate ──▶ read ──▶ new lines ──▶ chunk
//!                       │
//!                       ├ runs            read, go on
//!                       ├ has ended       read once more, end
//!                       ├ started again   read the rest of the run that ended, end
//!                       └ gone, replaced  end
//! ```
//!
//! It is where the container is that is asked first and the log that is read second: what is read after a container
//! was known to have ended is all that it wrote. The body of the answer *is* this state, polled by the connection: a
//! client that leaves drops it, and with it a reading under way.
//!
//! When the process ends, the body breaks off instead of ending: an end would say that the container has ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use vk_core::{ErrorKind, GroupId, LogQuery, LogSince, ProviderError};

use crate::logs::lines::{Cursor, Fresh};
use crate::logs::polls::{Polled, Reading, Subscription};
use crate::metrics::{Counted, Metrics};
use crate::pods::{Located, Pods};
use crate::route::ContainerPath;

/// Stands where more was written between two readings than one reading holds.
const GAP: &str = "[log lines may be missing here: more was written than could be read]";
/// Attempts to read the end of a log before it is given up.
const LAST_ATTEMPTS: u32 = 5;

/// The process ends; what follows is not in the answer.
#[derive(Debug, thiserror::Error)]
#[error("the node's process is ending")]
pub(crate) struct BrokenOff;

/// What stays the same while a log is followed.
pub(crate) struct Followed {
    pub(crate) pods: Arc<dyn Pods>,
    pub(crate) log: Subscription,
    pub(crate) path: ContainerPath,
    pub(crate) group: GroupId,
    pub(crate) restart_count: i32,
    /// What the client asked for; counts until a line was seen.
    pub(crate) since: Option<LogSince>,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: CancellationToken,
    /// Held while the log is followed.
    pub(crate) _counted: Counted,
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// How lines are written, and how many bytes of them still may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) timestamps: bool,
    pub(crate) bytes_left: Option<u64>,
}

/// A log being followed.
pub(crate) struct Follow {
    followed: Followed,
    cursor: Cursor,
    output: Output,
    /// Lines of the first reading.
    first: Option<Bytes>,
    started_at: Instant,
    due: Instant,
    attempts: u32,
    ended: bool,
}

/// What is to be done now.
enum Step {
    Read,
    /// The last reading, of the run that is there or of the one before it.
    ReadLast {
        previous: bool,
    },
    Wait,
    End,
}

impl Follow {
    /// Begins with a reading that was made already, of which the last `tail` lines count.
    pub(crate) fn new(followed: Followed, first: &str, tail: Option<u32>, output: Output) -> Self {
        let now = Instant::now();
        let due = now + followed.log.interval();
        let mut follow = Self {
            followed,
            cursor: Cursor::default(),
            output,
            first: None,
            started_at: now,
            due,
            attempts: 0,
            ended: false,
        };
        let mut fresh = follow.cursor.advance(first);
        let tail = tail.map_or(usize::MAX, |tail| usize::try_from(tail).unwrap_or(usize::MAX));
        fresh.lines.drain(..fresh.lines.len().saturating_sub(tail));
        follow.first = follow.write(&fresh);
        follow
    }

    /// The chunks of the answer.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Bytes, BrokenOff>> + Send {
        stream::unfold(self, |mut follow| async move {
            let shutdown = follow.followed.shutdown.clone();
            let chunk = tokio::select! {
                biased;
                () = shutdown.cancelled() => (!follow.ended).then_some(Err(BrokenOff)),
                chunk = follow.next_chunk() => chunk.map(Ok),
            };
            follow.ended |= matches!(chunk, Some(Err(_)));
            chunk.map(|chunk| (chunk, follow))
        })
    }

    async fn next_chunk(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        while !self.ended {
            tokio::time::sleep_until(self.due).await;
            if let Some(chunk) = self.poll().await {
                return Some(chunk);
            }
        }
        None
    }

    async fn poll(&mut self) -> Option<Bytes> {
        match self.step() {
            Step::Read => self.read(false).await,
            Step::ReadLast { previous: false } => self.read(true).await,
            Step::ReadLast { previous: true } => self.read_previous().await,
            Step::Wait => {
                self.due = Instant::now() + self.followed.log.interval();
                None
            }
            Step::End => {
                self.ended = true;
                None
            }
        }
    }

    fn step(&self) -> Step {
        let Followed { pods, path, group, restart_count, .. } = &self.followed;
        match pods.locate(&path.namespace, &path.pod, &path.container) {
            Located::NoSuchPod | Located::NoSuchContainer => Step::End,
            Located::At { group: other, .. } if other != *group => Step::End,
            // Its state is not known for the moment; that the container is gone would be said otherwise.
            Located::NotStarted { .. } => Step::Wait,
            Located::At { restart_count: now, .. } if now != *restart_count => {
                Step::ReadLast { previous: true }
            }
            Located::At { running: false, .. } => Step::ReadLast { previous: false },
            Located::At { running: true, .. } => Step::Read,
        }
    }

    async fn read(&mut self, last: bool) -> Option<Bytes> {
        let now = Instant::now();
        let interval = self.followed.log.interval();
        // A reading younger than a pause serves all readers, one just as old none: the next must lie in the future.
        // The last reading must be no older than the end.
        let recent = interval.saturating_sub(Duration::from_nanos(1));
        let not_before = if last { now } else { now.checked_sub(recent).unwrap_or(now) };
        match self.followed.log.poll(self.since(), not_before).await {
            Polled::Reading(reading) => self.take(&reading, interval, last),
            Polled::Paused(until) => {
                self.due = until;
                None
            }
            Polled::Failed(error, until) => {
                self.due = until;
                self.fail(&error, last)
            }
        }
    }

    fn take(&mut self, reading: &Reading, interval: Duration, last: bool) -> Option<Bytes> {
        self.attempts = 0;
        self.due = reading.at + interval;
        self.ended |= last;
        let fresh = self.cursor.advance(&reading.text);
        if fresh.gap {
            self.followed.metrics.log_gaps.inc();
        }
        self.write(&fresh)
    }

    /// What the run that ended wrote after the last line that was seen of it.
    async fn read_previous(&mut self) -> Option<Bytes> {
        let query = LogQuery { since: self.since(), timestamps: true, previous: true, ..LogQuery::default() };
        match self.followed.log.read(&query).await {
            Ok(text) => {
                self.ended = true;
                let fresh = self.cursor.advance(&text);
                self.write(&fresh)
            }
            Err(error) => {
                self.due = Instant::now() + self.followed.log.interval();
                self.fail(&error, true)
            }
        }
    }

    /// A failure that passes is waited out; another one, or one at the end that lasts, is written into the log.
    fn fail(&mut self, error: &ProviderError, last: bool) -> Option<Bytes> {
        self.attempts = self.attempts.saturating_add(1);
        let absent = *error.kind() == ErrorKind::NotFound;
        let passes = absent || error.kind().is_cloud_wide() || *error.kind() == ErrorKind::Conflict;
        if last && absent {
            self.ended = true;
            return None;
        }
        if passes && !(last && self.attempts >= LAST_ATTEMPTS) {
            return None;
        }
        let Followed { path, group, .. } = &self.followed;
        warn!(namespace = path.namespace, pod = path.pod, container_group = %group, error = %error.chain(),
            "log not followed to its end");
        self.ended = true;
        Some(format!("[the rest of the log could not be read: {}]\n", error.chain().escape_debug()).into())
    }

    /// After a line was seen, from shortly before it; else what the client asked for, seconds counted from then.
    fn since(&self) -> Option<LogSince> {
        let asked = self.followed.since.map(|since| match since {
            LogSince::Seconds(seconds) => {
                let passed = u32::try_from(self.started_at.elapsed().as_secs()).unwrap_or(u32::MAX);
                LogSince::Seconds(seconds.saturating_add(passed).saturating_add(1))
            }
            time @ LogSince::Time(_) => time,
        });
        self.cursor.since().map(LogSince::Time).or(asked)
    }

    fn write(&mut self, fresh: &Fresh<'_>) -> Option<Bytes> {
        let chunk = self.output.write(fresh);
        self.ended |= self.output.bytes_left == Some(0);
        (!chunk.is_empty()).then(|| chunk.into())
    }
}

impl Output {
    /// The lines as the client wants them, as many bytes as it still takes.
    fn write(&mut self, fresh: &Fresh<'_>) -> String {
        let mut chunk = String::new();
        if let (true, Some(next)) = (fresh.gap, fresh.lines.first()) {
            let stamp = next.stamped.strip_suffix(next.text).unwrap_or_default();
            let stamp = if self.timestamps { stamp } else { "" };
            chunk.extend([stamp, GAP, "\n"]);
        }
        for line in &fresh.lines {
            let line = if self.timestamps { line.stamped } else { line.text };
            chunk.extend([line, "\n"]);
        }
        self.cut(chunk)
    }

    /// At most the bytes left, never half a character.
    pub(crate) fn cut(&mut self, mut text: String) -> String {
        let Some(left) = self.bytes_left else {
            return text;
        };
        let limit = usize::try_from(left).unwrap_or(usize::MAX);
        if text.len() >= limit {
            let whole = (0..=limit).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(whole.unwrap_or_default());
            self.bytes_left = Some(0);
            return text;
        }
        self.bytes_left = Some(left - text.len() as u64);
        text
    }
}
