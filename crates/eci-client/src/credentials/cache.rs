//! Keeps a key until shortly before it ends: one fetch at a time, failures never kept.
//!
//! ```text
//!   caller ──▶ fresh? ──▶ the key at hand
//!                └ no ──▶ joins the fetch, which is a task of its own and outlives its callers
//!                           ├ done in time ──▶ the new key
//!                           └ failed, or slow ──▶ the key at hand while it is valid, else the failure
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{AccessKey, CredentialsError};
use crate::clock::Clock;

/// A key is renewed this long before it ends, as the vendor's own clients do; a shorter-lived one when a quarter of
/// its time is left.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);
/// A key that does not say when it ends is asked for again after this.
const UNKNOWN: SignedDuration = SignedDuration::from_mins(10);
/// While fetching fails, a key that is valid for longer than this is still given.
const LAST_USE: SignedDuration = SignedDuration::from_mins(1);
/// How long such a key is given before fetching is tried again; and how long any key is, at least: to a machine whose
/// clock is ahead every key seems to have ended. One that really has is refused by the cloud, and then forgotten.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// From its beginning a fetch may keep those waiting for so long who could do with the key at hand.
const PATIENCE: Duration = Duration::from_secs(1);

/// The key of one source.
pub(super) struct Cache(Arc<State>);

struct State {
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
    fetching: Mutex<Option<Fetching>>,
}

struct Kept {
    key: AccessKey,
    /// Nobody waits for another one until then. `None`: it was refused.
    fresh_until: Option<Timestamp>,
}

/// What a fetch came to; `None` while it runs.
type Outcome = Option<Result<Option<AccessKey>, Arc<CredentialsError>>>;

#[derive(Clone)]
struct Fetching {
    started: Instant,
    outcome: watch::Receiver<Outcome>,
}

impl Cache {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        let (kept, fetching) = Default::default();
        Self(Arc::new(State { clock: Arc::clone(clock), kept, fetching }))
    }

    /// The key at hand, or a new one. `fetch` runs only where it is needed, and then to its end, whether its caller waits
    /// for it or not. A source that has given a key and then counts as not configured is a failure: nobody acts under another
    /// identity because a service was away for a moment.
    pub(super) async fn key(
        &self,
        fetch: impl Future<Output = Result<Option<AccessKey>, CredentialsError>> + Send + 'static,
    ) -> Result<Option<AccessKey>, CredentialsError> {
        if let Some(key) = self.0.fresh() {
            return Ok(Some(key));
        }
        let Fetching { started, mut outcome } = self.fetching(fetch);
        let end = outcome.wait_for(Option::is_some);
        let ended = match self.0.valid() {
            None => end.await,
            Some(key) => match timeout_at(started + PATIENCE, end).await {
                Ok(ended) => ended,
                Err(_) => return Ok(Some(key)),
            },
        };
        let result = match ended.as_deref() {
            Ok(Some(result)) => result.clone(),
            _ => Err(Arc::new(CredentialsError::unreachable("the search for a key was broken off"))),
        };
        drop(ended);
        result.or_else(|error| self.0.valid().map(Some).ok_or_else(|| shared(error)))
    }

    /// Forgets this key, if it is the one at hand.
    pub(super) fn forget(&self, key: &AccessKey) {
        if let Some(kept) = self.0.kept().as_mut().filter(|kept| kept.key == *key) {
            kept.fresh_until = None;
        }
    }

    /// The fetch that runs, or a new one.
    fn fetching(
        &self,
        fetch: impl Future<Output = Result<Option<AccessKey>, CredentialsError>> + Send + 'static,
    ) -> Fetching {
        let mut fetching = self.0.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        // One whose task is gone, with its runtime for example, has no sender any more.
        if let Some(running) = fetching.as_ref().filter(|running| running.outcome.has_changed().is_ok()) {
            return running.clone();
        }
        let (told, outcome) = watch::channel(None);
        let state = Arc::clone(&self.0);
        tokio::spawn(async move {
            let result = state.ended(fetch.await);
            // Whoever comes after this begins anew.
            *state.fetching.lock().unwrap_or_else(PoisonError::into_inner) = None;
            told.send_replace(Some(result));
        });
        fetching.insert(Fetching { started: Instant::now(), outcome }).clone()
    }
}

impl State {
    fn fresh(&self) -> Option<AccessKey> {
        let now = self.clock.now();
        let kept = self.kept();
        let fresh = kept.as_ref().filter(|kept| kept.fresh_until.is_some_and(|until| now < until));
        fresh.map(|kept| kept.key.clone())
    }

    /// The key at hand, if it will do for a while.
    fn valid(&self) -> Option<AccessKey> {
        let now = self.clock.now();
        let lasts =
            |kept: &&Kept| kept.key.expires_at().is_some_and(|end| end.duration_since(now) > LAST_USE);
        let kept = self.kept();
        kept.as_ref().filter(|kept| kept.fresh_until.is_some()).filter(lasts).map(|kept| kept.key.clone())
    }

    /// Notes what a fetch came to.
    fn ended(
        &self,
        result: Result<Option<AccessKey>, CredentialsError>,
    ) -> Result<Option<AccessKey>, Arc<CredentialsError>> {
        let error = match result {
            Ok(Some(key)) => {
                self.keep(&key);
                return Ok(Some(key));
            }
            Ok(None) if self.kept().is_none() => return Ok(None),
            Ok(None) => CredentialsError::unreachable("the source of the last key has none any more"),
            Err(error) => error,
        };
        if self.valid().is_some() {
            tracing::warn!(%error, "cannot renew the credentials; the old ones are still valid");
            self.keep_on();
        }
        Err(Arc::new(error))
    }

    fn keep(&self, key: &AccessKey) {
        let now = self.clock.now();
        let fresh_for = key.expires_at().map_or(UNKNOWN, |end| {
            let left = end.duration_since(now);
            left - AHEAD.min(left / 4)
        });
        let fresh_until = now.checked_add(fresh_for.max(PAUSE)).unwrap_or(Timestamp::MAX);
        *self.kept() = Some(Kept { key: key.clone(), fresh_until: Some(fresh_until) });
    }

    /// The old key for a little longer.
    fn keep_on(&self) {
        let now = self.clock.now();
        if let Some(kept) = self.kept().as_mut() {
            kept.fresh_until = Some(now.checked_add(PAUSE).unwrap_or(now));
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same failure for each of those who waited.
fn shared(error: Arc<CredentialsError>) -> CredentialsError {
    match *error {
        CredentialsError::Unreachable(_) => CredentialsError::unreachable(Shared(error)),
        CredentialsError::Refused(_) => CredentialsError::refused(Shared(error)),
    }
}

/// The cause of a failure that others have too.
#[derive(Debug)]
struct Shared(Arc<CredentialsError>);

impl Shared {
    fn cause(&self) -> &(dyn StdError + 'static) {
        match &*self.0 {
            CredentialsError::Unreachable(cause) | CredentialsError::Refused(cause) => &**cause,
        }
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.cause(), f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause().source()
    }
}
