//! All groups, with the indexes that keep reads proportional to their result.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};

use jiff::Timestamp;

use super::addresses::Addresses;
use super::stock;
use crate::clock::later;
use crate::group::{Group, Status};
use crate::settings::{Settings, seconds};

/// Groups that are gone and still listed by `/_sim/groups`.
const MAX_TOMBSTONES: usize = 20_000;

/// What is remembered of a group that is gone.
#[derive(Debug)]
pub(crate) struct Tombstone {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) client_token: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) gone_at: Timestamp,
    pub(crate) last_status: Status,
    /// Cloud disks that were made for it, and whether the request said that they go with it.
    pub(crate) disks: Vec<(String, Option<bool>)>,
    /// Deleted by somebody, rather than removed after its retention.
    pub(crate) deleted: bool,
}

#[derive(Debug)]
pub(crate) struct Store {
    groups: BTreeMap<u64, Group>,
    last_seq: u64,
    by_id: HashMap<String, u64>,
    by_tag: HashMap<(String, String), BTreeSet<u64>>,
    by_change: BTreeSet<(Timestamp, u64)>,
    /// Ended groups of each account and region, oldest first.
    ended: BTreeMap<(String, String), BTreeSet<(Timestamp, u64)>>,
    /// When to look at a group again. Entries may be out of date; the group knows better.
    timers: BinaryHeap<Reverse<(Timestamp, u64)>>,
    pub(crate) addresses: Addresses,
    gone: VecDeque<Tombstone>,
}

impl Store {
    pub(crate) fn new(addresses: Addresses) -> Self {
        Self {
            groups: BTreeMap::new(),
            last_seq: 0,
            by_id: HashMap::new(),
            by_tag: HashMap::new(),
            by_change: BTreeSet::new(),
            ended: BTreeMap::new(),
            timers: BinaryHeap::new(),
            addresses,
            gone: VecDeque::new(),
        }
    }

    /// Adds a group; its number, the order of creation, is what paging tokens are made of.
    pub(crate) fn insert(&mut self, group: Group, settings: &Settings) {
        self.last_seq += 1;
        let seq = self.last_seq;
        self.by_id.insert(group.facts.id.clone(), seq);
        for tag in &group.facts.tags {
            self.by_tag.entry((tag.0.clone(), tag.1.clone())).or_default().insert(seq);
        }
        self.by_change.insert((group.life.changed_at, seq));
        self.groups.insert(seq, group);
        self.watch(seq, settings);
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Group> {
        self.groups.get(&seq)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Group> {
        self.groups.get(self.by_id.get(id)?)
    }

    /// Changes a group and keeps the indexes right. `None` when there is no such group.
    pub(crate) fn change<T>(
        &mut self,
        id: &str,
        settings: &Settings,
        change: impl FnOnce(&mut Group) -> T,
    ) -> Option<T> {
        let seq = *self.by_id.get(id)?;
        self.change_seq(seq, settings, change)
    }

    fn change_seq<T>(
        &mut self,
        seq: u64,
        settings: &Settings,
        change: impl FnOnce(&mut Group) -> T,
    ) -> Option<T> {
        let group = self.groups.get_mut(&seq)?;
        let changed_before = group.life.changed_at;
        let result = change(group);
        if group.life.changed_at != changed_before {
            self.by_change.remove(&(changed_before, seq));
            self.by_change.insert((group.life.changed_at, seq));
        }
        let ended_at = group.life.ended_at.filter(|_| group.life.status() != Status::ScheduleFailed);
        if let Some(ended_at) = ended_at {
            let region = (group.facts.account.clone(), group.facts.region.clone());
            if self.ended.entry(region.clone()).or_default().insert((ended_at, seq)) {
                self.drop_oldest_ended(&region, ended_at, settings);
            }
        }
        self.watch(seq, settings);
        Some(result)
    }

    /// Gives a group other tags. Returns whether there is such a group.
    pub(crate) fn set_tags(&mut self, id: &str, tags: BTreeMap<String, String>) -> bool {
        let Some(seq) = self.by_id.get(id).copied() else { return false };
        let Some(group) = self.groups.get_mut(&seq) else { return false };
        let old = std::mem::replace(&mut group.facts.tags, tags);
        for tag in &group.facts.tags {
            self.by_tag.entry((tag.0.clone(), tag.1.clone())).or_default().insert(seq);
        }
        let kept = group.facts.tags.clone();
        self.untag(seq, old.into_iter().filter(|(key, value)| kept.get(key) != Some(value)));
        true
    }

    fn untag(&mut self, seq: u64, tags: impl Iterator<Item = (String, String)>) {
        for tag in tags {
            if let Some(groups) = self.by_tag.get_mut(&tag) {
                groups.remove(&seq);
                if groups.is_empty() {
                    self.by_tag.remove(&tag);
                }
            }
        }
    }

    /// Notes when the group must be looked at again.
    fn watch(&mut self, seq: u64, settings: &Settings) {
        let Some(group) = self.groups.get(&seq) else { return };
        let retention = group.life.ended_at.map(|ended_at| match group.life.status() {
            Status::ScheduleFailed => later(ended_at, seconds(settings.schedule_failed_keep_s)),
            _ => later(ended_at, seconds(settings.terminal_keep_s)),
        });
        if let Some(due) = group.life.due().or(retention) {
            self.timers.push(Reverse((due, seq)));
        }
    }

    /// Looks at every group again by its present settings.
    pub(crate) fn watch_all(&mut self, settings: &Settings) {
        let all: Vec<u64> = self.groups.keys().copied().collect();
        all.into_iter().for_each(|seq| self.watch(seq, settings));
    }

    /// Lets everything happen that is due by `now`, in the order of time.
    pub(crate) fn advance(&mut self, now: Timestamp, settings: &Settings) {
        while let Some(Reverse((due, seq))) =
            self.timers.peek().copied().filter(|Reverse((due, _))| *due <= now)
        {
            self.timers.pop();
            self.at(due, seq, settings);
        }
    }

    fn at(&mut self, due: Timestamp, seq: u64, settings: &Settings) {
        let Some(group) = self.groups.get(&seq) else { return };
        if group.life.is_gone(due) {
            self.remove(seq, due);
        } else if let Some((_, offer)) = group.offer_due(due) {
            let refusal = stock::refusal(offer, &group.facts, settings, due, self.groups.values());
            self.change_seq(seq, settings, |group| group.answer_offer(due, refusal, settings));
        } else if group.life.due().is_some_and(|really| really <= due) {
            self.change_seq(seq, settings, |group| group.advance(due, settings));
        } else if group.life.status() == Status::ScheduleFailed {
            if group
                .life
                .ended_at
                .is_some_and(|at| later(at, seconds(settings.schedule_failed_keep_s)) <= due)
            {
                self.remove(seq, due);
            }
        } else if group.life.ended_at.is_some() {
            let region = (group.facts.account.clone(), group.facts.region.clone());
            self.drop_oldest_ended(&region, due, settings);
        }
    }

    /// Removes ended groups beyond the newest ones, once their time is over.
    fn drop_oldest_ended(&mut self, region: &(String, String), now: Timestamp, settings: &Settings) {
        loop {
            let Some(ended) = self.ended.get(region) else { return };
            let oldest = ended.first().copied().filter(|(ended_at, _)| {
                ended.len() > settings.terminal_keep_newest
                    && later(*ended_at, seconds(settings.terminal_keep_s)) <= now
            });
            let Some((_, seq)) = oldest else { return };
            self.remove(seq, now);
        }
    }

    fn remove(&mut self, seq: u64, now: Timestamp) {
        let Some(group) = self.groups.remove(&seq) else { return };
        self.by_id.remove(&group.facts.id);
        self.untag(seq, group.facts.tags.clone().into_iter());
        self.by_change.remove(&(group.life.changed_at, seq));
        if let Some(ended_at) = group.life.ended_at
            && let Some(ended) =
                self.ended.get_mut(&(group.facts.account.clone(), group.facts.region.clone()))
        {
            ended.remove(&(ended_at, seq));
        }
        match group.facts.address_kept() {
            None => self.addresses.give_back(group.facts.address),
            Some(kept) => {
                let (owner, until) = (group.facts.address_owner(), later(now, kept));
                self.addresses.keep(owner, group.facts.address, until);
            }
        }
        self.bury(group, now);
    }

    fn bury(&mut self, group: Group, now: Timestamp) {
        self.gone.push_back(Tombstone {
            id: group.facts.id.clone(),
            name: group.facts.name().to_owned(),
            client_token: group.facts.client_token().map(str::to_owned),
            created_at: group.facts.created_at,
            gone_at: now,
            last_status: group.life.status(),
            deleted: group.life.deletion.is_some(),
            disks: group.facts.made_disks(),
            account: group.facts.account,
            tags: group.facts.tags,
        });
        if self.gone.len() > MAX_TOMBSTONES {
            self.gone.pop_front();
        }
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> + Clone {
        self.groups.values()
    }

    pub(crate) fn gone(&self) -> impl Iterator<Item = &Tombstone> {
        self.gone.iter()
    }

    pub(crate) fn seq_of(&self, id: &str) -> Option<u64> {
        self.by_id.get(id).copied()
    }

    /// Numbers of the groups that carry a tag.
    pub(crate) fn tagged(&self, key: &str, value: &str) -> Option<&BTreeSet<u64>> {
        self.by_tag.get(&(key.to_owned(), value.to_owned()))
    }

    /// Numbers of the groups that changed at or after `since`.
    pub(crate) fn changed_since(&self, since: Timestamp) -> impl Iterator<Item = u64> {
        self.by_change.range((since, 0)..).map(|(_, seq)| *seq)
    }

    /// Numbers of the groups that were created after number `after`.
    pub(crate) fn seqs_after(&self, after: u64) -> impl Iterator<Item = u64> {
        self.groups.range(after + 1..).map(|(seq, _)| *seq)
    }
}
