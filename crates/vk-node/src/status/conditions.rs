//! Makes the conditions that a node owns; all others are left to their writers.

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use vk_core::GroupState;

use super::containers::Statuses;
use super::{View, whole_seconds};
use crate::facts::Phase;

struct Verdict {
    kind: &'static str,
    status: bool,
    reason: Option<String>,
    message: Option<String>,
}

impl Verdict {
    fn plain(kind: &'static str, status: bool) -> Self {
        Self { kind, status, reason: None, message: None }
    }

    fn no(kind: &'static str, reason: &str, message: Option<String>) -> Self {
        Self { kind, status: false, reason: Some(reason.to_owned()), message }
    }
}

pub(super) fn conditions(view: &View<'_>, phase: Phase, containers: &Statuses) -> Vec<corev1::PodCondition> {
    let containers_ready = containers_ready(phase, containers);
    let mut verdicts = vec![
        Verdict::plain("PodReadyToStartContainers", has_network(view, phase)),
        initialized(view, phase, containers),
        ready(view, &containers_ready),
        containers_ready,
        Verdict::plain("PodScheduled", true),
    ];
    if phase == Phase::Failed && view.observed.is_some_and(|pod| pod.state == GroupState::Reclaimed) {
        verdicts.push(Verdict {
            kind: "DisruptionTarget",
            status: true,
            reason: Some("TerminationByKubelet".to_owned()),
            message: Some("the provider took the capacity back".to_owned()),
        });
    }
    verdicts.into_iter().map(|verdict| condition(view, verdict)).collect()
}

fn condition(view: &View<'_>, verdict: Verdict) -> corev1::PodCondition {
    let status = if verdict.status { "True" } else { "False" };
    // The time moves only when the status does.
    let since = match view.facts.stored.conditions.get(verdict.kind) {
        Some((stored, Some(since))) if stored == status => *since,
        _ => whole_seconds(view.now),
    };
    corev1::PodCondition {
        type_: verdict.kind.to_owned(),
        status: status.to_owned(),
        reason: verdict.reason,
        message: verdict.message,
        last_transition_time: Some(Time(since)),
        observed_generation: view.facts.generation,
        ..Default::default()
    }
}

fn has_network(view: &View<'_>, phase: Phase) -> bool {
    !phase.is_terminal()
        && view.ended.is_none()
        && view.observed.is_some_and(|pod| !pod.pod_ips.is_empty() && !pod.state.is_terminal())
}

fn initialized(view: &View<'_>, phase: Phase, containers: &Statuses) -> Verdict {
    if phase == Phase::Succeeded {
        return Verdict { reason: Some("PodCompleted".to_owned()), ..Verdict::plain("Initialized", true) };
    }
    let incomplete = names(&containers.init, |status| {
        status.state.as_ref().and_then(|s| s.terminated.as_ref()).is_none_or(|end| end.exit_code != 0)
    });
    if incomplete.is_empty() || view.facts.stored.phase == Phase::Running || phase == Phase::Running {
        return Verdict::plain("Initialized", true);
    }
    let message = format!("containers with incomplete status: [{}]", incomplete.join(" "));
    Verdict::no("Initialized", "ContainersNotInitialized", Some(message))
}

fn containers_ready(phase: Phase, containers: &Statuses) -> Verdict {
    match phase {
        Phase::Succeeded => return Verdict::no("ContainersReady", "PodCompleted", None),
        Phase::Failed => return Verdict::no("ContainersReady", "PodFailed", None),
        Phase::Pending | Phase::Running => {}
    }
    let unready = names(&containers.main, |status| !status.ready);
    if unready.is_empty() {
        return Verdict::plain("ContainersReady", true);
    }
    let message = format!("containers with unready status: [{}]", unready.join(" "));
    Verdict::no("ContainersReady", "ContainersNotReady", Some(message))
}

fn ready(view: &View<'_>, containers_ready: &Verdict) -> Verdict {
    if !containers_ready.status {
        return Verdict {
            kind: "Ready",
            status: false,
            reason: containers_ready.reason.clone(),
            message: containers_ready.message.clone(),
        };
    }
    let closed: Vec<_> =
        view.facts.readiness_gates.iter().filter_map(|gate| closed_gate(view, gate)).collect();
    if closed.is_empty() {
        return Verdict::plain("Ready", true);
    }
    Verdict::no("Ready", "ReadinessGatesNotReady", Some(closed.join(", ")))
}

fn closed_gate(view: &View<'_>, gate: &str) -> Option<String> {
    match view.facts.stored.conditions.get(gate) {
        None => Some(format!("corresponding condition of pod readiness gate {gate:?} does not exist.")),
        Some((status, _)) if status == "True" => None,
        Some((status, _)) => {
            Some(format!("the status of pod readiness gate {gate:?} is not \"True\", but {status}"))
        }
    }
}

fn names(
    statuses: &[corev1::ContainerStatus],
    wanted: impl Fn(&corev1::ContainerStatus) -> bool,
) -> Vec<String> {
    statuses.iter().filter(|status| wanted(status)).map(|status| status.name.clone()).collect()
}
