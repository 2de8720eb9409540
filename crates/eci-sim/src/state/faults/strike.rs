//! What becomes of a call that a fault strikes.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{FaultKind, Struck, spoil};
use crate::error::ApiError;
use crate::exec::RunCall;
use crate::reply::Answer;
use crate::settings::millis;
use crate::state::journal::Outcome;
use crate::state::record::HeldUp;
use crate::state::{Admitted, Cloud, Step};

/// Output that a command may still write before its socket breaks off, unless told.
const CUT_AFTER_BYTES: u64 = 0;

impl Cloud {
    /// Carries a call out as the fault that strikes it wants.
    pub(in crate::state) fn strike(&mut self, now: Timestamp, admitted: Admitted, struck: &Struck) -> Step {
        let step = self.struck_step(now, admitted, struck);
        if let Some(call) = self.execs.sync.as_mut().and_then(|sync| sync.call.as_mut()) {
            call.struck = Some(Box::new(struck.clone()));
        }
        step
    }

    /// The answer to a call that ran a command, once it has ended: spoilt as the fault wants that struck the call.
    pub(crate) fn answer_of_run(&self, call: &RunCall, result: Result<Value, ApiError>) -> Answer {
        let RunCall { envelope, parameters, struck } = call;
        let mut struck = struck.clone();
        let reply = result.map(|reply| match &mut struck {
            Some(struck) => spoil::reply(struck, parameters, reply),
            None => reply,
        });
        let answer = match reply {
            Ok(reply) => envelope.success("ExecContainerCommand", reply),
            Err(error) => envelope.error(&error),
        };
        match &struck {
            Some(struck) if struck.kind == FaultKind::ErrorAfter => envelope.error(&self.error_of(struck)),
            Some(struck) if struck.kind == FaultKind::GatewayAfter => spoil::gateway(struck),
            Some(struck) if answer.status == 200 => spoil::answer(struck, answer),
            _ => answer,
        }
    }

    fn struck_step(&mut self, now: Timestamp, admitted: Admitted, struck: &Struck) -> Step {
        let delay = millis(struck.asked.delay_ms.unwrap_or(0));
        match struck.kind {
            FaultKind::DropBefore => self.give_up(&admitted, Step::Close),
            FaultKind::Reset => self.give_up(&admitted, Step::Reset),
            FaultKind::Hang => self.give_up(&admitted, Step::Hang),
            FaultKind::DropAfter => self.without_answer(now, &admitted, Step::Close),
            FaultKind::ResetAfter => self.without_answer(now, &admitted, Step::Reset),
            FaultKind::HangAfter => self.without_answer(now, &admitted, Step::Hang),
            FaultKind::DelayBefore => Step::Postpone { wait: delay, admitted: Box::new(admitted) },
            FaultKind::Delay => Step::Answer { answer: self.perform(now, &admitted), after: delay },
            FaultKind::Error | FaultKind::Throttle | FaultKind::TokenExpired => {
                let error = self.error_of(struck);
                let answer = admitted.envelope.error(&error);
                self.note_fault(&admitted, Outcome::of_error(&error));
                Step::Answer { answer, after: delay }
            }
            FaultKind::ErrorAfter => {
                self.perform(now, &admitted);
                Step::Answer { answer: admitted.envelope.error(&self.error_of(struck)), after: delay }
            }
            FaultKind::Gateway => {
                let answer = spoil::gateway(struck);
                let outcome = Outcome { http_status: Some(answer.status), ..Outcome::default() };
                self.note_fault(&admitted, outcome);
                Step::Answer { answer, after: delay }
            }
            FaultKind::GatewayAfter => {
                self.perform(now, &admitted);
                Step::Answer { answer: spoil::gateway(struck), after: delay }
            }
            _ => Step::Answer {
                answer: self.struck_answer(now, &admitted, struck),
                after: SignedDuration::ZERO,
            },
        }
    }

    /// The effect happens, perhaps in another way than usual, and its reply is spoilt.
    fn struck_answer(&mut self, now: Timestamp, admitted: &Admitted, struck: &Struck) -> Answer {
        match struck.kind {
            FaultKind::ForgetToken => self.forgets_token = true,
            FaultKind::ExecCut => {
                self.execs.cut_after = Some(struck.asked.bytes.unwrap_or(CUT_AFTER_BYTES));
            }
            FaultKind::AsyncThrottle => {
                let wait = struck.asked.delay_ms.map(millis);
                self.held_up = Some(wait.map_or(HeldUp::Forever, HeldUp::For));
            }
            _ => {}
        }
        let mut struck = struck.clone();
        let parameters = admitted.call.parameters.clone();
        let spoilt = self.perform_and(now, admitted, |reply| spoil::reply(&mut struck, &parameters, reply));
        self.execs.cut_after = None;
        if spoilt.status == 200 { spoil::answer(&struck, spoilt) } else { spoilt }
    }

    fn without_answer(&mut self, now: Timestamp, admitted: &Admitted, step: Step) -> Step {
        self.perform(now, admitted);
        step
    }

    /// The request has no effect and no answer.
    fn give_up(&mut self, admitted: &Admitted, step: Step) -> Step {
        self.note_fault(admitted, Outcome::default());
        step
    }

    fn note_fault(&mut self, admitted: &Admitted, outcome: Outcome) {
        self.journal.finish(admitted.journal_seq, Outcome { fault: admitted.fault, ..outcome });
    }

    fn error_of(&self, struck: &Struck) -> ApiError {
        let asked = &struck.asked;
        let (usual, sentence) = match struck.kind {
            FaultKind::Throttle => ("Throttling.User", "Request was denied due to user flow control."),
            FaultKind::TokenExpired => ("InvalidParameter", "The specified NextToken has expired."),
            _ => ("InternalError", "This error was asked for."),
        };
        let code = asked.code.as_deref().unwrap_or(usual);
        let message = asked.message.clone().unwrap_or_else(|| sentence.to_owned());
        let mut error = ApiError::of_code(code, message, self.settings.throttling_http_status);
        error.status = asked.http_status.unwrap_or(error.status);
        error.retry_after_ms = asked.retry_after_ms;
        error
    }
}
