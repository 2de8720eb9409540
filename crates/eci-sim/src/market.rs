//! What a size costs: the published prices, and a spot price that moves by the hour.
//!
//! The spot price is a function of zone, size and time under a seed, not something that is kept: its history
//! can be asked for at any instant, and is the same in every run.

use jiff::Timestamp;

use crate::rng::Rng;
use crate::settings::Settings;
use crate::size::Size;

const CPU_SECOND: f64 = 0.000_049;
const ECONOMY_CPU_SECOND: f64 = 0.000_027;
const GIB_SECOND: f64 = 0.000_006_13;
/// What spot costs of the full price at least, and by how much more at most.
const SPOT_SHARE: (f64, f64) = (0.15, 0.45);
/// How long a spot price stands.
const SPOT_PERIOD_S: i64 = 3600;

/// CNY a second, for the two things that make up a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Price {
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
}

impl Price {
    /// The full price.
    pub(crate) fn of(size: Size, is_economy: bool) -> Self {
        let cpu = if is_economy { ECONOMY_CPU_SECOND } else { CPU_SECOND };
        Self { cpu: size.cpu * cpu, memory: size.memory * GIB_SECOND }
    }

    pub(crate) fn hour(self) -> f64 {
        (self.cpu + self.memory) * 3600.0
    }
}

/// What spot costs of the full price.
pub(crate) fn spot_share(settings: &Settings, zone: &str, kind: &str, at: Timestamp) -> f64 {
    if settings.spot_price_percent > 0 {
        return f64::from(settings.spot_price_percent) / 100.0;
    }
    let period = at.as_second().div_euclid(SPOT_PERIOD_S).cast_unsigned();
    let place = zone.bytes().chain(kind.bytes()).fold(settings.market_seed, |sum, byte| {
        sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte))
    });
    let draw = Rng::new(place.rotate_left(32) ^ period).next() >> 32;
    let draw = f64::from(u32::try_from(draw).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    SPOT_SHARE.0 + SPOT_SHARE.1 * draw
}

/// CNY an hour as a spot group, with the three decimals that limits have.
pub(crate) fn spot_hour(settings: &Settings, zone: &str, kind: &str, size: Size, at: Timestamp) -> f64 {
    let exact = Price::of(size, false).hour() * spot_share(settings, zone, kind, at);
    (exact * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn the_spot_price_moves_by_the_hour_and_is_the_same_when_asked_again() {
        let settings = Settings::default();
        let share =
            |hours| spot_share(&settings, "cn-hangzhou-a", "2-4Gi", AT + SignedDuration::from_hours(hours));
        let day: Vec<f64> = (0..24).map(share).collect();
        assert!(day.iter().all(|share| (0.15..=0.6).contains(share)), "{day:?}");
        assert!(day.windows(2).all(|pair| pair[0] != pair[1]), "{day:?}");
        assert_eq!(share(7), day[7]);
        let other = Settings { market_seed: 2, ..Settings::default() };
        assert_ne!(spot_share(&other, "cn-hangzhou-a", "2-4Gi", AT), day[0]);
        assert_ne!(spot_share(&settings, "cn-hangzhou-b", "2-4Gi", AT), day[0]);
    }

    #[test]
    fn the_spot_price_can_be_set() {
        let settings = Settings { spot_price_percent: 50, ..Settings::default() };
        let size = Size { cpu: 2.0, memory: 4.0 };
        assert_eq!(spot_hour(&settings, "z", "t", size, AT), 0.221);
    }
}
