//! Remembers every request and what came of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::clock::nanos_text;
use crate::error::ApiError;
use crate::params::Parameters;
use crate::state::faults::FaultKind;

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) peer: String,
    pub(crate) method: String,
    pub(crate) action: Option<String>,
    pub(crate) access_key_id: Option<String>,
    /// Shared with the group that the request made.
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) outcome: Outcome,
    /// From its arrival to its answer; `None` while or because there is no answer.
    pub(crate) latency: Option<SignedDuration>,
}

/// What came of a request; a status is missing while or because there is no answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) http_status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) container_group_id: Option<String>,
    pub(crate) fault: Option<(u64, FaultKind)>,
}

impl Outcome {
    pub(crate) fn of_error(error: &ApiError) -> Self {
        Self { http_status: Some(error.status), code: Some(error.code.clone()), ..Self::default() }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    counts: BTreeMap<String, u64>,
    last_seq: u64,
}

impl Journal {
    /// Adds an entry and gives it its number.
    pub(crate) fn add(&mut self, mut entry: Entry, size: usize) -> u64 {
        self.last_seq += 1;
        entry.seq = self.last_seq;
        *self.counts.entry(entry.action.clone().unwrap_or_default()).or_default() += 1;
        self.entries.push_back(entry);
        while self.entries.len() > size {
            self.entries.pop_front();
        }
        self.last_seq
    }

    /// Notes who sent a request.
    pub(crate) fn identify(&mut self, seq: u64, access_key_id: &str) {
        if let Some(entry) = self.entry(seq) {
            entry.access_key_id = Some(access_key_id.to_owned());
        }
    }

    /// Notes what came of a request.
    pub(crate) fn finish(&mut self, seq: u64, outcome: Outcome) {
        if let Some(entry) = self.entry(seq) {
            entry.outcome = outcome;
        }
    }

    /// Notes that a request has been answered.
    pub(crate) fn answered(&mut self, seq: u64, latency: SignedDuration) {
        if let Some(entry) = self.entry(seq) {
            entry.latency = Some(latency);
        }
    }

    /// The number of the youngest entry; 0 before the first.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// An entry that is usually among the youngest.
    fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.seq == seq)
    }

    /// Entries after number `since`, of one action or all.
    pub(crate) fn entries(
        &self,
        action: Option<&str>,
        since: u64,
    ) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.seq > since)
            .filter(move |entry| action.is_none_or(|action| entry.action.as_deref() == Some(action)))
    }

    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// What is left of the journal over a restart.
    pub(crate) fn tally(&self) -> (BTreeMap<String, u64>, u64) {
        (self.counts.clone(), self.last_seq)
    }

    pub(crate) fn recall(&mut self, counts: BTreeMap<String, u64>, last_seq: u64) {
        (self.counts, self.last_seq) = (counts, last_seq);
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }
}

impl Entry {
    pub(crate) fn to_json(&self, unmasked: bool) -> Value {
        let parameters: BTreeMap<&str, String> = self
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), if unmasked { value.clone() } else { masked(name, value) }))
            .collect();
        json!({
            "seq": self.seq,
            "time": nanos_text(self.at),
            "peer": self.peer,
            "method": self.method,
            "action": self.action,
            "access_key_id": self.access_key_id,
            "parameters": parameters,
            "latency_ms": self.latency.map(|latency| latency.as_secs_f64() * 1000.0),
            "outcome": {
                "http_status": self.outcome.http_status,
                "code": self.outcome.code,
                "container_group_id": self.outcome.container_group_id,
                "fault": self.outcome.fault.map(|(id, kind)| json!({"id": id, "kind": kind})),
            },
        })
    }
}

/// The value as it may be shown: what can be a secret gives way to its length.
pub(crate) fn masked(name: &str, value: &str) -> String {
    let secret = [".Password", ".Content", ".Options", ".Value"].iter().any(|end| name.ends_with(end));
    if secret && !name.starts_with("Tag.") {
        return format!("*** ({} bytes)", value.len());
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_while_tags_and_tokens_stay() {
        for name in [
            "ImageRegistryCredential.1.Password",
            "Container.1.EnvironmentVar.1.Value",
            "Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content",
            "Volume.1.FlexVolume.Options",
        ] {
            assert_eq!(masked(name, "hush"), "*** (4 bytes)", "{name}");
        }
        for name in ["Tag.1.Value", "ClientToken", "Container.1.EnvironmentVar.1.Key"] {
            assert_eq!(masked(name, "plain"), "plain", "{name}");
        }
    }

    #[test]
    fn old_entries_go_while_counts_stay() {
        let mut journal = Journal::default();
        let entry = || Entry {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            peer: String::new(),
            method: "POST".into(),
            action: Some("Create".into()),
            access_key_id: None,
            parameters: Arc::new(Parameters::new()),
            outcome: Outcome::default(),
            latency: None,
        };
        for _ in 0..3 {
            journal.add(entry(), 2);
        }
        assert_eq!(journal.entries(None, 0).map(|entry| entry.seq).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(journal.entries(Some("Create"), 2).count(), 1);
        assert_eq!(journal.entries(Some("Delete"), 0).count(), 0);
        assert_eq!(journal.counts()["Create"], 3);
    }
}
