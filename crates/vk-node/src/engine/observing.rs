//! Decides when to ask the provider what, and takes in what it reports.
//!
//! Increments tell what changed; only complete sweeps, and reads by name, tell of absence.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use vk_core::{Cursor, Fetched, GroupId, Observation, ObservedPod, ProviderError};

use super::record::{Orphan, Run};
use super::{Action, Engine, backoff};
use crate::status::Ended;

/// Groups asked for by name at a time: five calls of 20.
const FETCH: usize = 100;

/// From this many groups whose absence is awaited, a complete sweep (200 groups a call) costs less.
const SWEEP_INSTEAD: usize = 400;

/// The least time between two such sweeps.
const SWEEP_INSTEAD_EVERY: Duration = Duration::from_secs(5);

/// State of the one poller.
#[derive(Debug, Default)]
pub(super) struct Observing {
    /// Under way, and whether it was asked for everything.
    asking: Option<bool>,
    fetching: bool,
    last: Option<Timestamp>,
    last_fetch: Option<Timestamp>,
    /// When the last sweep began that was answered.
    last_sweep: Option<Timestamp>,
    /// When the last sweep began whose answer was complete.
    proof: Option<Timestamp>,
    sweep_began: Option<Timestamp>,
    /// A sweep was asked for by then.
    wanted_sweep: Option<Timestamp>,
    cursor: Option<Cursor>,
    failures: u32,
    not_before: Option<Timestamp>,
    /// The last group of the last read by name, so that reads go round.
    fetched_to: Option<GroupId>,
}

impl Observing {
    /// Asks for a sweep at that time at the latest; the last wish covers those before it.
    pub(super) fn want_sweep(&mut self, at: Timestamp) {
        self.wanted_sweep = self.wanted_sweep.max(Some(at));
    }

    /// When the last sweep began that was answered.
    pub(super) fn answered(&self) -> Option<Timestamp> {
        self.last_sweep
    }

    /// When the last sweep began whose answer was complete.
    pub(super) fn proof(&self) -> Option<Timestamp> {
        self.proof
    }
}

fn older(now: Timestamp, at: Option<Timestamp>, than: Duration) -> bool {
    let than = SignedDuration::try_from(than).unwrap_or(SignedDuration::MAX);
    at.is_none_or(|at| now.duration_since(at) >= than)
}

impl Engine {
    fn interval(&self) -> Duration {
        let timing = &self.config.timing;
        if !self.moving.is_empty() {
            timing.poll_moving
        } else if !self.records.is_empty() || !self.orphans.is_empty() {
            timing.poll_resting
        } else {
            timing.poll_idle
        }
    }

    /// When the next observation is due.
    pub(super) fn next_observation(&self, now: Timestamp) -> Timestamp {
        let state = &self.observing;
        let later = now + self.config.timing.poll_idle;
        let poll = match state.asking {
            Some(_) => later,
            None => {
                let due = state.last.map_or(now, |last| last + self.interval());
                due.max(state.not_before.unwrap_or(due))
            }
        };
        let fetch = if state.fetching || self.awaited.is_empty() {
            later
        } else {
            state.last_fetch.map_or(now, |last| last + self.config.timing.poll_moving)
        };
        poll.min(fetch)
    }

    /// Asks for what is due.
    pub(super) fn observe(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        let interval = self.interval();
        let many = self.awaited.len() >= SWEEP_INSTEAD;
        let timing = &self.config.timing;
        let state = &mut self.observing;
        let held = state.not_before.is_some_and(|at| at > now);
        if state.asking.is_none() && !held && older(now, state.last, interval) {
            let sweep = older(now, state.sweep_began, timing.sweep)
                || state.wanted_sweep.is_some_and(|at| at <= now)
                || state.last_sweep.is_none()
                || many && older(now, state.sweep_began, SWEEP_INSTEAD_EVERY);
            let since = state.cursor.filter(|_| !sweep);
            state.asking = Some(since.is_none());
            state.last = Some(now);
            if since.is_none() {
                state.sweep_began = Some(now);
                state.wanted_sweep = state.wanted_sweep.filter(|at| *at > now);
            }
            actions.push(Action::Observe(since));
        }
        if !state.fetching
            && !self.awaited.is_empty()
            && !many
            && older(now, state.last_fetch, timing.poll_moving)
        {
            let after = state.fetched_to.take();
            let mut groups: Vec<_> = self
                .awaited
                .keys()
                .filter(|id| after.as_ref().is_none_or(|after| *id > after))
                .take(FETCH)
                .cloned()
                .collect();
            if groups.is_empty() {
                groups = self.awaited.keys().take(FETCH).cloned().collect();
            }
            state.fetched_to = groups.last().cloned();
            state.fetching = true;
            state.last_fetch = Some(now);
            actions.push(Action::Fetch(groups));
        }
    }

    pub(super) fn observed(
        &mut self,
        now: Timestamp,
        result: Result<Observation, ProviderError>,
        actions: &mut Vec<Action>,
    ) {
        let sweep = self.observing.asking.take().unwrap_or(false);
        let observation = match result {
            Ok(observation) => observation,
            Err(error) => return self.observation_failed(now, sweep, &error),
        };
        self.cloud.read(now, None);
        self.observing.failures = 0;
        self.observing.not_before = None;
        self.observing.cursor = Some(observation.cursor);
        let complete = observation.complete;
        if sweep {
            self.observing.last_sweep = self.observing.sweep_began;
        }
        if sweep && complete {
            self.observing.proof = self.observing.sweep_began;
        }
        let present: BTreeSet<_> = if complete {
            observation.groups.iter().map(|seen| seen.group.clone()).collect()
        } else {
            BTreeSet::new()
        };
        let mut touched = BTreeSet::new();
        for seen in self.named_first(observation.groups) {
            if let Some(uid) = self.see(now, seen, complete) {
                touched.insert(uid);
            }
        }
        if complete {
            self.conclude_absences(now, &present, &mut touched, actions);
        }
        if sweep {
            // Some have waited for what a sweep proves.
            touched.extend(self.records.keys().cloned());
        }
        for uid in touched {
            self.decide(now, &uid, actions);
        }
        if complete {
            self.consider_orphans(now, actions);
            self.consider_rivals(actions);
        }
    }

    /// Groups that their pods' annotations name come first: where a pod has two, the first one seen is taken for its own.
    fn named_first(&self, groups: Vec<ObservedPod>) -> Vec<ObservedPod> {
        let (mut named, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|seen| {
            let record = self.records.get(&seen.key.uid);
            record.and_then(|record| record.facts.annotated_group.as_ref()) == Some(&seen.group)
        });
        named.extend(others);
        named
    }

    fn observation_failed(&mut self, now: Timestamp, sweep: bool, error: &ProviderError) {
        self.cloud.read(now, Some(error));
        let state = &mut self.observing;
        if sweep {
            state.sweep_began = state.last_sweep;
        }
        state.failures = state.failures.saturating_add(1);
        let range = (self.config.timing.poll_moving, self.config.timing.poll_idle);
        let wait = backoff::wait(state.failures, range, "observe");
        let advised = match error.kind() {
            vk_core::ErrorKind::Throttled { retry_after: Some(after) } => *after,
            _ => Duration::ZERO,
        };
        state.not_before = Some(now + wait.max(advised));
    }

    pub(super) fn see(&mut self, now: Timestamp, seen: ObservedPod, in_sweep: bool) -> Option<String> {
        let uid = seen.key.uid.clone();
        if let Some(record) = self.records.get_mut(&uid) {
            record.see(now, seen, in_sweep);
            return Some(uid);
        }
        let orphan = self.orphans.entry(seen.group.clone()).or_insert_with(|| Orphan {
            seen: seen.clone(),
            swept: false,
            reading: false,
            deleting: false,
        });
        orphan.swept |= in_sweep;
        orphan.seen = seen;
        None
    }

    /// What a complete sweep lacked.
    fn conclude_absences(
        &mut self,
        now: Timestamp,
        present: &BTreeSet<GroupId>,
        touched: &mut BTreeSet<String>,
        actions: &mut Vec<Action>,
    ) {
        self.orphans.retain(|id, _| present.contains(id));
        let visibility = self.config.timing.visibility;
        let began = self.observing.proof;
        let mut wanted = Vec::new();
        let mut gone = Vec::new();
        for (uid, record) in &mut self.records {
            record.dropped.retain(|id| present.contains(id));
            record.rivals.retain(|id, _| present.contains(id));
            let Run::Started(group) = &record.run else {
                continue;
            };
            if present.contains(group) {
                continue;
            }
            if !record.verified {
                // Any group of this UID would have been taken for the pod's: there is none, and the pod ran. A sweep
                // that began earlier may be older than the group.
                let visible = record.seen_at + visibility;
                if began.is_none_or(|began| began < visible) {
                    wanted.push(visible);
                    continue;
                }
                record.run = Run::Ended(None);
                record.ended = Some(if record.is_doomed() { Ended::Deleted } else { Ended::Vanished });
                touched.insert(uid.clone());
            } else if record.is_doomed() && record.deletion.accepted {
                gone.push((uid.clone(), group.clone()));
            } else if older(now, record.started_at, visibility) {
                record.suspect = true;
                touched.insert(uid.clone());
            }
        }
        for at in wanted {
            self.observing.want_sweep(at);
        }
        for (uid, group) in gone {
            self.absent(now, &uid, &group, actions);
            touched.insert(uid);
        }
    }

    pub(super) fn fetched(
        &mut self,
        now: Timestamp,
        result: Result<Fetched, ProviderError>,
        actions: &mut Vec<Action>,
    ) {
        self.observing.fetching = false;
        // The poller judges the cloud; an unanswered read by name is simply repeated.
        let Ok(fetched) = result else { return };
        let mut touched = BTreeSet::new();
        for seen in self.named_first(fetched.present) {
            self.void_claim(now, &seen, &mut touched);
            touched.extend(self.see(now, seen, false));
        }
        for group in fetched.absent {
            if let Some(uid) = self.awaited.get(&group).cloned() {
                self.absent(now, &uid, &group, actions);
                touched.insert(uid);
            }
        }
        for uid in touched {
            self.decide(now, &uid, actions);
        }
    }

    /// The group that a pod's annotation names carries another pod's UID.
    fn void_claim(&mut self, now: Timestamp, seen: &ObservedPod, touched: &mut BTreeSet<String>) {
        let Some(uid) = self.awaited.get(&seen.group).filter(|uid| **uid != seen.key.uid).cloned() else {
            return;
        };
        if let Some(record) = self.records.get_mut(&uid).filter(|record| !record.verified) {
            record.void = Some(seen.group.clone());
            if matches!(record.run, Run::Started(_)) {
                record.run = Run::Unsettled { since: now };
            }
            touched.insert(uid);
        }
    }

    /// A complete and permitted read did not contain the pod's group.
    fn absent(&mut self, now: Timestamp, uid: &str, group: &GroupId, actions: &mut Vec<Action>) {
        let Some(record) = self.records.get_mut(uid) else {
            return;
        };
        let own = record.group() == Some(group) && matches!(record.run, Run::Started(_));
        let named = record.is_doomed() && !record.verified && record.named_group() == Some(group);
        if !own && !named {
            return;
        }
        if record.is_doomed() {
            record.run = Run::Ended(None);
            record.ended = Some(Ended::Deleted);
        } else if record.suspect && record.adopt_rival(now) {
            // Its own group is gone, another one runs it.
        } else if record.suspect && record.has_run() {
            record.run = Run::Ended(None);
            record.ended = Some(Ended::Vanished);
            let message = format!("{group} no longer exists and was not deleted by the node");
            actions.push(record.event(true, "ContainerGroupGone", &message));
        } else if record.suspect {
            let message = format!("{group} disappeared before it ran; another attempt follows");
            record.fail_attempt(now, &self.config, "ContainerGroupGone".to_owned(), message, actions);
        }
    }

    /// A group of ours without a pod is deleted only after a fresh read of the API server (S3).
    pub(super) fn consider_orphans(&mut self, _now: Timestamp, actions: &mut Vec<Action>) {
        if !self.listed {
            return;
        }
        for orphan in self.orphans.values_mut() {
            if orphan.swept && !orphan.reading && !orphan.deleting {
                orphan.reading = true;
                actions.push(Action::Read(orphan.seen.key.clone()));
            }
        }
    }

    /// Two groups of one UID: the pod's annotation, read afresh, says which stays.
    fn consider_rivals(&mut self, actions: &mut Vec<Action>) {
        for record in self.records.values_mut() {
            if !record.rivals.is_empty() && !record.busy.reading && !record.object_gone {
                record.busy.reading = true;
                actions.push(Action::Read(record.facts.key.clone()));
            }
        }
    }
}
