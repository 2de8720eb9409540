//! Follows a container's log: each line once, in order, to any number of readers, by reading again and again.
//!
//! ```text
//!   DescribeContainerLog ──▶ Poller ──▶ Cursor: what is new ──▶ bounded ring ──▶ LogFollower::next
//!     one call a pause        │                                     ├──────────▶ another reader
//!                             └ told of the end: one more reading   └ too slow: a Gap in place of what it missed
//! ```
//!
//! The API only answers with the last lines of a log. So it is read from shortly before the last line seen, and what
//! was seen already is dropped. Where a reading does not reach back to what was seen, the container may have started
//! again: then the rest of the run before is read first. What cannot be had is an item too, [`LogItem::Gap`].

mod cursor;
mod poller;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;

use self::poller::Poller;
use crate::client::Client;
use crate::error::Error;
use crate::model::ContainerGroupId;

/// The pause between readings. 500 calls a minute are allowed to an account: eight logs at this pace use them up.
const PAUSE: Duration = Duration::from_secs(1);
/// Four readings of the most lines that one can hold.
const BUFFER: usize = 8192;
/// After a restart two readings are passed on at once. With less room even a reader that is always ready would lose lines.
const SMALLEST_BUFFER: usize = 4096;
/// The room is made at once.
const LARGEST_BUFFER: usize = 1 << 18;
/// Longer than a group takes to pull large images.
const APPEARS_WITHIN: Duration = Duration::from_secs(15 * 60);

/// What to follow, and how.
#[must_use]
pub struct FollowLog {
    container_group_id: ContainerGroupId,
    container_name: String,
    since: Option<Timestamp>,
    pause: Duration,
    buffer: usize,
    appears_within: Duration,
    until: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl FollowLog {
    /// The log of a container, from the oldest line that one reading holds, for ever.
    pub fn new(container_group_id: impl Into<ContainerGroupId>, container_name: impl Into<String>) -> Self {
        Self {
            container_group_id: container_group_id.into(),
            container_name: container_name.into(),
            since: None,
            pause: PAUSE,
            buffer: BUFFER,
            appears_within: APPEARS_WITHIN,
            until: Box::pin(std::future::pending()),
        }
    }

    /// Begins with the lines of then.
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// The pause between two readings; 1 s unless set. Failures make it longer, a log that grows fast shorter.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// How many items a reader may be behind; 8192 unless set, at least 4096 (two readings), at most 262,144. A slower
    /// one loses the oldest to a gap. The items are kept for the slowest reader: at 16 KiB, where runtimes part longer lines,
    /// 8192 of them are 128 MB.
    pub fn buffer(mut self, items: usize) -> Self {
        self.buffer = items.clamp(SMALLEST_BUFFER, LARGEST_BUFFER);
        self
    }

    /// How long the cloud may know of no such group, container or log, as of one that has not started, before that is an
    /// error; 15 minutes unless set. A log that was read once and then is not found is given a minute.
    pub fn appears_within(mut self, time: Duration) -> Self {
        self.appears_within = time;
        self
    }

    /// Ends when this future is ready, which should mean that the container has ended: the log is then read once
    /// more. [`LogFollower::finish`] does the same by hand.
    pub fn until(mut self, ended: impl Future<Output = ()> + Send + 'static) -> Self {
        self.until = Box::pin(ended);
        self
    }
}

impl fmt::Debug for FollowLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowLog")
            .field("container_group_id", &self.container_group_id)
            .field("container_name", &self.container_name)
            .field("since", &self.since)
            .field("pause", &self.pause)
            .field("buffer", &self.buffer)
            .field("appears_within", &self.appears_within)
            .finish_non_exhaustive()
    }
}

/// What a reader of a log gets. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogItem {
    /// A line.
    Line(LogLine),
    /// Lines may be, or are, missing here.
    Gap(LogGap),
    /// The container was started again; what follows is from its new run.
    Restarted,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, by the cloud; `None` where the cloud put no time before it.
    pub at: Option<Timestamp>,
    /// Its text, without the time and the end of line. A `\r` before that is the container's own and stays.
    pub text: Arc<str>,
}

/// Why lines are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogGap {
    /// More was written between two readings than a reading holds (2000 lines, 1 MB), or than the cloud keeps; or the log
    /// was gone before its last reading. Lines may be missing.
    Unread,
    /// This reader was too slow and lost so many items; other readers got them.
    SlowReader {
        /// How many.
        items: u64,
    },
}

/// A reader of a log that is followed. While there is one, the log is read in a task of its own; dropping the last
/// one ends that at once.
pub struct LogFollower {
    items: broadcast::Receiver<Result<LogItem, Arc<Error>>>,
    shared: Arc<Shared>,
}

/// What the readers of one log share.
struct Shared {
    /// Gone once the log has ended, so that its readers see the end.
    items: broadcast::WeakSender<Result<LogItem, Arc<Error>>>,
    finish: watch::Sender<bool>,
    poller: AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.poller.abort();
    }
}

impl Client {
    /// Follows the log of a container. Must be called within a tokio runtime.
    ///
    /// # Guarantees
    ///
    /// Each line comes once and in the order of the cloud's answers, told apart by time and text, and counted where
    /// both are equal. Throttling and outages are waited out, longer each time, and so is a container that has not started,
    /// for [`FollowLog::appears_within`]. A log that is gone when it is read for the last time ends, after a gap.
    ///
    /// # Assumptions
    ///
    /// The cloud's answers do not reorder lines by more than a tenth of a second.
    pub fn follow_log(&self, what: FollowLog) -> LogFollower {
        let (items, receiver) = broadcast::channel(what.buffer);
        let (finish, finishing) = watch::channel(false);
        let weak = items.downgrade();
        let poller = tokio::spawn(Poller::new(self.clone(), what, items, finishing).run()).abort_handle();
        LogFollower { items: receiver, shared: Arc::new(Shared { items: weak, finish, poller }) }
    }
}

impl LogFollower {
    /// The next item; `None` once the log has ended. May be dropped and called again without losing anything.
    ///
    /// # Errors
    ///
    /// The log cannot be followed any further, see [`Error::kind`]; nothing comes after that. All readers get the
    /// same error.
    pub async fn next(&mut self) -> Option<Result<LogItem, Arc<Error>>> {
        match self.items.recv().await {
            Ok(item) => Some(item),
            Err(broadcast::error::RecvError::Lagged(items)) => {
                Some(Ok(LogItem::Gap(LogGap::SlowReader { items })))
            }
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The items from here on as a stream, for those who combine streams.
    pub fn into_stream(self) -> LogStream {
        LogStream { next: Some(Box::pin(taken(self))) }
    }

    /// Another reader of the same log, from what comes next. It costs no further calls; where the log has ended it
    /// gets nothing.
    #[must_use]
    pub fn subscribe(&self) -> Self {
        let items = match self.shared.items.upgrade() {
            Some(items) => items.subscribe(),
            None => broadcast::channel(1).1,
        };
        Self { items, shared: Arc::clone(&self.shared) }
    }

    /// Says that the container has ended, or that nobody cares for later lines: the log is read once more, from a time
    /// after this call, and ends for all readers.
    pub fn finish(&self) {
        self.shared.finish.send_replace(true);
    }
}

/// A reader of a log as a stream: [`LogFollower::into_stream`].
#[must_use = "streams do nothing unless polled"]
pub struct LogStream {
    /// `None` once the log has ended.
    next: Option<Taking>,
}

type Item = Result<LogItem, Arc<Error>>;
type Taking = Pin<Box<dyn Future<Output = (LogFollower, Option<Item>)> + Send>>;

async fn taken(mut follower: LogFollower) -> (LogFollower, Option<Item>) {
    let item = follower.next().await;
    (follower, item)
}

impl Stream for LogStream {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let (follower, item) = ready!(next.as_mut().poll(context));
        self.next = item.is_some().then(|| Box::pin(taken(follower)) as _);
        Poll::Ready(item)
    }
}

impl fmt::Debug for LogStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStream").field("has_ended", &self.next.is_none()).finish_non_exhaustive()
    }
}

impl fmt::Debug for LogFollower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogFollower").field("behind", &self.items.len()).finish_non_exhaustive()
    }
}
