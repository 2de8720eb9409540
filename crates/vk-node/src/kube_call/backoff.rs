//! Waits between repeated attempts: doubled up to a cap, spread by randomness that is handed in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A source of numbers in `0.0..1.0`. Handed in, so that tests decide what is random.
#[derive(Clone)]
pub struct Random(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Random {
    /// Uses the function as the source.
    pub fn new(source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&self) -> f64 {
        (self.0)().clamp(0.0, 1.0)
    }

    /// The span, longer or shorter by at most `part` of itself.
    pub fn spread(&self, span: Duration, part: f64) -> Duration {
        span.mul_f64(1.0 + part * (2.0 * self.unit() - 1.0))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

/// Ever longer waits; never gives up.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    failures: u32,
    random: Random,
}

impl Backoff {
    /// The kubelet's waits while it registers its node: 100 ms, doubled up to 7 s.
    pub fn kubelet(random: Random) -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(7), random)
    }

    /// Waits of `first`, doubled with each failure, up to `cap`.
    pub fn new(first: Duration, cap: Duration, random: Random) -> Self {
        Self { first, cap, failures: 0, random }
    }

    /// How long to wait after one more failure: between half of the full wait and all of it.
    pub fn after_failure(&mut self) -> Duration {
        let full = self.first.saturating_mul(1 << self.failures.min(20)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        full.mul_f64(0.5 + 0.5 * self.random.unit())
    }

    /// The next failure counts as the first one.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.after_failure())
    }
}

impl kube::runtime::utils::Backoff for Backoff {
    fn reset(&mut self) {
        self.succeeded();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn always(unit: f64) -> Random {
        Random::new(move || unit)
    }

    #[test]
    fn waits_double_up_to_the_cap_and_begin_anew_after_success() {
        let mut backoff = Backoff::kubelet(always(1.0));
        let waits: Vec<_> = backoff.by_ref().take(8).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 7000]);
        backoff.succeeded();
        assert_eq!(backoff.after_failure(), Duration::from_millis(100));
    }

    #[test]
    fn a_thousand_failures_do_not_overflow() {
        let mut backoff = Backoff::kubelet(always(0.0));
        assert_eq!(backoff.nth(1000), Some(Duration::from_millis(3500)));
    }

    #[test]
    fn spread_stays_within_its_part() {
        let span = Duration::from_secs(10);
        assert_eq!(always(0.0).spread(span, 0.04), Duration::from_millis(9600));
        assert_eq!(always(0.5).spread(span, 0.04), span);
        assert_eq!(always(1.0).spread(span, 0.04), Duration::from_millis(10400));
    }
}
