//! Reads how containers fare.
//!
//! Replies give no id of a container that runs, so one is made: `eci://<group>/<container>/<restarts>`, another for
//! each incarnation as tools expect. It is used throughout, also where a reply tells the runtime's own id of a
//! container that ended: an id that changes with the source of the answer would be worse.

use eci_client::model::ContainerState as Word;
use eci_client::model::reply::{StateDetail, TerminatedState};
use eci_client::model::{Container, ContainerGroupId, ContainerRun, ContainerStatus, InitContainer};
use vk_core::{ContainerState, ObservedContainer, Terminated};

/// The exit code of a container that ended badly and whose own code is not told, as the kubelet has it.
const UNKNOWN_EXIT_CODE: i32 = 137;

/// What a signal's number is added to.
const SIGNALLED: i32 = 128;

/// A container of `DescribeContainerGroups`.
pub(super) fn from_group(group: &ContainerGroupId, container: &Container) -> ObservedContainer {
    let told = Told {
        group,
        name: &container.name,
        image: container.image.clone(),
        image_id: None,
        ready: container.ready,
        restart_count: container.restart_count,
    };
    told.with(state(container.current_state.as_ref()), container.previous_state.as_ref().and_then(end))
}

/// An init container of `DescribeContainerGroups`.
pub(super) fn init_from_group(group: &ContainerGroupId, container: &InitContainer) -> ObservedContainer {
    let told = Told {
        group,
        name: &container.name,
        image: container.image.clone(),
        image_id: None,
        ready: false,
        restart_count: container.restart_count,
    };
    let previous = container.previous_state.as_ref().and_then(end);
    let mut observed = told.with(state(container.current_state.as_ref()), previous);
    // An init container is ready once it has done its work.
    observed.ready = matches!(&observed.state, ContainerState::Terminated(end) if end.exit_code == 0);
    observed
}

/// A container of `DescribeContainerGroupStatus`.
pub(super) fn from_status(group: &ContainerGroupId, container: &ContainerStatus) -> ObservedContainer {
    let told = Told {
        group,
        name: &container.name,
        image: container.image.clone(),
        image_id: container.image_id.clone(),
        ready: container.ready,
        restart_count: container.restart_count,
    };
    let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    told.with(detail(container.state.as_ref()), last.map(end_of_detail))
}

/// What both sources tell of a container besides its states.
struct Told<'a> {
    group: &'a ContainerGroupId,
    name: &'a str,
    image: Option<String>,
    image_id: Option<String>,
    ready: bool,
    restart_count: i32,
}

impl Told<'_> {
    fn with(self, state: ContainerState, last_terminated: Option<Terminated>) -> ObservedContainer {
        let running = matches!(state, ContainerState::Running { .. });
        let ran = last_terminated.is_some() || !matches!(state, ContainerState::Waiting { .. });
        let container_id = format!("eci://{}/{}/{}", self.group, self.name, self.restart_count);
        ObservedContainer {
            name: self.name.to_owned(),
            state,
            last_terminated,
            ready: running && self.ready,
            // There are no startup probes: what runs has started.
            started: running,
            restart_count: self.restart_count,
            image: self.image,
            image_id: self.image_id,
            container_id: ran.then_some(container_id),
        }
    }
}

fn state(run: Option<&ContainerRun>) -> ContainerState {
    let Some(run) = run else {
        return ContainerState::Waiting { reason: None, message: None };
    };
    if let Some(end) = end(run) {
        return ContainerState::Terminated(end);
    }
    let runs = match &run.state {
        Word::Running => true,
        Word::Waiting | Word::Terminated => false,
        Word::Other(_) => run.start_time.is_some(),
    };
    match runs {
        true => ContainerState::Running { started_at: run.start_time },
        false => ContainerState::Waiting {
            reason: run.reason.clone().or_else(|| run.detail_status.clone()),
            message: run.message.clone(),
        },
    }
}

/// How the run ended; `None` if it did not. Groups of old told of ended containers in words of their own.
fn end(run: &ContainerRun) -> Option<Terminated> {
    let (ended, badly) = match &run.state {
        Word::Terminated => (true, false),
        Word::Waiting | Word::Running => (false, false),
        Word::Other(word) => match word.to_ascii_lowercase().as_str() {
            "succeeded" => (true, false),
            "failed" | "canceled" => (true, true),
            _ => (run.finish_time.is_some(), false),
        },
    };
    ended.then(|| {
        let reason = run.reason.clone().or_else(|| run.detail_status.clone());
        let exit_code = exit_code(run.exit_code, run.signal, badly, reason.as_deref());
        Terminated {
            exit_code,
            signal: Some(run.signal).filter(|signal| *signal != 0),
            reason: reason.or_else(|| Some(word_for(exit_code))),
            message: run.message.clone(),
            started_at: run.start_time,
            finished_at: run.finish_time,
        }
    })
}

fn detail(state: Option<&StateDetail>) -> ContainerState {
    let Some(StateDetail { running, terminated, waiting }) = state else {
        return ContainerState::Waiting { reason: None, message: None };
    };
    match (terminated, running) {
        (Some(end), _) => ContainerState::Terminated(end_of_detail(end)),
        (None, Some(running)) => ContainerState::Running { started_at: running.started_at },
        (None, None) => ContainerState::Waiting {
            reason: waiting.as_ref().and_then(|waiting| waiting.reason.clone()),
            message: waiting.as_ref().and_then(|waiting| waiting.message.clone()),
        },
    }
}

fn end_of_detail(end: &TerminatedState) -> Terminated {
    let exit_code = exit_code(end.exit_code, end.signal, false, end.reason.as_deref());
    Terminated {
        exit_code,
        signal: Some(end.signal).filter(|signal| *signal != 0),
        reason: end.reason.clone().or_else(|| Some(word_for(exit_code))),
        message: end.message.clone(),
        started_at: end.started_at,
        finished_at: end.finished_at,
    }
}

/// The exit code of a run. 0 may mean that none is told: then the signal, the state's word or the reason decide.
fn exit_code(told: i32, signal: i32, badly: bool, reason: Option<&str>) -> i32 {
    let bad_reason = matches!(
        reason,
        Some(
            "OOMKilled" | "Error" | "Failed" | "ContainerCannotRun" | "StartError" | "ContainerStatusUnknown"
        )
    );
    match (told, signal) {
        (0, 0) if badly || bad_reason => UNKNOWN_EXIT_CODE,
        (0, signal) if signal != 0 => SIGNALLED.saturating_add(signal),
        (told, _) => told,
    }
}

fn word_for(exit_code: i32) -> String {
    if exit_code == 0 { "Completed" } else { "Error" }.to_owned()
}
