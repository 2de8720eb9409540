//! Names what a launcher could not do, and what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Why a real part is not there, or not in the state that was waited for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something of this machine is missing; the remedy is a command or a setting.
    #[error("{what} is missing: {remedy}")]
    Missing { what: String, remedy: String },

    /// A file, folder or socket could not be used.
    #[error("could not {action} \"{}\"", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },

    /// A program could not be started or waited for.
    #[error("could not run \"{program}\"")]
    Run { program: String, source: io::Error },

    /// A program ended and should not have, or ended with a failure.
    #[error("\"{program}\" ended ({status}): {output}")]
    Ended { program: String, status: ExitStatus, output: String },

    /// A state was not reached in time.
    #[error("waited {} s until {what}; last seen: {seen}", waited.as_secs())]
    TimedOut { what: String, waited: Duration, seen: String },

    /// The control plane refused a request, or failed to carry it out.
    #[error("the control plane did not \"{request}\": {reason}")]
    Control { request: String, reason: String },

    /// A program of this machine did not answer a request.
    #[error("{method} {url} was not answered")]
    Http { method: String, url: String, source: io::Error },

    /// A program of this machine refused a request, or answered what nobody expects.
    #[error("{url} answered {status}: {body}")]
    Refused { url: String, status: u16, body: String },

    /// Something that should be JSON is not, or lacks what is needed.
    #[error("could not understand {what}")]
    Malformed { what: String, source: serde_json::Error },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::File { action, path, source }
    }

    pub(crate) fn run(program: &str) -> impl FnOnce(io::Error) -> Error {
        let program = program.to_owned();
        move |source| Error::Run { program, source }
    }
}
