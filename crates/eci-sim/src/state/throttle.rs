//! Call quotas: a token bucket for each account and action.
//!
//! Two published pages disagree; both sets are here, and neither is enforced unless the switch says so. Actions
//! that a set does not name are not limited.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::error::ApiError;
use crate::settings::{RateLimits, Settings};

/// How many calls at once, and how many a second after that.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Quota {
    burst: f64,
    per_second: f64,
}

const fn per_minute(calls: f64) -> Quota {
    Quota { burst: calls, per_second: calls / 60.0 }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Throttle {
    buckets: HashMap<(String, String), Bucket>,
}

impl Throttle {
    /// Takes a token, or says when there will be one.
    pub(crate) fn admit(
        &mut self,
        account: &str,
        action: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<(), ApiError> {
        let Some(quota) = quota(settings.rate_limits, action) else { return Ok(()) };
        let bucket = self
            .buckets
            .entry((account.to_owned(), action.to_owned()))
            .or_insert(Bucket { tokens: quota.burst, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * quota.per_second).min(quota.burst);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let message = "Request was denied due to user flow control.";
        let mut error = ApiError::new(settings.throttling_http_status, "Throttling.User", message);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most a minute, and never negative"
        )]
        let wait = ((1.0 - bucket.tokens) / quota.per_second * 1000.0).ceil() as u64;
        error.retry_after_ms = Some(wait);
        Err(error)
    }
}

fn quota(set: RateLimits, action: &str) -> Option<Quota> {
    match set {
        RateLimits::Off => None,
        RateLimits::Limits => Some(match action {
            "CreateContainerGroup" | "DeleteContainerGroup" => Quota { burst: 100.0, per_second: 20.0 },
            "DescribeContainerGroups" | "DescribeContainerGroupMetric" => per_minute(2000.0),
            "DescribeContainerGroupPrice" => per_minute(1000.0),
            "ExecContainerCommand"
            | "DescribeContainerLog"
            | "RestartContainerGroup"
            | "UpdateContainerGroup"
            | "DescribeMultiContainerGroupMetric" => per_minute(500.0),
            "CreateImageCache" => per_minute(200.0),
            _ => return None,
        }),
        RateLimits::FlowControl => Some(match action {
            "CreateContainerGroup"
            | "DeleteContainerGroup"
            | "RestartContainerGroup"
            | "UpdateContainerGroup" => per_minute(1000.0),
            "DescribeContainerGroups" | "DescribeMultiContainerGroupMetric" => per_minute(2000.0),
            "DescribeContainerGroupStatus" | "DescribeContainerGroupEvents" => per_minute(10_000.0),
            "ExecContainerCommand" | "DescribeContainerLog" => per_minute(500.0),
            _ => return None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;
    use crate::settings::millis;

    #[test]
    fn a_burst_passes_and_then_the_rate_does() {
        let settings =
            Settings { rate_limits: RateLimits::Limits, throttling_http_status: 429, ..Settings::default() };
        let (mut throttle, now) = (Throttle::default(), Timestamp::UNIX_EPOCH);
        let mut create = |account: &str, at| throttle.admit(account, "CreateContainerGroup", at, &settings);
        for _ in 0..100 {
            assert_eq!(create("a", now), Ok(()));
        }
        let refusal = create("a", now).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (429, "Throttling.User"));
        assert_eq!(refusal.retry_after_ms, Some(50));
        assert_eq!(create("b", now), Ok(()), "accounts have buckets of their own");
        assert_eq!(create("a", later(now, millis(50))), Ok(()));
        assert!(create("a", later(now, millis(50))).is_err());
    }

    #[test]
    fn the_two_sets_differ_and_off_limits_nothing() {
        assert_eq!(quota(RateLimits::Off, "CreateContainerGroup"), None);
        assert_eq!(quota(RateLimits::Limits, "RestartContainerGroup"), Some(per_minute(500.0)));
        assert_eq!(quota(RateLimits::FlowControl, "RestartContainerGroup"), Some(per_minute(1000.0)));
        assert_eq!(quota(RateLimits::Limits, "DescribeRegions"), None);
    }
}
