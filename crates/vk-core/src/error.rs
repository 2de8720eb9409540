//! What can go wrong at the seam, by who must act and by whether something may have happened.

use std::fmt;
use std::time::Duration;

/// One field of a pod that cannot be honoured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejection {
    /// Path as `kubectl explain` spells it, with indices: `spec.containers[0].startupProbe`.
    pub path: String,
    /// Why, and what to do instead. Never holds the field's value.
    pub reason: String,
}

impl Rejection {
    /// A rejection of the field at `path`.
    pub fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// A failed call of a provider. Decisions go by [`ProviderError::kind`], never by text.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Who must act, and what is known about the call's effect.
///
/// All kinds but [`ErrorKind::Indeterminate`] are definite: the call had no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The pod asks for what this provider cannot give. Its author must change it; not retried until it changes.
    Rejected(Vec<Rejection>),
    /// The cloud refused the request's content. Retried slowly, with a new attempt.
    InvalidRequest,
    /// No capacity of the wanted kind now. Retried with a new attempt.
    OutOfStock,
    /// The account's quota is used up. Its owner must raise it or free something; retried with a new attempt.
    QuotaExceeded,
    /// The credentials lack a permission. Retried with back-off, same attempt; the node says so.
    Denied,
    /// The credentials are wrong, expired or disabled. As `Denied`.
    InvalidCredentials,
    /// Too many calls. Retried no sooner than `retry_after`, same attempt.
    Throttled {
        /// The cloud's advice, if it gave one.
        retry_after: Option<Duration>,
    },
    /// The cloud was not reached, or answered that it did nothing. Retried with back-off, same attempt.
    Unavailable,
    /// The call may have had its effect. Settled by repeating the same attempt or by [`crate::Provider::find`].
    Indeterminate,
    /// What the call was about does not exist.
    NotFound,
    /// The object is in a state that forbids the call for now. Retried with back-off.
    Conflict,
    /// An answer or a state that the code does not expect. Reported; retried slowly.
    Bug,
}

impl ErrorKind {
    /// Whether the fault lies with the cloud or the way to it, and not with this one pod.
    pub fn is_cloud_wide(&self) -> bool {
        matches!(
            self,
            Self::Denied
                | Self::InvalidCredentials
                | Self::Throttled { .. }
                | Self::Unavailable
                | Self::Indeterminate
        )
    }

    /// A word for conditions, reasons and metric labels.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "UnsupportedPodSpec",
            Self::InvalidRequest => "InvalidRequest",
            Self::OutOfStock => "OutOfStock",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::Denied => "PermissionDenied",
            Self::InvalidCredentials => "InvalidCredentials",
            Self::Throttled { .. } => "Throttled",
            Self::Unavailable => "Unreachable",
            Self::Indeterminate => "AnswerLost",
            Self::NotFound => "NotFound",
            Self::Conflict => "Conflict",
            Self::Bug => "UnexpectedAnswer",
        }
    }
}

impl ProviderError {
    /// An error of this kind. `message` says what was attempted and must hold no secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The refusal of a pod, with every problem found.
    pub fn rejected(problems: Vec<Rejection>) -> Self {
        let message = problems.iter().map(Rejection::to_string).collect::<Vec<_>>().join("; ");
        Self::new(ErrorKind::Rejected(problems), message)
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Who must act.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Message and causes in one line, for the place where it is logged or shown.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
