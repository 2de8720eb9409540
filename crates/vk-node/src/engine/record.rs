//! What is remembered of one pod, and how observations change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::Timestamp;
use vk_core::{Attempt, ContainerState, GroupId, GroupState, ObservedContainer, ObservedPod, PodKey};

use super::PodPatch;
use crate::facts::{Phase, PodFacts};
use crate::status::{Ended, Waiting};

/// Where the run of a pod stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// Nothing was started that we know of.
    Waiting,
    /// A create was sent and no answer came: it may have been accepted.
    Unsettled {
        /// When the first such create was sent.
        since: Timestamp,
    },
    /// A create was certainly accepted; which group it made is not visible yet.
    Accepted {
        /// When that became known.
        since: Timestamp,
    },
    /// This group runs the pod.
    Started(GroupId),
    /// The pod asks for what cannot be honoured.
    Refused,
    /// The run is over; the group may still be listed.
    Ended(Option<GroupId>),
}

impl Run {
    /// A word for metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Unsettled { .. } => "unsettled",
            Self::Accepted { .. } => "accepted",
            Self::Started(_) => "started",
            Self::Refused => "refused",
            Self::Ended(_) => "ended",
        }
    }
}

/// What others may know of a pod without asking the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its identity.
    pub key: PodKey,
    /// The group that runs or ran it.
    pub group: Option<GroupId>,
    /// Its containers and init containers, with what each does.
    pub containers: BTreeMap<String, ContainerSummary>,
}

/// What one container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerSummary {
    /// It never ran; the kubelet's word for why.
    Waiting(String),
    /// It runs, or has run.
    Ran {
        /// Now; between two runs it does not.
        running: bool,
        /// How often it was started again.
        restart_count: i32,
    },
}

/// Calls that are under way for one pod: at most one of each kind.
#[derive(Debug, Default)]
pub(super) struct Busy {
    pub(super) creating: bool,
    pub(super) finding: bool,
    pub(super) patching: bool,
    pub(super) removing: bool,
    pub(super) reading: bool,
    pub(super) deleting: BTreeSet<GroupId>,
}

/// Tries of one kind of call that failed in a row, and when the next is due.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tries {
    pub(super) failures: u32,
    pub(super) not_before: Option<Timestamp>,
}

impl Tries {
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }
}

/// How far the deletion of the pod's own group is.
#[derive(Debug, Default)]
pub(super) struct Deletion {
    /// The provider accepted a delete.
    pub(super) accepted: bool,
    /// The last delete that was sent left the containers no time.
    pub(super) forced: bool,
    pub(super) tries: Tries,
}

/// A group of ours whose UID no list knows.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) seen: ObservedPod,
    /// A complete sweep contained it: increments alone prove nothing.
    pub(super) swept: bool,
    pub(super) reading: bool,
    pub(super) deleting: bool,
}

/// One pod.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) facts: PodFacts,
    /// Its full text, while it may be needed to start it.
    pub(super) pod: Option<Arc<corev1::Pod>>,
    /// It was bound after this process had its first list, so nobody can have started it before.
    pub(super) fresh: bool,
    /// The attempt that the next create makes or repeats.
    pub(super) attempt: Attempt,
    /// The attempt of the last create, or of the group that runs the pod.
    pub(super) tried: Attempt,
    pub(super) run: Run,
    /// The API server has no such object any more.
    pub(super) object_gone: bool,
    /// The API server accepted the final delete; finalizers of others may still hold the object.
    pub(super) removed: bool,
    pub(super) observed: Option<ObservedPod>,
    /// Other groups of this UID, not yet judged.
    pub(super) rivals: BTreeMap<GroupId, ObservedPod>,
    /// Groups of this UID that are to be deleted.
    pub(super) surplus: BTreeMap<GroupId, Tries>,
    /// Groups of this UID whose deletion was accepted.
    pub(super) dropped: BTreeSet<GroupId>,
    pub(super) waiting: Option<Waiting>,
    pub(super) ended: Option<Ended>,
    /// Annotations that the pod should carry.
    pub(super) wanted: BTreeMap<String, String>,
    /// The provider's marks say that the group is this pod's.
    pub(super) verified: bool,
    /// When the pod was first seen by this process.
    pub(super) seen_at: Timestamp,
    /// An annotated group that turned out to be another pod's.
    pub(super) void: Option<GroupId>,
    /// Since when the API server calls the pod ended while its group is not.
    pub(super) terminal_since: Option<Timestamp>,
    /// Other groups of the UID must be deleted before its object goes.
    pub(super) ending_rivals: bool,
    /// A complete list lacked the pod; a fresh read must say whether it is gone.
    pub(super) unlisted: bool,
    pub(super) reading: Tries,
    /// When the group became known.
    pub(super) started_at: Option<Timestamp>,
    /// A complete sweep lacked the group.
    pub(super) suspect: bool,
    /// A lookup found nothing since the last create.
    pub(super) looked: bool,
    /// This process has sent a create for it.
    pub(super) sent_create: bool,
    /// While unsettled: the cloud refused the repeated create.
    pub(super) refused_again: bool,
    pub(super) busy: Busy,
    pub(super) start: Tries,
    pub(super) patch: Tries,
    pub(super) removal: Tries,
    pub(super) deletion: Deletion,
    /// The write that is under way.
    pub(super) sent: Option<Box<PodPatch>>,
    /// Since when a light change of status is held back.
    pub(super) held_since: Option<Timestamp>,
    /// Our last write: older events of the watch say nothing about the status.
    pub(super) written: Option<u64>,
    pub(super) alarm: Option<Timestamp>,
    pub(super) awaited: Option<GroupId>,
}

impl Record {
    pub(super) fn new(now: Timestamp, facts: PodFacts, pod: &Arc<corev1::Pod>, fresh: bool) -> Self {
        // Nobody can have started a pod that was bound after the list, unless it shows traces of that.
        let clean = facts.stored.phase == Phase::Pending
            && !facts.stored.ever_ran
            && facts.annotated_group.is_none()
            && facts.deletion_grace.is_none();
        let listed = fresh;
        let fresh = fresh && clean;
        // The annotation is the word of whoever may edit the pod, so it names a group only until the provider's
        // own marks do: nothing is deleted or read on its strength.
        let run = match &facts.annotated_group {
            group if facts.stored.phase.is_terminal() => Run::Ended(group.clone()),
            _ if fresh => Run::Waiting,
            Some(group) if facts.stored.ever_ran => Run::Started(group.clone()),
            // A process before this one may have sent a create: a refusal of ours would prove nothing, and to
            // repeat the attempt is safe.
            _ => Run::Unsettled { since: now },
        };
        let mut record = Self {
            attempt: facts.annotated_attempt,
            tried: facts.annotated_attempt,
            pod: None,
            facts,
            fresh,
            run,
            object_gone: false,
            removed: false,
            observed: None,
            rivals: BTreeMap::new(),
            surplus: BTreeMap::new(),
            dropped: BTreeSet::new(),
            waiting: None,
            ended: None,
            wanted: BTreeMap::new(),
            started_at: None,
            verified: false,
            seen_at: now,
            void: None,
            terminal_since: None,
            ending_rivals: false,
            unlisted: false,
            reading: Tries::default(),
            suspect: false,
            // For a pod of the first list the first sweep is the lookup.
            looked: !listed,
            refused_again: false,
            sent_create: false,
            busy: Busy::default(),
            start: Tries::default(),
            patch: Tries::default(),
            removal: Tries::default(),
            deletion: Deletion::default(),
            sent: None,
            held_since: None,
            written: None,
            alarm: None,
            awaited: None,
        };
        record.keep_text(pod);
        record
    }

    /// Takes in what the watch says of the pod. Answers to our own writes may arrive before older events: those
    /// keep what we know to be newer.
    pub(super) fn update(&mut self, mut facts: PodFacts, pod: &Arc<corev1::Pod>) {
        let older = match (facts.resource_version, self.written) {
            (Some(event), Some(written)) => event < written,
            _ => false,
        };
        if older {
            facts.stored = self.facts.stored.clone();
            facts.annotations = self.facts.annotations.clone();
            facts.annotated_attempt = self.facts.annotated_attempt;
            facts.annotated_group = self.facts.annotated_group.clone();
        }
        if self.facts.stored.phase.is_terminal() && !facts.stored.phase.is_terminal() {
            facts.stored = self.facts.stored.clone();
        }
        let changed = facts.generation != self.facts.generation;
        // While an attempt may have been accepted, no other may begin, whatever the annotation says.
        if matches!(self.run, Run::Waiting | Run::Refused) {
            self.attempt = self.attempt.max(facts.annotated_attempt);
        }
        self.unlisted = false;
        self.facts = facts;
        if self.run == Run::Refused && changed {
            self.run = Run::Waiting;
            self.waiting = None;
        }
        self.keep_text(pod);
    }

    /// The full text is needed until something of the pod has run.
    pub(super) fn keep_text(&mut self, pod: &Arc<corev1::Pod>) {
        let needed = !self.has_run() && !matches!(self.run, Run::Ended(_));
        self.pod = needed.then(|| Arc::clone(pod));
    }

    pub(super) fn has_run(&self) -> bool {
        self.facts.stored.ever_ran
            || self.facts.stored.phase != Phase::Pending
            || self.observed.as_ref().is_some_and(|pod| pod.containers.iter().any(ran))
    }

    pub(super) fn is_doomed(&self) -> bool {
        self.object_gone || self.facts.deletion_grace.is_some()
    }

    /// Takes in what the provider says of one group of this UID.
    pub(super) fn see(&mut self, now: Timestamp, seen: ObservedPod, in_sweep: bool) {
        let id = seen.group.clone();
        if self.surplus.contains_key(&id) || self.busy.deleting.contains(&id) && self.group() != Some(&id) {
            return;
        }
        if self.dropped.contains(&id) {
            if in_sweep && self.group() != Some(&id) {
                self.dropped.remove(&id);
                self.surplus.insert(id, Tries::default());
            }
            return;
        }
        match &self.run {
            Run::Started(group) | Run::Ended(Some(group)) if *group == id => {
                self.verified = true;
                self.take(seen);
            }
            Run::Started(_) if !self.verified && seen.state != GroupState::NeverStarted => {
                self.adopt(now, id);
                self.take(seen);
            }
            // The end was told by another process, and this is what ended: its log may still be wanted.
            Run::Ended(None) if !self.is_doomed() => {
                self.run = Run::Ended(Some(id));
                self.verified = true;
                self.take(seen);
            }
            Run::Ended(Some(_)) if !self.verified && !self.is_doomed() => {
                self.run = Run::Ended(Some(id));
                self.verified = true;
                self.take(seen);
            }
            Run::Started(_) | Run::Ended(_) => {
                self.rivals.insert(id, seen);
            }
            Run::Waiting | Run::Unsettled { .. } | Run::Accepted { .. } | Run::Refused => {
                if seen.state == GroupState::NeverStarted {
                    self.surplus.insert(id, Tries::default());
                } else {
                    self.adopt(now, id);
                    self.take(seen);
                }
            }
        }
    }

    /// This group runs the pod from now on.
    pub(super) fn adopt(&mut self, now: Timestamp, group: GroupId) {
        self.rivals.remove(&group);
        self.run = Run::Started(group);
        self.verified = true;
        self.started_at = Some(now);
        self.observed = None;
        self.waiting = None;
        self.suspect = false;
        self.looked = false;
        self.refused_again = false;
        self.start = Tries::default();
        self.deletion = Deletion::default();
    }

    /// A group that was a rival runs the pod, now that its own is known to be gone.
    pub(super) fn adopt_rival(&mut self, now: Timestamp) -> bool {
        let oldest = self.rivals.values().filter(|seen| seen.state != GroupState::NeverStarted);
        let Some(seen) = oldest.min_by_key(|seen| (seen.created_at, seen.group.clone())).cloned() else {
            return false;
        };
        self.adopt(now, seen.group.clone());
        self.take(seen);
        true
    }

    fn take(&mut self, seen: ObservedPod) {
        self.suspect = false;
        self.attempt = self.attempt.max(seen.attempt);
        self.tried = seen.attempt;
        self.wanted.extend(seen.annotations.clone());
        let terminal = self.observed.as_ref().is_some_and(|before| before.state.is_terminal());
        // A late answer must not wake what has ended (S6).
        if !terminal || seen.state.is_terminal() {
            self.observed = Some(seen);
        }
        if self.has_run() {
            self.pod = None;
        }
    }

    /// The group that runs or ran the pod.
    pub(super) fn group(&self) -> Option<&GroupId> {
        match &self.run {
            Run::Started(group) => Some(group),
            Run::Ended(group) => group.as_ref(),
            _ => None,
        }
    }

    /// The group that the pod is said to have, by its annotation only.
    pub(super) fn named_group(&self) -> Option<&GroupId> {
        let named = self.group().or(self.facts.annotated_group.as_ref());
        named.filter(|id| self.void.as_ref() != Some(*id))
    }

    /// Takes over groups that were seen before the pod was.
    pub(super) fn adopt_orphans(&mut self, orphans: &mut BTreeMap<GroupId, Orphan>) {
        let uid = &self.facts.key.uid;
        let mut mine: Vec<_> = orphans
            .iter()
            .filter(|(_, orphan)| orphan.seen.key.uid == *uid)
            .map(|(id, _)| id.clone())
            .collect();
        mine.sort_by_key(|id| self.facts.annotated_group.as_ref() != Some(id));
        for id in mine {
            if let Some(orphan) = orphans.remove(&id) {
                if orphan.deleting {
                    self.dropped.insert(id);
                } else {
                    let at = orphan.seen.created_at.unwrap_or(Timestamp::UNIX_EPOCH);
                    self.see(at, orphan.seen, false);
                }
            }
        }
    }

    pub(super) fn summary(&self) -> Summary {
        let all = self.facts.init_containers.iter().chain(&self.facts.containers);
        let containers =
            all.map(|container| (container.name.clone(), self.container_summary(&container.name))).collect();
        let group = self.group().filter(|_| self.verified).cloned();
        Summary { key: self.facts.key.clone(), group, containers }
    }

    fn container_summary(&self, name: &str) -> ContainerSummary {
        let seen = self
            .observed
            .as_ref()
            .and_then(|pod| pod.containers.iter().chain(&pod.init_containers).find(|c| c.name == name));
        let stored = self.facts.stored.restart_counts.get(name).copied().unwrap_or(0);
        match seen {
            Some(seen) if ran(seen) => ContainerSummary::Ran {
                running: matches!(seen.state, ContainerState::Running { .. })
                    && !matches!(self.run, Run::Ended(_)),
                restart_count: seen.restart_count.max(stored),
            },
            Some(ObservedContainer {
                state: ContainerState::Waiting { reason: Some(reason), .. }, ..
            }) => ContainerSummary::Waiting(reason.clone()),
            // Not observed yet, but it ran before this process began.
            None if self.facts.stored.ever_ran => {
                let running = matches!(self.run, Run::Started(_));
                ContainerSummary::Ran { running, restart_count: stored }
            }
            _ => ContainerSummary::Waiting(match &self.waiting {
                Some(waiting) => waiting.reason.clone(),
                None => "ContainerCreating".to_owned(),
            }),
        }
    }

    /// Whether everything that can be expected of the pod has happened.
    pub(super) fn is_steady(&self) -> bool {
        let ready = |container: &ObservedContainer| {
            container.ready || matches!(container.state, ContainerState::Terminated(_))
        };
        self.observed.as_ref().is_some_and(|pod| {
            pod.state == GroupState::Running && !pod.containers.is_empty() && pod.containers.iter().all(ready)
        })
    }
}

fn ran(container: &ObservedContainer) -> bool {
    container.last_terminated.is_some() || !matches!(container.state, ContainerState::Waiting { .. })
}
