//! Keeps a key until shortly before it ends: one fetch at a time, failures never kept.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{AccessKey, CredentialsError};
use crate::clock::Clock;

/// A key is renewed this long before it ends, as the vendor's own clients do; a shorter-lived one when a quarter of
/// its time is left.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);
/// A key that does not say when it ends is asked for again after this.
const UNKNOWN: SignedDuration = SignedDuration::from_mins(10);
/// While fetching fails, a key that is valid for longer than this is still given.
const LAST_USE: SignedDuration = SignedDuration::from_mins(1);
/// How long such a key is given before fetching is tried again.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// The key of one source.
pub(super) struct Cache {
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
    turn: tokio::sync::Mutex<()>,
}

struct Kept {
    key: AccessKey,
    fresh_until: Timestamp,
}

impl Cache {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self { clock: Arc::clone(clock), kept: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// The key at hand, or a new one. `fetch` runs only where it is needed. A fetch whose caller goes away is given
    /// up, and the next one who waits begins another.
    pub(super) async fn key(
        &self,
        fetch: impl Future<Output = Result<Option<AccessKey>, CredentialsError>> + Send,
    ) -> Result<Option<AccessKey>, CredentialsError> {
        if let Some(key) = self.fresh() {
            return Ok(Some(key));
        }
        let _turn = self.turn.lock().await;
        if let Some(key) = self.fresh() {
            return Ok(Some(key));
        }
        match fetch.await {
            Ok(Some(key)) => {
                self.keep(&key);
                Ok(Some(key))
            }
            Ok(None) => Ok(None),
            Err(error) => self.last_use(error).map(Some),
        }
    }

    /// Forgets this key, if it is the one at hand.
    pub(super) fn forget(&self, key: &AccessKey) {
        let mut kept = self.lock();
        if kept.as_ref().is_some_and(|kept| kept.key == *key) {
            *kept = None;
        }
    }

    fn fresh(&self) -> Option<AccessKey> {
        let now = self.clock.now();
        self.lock().as_ref().filter(|kept| now < kept.fresh_until).map(|kept| kept.key.clone())
    }

    fn keep(&self, key: &AccessKey) {
        let now = self.clock.now();
        let fresh_for = key.expires_at().map_or(UNKNOWN, |end| {
            let left = end.duration_since(now);
            left - AHEAD.min(left / 4)
        });
        let fresh_until = now.checked_add(fresh_for).unwrap_or(Timestamp::MAX);
        *self.lock() = Some(Kept { key: key.clone(), fresh_until });
    }

    /// The old key in place of an error, while it lasts.
    fn last_use(&self, error: CredentialsError) -> Result<AccessKey, CredentialsError> {
        let now = self.clock.now();
        let mut kept = self.lock();
        let valid =
            |kept: &&mut Kept| kept.key.expires_at().is_some_and(|end| end.duration_since(now) > LAST_USE);
        let Some(kept) = kept.as_mut().filter(valid) else { return Err(error) };
        kept.fresh_until = now.checked_add(PAUSE).unwrap_or(now);
        tracing::warn!(%error, "cannot renew the credentials; the old ones are still valid");
        Ok(kept.key.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
