//! Takes in how actions ended.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use vk_core::{ErrorKind, GroupId, GroupState, ObservedPod, ProviderError, Started};

use super::record::{Record, Run, Tries};
use super::{Action, ApiError, CreateError, Engine, EngineConfig, Outcome, Presence, backoff};

/// How long the watch usually needs to bring the write that came before ours, and at most while it is interrupted.
const CONFLICT_WAIT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

impl Engine {
    pub(super) fn outcome(&mut self, now: Timestamp, outcome: Outcome, actions: &mut Vec<Action>) {
        match outcome {
            Outcome::Created { uid, result } => {
                self.note_write(
                    now,
                    &uid,
                    match &result {
                        Err(CreateError::Provider(error)) => Some(Err(error)),
                        Err(_) => None,
                        Ok(_) => Some(Ok(())),
                    },
                );
                if let Some(record) = self.records.get_mut(&uid) {
                    record.created(now, &self.config, result, actions);
                }
                self.decide(now, &uid, actions);
            }
            Outcome::Found { uid, result } => {
                if let Some(record) = self.records.get_mut(&uid) {
                    record.found(now, &self.config, result);
                }
                self.decide(now, &uid, actions);
            }
            Outcome::Deleted { uid, group, result } => {
                self.note_write(now, &uid, Some(result.as_ref().copied()));
                self.deleted(now, &uid, &group, result.is_ok(), actions);
            }
            Outcome::Observed(result) => self.observed(now, result, actions),
            Outcome::Fetched(result) => self.fetched(now, result, actions),
            Outcome::Patched { uid, result } => {
                if let Some(record) = self.records.get_mut(&uid) {
                    record.patched(now, &self.config, result);
                }
                self.decide(now, &uid, actions);
            }
            Outcome::Removed { uid, result } => {
                if let Some(record) = self.records.get_mut(&uid) {
                    record.removal_ended(now, &self.config, result);
                }
                self.decide(now, &uid, actions);
            }
            Outcome::Read { uid, result } => self.read(now, &uid, result, actions),
        }
    }

    fn note_write(&mut self, now: Timestamp, uid: &str, result: Option<Result<(), &ProviderError>>) {
        match result {
            Some(Ok(())) => self.cloud.wrote(now, uid, None),
            Some(Err(error)) if error.kind().is_cloud_wide() => self.cloud.wrote(now, uid, Some(error)),
            _ => {}
        }
    }

    fn deleted(
        &mut self,
        now: Timestamp,
        uid: &str,
        group: &GroupId,
        accepted: bool,
        actions: &mut Vec<Action>,
    ) {
        if let Some(orphan) = self.orphans.get_mut(group) {
            // Not accepted, or still there at the next sweep: read afresh and delete again.
            orphan.deleting = false;
            orphan.swept = false;
        }
        if let Some(record) = self.records.get_mut(uid) {
            record.group_deleted(now, &self.config, group, accepted);
        }
        self.decide(now, uid, actions);
    }

    fn read(
        &mut self,
        now: Timestamp,
        uid: &str,
        result: Result<Presence, ApiError>,
        actions: &mut Vec<Action>,
    ) {
        if let Some(record) = self.records.get_mut(uid) {
            record.busy.reading = false;
            match result {
                Ok(Presence::Present { annotated, .. }) => {
                    record.unlisted = false;
                    record.reading = Tries::default();
                    record.judge_rivals(now, annotated.as_ref());
                }
                Ok(Presence::Gone) | Err(ApiError::Gone) => record.object_gone = true,
                Err(_) => {
                    record.reading.failures += 1;
                    let wait = backoff::wait(record.reading.failures, self.config.timing.retry, uid);
                    record.reading.not_before = Some(now + wait);
                }
            }
            return self.decide(now, uid, actions);
        }
        let gone = matches!(result, Ok(Presence::Gone) | Err(ApiError::Gone));
        for (group, orphan) in &mut self.orphans {
            if orphan.seen.key.uid != uid || !orphan.reading {
                continue;
            }
            orphan.reading = false;
            if gone {
                orphan.deleting = true;
                let (key, group) = (orphan.seen.key.clone(), group.clone());
                actions.push(Action::Delete { key, group, grace: Duration::ZERO });
            } else {
                // It exists: the watch will deliver it. Looked at again after the next sweep.
                orphan.swept = false;
            }
        }
    }
}

impl Record {
    fn created(
        &mut self,
        now: Timestamp,
        config: &EngineConfig,
        result: Result<Started, CreateError>,
        actions: &mut Vec<Action>,
    ) {
        self.busy.creating = false;
        // What never reached the provider leaves what was looked up as it is.
        let reached = match &result {
            Ok(_) => true,
            Err(CreateError::Provider(error)) => !matches!(error.kind(), ErrorKind::Rejected(_)),
            Err(_) => false,
        };
        if reached {
            self.sent_create = true;
            self.looked = false;
        }
        match result {
            Ok(Started::Group { group, annotations, ignored }) => {
                match &self.run {
                    Run::Started(known) if *known == group => {}
                    // Two answers, two groups: the sweep sees both and the pod's annotation decides.
                    Run::Started(_) | Run::Ended(_) => return,
                    _ => self.adopt(now, group.clone()),
                }
                self.wanted.extend(annotations);
                actions.push(self.event(false, "Created", &format!("created container group {group}")));
                for sentence in ignored {
                    actions.push(self.event(true, "FieldIgnored", &sentence));
                }
            }
            Ok(Started::AcceptedEarlier) => {
                if matches!(self.run, Run::Waiting | Run::Unsettled { .. }) {
                    self.run = Run::Accepted { since: now };
                    self.looked = false;
                    self.start = Tries::default();
                }
            }
            Err(error) if matches!(self.run, Run::Waiting | Run::Unsettled { .. }) => {
                self.not_created(now, config, error, actions);
            }
            // A group was found meanwhile: the failure of the repeated create says nothing.
            Err(_) => {}
        }
    }

    fn not_created(
        &mut self,
        now: Timestamp,
        config: &EngineConfig,
        error: CreateError,
        actions: &mut Vec<Action>,
    ) {
        match error {
            CreateError::Missing(sentences) => {
                self.start.not_before = Some(now + config.timing.missing);
                self.wait_because("CreateContainerConfigError".to_owned(), sentences.join("; "), actions);
            }
            CreateError::Unreadable { reason, message } => {
                self.postpone(now, config);
                self.wait_because(reason.to_owned(), message, actions);
            }
            CreateError::PodGone => self.postpone(now, config),
            CreateError::Provider(error) => self.refused(now, config, &error, actions),
        }
    }

    fn refused(
        &mut self,
        now: Timestamp,
        config: &EngineConfig,
        error: &ProviderError,
        actions: &mut Vec<Action>,
    ) {
        let reason = error.kind().reason().to_owned();
        match error.kind() {
            ErrorKind::Rejected(_) => {
                self.run = Run::Refused;
                self.start.not_before = Some(now + config.timing.refused);
                self.wait_because(reason, error.chain(), actions);
            }
            ErrorKind::Indeterminate => {
                // The last call counts: it may be the one that was accepted.
                self.run = Run::Unsettled { since: now };
                self.looked = false;
                self.postpone(now, config);
            }
            ErrorKind::Denied
            | ErrorKind::InvalidCredentials
            | ErrorKind::Throttled { .. }
            | ErrorKind::Unavailable => {
                self.looked = false;
                self.postpone(now, config);
                if let ErrorKind::Throttled { retry_after: Some(after) } = error.kind() {
                    self.start.not_before = self.start.not_before.max(Some(now + *after));
                }
                self.wait_because(reason, error.chain(), actions);
            }
            _ if matches!(self.run, Run::Unsettled { .. }) => {
                // An earlier create of this attempt may have been accepted: only lookups can tell.
                self.refused_again = true;
                self.looked = false;
                self.postpone(now, config);
                self.wait_because(reason, error.chain(), actions);
            }
            _ => self.fail_attempt(now, config, reason, error.chain(), actions),
        }
    }

    fn found(
        &mut self,
        now: Timestamp,
        config: &EngineConfig,
        result: Result<Vec<ObservedPod>, ProviderError>,
    ) {
        self.busy.finding = false;
        match result {
            Ok(groups) => {
                let mut groups: Vec<_> =
                    groups.into_iter().filter(|g| g.key.uid == self.facts.key.uid).collect();
                let annotated = self.facts.annotated_group.clone();
                groups.sort_by_key(|seen| keeping_order(seen, annotated.as_ref()));
                for seen in groups {
                    self.see(now, seen, false);
                }
                if self.group().is_none() {
                    self.looked = true;
                    let waits_for_the_cloud = matches!(self.run, Run::Accepted { .. }) || self.is_doomed();
                    if waits_for_the_cloud {
                        self.start.failures += 1;
                        let range = (config.timing.poll_moving, config.timing.poll_moving * 5);
                        let wait = backoff::wait(self.start.failures, range, &self.facts.key.uid);
                        self.start.not_before = Some(now + wait);
                    }
                }
            }
            Err(_) => self.postpone(now, config),
        }
    }

    fn group_deleted(&mut self, now: Timestamp, config: &EngineConfig, group: &GroupId, accepted: bool) {
        self.busy.deleting.remove(group);
        let retry = |tries: &Tries, uid: &str| {
            let failures = tries.failures + 1;
            Tries { failures, not_before: Some(now + backoff::wait(failures, config.timing.retry, uid)) }
        };
        if self.surplus.contains_key(group) {
            if accepted {
                self.surplus.remove(group);
                self.dropped.insert(group.clone());
            } else if let Some(tries) = self.surplus.get_mut(group) {
                *tries = retry(tries, &self.facts.key.uid);
            }
        } else if self.group() == Some(group) {
            if accepted {
                self.deletion.accepted = true;
                self.deletion.tries = Tries::default();
            } else {
                self.deletion.forced = false;
                self.deletion.tries = retry(&self.deletion.tries, &self.facts.key.uid);
            }
        }
    }

    fn patched(&mut self, now: Timestamp, config: &EngineConfig, result: Result<Option<u64>, ApiError>) {
        self.busy.patching = false;
        let sent = self.sent.take();
        match result {
            Ok(version) => {
                self.patch = Tries::default();
                self.written = version.or(self.written);
                if let Some(sent) = sent {
                    self.facts.record_write(&sent.status, &sent.annotations, &config.annotations);
                }
            }
            Err(ApiError::Gone) => self.object_gone = true,
            // Somebody wrote meanwhile: the watch brings it, and the next decision knows it.
            Err(ApiError::Conflict) => {
                self.patch.failures += 1;
                let wait = backoff::wait(self.patch.failures, CONFLICT_WAIT, &self.facts.key.uid);
                self.patch.not_before = Some(now + wait);
            }
            Err(ApiError::Refused(_) | ApiError::Unavailable(_)) => {
                self.patch.failures += 1;
                let wait = backoff::wait(self.patch.failures, config.timing.retry, &self.facts.key.uid);
                self.patch.not_before = Some(now + wait);
            }
        }
    }

    fn removal_ended(&mut self, now: Timestamp, config: &EngineConfig, result: Result<(), ApiError>) {
        self.busy.removing = false;
        match result {
            // Finalizers may hold the object: the watch tells when it is gone.
            Ok(()) => self.removed = true,
            Err(ApiError::Gone) => self.object_gone = true,
            Err(_) => {
                self.removal.failures += 1;
                let wait = backoff::wait(self.removal.failures, config.timing.retry, &self.facts.key.uid);
                self.removal.not_before = Some(now + wait);
            }
        }
    }

    /// Of several groups the annotated one stays, else the oldest; the others are deleted.
    ///
    /// Not while a write of ours is under way: it may change the annotation that was read, and the next process would
    /// then keep what this one deletes.
    fn judge_rivals(&mut self, now: Timestamp, annotated: Option<&GroupId>) {
        if self.rivals.is_empty() || self.busy.patching {
            return;
        }
        let mut candidates: Vec<_> = std::mem::take(&mut self.rivals).into_values().collect();
        let own = self.group().cloned();
        match (&own, self.observed.take()) {
            (Some(_), Some(observed)) => candidates.push(observed),
            // Its own group was not seen yet: nothing can be compared.
            (Some(_), None) => {
                self.rivals = candidates.into_iter().map(|seen| (seen.group.clone(), seen)).collect();
                return;
            }
            (None, _) => {}
        }
        candidates.sort_by_key(|seen| keeping_order(seen, annotated));
        let mut candidates = candidates.into_iter();
        let keeper = if self.run == Run::Ended(None) { None } else { candidates.next() };
        if let Some(keeper) = keeper {
            if own.as_ref() != Some(&keeper.group) {
                self.adopt(now, keeper.group.clone());
            }
            self.observed = Some(keeper);
        }
        for seen in candidates {
            self.ending_rivals |= seen.state != GroupState::NeverStarted;
            self.surplus.insert(seen.group, Tries::default());
        }
    }
}

/// The annotated group first, then by age; one that is being deleted or never started last.
fn keeping_order(seen: &ObservedPod, annotated: Option<&GroupId>) -> (bool, bool, Timestamp, GroupId) {
    (
        matches!(seen.state, GroupState::NeverStarted | GroupState::Stopping),
        annotated != Some(&seen.group),
        seen.created_at.unwrap_or(Timestamp::MAX),
        seen.group.clone(),
    )
}
