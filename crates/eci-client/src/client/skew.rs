//! Corrects the clock: when the cloud refuses a request for its time, the `Date` of that refusal says by how much.

use std::sync::atomic::{AtomicI64, Ordering};

use http::HeaderMap;
use http::header::DATE;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

/// A correction smaller than this explains no refusal: the cloud bears a quarter of an hour.
const WORTH_CORRECTING: SignedDuration = SignedDuration::from_secs(60);

/// How far the machine's clock is off. Shared by all calls of a client.
#[derive(Debug, Default)]
pub(crate) struct Skew {
    milliseconds: AtomicI64,
}

impl Skew {
    /// What the cloud's clock shows when ours shows `now`.
    pub(crate) fn corrected(&self, now: Timestamp) -> Timestamp {
        let offset = SignedDuration::from_millis(self.milliseconds.load(Ordering::Relaxed));
        // A clock at the end of time stays as it is.
        now.checked_add(offset).unwrap_or(now)
    }

    /// Learns from the headers of a refusal that came when our clock showed `now`. Says whether a request signed
    /// from here on has a noticeably different time; if it has not, asking again is useless.
    pub(crate) fn learn(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let Some(date) = date(headers) else { return false };
        if date.duration_since(self.corrected(now)).abs() < WORTH_CORRECTING {
            return false;
        }
        let offset = date.duration_since(now).as_millis();
        self.milliseconds.store(i64::try_from(offset).unwrap_or(0), Ordering::Relaxed);
        true
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(headers.get(DATE)?.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(date: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))])
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn the_date_of_a_refusal_sets_the_clock_in_either_direction() {
        for wrong in ["1994-11-06T06:00:00Z", "1994-11-07T09:00:00Z"] {
            let skew = Skew::default();
            assert!(skew.learn(&headers("Sun, 06 Nov 1994 08:49:37 GMT"), at(wrong)));
            assert_eq!(skew.corrected(at(wrong)), at("1994-11-06T08:49:37Z"));
        }
    }

    #[test]
    fn a_corrected_clock_is_not_corrected_again() {
        let (skew, now) = (Skew::default(), at("1994-11-06T06:00:00Z"));
        assert!(skew.learn(&headers("Sun, 06 Nov 1994 08:49:37 GMT"), now));
        assert!(!skew.learn(&headers("Sun, 06 Nov 1994 08:49:38 GMT"), now));
        assert_eq!(skew.corrected(now), at("1994-11-06T08:49:37Z"));
    }

    #[test]
    fn without_a_readable_date_nothing_is_learned() {
        let now = at("1994-11-06T06:00:00Z");
        for unread in [headers("yesterday"), HeaderMap::new()] {
            let skew = Skew::default();
            assert!(!skew.learn(&unread, now));
            assert_eq!(skew.corrected(now), now);
        }
    }
}
