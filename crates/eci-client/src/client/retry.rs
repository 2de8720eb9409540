//! Decides whether a failed attempt is followed by another, and when.
//!
//! Two questions are kept apart: whether another attempt can help (the kind of the failure), and whether it can do
//! harm (whether the action may be carried out twice). The policy only bounds how often and how long.
//!
//! An attempt whose fate is unknown leaves the call open, whatever a later attempt is told: a refusal says nothing of
//! the attempt before it. Only success, `IdempotentParameterMismatch` and, of a deletion, `NotFound` settle it: a creation
//! is told the same of a security group that is gone.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::random;
use crate::error::{Error, ErrorKind};
use crate::model::{Action, Effect, Parameters};

/// How often and how long a call is tried.
///
/// The deadline of the call bounds everything: an attempt that would begin after it is not made.
///
/// Repeated are calls that certainly had no effect (`Unavailable`, `Throttled`), and calls of unknown fate
/// (`Indeterminate`) where repeating is harmless: deletions, tagging, and creations with a client token. A refused
/// time of signing is worth one more attempt when the answer told the right time, a refused temporary key when its
/// source may have a newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    first_delay: Duration,
    longest_delay: Duration,
    attempt_deadline: Option<Duration>,
    budget: Option<Duration>,
}

impl RetryPolicy {
    /// One attempt, no more: for callers who decide themselves. The client's default.
    pub fn none() -> Self {
        Self {
            attempts: 1,
            first_delay: Duration::ZERO,
            longest_delay: Duration::ZERO,
            attempt_deadline: None,
            budget: None,
        }
    }

    /// Four attempts; pauses from 200 ms, doubled up to 5 s; each attempt given up after 10 s.
    pub fn standard() -> Self {
        Self {
            attempts: 4,
            first_delay: Duration::from_millis(200),
            longest_delay: Duration::from_secs(5),
            attempt_deadline: Some(Duration::from_secs(10)),
            budget: None,
        }
    }

    /// How many attempts a call may make, the first included; 0 means 1.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pause after the first attempt and the longest one; each is twice the one before, and a random part of at
    /// most its half is left out.
    #[must_use]
    pub fn delays(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_delay, self.longest_delay) = (first, longest);
        self
    }

    /// Gives an attempt up after this long, so that an answer that was lost does not use up the whole call. `None`:
    /// only the deadline of the call ends it.
    #[must_use]
    pub fn attempt_deadline(mut self, deadline: Option<Duration>) -> Self {
        self.attempt_deadline = deadline;
        self
    }

    /// Begins no attempt later than this after the call began. `None`: only the deadline of the call counts.
    #[must_use]
    pub fn budget(mut self, budget: Option<Duration>) -> Self {
        self.budget = budget;
        self
    }

    pub(super) fn deadline_of_attempt(&self) -> Option<Duration> {
        self.attempt_deadline
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::none()
    }
}

/// Spreads the pauses of many clients. Any `Fn() -> f64` is one.
pub trait Jitter: Send + Sync + 'static {
    /// A number from 0 up to, not including, 1; another one each time.
    fn fraction(&self) -> f64;
}

impl<F: Fn() -> f64 + Send + Sync + 'static> Jitter for F {
    fn fraction(&self) -> f64 {
        self()
    }
}

/// Random numbers of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomJitter;

impl Jitter for RandomJitter {
    fn fraction(&self) -> f64 {
        f64::from(u32::from_be_bytes(random())) / (f64::from(u32::MAX) + 1.0)
    }
}

/// Why an attempt failed, and what was done since that makes another one differ.
pub(super) struct Failure {
    pub(super) error: Error,
    /// The clock was set by the answer.
    pub(super) clock_corrected: bool,
    /// The key was temporary, and its source was told that it is refused.
    pub(super) key_returned: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, clock_corrected: false, key_returned: false }
    }
}

/// What carrying an action out twice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repetition {
    /// More than once.
    Harmful,
    /// What once does.
    Harmless,
    /// What once does, and the second time the cloud knows of nothing to delete.
    Deletes,
}

pub(super) fn repetition<A: Action>(parameters: &Parameters) -> Repetition {
    // NOTE: whether the cloud honours a token elsewhere than on creations is not documented.
    let creates = A::NAME.starts_with("Create");
    let has_token = parameters.get("ClientToken").is_some_and(|token| !token.is_empty());
    match A::EFFECT {
        Effect::Read => Repetition::Harmless,
        Effect::Write if creates && has_token => Repetition::Harmless,
        Effect::Write if A::NAME.starts_with("Delete") => Repetition::Deletes,
        Effect::Write if ["TagResources", "UntagResources"].contains(&A::NAME) => Repetition::Harmless,
        Effect::Write => Repetition::Harmful,
    }
}

/// Of deadlines that no clock can show.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The attempts of one call so far.
pub(super) struct Course<'a> {
    policy: &'a RetryPolicy,
    jitter: &'a dyn Jitter,
    repetition: Repetition,
    /// No attempt begins after this.
    end: Instant,
    failures: u32,
    clock_corrected: bool,
    key_returned: bool,
    open: Option<Error>,
}

impl<'a> Course<'a> {
    pub(super) fn new(
        policy: &'a RetryPolicy,
        jitter: &'a dyn Jitter,
        repetition: Repetition,
        started: Instant,
        deadline: Duration,
    ) -> Self {
        let end = started + policy.budget.map_or(deadline, |budget| budget.min(deadline)).min(FAR);
        let (clock_corrected, key_returned) = (false, false);
        Self { policy, jitter, repetition, end, failures: 0, clock_corrected, key_returned, open: None }
    }

    /// Whether the fate of an attempt is unknown.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Notes a failed attempt. `Ok` is the pause before the next one, `Err` the error of the call.
    pub(super) fn after(&mut self, failure: Failure, now: Instant) -> Result<Duration, Error> {
        self.failures = self.failures.saturating_add(1);
        let delay = self.delay(&failure).filter(|delay| {
            self.failures < self.policy.attempts && now.checked_add(*delay).is_some_and(|at| at < self.end)
        });
        let Some(delay) = delay else { return Err(self.settled(failure.error)) };
        if failure.error.is_indeterminate() {
            self.open = Some(failure.error);
        }
        self.clock_corrected |= failure.clock_corrected;
        self.key_returned |= failure.key_returned;
        Ok(delay)
    }

    /// The pause that the failure asks for; `None` if another attempt cannot help or could do harm.
    fn delay(&self, failure: &Failure) -> Option<Duration> {
        match failure.error.kind() {
            ErrorKind::Throttled { retry_after } => {
                Some(self.back_off().max(retry_after.unwrap_or_default()))
            }
            ErrorKind::Unavailable => Some(self.back_off()),
            ErrorKind::Indeterminate if self.repetition != Repetition::Harmful => Some(self.back_off()),
            ErrorKind::ClockSkew if failure.clock_corrected && !self.clock_corrected => Some(Duration::ZERO),
            ErrorKind::InvalidCredentials if failure.key_returned && !self.key_returned => {
                Some(Duration::ZERO)
            }
            _ => None,
        }
    }

    fn back_off(&self) -> Duration {
        let doublings = (self.failures - 1).min(30);
        let whole = self.policy.first_delay.saturating_mul(1 << doublings).min(self.policy.longest_delay);
        whole.mul_f64(1.0 - self.jitter.fraction().clamp(0.0, 1.0) / 2.0)
    }

    fn settled(&mut self, last: Error) -> Error {
        let proof = match last.kind() {
            ErrorKind::IdempotentParameterMismatch => true,
            ErrorKind::NotFound => self.repetition == Repetition::Deletes,
            _ => false,
        };
        match self.open.take() {
            Some(open) if !proof && !last.is_indeterminate() => open,
            _ => last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CreateContainerGroupRequest, DeleteContainerGroupRequest, DescribeRegionsRequest};

    const SECOND: Duration = Duration::from_secs(1);

    fn failure(kind: ErrorKind) -> Failure {
        Error::new("A", kind, "a failure").into()
    }

    fn policy() -> RetryPolicy {
        RetryPolicy::standard().attempts(100).delays(SECOND, 8 * SECOND)
    }

    fn course<'a>(policy: &'a RetryPolicy, jitter: &'a dyn Jitter, repetition: Repetition) -> Course<'a> {
        Course::new(policy, jitter, repetition, Instant::now(), 1000 * SECOND)
    }

    fn next(course: &mut Course<'_>, kind: ErrorKind) -> Result<Duration, ErrorKind> {
        course.after(failure(kind), Instant::now()).map_err(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_longest_and_are_spread_over_their_upper_half() {
        let (policy, full, spread) = (policy(), || 0.0, || 0.5);
        let (mut whole, mut shorter) =
            (course(&policy, &full, Repetition::Harmless), course(&policy, &spread, Repetition::Harmless));
        for seconds in [1, 2, 4, 8, 8] {
            assert_eq!(next(&mut whole, ErrorKind::Unavailable), Ok(seconds * SECOND));
            assert_eq!(next(&mut shorter, ErrorKind::Unavailable), Ok(seconds * SECOND * 3 / 4));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_the_cloud_asks_for_is_kept() {
        let (policy, jitter) = (policy(), || 0.0);
        let mut course = course(&policy, &jitter, Repetition::Harmless);
        let throttled = |seconds| ErrorKind::Throttled { retry_after: Some(seconds * SECOND) };
        assert_eq!(next(&mut course, throttled(30)), Ok(30 * SECOND));
        assert_eq!(next(&mut course, throttled(0)), Ok(2 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_budget_and_deadline_each_end_the_course() {
        let jitter = || 0.0;
        let ends = |policy: &RetryPolicy, deadline| {
            let mut course = Course::new(policy, &jitter, Repetition::Harmless, Instant::now(), deadline);
            (1..50).find(|_| next(&mut course, ErrorKind::Unavailable).is_err())
        };
        let free = policy().delays(SECOND, SECOND);
        assert_eq!(ends(&free.clone().attempts(3), 1000 * SECOND), Some(3));
        assert_eq!(ends(&free.clone().budget(Some(SECOND)), 1000 * SECOND), Some(1));
        assert_eq!(ends(&free.clone(), SECOND), Some(1));
        assert_eq!(ends(&RetryPolicy::none(), 1000 * SECOND), Some(1));
        assert_eq!(ends(&free.attempts(0), 1000 * SECOND), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_be_repeated_is_repeated_when_its_fate_is_unknown() {
        let (policy, jitter) = (policy(), || 0.0);
        assert!(next(&mut course(&policy, &jitter, Repetition::Harmless), ErrorKind::Indeterminate).is_ok());
        let gives_up = next(&mut course(&policy, &jitter, Repetition::Harmful), ErrorKind::Indeterminate);
        assert_eq!(gives_up, Err(ErrorKind::Indeterminate));
        assert!(next(&mut course(&policy, &jitter, Repetition::Harmful), ErrorKind::Unavailable).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn kinds_that_another_attempt_cannot_mend_are_final() {
        let (policy, jitter) = (policy(), || 0.0);
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::IdempotentParameterMismatch,
            ErrorKind::OutOfStock,
            ErrorKind::QuotaExceeded,
            ErrorKind::InvalidRequest,
            ErrorKind::Denied,
            ErrorKind::InvalidCredentials,
            ErrorKind::ClockSkew,
            ErrorKind::IncorrectStatus,
            ErrorKind::DryRun,
            ErrorKind::Unrecognized,
            ErrorKind::Bug,
            ErrorKind::Misconfigured,
        ] {
            assert_eq!(next(&mut course(&policy, &jitter, Repetition::Harmless), kind), Err(kind));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_corrected_clock_and_a_returned_key_are_worth_one_attempt_each() {
        let (policy, jitter) = (policy(), || 0.0);
        let mut course = course(&policy, &jitter, Repetition::Harmless);
        let mut after = |kind, clock_corrected, key_returned| {
            let failure = Failure { clock_corrected, key_returned, ..failure(kind) };
            course.after(failure, Instant::now()).map_err(|error| error.kind())
        };
        assert_eq!(after(ErrorKind::ClockSkew, true, false), Ok(Duration::ZERO));
        assert_eq!(after(ErrorKind::InvalidCredentials, false, true), Ok(Duration::ZERO));
        assert_eq!(after(ErrorKind::ClockSkew, true, false), Err(ErrorKind::ClockSkew));
        assert_eq!(after(ErrorKind::InvalidCredentials, false, true), Err(ErrorKind::InvalidCredentials));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_does_not_close_what_an_earlier_attempt_left_open() {
        for (last, told) in [
            (ErrorKind::OutOfStock, ErrorKind::Indeterminate),
            (ErrorKind::Denied, ErrorKind::Indeterminate),
            (ErrorKind::NotFound, ErrorKind::Indeterminate),
            (ErrorKind::IdempotentParameterMismatch, ErrorKind::IdempotentParameterMismatch),
        ] {
            assert_eq!(told_after_an_open_attempt(Repetition::Harmless, last), told);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_that_finds_nothing_is_settled() {
        let told = told_after_an_open_attempt(Repetition::Deletes, ErrorKind::NotFound);
        assert_eq!(told, ErrorKind::NotFound);
    }

    fn told_after_an_open_attempt(repetition: Repetition, last: ErrorKind) -> ErrorKind {
        let (policy, jitter) = (policy(), || 0.0);
        let mut course = course(&policy, &jitter, repetition);
        assert!(next(&mut course, ErrorKind::Indeterminate).is_ok());
        assert!(next(&mut course, ErrorKind::Throttled { retry_after: None }).is_ok());
        assert!(course.is_open());
        next(&mut course, last).expect_err("the last attempt")
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_never_comes_is_one_too() {
        let jitter = || 0.0;
        let policy = policy().budget(Some(Duration::MAX));
        let mut course = Course::new(&policy, &jitter, Repetition::Harmless, Instant::now(), Duration::MAX);
        assert!(next(&mut course, ErrorKind::Unavailable).is_ok());
    }

    #[test]
    fn creations_need_a_token_to_be_repeatable() {
        use Repetition::{Deletes, Harmful, Harmless};
        let token = |token| Parameters::from_iter([("ClientToken", token)]);
        assert_eq!(repetition::<CreateContainerGroupRequest>(&token("t")), Harmless);
        assert_eq!(repetition::<CreateContainerGroupRequest>(&token("")), Harmful);
        assert_eq!(repetition::<CreateContainerGroupRequest>(&Parameters::default()), Harmful);
        assert_eq!(repetition::<DeleteContainerGroupRequest>(&Parameters::default()), Deletes);
        assert_eq!(repetition::<DescribeRegionsRequest>(&Parameters::default()), Harmless);
    }

    #[test]
    fn random_fractions_stay_in_their_range() {
        assert!((0..100).map(|_| RandomJitter.fraction()).all(|fraction| (0.0..1.0).contains(&fraction)));
    }
}
