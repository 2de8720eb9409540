//! How a group under deletion ends its containers: those of the highest exit priority first, hooks before the
//! signal, and nothing beyond the grace period.

use jiff::{SignedDuration, Timestamp};

use super::container::Container;
use super::facts::{ContainerKind, Facts};
use super::incarnation::Exit;
use super::life::Life;
use super::programs::Hook;
use crate::clock::later;
use crate::settings::{Settings, Terminating};

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

/// A deletion under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deletion {
    /// When the last container has stopped.
    pub(crate) stopped_at: Timestamp,
    /// When replies no longer show the group.
    pub(crate) gone_at: Timestamp,
    pub(super) shows_terminating: bool,
    /// Hooks and the grace period are skipped.
    pub(crate) force: bool,
}

/// The end of one container.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) at: Timestamp,
    pub(super) container: String,
    pub(super) exit: Exit,
}

impl Stop {
    fn by_signal(at: Timestamp, container: &Container, signal: i32) -> Self {
        let exit = Exit::of_code(128 + signal, String::new());
        Self { at, container: container.name.clone(), exit }
    }
}

impl Life {
    /// Asks the group to end and vanish; a second call changes nothing, unless it is the first with force.
    pub(crate) fn delete(&mut self, facts: &Facts, at: Timestamp, force: bool, settings: &Settings) {
        if self.deletion.is_some() && !force {
            return;
        }
        let containers = || self.init.iter().chain(&self.apps).filter(|container| container.is_running());
        let running: Vec<&Container> = containers().collect();
        let has_hook = !force && running.iter().any(|container| pre_stop(facts, container).is_some());
        let stops = match (force, facts.is_real) {
            // The runtime ends them.
            (_, true) => Vec::new(),
            (true, false) => at_once(&running, at),
            (false, false) => gracefully(facts, &running, at),
        };
        let stopped_at = match (force, facts.is_real) {
            // Not before the runtime says so.
            (false, true) => Timestamp::MAX,
            _ => stops.iter().map(|stop| stop.at).max().unwrap_or(at),
        };
        let gone_at = later(stopped_at, settings.delete_visible());
        if let Some(earlier) = self.deletion.filter(|earlier| earlier.gone_at <= gone_at) {
            self.deletion = Some(earlier);
            return;
        }
        let shows_terminating = !self.is_terminal()
            && match settings.terminating {
                Terminating::WithPreStop => has_hook,
                Terminating::Always => true,
            };
        for container in running {
            self.events.normal(at, "Killing", format!("Stopping container {}", container.name));
            if !force && !facts.is_real && pre_stop(facts, container).is_some_and(|hook| hook.fails) {
                let message = format!("PreStopHook of container {} failed", container.name);
                self.events.warning(at, "FailedPreStopHook", message);
            }
        }
        self.deletion = Some(Deletion { stopped_at, gone_at, shows_terminating, force });
        self.stops = stops;
        self.changed_at = at;
    }

    /// Ends the containers whose time has come in a deletion.
    pub(super) fn stop_due(&mut self, now: Timestamp) {
        let due: Vec<Stop> = self.stops.extract_if(.., |stop| stop.at <= now).collect();
        for Stop { at, container, exit } in due {
            if let Some(container) = self.container_mut(&container).filter(|container| container.is_running())
            {
                container.stop(at, exit);
                self.changed_at = self.changed_at.max(at);
            }
        }
    }
}

/// Init containers have no hooks.
fn pre_stop(facts: &Facts, container: &Container) -> Option<Hook> {
    (container.kind == ContainerKind::App).then(|| facts.pre_stop(container.index)).flatten()
}

/// When the running containers end, in order, if they are asked to at `at`.
fn gracefully(facts: &Facts, containers: &[&Container], at: Timestamp) -> Vec<Stop> {
    let grace = facts.grace();
    let mut order: Vec<&Container> = containers.to_vec();
    order.sort_by_key(|container| std::cmp::Reverse(container.switches.exit_priority));
    let mut begun = SignedDuration::ZERO;
    let mut stops = Vec::new();
    for level in order.chunk_by(|a, b| a.switches.exit_priority == b.switches.exit_priority) {
        let mut longest = begun;
        for container in level {
            let (program, _) = facts.program(container.kind, container.index);
            let hook = pre_stop(facts, container);
            let hook = hook.map_or(SignedDuration::ZERO, |hook| hook.takes.unwrap_or(grace));
            let wanted = begun.saturating_add(hook);
            let is_killed = program.ignores_termination() || wanted >= grace;
            let (after, signal) = if is_killed { (grace, SIGKILL) } else { (wanted, SIGTERM) };
            longest = longest.max(after);
            stops.push(Stop::by_signal(later(at, after), container, signal));
        }
        begun = longest;
    }
    stops
}

/// All running containers are killed.
fn at_once(containers: &[&Container], at: Timestamp) -> Vec<Stop> {
    containers.iter().map(|container| Stop::by_signal(at, container, SIGKILL)).collect()
}
