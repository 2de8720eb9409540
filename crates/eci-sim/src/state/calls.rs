//! A call from its arrival to its answer: the gateway's checks, the fault that strikes it, the journal.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::faults::FaultKind;
use super::journal::{Entry, Outcome};
use super::{Admitted, Cloud, Step};
use crate::auth::AccessKey;
use crate::clock::later;
use crate::error::ApiError;
use crate::exec::RunCall;
use crate::reply::{Answer, Envelope};
use crate::schema::schema;
use crate::settings::{ErrorCodes, latency_of};
use crate::wire::{Call, Request};

impl Cloud {
    /// Handles a request that arrives at `wall`.
    pub(crate) fn apply(&mut self, wall: Timestamp, request: &Request) -> Step {
        let now = self.advance(wall);
        self.execs.sync = None;
        let call = Call::read(request);
        self.execs.host = call.headers.get("host").cloned().unwrap_or_default();
        let envelope = Envelope {
            request_id: self.rng.request_id(),
            host_id: format!("eci.{}.aliyuncs.com", self.region),
            as_xml: call.wants_xml,
            unset_values: self.settings.unset_values,
        };
        let journal_seq = self.note(now, request, &call);
        let action = call.action.clone().unwrap_or_default();
        let skew = self.faults.skew(&action, &call.parameters, now);
        let gateway_time = later(wall, skew.map_or(SignedDuration::ZERO, |(_, skew)| skew));
        let fault = skew.map(|(id, _)| (id, FaultKind::ClockSkew));
        let step = match self.admit(&call, gateway_time, now) {
            Err(error) => {
                self.journal.finish(journal_seq, Outcome { fault, ..Outcome::of_error(&error) });
                answer_now(envelope.error(&error))
            }
            Ok((action, caller)) => {
                self.journal.identify(journal_seq, &caller.id);
                self.struck_or_not(now, Admitted { action, caller, call, envelope, journal_seq, fault })
            }
        };
        match step {
            Step::Answer { mut answer, after } => {
                if skew.is_some() {
                    answer.headers.push(("date", self.date(gateway_time)));
                }
                let latency = latency_of(&self.settings.latency, &action, &mut self.latencies);
                Step::Answer { answer, after: after.saturating_add(latency) }
            }
            other => other,
        }
    }

    fn struck_or_not(&mut self, now: Timestamp, mut admitted: Admitted) -> Step {
        match self.faults.take(&admitted.action, &admitted.call.parameters, now) {
            None => answer_now(self.perform(now, &admitted)),
            Some(struck) => {
                admitted.fault = Some((struck.id, struck.kind));
                self.strike(now, admitted, &struck)
            }
        }
    }

    /// The `Date` of an answer, by the clock that request times are checked against.
    pub(crate) fn date(&self, wall: Timestamp) -> String {
        let skew = SignedDuration::from_secs(self.settings.clock_skew_s);
        later(wall, skew).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Handles a request that was postponed.
    pub(crate) fn resume(&mut self, wall: Timestamp, admitted: &Admitted) -> Answer {
        let now = self.advance(wall);
        self.perform(now, admitted)
    }

    fn note(&mut self, now: Timestamp, request: &Request, call: &Call) -> u64 {
        let entry = Entry {
            seq: 0,
            at: now,
            peer: request.peer.clone(),
            method: call.method.clone(),
            action: call.action.clone(),
            access_key_id: None,
            parameters: Arc::clone(&call.parameters),
            outcome: Outcome::default(),
            latency: None,
        };
        self.journal.add(entry, self.settings.journal_size)
    }

    /// The gateway's checks, in its order.
    fn admit(
        &mut self,
        call: &Call,
        wall: Timestamp,
        now: Timestamp,
    ) -> Result<(String, AccessKey), ApiError> {
        let missing =
            |name: &str| ApiError::new(400, format!("Missing{name}"), format!("{name} is mandatory."));
        let action =
            call.action.clone().filter(|action| !action.is_empty()).ok_or_else(|| missing("Action"))?;
        let version = call.version.as_deref().ok_or_else(|| missing("Version"))?;
        if version != schema().version {
            return Err(ApiError::new(400, "InvalidVersion", "Specified parameter Version is not valid."));
        }
        let Some(table) = schema().action(&action) else {
            let message = "Specified api is not found, please check your url and method.";
            return Err(ApiError::new(404, "InvalidAction.NotFound", message));
        };
        if !table.methods.contains(&call.method) {
            let message = format!("{action} cannot be called by {}.", call.method);
            return Err(ApiError::new(400, "UnsupportedHTTPMethod", message));
        }
        let skewed = later(wall, SignedDuration::from_secs(self.settings.clock_skew_s));
        let caller = self.keyring.authenticate(call, skewed, now)?;
        Ok((action, caller))
    }

    /// Carries the action out and notes what came of it.
    pub(in crate::state) fn perform(&mut self, now: Timestamp, admitted: &Admitted) -> Answer {
        self.perform_and(now, admitted, |reply| reply)
    }

    /// The same, with another reply than the true one.
    pub(in crate::state) fn perform_and(
        &mut self,
        now: Timestamp,
        admitted: &Admitted,
        change: impl FnOnce(Value) -> Value,
    ) -> Answer {
        let Admitted { action, caller, call, envelope, journal_seq, fault } = admitted;
        let mut result = self.checked(now, action, caller, call);
        (self.held_up, self.forgets_token) = (None, false);
        if let (Err(error), ErrorCodes::Unlisted) = (&mut result, self.settings.error_codes) {
            error.code.push_str(".Unlisted");
        }
        let mut outcome = match &result {
            Ok(_) => Outcome { http_status: Some(200), ..Outcome::default() },
            Err(error) => Outcome::of_error(error),
        };
        let answered_id = result.as_ref().ok().and_then(|reply| reply["ContainerGroupId"].as_str());
        let asked_id = call.parameters.get("ContainerGroupId").map(String::as_str);
        outcome.container_group_id = answered_id.or(asked_id).map(str::to_owned);
        outcome.fault = *fault;
        self.journal.finish(*journal_seq, outcome);
        if let Some(sync) = &mut self.execs.sync {
            let (envelope, parameters) = (envelope.clone(), Arc::clone(&call.parameters));
            sync.call = Some(RunCall { envelope, parameters, struck: None });
        }
        match result {
            Ok(reply) => {
                self.faults.answered(action, &call.parameters, &reply, now);
                envelope.success(action, change(reply))
            }
            Err(error) => envelope.error(&error),
        }
    }
}

fn answer_now(answer: Answer) -> Step {
    Step::Answer { answer, after: SignedDuration::ZERO }
}
