//! Remembers what full readings and creates told of each group, and what proves that one is gone.
//!
//! Everything here can be read from the cloud again: a process that starts with an empty index decides the same, with
//! more calls. Bounded by the groups of the node: every complete sweep drops what it did not see.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use eci_client::model::{ContainerGroup, ContainerGroupStatus, Status};
use eci_translate::marks::Marks;
use eci_translate::{Known, observed_from_group, observed_from_status};
use vk_core::{ContainerState, GroupId, ObservedContainer, ObservedPod, Placement};

use crate::ownership::{Ownership, on_this_node};

/// How long a proof that a group is gone is kept. Whoever waits for the group to be gone asks every second, so this
/// only has to outlast an outage of the cloud between the accepted delete and the first answer after it.
const PROOF_KEPT: Duration = Duration::from_secs(3600);

/// A group of ours.
#[derive(Debug)]
struct Entry {
    known: Known,
    on_this_node: bool,
    /// When a create of this process was told of it; `None` for groups that others made.
    accepted: Option<Instant>,
    /// When an answer last showed it.
    seen: Option<Instant>,
    /// It was not terminal when it was last seen, and its deletion was not asked for.
    lives: bool,
    /// A container of it that has run, and so has a log.
    ran: Option<String>,
    /// Read in full since it was placed: zone, network interface and addresses are known.
    told: bool,
    /// Its init containers have not all done their work; light readings do not tell of them.
    initializing: bool,
}

/// What is to be read in full after a light list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Whose they are is not known, so that the list means nothing for them yet.
    pub(crate) unknown: Vec<GroupId>,
    /// Known, but a light reading lacks something that has changed.
    pub(crate) stale: Vec<GroupId>,
}

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: HashMap<GroupId, Entry>,
    /// Groups that lists of this node show and that are not this node's.
    others: BTreeSet<GroupId>,
    /// Groups that a list showed and that a full reading did not, yet.
    doubtful: BTreeSet<GroupId>,
    /// Groups that the cloud said are gone, or promised to remove.
    gone: HashMap<GroupId, Instant>,
    /// The last cursor that was handed out, and when.
    cursor: Option<(Timestamp, Instant)>,
}

impl Index {
    /// A create was accepted.
    pub(crate) fn created(&mut self, now: Instant, id: &GroupId, known: Known, has_init_containers: bool) {
        let entry = self.entries.entry(id.clone()).or_insert(Entry {
            known,
            on_this_node: true,
            accepted: None,
            seen: None,
            lives: true,
            ran: None,
            told: false,
            initializing: has_init_containers,
        });
        entry.accepted.get_or_insert(now);
    }

    /// A full reading showed the group. Tells what it reads like, if it is ours.
    pub(crate) fn learn(
        &mut self,
        now: Instant,
        group: &ContainerGroup,
        placement: &Placement,
    ) -> (Ownership, Option<ObservedPod>) {
        let ownership = Ownership::of(group, placement);
        let Ownership::Ours(marks) = &ownership else { return (ownership, None) };
        let Some(observed) = observed_from_group(group) else { return (Ownership::Untold, None) };
        self.read(now, marks, &observed, placement, group.status != Status::Scheduling);
        (ownership, Some(observed))
    }

    fn read(
        &mut self,
        now: Instant,
        marks: &Marks,
        observed: &ObservedPod,
        placement: &Placement,
        placed: bool,
    ) {
        let initialized = observed.init_containers.iter().all(ended_well);
        let before = self.entries.remove(&observed.group);
        self.others.remove(&observed.group);
        self.doubtful.remove(&observed.group);
        let entry = Entry {
            known: Known {
                marks: marks.clone(),
                created_at: observed.created_at,
                init_containers: observed.init_containers.clone(),
                annotations: observed.annotations.clone(),
            },
            on_this_node: on_this_node(marks, placement),
            accepted: before.as_ref().and_then(|before| before.accepted),
            seen: Some(now),
            lives: !observed.state.is_terminal() && !self.gone.contains_key(&observed.group),
            ran: one_that_ran(observed).or(before.and_then(|before| before.ran)),
            told: placed,
            initializing: !initialized && !observed.state.is_terminal(),
        };
        self.entries.insert(observed.group.clone(), entry);
    }

    /// What must or should be read in full, given a light list.
    pub(crate) fn unread(&self, shown: &BTreeMap<GroupId, ContainerGroupStatus>, complete: bool) -> Unread {
        let mut unread = Unread::default();
        for (id, status) in shown {
            match self.entries.get(id) {
                None if self.others.contains(id) => {}
                None => unread.unknown.push(id.clone()),
                Some(entry) => {
                    let placed = status.status != Status::Scheduling;
                    if entry.on_this_node && placed && (entry.initializing || !entry.told) {
                        unread.stale.push(id.clone());
                    }
                }
            }
        }
        if !complete {
            // An increment may have ceased to show a group before anybody could tell whose it is.
            unread.unknown.extend(self.doubtful.iter().filter(|id| !shown.contains_key(*id)).cloned());
        }
        unread
    }

    /// What a light reading says of a group of this node; `None` for a group that is not known as one.
    pub(crate) fn report(&mut self, now: Instant, status: &ContainerGroupStatus) -> Option<ObservedPod> {
        let id = GroupId::new(status.container_group_id.as_str());
        let entry = self.entries.get_mut(&id).filter(|entry| entry.on_this_node)?;
        let observed = observed_from_status(status, &entry.known);
        entry.seen = Some(now);
        entry.lives = !observed.state.is_terminal() && !self.gone.contains_key(&id);
        entry.ran = one_that_ran(&observed).or(entry.ran.take());
        Some(observed)
    }

    /// Whether the group is known as one of this cluster.
    pub(crate) fn is_ours(&self, id: &GroupId) -> bool {
        self.entries.contains_key(id)
    }

    /// Whether it is known whose the group is.
    pub(crate) fn is_identified(&self, id: &GroupId) -> bool {
        self.entries.contains_key(id) || self.others.contains(id)
    }

    /// A list of this node showed a group that is not this node's. Tells whether that is new.
    pub(crate) fn skip(&mut self, id: &GroupId) -> bool {
        self.doubtful.remove(id);
        self.others.insert(id.clone())
    }

    /// A list showed the group and a full reading did not.
    pub(crate) fn doubt(&mut self, id: &GroupId) {
        self.doubtful.insert(id.clone());
    }

    /// The cloud promised to remove the group, or said that no group has this name.
    pub(crate) fn gone(&mut self, now: Instant, id: &GroupId) {
        self.gone.insert(id.clone(), now);
        self.doubtful.remove(id);
        if let Some(entry) = self.entries.get_mut(id) {
            entry.lives = false;
        }
    }

    /// Whether the cloud promised to remove the group, or said that it is not there.
    pub(crate) fn is_gone(&self, id: &GroupId) -> bool {
        self.gone.contains_key(id)
    }

    /// Whether the group was accepted so short a time ago that reads need not show it yet.
    pub(crate) fn may_be_invisible(&self, now: Instant, id: &GroupId, lag: Duration) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.may_be_invisible(now, lag))
    }

    /// Whether a group of this node was seen and is now gone by the cloud's own word.
    pub(crate) fn removed_any(&self) -> bool {
        let removed = |(id, entry): (&GroupId, &Entry)| {
            entry.on_this_node && entry.seen.is_some() && self.gone.contains_key(id)
        };
        self.entries.iter().any(removed)
    }

    /// A container of the group that has run.
    pub(crate) fn one_that_ran(&self, id: &GroupId) -> Option<String> {
        self.entries.get(id)?.ran.clone()
    }

    /// A group that lived when it was last seen, and is none of these: it should be in the next answer that asks
    /// for it. The one seen last.
    pub(crate) fn witness(&self, but: &[GroupId]) -> Option<GroupId> {
        let but: HashSet<_> = but.iter().collect();
        let living = self.entries.iter().filter(|(id, entry)| entry.lives && !but.contains(id));
        let seen = living.filter_map(|(id, entry)| Some((entry.seen?, id)));
        seen.max().map(|(_, id)| id.clone())
    }

    /// Groups of this node that a complete list should show.
    pub(crate) fn expected(&self, now: Instant, lag: Duration) -> Vec<GroupId> {
        let expected = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.on_this_node && entry.lives && !entry.may_be_invisible(now, lag));
        let mut ids: Vec<_> = expected.map(|(id, _)| id.clone()).collect();
        ids.sort();
        ids
    }

    /// A complete list that began at `began` showed these groups: everything else is dropped, but for groups that
    /// need not be visible yet.
    pub(crate) fn prune(
        &mut self,
        began: Instant,
        shown: &BTreeMap<GroupId, ContainerGroupStatus>,
        lag: Duration,
    ) {
        self.entries.retain(|id, entry| {
            let since = entry.seen.max(entry.accepted);
            shown.contains_key(id) || since.is_some_and(|since| since + lag >= began)
        });
        self.others.retain(|id| shown.contains_key(id));
        self.doubtful.retain(|id| shown.contains_key(id));
        self.gone.retain(|_, since| *since + PROOF_KEPT >= began);
    }

    /// Notes that this cursor was handed out for a reading that began at `began`.
    pub(crate) fn hand_out(&mut self, cursor: Timestamp, began: Instant) {
        self.cursor = Some((cursor, began));
    }

    /// How long ago this cursor was handed out, by the clock that nobody sets; `None` if it is not the last one.
    pub(crate) fn age(&self, cursor: Timestamp, now: Instant) -> Option<Duration> {
        let (_, began) = self.cursor.filter(|(last, _)| *last == cursor)?;
        Some(now.duration_since(began))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len() + self.others.len() + self.doubtful.len()
    }
}

impl Entry {
    fn may_be_invisible(&self, now: Instant, lag: Duration) -> bool {
        self.seen.is_none() && self.accepted.is_some_and(|accepted| accepted + lag > now)
    }
}

fn ended_well(container: &ObservedContainer) -> bool {
    matches!(&container.state, ContainerState::Terminated(end) if end.exit_code == 0)
}

fn one_that_ran(observed: &ObservedPod) -> Option<String> {
    let ran = |container: &&ObservedContainer| {
        container.last_terminated.is_some() || !matches!(container.state, ContainerState::Waiting { .. })
    };
    observed.containers.iter().find(ran).map(|container| container.name.clone())
}
