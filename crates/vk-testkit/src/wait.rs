//! Waits for states, with a bound and a message that says what was missing.
//!
//! The one place where this crate looks at a clock and sleeps: between two looks at a state of another process,
//! which nothing can wake us up for.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::Error;

const POLL_EVERY: Duration = Duration::from_millis(50);

/// Looks until there is something, and returns it.
///
/// # Errors
///
/// [`Error::TimedOut`] naming `what`, after `timeout`.
pub fn wait_until<T>(what: &str, timeout: Duration, mut look: impl FnMut() -> Option<T>) -> Result<T, Error> {
    wait_until_seen(what, timeout, || look().ok_or("not yet"))
}

/// Looks until the look succeeds. Its error says what was seen instead; the last one becomes part of the message.
///
/// # Errors
///
/// [`Error::TimedOut`] naming `what` and the last thing seen, after `timeout`.
pub fn wait_until_seen<T, S: Display>(
    what: &str,
    timeout: Duration,
    mut look: impl FnMut() -> Result<T, S>,
) -> Result<T, Error> {
    let watch = Stopwatch::start();
    loop {
        let seen = match look() {
            Ok(found) => return Ok(found),
            Err(seen) => seen,
        };
        if watch.elapsed() >= timeout {
            return Err(Error::TimedOut { what: what.to_owned(), waited: timeout, seen: seen.to_string() });
        }
        pause(POLL_EVERY);
    }
}

/// Real time since its start.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "other processes run in real time, which no test can pause")]
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Lets time pass between two looks at a state.
#[allow(clippy::disallowed_methods, reason = "always inside a loop that looks at a state and has a bound")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_already_there_is_returned_even_without_any_time() {
        assert_eq!(wait_until("it is there", Duration::ZERO, || Some(7)).unwrap(), 7);
    }

    #[test]
    fn looking_goes_on_until_the_state_is_reached() {
        let mut looks = 0;
        let found = wait_until("the third look", Duration::from_secs(10), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found.unwrap(), 3);
    }

    #[test]
    fn the_message_says_what_was_awaited_and_what_was_seen_last() {
        let mut looks = 0;
        let error = wait_until_seen("the pod is Running", Duration::from_millis(120), || {
            looks += 1;
            Err::<(), _>(format!("phase Pending at look {looks}"))
        })
        .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("until the pod is Running"), "{text}");
        assert!(text.contains(&format!("phase Pending at look {looks}")), "{text}");
        assert!(looks > 1, "it gave up at the first look");
    }
}
