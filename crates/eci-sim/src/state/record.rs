//! What a state is kept as: everything that was done to the cloud from outside, in order.
//!
//! The cloud is a function of what happened to it and when. So nothing of its inside is written down: repeating the
//! records gives the same groups, tokens, tags and caches again. What only looks (reads, refused calls) leaves none.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Network;
use super::faults::{self, Asked};
use crate::group::Exit;
use crate::params::Parameters;
use crate::settings::Settings;

/// Something that happened, at a time of the machine's clock.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) at: Timestamp,
    pub(crate) what: What,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Start(Box<Start>),
    Call(CallRecord),
    Control(ControlRecord),
    /// A runtime said something of a group's containers.
    Told {
        id: String,
        report: Report,
    },
    /// A group that a runtime ran has ended; older journals tell no more than that.
    Ended {
        id: String,
        status: String,
    },
}

/// What a runtime says of a container that it runs, as far as it outlives the runtime.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// Its image is there, by its digest, or cannot be pulled for a reason.
    Pulled { name: String, found: Result<String, String> },
    /// Its process runs.
    Launched { name: String },
    /// There is no process: it could not be started.
    Unstarted { name: String, exit: Exit },
    /// The process of a run has ended.
    Exited { name: String, run: String, exit: Exit },
    /// Nothing of a group under deletion runs any longer.
    Stopped,
}

/// How a simulator was started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) region: String,
    pub(crate) network: Network,
    pub(crate) address_range: String,
    pub(crate) settings: Settings,
    /// Drawn, unless it was given.
    pub(crate) seed: u64,
    pub(crate) seed_is_given: bool,
    pub(crate) virtual_time: Option<Timestamp>,
    /// The machine's own address among the groups', where a runtime runs them.
    pub(crate) gateway: Option<Ipv4Addr>,
    pub(crate) faults: Vec<Asked>,
}

/// A call that had an effect.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CallRecord {
    pub(crate) action: String,
    pub(crate) account: String,
    pub(crate) parameters: Arc<Parameters>,
    /// Where the sequence of ids was.
    pub(crate) rng: u64,
    /// How long flow control held its group up: nothing at all, or for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) held_up: Option<HeldUp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) forgets_token: bool,
    /// The group that it made, and that group's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<Ipv4Addr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HeldUp {
    For(SignedDuration),
    Forever,
}

/// A change by the control API.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ControlRecord {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: String,
}

/// What reads count, written down now and then.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) faults: Vec<faults::Tally>,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) last_request: u64,
}
