//! Faults that are asked for at run time: which call they meet, how often, and what they do to it.

use serde::{Deserialize, Deserializer, Serialize};

use crate::params::Parameters;
use crate::rng::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// No effect; the connection is closed without an answer.
    DropBefore,
    /// The effect happens; the connection is closed without an answer.
    DropAfter,
    /// The effect happens at once, the answer comes late.
    Delay,
    /// Effect and answer come late, even when the caller has gone by then.
    DelayBefore,
    /// No effect; an error is answered.
    Error,
    /// The effect happens; an error is answered all the same.
    ErrorAfter,
    /// No effect; the connection stays open and nothing is ever answered.
    Hang,
    /// No effect; the connection is reset.
    Reset,
}

/// A fault as it is asked for and shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(default, skip_deserializing)]
    pub(crate) id: u64,
    /// The action it meets; `*` for all.
    pub(crate) action: String,
    pub(crate) kind: FaultKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Sent as `x-acs-retry-after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
    /// Calls it still applies to; null until it is removed.
    #[serde(default = "once", deserialize_with = "count_or_null")]
    pub(crate) times: Option<u64>,
    #[serde(default = "always")]
    pub(crate) probability: f64,
    #[serde(default)]
    pub(crate) seed: u64,
    /// Only calls with these parameters.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub(crate) parameters: Parameters,
    /// Calls it has been applied to.
    #[serde(default, skip_deserializing)]
    pub(crate) applied: u64,
    #[serde(skip)]
    rng: Option<Rng>,
}

fn once() -> Option<u64> {
    Some(1)
}

fn always() -> f64 {
    1.0
}

/// Null is a value of its own here: without end.
fn count_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Option::deserialize(deserializer)
}

impl Fault {
    /// What it lacks for its kind, if anything.
    fn lacks(&self) -> Option<&'static str> {
        use FaultKind::{Delay, DelayBefore, Error, ErrorAfter};
        match self.kind {
            Delay | DelayBefore if self.delay_ms.is_none() => Some("this kind needs delay_ms"),
            Error | ErrorAfter if self.code.is_none() => Some("this kind needs code"),
            _ if !(0.0..=1.0).contains(&self.probability) => Some("probability is between 0 and 1"),
            _ => None,
        }
    }

    fn meets(&self, action: &str, parameters: &Parameters) -> bool {
        (self.action == "*" || self.action == action)
            && self.times != Some(0)
            && self.parameters.iter().all(|(name, value)| parameters.get(name) == Some(value))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    faults: Vec<Fault>,
    last_id: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, mut fault: Fault) -> Result<u64, &'static str> {
        if let Some(problem) = fault.lacks() {
            return Err(problem);
        }
        self.last_id += 1;
        fault.id = self.last_id;
        fault.rng = Some(Rng::new(fault.seed));
        self.faults.push(fault);
        Ok(self.last_id)
    }

    /// The first fault that meets the call; it is used up by that.
    pub(crate) fn take(&mut self, action: &str, parameters: &Parameters) -> Option<Fault> {
        let met = |fault: &mut Fault| {
            let probability = fault.probability;
            fault.meets(action, parameters) && fault.rng.as_mut().is_none_or(|rng| rng.chance(probability))
        };
        let index = self.faults.iter_mut().position(met)?;
        let fault = &mut self.faults[index];
        fault.applied += 1;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault.clone())
    }

    /// All faults, used up ones too, so that a test can see that one was met.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Fault> {
        self.faults.iter().find(|fault| fault.id == id)
    }

    /// Removes one, or all. Returns how many there were.
    pub(crate) fn remove(&mut self, id: Option<u64>) -> usize {
        let before = self.faults.len();
        self.faults.retain(|fault| id.is_some_and(|id| fault.id != id));
        before - self.faults.len()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(fault: serde_json::Value) -> Faults {
        let mut faults = Faults::default();
        faults.add(serde_json::from_value(fault).unwrap()).unwrap();
        faults
    }

    fn hits(faults: &mut Faults, action: &str, calls: usize) -> usize {
        (0..calls).filter(|_| faults.take(action, &Parameters::new()).is_some()).count()
    }

    #[test]
    fn a_fault_meets_one_call_of_its_action_unless_told_otherwise() {
        let mut once = faults(json!({"action": "Create", "kind": "drop_after"}));
        assert_eq!((hits(&mut once, "Delete", 5), hits(&mut once, "Create", 5)), (0, 1));
        let mut thrice = faults(json!({"action": "*", "kind": "hang", "times": 3}));
        assert_eq!(hits(&mut thrice, "Delete", 5), 3);
        let mut forever = faults(json!({"action": "*", "kind": "hang", "times": null}));
        assert_eq!(hits(&mut forever, "Delete", 5), 5);
        assert_eq!(forever.remove(None), 1);
        assert_eq!(hits(&mut forever, "Delete", 5), 0);
    }

    #[test]
    fn chance_is_repeatable_by_its_seed() {
        let run = |seed| {
            let fault =
                json!({"action": "*", "kind": "hang", "times": null, "probability": 0.3, "seed": seed});
            let mut faults = faults(fault);
            (0..50).map(|_| hits(&mut faults, "Create", 1)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!((5..25).contains(&run(1).iter().sum::<usize>()));
    }

    #[test]
    fn a_fault_can_be_limited_to_certain_parameters() {
        let mut faults = faults(json!({"action": "*", "kind": "hang", "parameters": {"Name": "x"}}));
        assert!(faults.take("Create", &Parameters::new()).is_none());
        assert!(faults.take("Create", &[("Name".to_owned(), "x".to_owned())].into()).is_some());
    }

    #[test]
    fn an_incomplete_fault_is_refused() {
        for fault in [
            json!({"action": "*", "kind": "error"}),
            json!({"action": "*", "kind": "delay"}),
            json!({"action": "*", "kind": "hang", "probability": 2.0}),
        ] {
            let fault: Fault = serde_json::from_value(fault).unwrap();
            assert!(Faults::default().add(fault).is_err());
        }
        assert!(serde_json::from_value::<Fault>(json!({"action": "*", "kind": "explode"})).is_err());
        assert!(serde_json::from_value::<Fault>(json!({"action": "*", "kind": "hang", "tmes": 1})).is_err());
    }
}
