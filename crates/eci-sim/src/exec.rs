//! Commands run inside containers: tokens for the web socket, sessions of either runtime, and the socket.
//!
//! The core hands out a [`Ticket`] for a token; the HTTP layer redeems it once and opens a [`Session`], which looks
//! the same whether a process or a script is at its other end.

pub(crate) mod scripted;
pub(crate) mod socket;
mod terminal;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::params::Parameters;
use crate::reply::Envelope;
use crate::state::faults::Struck;

/// What was asked for, waiting for its socket.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) group: String,
    pub(crate) container: String,
    pub(crate) command: Vec<String>,
    pub(crate) tty: bool,
    pub(crate) stdin: bool,
    pub(crate) expires_at: Timestamp,
    /// Bytes of output after which the socket breaks off.
    pub(crate) cut_after: Option<u64>,
}

/// A command that is run to its end before the call is answered.
#[derive(Debug)]
pub(crate) struct SyncRun {
    pub(crate) ticket: Ticket,
    /// What the answer is put together with once there is output; set when the call is through.
    pub(crate) call: Option<RunCall>,
}

/// The call that runs a command.
#[derive(Clone, Debug)]
pub(crate) struct RunCall {
    pub(crate) envelope: Envelope,
    pub(crate) parameters: Arc<Parameters>,
    /// The fault that spoils its answer.
    pub(crate) struck: Option<Box<Struck>>,
}

#[derive(Debug, Default)]
pub(crate) struct Execs {
    tickets: BTreeMap<String, Ticket>,
    /// Of the call that is being answered.
    pub(crate) sync: Option<SyncRun>,
    /// The host that the call which is being answered names.
    pub(crate) host: String,
    /// What the ticket that is issued next is told to break off after.
    pub(crate) cut_after: Option<u64>,
}

impl Execs {
    pub(crate) fn issue(&mut self, token: String, ticket: Ticket, now: Timestamp) {
        self.tickets.retain(|_, ticket| ticket.expires_at > now);
        let cut_after = self.cut_after.take().or(ticket.cut_after);
        self.tickets.insert(token, Ticket { cut_after, ..ticket });
    }

    /// Takes the ticket of a token; there is none the second time, or when it has expired.
    pub(crate) fn redeem(&mut self, token: &str, now: Timestamp) -> Option<Ticket> {
        self.tickets.remove(token).filter(|ticket| ticket.expires_at > now)
    }
}

#[derive(Debug)]
pub(crate) enum Input {
    Stdin(Bytes),
    Resize { width: u16, height: u16 },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout(Bytes),
    Stderr(Bytes),
    /// The last.
    Exit(i32),
}

/// A command that runs. Dropping it ends the command.
pub(crate) struct Session {
    /// Dropping it closes stdin.
    pub(crate) input: mpsc::Sender<Input>,
    pub(crate) output: mpsc::Receiver<Output>,
}

/// The other ends of a session.
pub(crate) struct Ends {
    pub(crate) input: mpsc::Receiver<Input>,
    pub(crate) output: mpsc::Sender<Output>,
}

pub(crate) fn session() -> (Session, Ends) {
    let (input, inputs) = mpsc::channel(16);
    let (outputs, output) = mpsc::channel(16);
    (Session { input, output }, Ends { input: inputs, output: outputs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;

    #[test]
    fn a_token_is_good_once_and_only_until_it_expires() {
        let now = Timestamp::UNIX_EPOCH;
        let later = |seconds| later(now, jiff::SignedDuration::from_secs(seconds));
        let ticket = Ticket {
            group: "eci-1".into(),
            container: "main".into(),
            command: vec!["date".into()],
            tty: false,
            stdin: true,
            expires_at: later(30),
            cut_after: None,
        };
        let mut execs = Execs::default();
        execs.issue("a".into(), ticket.clone(), now);
        execs.issue("b".into(), ticket, now);
        assert!(execs.redeem("a", later(29)).is_some());
        assert!(execs.redeem("a", later(29)).is_none());
        assert!(execs.redeem("b", later(30)).is_none());
        assert!(execs.redeem("c", now).is_none());
    }
}
