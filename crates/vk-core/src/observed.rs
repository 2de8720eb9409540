//! What a provider reports of the pods it runs, in words no cloud owns.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use crate::provider::Cursor;
use crate::{Attempt, GroupId, PodKey};

/// An answer of [`crate::Provider::observe`].
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The groups that were read.
    pub groups: Vec<ObservedPod>,
    /// Whether `groups` holds every group of this node: only then does an absence mean anything.
    pub complete: bool,
    /// Where the next increment begins.
    pub cursor: Cursor,
}

/// One group that carries the cluster's mark and a pod's UID.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedPod {
    /// The pod it was made for. Namespace and name come from tags and may be cut; the UID never is.
    pub key: PodKey,
    /// The provider's name of it.
    pub group: GroupId,
    /// The attempt that made it.
    pub attempt: Attempt,
    /// When the provider accepted it.
    pub created_at: Option<Timestamp>,
    /// Where it is in its life.
    pub state: GroupState,
    /// A word for why, where the provider gives one (`NoStock`, `SpotReclaimed`, ...).
    pub reason: Option<String>,
    /// A sentence for people.
    pub message: Option<String>,
    /// Addresses of the pod, the primary one first.
    pub pod_ips: Vec<String>,
    /// The containers that the provider told of; an empty list means it told of none, not that there are none.
    pub containers: Vec<ObservedContainer>,
    /// As `containers`, for init containers.
    pub init_containers: Vec<ObservedContainer>,
    /// Facts to write back to the pod as annotations (instance size, zone, ...).
    pub annotations: BTreeMap<String, String>,
}

/// Where a group is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// Accepted, not placed.
    Scheduling,
    /// Placed; images, volumes and init containers are under way.
    Pending,
    /// At least one container runs or will run again.
    Running,
    /// Being deleted; its containers may still run.
    Stopping,
    /// All containers ended with 0 and stay so. Terminal.
    Succeeded,
    /// All containers ended, at least one badly, or the provider ended it. Terminal.
    Failed,
    /// The provider took the capacity back. Terminal.
    Reclaimed,
    /// It was never placed and never will be. Terminal, and proof that nothing of it ever ran.
    NeverStarted,
    /// A state that this version does not know. Never acted on.
    Unknown(String),
}

impl GroupState {
    /// Whether nothing runs in the group any more, for good.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Reclaimed | Self::NeverStarted)
    }
}

/// What is known of one container.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedContainer {
    /// Its name in the pod.
    pub name: String,
    /// What it does now.
    pub state: ContainerState,
    /// How its previous incarnation ended.
    pub last_terminated: Option<Terminated>,
    /// Whether its readiness probe passes (true without one, while it runs).
    pub ready: bool,
    /// Whether its startup is over.
    pub started: bool,
    /// How often it was started again.
    pub restart_count: i32,
    /// The image as it runs.
    pub image: Option<String>,
    /// The image's digest.
    pub image_id: Option<String>,
    /// The runtime's name of it, `<type>://<id>`.
    pub container_id: Option<String>,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq)]
pub enum ContainerState {
    /// Not running yet, or between two runs.
    Waiting {
        /// The kubelet's word: `ContainerCreating`, `ImagePullBackOff`, `CrashLoopBackOff`, ...
        reason: Option<String>,
        /// A sentence for people.
        message: Option<String>,
    },
    /// Running.
    Running {
        /// Since when.
        started_at: Option<Timestamp>,
    },
    /// Ended.
    Terminated(Terminated),
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terminated {
    /// Exit code; 128 + signal where a signal ended it.
    pub exit_code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// `Completed`, `Error`, `OOMKilled`, ...
    pub reason: Option<String>,
    /// Its termination message.
    pub message: Option<String>,
    /// When that run began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}
