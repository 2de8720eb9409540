//! The trait behind which a cloud runs pods.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::Timestamp;

use crate::{Attempt, GroupId, Observation, ObservedPod, PodKey, ProviderError, Resolved};

/// Where an increment of observation begins. Made by the provider, handed back to it unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub Timestamp);

/// What came of [`Provider::create_pod`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// This group runs the attempt, whether this call made it or an earlier one.
    Group {
        /// The provider's name of it.
        group: GroupId,
        /// Facts to write back to the pod as annotations.
        annotations: BTreeMap<String, String>,
        /// What was accepted but has no effect there, one sentence each, for an event.
        ignored: Vec<String>,
    },
    /// Proof that an earlier call of this attempt was accepted; which group it made, [`Provider::find`] tells,
    /// once the group is visible.
    AcceptedEarlier,
}

/// What came of [`Provider::fetch`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetched {
    /// The groups that exist.
    pub present: Vec<ObservedPod>,
    /// Those that a complete and permitted answer did not contain.
    pub absent: Vec<GroupId>,
}

/// Runs pods for a node.
///
/// # Guarantees
/// Every group that a provider makes carries the cluster's identity, the node, and the pod's key and attempt, so
/// that a process which lost all memory finds it again. A group without them is never reported and never touched.
///
/// # Assumptions
/// Methods may be called concurrently, also for one pod. A dropped future counts as an indeterminate call.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Starts one attempt of the pod. Safe to repeat with the same attempt: it never yields a second group.
    ///
    /// `inputs` holds the ConfigMaps, Secrets, Services and tokens the pod names; a provider never asks the API
    /// server.
    ///
    /// # Errors
    /// `Indeterminate` means that it may have started: repeat the attempt, or ask [`Provider::find`] before
    /// another. All other kinds are definite: this call started nothing.
    async fn create_pod(
        &self,
        pod: &corev1::Pod,
        attempt: Attempt,
        inputs: &Resolved,
    ) -> Result<Started, ProviderError>;

    /// Every group that carries the key's UID, whatever its attempt. Complete, or an error.
    ///
    /// A group that was accepted moments ago may not be visible yet, so an empty answer proves nothing by itself.
    async fn find(&self, key: &PodKey) -> Result<Vec<ObservedPod>, ProviderError>;

    /// Stops and removes a group; its containers get `grace` to end. Deleting what is not there succeeds.
    ///
    /// Success means that the cloud accepted it, not that the group is gone: [`Provider::fetch`] tells that.
    async fn delete_pod(&self, group: &GroupId, grace: Duration) -> Result<(), ProviderError>;

    /// What changed since the cursor, or everything: the answer says which, and an absence counts only where it
    /// is complete. An increment never tells of a deletion.
    async fn observe(&self, since: Option<Cursor>) -> Result<Observation, ProviderError>;

    /// Reads these groups by name.
    ///
    /// # Errors
    /// Also when the answer could be that of somebody who may not read (it held nothing, and nothing shows that
    /// reading is permitted): absence is then not known.
    async fn fetch(&self, groups: &[GroupId]) -> Result<Fetched, ProviderError>;
}
