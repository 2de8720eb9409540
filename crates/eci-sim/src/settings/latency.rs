//! How long answers take, by action: `CreateContainerGroup=lognormal:80:0.5`.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::millis;
use crate::rng::Rng;
use crate::wildcard;

/// How long the answers of some actions take; the effect is there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LatencyRule {
    /// Pattern of actions.
    pub action: String,
    pub latency: Latency,
}

/// Milliseconds, as they are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    Fixed(u32),
    /// From the first to the second, each as likely as the other.
    Uniform(u32, u32),
    /// The median, and the standard deviation of the logarithm in thousandths.
    LogNormal(u32, u32),
}

/// A deviation beyond this makes numbers that mean nothing.
const MOST_SIGMA: f64 = 5.0;

impl Latency {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float that is too large for the integer becomes its largest value, and none is negative"
    )]
    pub(crate) fn draw(self, rng: &mut Rng) -> SignedDuration {
        match self {
            Self::Fixed(ms) => millis(ms.into()),
            Self::Uniform(least, most) => millis(u64::from(least) + rng.below(u64::from(most - least) + 1)),
            Self::LogNormal(median, sigma) => {
                let exponent = f64::from(sigma) / 1000.0 * normal(rng);
                let micros = f64::from(median) * 1000.0 * exponent.exp();
                millis((micros / 1000.0).round() as u64)
            }
        }
    }
}

/// A number of the standard normal distribution, by the method of Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    let (radius, angle) = (1.0 - rng.unit(), rng.unit());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// How long this answer takes, by the first rule that speaks of its action.
pub(crate) fn latency_of(rules: &[LatencyRule], action: &str, rng: &mut Rng) -> SignedDuration {
    let rule = rules.iter().find(|rule| wildcard::matches(&rule.action, action));
    rule.map_or(SignedDuration::ZERO, |rule| rule.latency.draw(rng))
}

impl FromStr for LatencyRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "{text:?} is no latency; one is written ACTION=fixed:MS, ACTION=uniform:MS:MS or \
                 ACTION=lognormal:MEDIAN-MS:SIGMA"
            )
        };
        let (action, latency) = text.split_once('=').ok_or_else(bad)?;
        let parts: Vec<&str> = latency.split(':').collect();
        let ms = |text: &str| text.parse::<u32>().map_err(|_| bad());
        let latency = match parts.as_slice() {
            ["fixed", number] => Latency::Fixed(ms(number)?),
            ["uniform", least, most] => Latency::Uniform(ms(least)?, ms(most)?),
            ["lognormal", median, sigma] => {
                Latency::LogNormal(ms(median)?, thousandths(sigma).ok_or_else(bad)?)
            }
            _ => return Err(bad()),
        };
        match latency {
            Latency::Uniform(least, most) if least > most => Err(bad()),
            latency => Ok(Self { action: action.to_owned(), latency }),
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 5000")]
fn thousandths(text: &str) -> Option<u32> {
    let sigma = text.parse::<f64>().ok().filter(|sigma| (0.0..=MOST_SIGMA).contains(sigma))?;
    Some((sigma * 1000.0).round() as u32)
}

impl fmt::Display for LatencyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.action)?;
        match self.latency {
            Latency::Fixed(ms) => write!(f, "fixed:{ms}"),
            Latency::Uniform(least, most) => write!(f, "uniform:{least}:{most}"),
            Latency::LogNormal(median, sigma) => {
                write!(f, "lognormal:{median}:{}", f64::from(sigma) / 1000.0)
            }
        }
    }
}

impl TryFrom<String> for LatencyRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<LatencyRule> for String {
    fn from(rule: LatencyRule) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_and_written_alike() {
        for text in ["*=fixed:50", "Describe*=uniform:10:200", "CreateContainerGroup=lognormal:80:0.5"] {
            assert_eq!(text.parse::<LatencyRule>().unwrap().to_string(), text);
        }
        for bad in
            ["*", "*=50", "*=fixed:-1", "*=uniform:9:1", "*=lognormal:80", "*=lognormal:80:9", "*=zipf:1"]
        {
            assert!(bad.parse::<LatencyRule>().is_err(), "{bad}");
        }
    }

    #[test]
    fn draws_follow_their_distribution_and_their_seed() {
        let draws = |latency: Latency, seed| -> Vec<i64> {
            let mut rng = Rng::new(seed);
            let mut all: Vec<i64> =
                (0..2001).map(|_| i64::try_from(latency.draw(&mut rng).as_millis()).unwrap()).collect();
            all.sort_unstable();
            all
        };
        assert!(draws(Latency::Fixed(7), 1).iter().all(|ms| *ms == 7));
        let uniform = draws(Latency::Uniform(10, 20), 1);
        assert_eq!((uniform[0], uniform[2000]), (10, 20));
        assert!((14..=16).contains(&uniform[1000]), "{}", uniform[1000]);
        let tail = draws(Latency::LogNormal(80, 500), 1);
        assert!((75..=85).contains(&tail[1000]), "median {}", tail[1000]);
        // 84.1 % of a normal distribution lie below one deviation, which here is a factor of 1.65.
        assert!((122..=142).contains(&tail[1683]), "one deviation {}", tail[1683]);
        assert_eq!(draws(Latency::LogNormal(80, 500), 3), draws(Latency::LogNormal(80, 500), 3));
        assert_ne!(draws(Latency::LogNormal(80, 500), 3), draws(Latency::LogNormal(80, 500), 4));
    }

    #[test]
    fn the_first_rule_for_an_action_decides() {
        let rules: Vec<LatencyRule> =
            ["Describe*=fixed:1", "*=fixed:2"].map(|text| text.parse().unwrap()).into();
        let mut rng = Rng::new(1);
        assert_eq!(latency_of(&rules, "DescribeRegions", &mut rng), millis(1));
        assert_eq!(latency_of(&rules, "ListUsage", &mut rng), millis(2));
        assert_eq!(latency_of(&rules[..1], "ListUsage", &mut rng), SignedDuration::ZERO);
    }
}
