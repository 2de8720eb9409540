//! Begins a run of the cloud, and repeats what happened in the runs before.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Cloud;
use super::record::{CallRecord, Record, Report, Start, Tally, What};
use crate::auth::AccessKey;
use crate::clock::later;
use crate::control::{self, ControlRequest};
use crate::group::Status;
use crate::rng::Rng;

/// Keeps the seeds of one run and the next apart.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Cloud {
    /// Begins a run, the first or one more, with what is there already.
    pub(crate) fn begin(&mut self, wall: Timestamp, start: &Start) -> Result<(), String> {
        let before = (self.runs > 0).then(|| self.time(self.wall));
        if before.is_some() && self.address_range != start.address_range {
            return Err(format!(
                "its groups have addresses of {}, start with --address-range {0}",
                self.address_range
            ));
        }
        if self.runs == 0 || start.seed_is_given {
            self.seed = start.seed;
        }
        self.address_range.clone_from(&start.address_range);
        self.region.clone_from(&start.region);
        self.network = start.network.clone();
        self.settings = start.settings.changed(&Value::Object(self.posted.clone()))?;
        self.virtual_start = start.virtual_time.map(|at| self.virtual_start.unwrap_or(at));
        if let Some(behind) = before.map(|before| before.duration_since(self.time(wall))) {
            // Time never goes back, whatever the clocks say.
            self.advanced = self.advanced.saturating_add(behind.max(SignedDuration::ZERO));
        }
        let now = self.advance(wall);
        let seed = self.seed ^ self.runs.wrapping_mul(STEP);
        (self.rng, self.latencies) = (Rng::new(seed), Rng::new(!seed));
        self.runs += 1;
        self.end_real_groups(now);
        self.is_real = start.gateway.is_some();
        if let Some(gateway) = start.gateway {
            self.store.addresses.take_exactly(gateway);
        }
        self.store.watch_all(&self.settings);
        self.take_faults_of_file(start, now)
    }

    /// Nothing of what a runtime ran is there any more: the groups end as by a failure of the host under them.
    fn end_real_groups(&mut self, now: Timestamp) {
        let real = self.store.groups().filter(|group| group.facts.is_real);
        let ids: Vec<String> = real.map(|group| group.facts.id.clone()).collect();
        for id in ids {
            self.store.change(&id, &self.settings, |group| {
                group.stopped(now, &self.settings);
                if group.life.is_terminal() {
                    return;
                }
                match group.life.deletion {
                    None => group.life.lose_host(now),
                    Some(_) => group.life.lose_containers(now),
                }
            });
        }
    }

    /// Faults of the same file stay as they are, with their counts; those of another file are replaced.
    fn take_faults_of_file(&mut self, start: &Start, now: Timestamp) -> Result<(), String> {
        let file = json!(start.faults);
        if self.faults_of_file.0 == file {
            return Ok(());
        }
        for id in std::mem::take(&mut self.faults_of_file.1) {
            self.faults.remove(Some(id));
        }
        let added = start.faults.iter().map(|fault| self.faults.add(fault.clone(), now));
        self.faults_of_file = (file, added.collect::<Result<_, _>>()?);
        Ok(())
    }

    /// Lets something happen again.
    ///
    /// # Errors
    /// When it does not have the effect that it had.
    pub(crate) fn replay(&mut self, record: Record) -> Result<(), String> {
        let wall = record.at;
        match record.what {
            What::Start(start) => self.begin(wall, &start),
            What::Call(call) => self.replay_call(wall, &call),
            What::Control(change) => {
                let request = ControlRequest {
                    method: &change.method,
                    path: &change.path,
                    query: &change.query,
                    body: change.body.as_bytes(),
                };
                match control::handle(self, wall, request) {
                    (200, _) => Ok(()),
                    (_, reply) => Err(format!("{} {}: {reply}", change.method, change.path)),
                }
            }
            What::Told { id, report } => {
                let now = self.advance(wall);
                self.told(&id, report, now);
                Ok(())
            }
            What::Ended { id, status } => {
                let now = self.advance(wall);
                let status: Status =
                    serde_json::from_value(json!(status)).map_err(|error| error.to_string())?;
                self.store.change(&id, &self.settings, |group| group.life.force(now, Some(status), ""));
                Ok(())
            }
        }
    }

    fn replay_call(&mut self, wall: Timestamp, record: &CallRecord) -> Result<(), String> {
        let now = self.advance(wall);
        self.rng = Rng::new(record.rng);
        self.held_up = record.held_up;
        self.forgets_token = record.forgets_token;
        // Groups that are gone may have been left out of the journal, and with them the addresses that they took.
        record.address.into_iter().for_each(|address| self.store.addresses.go_on_at(address));
        // Who it was has been checked; only whose the group is counts now.
        let mut caller = AccessKey::new("", "");
        caller.account.clone_from(&record.account);
        let reply = self
            .carry_out(now, &record.action, &caller, &record.parameters)
            .map_err(|error| format!("{}: {}", record.action, error.code))?;
        if reply["ContainerGroupId"].as_str() == record.id.as_deref() {
            Ok(())
        } else {
            Err(format!("{} makes another group than it did", record.action))
        }
    }

    /// Lets a group know what its runtime says, and writes that down. Returns the id of the run that has begun.
    pub(crate) fn told(&mut self, id: &str, report: Report, now: Timestamp) -> Option<String> {
        let said = report.clone();
        let is_news = self.store.find(id)?.is_news(&said, now);
        let run = self.store.change(id, &self.settings, |group| group.told(report, now, &self.settings))?;
        if is_news {
            self.keep(What::Told { id: id.to_owned(), report: said });
        }
        run
    }

    pub(crate) fn keep(&mut self, what: What) {
        if let Some(unsaved) = &mut self.unsaved {
            unsaved.push(Record { at: self.wall, what });
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        let (counts, last_request) = self.journal.tally();
        Tally { faults: self.faults.tally(), counts, last_request }
    }

    pub(crate) fn recall(&mut self, tally: Tally) {
        self.faults.recall(&tally.faults);
        self.journal.recall(tally.counts, tally.last_request);
    }

    /// Another cloud to which nothing has happened, with the keys and the addresses of this one.
    pub(crate) fn anew(&self) -> Self {
        let addresses = self.store.addresses.unused();
        Self::new(self.region.clone(), self.settings.clone(), self.keyring.unused(), addresses, self.seed)
    }

    /// The simulator's time, when the machine's clock says `wall`.
    pub(crate) fn time(&self, wall: Timestamp) -> Timestamp {
        later(self.virtual_start.unwrap_or(wall), self.advanced)
    }
}
