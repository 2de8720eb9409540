//! Makes container statuses from what was observed, and says what is not known.

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use vk_core::{ContainerState, ObservedContainer, Terminated};

use super::{STATUS_UNKNOWN, View, whole_seconds};
use crate::facts::{ContainerFacts, Phase};

/// Exit code of a container that was lost: 128 + SIGKILL, as the kubelet reports it.
const LOST: i32 = 137;

/// Statuses of the containers and init containers.
pub(super) struct Statuses {
    /// Sorted by name, as the kubelet does.
    pub(super) main: Vec<corev1::ContainerStatus>,
    /// In the order of the spec.
    pub(super) init: Vec<corev1::ContainerStatus>,
}

pub(super) fn statuses(view: &View<'_>) -> Statuses {
    let facts = view.facts;
    let observed = view.observed;
    let initialized = observed.is_some_and(|pod| pod.containers.iter().any(has_run));
    let init = facts
        .init_containers
        .iter()
        .map(|container| {
            let seen = observed.and_then(|pod| pod.init_containers.iter().find(|c| c.name == container.name));
            match seen {
                Some(seen) => status(view, container, seen, "PodInitializing"),
                // Containers run only after every init container ended well, which an observation of
                // the containers alone therefore proves.
                None if initialized || facts.stored.ever_ran && facts.stored.phase == Phase::Running => {
                    completed(view, container)
                }
                None => unseen(view, container, waiting_word(view, "PodInitializing")),
            }
        })
        .collect();
    let default = if facts.init_containers.is_empty() { "ContainerCreating" } else { "PodInitializing" };
    let mut main: Vec<_> = facts
        .containers
        .iter()
        .map(|container| {
            let seen = observed.and_then(|pod| pod.containers.iter().find(|c| c.name == container.name));
            match seen {
                Some(seen) => status(view, container, seen, default),
                None => unseen(view, container, waiting_word(view, default)),
            }
        })
        .collect();
    main.sort_by(|a, b| a.name.cmp(&b.name));
    Statuses { main, init }
}

fn has_run(container: &ObservedContainer) -> bool {
    !matches!(container.state, ContainerState::Waiting { .. }) || container.last_terminated.is_some()
}

fn waiting_word(view: &View<'_>, default: &str) -> (String, Option<String>) {
    match view.waiting {
        Some(waiting) => (waiting.reason.clone(), Some(waiting.message.clone())),
        None => (default.to_owned(), None),
    }
}

fn status(
    view: &View<'_>,
    container: &ContainerFacts,
    seen: &ObservedContainer,
    default: &str,
) -> corev1::ContainerStatus {
    let over = is_over(view);
    let state = match &seen.state {
        ContainerState::Terminated(end) => terminated(end),
        _ if over => terminated(&lost(view)),
        ContainerState::Running { started_at } => corev1::ContainerState {
            running: Some(corev1::ContainerStateRunning { started_at: time(*started_at) }),
            ..Default::default()
        },
        ContainerState::Waiting { reason, message } => corev1::ContainerState {
            waiting: Some(corev1::ContainerStateWaiting {
                reason: Some(reason.clone().unwrap_or_else(|| default.to_owned())),
                message: message.clone(),
            }),
            ..Default::default()
        },
    };
    let running = state.running.is_some();
    corev1::ContainerStatus {
        name: container.name.clone(),
        image: seen.image.clone().unwrap_or_else(|| container.image.clone()),
        image_id: seen.image_id.clone().unwrap_or_else(|| stored_image_id(view, &container.name)),
        container_id: seen.container_id.clone(),
        last_state: Some(seen.last_terminated.as_ref().map(terminated).unwrap_or_default()),
        ready: running && seen.ready || init_completed(view, container, &state),
        started: Some(running && seen.started),
        restart_count: restart_count(view, &container.name, seen.restart_count),
        state: Some(state),
        ..Default::default()
    }
}

/// A regular init container counts as ready once it ended well.
fn init_completed(view: &View<'_>, container: &ContainerFacts, state: &corev1::ContainerState) -> bool {
    view.facts.init_containers.contains(container)
        && state.terminated.as_ref().is_some_and(|end| end.exit_code == 0)
}

fn unseen(
    view: &View<'_>,
    container: &ContainerFacts,
    word: (String, Option<String>),
) -> corev1::ContainerStatus {
    let state = if is_over(view) {
        terminated(&lost(view))
    } else {
        let (reason, message) = word;
        corev1::ContainerState {
            waiting: Some(corev1::ContainerStateWaiting { reason: Some(reason), message }),
            ..Default::default()
        }
    };
    corev1::ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone(),
        image_id: stored_image_id(view, &container.name),
        last_state: Some(corev1::ContainerState::default()),
        started: Some(false),
        restart_count: restart_count(view, &container.name, 0),
        state: Some(state),
        ..Default::default()
    }
}

fn completed(view: &View<'_>, container: &ContainerFacts) -> corev1::ContainerStatus {
    corev1::ContainerStatus {
        ready: true,
        state: Some(terminated(&Terminated { reason: Some("Completed".to_owned()), ..Default::default() })),
        ..unseen(view, container, (String::new(), None))
    }
}

fn is_over(view: &View<'_>) -> bool {
    view.ended.is_some()
        || view.facts.stored.phase.is_terminal()
        || view
            .observed
            .is_some_and(|pod| pod.state.is_terminal() && pod.state != vk_core::GroupState::NeverStarted)
}

fn lost(view: &View<'_>) -> Terminated {
    Terminated {
        exit_code: LOST,
        reason: Some(STATUS_UNKNOWN.to_owned()),
        message: Some("the container could not be located when the pod ended".to_owned()),
        finished_at: Some(whole_seconds(view.now)),
        ..Default::default()
    }
}

fn terminated(end: &Terminated) -> corev1::ContainerState {
    let reason = end
        .reason
        .clone()
        .or_else(|| Some(if end.exit_code == 0 { "Completed" } else { "Error" }.to_owned()));
    corev1::ContainerState {
        terminated: Some(corev1::ContainerStateTerminated {
            exit_code: end.exit_code,
            signal: end.signal,
            reason,
            message: end.message.clone(),
            started_at: time(end.started_at),
            finished_at: time(end.finished_at),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn stored_image_id(view: &View<'_>, name: &str) -> String {
    view.facts.stored.image_ids.get(name).cloned().unwrap_or_default()
}

fn restart_count(view: &View<'_>, name: &str, seen: i32) -> i32 {
    view.facts.stored.restart_counts.get(name).copied().unwrap_or(0).max(seen)
}

fn time(at: Option<Timestamp>) -> Option<Time> {
    at.map(|at| Time(whole_seconds(at)))
}
