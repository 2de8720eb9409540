//! Makes a pod's status from what the provider observed, by the kubelet's rules.
//!
//! ```text
//!   PodFacts + ObservedPod + why it waits ──▶ PodStatus ──▶ Meaning ──▶ patch, if the meaning changed
//! ```
//!
//! Pure. Phase and conditions follow `pkg/kubelet/kubelet_pods.go` (getPhase) and `pkg/kubelet/status/generate.go`
//! of Kubernetes: they belong to the API's contract, not to a cloud. What only other writers may set (conditions of
//! readiness gates, `qosClass`) is not touched.

mod conditions;
mod containers;
mod meaning;
mod phase;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use vk_core::{GroupState, ObservedPod};

pub use meaning::Meaning;

/// Reason of a container that ended without anybody being able to say how; the kubelet's word.
pub const STATUS_UNKNOWN: &str = "ContainerStatusUnknown";

use crate::facts::{Phase, PodFacts};

/// Everything a status is made of.
pub struct View<'a> {
    /// The pod.
    pub facts: &'a PodFacts,
    /// What the provider last reported of it.
    pub observed: Option<&'a ObservedPod>,
    /// Why it is not started, where that is known.
    pub waiting: Option<&'a Waiting>,
    /// How the run ended without the provider being able to say so.
    pub ended: Option<Ended>,
    /// Address of the node.
    pub node_ip: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Why a pod is not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// A word, as in `kubectl get pods`.
    pub reason: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// An end that no container status tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The pod was deleted and its group is gone or ending.
    Deleted,
    /// The group of a running pod vanished: a complete, permitted read did not contain it.
    Vanished,
}

/// The status that the API server should hold.
pub fn pod_status(view: &View<'_>) -> corev1::PodStatus {
    let containers = containers::statuses(view);
    let phase = phase::phase(view, &containers);
    let (reason, message) = reason(view, phase);
    let pod_ips = pod_ips(view);
    let host_ip = Some(view.node_ip.to_owned()).filter(|ip| !ip.is_empty());
    corev1::PodStatus {
        conditions: Some(conditions::conditions(view, phase, &containers)),
        phase: Some(phase.as_str().to_owned()),
        reason,
        message,
        host_ip: host_ip.clone(),
        host_ips: host_ip.map(|ip| vec![corev1::HostIP { ip }]),
        pod_ip: pod_ips.first().cloned(),
        pod_ips: Some(pod_ips.into_iter().map(|ip| corev1::PodIP { ip }).collect::<Vec<_>>())
            .filter(|ips| !ips.is_empty()),
        start_time: Some(Time(view.facts.stored.start_time.unwrap_or_else(|| whole_seconds(view.now)))),
        observed_generation: view.facts.generation,
        container_statuses: Some(containers.main),
        init_container_statuses: Some(containers.init).filter(|statuses| !statuses.is_empty()),
        ..Default::default()
    }
}

fn reason(view: &View<'_>, phase: Phase) -> (Option<String>, Option<String>) {
    if let Some(Ended::Vanished) = view.ended {
        let message =
            "the container group that ran this pod no longer exists; it was not deleted by the node";
        return (Some("ContainerGroupGone".to_owned()), Some(message.to_owned()));
    }
    match view.observed {
        Some(observed) if phase == Phase::Failed => match observed.state {
            GroupState::Reclaimed => (
                Some(observed.reason.clone().unwrap_or_else(|| "Reclaimed".to_owned())),
                observed.message.clone(),
            ),
            _ => (observed.reason.clone(), observed.message.clone()),
        },
        _ => (None, None),
    }
}

/// Addresses stay after the end, and are never withdrawn by an answer that lacks them.
fn pod_ips(view: &View<'_>) -> Vec<String> {
    match view.observed {
        Some(observed) if !observed.pod_ips.is_empty() => observed.pod_ips.clone(),
        _ => view.facts.stored.pod_ips.clone(),
    }
}

/// Times in a status have whole seconds; a fraction would make the stored status differ from the sent one.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests;
