//! The client: one method per action, each call signed anew and bounded by a deadline.
//!
//! ```text
//!   method ─▶ call ─▶ attempt ─▶ credentials ─▶ prepare (parameters, clock, nonce ─▶ signed request) ─▶ transport
//!              │                                                                          │
//!              └── deadline; place of retries          reply or Error ◀── decode ◀────────┘
//! ```
//!
//! Every attempt asks for credentials, time and nonce again. Nothing is retried here yet.

mod actions;
mod builder;
mod decode;
mod pages;
mod prepare;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout};

pub use self::builder::ClientBuilder;
pub use self::pages::{Items, Pages};
use crate::clock::{Clock, Nonces};
use crate::credentials::{AccessKey, CredentialsError, ProvideCredentials};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, unanswered};
use crate::model::Action;
use crate::sign::SignatureVersion;
use crate::transport::{Transport, TransportError};

/// The version of the API.
pub const API_VERSION: &str = "2018-08-08";

/// A client of one region's ECI. Cheap to clone; clones share connections and credentials.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    deadline: Duration,
}

struct Shared {
    region_id: String,
    endpoint: Endpoint,
    credentials: Arc<dyn ProvideCredentials>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    nonces: Arc<dyn Nonces>,
    signature: SignatureVersion,
}

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
        Self { shared: Arc::clone(&self.shared), deadline }
    }

    /// Calls any action. The methods named after actions are this with the type filled in.
    ///
    /// # Errors
    ///
    /// By [`ErrorKind`]. When the deadline passes before the request is handed to the transport the kind is
    /// `Unavailable`; afterwards it is `Indeterminate` for an action that changes something.
    pub async fn call<A: Action>(&self, request: &A) -> Result<A::Reply, Error> {
        let started = Instant::now();
        let handed_over = AtomicBool::new(false);
        let result = match timeout(self.deadline, self.attempt(request, &handed_over)).await {
            Ok(result) => result,
            Err(_) => Err(self.late::<A>(handed_over.into_inner())),
        };
        let kind = result.as_ref().err().map(Error::kind);
        tracing::debug!(action = A::NAME, elapsed = ?started.elapsed(), error = ?kind, "called the ECI API");
        result
    }

    /// One attempt: a key, a signature and a nonce of its own. Sets `handed_over` once the request may travel.
    async fn attempt<A: Action>(&self, request: &A, handed_over: &AtomicBool) -> Result<A::Reply, Error> {
        let key = self.key(A::NAME).await?;
        let parameters = self.parameters(request);
        let prepared = self.prepare(A::NAME, &parameters, &key)?;
        handed_over.store(true, Ordering::Relaxed);
        let response = self.shared.transport.send(prepared).await.map_err(no_answer::<A>)?;
        decode::reply::<A>(&response, &parameters)
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

    fn late<A: Action>(&self, handed_over: bool) -> Error {
        let kind = if handed_over { unanswered(A::EFFECT) } else { ErrorKind::Unavailable };
        Error::new(A::NAME, kind, format!("no answer within {:?}", self.deadline))
    }
}

fn no_answer<A: Action>(error: TransportError) -> Error {
    let kind = if error.may_have_been_received() { unanswered(A::EFFECT) } else { ErrorKind::Unavailable };
    Error::new(A::NAME, kind, "the endpoint does not answer").caused_by(error)
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
