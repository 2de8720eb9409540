//! Reads a log again and again, and hands on what is new: the one task behind all readers of a log.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until};

use super::cursor::{Cursor, FULL_BYTES, Fresh};
use super::{FollowLog, LogGap, LogItem};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::model::DescribeContainerLogRequest;

/// The most lines that an answer holds.
const MOST_LINES: i32 = 2000;
/// From so many new lines on a reading is followed by the next one sooner.
const MANY_LINES: usize = 1000;
/// The longest pause after failures, unless the cloud asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Advice to wait that is believed.
const LONGEST_ADVICE: Duration = Duration::from_secs(300);
/// Failures in a row until one that may pass is taken as lasting: about a minute.
const PATIENCE: u32 = 6;

/// What every reader gets.
type Items = broadcast::Sender<Result<LogItem, Arc<Error>>>;

/// The task's state.
pub(super) struct Poller {
    client: Client,
    request: DescribeContainerLogRequest,
    pause: Duration,
    until: Pin<Box<dyn Future<Output = ()> + Send>>,
    items: Items,
    finishing: watch::Receiver<bool>,
    cursor: Cursor,
    /// That an empty reading is not for a restart was found out; asking again would tell nothing.
    silence_explained: bool,
    failures: u32,
    /// Until then a log that was never read may not be found.
    appears_until: Option<Instant>,
}

impl Poller {
    pub(super) fn new(
        client: Client,
        what: FollowLog,
        items: Items,
        finishing: watch::Receiver<bool>,
    ) -> Self {
        let FollowLog { container_group_id, container_name, since, pause, buffer: _, appears_within, until } =
            what;
        // One that no clock can show is as good as for ever.
        let appears_until = Instant::now().checked_add(appears_within).unwrap_or_else(far_away);
        let request = DescribeContainerLogRequest {
            container_group_id,
            container_name,
            tail: Some(MOST_LINES),
            start_time: since,
            timestamps: Some(true),
            ..Default::default()
        };
        let (cursor, failures) = (Cursor::default(), 0);
        Self {
            client,
            request,
            pause,
            until,
            items,
            finishing,
            cursor,
            silence_explained: false,
            failures,
            appears_until: Some(appears_until),
        }
    }

    /// Ends when the last reading was made, or the log cannot be read any further.
    pub(super) async fn run(mut self) {
        let mut due = Instant::now();
        let mut last = false;
        loop {
            last = self.wait(due, last).await;
            let pause = match self.poll(last).await {
                Ok(_) if last => return,
                Ok(pause) => pause,
                Err(error) if last && self.is_gone(&error) => {
                    self.send(Ok(LogItem::Gap(LogGap::Unread)));
                    return;
                }
                Err(error) => match self.after(error, last) {
                    Ok(pause) => pause,
                    Err(error) => {
                        self.send(Err(Arc::new(error)));
                        return;
                    }
                },
            };
            due = Instant::now() + pause;
        }
    }

    /// Waits for the next reading; whether it is the last one. That it is one does not wait for the pause, but for
    /// what a failure asks for.
    async fn wait(&mut self, due: Instant, last: bool) -> bool {
        if last {
            sleep_until(due).await;
            return true;
        }
        let ended = tokio::select! {
            biased;
            // Without a reader this task is aborted, so the sender is there.
            _ = self.finishing.wait_for(|finish| *finish) => true,
            () = &mut self.until => true,
            () = sleep_until(due) => false,
        };
        if ended && self.failures > 0 {
            sleep_until(due).await;
        }
        ended
    }

    /// One reading; how long to wait until the next.
    async fn poll(&mut self, last: bool) -> Result<Duration, Error> {
        let reading = self.read(false).await?;
        self.appears_until = None;
        // A failure below must not lose what this reading brought: the cursor moves when everything is known.
        let mut cursor = self.cursor.clone();
        let fresh = cursor.advance(&reading, last);
        let silence = reading.is_empty();
        if fresh.torn && !(silence && self.silence_explained) {
            self.mend(&reading, cursor, fresh, last).await?;
            self.silence_explained = silence;
            self.failures = 0;
            return Ok(self.pause);
        }
        (self.failures, self.silence_explained) = (0, silence && self.silence_explained);
        self.cursor = cursor;
        if reading.len() >= FULL_BYTES && fresh.lines.is_empty() && self.cursor.skip_ahead() {
            self.send(Ok(LogItem::Gap(LogGap::Unread)));
        }
        let busy = fresh.lines.len() >= MANY_LINES || reading.len() >= FULL_BYTES;
        self.pass_on(fresh);
        Ok(if busy { self.pause / 4 } else { self.pause })
    }

    /// Takes a reading that does not hold what was seen: after a restart the run before holds it, else it is lost.
    async fn mend(&mut self, reading: &str, cursor: Cursor, fresh: Fresh, last: bool) -> Result<(), Error> {
        let previous = match self.read(true).await {
            Ok(text) => text,
            Err(error) if there_is_none(error.kind()) => String::new(),
            Err(error) => return Err(error),
        };
        let mut ended = self.cursor.clone();
        let rest = ended.advance(&previous, true);
        if rest.torn {
            self.cursor = cursor;
            if !fresh.lines.is_empty() {
                self.send(Ok(LogItem::Gap(LogGap::Unread)));
            }
            self.pass_on(fresh);
            return Ok(());
        }
        self.pass_on(rest);
        self.send(Ok(LogItem::Restarted));
        self.cursor = ended.next_run();
        if is_full(reading) {
            self.send(Ok(LogItem::Gap(LogGap::Unread)));
        }
        let fresh = self.cursor.advance(reading, last);
        self.pass_on(fresh);
        Ok(())
    }

    async fn read(&mut self, previous_run: bool) -> Result<String, Error> {
        let mut request = self.request.clone();
        request.start_time = self.cursor.since().or(request.start_time);
        request.last_time = previous_run.then_some(true);
        Ok(self.client.describe_container_log(&request).await?.content)
    }

    /// How long to wait after a failure; the failure itself when waiting is of no use.
    fn after(&mut self, error: Error, last: bool) -> Result<Duration, Error> {
        self.failures = self.failures.saturating_add(1);
        let attempts = match error.kind() {
            ErrorKind::Denied | ErrorKind::Misconfigured => 1,
            ErrorKind::NotFound if last => 1,
            ErrorKind::NotFound if self.appears_until.is_some_and(|until| Instant::now() < until) => u32::MAX,
            ErrorKind::NotFound if self.appears_until.is_some() => 1,
            // A new group is not visible at once, a key may be about to be replaced, an answer may be broken once.
            ErrorKind::NotFound
            | ErrorKind::InvalidCredentials
            | ErrorKind::InvalidRequest
            | ErrorKind::Bug => PATIENCE,
            _ if last => PATIENCE,
            _ => u32::MAX,
        };
        if self.failures >= attempts {
            return Err(error);
        }
        tracing::debug!(error = ?error.kind(), failures = self.failures, "a followed log could not be read");
        let grown = self.pause.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        Ok(match error.kind() {
            ErrorKind::Throttled { retry_after: Some(advice) } => grown.max(advice.min(LONGEST_ADVICE)),
            _ => grown,
        })
    }

    /// Whether a log that was there is no more: its group was deleted.
    fn is_gone(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::NotFound && self.appears_until.is_none()
    }

    fn pass_on(&self, fresh: Fresh) {
        for line in fresh.lines {
            self.send(Ok(LogItem::Line(line)));
        }
    }

    fn send(&self, item: Result<LogItem, Arc<Error>>) {
        // Fails when there is no reader, and then this task is aborted.
        let _ = self.items.send(item);
    }
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(30 * 365 * 24 * 3600)
}

/// What the cloud says when there was no run before is not documented: one of these.
fn there_is_none(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::IncorrectStatus | ErrorKind::InvalidRequest)
}

/// Whether a reading may lack what was written before or after it.
fn is_full(reading: &str) -> bool {
    let lines = reading.split_terminator('\n').count();
    reading.len() >= FULL_BYTES || i32::try_from(lines).is_ok_and(|lines| lines >= MOST_LINES)
}
