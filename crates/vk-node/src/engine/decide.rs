//! Decides for one pod what is to be done now, from everything that is known of it.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use vk_core::{Attempt, GroupId, GroupState};

use super::record::{Record, Run, Tries};
use super::{Action, EngineConfig, PodEvent, PodPatch, backoff};
use crate::facts::Phase;
use crate::status::{Ended, Meaning, View, Waiting, pod_status};

/// What a decision may look at besides the record.
pub(super) struct World<'a> {
    pub(super) now: Timestamp,
    /// The wall clock's time, for statuses.
    pub(super) wall: Timestamp,
    pub(super) config: &'a EngineConfig,
    /// The first complete list of pods has arrived.
    pub(super) listed: bool,
    /// When the last sweep of all groups began that was answered, whatever the answer is worth.
    pub(super) answered: Option<Timestamp>,
    /// When the last sweep began whose answer was complete: what it lacked did not exist.
    pub(super) proof: Option<Timestamp>,
}

/// What the engine must remember after a decision.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Look again then.
    pub(super) again_at: Option<Timestamp>,
    /// The absence of this group would matter.
    pub(super) awaits: Option<GroupId>,
    /// A sweep at that time at the latest.
    pub(super) sweep_at: Option<Timestamp>,
    /// It may still change by itself.
    pub(super) moving: bool,
    /// Nothing is left to be done for this UID, ever.
    pub(super) forget: bool,
}

impl Verdict {
    fn at(&mut self, at: Timestamp) {
        self.again_at = Some(self.again_at.map_or(at, |before| before.min(at)));
    }

    fn when_due(&mut self, tries: Tries) {
        if let Some(at) = tries.not_before {
            self.at(at);
        }
    }
}

/// Whether a sweep that began then tells what was not there at that time.
fn proves(sweep: Option<Timestamp>, at: Timestamp) -> bool {
    sweep.is_some_and(|began| began >= at)
}

impl Record {
    pub(super) fn decide(&mut self, world: &World<'_>, actions: &mut Vec<Action>) -> Verdict {
        let mut verdict = Verdict::default();
        self.settle_end(world, actions);
        self.look_for_object(world, actions, &mut verdict);
        if self.is_doomed() {
            self.end(world, actions, &mut verdict);
        } else {
            self.start(world, actions, &mut verdict);
        }
        self.drop_surplus(world, actions, &mut verdict);
        self.write(world, actions, &mut verdict);
        verdict.moving |= match &self.run {
            Run::Unsettled { .. } => self.sent_create,
            Run::Accepted { .. } => true,
            Run::Started(_) => self.is_doomed() || !self.is_steady(),
            Run::Waiting | Run::Refused | Run::Ended(_) => false,
        };
        verdict
    }

    /// A list that lacks a pod may be wrong, and its group is not deleted on that word alone (S3).
    fn look_for_object(&mut self, world: &World<'_>, actions: &mut Vec<Action>, verdict: &mut Verdict) {
        if !self.unlisted || self.object_gone || self.busy.reading {
            return;
        }
        if !self.reading.is_due(world.now) {
            return verdict.when_due(self.reading);
        }
        self.busy.reading = true;
        actions.push(Action::Read(self.facts.key.clone()));
    }

    /// Draws the conclusions of an observed end.
    fn settle_end(&mut self, world: &World<'_>, actions: &mut Vec<Action>) {
        let Run::Started(group) = &self.run else { return };
        let group = group.clone();
        let Some(observed) = self.observed.as_ref() else {
            return;
        };
        match observed.state {
            GroupState::NeverStarted if !self.has_run() => {
                let reason = observed.reason.clone().unwrap_or_else(|| "NotScheduled".to_owned());
                let message = observed
                    .message
                    .clone()
                    .unwrap_or_else(|| format!("{group} could not be placed; another attempt follows"));
                self.surplus.insert(group, Tries::default());
                self.fail_attempt(world.now, world.config, reason, message, actions);
            }
            GroupState::Succeeded | GroupState::Failed | GroupState::Reclaimed | GroupState::NeverStarted => {
                self.run = Run::Ended(Some(group));
                self.pod = None;
            }
            _ => {}
        }
    }

    /// A definite failure: the next attempt is another one, and is written down before any call uses it.
    pub(super) fn fail_attempt(
        &mut self,
        now: Timestamp,
        config: &EngineConfig,
        reason: String,
        message: String,
        actions: &mut Vec<Action>,
    ) {
        self.run = Run::Waiting;
        self.observed = None;
        self.started_at = None;
        self.suspect = false;
        self.looked = false;
        self.refused_again = false;
        // Another process may have counted this failure already: its attempt is then the one to make.
        self.attempt = self.facts.annotated_attempt.max(self.tried.next());
        self.wanted.clear();
        self.wanted.insert(config.annotations.attempt.to_owned(), self.attempt.to_string());
        // A later process must not take the failed group for the one that runs the pod.
        self.wanted.insert(config.annotations.group.to_owned(), String::new());
        self.postpone(now, config);
        self.wait_because(reason, message, actions);
    }

    /// Sets why the pod waits, and tells it once for each new reason.
    pub(super) fn wait_because(&mut self, reason: String, message: String, actions: &mut Vec<Action>) {
        let waiting = Waiting { reason, message };
        if self.waiting.as_ref() == Some(&waiting) {
            return;
        }
        actions.push(self.event(true, &waiting.reason, &waiting.message));
        self.waiting = Some(waiting);
    }

    pub(super) fn event(&self, warning: bool, reason: &str, message: &str) -> Action {
        Action::Event(PodEvent {
            key: self.facts.key.clone(),
            warning,
            reason: reason.to_owned(),
            message: message.to_owned(),
        })
    }

    /// Counts a failed try to start and says when the next is due.
    pub(super) fn postpone(&mut self, now: Timestamp, config: &EngineConfig) {
        self.start.failures += 1;
        let wait = backoff::wait(self.start.failures, config.timing.retry, &self.facts.key.uid);
        self.start.not_before = Some(now + wait);
    }

    fn start(&mut self, world: &World<'_>, actions: &mut Vec<Action>, verdict: &mut Verdict) {
        let unstarted = !matches!(self.run, Run::Started(_) | Run::Ended(_));
        if unstarted && self.facts.stored.phase.is_terminal() && !self.busy.creating {
            // Another process saw the end.
            self.run = Run::Ended(None);
        }
        match self.run.clone() {
            Run::Waiting => self.create(world, actions, verdict),
            Run::Unsettled { since } => self.settle_create(world, since, actions, verdict),
            Run::Accepted { since } => self.find_accepted(world, since, actions, verdict),
            Run::Started(group) if self.suspect && self.verified => verdict.awaits = Some(group),
            // What a pod names may change without the pod: it is looked at again, seldom.
            Run::Refused if self.start.is_due(world.now) => {
                self.run = Run::Waiting;
                self.create(world, actions, verdict);
            }
            Run::Refused => verdict.when_due(self.start),
            Run::Started(group) | Run::Ended(Some(group)) => self.stop_what_ended(world, group, verdict),
            Run::Ended(None) => {}
        }
    }

    /// A pod that another writer declared ended is final (S6), and its containers must not run on.
    fn stop_what_ended(&mut self, world: &World<'_>, group: GroupId, verdict: &mut Verdict) {
        let runs_on = self.observed.as_ref().is_some_and(|pod| !pod.state.is_terminal());
        if !self.facts.stored.phase.is_terminal() || !self.verified || !runs_on {
            self.terminal_since = None;
            return;
        }
        let until = *self.terminal_since.get_or_insert(world.now) + world.config.timing.visibility;
        if world.now < until {
            return verdict.at(until);
        }
        self.surplus.insert(group, Tries::default());
        self.run = Run::Ended(None);
    }

    /// A pod that was bound before this process began may have a group: a sweep must have been answered.
    fn is_known(&self, world: &World<'_>) -> bool {
        world.listed && self.was_looked_for(world)
    }

    /// Whether a group that another process made for the pod would have been seen.
    fn was_looked_for(&self, world: &World<'_>) -> bool {
        self.fresh || world.answered.is_some()
    }

    fn create(&mut self, world: &World<'_>, actions: &mut Vec<Action>, verdict: &mut Verdict) {
        let recorded = self.facts.annotated_attempt == self.attempt;
        if !recorded {
            // Also where somebody took the annotation away.
            self.wanted.insert(world.config.annotations.attempt.to_owned(), self.attempt.to_string());
        }
        if self.busy.creating || self.busy.finding || !self.is_known(world) || !recorded {
            return;
        }
        if !self.start.is_due(world.now) {
            return verdict.when_due(self.start);
        }
        // After a failure another process may have started the pod with an attempt of its own.
        if self.attempt != Attempt::default() && !self.looked {
            return self.look(actions);
        }
        self.send_create(actions);
    }

    fn send_create(&mut self, actions: &mut Vec<Action>) {
        let Some(pod) = self.pod.clone() else { return };
        self.busy.creating = true;
        self.tried = self.attempt;
        actions.push(Action::Create { key: self.facts.key.clone(), pod, attempt: self.attempt });
    }

    /// Looks up by tag first: where the cloud has forgotten the token, repeating would start a second group.
    fn settle_create(
        &mut self,
        world: &World<'_>,
        since: Timestamp,
        actions: &mut Vec<Action>,
        verdict: &mut Verdict,
    ) {
        if self.busy.creating || self.busy.finding || !self.is_known(world) {
            return;
        }
        if !self.start.is_due(world.now) {
            return verdict.when_due(self.start);
        }
        if !self.looked {
            return self.look(actions);
        }
        if !self.refused_again {
            return self.send_create(actions);
        }
        let visible = since + world.config.timing.visibility;
        if !proves(world.proof, visible) {
            // To repeat the attempt is safe; to begin another is not, before a complete sweep lacks the group.
            verdict.sweep_at = Some(visible);
            self.refused_again = false;
            self.looked = false;
            self.postpone(world.now, world.config);
            return verdict.when_due(self.start);
        }
        let (reason, message) = match self.waiting.take() {
            Some(waiting) => (waiting.reason, waiting.message),
            None => ("FailedCreate".to_owned(), "the create was refused".to_owned()),
        };
        self.fail_attempt(world.now, world.config, reason, message, actions);
        verdict.when_due(self.start);
    }

    /// The group exists; only which one is open.
    fn find_accepted(
        &mut self,
        world: &World<'_>,
        since: Timestamp,
        actions: &mut Vec<Action>,
        verdict: &mut Verdict,
    ) {
        if self.busy.creating || self.busy.finding {
            return;
        }
        if !self.start.is_due(world.now) {
            return verdict.when_due(self.start);
        }
        // Twice the longest lag: whoever made it also removed it. The next attempt has a token of its own.
        let visible = since + world.config.timing.visibility * 2;
        if self.looked && proves(world.proof, visible) {
            let message = "the accepted container group never appeared; another attempt follows";
            self.fail_attempt(
                world.now,
                world.config,
                "GroupNeverAppeared".to_owned(),
                message.to_owned(),
                actions,
            );
            return verdict.when_due(self.start);
        }
        verdict.sweep_at = Some(visible);
        self.look(actions);
    }

    fn look(&mut self, actions: &mut Vec<Action>) {
        self.busy.finding = true;
        actions.push(Action::Find(self.facts.key.clone()));
    }

    fn end(&mut self, world: &World<'_>, actions: &mut Vec<Action>, verdict: &mut Verdict) {
        if self.busy.creating || self.busy.finding {
            return;
        }
        match self.run.clone() {
            Run::Waiting | Run::Refused => {
                if self.was_looked_for(world) {
                    self.finish(world, actions, verdict);
                }
            }
            Run::Unsettled { .. } if !self.sent_create => self.finish_unseen(world, actions, verdict),
            Run::Started(_) if !self.verified => self.finish_unseen(world, actions, verdict),
            Run::Ended(Some(_)) if !self.verified => {
                // Ended by the API server's word; should a group of it still be listed, it is taken then.
                self.finish(world, actions, verdict);
            }
            Run::Unsettled { since } | Run::Accepted { since } => {
                if self.looked && world.now >= since + world.config.timing.visibility {
                    // Should it still appear, the sweep finds it as a group without a pod.
                    verdict.sweep_at = Some(world.now + world.config.timing.visibility);
                    self.finish(world, actions, verdict);
                } else if self.start.is_due(world.now) {
                    self.look(actions);
                } else {
                    verdict.when_due(self.start);
                    verdict.at(since + world.config.timing.visibility);
                }
            }
            Run::Started(group) => self.delete_own(world, group, actions, verdict),
            Run::Ended(group) => {
                if let Some(group) = group {
                    self.surplus.insert(group, Tries::default());
                    self.run = Run::Ended(None);
                }
                self.finish(world, actions, verdict);
            }
        }
    }

    /// Nothing was started by this process and no sweep showed a group of this UID.
    fn finish_unseen(&mut self, world: &World<'_>, actions: &mut Vec<Action>, verdict: &mut Verdict) {
        let named = self.named_group().cloned();
        let seen = if named.is_some() { world.proof } else { world.answered };
        if proves(seen, self.seen_at) {
            // Should a process before this one have started it just now, that sweep shows it.
            verdict.sweep_at = Some(world.now + world.config.timing.visibility);
            self.finish(world, actions, verdict);
        } else {
            // Asked for by name: the list is not complete, or older than what is known of the pod.
            verdict.sweep_at = Some(world.now + world.config.timing.poll_resting);
            verdict.awaits = named;
        }
    }

    /// What the containers get to end. An object that is gone was deleted by force: nothing waits for them.
    fn grace(&self) -> Duration {
        if self.object_gone { Duration::ZERO } else { self.facts.deletion_grace.unwrap_or_default() }
    }

    fn delete_own(
        &mut self,
        world: &World<'_>,
        group: GroupId,
        actions: &mut Vec<Action>,
        verdict: &mut Verdict,
    ) {
        let grace = self.grace();
        let stronger = grace.is_zero() && !self.deletion.forced;
        let wanted = !self.deletion.accepted || stronger;
        if wanted && !self.busy.deleting.contains(&group) {
            if !self.deletion.tries.is_due(world.now) {
                return verdict.when_due(self.deletion.tries);
            }
            if !self.deletion.accepted && self.deletion.tries.failures == 0 {
                actions.push(self.event(false, "Killing", &format!("stopping container group {group}")));
            }
            self.busy.deleting.insert(group.clone());
            self.deletion.forced = grace.is_zero();
            actions.push(Action::Delete { key: self.facts.key.clone(), group, grace });
        } else if self.deletion.accepted {
            verdict.awaits = Some(group);
        }
    }

    /// Everything of the pod has ended: its object may go, then the record.
    ///
    /// What another process called ended may still have a second group, which the first sweep shows.
    fn finish(&mut self, world: &World<'_>, actions: &mut Vec<Action>, verdict: &mut Verdict) {
        if self.object_gone {
            let idle = self.surplus.is_empty()
                && self.busy.deleting.is_empty()
                && !self.busy.patching
                && !self.busy.removing
                && !self.busy.reading;
            verdict.forget = idle && self.rivals.is_empty();
            self.end_rivals();
            return;
        }
        self.end_rivals();
        self.ended.get_or_insert(Ended::Deleted);
        if self.ending_rivals
            || self.removed
            || self.busy.removing
            || self.busy.patching
            || !self.facts.stored.phase.is_terminal()
            || !self.was_looked_for(world)
        {
            return;
        }
        if !self.removal.is_due(world.now) {
            return verdict.when_due(self.removal);
        }
        self.busy.removing = true;
        actions.push(Action::Remove(self.facts.key.clone()));
    }

    /// A rival of a pod that ends is a group without a pod; the object goes after it (S7).
    fn end_rivals(&mut self) {
        self.ending_rivals &= !self.surplus.is_empty();
        for (id, _) in std::mem::take(&mut self.rivals) {
            self.surplus.insert(id, Tries::default());
            self.ending_rivals = true;
        }
    }

    fn drop_surplus(&mut self, world: &World<'_>, actions: &mut Vec<Action>, verdict: &mut Verdict) {
        for (group, tries) in &self.surplus {
            if self.busy.deleting.contains(group) {
                continue;
            }
            if tries.is_due(world.now) {
                self.busy.deleting.insert(group.clone());
                let grace = Duration::ZERO;
                actions.push(Action::Delete { key: self.facts.key.clone(), group: group.clone(), grace });
            } else {
                verdict.when_due(*tries);
            }
        }
        if !self.surplus.is_empty() {
            verdict.forget = false;
        }
    }

    /// Writes the status where it says something new, and the annotations that record the run.
    fn write(&mut self, world: &World<'_>, actions: &mut Vec<Action>, verdict: &mut Verdict) {
        if self.object_gone || self.removed || self.busy.patching || !self.has_something_to_say() {
            return;
        }
        let status = pod_status(&View {
            facts: &self.facts,
            observed: self.observed.as_ref(),
            waiting: self.waiting.as_ref(),
            ended: self.ended,
            node_ip: &world.config.node_ip,
            now: world.wall,
        });
        let known = self.verified.then(|| self.group().cloned()).flatten();
        if let Some(group) = known {
            self.wanted.insert(world.config.annotations.group.to_owned(), group.to_string());
        }
        let annotations: std::collections::BTreeMap<_, _> = self
            .wanted
            .iter()
            .filter(|(name, value)| {
                self.facts.annotations.get(*name).map_or("", String::as_str) != value.as_str()
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let meaning = Meaning::of(&status);
        let stored = self.facts.stored.meaning;
        // Facts about the instance ride along; only what records the run is worth a write of its own.
        let names = &world.config.annotations;
        let records = annotations.keys().any(|name| name == names.group || name == names.attempt);
        if meaning.full == stored.full && !records {
            self.held_since = None;
            return;
        }
        let light = meaning.coarse == stored.coarse;
        let starting = light && self.facts.stored.phase == Phase::Pending;
        // The final write tells the end of every container; what comes just before it need not be told apart.
        let ending = self.is_doomed() && self.ended.is_none();
        if (light || ending) && !records {
            let timing = &world.config.timing;
            let hold = if starting { timing.hold } else { timing.visibility };
            let until = *self.held_since.get_or_insert(world.now) + hold;
            if world.now < until {
                return verdict.at(until);
            }
        }
        if !self.patch.is_due(world.now) {
            return verdict.when_due(self.patch);
        }
        self.held_since = None;
        self.busy.patching = true;
        let key = self.facts.key.clone();
        let version = self.facts.resource_version.max(self.written);
        let patch = Box::new(PodPatch { key, version, status, annotations });
        self.sent = Some(patch.clone());
        actions.push(Action::Patch(patch));
    }

    /// What is not known must not overwrite what the API server has.
    fn has_something_to_say(&self) -> bool {
        let first_word = self.facts.stored.restart_counts.is_empty();
        if self.facts.stored.phase.is_terminal() {
            let misnamed = self.verified && self.group() != self.facts.annotated_group.as_ref();
            return self.observed.is_some()
                && self.ended.is_none()
                && (self.facts.stored.unknown_end || misnamed);
        }
        match &self.run {
            _ if self.ended.is_some() => true,
            Run::Started(_) | Run::Ended(_) => self.observed.is_some() || first_word,
            Run::Waiting | Run::Unsettled { .. } | Run::Accepted { .. } | Run::Refused => {
                self.waiting.is_some()
                    || self.run == Run::Waiting && self.facts.annotated_attempt != self.attempt
            }
        }
    }
}
