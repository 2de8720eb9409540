//! Says what went wrong with a call and, above all, who must act: decisions go by [`ErrorKind`], never by text.
//!
//! The hard line runs between a call that certainly had no effect and one that may have had: see
//! [`ErrorKind::Indeterminate`].

pub mod codes;
mod refusal;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

pub(crate) use self::refusal::{Answer, Refusal, unanswered};

/// Why a call failed.
///
/// Shows the action, the cloud's words, its code and the request id. Never shown: URLs, signatures, secrets, and the
/// texts the server signed for comparison, which hold the parameters.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Details>);

/// What the caller does about a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What the call is about does not exist (any more). For a deletion this is success.
    NotFound,
    /// An earlier call with the same client token and other parameters was accepted: proof that something was
    /// created. The caller finds it by its tags.
    IdempotentParameterMismatch,
    /// Too many calls; nothing was done. The caller waits, at least as long as is said, and calls again.
    Throttled {
        /// How long the cloud asks to wait; `None` where it does not say.
        retry_after: Option<Duration>,
    },
    /// No capacity of this kind here; nothing was done. The caller tries another zone, vSwitch or size, or later.
    OutOfStock,
    /// The account's quota is used up; nothing was done. A person raises the quota or frees something.
    QuotaExceeded,
    /// The cloud rejects the parameters; nothing was done. The caller changes the request.
    InvalidRequest,
    /// Not permitted, or the account may not buy; nothing was done. Whoever owns the account acts.
    Denied,
    /// The key is unknown, disabled or wrong, the token expired, or there is no key. Whoever configures credentials
    /// acts; temporary ones are worth one refresh.
    InvalidCredentials,
    /// The clocks differ by more than a quarter of an hour; nothing was done. Whoever keeps the clock acts.
    ClockSkew,
    /// What the call is about is in a state that does not allow it; nothing was done. The caller looks again later.
    IncorrectStatus,
    /// A dry run would have succeeded. Nothing was done, nobody acts.
    DryRun,
    /// The call certainly changed nothing: it was not sent, was turned away, or only reads. Call again.
    Unavailable,
    /// The call may have been carried out or not: it was sent, it changes something, and no answer tells. Before
    /// anything else is done, the caller finds out: with the same client token again, or by looking.
    Indeterminate,
    /// The cloud refused with a code this crate does not know (see [`Error::code`]); nothing was done. A person reads.
    Unrecognized,
    /// Client and cloud do not understand each other. Worth a report to this crate, with the request id.
    Bug,
    /// The client cannot be built or called like this. Whoever configured it acts.
    Misconfigured,
}

/// Who said so.
///
/// For people who look for the cause; what to do is [`ErrorKind`]'s business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// This client, before anything was sent: how it is configured, its credentials, its deadline.
    Client,
    /// Nobody: there is no connection, or no answer.
    Network,
    /// Something between client and API: a proxy, a load balancer, a login page. Its answer is not in the API's form.
    Intermediary,
    /// The gateway in front of all of the vendor's APIs: signature, time, key, rate, routing.
    Gateway,
    /// ECI itself.
    Service,
}

#[derive(Debug, thiserror::Error)]
struct Details {
    action: &'static str,
    kind: ErrorKind,
    origin: ErrorOrigin,
    message: String,
    http_status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(action: &'static str, kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Details {
            action,
            kind,
            origin: ErrorOrigin::Client,
            message,
            http_status: None,
            code: None,
            request_id: None,
            source: None,
        }))
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn from(mut self, origin: ErrorOrigin) -> Self {
        self.0.origin = origin;
        self
    }

    pub(crate) fn with_status(mut self, http_status: u16) -> Self {
        self.0.http_status = Some(http_status);
        self
    }

    /// What to do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Who said so.
    pub fn origin(&self) -> ErrorOrigin {
        self.0.origin
    }

    /// Whether the call may have been carried out although it failed.
    pub fn is_indeterminate(&self) -> bool {
        self.0.kind == ErrorKind::Indeterminate
    }

    /// The action that was called; `configure` while the client was being built.
    pub fn action(&self) -> &'static str {
        self.0.action
    }

    /// The cloud's code, e.g. one of [`codes`]; `None` if it did not answer with one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The id by which the vendor's support finds the call.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The HTTP status; `None` if there was no answer.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The cloud's words, or ours where it said nothing.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot complete {:?}: {}", self.action, self.message)?;
        let facts = [
            self.code.as_ref().map(|code| format!("code {code:?}")),
            self.http_status.map(|status| format!("HTTP {status}")),
            self.request_id.as_ref().map(|id| format!("request id {id:?}")),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        if facts.is_empty() { Ok(()) } else { write!(f, " ({})", facts.join(", ")) }
    }
}
