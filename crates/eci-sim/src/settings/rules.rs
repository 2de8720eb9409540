//! Settings that are lists of rules, each written as one text: `cn-hangzhou-b/ecs.c6.*=3`.
//!
//! Where several rules of a list speak of the same thing, the first one decides; what no rule speaks of has no
//! limit. A pattern is a text, or the beginning of one followed by `*`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much there is of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many at a time.
    Of(u32),
    /// Not on sale.
    Closed,
}

/// How many groups of a size a zone has room for: `ZONE/TYPE=COUNT`, or `ZONE/TYPE/spot=COUNT` for spot groups alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StockRule {
    /// Pattern of zone ids.
    pub zone: String,
    /// Pattern of ECS types (`ecs.c6.large`) and of sizes (`2-4Gi`).
    pub kind: String,
    pub is_spot: bool,
    pub count: Count,
}

/// How many of something that is named by a pattern: `vsw-1=2`, `nginx*=180`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NumberRule {
    pub pattern: String,
    pub number: u32,
}

/// To which VPC something belongs: `vsw-1=vpc-a`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VpcRule {
    /// Pattern of ids of vSwitches and security groups.
    pub pattern: String,
    pub vpc: String,
}

impl StockRule {
    pub(crate) fn covers(&self, zone: &str, kind: &str) -> bool {
        matches(&self.zone, zone) && matches(&self.kind, kind)
    }
}

/// The number that the first rule for `text` gives.
pub(crate) fn number_of(rules: &[NumberRule], text: &str) -> Option<u32> {
    rules.iter().find(|rule| matches(&rule.pattern, text)).map(|rule| rule.number)
}

/// The VPC that the first rule for `id` gives.
pub(crate) fn vpc_of<'r>(rules: &'r [VpcRule], id: &str) -> &'r str {
    let rule = rules.iter().find(|rule| matches(&rule.pattern, id));
    rule.map_or("vpc-eci-sim", |rule| &rule.vpc)
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => pattern == text,
    }
}

impl FromStr for StockRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no stock rule; one is written ZONE/TYPE[/spot]=COUNT or =closed");
        let (what, count) = text.split_once('=').ok_or_else(bad)?;
        let count = match count {
            "closed" => Count::Closed,
            number => Count::Of(number.parse().map_err(|_| bad())?),
        };
        let parts: Vec<&str> = what.split('/').collect();
        let (zone, kind, is_spot) = match parts.as_slice() {
            [zone, kind] => (zone, kind, false),
            [zone, kind, "spot"] => (zone, kind, true),
            _ => return Err(bad()),
        };
        Ok(Self { zone: (*zone).to_owned(), kind: (*kind).to_owned(), is_spot, count })
    }
}

impl fmt::Display for StockRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spot = if self.is_spot { "/spot" } else { "" };
        write!(f, "{}/{}{spot}=", self.zone, self.kind)?;
        match self.count {
            Count::Of(number) => write!(f, "{number}"),
            Count::Closed => f.write_str("closed"),
        }
    }
}

impl FromStr for NumberRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed =
            text.rsplit_once('=').and_then(|(pattern, number)| Some((pattern, number.parse().ok()?)));
        let (pattern, number) = parsed.ok_or_else(|| format!("{text:?} is not written NAME=NUMBER"))?;
        Ok(Self { pattern: pattern.to_owned(), number })
    }
}

impl fmt::Display for NumberRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.pattern, self.number)
    }
}

impl FromStr for VpcRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').filter(|(pattern, vpc)| !pattern.is_empty() && !vpc.is_empty());
        let (pattern, vpc) = parts.ok_or_else(|| format!("{text:?} is not written ID=VPC"))?;
        Ok(Self { pattern: pattern.to_owned(), vpc: vpc.to_owned() })
    }
}

impl fmt::Display for VpcRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.pattern, self.vpc)
    }
}

/// A rule travels in JSON as it is written on the command line.
macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(rule: $name) -> Self {
                rule.to_string()
            }
        }
    )*};
}

as_text! { StockRule NumberRule VpcRule }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_and_written_alike() {
        for text in ["cn-hangzhou-a/ecs.c6.*=3", "*/2-4Gi/spot=0", "cn-hangzhou-b/*=closed"] {
            assert_eq!(text.parse::<StockRule>().unwrap().to_string(), text);
        }
        assert_eq!("a/b=c=7".parse::<NumberRule>().unwrap().to_string(), "a/b=c=7");
        for bad in ["a=1", "a/b", "a/b=x", "a/b/c=1", "a/b/spot/d=1"] {
            assert!(bad.parse::<StockRule>().is_err(), "{bad}");
        }
        assert_eq!("vsw-*=vpc-1".parse::<VpcRule>().unwrap().to_string(), "vsw-*=vpc-1");
        assert!("vsw-1=".parse::<VpcRule>().is_err());
        assert!("a=-1".parse::<NumberRule>().is_err());
    }

    #[test]
    fn the_first_rule_that_speaks_of_something_decides() {
        let rules: Vec<NumberRule> = ["nginx*=1", "*=2"].map(|text| text.parse().unwrap()).into();
        assert_eq!(number_of(&rules, "nginx:1.27"), Some(1));
        assert_eq!(number_of(&rules, "busybox"), Some(2));
        assert_eq!(number_of(&rules[..1], "busybox"), None);
    }
}
