//! The whole simulated cloud as one value: a request and the time go in, an answer comes out.
//!
//! ```text
//! request ─▶ read ─▶ admit (action, version, method, signature) ─▶ fault? ─▶ permission ─▶ validate ─▶ action
//!              └──────────────────────── journal: what came of it ◀───────────────────────────────────┘
//! ```
//!
//! No I/O, no clock and no randomness but a seed: the HTTP layer holds this under a lock and carries out what
//! [`Step`] says about the connection.

pub(crate) mod addresses;
mod calls;
pub(crate) mod catalog;
pub(crate) mod faults;
pub(crate) mod journal;
mod permission;
pub(crate) mod record;
mod replay;
pub(crate) mod stock;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod throttle;
pub(crate) mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::actions;
use crate::auth::{AccessKey, Keyring};
use crate::clock::later;
use crate::error::ApiError;
use crate::exec::Execs;
use crate::params::Parameters;
use crate::reply::{Answer, Envelope};
use crate::rng::Rng;
use crate::settings::{CreateThrottling, ForeignRegion, NoneValues, QuotaScope, Settings, millis};
use crate::validate::{Problem, validate, without_none};
use crate::wire::Call;
use addresses::Addresses;
use catalog::Catalog;
use faults::{FaultKind, Faults};
use journal::Journal;
use record::{CallRecord, HeldUp, Record, What};
use store::Store;
use throttle::Throttle;
use tokens::Tokens;

/// A vSwitch that the account has, and the zone it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VSwitch {
    pub id: String,
    pub zone: String,
}

/// What the simulated account owns; empty lists accept every id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Network {
    pub(crate) v_switches: Vec<VSwitch>,
    pub(crate) security_groups: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) region: String,
    pub(crate) network: Network,
    pub(crate) settings: Settings,
    pub(crate) keyring: Keyring,
    pub(crate) store: Store,
    pub(crate) tokens: Tokens,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) rng: Rng,
    pub(crate) throttle: Throttle,
    pub(crate) catalog: Catalog,
    /// New groups are run by a runtime.
    pub(crate) is_real: bool,
    pub(crate) execs: Execs,
    /// Of the create that is being carried out.
    pub(crate) held_up: Option<HeldUp>,
    /// The call that is being carried out counts as the first with its client token.
    pub(crate) forgets_token: bool,
    /// Where it listens, once it does.
    pub(crate) address: Option<SocketAddr>,
    /// Of the time that answers take.
    pub(crate) latencies: Rng,
    /// How far groups are ahead of the clock that request times are checked against, or of the start of virtual time.
    pub(crate) advanced: SignedDuration,
    /// Groups' time began here and moves only when it is told to.
    pub(crate) virtual_start: Option<Timestamp>,
    /// What the machine's clock said last.
    pub(crate) wall: Timestamp,
    /// What has been done to it and not been written down; `None` when nothing is.
    pub(crate) unsaved: Option<Vec<Record>>,
    /// Settings that were changed while it ran; they hold over restarts.
    pub(crate) posted: Map<String, Value>,
    pub(crate) seed: u64,
    /// How often it was started with this state.
    pub(crate) runs: u64,
    pub(crate) address_range: String,
    /// The faults of the script file, as they were asked for and by number.
    pub(crate) faults_of_file: (Value, Vec<u64>),
}

/// What the HTTP layer has to do.
#[derive(Debug)]
pub(crate) enum Step {
    Answer {
        answer: Answer,
        after: SignedDuration,
    },
    /// Close the connection without an answer.
    Close,
    /// Reset the connection.
    Reset,
    /// Keep the connection open and never answer.
    Hang,
    /// Wait, then call [`Cloud::resume`] whether or not the caller is still there.
    Postpone {
        wait: SignedDuration,
        admitted: Box<Admitted>,
    },
}

/// A request that has passed the gateway.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) action: String,
    pub(crate) caller: AccessKey,
    pub(crate) call: Call,
    envelope: Envelope,
    journal_seq: u64,
    fault: Option<(u64, FaultKind)>,
}

impl Cloud {
    /// A cloud in which nothing has happened.
    pub(crate) fn new(
        region: String,
        settings: Settings,
        keyring: Keyring,
        addresses: Addresses,
        seed: u64,
    ) -> Self {
        Self {
            region,
            network: Network::default(),
            settings,
            keyring,
            store: Store::new(addresses),
            tokens: Tokens::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            rng: Rng::new(seed),
            throttle: Throttle::default(),
            latencies: Rng::new(!seed),
            catalog: Catalog::default(),
            is_real: false,
            execs: Execs::default(),
            held_up: None,
            forgets_token: false,
            address: None,
            advanced: SignedDuration::ZERO,
            virtual_start: None,
            wall: Timestamp::UNIX_EPOCH,
            unsaved: None,
            posted: Map::default(),
            seed: 0,
            runs: 0,
            address_range: String::new(),
            faults_of_file: Default::default(),
        }
    }

    /// Brings every group to the present of its own time, which is returned.
    pub(crate) fn advance(&mut self, wall: Timestamp) -> Timestamp {
        self.wall = wall;
        let now = self.time(wall);
        self.store.advance(now, &self.settings);
        self.catalog.expire(now, millis(self.settings.build_ms));
        now
    }

    /// Flow control: refuses, or lets a create in whose group it holds up.
    fn admit_by_quota(
        &mut self,
        now: Timestamp,
        action: &str,
        caller: &AccessKey,
        parameters: &Parameters,
    ) -> Result<(), ApiError> {
        let region = parameters.get("RegionId").unwrap_or(&self.region);
        let owner = match self.settings.quota_scope {
            QuotaScope::Account => caller.account.clone(),
            QuotaScope::Region => format!("{}/{region}", caller.account),
        };
        let is_late =
            action == "CreateContainerGroup" && self.settings.create_throttling != CreateThrottling::Refuse;
        if !is_late {
            return self.throttle.admit(&owner, action, now, &self.settings);
        }
        let wait = self.throttle.borrow(&owner, action, now, &self.settings);
        if !wait.is_zero() {
            self.held_up = Some(match self.settings.create_throttling {
                CreateThrottling::Fail => HeldUp::Forever,
                CreateThrottling::Pend | CreateThrottling::Refuse => HeldUp::For(wait),
            });
        }
        Ok(())
    }

    fn checked(
        &mut self,
        now: Timestamp,
        action: &str,
        caller: &AccessKey,
        call: &Call,
    ) -> Result<Value, ApiError> {
        self.admit_by_quota(now, action, caller, &call.parameters)?;
        if let Some(refusal) = self.refusal(action, caller, &call.parameters) {
            return refusal;
        }
        let region = call.parameters.get("RegionId");
        if self.settings.foreign_region == ForeignRegion::Refuse
            && region.is_some_and(|id| *id != self.region)
        {
            return Err(ApiError::new(
                404,
                "InvalidRegionId.NotFound",
                "The specified RegionId does not exist.",
            ));
        }
        let cleaned = match self.settings.none_values {
            NoneValues::Refused => None,
            NoneValues::Unset => without_none(action, &call.parameters).map(Arc::new),
        };
        let parameters = cleaned.as_ref().unwrap_or(&call.parameters);
        validate(action, parameters, &self.settings.rules()).map_err(|problems| error_of(&problems))?;
        self.carry_out(now, action, caller, parameters)
    }

    /// Carries out a call that nothing stands against any more, and writes it down when it may have changed something.
    fn carry_out(
        &mut self,
        now: Timestamp,
        action: &str,
        caller: &AccessKey,
        parameters: &Arc<Parameters>,
    ) -> Result<Value, ApiError> {
        let (rng, held_up) = (self.rng.state(), self.held_up.take());
        let forgets_token = std::mem::take(&mut self.forgets_token);
        if forgets_token {
            self.tokens.forget_one(&caller.account, action, parameters);
        }
        let reply = actions::perform(self, now, action, caller, parameters)?;
        let id = reply["ContainerGroupId"].as_str();
        if let (Some(held_up), Some(id)) = (held_up, id) {
            self.hold_up(now, id, held_up);
        }
        let only_reads =
            action.starts_with("Describe") || action.starts_with("List") || action == "ExecContainerCommand";
        if self.unsaved.is_some() && !only_reads {
            let (action, account) = (action.to_owned(), caller.account.clone());
            let (parameters, id) = (Arc::clone(parameters), id.map(str::to_owned));
            let made = id.as_deref().and_then(|id| self.store.find(id));
            let address = made.map(|group| group.facts.address);
            self.keep(What::Call(CallRecord {
                action,
                account,
                parameters,
                rng,
                held_up,
                forgets_token,
                id,
                address,
            }));
        }
        Ok(reply)
    }

    fn hold_up(&mut self, now: Timestamp, id: &str, held_up: HeldUp) {
        // The repetition of an earlier create holds nothing up.
        if self.store.find(id).is_some_and(|group| group.facts.created_at == now) {
            let until = match held_up {
                HeldUp::For(wait) => Some(later(now, wait)),
                HeldUp::Forever => None,
            };
            self.store.change(id, &self.settings, |group| group.throttle(now, until));
        }
    }
}

/// The first problem decides the code; the text names all.
pub(crate) fn error_of(problems: &[Problem]) -> ApiError {
    let first = problems.first().expect("a failed check reports at least one problem");
    let all: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.parameter, p.message)).collect();
    ApiError::of_code(first.code, all.join("; "), 400)
}
