//! Tells a peer that is gone from one that only does not read at the moment.
//!
//! A command that does not read its stdin holds up the peer, which then reads nothing more, pings included: that may last
//! as long as it likes. So silence counts only while a ping is on its way that was sent behind no stdin which the peer has not
//! yet read. An answered ping proves that all before it was read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// A peer that answers pings, and then says nothing for so long after one, is gone. One that never answered any may
/// just not do so.
const SILENCE: Duration = Duration::from_secs(70);

/// What the two directions of a session know of the peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Life(Arc<Mutex<Signs>>);

#[derive(Debug, Default)]
struct Signs {
    /// How many pings were sent. Each carries its number.
    pinged: u64,
    /// The last ping that was answered.
    answered: u64,
    /// The first ping behind the stdin that was sent last.
    behind_stdin: u64,
    /// When the first ping since the last message was sent.
    waiting_since: Option<Instant>,
}

impl Life {
    /// What the next ping says.
    pub(super) fn next_ping(&self) -> Bytes {
        Bytes::copy_from_slice(&(self.signs().pinged + 1).to_be_bytes())
    }

    /// The ping has left.
    pub(super) fn pinged(&self) {
        let mut signs = self.signs();
        signs.pinged += 1;
        signs.waiting_since.get_or_insert_with(Instant::now);
    }

    /// Stdin is about to be sent.
    pub(super) fn sends_stdin(&self) {
        let mut signs = self.signs();
        signs.behind_stdin = signs.pinged + 1;
    }

    /// Some message came.
    pub(super) fn heard(&self) {
        self.signs().waiting_since = None;
    }

    /// A ping was answered. An answer that does not say which is taken for one to the last.
    pub(super) fn answered(&self, payload: &[u8]) {
        let mut signs = self.signs();
        let number = payload.try_into().map_or(signs.pinged, u64::from_be_bytes);
        signs.answered = signs.answered.max(number.min(signs.pinged));
    }

    /// When the peer is taken to be gone, as far as is known now.
    pub(super) fn end(&self) -> Option<Instant> {
        let signs = self.signs();
        let counts = signs.answered > 0 && signs.answered >= signs.behind_stdin;
        signs.waiting_since.filter(|_| counts).map(|since| since + SILENCE)
    }

    /// A panic elsewhere leaves numbers behind that are still numbers.
    fn signs(&self) -> MutexGuard<'_, Signs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_a_ping_that_nothing_holds_up() {
        let life = Life::default();
        life.pinged();
        assert_eq!(life.end(), None, "it may never answer any");
        life.heard();
        life.answered(&1_u64.to_be_bytes());
        assert_eq!(life.end(), None, "nothing was asked since");
        life.pinged();
        let asked = Instant::now();
        tokio::time::advance(SILENCE / 2).await;
        life.pinged();
        assert_eq!(life.end(), Some(asked + SILENCE), "the first ping counts");
        life.heard();
        assert_eq!(life.end(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_behind_stdin_counts_once_a_ping_behind_it_was_answered() {
        let life = Life::default();
        life.pinged();
        life.answered(b"whatever");
        life.sends_stdin();
        life.pinged();
        assert_eq!(life.end(), None, "ping 2 is behind stdin");
        life.answered(&1_u64.to_be_bytes());
        assert_eq!(life.end(), None, "an old answer proves nothing");
        life.answered(&2_u64.to_be_bytes());
        assert!(life.end().is_some());
    }
}
