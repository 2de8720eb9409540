//! Decides what to do for every pod of the node: a synchronous state machine without I/O, clock or randomness.
//!
//! ```text
//!   Input ──▶ Engine::step(now, input) ──▶ Vec<Action>
//!   pod seen / gone / list complete           create, find, delete, fetch, observe
//!   an action's outcome                       patch, remove, read
//!   tick                                      event
//! ```
//!
//! Every call out is an [`Action`] and comes back as an [`Input`], so each request boundary is a point at which a
//! test can lose an answer, reorder, or start a new engine. All memory is what the API server and the provider hold:
//! a new engine that is fed both lists decides the same.
//!
//! One function decides (`decide`), from the whole record of a pod, whatever input touched it: there is no
//! fast path for what just changed. The rules that hold here are S1–S9 of `docs/architecture.md`.

mod backoff;
mod cloud;
mod decide;
mod observing;
mod outcome;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use vk_core::{Attempt, Cursor, Fetched, GroupId, Observation, ObservedPod, PodKey, ProviderError, Started};

use crate::facts::{AnnotationNames, PodFacts};

pub use cloud::CloudView;
pub use record::{ContainerSummary, Summary};

use cloud::Cloud;
use observing::Observing;
use record::{Orphan, Record};

/// What the engine needs to know beforehand.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Address of the node, for `status.hostIP`.
    pub node_ip: String,
    /// Names of the annotations that record a run.
    pub annotations: AnnotationNames,
    /// Intervals and bounds.
    pub timing: Timing,
}

/// Intervals and bounds of the engine, each with the reason for its default.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Between increments while anything is in motion. The product's target for cloud change → status is 1.2 s.
    pub poll_moving: Duration,
    /// Between increments while pods rest.
    pub poll_resting: Duration,
    /// Between increments while the node has no pod: only the reachability of the cloud is at stake.
    pub poll_idle: Duration,
    /// Between complete sweeps; 50 calls at 10,000 pods make 1,000 calls an hour.
    pub sweep: Duration,
    /// How long a group that was accepted may stay invisible. Unpublished; above any that was ever reported.
    pub visibility: Duration,
    /// How long an address alone may wait for a weightier change of status.
    pub hold: Duration,
    /// First and last wait between attempts that failed for the cloud's reasons.
    pub retry: (Duration, Duration),
    /// Between looks for a missing ConfigMap or Secret.
    pub missing: Duration,
    /// Between looks at a pod that was refused: what it names may have changed.
    pub refused: Duration,
    /// How long the cloud may fail for passing reasons before the node says that it is unreachable.
    pub unreachable_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll_moving: Duration::from_secs(1),
            poll_resting: Duration::from_secs(2),
            poll_idle: Duration::from_secs(10),
            sweep: Duration::from_secs(180),
            visibility: Duration::from_secs(60),
            hold: Duration::from_secs(10),
            retry: (Duration::from_secs(1), Duration::from_secs(60)),
            missing: Duration::from_secs(3),
            refused: Duration::from_secs(120),
            unreachable_after: Duration::from_secs(10),
        }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The watch delivered a pod of this node.
    PodSeen(Arc<corev1::Pod>),
    /// The watch delivered the deletion of a pod object.
    PodGone(PodKey),
    /// The watch delivered its whole list: every pod that was not seen since the list began is gone.
    ListComplete(BTreeSet<String>),
    /// An action ended.
    Outcome(Outcome),
    /// Time has passed.
    Tick,
}

/// How an action ended.
#[derive(Debug)]
pub enum Outcome {
    /// Of [`Action::Create`].
    Created {
        /// The pod's UID.
        uid: String,
        /// What came of it.
        result: Result<Started, CreateError>,
    },
    /// Of [`Action::Find`].
    Found {
        /// The pod's UID.
        uid: String,
        /// Every group that carries it.
        result: Result<Vec<ObservedPod>, ProviderError>,
    },
    /// Of [`Action::Delete`].
    Deleted {
        /// The pod's UID.
        uid: String,
        /// What was to be deleted.
        group: GroupId,
        /// Whether the provider accepted it.
        result: Result<(), ProviderError>,
    },
    /// Of [`Action::Observe`].
    Observed(Result<Observation, ProviderError>),
    /// Of [`Action::Fetch`].
    Fetched(Result<Fetched, ProviderError>),
    /// Of [`Action::Patch`].
    Patched {
        /// The pod's UID.
        uid: String,
        /// The new `resourceVersion`, where it is a number.
        result: Result<Option<u64>, ApiError>,
    },
    /// Of [`Action::Remove`].
    Removed {
        /// The pod's UID.
        uid: String,
        /// Whether the object is gone.
        result: Result<(), ApiError>,
    },
    /// Of [`Action::Read`].
    Read {
        /// The pod's UID.
        uid: String,
        /// What the API server says, read afresh.
        result: Result<Presence, ApiError>,
    },
}

/// Why a pod was not started.
#[derive(Debug)]
pub enum CreateError {
    /// What it names does not exist (yet): one sentence each.
    Missing(Vec<String>),
    /// What it names could not be read.
    Unreadable {
        /// A word for the reason.
        reason: &'static str,
        /// What was tried and why it failed.
        message: String,
    },
    /// The pod's object is gone.
    PodGone,
    /// The provider failed.
    Provider(ProviderError),
}

/// Why a call to the API server failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// No object of that name and UID exists any more.
    Gone,
    /// The object changed since the version that the write was decided upon.
    Conflict,
    /// Refused for what it says; trying again as it is would not help.
    Refused(String),
    /// Not reached, or not answered: it may have been carried out.
    Unavailable(String),
}

/// What a fresh read said of a UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It exists.
    Present {
        /// It is being deleted.
        terminating: bool,
        /// The group that its annotation names.
        annotated: Option<GroupId>,
    },
    /// It does not exist.
    Gone,
}

/// What is to be done. Each is carried out once; its outcome is an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Read what the pod names, then start this attempt.
    Create {
        /// The pod.
        key: PodKey,
        /// Its full text.
        pod: Arc<corev1::Pod>,
        /// The attempt to make or to repeat.
        attempt: Attempt,
    },
    /// Look for the pod's groups by its UID.
    Find(PodKey),
    /// Stop and remove a group.
    Delete {
        /// The pod it was made for.
        key: PodKey,
        /// The group.
        group: GroupId,
        /// What its containers get to end.
        grace: Duration,
    },
    /// Ask what changed, or for everything.
    Observe(Option<Cursor>),
    /// Ask for these groups, because their absence would matter.
    Fetch(Vec<GroupId>),
    /// Write the pod's status and our annotations.
    Patch(Box<PodPatch>),
    /// Remove the pod object, whose group is gone or terminal.
    Remove(PodKey),
    /// Ask the API server afresh whether this UID exists.
    Read(PodKey),
    /// Tell people.
    Event(PodEvent),
}

/// A write to one pod.
#[derive(Clone, Debug, PartialEq)]
pub struct PodPatch {
    /// The pod; the UID is a precondition.
    pub key: PodKey,
    /// The `resourceVersion` that this write was decided upon, a precondition too: two processes that overlap
    /// must not take turns with what each knows.
    pub version: Option<u64>,
    /// Status fields that we own.
    pub status: corev1::PodStatus,
    /// Annotations to set.
    pub annotations: BTreeMap<String, String>,
}

/// Something that a person who looks at the pod should see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodEvent {
    /// The pod.
    pub key: PodKey,
    /// `Warning` rather than `Normal`.
    pub warning: bool,
    /// A word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

/// The engine. See the module's head.
pub struct Engine {
    config: EngineConfig,
    /// Pods by UID.
    records: BTreeMap<String, Record>,
    /// UIDs by namespace and name: the newest pod of a name.
    names: BTreeMap<(String, String), String>,
    /// Groups of ours whose UID no list knows, by group.
    orphans: BTreeMap<GroupId, Orphan>,
    /// When a record wants to be looked at again.
    alarms: BTreeSet<(Timestamp, String)>,
    /// Whether the first complete list of pods has arrived.
    listed: bool,
    /// Records that may still change by themselves.
    moving: BTreeSet<String>,
    /// Groups whose absence would matter, with the UID that waits for it.
    awaited: BTreeMap<GroupId, String>,
    observing: Observing,
    cloud: Cloud,
    /// What the wall clock shows beyond the time that the engine is given.
    wall_ahead: SignedDuration,
}

impl Engine {
    /// An engine that knows nothing yet.
    pub fn new(config: EngineConfig) -> Self {
        Self {
            observing: Observing::default(),
            cloud: Cloud::default(),
            config,
            records: BTreeMap::new(),
            names: BTreeMap::new(),
            orphans: BTreeMap::new(),
            alarms: BTreeSet::new(),
            listed: false,
            moving: BTreeSet::new(),
            awaited: BTreeMap::new(),
            wall_ahead: SignedDuration::ZERO,
        }
    }

    /// Times in statuses are the wall clock's; the engine's own may run apart from it, since waits must not follow a
    /// clock that somebody sets.
    pub fn set_wall_ahead(&mut self, ahead: SignedDuration) {
        self.wall_ahead = ahead;
    }

    /// Takes in what happened and says what is to be done.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::PodSeen(pod) => self.pod_seen(now, &pod, &mut actions),
            Input::PodGone(key) => self.pod_gone(now, &key.uid, &mut actions),
            Input::ListComplete(uids) => self.list_complete(now, &uids, &mut actions),
            Input::Outcome(outcome) => self.outcome(now, outcome, &mut actions),
            Input::Tick => {}
        }
        self.ring(now, &mut actions);
        self.observe(now, &mut actions);
        actions
    }

    /// When the next [`Input::Tick`] is due at the latest.
    pub fn next_tick(&self, now: Timestamp) -> Timestamp {
        let poll = self.next_observation(now);
        self.alarms.first().map_or(poll, |(at, _)| poll.min(*at))
    }

    /// What the node should say of the cloud.
    pub fn cloud(&self, now: Timestamp) -> CloudView {
        self.cloud.view(now, self.config.timing.unreachable_after)
    }

    /// Whether the first list of pods has arrived. The cloud is not waited for: a node lives while it is away.
    pub fn is_ready(&self) -> bool {
        self.listed
    }

    /// The newest pod of this name.
    pub fn summary(&self, namespace: &str, name: &str) -> Option<Summary> {
        let uid = self.names.get(&(namespace.to_owned(), name.to_owned()))?;
        self.records.get(uid).map(Record::summary)
    }

    /// How many pods are in which state, for metrics.
    pub fn census(&self) -> BTreeMap<&'static str, usize> {
        let mut census = BTreeMap::new();
        for record in self.records.values() {
            *census.entry(record.run.name()).or_insert(0) += 1;
        }
        census.insert("orphan", self.orphans.len());
        census
    }

    fn pod_seen(&mut self, now: Timestamp, pod: &Arc<corev1::Pod>, actions: &mut Vec<Action>) {
        let Some(facts) = PodFacts::of(pod, &self.config.annotations) else {
            return;
        };
        let uid = facts.key.uid.clone();
        let name = (facts.key.namespace.clone(), facts.key.name.clone());
        match self.records.get_mut(&uid) {
            Some(record) => record.update(facts, pod),
            None => {
                let fresh = self.listed;
                let mut record = Record::new(now, facts, pod, fresh);
                record.adopt_orphans(&mut self.orphans);
                self.records.insert(uid.clone(), record);
            }
        }
        self.names.insert(name, uid.clone());
        self.decide(now, &uid, actions);
    }

    fn pod_gone(&mut self, now: Timestamp, uid: &str, actions: &mut Vec<Action>) {
        let Some(record) = self.records.get_mut(uid) else {
            return;
        };
        record.object_gone = true;
        self.decide(now, uid, actions);
    }

    fn list_complete(&mut self, now: Timestamp, uids: &BTreeSet<String>, actions: &mut Vec<Action>) {
        self.listed = true;
        let gone: Vec<_> = self.records.keys().filter(|uid| !uids.contains(*uid)).cloned().collect();
        for uid in gone {
            if let Some(record) = self.records.get_mut(&uid) {
                record.unlisted = true;
            }
        }
        // Pods that were bound before this process began have waited for this.
        let all: Vec<_> = self.records.keys().cloned().collect();
        for uid in all {
            self.decide(now, &uid, actions);
        }
        self.consider_orphans(now, actions);
    }

    /// Looks again at every record whose time has come.
    fn ring(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        while let Some((at, uid)) = self.alarms.first().cloned() {
            if at > now {
                break;
            }
            self.alarms.remove(&(at, uid.clone()));
            self.decide(now, &uid, actions);
        }
    }

    /// Decides for one record and keeps the indices that depend on it.
    fn decide(&mut self, now: Timestamp, uid: &str, actions: &mut Vec<Action>) {
        let (answered, proof) = (self.observing.answered(), self.observing.proof());
        let listed = self.listed;
        let Some(record) = self.records.get_mut(uid) else {
            return;
        };
        if let Some(alarm) = record.alarm.take() {
            self.alarms.remove(&(alarm, uid.to_owned()));
        }
        if let Some(group) = record.awaited.take() {
            self.awaited.remove(&group);
        }
        let wall = now.checked_add(self.wall_ahead).unwrap_or(now);
        let view = decide::World { now, wall, config: &self.config, listed, answered, proof };
        let verdict = record.decide(&view, actions);
        if let Some(at) = verdict.sweep_at {
            self.observing.want_sweep(at);
        }
        if verdict.forget {
            if let Some(record) = self.records.remove(uid) {
                let name = (record.facts.key.namespace, record.facts.key.name);
                if self.names.get(&name).is_some_and(|newest| newest == uid) {
                    self.names.remove(&name);
                }
            }
            self.moving.remove(uid);
            return;
        }
        if let Some(at) = verdict.again_at {
            let at = at.max(now + Duration::from_millis(1));
            record.alarm = Some(at);
            self.alarms.insert((at, uid.to_owned()));
        }
        if let Some(group) = verdict.awaits {
            record.awaited = Some(group.clone());
            self.awaited.insert(group, uid.to_owned());
        }
        if verdict.moving {
            self.moving.insert(uid.to_owned());
        } else {
            self.moving.remove(uid);
        }
    }
}
