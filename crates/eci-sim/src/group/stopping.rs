//! How a group under deletion ends its containers: those of the highest exit priority first, hooks before the
//! signal, and nothing beyond the grace period.

use jiff::{SignedDuration, Timestamp};

use super::container::Container;
use super::facts::Facts;
use super::incarnation::Exit;
use crate::clock::later;

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

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

/// When the running containers end, in order, if they are asked to at `at`.
pub(super) fn gracefully(facts: &Facts, containers: &[&Container], at: Timestamp) -> Vec<Stop> {
    let grace = facts.grace();
    let mut order: Vec<&Container> = containers.to_vec();
    order.sort_by_key(|container| std::cmp::Reverse(container.switches.exit_priority));
    let mut begun = SignedDuration::ZERO;
    let mut stops = Vec::new();
    for level in order.chunk_by(|a, b| a.switches.exit_priority == b.switches.exit_priority) {
        let mut longest = begun;
        for container in level {
            let (program, _) = facts.program(container.kind, container.index);
            let hook = facts.pre_stop(container.index).unwrap_or(SignedDuration::ZERO);
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
pub(super) fn at_once(containers: &[&Container], at: Timestamp) -> Vec<Stop> {
    containers.iter().map(|container| Stop::by_signal(at, container, SIGKILL)).collect()
}
