//! Keeps of a pod what the engine needs later, in a compact record instead of the whole object.
//!
//! A node may hold ten thousand pods for weeks; their full text is used when the watch delivers it and is not kept
//! (`docs/architecture.md`, Memory).

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::Timestamp;
use vk_core::{Attempt, GroupId, PodKey};

use crate::status::{Meaning, STATUS_UNKNOWN};

/// Names of the annotations that make a pod the durable record of its own run. They belong to the provider's
/// vocabulary, so the binary hands them in.
#[derive(Clone, Copy, Debug)]
pub struct AnnotationNames {
    /// Holds the provider's name of the group that runs the pod.
    pub group: &'static str,
    /// Holds the attempt that the next call may use.
    pub attempt: &'static str,
}

/// What is kept of a pod's metadata and spec.
#[derive(Clone, Debug, PartialEq)]
pub struct PodFacts {
    /// Its identity.
    pub key: PodKey,
    /// `metadata.generation`; statuses say which one they speak of.
    pub generation: Option<i64>,
    /// `metadata.resourceVersion`, where it is a number as etcd makes them.
    pub resource_version: Option<u64>,
    /// When the API server accepted the pod.
    pub created_at: Option<Timestamp>,
    /// Set once the pod is being deleted: what is left to its containers.
    pub deletion_grace: Option<Duration>,
    /// `spec.restartPolicy`.
    pub restart_policy: RestartPolicy,
    /// Containers in the order of the spec.
    pub containers: Vec<ContainerFacts>,
    /// Init containers in the order of the spec.
    pub init_containers: Vec<ContainerFacts>,
    /// Condition types of `spec.readinessGates`.
    pub readiness_gates: Vec<String>,
    /// The status as the API server has it.
    pub stored: StoredStatus,
    /// The group that the pod's annotation names.
    pub annotated_group: Option<GroupId>,
    /// The attempt that the pod's annotation allows; 0 without one.
    pub annotated_attempt: Attempt,
    /// Our annotations as stored, so that a patch carries only what changes.
    pub annotations: BTreeMap<String, String>,
}

/// `spec.restartPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Containers are always started again.
    #[default]
    Always,
    /// Only after a bad exit code.
    OnFailure,
    /// Never.
    Never,
}

/// One container of the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Its name.
    pub name: String,
    /// Its image as written.
    pub image: String,
}

/// What is kept of a pod's stored status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredStatus {
    /// `status.phase`.
    pub phase: Phase,
    /// `status.startTime`.
    pub start_time: Option<Timestamp>,
    /// Conditions by type: status and time of its last change.
    pub conditions: BTreeMap<String, (String, Option<Timestamp>)>,
    /// Restart counts by container, which never fall.
    pub restart_counts: BTreeMap<String, i32>,
    /// Digests of the images by container: not every answer of a provider tells them.
    pub image_ids: BTreeMap<String, String>,
    /// Whether the end of a container is stored as unknown: a later answer may tell it.
    pub unknown_end: bool,
    /// Whether a container was ever seen to run.
    pub ever_ran: bool,
    /// `status.podIPs`.
    pub pod_ips: Vec<String>,
    /// What the status says, for comparison with what it should say.
    pub meaning: Meaning,
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Accepted, not running.
    #[default]
    Pending,
    /// At least one container runs or will run again.
    Running,
    /// All containers ended well. Final.
    Succeeded,
    /// All containers ended, not all well. Final.
    Failed,
}

impl Phase {
    /// As Kubernetes spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }

    /// Whether it never changes again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    fn of(text: Option<&str>) -> Self {
        match text {
            Some("Running") => Self::Running,
            Some("Succeeded") => Self::Succeeded,
            Some("Failed") => Self::Failed,
            // `Unknown` was written by the node life-cycle controller of old and is no evidence of an end.
            _ => Self::Pending,
        }
    }
}

impl PodFacts {
    /// What is kept of this pod; `None` where it has no identity, which the API server never stores.
    pub fn of(pod: &corev1::Pod, names: &AnnotationNames) -> Option<Self> {
        let key = PodKey::of(pod)?;
        let spec = pod.spec.as_ref()?;
        let metadata = &pod.metadata;
        let annotation = |name: &str| metadata.annotations.as_ref().and_then(|all| all.get(name));
        let domain = names.group.split('/').next().unwrap_or_default();
        Some(Self {
            key,
            generation: metadata.generation,
            resource_version: metadata.resource_version.as_ref().and_then(|text| text.parse().ok()),
            created_at: metadata.creation_timestamp.as_ref().map(|time| time.0),
            deletion_grace: metadata.deletion_timestamp.as_ref().map(|_| {
                Duration::from_secs(
                    u64::try_from(metadata.deletion_grace_period_seconds.unwrap_or(30)).unwrap_or(0),
                )
            }),
            restart_policy: RestartPolicy::of(spec.restart_policy.as_deref()),
            containers: spec.containers.iter().map(ContainerFacts::of).collect(),
            init_containers: spec.init_containers.iter().flatten().map(ContainerFacts::of).collect(),
            readiness_gates: spec
                .readiness_gates
                .iter()
                .flatten()
                .map(|gate| gate.condition_type.clone())
                .collect(),
            stored: StoredStatus::of(pod.status.as_ref()),
            annotated_group: annotation(names.group).filter(|id| !id.is_empty()).map(GroupId::new),
            annotated_attempt: annotation(names.attempt)
                .and_then(|text| text.parse().ok())
                .map_or(Attempt::default(), Attempt),
            annotations: metadata
                .annotations
                .iter()
                .flatten()
                .filter(|(name, _)| name.split('/').next() == Some(domain) || name.as_str() == names.attempt)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        })
    }
}

impl PodFacts {
    /// Takes in that this was written: what the API server has now.
    pub(crate) fn record_write(
        &mut self,
        status: &corev1::PodStatus,
        annotations: &BTreeMap<String, String>,
        names: &AnnotationNames,
    ) {
        let before = std::mem::replace(&mut self.stored, StoredStatus::of(Some(status)));
        for (kind, condition) in before.conditions {
            self.stored.conditions.entry(kind).or_insert(condition);
        }
        self.annotations.extend(annotations.clone());
        if let Some(group) = annotations.get(names.group) {
            self.annotated_group = Some(group).filter(|id| !id.is_empty()).map(GroupId::new);
        }
        if let Some(attempt) = annotations.get(names.attempt).and_then(|text| text.parse().ok()) {
            self.annotated_attempt = Attempt(attempt);
        }
    }
}

impl RestartPolicy {
    fn of(text: Option<&str>) -> Self {
        match text {
            Some("OnFailure") => Self::OnFailure,
            Some("Never") => Self::Never,
            _ => Self::Always,
        }
    }

    /// Whether a container that ended with `exit_code` is started again.
    pub fn restarts(self, exit_code: i32) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => exit_code != 0,
            Self::Never => false,
        }
    }
}

impl ContainerFacts {
    fn of(container: &corev1::Container) -> Self {
        Self { name: container.name.clone(), image: container.image.clone().unwrap_or_default() }
    }
}

impl StoredStatus {
    fn of(status: Option<&corev1::PodStatus>) -> Self {
        let Some(status) = status else {
            return Self::default();
        };
        let containers = || {
            status.container_statuses.iter().flatten().chain(status.init_container_statuses.iter().flatten())
        };
        Self {
            phase: Phase::of(status.phase.as_deref()),
            start_time: status.start_time.as_ref().map(|time| time.0),
            conditions: status
                .conditions
                .iter()
                .flatten()
                .map(|condition| {
                    let since = condition.last_transition_time.as_ref().map(|time| time.0);
                    (condition.type_.clone(), (condition.status.clone(), since))
                })
                .collect(),
            restart_counts: containers().map(|c| (c.name.clone(), c.restart_count)).collect(),
            image_ids: containers().map(|c| (c.name.clone(), c.image_id.clone())).collect(),
            unknown_end: containers().any(ended_unknown),
            ever_ran: containers().any(has_run),
            pod_ips: status.pod_ips.iter().flatten().map(|ip| ip.ip.clone()).collect(),
            meaning: Meaning::of(status),
        }
    }
}

fn ended_unknown(status: &corev1::ContainerStatus) -> bool {
    let end = status.state.as_ref().and_then(|state| state.terminated.as_ref());
    end.is_some_and(|end| end.reason.as_deref() == Some(STATUS_UNKNOWN))
}

fn has_run(status: &corev1::ContainerStatus) -> bool {
    let ran = |state: &corev1::ContainerState| state.running.is_some() || state.terminated.is_some();
    status.state.as_ref().is_some_and(ran) || status.last_state.as_ref().is_some_and(ran)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAMES: AnnotationNames =
        AnnotationNames { group: "cloud.example/group", attempt: "node.example/attempt" };

    fn pod(extra: serde_json::Value) -> corev1::Pod {
        let mut pod = json!({
            "metadata": {"namespace": "default", "name": "web", "uid": "u1", "resourceVersion": "41"},
            "spec": {"containers": [{"name": "main", "image": "nginx"}]},
        });
        for (path, value) in extra.as_object().expect("an object") {
            let mut place = &mut pod;
            for part in path.split('.') {
                place = &mut place[part];
            }
            *place = value.clone();
        }
        serde_json::from_value(pod).expect("a pod")
    }

    #[test]
    fn the_annotations_are_the_record_of_the_run() {
        let pod = pod(json!({"metadata.annotations": {
            "cloud.example/group": "eci-1", "cloud.example/zone": "z", "node.example/attempt": "3", "foreign/x": "y"}}));
        let facts = PodFacts::of(&pod, &NAMES).expect("facts");
        assert_eq!(facts.annotated_group, Some(GroupId::new("eci-1")));
        assert_eq!(facts.annotated_attempt, Attempt(3));
        assert_eq!(facts.annotations.len(), 3);
    }

    #[test]
    fn a_malformed_attempt_counts_as_the_first() {
        let pod = pod(json!({"metadata.annotations": {"node.example/attempt": "many"}}));
        assert_eq!(PodFacts::of(&pod, &NAMES).expect("facts").annotated_attempt, Attempt(0));
    }

    #[test]
    fn a_deletion_carries_its_grace() {
        let pod = pod(
            json!({"metadata.deletionTimestamp": "2026-01-02T03:04:05Z", "metadata.deletionGracePeriodSeconds": 7}),
        );
        assert_eq!(PodFacts::of(&pod, &NAMES).expect("facts").deletion_grace, Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_container_that_ended_once_counts_as_having_run() {
        let pod = pod(json!({"status": {"phase": "Pending", "containerStatuses": [{
            "name": "main", "image": "nginx", "imageID": "", "ready": false, "restartCount": 2,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}}]}}));
        let facts = PodFacts::of(&pod, &NAMES).expect("facts");
        assert!(facts.stored.ever_ran);
        assert_eq!(facts.stored.restart_counts["main"], 2);
    }
}
