//! Compares statuses by what they mean, so that a patch is sent only when it says something new.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use k8s_openapi::api::core::v1 as corev1;

/// Conditions that a node owns; others in a stored status belong to their writers and mean nothing to us.
const OWNED: [&str; 6] = [
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
    "DisruptionTarget",
];

/// Two digests of a status.
///
/// Two statuses of one `coarse` digest differ at most in what hardly anybody waits for while a pod starts: its
/// address and that its sandbox exists. Such a difference may wait for the next one, which spares each pod a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// Of everything.
    pub full: u64,
    /// Without the addresses, `PodReadyToStartContainers` and the digests of images.
    pub coarse: u64,
}

impl Meaning {
    /// What this status says.
    pub fn of(status: &corev1::PodStatus) -> Self {
        let mut coarse = DefaultHasher::new();
        (&status.phase, &status.reason, &status.message, &status.host_ip).hash(&mut coarse);
        status.start_time.as_ref().map(|time| time.0).hash(&mut coarse);
        for list in [&status.container_statuses, &status.init_container_statuses] {
            for container in list.iter().flatten() {
                hash_container(container, &mut coarse);
            }
        }
        let mut conditions: Vec<_> = status
            .conditions
            .iter()
            .flatten()
            .filter(|condition| OWNED.contains(&condition.type_.as_str()))
            .collect();
        conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
        let mut network = None;
        for condition in conditions {
            if condition.type_ == "PodReadyToStartContainers" {
                network = Some(condition);
                continue;
            }
            hash_condition(condition, &mut coarse);
        }
        let mut full = DefaultHasher::new();
        coarse.finish().hash(&mut full);
        status.pod_ip.hash(&mut full);
        for ip in status.pod_ips.iter().flatten() {
            ip.ip.hash(&mut full);
        }
        network.map(|condition| &condition.status).hash(&mut full);
        for container in status.container_statuses.iter().chain(&status.init_container_statuses).flatten() {
            container.image_id.hash(&mut full);
        }
        Self { full: full.finish(), coarse: coarse.finish() }
    }
}

/// `PodScheduled` is written by the scheduler too: its reason and times are not ours to compare.
fn hash_condition(condition: &corev1::PodCondition, hasher: &mut impl Hasher) {
    (&condition.type_, &condition.status).hash(hasher);
    if condition.type_ != "PodScheduled" {
        (&condition.reason, &condition.message).hash(hasher);
    }
}

fn hash_container(status: &corev1::ContainerStatus, hasher: &mut impl Hasher) {
    (&status.name, &status.image, &status.container_id).hash(hasher);
    (status.ready, status.started.unwrap_or(false), status.restart_count).hash(hasher);
    for state in [&status.state, &status.last_state] {
        let Some(state) = state else { continue };
        if let Some(waiting) = &state.waiting {
            ("waiting", &waiting.reason, &waiting.message).hash(hasher);
        }
        if let Some(running) = &state.running {
            ("running", running.started_at.as_ref().map(|time| time.0)).hash(hasher);
        }
        if let Some(end) = &state.terminated {
            // A lost container's end is dated when it is first reported; its date carries no meaning.
            let dated = end.reason.as_deref() != Some(super::STATUS_UNKNOWN);
            let finished = end.finished_at.as_ref().map(|time| time.0).filter(|_| dated);
            ("terminated", end.exit_code, end.signal, &end.reason, &end.message, finished).hash(hasher);
        }
    }
}
