//! Faults that are asked for, by a file or at run time: which calls they strike, how often, and what they do to them.
//!
//! A call meets a fault when action, parameters and window fit. Of the calls that it meets the first `skip` pass, and
//! the others are struck by chance, up to `times` of them. The chance is drawn from the fault's own seed, one draw
//! for each call it meets, so that the same calls are struck whenever the same calls are made.

mod kind;
mod spoil;
mod strike;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::auth::one_or_several;
use crate::document::Item;
use crate::params::Parameters;
use crate::rng::Rng;
use crate::schema::schema;
use crate::settings::millis;
use crate::wildcard;
pub(crate) use kind::FaultKind;
use spoil::GatewayBody;

/// Earlier answers that a fault remembers of one question.
const MOST_EARLIER: usize = 8;
/// Questions that a fault remembers answers to.
const MOST_QUESTIONS: usize = 1_000;

/// A fault as it is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The actions it meets, by name or with `*`.
    #[serde(default = "every_action", deserialize_with = "one_or_several")]
    pub(crate) action: Vec<String>,
    pub(crate) kind: FaultKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<GatewayBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Sent as `x-acs-retry-after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u64>,
    /// The part of a list that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    /// Items by which later pages begin too late, or too early when negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shift: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skew_s: Option<i64>,
    /// How much is padded, or written before a socket breaks off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// Only values of these names change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<String>,
    /// Calls that pass before the first is struck.
    #[serde(default, skip_serializing_if = "is_zero")]
    skip: u64,
    /// Calls it may still strike; null until it is removed.
    #[serde(default, deserialize_with = "count_or_null", skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<Option<u64>>,
    #[serde(default = "always")]
    probability: f64,
    #[serde(default)]
    seed: u64,
    /// From when it was asked for until it begins.
    #[serde(default, skip_serializing_if = "is_zero")]
    after_ms: u64,
    /// How long it lasts from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_ms: Option<u64>,
    /// Only calls with these parameters.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    parameters: Parameters,
}

fn every_action() -> Vec<String> {
    vec!["*".to_owned()]
}

fn always() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Null is a value of its own here: without end.
fn count_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Item for Asked {
    fn check(&self) -> Result<(), String> {
        for name in &self.action {
            if !schema().action_names().any(|known| wildcard::matches(name, known)) {
                return Err(format!("action: the cloud has no action {name}"));
            }
        }
        for (field, number) in [("probability", Some(self.probability)), ("share", self.share)] {
            if number.is_some_and(|number| !(0.0..=1.0).contains(&number)) {
                return Err(format!("{field}: it is between 0 and 1"));
            }
        }
        if self.http_status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err("http_status: it is between 200 and 599".to_owned());
        }
        self.kind.problem(self).map_or(Ok(()), Err)
    }
}

/// A fault that was asked for, and what has come of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    pub(crate) id: u64,
    #[serde(flatten)]
    asked: Asked,
    /// Calls that met it.
    met: u64,
    /// Calls it struck.
    pub(crate) applied: u64,
    #[serde(skip)]
    added_at: Timestamp,
    #[serde(skip)]
    rng: Rng,
    /// Answers by question, oldest first.
    #[serde(skip)]
    earlier: BTreeMap<String, Vec<Value>>,
}

/// What is left of a fault over a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tally {
    id: u64,
    met: u64,
    applied: u64,
    left: Option<u64>,
    rng: u64,
}

/// A fault as one call is struck by it.
#[derive(Clone, Debug)]
pub(crate) struct Struck {
    pub(crate) id: u64,
    pub(crate) kind: FaultKind,
    asked: Asked,
    rng: Rng,
    earlier: Vec<Value>,
}

impl Fault {
    /// Whether it can strike at all at that time.
    fn is_active(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.added_at);
        let begins = millis(self.asked.after_ms);
        let is_over = self.asked.for_ms.is_some_and(|length| age >= begins.saturating_add(millis(length)));
        age >= begins && !is_over && self.left() != Some(0)
    }

    fn left(&self) -> Option<u64> {
        self.asked.times.unwrap_or(Some(1))
    }

    fn fits(&self, action: &str, parameters: &Parameters) -> bool {
        self.asked.action.iter().any(|pattern| wildcard::matches(pattern, action))
            && self.asked.parameters.iter().all(|(name, value)| parameters.get(name) == Some(value))
    }

    /// Whether the call carries what the fault would spoil.
    fn meets(&self, action: &str, parameters: &Parameters) -> bool {
        let needed = self.asked.kind.needs_parameter();
        self.fits(action, parameters) && needed.is_none_or(|name| parameters.contains_key(name))
    }

    /// Whether there is something to answer again, where that is what the fault does.
    fn has_earlier(&self, action: &str, parameters: &Parameters) -> bool {
        self.asked.kind != FaultKind::Stale || self.earlier.contains_key(&self.question(action, parameters))
    }

    /// Whether the call is struck; it counts as met, and as struck if it is.
    fn strikes(&mut self, action: &str, parameters: &Parameters, now: Timestamp) -> bool {
        if !self.is_active(now) || !self.meets(action, parameters) {
            return false;
        }
        self.met += 1;
        let by_chance = self.rng.chance(self.asked.probability);
        if self.met <= self.asked.skip || !by_chance || !self.has_earlier(action, parameters) {
            return false;
        }
        self.applied += 1;
        self.asked.times = Some(self.left().map(|left| left - 1));
        true
    }

    /// What the remembered answers of a call are found by.
    fn question(&self, action: &str, parameters: &Parameters) -> String {
        let of_all_pages = self.asked.kind == FaultKind::TokenShift;
        let kept = parameters.iter().filter(|(name, _)| !(of_all_pages && name.as_str() == "NextToken"));
        kept.fold(action.to_owned(), |text, (name, value)| format!("{text}\n{name}={value}"))
    }

    /// As it is shown.
    pub(crate) fn to_json(&self, now: Timestamp) -> Value {
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        shown["times"] = serde_json::json!(self.left());
        shown["active"] = serde_json::json!(self.is_active(now));
        if let [one] = self.asked.action.as_slice() {
            shown["action"] = serde_json::json!(one);
        }
        shown
    }
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    faults: Vec<Fault>,
    last_id: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, mut asked: Asked, now: Timestamp) -> Result<u64, String> {
        asked.check()?;
        if asked.times.is_none() && asked.for_ms.is_some() {
            // The window says when it ends.
            asked.times = Some(None);
        }
        self.last_id += 1;
        let rng = Rng::new(asked.seed);
        let (id, earlier) = (self.last_id, BTreeMap::new());
        self.faults.push(Fault { id, asked, met: 0, applied: 0, added_at: now, rng, earlier });
        Ok(self.last_id)
    }

    /// The first fault that strikes the call; it is used up by that.
    pub(crate) fn take(&mut self, action: &str, parameters: &Parameters, now: Timestamp) -> Option<Struck> {
        let strikes = |fault: &mut Fault| {
            fault.asked.kind != FaultKind::ClockSkew && fault.strikes(action, parameters, now)
        };
        let index = self.faults.iter_mut().position(strikes)?;
        let fault = &self.faults[index];
        let earlier = fault.earlier.get(&fault.question(action, parameters)).cloned().unwrap_or_default();
        let (asked, rng) = (fault.asked.clone(), fault.rng.clone());
        Some(Struck { id: fault.id, kind: asked.kind, asked, rng, earlier })
    }

    /// How far the gateway's clock is ahead for this call, and the fault that makes it so.
    pub(crate) fn skew(
        &mut self,
        action: &str,
        parameters: &Parameters,
        now: Timestamp,
    ) -> Option<(u64, SignedDuration)> {
        let mut skews = self.faults.iter_mut().filter(|fault| fault.asked.kind == FaultKind::ClockSkew);
        let fault = skews.find_map(|fault| fault.strikes(action, parameters, now).then_some(fault))?;
        Some((fault.id, SignedDuration::from_secs(fault.asked.skew_s.unwrap_or_default())))
    }

    /// Remembers an answer for the faults that look back.
    pub(crate) fn answered(&mut self, action: &str, parameters: &Parameters, reply: &Value, now: Timestamp) {
        let looking =
            self.faults.iter_mut().filter(|fault| fault.asked.kind.looks_back() && fault.is_active(now));
        for fault in looking.filter(|fault| fault.fits(action, parameters)) {
            let question = fault.question(action, parameters);
            if fault.earlier.len() >= MOST_QUESTIONS && !fault.earlier.contains_key(&question) {
                continue;
            }
            let answers = fault.earlier.entry(question).or_default();
            if answers.last() != Some(reply) {
                answers.push(reply.clone());
            }
            if answers.len() > MOST_EARLIER {
                answers.remove(0);
            }
        }
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

    pub(crate) fn tally(&self) -> Vec<Tally> {
        let tally = |fault: &Fault| Tally {
            id: fault.id,
            met: fault.met,
            applied: fault.applied,
            left: fault.left(),
            rng: fault.rng.state(),
        };
        self.faults.iter().map(tally).collect()
    }

    /// Gives the faults that are still there the counts they had.
    pub(crate) fn recall(&mut self, tallies: &[Tally]) {
        for tally in tallies {
            if let Some(fault) = self.faults.iter_mut().find(|fault| fault.id == tally.id) {
                (fault.met, fault.applied) = (tally.met, tally.applied);
                fault.asked.times = Some(tally.left);
                fault.rng = Rng::new(tally.rng);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::later;

    const CREATE: &str = "CreateContainerGroup";
    const DELETE: &str = "DeleteContainerGroup";
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    impl Struck {
        pub(super) fn test(asked: Asked, earlier: Vec<Value>) -> Self {
            Self { id: 1, kind: asked.kind, rng: Rng::new(asked.seed), asked, earlier }
        }
    }

    fn faults(fault: Value) -> Faults {
        let mut faults = Faults::default();
        faults.add(serde_json::from_value(fault).unwrap(), NOW).unwrap();
        faults
    }

    fn hits_at(faults: &mut Faults, action: &str, calls: usize, ms: u64) -> usize {
        let now = later(NOW, millis(ms));
        (0..calls).filter(|_| faults.take(action, &Parameters::new(), now).is_some()).count()
    }

    fn hits(faults: &mut Faults, action: &str, calls: usize) -> usize {
        hits_at(faults, action, calls, 0)
    }

    #[test]
    fn a_fault_meets_one_call_of_its_action_unless_told_otherwise() {
        let mut once = faults(json!({"action": CREATE, "kind": "drop_after"}));
        assert_eq!((hits(&mut once, DELETE, 5), hits(&mut once, CREATE, 5)), (0, 1));
        let mut thrice = faults(json!({"kind": "hang", "times": 3}));
        assert_eq!(hits(&mut thrice, DELETE, 5), 3);
        let mut forever = faults(json!({"action": "*", "kind": "hang", "times": null}));
        assert_eq!(hits(&mut forever, DELETE, 5), 5);
        assert_eq!(forever.remove(None), 1);
        assert_eq!(hits(&mut forever, DELETE, 5), 0);
    }

    #[test]
    fn actions_are_named_one_by_one_or_by_pattern() {
        let mut two = faults(json!({"action": [CREATE, "Restart*"], "kind": "hang", "times": null}));
        assert_eq!((hits(&mut two, CREATE, 1), hits(&mut two, "RestartContainerGroup", 1)), (1, 1));
        assert_eq!(hits(&mut two, DELETE, 1), 0);
    }

    #[test]
    fn the_first_calls_can_be_let_pass() {
        let mut third = faults(json!({"kind": "hang", "skip": 2, "times": 1}));
        let struck: Vec<usize> = (0..4).map(|_| hits(&mut third, CREATE, 1)).collect();
        assert_eq!(struck, [0, 0, 1, 0]);
    }

    #[test]
    fn a_window_begins_and_ends() {
        let mut storm = faults(json!({"kind": "throttle", "after_ms": 100, "for_ms": 50}));
        assert_eq!(hits_at(&mut storm, CREATE, 2, 99), 0);
        assert_eq!(hits_at(&mut storm, CREATE, 2, 100), 2, "every call of the window");
        assert_eq!(hits_at(&mut storm, CREATE, 2, 149), 2);
        assert_eq!(hits_at(&mut storm, CREATE, 2, 150), 0);
        assert_eq!(storm.get(1).unwrap().to_json(later(NOW, millis(150)))["active"], false);
    }

    #[test]
    fn chance_is_repeatable_by_its_seed() {
        let run = |seed| {
            let mut faults = faults(json!({"kind": "hang", "times": null, "probability": 0.3, "seed": seed}));
            (0..50).map(|_| hits(&mut faults, CREATE, 1)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!((5..25).contains(&run(1).iter().sum::<usize>()));
    }

    #[test]
    fn counts_and_chance_go_on_where_they_were() {
        let fault = json!({"kind": "hang", "times": 40, "probability": 0.3, "seed": 1});
        let (mut through, mut before) = (faults(fault.clone()), faults(fault.clone()));
        let whole: Vec<usize> = (0..60).map(|_| hits(&mut through, CREATE, 1)).collect();
        let mut parts: Vec<usize> = (0..30).map(|_| hits(&mut before, CREATE, 1)).collect();
        let mut after = faults(fault);
        after.recall(&before.tally());
        parts.extend((0..30).map(|_| hits(&mut after, CREATE, 1)));
        assert_eq!(parts, whole);
        assert_eq!(json!(after.tally()), json!(through.tally()));
    }

    #[test]
    fn a_fault_can_be_limited_to_certain_parameters() {
        let mut faults = faults(json!({"action": "*", "kind": "hang", "parameters": {"Name": "x"}}));
        assert!(faults.take(CREATE, &Parameters::new(), NOW).is_none());
        assert!(faults.take(CREATE, &[("Name".to_owned(), "x".to_owned())].into(), NOW).is_some());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_field() {
        for (fault, field) in [
            (json!({"kind": "error"}), "code"),
            (json!({"kind": "delay"}), "delay_ms"),
            (json!({"kind": "throttle"}), "for_ms"),
            (json!({"kind": "clock_skew"}), "skew_s"),
            (json!({"kind": "token_shift"}), "shift"),
            (json!({"kind": "hang", "probability": 2.0}), "probability"),
            (json!({"kind": "partial_list", "share": -1.0}), "share"),
            (json!({"kind": "hang", "share": 0.5}), "share"),
            (json!({"kind": "reset", "code": "Throttling"}), "code"),
            (json!({"kind": "gateway", "http_status": 99}), "http_status"),
            (json!({"kind": "hang", "action": "Nothing*"}), "action"),
            (json!({"kind": "oversized", "bytes": u64::MAX}), "bytes"),
        ] {
            let asked: Asked = serde_json::from_value(fault).unwrap();
            let problem = Faults::default().add(asked, NOW).unwrap_err();
            assert!(problem.starts_with(&format!("{field}: ")), "{problem}");
        }
        assert!(serde_json::from_value::<Asked>(json!({"kind": "explode"})).is_err());
        assert!(serde_json::from_value::<Asked>(json!({"kind": "hang", "tmes": 1})).is_err());
    }
}
