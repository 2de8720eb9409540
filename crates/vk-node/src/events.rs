//! Tells people what happens to their pods: core/v1 Events, written in the background.
//!
//! Whoever has something to say never waits: the queue is bounded, what does not fit is dropped and counted. Core/v1 and not
//! events.k8s.io/v1, because that is what the kubelet writes, what `kubectl describe` looks for by `involvedObject`, and
//! what keeps a count and two times that tools know how to print.

mod correlator;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use vk_core::{Clock, PodKey};

use crate::kube_call::{Backoff, KubeError, KubeErrorKind, Random, call};
use crate::node::NodeRef;
use correlator::{Bucket, Correlator, Decision, EventId, REPEAT_EVERY, Repeat};

/// Who speaks, in `source.component` and `reportingComponent`.
pub const COMPONENT: &str = "virtual-node";

/// Events that may wait: 80 s of work at [`PER_SECOND`], some 2 MB.
const QUEUE: usize = 4096;

/// Event writes a second, and at once (the kubelet's `eventRecordQPS` and `eventBurst`).
const PER_SECOND: f64 = 50.0;
const BURST: f64 = 100.0;

/// The longest text; events.k8s.io allows no more, and nobody reads more.
const LONGEST_MESSAGE: usize = 1024;

/// The longest reason that events.k8s.io allows.
const LONGEST_REASON: usize = 128;

/// Tries of one write before its event is given up: some seconds of an API server that is away.
const TRIES: u32 = 5;

/// `Normal` or `Warning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// All is as it should be.
    Normal,
    /// Somebody may have to act.
    Warning,
}

impl EventType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is about.
    pub about: About,
    /// Whether somebody may have to act.
    pub type_: EventType,
    /// A CamelCase word, the kubelet's where it has one.
    pub reason: String,
    /// A sentence. Holds no secret.
    pub message: String,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A pod, or a part of it.
    Pod {
        /// The pod.
        key: PodKey,
        /// `spec.containers{name}`, where it is about a container.
        field_path: Option<String>,
    },
    /// The node.
    Node {
        /// Its name.
        name: String,
    },
}

/// Takes events. Clones write to the same queue.
#[derive(Clone)]
pub struct EventWriter {
    queue: mpsc::Sender<Event>,
    metrics: Metrics,
}

/// Writes what the [`EventWriter`]s take.
pub struct EventTask {
    client: Client,
    node_name: String,
    node: watch::Receiver<Option<NodeRef>>,
    clock: Arc<dyn Clock>,
    random: Random,
    queue: mpsc::Receiver<Event>,
    correlator: Correlator,
    bucket: Bucket,
    began: Instant,
    metrics: Metrics,
    /// Whether a refusal was logged: it is likely the same for all that follow.
    refusal_told: bool,
}

#[derive(Clone, Default)]
struct Metrics {
    written: Counter,
    dropped: Family<DropLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabels {
    reason: &'static str,
}

impl Metrics {
    fn dropped(&self, reason: &'static str) {
        self.dropped.get_or_create(&DropLabels { reason }).inc();
    }
}

impl EventWriter {
    /// A writer for the events of one node, and the task that does the writing.
    pub fn new(
        client: Client,
        node_name: impl Into<String>,
        node: watch::Receiver<Option<NodeRef>>,
        clock: Arc<dyn Clock>,
        random: Random,
    ) -> (Self, EventTask) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let metrics = Metrics::default();
        let task = EventTask {
            client,
            node_name: node_name.into(),
            node,
            clock,
            random,
            queue: receiver,
            correlator: Correlator::default(),
            bucket: Bucket::new(BURST, PER_SECOND, 0.0),
            began: Instant::now(),
            metrics: metrics.clone(),
            refusal_told: false,
        };
        (Self { queue: sender, metrics }, task)
    }

    /// Adds the counters to the registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        let Metrics { written, dropped } = &self.metrics;
        registry.register("virtual_node_events", "Writes of events", written.clone());
        let help = "Events that were not written, by why: queue_full, spam, refused, unavailable";
        registry.register("virtual_node_events_dropped", help, dropped.clone());
    }

    /// Takes the event for writing, or drops it where too many wait. Never blocks.
    pub fn publish(&self, mut event: Event) {
        event.message = cut(&event.message);
        event.reason.truncate(boundary(&event.reason, LONGEST_REASON));
        if let Err(error) = self.queue.try_send(event) {
            self.metrics.dropped("queue_full");
            debug!(%error, "dropped an event");
        }
    }
}

impl EventTask {
    /// Writes until the token is cancelled or every writer is gone. What waits then is dropped.
    pub async fn run(mut self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.write_all()).await;
    }

    async fn write_all(&mut self) {
        let period = Duration::try_from(REPEAT_EVERY).expect("the period is positive");
        let mut flush = tokio::time::interval(period);
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Both branches are cancel-safe: what was not chosen stays in the queue or due.
            tokio::select! {
                biased;
                _ = flush.tick() => self.flush().await,
                event = self.queue.recv() => match event {
                    Some(event) => self.take(event).await,
                    None => return,
                },
            }
        }
    }

    async fn take(&mut self, event: Event) {
        let now = self.clock.now();
        let uid = self.uid_of(&event.about);
        match self.correlator.admit(&uid, &event, now) {
            Decision::Post { id, message } => {
                let object = self.object(&event, &uid, &id, message, now);
                self.post(&uid, &id, &object).await;
            }
            Decision::Repeat(repeat) => self.repeat(&repeat).await,
            Decision::Held => {}
            Decision::Drop => self.metrics.dropped("spam"),
        }
    }

    async fn flush(&mut self) {
        for repeat in self.correlator.due(self.clock.now()) {
            self.repeat(&repeat).await;
        }
    }

    /// A node that is not registered yet goes by its name, which is how `kubectl describe node` looks for it too.
    fn uid_of(&self, about: &About) -> String {
        match about {
            About::Pod { key, .. } => key.uid.clone(),
            About::Node { name } => {
                let node = self.node.borrow();
                node.as_ref()
                    .filter(|node| node.name == *name)
                    .map_or_else(|| name.clone(), |node| node.uid.clone())
            }
        }
    }

    fn object(
        &self,
        event: &Event,
        uid: &str,
        id: &EventId,
        message: String,
        now: Timestamp,
    ) -> corev1::Event {
        let involved = match &event.about {
            About::Pod { key, field_path } => corev1::ObjectReference {
                kind: Some("Pod".to_owned()),
                namespace: Some(key.namespace.clone()),
                name: Some(key.name.clone()),
                field_path: field_path.clone(),
                ..Default::default()
            },
            About::Node { name } => corev1::ObjectReference {
                kind: Some("Node".to_owned()),
                name: Some(name.clone()),
                ..Default::default()
            },
        };
        corev1::Event {
            metadata: ObjectMeta {
                namespace: Some(id.namespace.clone()),
                name: Some(id.name.clone()),
                ..Default::default()
            },
            involved_object: corev1::ObjectReference {
                api_version: Some("v1".to_owned()),
                uid: Some(uid.to_owned()),
                ..involved
            },
            type_: Some(event.type_.as_str().to_owned()),
            reason: Some(event.reason.clone()),
            message: Some(message),
            count: Some(1),
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            source: Some(corev1::EventSource {
                component: Some(COMPONENT.to_owned()),
                host: Some(self.node_name.clone()),
            }),
            reporting_component: Some(COMPONENT.to_owned()),
            reporting_instance: Some(self.node_name.clone()),
            ..Default::default()
        }
    }

    async fn post(&mut self, uid: &str, id: &EventId, object: &corev1::Event) {
        let api: Api<corev1::Event> = Api::namespaced(self.client.clone(), &id.namespace);
        let params = PostParams::default();
        let written = self.write("create", id, || api.create(&params, object)).await;
        match written {
            // An answer that was lost: the name is ours alone.
            Err(error) if error.kind == KubeErrorKind::AlreadyExists => {}
            Err(_) => self.correlator.forget(uid, id),
            Ok(_) => {}
        }
    }

    async fn repeat(&mut self, repeat: &Repeat) {
        let Repeat { uid, id, count, last_at, message } = repeat;
        let mut patch = json!({"count": count, "lastTimestamp": Time(*last_at)});
        if let Some(message) = message {
            patch["message"] = json!(message);
        }
        let patch = Patch::Merge(patch);
        let api: Api<corev1::Event> = Api::namespaced(self.client.clone(), &id.namespace);
        let params = PatchParams::default();
        // An event that somebody deleted is not brought back; the next of its kind is a new one.
        if self.write("patch", id, || api.patch(&id.name, &params, &patch)).await.is_err() {
            self.correlator.forget(uid, id);
        }
    }

    /// One write at its time, tried again while the API server is away.
    async fn write<F>(&mut self, verb: &str, id: &EventId, request: impl Fn() -> F) -> Result<(), KubeError>
    where
        F: Future<Output = kube::Result<corev1::Event>>,
    {
        let mut backoff = Backoff::kubelet(self.random.clone());
        let mut tries = 0;
        loop {
            self.wait_for_turn().await;
            tries += 1;
            let action = format!("{verb} event \"{}/{}\"", id.namespace, id.name);
            match call(action, request()).await {
                Ok(_) => {
                    self.metrics.written.inc();
                    return Ok(());
                }
                Err(error) if error.kind == KubeErrorKind::Unavailable && tries < TRIES => {
                    tokio::time::sleep(backoff.after_failure()).await;
                }
                Err(error) => {
                    self.give_up(&error);
                    return Err(error);
                }
            }
        }
    }

    async fn wait_for_turn(&mut self) {
        while let Err(wait) = self.bucket.take(self.began.elapsed().as_secs_f64()) {
            // A rest of rounding must not become a wait of nothing, over and over.
            tokio::time::sleep(Duration::from_secs_f64(wait).max(Duration::from_millis(1))).await;
        }
    }

    /// A namespace that is being deleted refuses events too, so a refusal is worth one warning and no more.
    fn give_up(&mut self, error: &KubeError) {
        match error.kind {
            KubeErrorKind::AlreadyExists => {}
            KubeErrorKind::Unavailable => {
                self.metrics.dropped("unavailable");
                warn!(%error, "dropped an event");
            }
            KubeErrorKind::Denied | KubeErrorKind::Invalid if !self.refusal_told => {
                self.refusal_told = true;
                self.metrics.dropped("refused");
                warn!(%error, "dropped an event; further refusals are only counted");
            }
            KubeErrorKind::Denied
            | KubeErrorKind::Invalid
            | KubeErrorKind::NotFound
            | KubeErrorKind::Conflict => {
                self.metrics.dropped("refused");
                debug!(%error, "dropped an event");
            }
        }
    }
}

/// The text, cut to the length that is allowed.
fn cut(text: &str) -> String {
    const MARK: &str = "...";
    if text.len() <= LONGEST_MESSAGE {
        return text.to_owned();
    }
    format!("{}{MARK}", &text[..boundary(text, LONGEST_MESSAGE - MARK.len())])
}

/// The end of the last whole character within so many bytes.
fn boundary(text: &str, most: usize) -> usize {
    text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= most).last().unwrap_or(0)
}

#[cfg(test)]
mod tests;
