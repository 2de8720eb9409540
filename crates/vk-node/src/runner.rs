//! Carries out the engine's actions: each call with a deadline, in lanes, its outcome handed back.
//!
//! Thin on purpose: nothing is decided here, nothing is tried twice. An action that got lost (a panic of a task)
//! ends the process, since its pod would never be looked at again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tracing::{debug, info, warn};
use vk_core::{ErrorKind, Provider, ProviderError};

use crate::engine::{Action, ApiError, CreateError, Outcome, PodEvent};
use crate::events::{About, Event, EventType, EventWriter};
use crate::metrics::Calls;
use crate::pod_api::PodApi;
use crate::resolve::{FAILED_TO_RETRIEVE_IMAGE_PULL_SECRET, ResolveError, ResolvePod};

/// The longest any call may take. Providers have deadlines of their own (a whole list a minute); this one bounds a
/// provider without.
const LONGEST: Duration = Duration::from_secs(90);

/// Where events go. Never blocks.
#[cfg_attr(test, mockall::automock)]
pub trait EventSink: Send + Sync + 'static {
    /// Tells people; what cannot be told is dropped and counted.
    fn publish(&self, event: PodEvent);
}

impl EventSink for EventWriter {
    fn publish(&self, event: PodEvent) {
        Self::publish(
            self,
            Event {
                about: About::Pod { key: event.key, field_path: None },
                type_: if event.warning { EventType::Warning } else { EventType::Normal },
                reason: event.reason,
                message: event.message,
            },
        );
    }
}

/// How many calls of a kind may be under way. A delete never waits behind creates, nor either behind reads.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    /// Deletes.
    pub delete: usize,
    /// Creates, with the reads of what the pods name.
    pub create: usize,
    /// Lookups.
    pub lookup: usize,
    /// Writes to the API server.
    pub write: usize,
}

impl Default for Lanes {
    /// Enough to use a quota of 1,000 calls a minute at a second a call, few enough for the API server's
    /// fair queuing.
    fn default() -> Self {
        Self { delete: 32, create: 32, lookup: 16, write: 32 }
    }
}

/// See the module's head.
pub struct Runner {
    provider: Arc<dyn Provider>,
    resolver: Arc<dyn ResolvePod>,
    api: Arc<dyn PodApi>,
    events: Arc<dyn EventSink>,
    calls: Calls,
    delete: Semaphore,
    create: Semaphore,
    lookup: Semaphore,
    write: Semaphore,
}

/// What a runner works with.
pub struct Tools {
    /// Runs the pods.
    pub provider: Arc<dyn Provider>,
    /// Reads what pods name.
    pub resolver: Arc<dyn ResolvePod>,
    /// Writes pods.
    pub api: Arc<dyn PodApi>,
    /// Takes events.
    pub events: Arc<dyn EventSink>,
}

impl Runner {
    /// A runner with these tools.
    pub fn new(tools: Tools, lanes: Lanes, calls: Calls) -> Self {
        Self {
            provider: tools.provider,
            resolver: tools.resolver,
            api: tools.api,
            events: tools.events,
            calls,
            delete: Semaphore::new(lanes.delete),
            create: Semaphore::new(lanes.create),
            lookup: Semaphore::new(lanes.lookup),
            write: Semaphore::new(lanes.write),
        }
    }

    /// Carries one action out; `None` where no answer is awaited.
    pub async fn run(&self, action: Action) -> Option<Outcome> {
        let _lane = self.lane(&action).await;
        match action {
            Action::Create { key, pod, attempt } => {
                let result = self.create(&key, &pod, attempt).await;
                self.calls.count("create", result.is_ok());
                Some(Outcome::Created { uid: key.uid, result })
            }
            Action::Find(key) => {
                let result = bounded(self.provider.find(&key)).await;
                self.calls.count("find", noted("looking up the groups of a pod failed", &result));
                Some(Outcome::Found { uid: key.uid, result })
            }
            Action::Delete { key, group, grace } => {
                info!(pod = %key, container_group = %group, ?grace, "deleting");
                let result = bounded(self.provider.delete_pod(&group, grace)).await;
                self.calls.count("delete", noted("deleting a group failed", &result));
                Some(Outcome::Deleted { uid: key.uid, group, result })
            }
            Action::Observe(since) => {
                let result = bounded(self.provider.observe(since)).await;
                self.calls.count("observe", noted("observing the groups failed", &result));
                Some(Outcome::Observed(result))
            }
            Action::Fetch(groups) => {
                let result = bounded(self.provider.fetch(&groups)).await;
                self.calls.count("fetch", noted("reading groups by name failed", &result));
                Some(Outcome::Fetched(result))
            }
            Action::Patch(patch) => {
                let result = self.api.patch(&patch).await;
                self.calls.count("patch", written("patching a pod's status failed", &result));
                Some(Outcome::Patched { uid: patch.key.uid, result })
            }
            Action::Remove(key) => {
                let result = self.api.remove(&key).await;
                self.calls.count("remove", written("removing a pod failed", &result));
                Some(Outcome::Removed { uid: key.uid, result })
            }
            Action::Read(key) => {
                let result = self.api.presence(&key).await;
                self.calls.count("read", written("reading a pod failed", &result));
                Some(Outcome::Read { uid: key.uid, result })
            }
            Action::Event(event) => {
                self.events.publish(event);
                None
            }
        }
    }

    async fn lane(&self, action: &Action) -> Option<SemaphorePermit<'_>> {
        let lane = match action {
            Action::Create { .. } => &self.create,
            Action::Delete { .. } => &self.delete,
            Action::Find(_) => &self.lookup,
            Action::Patch(_) | Action::Remove(_) | Action::Read(_) => &self.write,
            // One of each at a time by the engine's own rule.
            Action::Observe(_) | Action::Fetch(_) | Action::Event(_) => return None,
        };
        Some(lane.acquire().await.expect("the lanes are never closed"))
    }

    async fn create(
        &self,
        key: &vk_core::PodKey,
        pod: &k8s_openapi::api::core::v1::Pod,
        attempt: vk_core::Attempt,
    ) -> Result<vk_core::Started, CreateError> {
        let resolved = self.resolver.resolve(pod, key).await.map_err(|error| unresolved(&error))?;
        for sentence in resolved.warnings {
            let key = key.clone();
            let reason = FAILED_TO_RETRIEVE_IMAGE_PULL_SECRET.to_owned();
            self.events.publish(PodEvent { key, warning: true, reason, message: sentence });
        }
        let result = bounded(self.provider.create_pod(pod, attempt, &resolved.inputs)).await;
        match &result {
            Ok(started) => info!(pod = %key, %attempt, ?started, "started"),
            Err(error) => {
                warn!(pod = %key, %attempt, kind = error.kind().reason(), error = %error.chain(), "not started");
            }
        }
        result.map_err(CreateError::Provider)
    }
}

fn unresolved(error: &ResolveError) -> CreateError {
    match error {
        ResolveError::Missing(missing) => {
            CreateError::Missing(missing.iter().map(ToString::to_string).collect())
        }
        ResolveError::PodGone => CreateError::PodGone,
        ResolveError::Denied { .. } => {
            CreateError::Unreadable { reason: "PermissionDenied", message: error.to_string() }
        }
        _ => CreateError::Unreadable { reason: "APIServerUnavailable", message: error.to_string() },
    }
}

/// A call that does not end in time may have had its effect.
async fn bounded<T>(call: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
    match timeout(LONGEST, call).await {
        Ok(result) => result,
        Err(_) => {
            let message = format!("no answer within {} s", LONGEST.as_secs());
            Err(ProviderError::new(ErrorKind::Indeterminate, message))
        }
    }
}

fn noted<T>(what: &str, result: &Result<T, ProviderError>) -> bool {
    if let Err(error) = result {
        warn!(kind = error.kind().reason(), error = %error.chain(), "{what}");
    }
    result.is_ok()
}

fn written<T>(what: &str, result: &Result<T, ApiError>) -> bool {
    match result {
        Ok(_) => {}
        Err(ApiError::Gone | ApiError::Conflict) => debug!("{what}: it changed meanwhile"),
        Err(ApiError::Refused(error) | ApiError::Unavailable(error)) => warn!(%error, "{what}"),
    }
    result.is_ok()
}

#[cfg(test)]
mod tests;
