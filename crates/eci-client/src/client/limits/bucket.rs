//! Counts tokens: pure arithmetic on the instants it is given.

use std::time::Duration;

use tokio::time::Instant;

/// The part of a minute's calls that may come at once. With the rest spread evenly, no minute sees more than all.
const AT_ONCE: f64 = 0.1;
/// The rate that a throttled action without a limit of its own is thought to have: the lowest published one.
const ASSUMED_PER_MINUTE: u32 = 200;
/// From the smallest share back to the whole.
const RECOVERY: Duration = Duration::from_secs(60);
/// Calls on their way at the same time are throttled together; that counts once.
const SAME_STORM: Duration = Duration::from_secs(1);
/// Nobody waits longer than about twenty seconds for a call because of throttling alone.
const SMALLEST_SHARE: f64 = 1.0 / 64.0;

/// The tokens of one action.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    limited: bool,
    per_second: f64,
    burst: f64,
    tokens: f64,
    /// The part of the rate that is in use, 1 unless the cloud has throttled lately.
    share: f64,
    at: Instant,
    not_before: Instant,
    last_cut: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(per_minute: Option<u32>, now: Instant) -> Self {
        let calls = f64::from(per_minute.unwrap_or(ASSUMED_PER_MINUTE));
        let burst = (calls * AT_ONCE).max(1.0);
        Self {
            limited: per_minute.is_some(),
            // A limit of one a minute has no rest to spread; the burst is refilled in a minute then.
            per_second: if calls > burst { (calls - burst) / 60.0 } else { calls / 60.0 },
            burst,
            tokens: burst,
            share: 1.0,
            at: now,
            not_before: now,
            last_cut: None,
        }
    }

    /// Takes a token, or says how long it will be until there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.advance(now);
        if now < self.not_before {
            return Err(self.not_before - now);
        }
        if !self.limited && self.share >= 1.0 {
            return Ok(());
        }
        if self.tokens < 1.0 {
            let seconds = (1.0 - self.tokens) / (self.per_second * self.share);
            // Timers have milliseconds; one more saves waking in vain.
            return Err(Duration::from_secs_f64(seconds) + Duration::from_millis(1));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    /// Halves the rate, empties the bucket, and waits at least as long as the cloud asks.
    pub(super) fn throttled(&mut self, now: Instant, retry_after: Option<Duration>) {
        self.advance(now);
        let asked = now.checked_add(retry_after.unwrap_or_default()).unwrap_or(now);
        self.not_before = self.not_before.max(asked);
        if self.last_cut.is_some_and(|cut| now < cut + SAME_STORM) {
            return;
        }
        self.last_cut = Some(now);
        self.share = (self.share / 2.0).max(SMALLEST_SHARE);
        self.tokens = 0.0;
    }

    fn advance(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + passed * self.per_second * self.share).min(self.burst);
        self.share = (self.share + passed / RECOVERY.as_secs_f64()).min(1.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Takes tokens as fast as they come, and says when each came.
    fn greedy(bucket: &mut Bucket, from: Instant, for_seconds: u32) -> Vec<Duration> {
        let (mut now, mut taken) = (from, Vec::new());
        while now < from + for_seconds * SECOND {
            match bucket.take(now) {
                Ok(()) => taken.push(now - from),
                Err(wait) => now += wait,
            }
        }
        taken
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn no_minute_sees_more_calls_than_its_limit(per_minute in 1u32..400) {
            let now = Instant::now();
            let taken = greedy(&mut Bucket::new(Some(per_minute), now), now, 240);
            let limit = per_minute as usize;
            for start in 0..taken.len() {
                let within = taken[start..].iter().take_while(|at| **at < taken[start] + 60 * SECOND).count();
                prop_assert!(within <= limit, "{within} calls in a minute");
            }
            // And a client that waits its turn gets nearly all of it.
            prop_assert!(per_minute < 10 || taken.len() * 10 >= limit * 4 * 8, "{} in four minutes", taken.len());
        }
    }

    #[test]
    fn a_storm_of_refusals_counts_once() {
        let now = Instant::now();
        let (mut once, mut often) = (Bucket::new(Some(600), now), Bucket::new(Some(600), now));
        once.throttled(now, None);
        for milliseconds in 0..500 {
            often.throttled(now + Duration::from_millis(milliseconds), None);
        }
        let later = now + SECOND / 2;
        assert_eq!(once.take(later).is_ok(), often.take(later).is_ok());
        assert!((once.share - often.share).abs() < 0.01, "{} {}", once.share, often.share);
    }

    #[test]
    fn a_throttled_action_slows_down_and_recovers() {
        let now = Instant::now();
        let mut bucket = Bucket::new(Some(600), now);
        let full = greedy(&mut bucket, now, 60).len();
        let storm = now + 60 * SECOND;
        for second in 0..10 {
            bucket.throttled(storm + second * SECOND, None);
        }
        let slow = greedy(&mut bucket, storm + 10 * SECOND, 10).len();
        assert!(slow * 10 < full, "{slow} in ten seconds, {full} in a minute");
        greedy(&mut bucket, storm + 20 * SECOND, 60);
        let again = greedy(&mut bucket, storm + 80 * SECOND, 60).len();
        assert!(again + 70 > full, "{again} of {full}");
    }

    #[test]
    fn an_unlimited_action_is_held_back_only_while_it_is_throttled() {
        let now = Instant::now();
        let mut bucket = Bucket::new(None, now);
        assert!((0..10_000).all(|_| bucket.take(now).is_ok()));
        bucket.throttled(now, None);
        assert!(bucket.take(now).is_err());
        assert!((0..10_000).all(|_| bucket.take(now + 61 * SECOND).is_ok()));
    }

    #[test]
    fn the_pause_that_the_cloud_asks_for_is_kept() {
        let now = Instant::now();
        let mut bucket = Bucket::new(Some(6000), now);
        bucket.throttled(now, Some(7 * SECOND));
        assert_eq!(bucket.take(now), Err(7 * SECOND));
        assert!(bucket.take(now + 7 * SECOND).is_ok());
        bucket.throttled(now + 8 * SECOND, Some(Duration::MAX));
    }
}
