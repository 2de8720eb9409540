//! The client: one method per action, each call signed anew and bounded by a deadline.
//!
//! ```text
//!   method ─▶ call ─▶ attempts ─▶ limits ─▶ credentials ─▶ prepare (clock, nonce ─▶ signed request) ─▶ transport
//!              │         ▲                                                                             │
//!              │         └── retry: worth it? harmless? time left? ◀── reply or Error ◀── decode ◀─────┘
//!              └── deadline
//! ```
//!
//! Every attempt asks for credentials, time and nonce again.

mod actions;
mod builder;
mod decode;
mod lanes;
mod limits;
mod pages;
mod prepare;
mod retry;
mod skew;
#[cfg(feature = "exec")]
mod web_socket;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

pub use self::builder::ClientBuilder;
pub use self::lanes::Lane;
pub use self::limits::Limits;
pub use self::pages::{Items, Pages};
pub(crate) use self::prepare::http_request;
use self::retry::{Course, Failure, repetition};
pub use self::retry::{Jitter, RandomJitter, RetryPolicy};
pub(crate) use self::skew::Skew;
use crate::clock::{Clock, Nonces};
use crate::credentials::{AccessKey, CredentialsError, ProvideCredentials};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, ErrorOrigin, unanswered};
use crate::model::{Action, Parameters};
use crate::sign::SignatureVersion;
use crate::transport::{Transport, TransportError};

/// The version of the API.
pub const API_VERSION: &str = "2018-08-08";

/// A client of one region's ECI. Cheap to clone; clones share connections and credentials.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    deadline: Duration,
    lane: Lane,
}

struct Shared {
    region_id: String,
    endpoint: Endpoint,
    credentials: Arc<dyn ProvideCredentials>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    nonces: Arc<dyn Nonces>,
    signature: SignatureVersion,
    retry: RetryPolicy,
    jitter: Arc<dyn Jitter>,
    limits: Option<Limits>,
    skew: Skew,
}

/// What is known of a call when its deadline passes.
#[derive(Default)]
struct Travel {
    /// The request of the current attempt may travel.
    sent: AtomicBool,
    /// The fate of an earlier attempt is unknown.
    open: AtomicBool,
}

impl Travel {
    fn may_have_been_received(&self) -> bool {
        self.sent.load(Ordering::Relaxed) || self.open.load(Ordering::Relaxed)
    }
}

/// How long a source of a lasting key may take to say that it has another one.
const SOON: Duration = Duration::from_secs(1);

impl Client {
    /// A client for a region, e.g. `cn-hangzhou`, to be configured.
    pub fn builder(region_id: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(region_id.into())
    }

    /// The region its requests name.
    pub fn region_id(&self) -> &str {
        &self.shared.region_id
    }

    /// The same client with another deadline for each call.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// The same client, its calls in another lane: see [`Lane`]. Without [`Limits`] nothing waits, and lanes have no
    /// effect.
    #[must_use]
    pub fn with_lane(&self, lane: Lane) -> Self {
        Self { lane, ..self.clone() }
    }

    /// Calls any action. The methods named after actions are this with the type filled in.
    ///
    /// # Errors
    ///
    /// By [`ErrorKind`]. When the deadline passes before a request is handed to the transport the kind is
    /// `Unavailable`; afterwards it is `Indeterminate` for an action that changes something. With a [`RetryPolicy`]
    /// it is the error of the last attempt; but if an earlier attempt of such an action may have been carried out,
    /// that stays the answer until an attempt proves what became of it.
    pub async fn call<A: Action>(&self, request: &A) -> Result<A::Reply, Error> {
        let (started, travel) = (Instant::now(), Travel::default());
        let result = match timeout(self.deadline, self.attempts(request, started, &travel)).await {
            Ok(result) => result,
            Err(_) => Err(late::<A>(travel.may_have_been_received(), self.deadline)),
        };
        let kind = result.as_ref().err().map(Error::kind);
        tracing::debug!(action = A::NAME, elapsed = ?started.elapsed(), error = ?kind, "called the ECI API");
        result
    }

    /// Attempt after attempt, as far as the policy allows.
    async fn attempts<A: Action>(
        &self,
        request: &A,
        started: Instant,
        travel: &Travel,
    ) -> Result<A::Reply, Error> {
        let Shared { retry, jitter, limits, .. } = &*self.shared;
        let parameters = self.parameters(request);
        let repetition = repetition::<A>(&parameters);
        let mut course = Course::new(retry, &**jitter, repetition, started, self.deadline);
        loop {
            if let Some(limits) = limits {
                limits.admit(A::NAME, self.lane).await;
            }
            let failure = match self.bounded_attempt::<A>(&parameters, travel).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let kind = failure.error.kind();
            if let (Some(limits), ErrorKind::Throttled { retry_after }) = (limits, kind) {
                limits.throttled(A::NAME, retry_after);
            }
            let delay = course.after(failure, Instant::now())?;
            travel.open.store(course.is_open(), Ordering::Relaxed);
            travel.sent.store(false, Ordering::Relaxed);
            tracing::debug!(action = A::NAME, error = ?kind, ?delay, "will call the ECI API again");
            sleep(delay).await;
        }
    }

    /// One attempt, ended by its own deadline if the policy sets one.
    async fn bounded_attempt<A: Action>(
        &self,
        parameters: &Parameters,
        travel: &Travel,
    ) -> Result<A::Reply, Failure> {
        let attempt = self.attempt::<A>(parameters, &travel.sent);
        let Some(deadline) = self.shared.retry.deadline_of_attempt() else { return attempt.await };
        match timeout(deadline, attempt).await {
            Ok(result) => result,
            Err(_) => Err(late::<A>(travel.sent.load(Ordering::Relaxed), deadline).into()),
        }
    }

    /// One attempt: a key, a signature and a nonce of its own. Sets `sent` once the request may travel.
    async fn attempt<A: Action>(
        &self,
        parameters: &Parameters,
        sent: &AtomicBool,
    ) -> Result<A::Reply, Failure> {
        let shared = &*self.shared;
        let key = self.key(A::NAME).await?;
        let prepared = self.prepare(A::NAME, parameters, &key)?;
        sent.store(true, Ordering::Relaxed);
        let response = shared.transport.send(prepared).await.map_err(no_answer::<A>)?;
        let error = match decode::reply::<A>(&response, parameters) {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let mut failure = Failure::from(error);
        match failure.error.kind() {
            ErrorKind::ClockSkew => {
                failure.clock_corrected = shared.skew.learn(response.headers(), shared.clock.now());
            }
            ErrorKind::InvalidCredentials => {
                shared.credentials.refused(&key);
                // What follows may take its time, but the fate of the request is known.
                sent.store(false, Ordering::Relaxed);
                failure.key_returned = key.is_temporary() || self.has_other_key(&key).await;
            }
            _ => {}
        }
        Err(failure)
    }

    /// Whether the source has another key than the one that was refused: it was changed between the two.
    async fn has_other_key(&self, refused: &AccessKey) -> bool {
        let provided = timeout(SOON, self.shared.credentials.provide()).await;
        matches!(provided, Ok(Ok(Some(key))) if key != *refused)
    }

    async fn key(&self, action: &'static str) -> Result<AccessKey, Error> {
        match self.shared.credentials.provide().await {
            Ok(Some(key)) => Ok(key),
            Ok(None) => {
                Err(Error::new(action, ErrorKind::InvalidCredentials, "no credentials are configured"))
            }
            Err(error) => {
                let kind = match error {
                    CredentialsError::Unreachable(_) => ErrorKind::Unavailable,
                    CredentialsError::Refused(_) => ErrorKind::InvalidCredentials,
                };
                Err(Error::new(action, kind, "there is no key to sign with").caused_by(error))
            }
        }
    }
}

fn late<A: Action>(sent: bool, deadline: Duration) -> Error {
    let (kind, origin) = if sent {
        (unanswered(A::EFFECT), ErrorOrigin::Network)
    } else {
        (ErrorKind::Unavailable, ErrorOrigin::Client)
    };
    Error::new(A::NAME, kind, format!("no answer within {deadline:?}")).from(origin)
}

fn no_answer<A: Action>(error: TransportError) -> Error {
    let kind = if error.may_have_been_received() { unanswered(A::EFFECT) } else { ErrorKind::Unavailable };
    Error::new(A::NAME, kind, "the endpoint does not answer").from(ErrorOrigin::Network).caused_by(error)
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("region_id", &self.shared.region_id)
            .field("endpoint", &self.shared.endpoint)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
