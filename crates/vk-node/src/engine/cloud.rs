//! Judges from the calls' outcomes whether the cloud can be worked with.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use vk_core::{ErrorKind, ProviderError};

/// How long a refused create or delete speaks against the cloud when nothing newer speaks for it. Reading may be
/// permitted while writing is not; once no pod waits, nothing would ever show that writing is permitted again.
const REFUSAL_LASTS: Duration = Duration::from_secs(60);

/// What the node should say of the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudView {
    /// Nothing was heard yet.
    Unknown,
    /// It answers.
    Reachable,
    /// It does not, or not to us.
    Unreachable {
        /// A word.
        reason: &'static str,
        /// A sentence with the cloud's own words.
        message: String,
    },
}

/// Reason of a key that is wrong, whichever pod met it.
const INVALID_KEY: &str = "InvalidCredentials";

#[derive(Clone, Debug)]
struct Failure {
    reason: &'static str,
    message: String,
    /// When the first of the series happened.
    since: Timestamp,
    /// Whether time alone cannot cure it: reported at once.
    lasting: bool,
}

/// Memory of the last outcomes: of reads, which happen all the time, and of writes, which do not.
#[derive(Default)]
pub(super) struct Cloud {
    heard: bool,
    reads: Option<Failure>,
    writes: Option<(Failure, Timestamp)>,
    /// Pods whose writes failed in a row: two suffice.
    refused: BTreeSet<String>,
}

impl Cloud {
    pub(super) fn read(&mut self, now: Timestamp, error: Option<&ProviderError>) {
        // Whatever a read fails for, the node does not see what its groups do. One that is turned away may be a
        // read that the cloud contradicts a moment later: only a key that is wrong is told at once.
        let lasting = |error: &ProviderError| *error.kind() == ErrorKind::InvalidCredentials;
        match error.map(|error| Failure::new(now, error, lasting(error))) {
            None => {
                self.heard = true;
                self.reads = None;
            }
            Some(new) => self.reads = Some(series(self.reads.take(), new)),
        }
    }

    pub(super) fn wrote(&mut self, now: Timestamp, uid: &str, error: Option<&ProviderError>) {
        // A write that fails for one pod's reasons does not speak against the cloud.
        let lasting =
            |error: &ProviderError| matches!(error.kind(), ErrorKind::Denied | ErrorKind::InvalidCredentials);
        let error = error.filter(|error| error.kind().is_cloud_wide());
        match error.map(|error| Failure::new(now, error, lasting(error))) {
            None => {
                self.writes = None;
                self.refused.clear();
            }
            Some(new) => {
                if self.refused.len() < 2 {
                    self.refused.insert(uid.to_owned());
                }
                let before = self.writes.take().map(|(failure, _)| failure);
                self.writes = Some((series(before, new), now));
            }
        }
    }

    pub(super) fn view(&self, now: Timestamp, patience: Duration) -> CloudView {
        let writes = self
            .writes
            .as_ref()
            // What one pod asks for may be what is refused.
            .filter(|(failure, _)| self.refused.len() > 1 || failure.reason == INVALID_KEY)
            .filter(|(_, last)| now.duration_since(*last) < signed(REFUSAL_LASTS))
            .map(|(failure, _)| failure);
        let speaks =
            |failure: &&Failure| failure.lasting || now.duration_since(failure.since) >= signed(patience);
        match self.reads.as_ref().filter(speaks).or(writes.filter(speaks)) {
            Some(failure) => {
                CloudView::Unreachable { reason: failure.reason, message: failure.message.clone() }
            }
            None if self.heard => CloudView::Reachable,
            None => CloudView::Unknown,
        }
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

impl Failure {
    fn new(now: Timestamp, error: &ProviderError, lasting: bool) -> Self {
        Self { reason: error.kind().reason(), message: error.chain(), since: now, lasting }
    }
}

fn series(before: Option<Failure>, new: Failure) -> Failure {
    Failure { since: before.map_or(new.since, |failure| failure.since), ..new }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn error(kind: ErrorKind) -> ProviderError {
        ProviderError::new(kind, "list container groups")
    }

    #[test]
    fn a_wrong_key_is_told_at_once_and_withdrawn_at_the_first_answer() {
        let mut cloud = Cloud::default();
        cloud.read(at(0), Some(&error(ErrorKind::InvalidCredentials)));
        assert!(matches!(
            cloud.view(at(0), PATIENCE),
            CloudView::Unreachable { reason: "InvalidCredentials", .. }
        ));
        cloud.read(at(1), None);
        assert_eq!(cloud.view(at(1), PATIENCE), CloudView::Reachable);
    }

    #[test]
    fn a_short_outage_is_not_told() {
        let mut cloud = Cloud::default();
        cloud.read(at(0), None);
        cloud.read(at(1), Some(&error(ErrorKind::Unavailable)));
        cloud.read(at(5), Some(&error(ErrorKind::Unavailable)));
        assert_eq!(cloud.view(at(5), PATIENCE), CloudView::Reachable);
        cloud.read(at(12), Some(&error(ErrorKind::Unavailable)));
        assert!(matches!(cloud.view(at(12), PATIENCE), CloudView::Unreachable { reason: "Unreachable", .. }));
    }

    #[test]
    fn a_refused_write_is_told_for_a_minute_although_reading_works() {
        let mut cloud = Cloud::default();
        cloud.read(at(0), None);
        cloud.wrote(at(0), "u1", Some(&error(ErrorKind::Denied)));
        assert_eq!(cloud.view(at(0), PATIENCE), CloudView::Reachable, "one pod may ask for what is refused");
        cloud.wrote(at(0), "u2", Some(&error(ErrorKind::Denied)));
        cloud.read(at(1), None);
        assert!(matches!(cloud.view(at(2), PATIENCE), CloudView::Unreachable { .. }));
        assert_eq!(cloud.view(at(61), PATIENCE), CloudView::Reachable);
    }

    #[test]
    fn reads_that_fail_for_long_are_told_whatever_they_fail_for() {
        for (kind, reason) in [(ErrorKind::Bug, "UnexpectedAnswer"), (ErrorKind::Denied, "PermissionDenied")]
        {
            let mut cloud = Cloud::default();
            cloud.read(at(0), None);
            cloud.read(at(1), Some(&error(kind.clone())));
            assert_eq!(cloud.view(at(1), PATIENCE), CloudView::Reachable, "once may be a contradiction");
            cloud.read(at(12), Some(&error(kind)));
            assert!(
                matches!(cloud.view(at(12), PATIENCE), CloudView::Unreachable { reason: told, .. } if told == reason)
            );
        }
    }

    #[test]
    fn a_pod_that_the_cloud_refuses_does_not_speak_against_the_cloud() {
        let mut cloud = Cloud::default();
        cloud.read(at(0), None);
        cloud.wrote(at(0), "u1", Some(&error(ErrorKind::OutOfStock)));
        cloud.wrote(at(0), "u2", Some(&error(ErrorKind::OutOfStock)));
        assert_eq!(cloud.view(at(100), PATIENCE), CloudView::Reachable);
    }
}
