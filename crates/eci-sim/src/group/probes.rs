//! Probes in the scripted runtime: what a run's probes will say is known when it starts.
//!
//! A probe by command is interpreted, one by HTTP or TCP passes. `ECI_SIM_LIVENESS` and `ECI_SIM_READINESS`, variables of
//! the container, replace either by a script. `$SECONDS` is how long the container has run, so `[ $SECONDS -lt 30 ]`
//! passes for half a minute.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::clock::later;
use crate::params::Node;
use crate::script::{Program, Surroundings};

/// A probe whose verdict may move is followed for this many rounds; after that it stays as it is.
const MAX_ROUNDS: u32 = 2_000;

/// A probe of the request.
pub(super) struct Probe {
    /// `None` passes always.
    script: Option<Program>,
    surroundings: Surroundings,
    /// Whether the time changes the verdict.
    moves: bool,
    initial_delay: SignedDuration,
    period: SignedDuration,
    timeout: SignedDuration,
    failure_threshold: u32,
}

/// What one round says.
struct Verdict {
    passes: bool,
    /// When it is known, counted from the container's start.
    after: SignedDuration,
}

impl Probe {
    /// `variable` replaces what is asked.
    pub(super) fn of(probe: &Node<'_>, surroundings: Surroundings, variable: &str) -> Self {
        let seconds = |name: &str, default: i64, min: i64| {
            SignedDuration::from_secs(probe.number(name).unwrap_or(default).max(min))
        };
        let own =
            surroundings.variables.get(variable).map(|script| vec!["sh".into(), "-c".into(), script.clone()]);
        let command: Vec<String> = own.unwrap_or_else(|| probe.texts("Exec.Command"));
        let mut surroundings = surroundings;
        // The probe is not the container's program.
        surroundings.variables.remove(crate::script::SCRIPT_VARIABLE);
        let moves = command.iter().any(|word| word.contains("SECONDS") || word.contains("date"));
        Self {
            script: (!command.is_empty()).then(|| Program::of(&command, &surroundings)),
            surroundings,
            moves,
            initial_delay: seconds("InitialDelaySeconds", 0, 0),
            period: seconds("PeriodSeconds", 10, 1),
            timeout: seconds("TimeoutSeconds", 1, 1),
            failure_threshold: probe.number("FailureThreshold").unwrap_or(3).max(1),
        }
    }

    /// The verdicts in order. One that never moves is told as often as it takes to be believed.
    fn verdicts(mut self, started_at: Timestamp) -> impl Iterator<Item = Verdict> {
        let rounds = if self.moves { MAX_ROUNDS } else { self.failure_threshold };
        (0..rounds).map(move |round| {
            let round = i32::try_from(round).unwrap_or(i32::MAX);
            let after = self.initial_delay.saturating_add(self.period.saturating_mul(round));
            self.ask(started_at, after)
        })
    }

    fn ask(&mut self, started_at: Timestamp, after: SignedDuration) -> Verdict {
        let Some(script) = &self.script else { return Verdict { passes: true, after } };
        self.surroundings.variables.insert("SECONDS".to_owned(), after.as_secs().to_string());
        let end = script.end(later(started_at, after), &self.surroundings);
        match end.filter(|end| end.after <= self.timeout) {
            Some(end) => Verdict { passes: end.exit_code == 0, after: after.saturating_add(end.after) },
            None => Verdict { passes: false, after: after.saturating_add(self.timeout) },
        }
    }

    /// When the container becomes ready, and when it no longer is. A first failure is told too.
    pub(super) fn readiness(self, started_at: Timestamp) -> VecDeque<(Timestamp, bool)> {
        let threshold = self.failure_threshold;
        let (mut turns, mut ready, mut failures) = (VecDeque::new(), None, 0);
        for verdict in self.verdicts(started_at) {
            failures = if verdict.passes { 0 } else { failures + 1 };
            let turns_to = match (ready, verdict.passes) {
                (None, passes) => Some(passes),
                (Some(false), true) => Some(true),
                (Some(true), false) if failures >= threshold => Some(false),
                _ => None,
            };
            if let Some(now) = turns_to {
                turns.push_back((later(started_at, verdict.after), now));
                ready = Some(now);
            }
        }
        turns
    }

    /// When the container is killed because it no longer seems alive.
    pub(super) fn death(self, started_at: Timestamp) -> Option<Timestamp> {
        let (threshold, mut failures) = (self.failure_threshold, 0);
        for verdict in self.verdicts(started_at) {
            failures = if verdict.passes { 0 } else { failures + 1 };
            if failures >= threshold {
                return Some(later(started_at, verdict.after));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::super::life::tests::World;

    fn probed(kind: &'static str, script: &str, more: &[(&str, &str)]) -> World {
        let name = |member: &str| format!("Container.1.{kind}.{member}");
        let names = ["Exec.Command.1", "Exec.Command.2", "Exec.Command.3", "PeriodSeconds"].map(name);
        let values = ["sh", "-c", script, "5"];
        let probe: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
        World::new(&[&probe[..], more].concat())
    }

    /// The first second, of the container's run, at which the group is or is not ready.
    fn ready_at(world: &mut World, second: i64) -> bool {
        let started = 650;
        let passed = world.now.duration_since(world.group.facts.created_at);
        let passed = i64::try_from(passed.as_millis()).unwrap();
        world.advance(started + second * 1000 - passed + 1);
        world.group.life.ready.0
    }

    #[test]
    fn readiness_comes_and_goes_as_the_script_says() {
        let mut world = probed("ReadinessProbe", "[ $SECONDS -ge 10 ] && [ $SECONDS -lt 60 ]", &[]);
        assert_eq!(
            [0, 9, 10, 69, 70, 3_600].map(|second| ready_at(&mut world, second)),
            [false, false, true, true, false, false]
        );
        let unhealthy = world.group.life.events.iter().filter(|event| event.reason == "Unhealthy");
        assert_eq!(unhealthy.map(|event| event.count).sum::<u32>(), 2, "at the start, and after 60 seconds");
    }

    #[test]
    fn a_container_that_no_longer_seems_alive_is_killed_and_restarted() {
        let mut world = probed("LivenessProbe", "[ $SECONDS -lt 20 ]", &[]);
        let restarts = |world: &World| world.group.life.container("nginx").unwrap().restarts;
        world.advance(30_600);
        assert_eq!(restarts(&world), 0, "it may fail twice");
        world.advance(200);
        assert_eq!(restarts(&world), 1);
        let container = world.group.life.container("nginx").unwrap();
        assert_eq!(container.previous.as_ref().unwrap().exit().unwrap().code, 137);
        let reasons: Vec<_> = world.group.life.events.iter().map(|event| event.reason).collect();
        assert!(reasons.contains(&"Unhealthy") && reasons.contains(&"Killing"), "{reasons:?}");
    }

    #[test]
    fn a_probe_that_always_fails_ends_a_group_that_never_restarts() {
        let mut world = probed("LivenessProbe", "false", &[("RestartPolicy", "Never")]);
        assert_eq!(world.advance(10_600), Status::Running);
        assert_eq!(world.advance(100), Status::Failed);
    }

    #[test]
    fn a_probe_that_takes_too_long_fails() {
        let slow = [("Container.1.LivenessProbe.TimeoutSeconds", "3"), ("RestartPolicy", "Never")];
        assert_eq!(probed("LivenessProbe", "sleep 2", &slow).advance(3_600_000), Status::Running);
        assert_eq!(probed("LivenessProbe", "sleep 4", &slow).advance(15_000), Status::Failed);
    }

    #[test]
    fn a_variable_stands_in_for_what_a_network_probe_would_see() {
        let changes = [
            ("Container.1.LivenessProbe.HttpGet.Port", "80"),
            ("Container.1.LivenessProbe.FailureThreshold", "1"),
            ("Container.1.EnvironmentVar.1.Key", "ECI_SIM_LIVENESS"),
            ("Container.1.EnvironmentVar.1.Value", "[ $SECONDS -lt 30 ]"),
            ("RestartPolicy", "Never"),
        ];
        let mut world = World::new(&changes);
        assert_eq!(world.advance(30_600), Status::Running);
        assert_eq!(world.advance(100), Status::Failed);
    }
}
