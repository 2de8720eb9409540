//! The file in which an OCI runtime leaves the process of a command that it runs inside a container.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A command under way. Dropped before it has ended, it is killed: the runtime's own process is only its keeper.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    has_ended: bool,
}

impl PidFile {
    pub(super) fn within(directory: &Path) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { path: directory.join(format!("exec-{number}.pid")), has_ended: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the runtime writes down what it could not do.
    pub(super) fn log_path(&self) -> PathBuf {
        self.path.with_extension("log")
    }

    /// Whether the command has begun.
    pub(super) fn was_written(&self) -> bool {
        self.path.exists()
    }

    pub(super) fn ended(&mut self) {
        self.has_ended = true;
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let text = fs::read_to_string(&self.path).ok().filter(|_| !self.has_ended);
        if let Some(process) = text.and_then(|text| text.trim().parse().ok()).and_then(Pid::from_raw) {
            // It leads a session of its own, and what it has started goes with it.
            let _ = kill_process_group(process, Signal::KILL);
            let _ = kill_process(process, Signal::KILL);
        }
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.log_path());
    }
}
