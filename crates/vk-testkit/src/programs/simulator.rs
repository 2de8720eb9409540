//! Starts a simulated cloud and talks to its control endpoints (`/_sim/…`).

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Account;
use crate::Error;
use crate::plain_http::request;
use crate::process::{Process, guarded};

const START: Duration = Duration::from_secs(30);
const READY_LINE: &str = "listening on http://";

/// A running simulator, ended when this is dropped.
#[derive(Debug)]
pub struct Simulator {
    process: Process,
    address: SocketAddr,
}

impl Simulator {
    /// Starts one on a free port, with further arguments such as `--visibility-lag-ms 5000`.
    ///
    /// # Errors
    ///
    /// When it does not say where it listens; with the end of its log.
    pub fn start(program: &Path, account: &Account, arguments: &[&str], log: &Path) -> Result<Self, Error> {
        let mut command = account.simulator(guarded(program));
        command.args(arguments);
        let mut process = Process::spawn("eci-sim", command, log)?;
        let address = process.wait_for_line(READY_LINE, START)?;
        Ok(Simulator { address: parse(&address)?, process })
    }

    /// Where its API answers, for `ECI_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process, to be signalled or looked at.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Reads a control endpoint, such as `/_sim/counts`.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with its words, [`Error::Http`], [`Error::Malformed`].
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        self.ask("GET", path, "")
    }

    /// Changes something: `POST /_sim/faults`, `POST /_sim/settings`, …
    ///
    /// # Errors
    ///
    /// As [`Simulator::get`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.ask("POST", path, &body.to_string())
    }

    /// Takes something back, such as all faults: `DELETE /_sim/faults`.
    ///
    /// # Errors
    ///
    /// As [`Simulator::get`].
    pub fn delete(&self, path: &str) -> Result<Value, Error> {
        self.ask("DELETE", path, "")
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value, Error> {
        let answer = request(self.address, method, path, body)?;
        let url = || format!("{method} http://{}{path}", self.address);
        if !(200..300).contains(&answer.status) {
            return Err(Error::Refused { url: url(), status: answer.status, body: answer.body });
        }
        if answer.body.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&answer.body)
            .map_err(|source| Error::Malformed { what: format!("the answer to {}", url()), source })
    }
}

fn parse(address: &str) -> Result<SocketAddr, Error> {
    address.trim().trim_end_matches('/').parse().map_err(|_| Error::Refused {
        url: "the simulator's first line".into(),
        status: 0,
        body: address.to_owned(),
    })
}
