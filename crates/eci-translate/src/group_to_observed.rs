//! Reads what the cloud tells of a container group into words that no cloud owns.
//!
//! There are two sources. `DescribeContainerGroups` tells everything but image digests, for 20 groups a call;
//! `DescribeContainerGroupStatus` tells how containers fare, for 200 groups a call, and lacks tags, init containers and
//! events: what they told last is handed in as [`Known`]. Both readings of one state are equal as far as both sources
//! tell of it, so that going from one to the other makes no difference that somebody would report.

mod containers;
mod reasons;

use std::collections::BTreeMap;

use jiff::Timestamp;

use eci_client::model::{ContainerGroup, ContainerGroupStatus, PodPhase, PodStatus, Status};
use vk_core::{GroupId, GroupState, ObservedContainer, ObservedPod};

use crate::annotations;
use crate::marks::{self, Marks};

/// What a light reading lacks, from the last full one.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Whose the group is.
    pub marks: Marks,
    /// When the cloud accepted it.
    pub created_at: Option<Timestamp>,
    /// Its init containers as they were.
    pub init_containers: Vec<ObservedContainer>,
    /// What is to be written back to the pod.
    pub annotations: BTreeMap<String, String>,
}

/// Reads an item of `DescribeContainerGroups`; `None` for a group that does not carry our marks.
///
/// Whose cluster and node it is of, [`marks::from_tags`] tells: a describe request filters by them, and a careful
/// caller looks again.
pub fn observed_from_group(group: &ContainerGroup) -> Option<ObservedPod> {
    let marks = marks::from_tags(&group.tags)?;
    let state = state(&group.status);
    let (reason, message) = reasons::of_events(&group.events, &state);
    let addresses = [&group.intranet_ip, &group.ipv6_address];
    let id = &group.container_group_id;
    Some(ObservedPod {
        key: marks.key,
        group: GroupId::new(id.as_str()),
        attempt: marks.attempt,
        created_at: group.creation_time,
        reason,
        message,
        state,
        pod_ips: addresses.into_iter().flatten().cloned().collect(),
        containers: group.containers.iter().map(|it| containers::from_group(id, it)).collect(),
        init_containers: group.init_containers.iter().map(|it| containers::init_from_group(id, it)).collect(),
        annotations: annotations::of_group(group),
    })
}

/// Reads an item of `DescribeContainerGroupStatus`.
pub fn observed_from_status(status: &ContainerGroupStatus, known: &Known) -> ObservedPod {
    let Known { marks, created_at, init_containers, annotations } = known;
    let nothing = PodStatus::default();
    let pod = status.pod_status.as_ref().unwrap_or(&nothing);
    let state = match &status.status {
        Status::Other(word) if word.is_empty() => state_of_phase(pod.phase.as_ref()),
        status => state(status),
    };
    let (reason, message) = reasons::of_conditions(&pod.conditions, &state);
    let mut pod_ips: Vec<String> = pod.pod_ip.iter().cloned().collect();
    let others = pod.pod_ips.iter().map(|address| &address.ip).filter(|ip| !ip.is_empty());
    others.for_each(|ip| {
        if !pod_ips.contains(ip) {
            pod_ips.push(ip.clone())
        }
    });
    let id = &status.container_group_id;
    ObservedPod {
        key: marks.key.clone(),
        group: GroupId::new(id.as_str()),
        attempt: marks.attempt,
        created_at: *created_at,
        reason,
        message,
        state,
        pod_ips,
        containers: pod.container_statuses.iter().map(|it| containers::from_status(id, it)).collect(),
        init_containers: init_containers.clone(),
        annotations: annotations.clone(),
    }
}

/// The vendor's own table makes `Restarting` and `Updating` a Pending pod; a phase never goes back, and the containers
/// tell that they wait.
fn state(status: &Status) -> GroupState {
    match status {
        Status::Scheduling => GroupState::Scheduling,
        Status::Pending => GroupState::Pending,
        Status::Running | Status::Restarting | Status::Updating => GroupState::Running,
        Status::Terminating => GroupState::Stopping,
        Status::Succeeded => GroupState::Succeeded,
        Status::Failed => GroupState::Failed,
        Status::Expired => GroupState::Reclaimed,
        Status::ScheduleFailed => GroupState::NeverStarted,
        Status::Other(word) => GroupState::Unknown(word.clone()),
    }
}

/// For a reply without the group's own status.
fn state_of_phase(phase: Option<&PodPhase>) -> GroupState {
    match phase {
        Some(PodPhase::Pending) => GroupState::Pending,
        Some(PodPhase::Running) => GroupState::Running,
        Some(PodPhase::Succeeded) => GroupState::Succeeded,
        Some(PodPhase::Failed) => GroupState::Failed,
        other => GroupState::Unknown(other.map(PodPhase::to_string).unwrap_or_default()),
    }
}
