//! The provider: each method of the seam in terms of the cloud's calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use eci_client::Client;
use eci_client::model::{DeleteContainerGroupRequest, DescribeContainerGroupsRequest};
use eci_translate::marks::{self, Marks};
use eci_translate::{Known, Translated, container_group};
use k8s_openapi::api::core::v1 as corev1;
use tokio::time::Instant;
use tracing::warn;
use vk_core::{
    Attempt, Clock, Cursor, ErrorKind, Fetched, GroupId, LogProvider, LogQuery, Observation, ObservedPod,
    Placement, PodKey, Provider, ProviderError, Resolved, Started,
};

use crate::calls::CallObserver;
use crate::cloud::{Cloud, Created, EciCloud, Limits};
use crate::index::Index;
use crate::log;
use crate::ownership::Ownership;
use crate::reading;

/// How long things may take, and who is told of calls.
#[derive(Clone)]
pub struct Options {
    /// Deadline of a call that changes something. Past it the call is indeterminate.
    pub write_deadline: Duration,
    /// Deadline of a call that reads, or of one page of a list. The engine polls every second, so a poll that hangs
    /// must be given up soon enough for the next to matter.
    pub read_deadline: Duration,
    /// Deadline of a whole list; 10,000 groups are 50 pages.
    pub list_deadline: Duration,
    /// How long a group that was accepted may be missing from reads. Unpublished; half a minute was seen.
    pub visibility_lag: Duration,
    /// Is told of every call.
    pub observer: Arc<dyn CallObserver>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            write_deadline: Duration::from_secs(15),
            read_deadline: Duration::from_secs(10),
            list_deadline: Duration::from_secs(60),
            visibility_lag: Duration::from_secs(60),
            observer: Arc::new(()),
        }
    }
}

/// Runs the pods of one node as container groups of one region.
///
/// Keeps no state that matters: whatever it remembers can be read from the cloud again. It never retries; the
/// caller's next look at the pod is the retry.
pub struct EciProvider {
    pub(crate) cloud: Arc<dyn Cloud>,
    pub(crate) placement: Placement,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
    index: Mutex<Index>,
}

/// What is known of a group before something is done with it.
enum Claim {
    Ours,
    /// Somebody else's.
    Others,
    /// It tells no tags.
    Untold,
    /// The cloud says that there is no such group.
    Nobodys,
    /// Reads do not show it, whatever that means.
    NotShown,
}

impl EciProvider {
    /// A provider for the node and cluster that `placement` names. `client` must be of its region.
    pub fn new(client: Client, placement: Placement, clock: Arc<dyn Clock>, options: Options) -> Self {
        let limits = Limits {
            write: options.write_deadline,
            read: options.read_deadline,
            list: options.list_deadline,
        };
        let cloud = EciCloud::new(&client, limits, Arc::clone(&options.observer));
        Self::over(Arc::new(cloud), placement, clock, options)
    }

    pub(crate) fn over(
        cloud: Arc<dyn Cloud>,
        placement: Placement,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Self {
        Self { cloud, placement, clock, options, index: Mutex::default() }
    }

    /// Never held over an await. A panic elsewhere leaves at worst an entry that is read again.
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose the group is. A name may come from a pod's annotation, which its author can write: it is looked up
    /// before anything is done with a group that this process has not seen.
    async fn claim(&self, group: &GroupId) -> Result<Claim, ProviderError> {
        if self.index().is_ours(group) {
            return Ok(Claim::Ours);
        }
        let read = reading::by_name(&*self.cloud, std::slice::from_ref(group)).await?;
        if read.nobodys.contains(group) {
            return Ok(Claim::Nobodys);
        }
        let Some(shown) = read.groups.first() else { return Ok(Claim::NotShown) };
        Ok(match self.index().learn(Instant::now(), shown, &self.placement) {
            (Ownership::Ours(_), _) => Claim::Ours,
            (Ownership::Others, _) => Claim::Others,
            (Ownership::Untold, _) => Claim::Untold,
        })
    }

    async fn delete(&self, group: &GroupId, grace: Duration) -> Result<(), ProviderError> {
        let request = DeleteContainerGroupRequest {
            container_group_id: group.as_str().into(),
            force: grace.is_zero().then_some(true),
            ..Default::default()
        };
        match self.cloud.delete(&request).await {
            Err(error) if *error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => {
                self.index().gone(Instant::now(), group);
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Provider for EciProvider {
    /// The request carries a token made of cluster, UID and attempt, so that the cloud itself knows a repeated
    /// create again.
    async fn create_pod(
        &self,
        pod: &corev1::Pod,
        attempt: Attempt,
        inputs: &Resolved,
    ) -> Result<Started, ProviderError> {
        let translated = container_group(pod, attempt, inputs, &self.placement);
        let Translated { request, ignored, annotations } = translated.map_err(ProviderError::rejected)?;
        let key = PodKey::of(pod).ok_or_else(|| {
            ProviderError::new(ErrorKind::Bug, "starting a pod without namespace, name or UID")
        })?;
        match self.cloud.create(&request).await? {
            Created::Earlier => Ok(Started::AcceptedEarlier),
            Created::Group(group) => {
                let known = Known {
                    marks: Marks {
                        cluster_id: self.placement.cluster_id.clone(),
                        node_name: self.placement.node_name.clone(),
                        key,
                        attempt,
                    },
                    created_at: Some(self.clock.now()),
                    init_containers: Vec::new(),
                    annotations: annotations.clone(),
                };
                let has_init_containers = !request.init_container.is_empty();
                self.index().created(Instant::now(), &group, known, has_init_containers);
                Ok(Started::Group { group, annotations, ignored })
            }
        }
    }

    async fn find(&self, key: &PodKey) -> Result<Vec<ObservedPod>, ProviderError> {
        let filter = DescribeContainerGroupsRequest {
            tag: vec![marks::cluster_filter(&self.placement.cluster_id), marks::uid_filter(&key.uid)],
            with_event: Some(true),
            ..Default::default()
        };
        let groups = self.cloud.groups(&filter).await?;
        let mut index = self.index();
        let mut found = Vec::new();
        for group in &groups {
            match index.learn(Instant::now(), group, &self.placement) {
                (Ownership::Ours(marks), observed) if marks.key.uid == key.uid => found.extend(observed),
                (Ownership::Ours(_) | Ownership::Others, _) => {}
                (Ownership::Untold, _) => {
                    let sentence = format!(
                        "looking for the container groups of pod {key}: {} tells no tags",
                        group.container_group_id
                    );
                    return Err(ProviderError::new(ErrorKind::Bug, sentence));
                }
            }
        }
        Ok(found)
    }

    /// No grace means that the cloud does not wait for the containers at all. Any other grace is the group's own, given to it when
    /// it was created: the cloud takes none with a delete.
    ///
    /// A group that is not known to be ours is looked up first. If it carries somebody else's tags, nothing of ours
    /// is there to be deleted, and nothing is done. If reads do not show it, the delete is sent: the cloud's "not
    /// found" is the one proof that it is gone which does not depend on the permission to read.
    async fn delete_pod(&self, group: &GroupId, grace: Duration) -> Result<(), ProviderError> {
        match self.claim(group).await? {
            Claim::Ours | Claim::NotShown => self.delete(group, grace).await,
            Claim::Nobodys => {
                self.index().gone(Instant::now(), group);
                Ok(())
            }
            Claim::Others => {
                warn!(container_group = %group, "not deleted: the container group is not this cluster's");
                Ok(())
            }
            Claim::Untold => {
                let sentence = format!("deleting container group {group}, which tells no tags");
                Err(ProviderError::new(ErrorKind::Conflict, sentence))
            }
        }
    }

    async fn observe(&self, since: Option<Cursor>) -> Result<Observation, ProviderError> {
        self.look(since).await
    }

    async fn fetch(&self, groups: &[GroupId]) -> Result<Fetched, ProviderError> {
        self.read_names(groups).await
    }
}

#[async_trait]
impl LogProvider for EciProvider {
    async fn read_log(
        &self,
        group: &GroupId,
        container: &str,
        query: &LogQuery,
    ) -> Result<String, ProviderError> {
        // The log of a group that is not ours is nobody's business here.
        if !matches!(self.claim(group).await?, Claim::Ours) {
            let sentence =
                format!("reading the log of container {container:?}: {group} is no group of this cluster");
            return Err(ProviderError::new(ErrorKind::NotFound, sentence));
        }
        let text = self.cloud.log(&log::request(group, container, query)).await?;
        Ok(if log::wants_nothing(query) { String::new() } else { text })
    }
}
