//! Decides the phase: from the group's state where it is final, else from the containers, never backwards.

use vk_core::GroupState;

use super::containers::Statuses;
use super::{Ended, View};
use crate::facts::Phase;

/// A terminal phase is reached only when the group is terminal (or gone): while a container could still run, a
/// final phase would be a lie that controllers act upon.
pub(super) fn phase(view: &View<'_>, containers: &Statuses) -> Phase {
    let stored = view.facts.stored.phase;
    if stored.is_terminal() {
        return stored;
    }
    match view.ended {
        Some(Ended::Vanished) => return Phase::Failed,
        Some(Ended::Deleted) => return ended_phase(containers),
        None => {}
    }
    let Some(observed) = view.observed else {
        return stored;
    };
    match observed.state {
        GroupState::Succeeded => Phase::Succeeded,
        GroupState::Failed | GroupState::Reclaimed => Phase::Failed,
        // Nothing of it ever ran, and another attempt follows: not an end of the pod.
        GroupState::NeverStarted => stored,
        _ => live_phase(stored, containers),
    }
}

/// The phase of a pod that was deleted: as the kubelet decides it once every container has stopped.
fn ended_phase(containers: &Statuses) -> Phase {
    let all_well = !containers.main.is_empty()
        && containers.main.iter().all(|status| {
            let terminated = status.state.as_ref().and_then(|state| state.terminated.as_ref());
            terminated.is_some_and(|end| end.exit_code == 0)
        });
    if all_well { Phase::Succeeded } else { Phase::Failed }
}

fn live_phase(stored: Phase, containers: &Statuses) -> Phase {
    let waiting_for_its_first_run = |status: &k8s_openapi::api::core::v1::ContainerStatus| {
        let state = status.state.as_ref();
        let runs_or_ran = state.is_some_and(|s| s.running.is_some() || s.terminated.is_some());
        let ran_before = status.last_state.as_ref().is_some_and(|s| s.terminated.is_some());
        !runs_or_ran && !ran_before
    };
    if containers.main.iter().any(waiting_for_its_first_run) {
        // A pod that ran keeps its phase: an image that can't be pulled for a restarted container is no new start.
        return stored;
    }
    Phase::Running
}
