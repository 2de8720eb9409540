//! Turns the client's errors into those of the seam, kind by kind.

use eci_client::{Error, ErrorKind as Eci};
use vk_core::{ErrorKind, ProviderError};

/// The error of an attempt that the client could not complete. `attempted` says what was attempted.
pub(crate) fn from_client(attempted: String, error: Error) -> ProviderError {
    ProviderError::new(kind(error.kind()), attempted).caused_by(error)
}

pub(crate) fn kind(kind: Eci) -> ErrorKind {
    match kind {
        Eci::NotFound => ErrorKind::NotFound,
        Eci::Throttled { retry_after } => ErrorKind::Throttled { retry_after },
        Eci::OutOfStock => ErrorKind::OutOfStock,
        Eci::QuotaExceeded => ErrorKind::QuotaExceeded,
        Eci::InvalidRequest => ErrorKind::InvalidRequest,
        Eci::Denied => ErrorKind::Denied,
        Eci::InvalidCredentials => ErrorKind::InvalidCredentials,
        Eci::IncorrectStatus => ErrorKind::Conflict,
        // The cloud turns everything away until somebody sets the clock; nothing is wrong with key or pod.
        Eci::ClockSkew | Eci::Unavailable => ErrorKind::Unavailable,
        Eci::Indeterminate => ErrorKind::Indeterminate,
        // A mismatch is an answer to a create only, where it is no error; the others are never asked for. A code
        // that the client does not know stays visible in the error's text.
        Eci::IdempotentParameterMismatch
        | Eci::DryRun
        | Eci::Unrecognized
        | Eci::Bug
        | Eci::Misconfigured => ErrorKind::Bug,
        _ => ErrorKind::Bug,
    }
}
