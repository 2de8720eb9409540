//! Carries out what [`super::object`] decides: registers the Node, reports its status, makes it again when it is gone.
//!
//! One loop: something may have changed (a watch event, the cloud's health, the time) → compare → write the difference.
//! What must be seen at once is acted on at once: the Node is gone, is not Ready, or the cloud's health turned. All else
//! waits for the next look, ten seconds at most, so that two writers who disagree do not chase each other.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1 as corev1;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::utils::{ResetTimerBackoff, StreamBackoff};
use kube::runtime::watcher;
use kube::{Api, Client};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use vk_core::Clock;

use super::object::{self, Shown};
use super::{CloudHealth, NodeRef, NodeSettings};
use crate::kube_call::{Backoff, KubeError, KubeErrorKind, Random, call};

/// How often the Node is compared with what it should be (the kubelet's `nodeStatusUpdateFrequency`).
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How often the status is written although nothing changed (the kubelet's `nodeStatusReportFrequency`).
const REPORT_EVERY: Duration = Duration::from_secs(300);

/// By how much of itself that period is spread, so that a fleet does not write in step.
const REPORT_SPREAD: f64 = 0.2;

/// The longest wait after a refusal, which only a person can end; but an API server that just started refuses for a
/// moment too, until it knows the roles, so the first waits are short.
const REFUSED_WAIT: Duration = Duration::from_secs(30);

/// The server closes our watch after this, and the client counts it as dead 5 s later: how long a dead connection can
/// hide that the Node was deleted.
const WATCH_SECONDS: u32 = 60;

/// Two watch failures further apart than this are not one outage.
const WATCH_OUTAGE: Duration = Duration::from_secs(15);

/// Keeps one Node registered and true.
pub struct NodeController {
    nodes: Api<corev1::Node>,
    settings: NodeSettings,
    clock: Arc<dyn Clock>,
    random: Random,
    health: watch::Receiver<CloudHealth>,
    registered: watch::Sender<Option<NodeRef>>,
    metrics: Metrics,
}

#[derive(Default)]
struct Metrics {
    registrations: Counter,
    status_writes: Counter,
    write_failures: Counter,
}

/// What the loop remembers.
struct State {
    /// The Node as the API server last showed it; `None` while there is none.
    observed: Option<corev1::Node>,
    /// What the answer to our last status write showed.
    settled: Option<Shown>,
    /// The health which that write told.
    told: CloudHealth,
    /// When the next write is due although nothing changed.
    report_at: Instant,
}

/// Waits after failures in a row.
struct Waits {
    failed: Backoff,
    refused: Backoff,
}

impl Waits {
    fn new(random: &Random) -> Self {
        Self {
            failed: Backoff::kubelet(random.clone()),
            refused: Backoff::new(Duration::from_millis(100), REFUSED_WAIT, random.clone()),
        }
    }
}

impl NodeController {
    /// A controller of the node that `settings` describe. It does nothing until it runs.
    pub fn new(
        client: Client,
        settings: NodeSettings,
        clock: Arc<dyn Clock>,
        random: Random,
        health: watch::Receiver<CloudHealth>,
    ) -> Self {
        Self {
            nodes: Api::all(client),
            settings,
            clock,
            random,
            health,
            registered: watch::Sender::new(None),
            metrics: Metrics::default(),
        }
    }

    /// Tells the Node's name and UID once it is registered, and anew when it was made again. Never goes back to `None`.
    pub fn registered(&self) -> watch::Receiver<Option<NodeRef>> {
        self.registered.subscribe()
    }

    /// Adds the counters to the registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        let Metrics { registrations, status_writes, write_failures } = &self.metrics;
        registry.register("virtual_node_registrations", "Nodes created", registrations.clone());
        registry.register("virtual_node_status_writes", "Status patches of the Node", status_writes.clone());
        registry.register("virtual_node_write_failures", "Failed writes of the Node", write_failures.clone());
    }

    /// Runs until the token is cancelled. The Node stays behind as it is.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut events = pin!(self.watch());
        let mut waits = Waits::new(&self.random);
        let mut state =
            State { observed: None, settled: None, told: CloudHealth::Unknown, report_at: Instant::now() };
        loop {
            let Some(outcome) = shutdown.run_until_cancelled(self.reconcile(&mut state)).await else {
                return;
            };
            let look_at = Instant::now() + self.wait_after(outcome, &mut waits);
            loop {
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return,
                    Some(event) = events.next() => if self.observe(&mut state, event) { break },
                    Ok(()) = self.health.changed() => {
                        if is_turn(&state.told, &self.health.borrow_and_update()) { break }
                    }
                    () = tokio::time::sleep_until(look_at) => break,
                }
            }
        }
    }

    fn watch(&self) -> impl futures::Stream<Item = watcher::Result<Option<corev1::Node>>> + use<> {
        let config = watcher::Config::default()
            .fields(&format!("metadata.name={}", self.settings.name))
            .timeout(WATCH_SECONDS);
        let backoff = ResetTimerBackoff::new(Backoff::kubelet(self.random.clone()), WATCH_OUTAGE);
        let events = StreamBackoff::new(watcher(self.nodes.clone(), config), backoff);
        present_or_gone(events)
    }

    fn wait_after(&self, outcome: Result<(), KubeError>, waits: &mut Waits) -> Duration {
        let Err(error) = outcome else {
            *waits = Waits::new(&self.random);
            return LOOK_EVERY;
        };
        self.metrics.write_failures.inc();
        let wait = match error.kind {
            KubeErrorKind::Denied | KubeErrorKind::Invalid => waits.refused.after_failure(),
            KubeErrorKind::NotFound
            | KubeErrorKind::AlreadyExists
            | KubeErrorKind::Conflict
            | KubeErrorKind::Unavailable => waits.failed.after_failure(),
        };
        warn!(node = self.settings.name, %error, retry_in = ?wait, "could not write the node");
        wait
    }

    /// Takes in a watch event; true where it calls for action at once.
    fn observe(&self, state: &mut State, event: watcher::Result<Option<corev1::Node>>) -> bool {
        match event {
            Ok(Some(node)) => {
                self.adopt(state, node);
                state.observed.as_ref().is_some_and(|node| !object::is_ready(node))
            }
            Ok(None) => state.observed.take().is_some(),
            Err(error) => {
                debug!(node = self.settings.name, %error, "the watch of the node was interrupted");
                false
            }
        }
    }

    /// Takes the Node as the new observation, unless what is known is newer.
    fn adopt(&self, state: &mut State, node: corev1::Node) {
        if state.observed.as_ref().is_some_and(|known| is_older(&node, known)) {
            return;
        }
        let uid = node.metadata.uid.clone().unwrap_or_default();
        let current = NodeRef { name: self.settings.name.clone(), uid };
        self.registered.send_if_modified(|known| {
            let changed = known.as_ref() != Some(&current);
            *known = Some(current);
            changed
        });
        state.observed = Some(node);
    }

    /// Brings the Node to what it should be. The status goes first: a refused label must not keep the node from being Ready.
    async fn reconcile(&mut self, state: &mut State) -> Result<(), KubeError> {
        let health = self.health.borrow_and_update().clone();
        let observed = match state.observed.take() {
            Some(node) => node,
            None => {
                state.settled = None;
                self.register(&health).await?
            }
        };
        self.adopt(state, observed);
        self.report(state, &health).await?;
        self.write(state, object::taint_patch, &health).await?;
        self.write(state, |_, node| object::label_patch(&self.settings, node), &health).await
    }

    /// Creates the Node, or finds that there is one.
    async fn register(&self, health: &CloudHealth) -> Result<corev1::Node, KubeError> {
        let name = &self.settings.name;
        let node = object::node(&self.settings, health, self.clock.now());
        let created =
            call(format!("create node {name:?}"), self.nodes.create(&PostParams::default(), &node)).await;
        match created {
            Ok(node) => {
                self.metrics.registrations.inc();
                info!(node = name, "registered the node");
                Ok(node)
            }
            Err(error) if error.kind == KubeErrorKind::AlreadyExists => self.find().await,
            // An identity that may not create the Node may still own one that somebody else created.
            Err(error) if error.kind == KubeErrorKind::Denied => self.find().await.map_err(|_| error),
            Err(error) => Err(error),
        }
    }

    /// Writes the status where it changed, where somebody else changed it, and every five minutes.
    async fn report(&self, state: &mut State, health: &CloudHealth) -> Result<(), KubeError> {
        let Some(observed) = &state.observed else {
            return Ok(());
        };
        let shown = Shown::of(&self.settings, observed);
        let same = state.told == *health && state.settled.as_ref() == Some(&shown);
        if same && Instant::now() < state.report_at {
            return Ok(());
        }
        let patch = object::status_patch(&self.settings, observed, health, self.clock.now());
        let name = &self.settings.name;
        let patched = call(
            format!("patch status of node {name:?}"),
            self.nodes.patch_status(name, &PatchParams::default(), &Patch::Strategic(&patch)),
        )
        .await;
        let node = self.settle(state, patched).await?;
        self.metrics.status_writes.inc();
        state.settled = Some(Shown::of(&self.settings, &node));
        state.told = health.clone();
        state.report_at = Instant::now() + self.random.spread(REPORT_EVERY, REPORT_SPREAD);
        self.adopt(state, node);
        debug!(node = name, "reported the status of the node");
        Ok(())
    }

    /// Sends a merge patch of the Node itself, where there is one to send.
    async fn write(
        &self,
        state: &mut State,
        patch_of: impl Fn(&CloudHealth, &corev1::Node) -> Option<serde_json::Value>,
        health: &CloudHealth,
    ) -> Result<(), KubeError> {
        let Some(patch) = state.observed.as_ref().and_then(|node| patch_of(health, node)) else {
            return Ok(());
        };
        let name = &self.settings.name;
        let patched = call(
            format!("patch node {name:?}"),
            self.nodes.patch(name, &PatchParams::default(), &Patch::Merge(&patch)),
        )
        .await;
        let node = self.settle(state, patched).await?;
        info!(node = name, %patch, "patched the node");
        self.adopt(state, node);
        Ok(())
    }

    /// After a 404 the Node is made again; after a conflict it is read, so that the next try starts from what is there.
    async fn settle(
        &self,
        state: &mut State,
        patched: Result<corev1::Node, KubeError>,
    ) -> Result<corev1::Node, KubeError> {
        match &patched {
            Err(error) if error.kind == KubeErrorKind::NotFound => state.observed = None,
            Err(error) if error.kind == KubeErrorKind::Conflict => {
                let node = self.get().await?;
                self.adopt(state, node);
            }
            _ => {}
        }
        patched
    }

    async fn find(&self) -> Result<corev1::Node, KubeError> {
        let node = self.get().await?;
        info!(node = self.settings.name, "found the node registered");
        Ok(node)
    }

    async fn get(&self) -> Result<corev1::Node, KubeError> {
        let name = &self.settings.name;
        call(format!("get node {name:?}"), self.nodes.get(name)).await
    }
}

/// Whether the cloud turned, and did not merely word its trouble anew.
fn is_turn(told: &CloudHealth, now: &CloudHealth) -> bool {
    match (told, now) {
        (CloudHealth::Unreachable { reason: before, .. }, CloudHealth::Unreachable { reason, .. }) => {
            before != reason
        }
        (told, now) => told != now,
    }
}

/// Whether `node` is an earlier version of the Node than `known`. Resource versions are ordered since Kubernetes 1.35 by
/// contract, and were before in fact.
fn is_older(node: &corev1::Node, known: &corev1::Node) -> bool {
    let version = |node: &corev1::Node| node.metadata.resource_version.as_ref()?.parse::<u128>().ok();
    let (Some(version), Some(known_version)) = (version(node), version(known)) else {
        return false;
    };
    node.metadata.uid == known.metadata.uid && version < known_version
}

/// From watch events of one object to what is the case: the Node, or `None` where there is none.
fn present_or_gone(
    events: impl futures::Stream<Item = watcher::Result<watcher::Event<corev1::Node>>>,
) -> impl futures::Stream<Item = watcher::Result<Option<corev1::Node>>> {
    events
        .scan(false, |listed, event| {
            let item = match event {
                Ok(watcher::Event::Init) => {
                    *listed = false;
                    None
                }
                Ok(watcher::Event::InitApply(node)) => {
                    *listed = true;
                    Some(Ok(Some(node)))
                }
                Ok(watcher::Event::InitDone) => (!*listed).then_some(Ok(None)),
                Ok(watcher::Event::Apply(node)) => Some(Ok(Some(node))),
                Ok(watcher::Event::Delete(_)) => Some(Ok(None)),
                Err(error) => Some(Err(error)),
            };
            futures::future::ready(Some(item))
        })
        .filter_map(futures::future::ready)
}

#[cfg(test)]
mod tests;
