//! What can go wrong: for whoever runs the simulator ([`Error`]), and for whoever calls it ([`ApiError`]).

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The simulator checks signatures with keys that everybody knows, so it stays on this machine unless told.
    #[error("{0} is reachable from other machines; allow that with --allow-non-loopback")]
    NotLoopback(SocketAddr),
    #[error("listening on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("{0} is in use by another program; name another port with --listen, or port 0 for a free one")]
    AddressInUse(SocketAddr),
    #[error("reading the address range {0:?}: it is written like 10.250.0.0/16")]
    AddressRange(String),
    #[error("reading an access key: it is written [ACCOUNT/]ID:SECRET[:TOKEN]")]
    AccessKey,
    #[error("reading the runtime {0:?}: it is scripted, runc, or the path of an OCI runtime")]
    RuntimeKind(String),
    #[error("reading {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// A file of faults or identities makes no sense; the problem names the line.
    #[error("reading {}: {problem}", path.display())]
    Script { path: PathBuf, problem: String },
    /// The folder of a state cannot be used; the problem says what to do.
    #[error("the state {} {problem}", path.display())]
    State { path: PathBuf, problem: String },
    /// Containers cannot be run for real on this machine.
    #[error("containers cannot run for real: {0}")]
    Runtime(String),
    #[error("drawing a seed from the operating system: {0}")]
    Seed(String),
}

/// An answer with HTTP status 400 or above, in the cloud's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Milliseconds for the header `x-acs-retry-after`.
    pub(crate) retry_after_ms: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), retry_after_ms: None }
    }

    /// The error for a parameter that names something that is not there.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "InvalidParameter.NotFound", format!("The specified {what} does not exist."))
    }

    /// The error for a code whose status is the published one.
    pub(crate) fn of_code(code: &str, message: impl Into<String>, throttling_http_status: u16) -> Self {
        Self::new(published_status(code, throttling_http_status), code, message)
    }
}

/// The HTTP status that goes with a code, as far as it is published; 400 otherwise.
fn published_status(code: &str, throttling_http_status: u16) -> u16 {
    match code {
        "InternalError" => 500,
        "ServiceUnavailable" | "containerRepositoryAuthorizationFailed" => 503,
        "RequestTimeout" => 408,
        "QuotaExceeded" | "NoPermission" | "InvalidAction" | "Throttling.Vcpu.PerDay" | "Spot.NotMatched" => {
            403
        }
        "Zone.NotOnSale" | "InvalidVSwitchId.IpNotEnough" => 403,
        _ if code.starts_with("Throttling") => throttling_http_status,
        _ if code.starts_with("Forbidden.") || code.starts_with("OperationDenied.") => 403,
        _ if code.ends_with(".NotFound") => 404,
        _ => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_published_status() {
        for (code, status) in [
            ("OperationDenied.NoStock", 403),
            ("Throttling.User", 429),
            ("Throttling.Vcpu.PerDay", 403),
            ("InvalidAccessKeyId.NotFound", 404),
            ("ServiceUnavailable", 503),
            ("InvalidParameter.CPU.Memory", 400),
        ] {
            assert_eq!(ApiError::of_code(code, "", 429).status, status, "{code}");
        }
    }
}
