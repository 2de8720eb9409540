//! Holds the process that runs a control plane's components, and reads what it says about them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Deserialize;

use super::report;
use crate::Error;
use crate::process::spawn;
use crate::wait::wait_until;

/// Ending takes a second or two; a machine under load gets this much before the end is enforced.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// What the supervisor writes about its control plane.
#[derive(Debug, Deserialize)]
pub(super) struct Description {
    pub(super) version: String,
    pub(super) server: String,
    pub(super) kubeconfig: PathBuf,
    pub(super) kubectl: PathBuf,
    pub(super) pki: PathBuf,
    pub(super) audit_log: PathBuf,
    pub(super) logs: PathBuf,
    pub(super) control_socket: PathBuf,
    pub(super) supervisor_pid: u32,
    pub(super) pids: BTreeMap<String, u32>,
}

/// The supervisor's process, which lives as long as its input is held open.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    input: Option<ChildStdin>,
    complaints: Option<JoinHandle<String>>,
}

impl Description {
    pub(super) fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("env.json");
        let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        serde_json::from_str(&text)
            .map_err(|source| Error::Malformed { what: path.display().to_string(), source })
    }
}

impl Supervisor {
    pub(super) fn spawn(
        program: &Path,
        dir: &Path,
        arguments: impl Iterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Self, Error> {
        let mut command = Command::new(program);
        command.arg("supervise").arg("--dir").arg(dir).args(arguments);
        // In a process group of its own, Ctrl-C reaches the launcher alone, which decides what ends first.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command).map_err(Error::run("supervise"))?;
        let input = child.stdin.take();
        let complaints = child.stderr.take().map(|mut stream| {
            thread::spawn(move || {
                let mut text = Vec::new();
                let _ = stream.read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        Ok(Supervisor { child, input, complaints })
    }

    /// Waits for the line `ready`, or for the end, which the supervisor brings about itself when a component is late.
    pub(super) fn wait_ready(&mut self) -> Result<(), Error> {
        let mut line = String::new();
        if let Some(stdout) = self.child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(Error::run("supervise"))?;
        }
        if line.trim() == "ready" {
            return Ok(());
        }
        self.input = None;
        let status = self.child.wait().map_err(Error::run("supervise"))?;
        Err(Error::Ended { program: "supervise".into(), status, output: self.complaints() })
    }

    fn complaints(&mut self) -> String {
        let text = self.complaints.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        text.trim().to_owned()
    }

    /// Ends the supervisor by ending its input. One that ended before, because a component crashed, is reported.
    pub(super) fn end(&mut self) {
        self.input = None;
        let child = &mut self.child;
        let ended = wait_until("the supervisor ends", STOP_GRACE, || child.try_wait().transpose());
        match ended {
            Ok(Ok(status)) if status.success() => {}
            Ok(_) => report(&self.complaints()),
            Err(error) => {
                report(&error.to_string());
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}
