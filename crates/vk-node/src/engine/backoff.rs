//! Spaces retries: doubling from a first to a last wait, spread by a value derived from the pod.

use std::time::Duration;

/// The wait before try number `failures` (from 1), a part of it derived from `seed`: a thousand pods that failed in
/// one moment do not come back in one moment, and a test sees the same waits each time.
pub(super) fn wait(failures: u32, (first, last): (Duration, Duration), seed: &str) -> Duration {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(last);
    let spread = seed.bytes().fold(failures, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    // Between 75 % and 100 % of the doubled wait.
    doubled - doubled.mul_f64(f64::from(spread % 256) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

    #[test]
    fn waits_grow_to_the_last_and_stay_there() {
        let waits: Vec<_> = (1..12).map(|failures| wait(failures, RANGE, "uid")).collect();
        assert!(waits[0] >= Duration::from_millis(750) && waits[0] <= Duration::from_secs(1));
        assert!(waits[10] >= Duration::from_secs(45) && waits[10] <= Duration::from_secs(60));
        assert!(waits.iter().all(|wait| *wait <= RANGE.1));
    }

    #[test]
    fn pods_that_failed_together_come_back_apart() {
        let waits: std::collections::BTreeSet<_> =
            (0..50).map(|n| wait(3, RANGE, &format!("uid-{n}"))).collect();
        assert!(waits.len() > 20, "{} distinct waits", waits.len());
    }
}
