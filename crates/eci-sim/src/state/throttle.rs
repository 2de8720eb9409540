//! Call quotas: a token bucket for each account and action.
//!
//! Two published pages disagree; both sets are here, and neither is enforced unless the switch says so. Actions
//! that a set does not name are not limited. Whose a bucket is (the account's, or the account's in a region) is the
//! caller's to say.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::error::ApiError;
use crate::settings::{RateLimits, RetryAfter, Settings, ThrottlingCode, millis};

/// How many calls at once, and how many a second after that.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Quota {
    burst: f64,
    per_second: f64,
}

const fn per_minute(calls: f64) -> Quota {
    Quota { burst: calls, per_second: calls / 60.0 }
}

impl Quota {
    /// What is left when others use that much of it, and at least one call at a time.
    fn without(self, percent: u8) -> Self {
        let share = f64::from(100 - percent.min(99)) / 100.0;
        Self { burst: (self.burst * share).max(1.0), per_second: self.per_second * share }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative, and bounded by the cast"
    )]
    fn milliseconds_for(self, tokens: f64) -> u64 {
        (tokens.max(0.0) / self.per_second * 1000.0).ceil() as u64
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Throttle {
    buckets: HashMap<(String, String), Bucket>,
    /// When each owner created how many vCPU, of the last day.
    created: HashMap<String, VecDeque<(Timestamp, f64)>>,
}

impl Throttle {
    /// Takes a token, or says when there will be one.
    pub(crate) fn admit(
        &mut self,
        owner: &str,
        action: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<(), ApiError> {
        let Some((quota, bucket)) = self.bucket(owner, action, now, settings) else { return Ok(()) };
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let code = match settings.throttling_code {
            ThrottlingCode::User => "Throttling.User",
            ThrottlingCode::Api => "Throttling.Api",
            ThrottlingCode::Plain => "Throttling",
        };
        let message = "Request was denied due to user flow control.";
        let mut error = ApiError::new(settings.throttling_http_status, code, message);
        let wait = quota.milliseconds_for(1.0 - bucket.tokens);
        error.retry_after_ms = (settings.retry_after == RetryAfter::Sent).then_some(wait);
        Err(error)
    }

    /// Takes a token in any case, one that comes later if need be, and says how much later.
    pub(crate) fn borrow(
        &mut self,
        owner: &str,
        action: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> SignedDuration {
        let Some((quota, bucket)) = self.bucket(owner, action, now, settings) else {
            return SignedDuration::ZERO;
        };
        bucket.tokens -= 1.0;
        millis(quota.milliseconds_for(-bucket.tokens))
    }

    /// The bucket as it is now; `None` where nothing is limited.
    fn bucket(
        &mut self,
        owner: &str,
        action: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<(Quota, &mut Bucket)> {
        let quota = quota(settings.rate_limits, action)?.without(settings.quota_used_by_others);
        let bucket = self
            .buckets
            .entry((owner.to_owned(), action.to_owned()))
            .or_insert(Bucket { tokens: quota.burst, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * quota.per_second).min(quota.burst);
        bucket.at = now;
        Some((quota, bucket))
    }

    /// Takes vCPU from what an account may create in a day, or refuses.
    pub(crate) fn take_vcpu(
        &mut self,
        owner: &str,
        cpu: f64,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<(), ApiError> {
        if settings.vcpu_per_day == 0 {
            return Ok(());
        }
        let created = self.created.entry(owner.to_owned()).or_default();
        while created.front().is_some_and(|(at, _)| now.duration_since(*at) >= SignedDuration::from_hours(24))
        {
            created.pop_front();
        }
        let today: f64 = created.iter().map(|(_, cpu)| cpu).sum();
        if today + cpu > f64::from(settings.vcpu_per_day) {
            let message = "The vCPU that the account may create in a day are used up.";
            return Err(ApiError::of_code(
                "Throttling.Vcpu.PerDay",
                message,
                settings.throttling_http_status,
            ));
        }
        created.push_back((now, cpu));
        Ok(())
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
            "TagResources" => per_minute(1000.0),
            "ExecContainerCommand" | "DescribeContainerLog" => per_minute(500.0),
            "CreateImageCache" => per_minute(200.0),
            _ => return None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;

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
    fn code_and_header_of_a_refusal_are_switches() {
        let settings = Settings {
            rate_limits: RateLimits::Limits,
            throttling_code: ThrottlingCode::Api,
            retry_after: RetryAfter::Absent,
            quota_used_by_others: 99,
            ..Settings::default()
        };
        let (mut throttle, now) = (Throttle::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(throttle.admit("a", "CreateContainerGroup", now, &settings), Ok(()));
        let refusal = throttle.admit("a", "CreateContainerGroup", now, &settings).unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.retry_after_ms), ("Throttling.Api", None));
    }

    #[test]
    fn what_is_borrowed_comes_later_one_after_another() {
        let settings = Settings { rate_limits: RateLimits::Limits, ..Settings::default() };
        let (mut throttle, now) = (Throttle::default(), Timestamp::UNIX_EPOCH);
        let waits: Vec<i64> = (0..103)
            .map(|_| throttle.borrow("a", "CreateContainerGroup", now, &settings).as_millis() as i64)
            .collect();
        assert_eq!(waits[98..], [0, 0, 50, 100, 150]);
    }

    #[test]
    fn a_day_has_only_so_many_vcpu() {
        let settings = Settings { vcpu_per_day: 4, ..Settings::default() };
        let (mut throttle, now) = (Throttle::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(throttle.take_vcpu("a", 3.0, now, &settings), Ok(()));
        let refusal = throttle.take_vcpu("a", 2.0, now, &settings).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (403, "Throttling.Vcpu.PerDay"));
        assert_eq!(throttle.take_vcpu("a", 1.0, now, &settings), Ok(()));
        assert_eq!(
            throttle.take_vcpu("a", 4.0, later(now, SignedDuration::from_hours(24)), &settings),
            Ok(())
        );
    }

    #[test]
    fn the_two_sets_differ_and_off_limits_nothing() {
        assert_eq!(quota(RateLimits::Off, "CreateContainerGroup"), None);
        assert_eq!(quota(RateLimits::Limits, "RestartContainerGroup"), Some(per_minute(500.0)));
        assert_eq!(quota(RateLimits::FlowControl, "RestartContainerGroup"), Some(per_minute(1000.0)));
        assert_eq!(quota(RateLimits::Limits, "DescribeRegions"), None);
    }
}
