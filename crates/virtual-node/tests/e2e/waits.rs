//! Waits for states of the cluster and the cloud, with a bound and the last thing seen.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What a machine that does several things at once may need for a step that takes a second.
pub(crate) const SOON: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Looks until the look succeeds, and returns what it found. Its error says what was seen instead.
///
/// # Panics
/// After `bound`, with `what` and the last thing seen.
#[allow(clippy::disallowed_methods, reason = "other processes run in real time")]
pub(crate) async fn within<T>(
    bound: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let until = Instant::now() + bound;
    loop {
        let seen = match look().await {
            Ok(found) => return found,
            Err(seen) => seen,
        };
        assert!(Instant::now() < until, "waited {} s until {what}; last seen: {seen}", bound.as_secs());
        sleep(LOOK_EVERY).await;
    }
}

/// As [`within`], with the usual bound.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFnMut() -> Result<T, String>) -> T {
    within(SOON, what, look).await
}

/// Looks again and again for the whole time and fails at the first look that does: for what must *not* happen.
///
/// # Panics
/// With `what` and what was seen instead.
#[allow(clippy::disallowed_methods, reason = "other processes run in real time")]
pub(crate) async fn throughout(
    time: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<(), String>,
) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        if let Err(seen) = look().await {
            panic!("{what}, but: {seen}");
        }
        sleep(LOOK_EVERY).await;
    }
}
