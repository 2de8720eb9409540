//! Builds a client: everything it needs from the world is handed in here, or defaulted here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::lanes::Lane;
use super::limits::Limits;
use super::retry::{Jitter, RandomJitter, RetryPolicy};
use super::skew::Skew;
use super::{Client, Shared};
use crate::clock::{Clock, Nonces, RandomNonces, SystemClock};
use crate::credentials::ProvideCredentials;
use crate::endpoint::{self, Endpoint};
use crate::error::{Error, ErrorKind};
use crate::sign::SignatureVersion;
use crate::transport::Transport;

/// Long enough for the slowest page of 20 full groups, short enough that a caller notices.
const DEADLINE: Duration = Duration::from_secs(15);

/// The "action" of errors that happen before any call.
const CONFIGURE: &str = "configure";

/// Configures a [`Client`]. Credentials are required, everything else has a default.
#[must_use]
pub struct ClientBuilder {
    region_id: String,
    endpoint: Option<String>,
    credentials: Option<Arc<dyn ProvideCredentials>>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    nonces: Arc<dyn Nonces>,
    signature: SignatureVersion,
    deadline: Duration,
    retry: RetryPolicy,
    jitter: Arc<dyn Jitter>,
    limits: Option<Limits>,
}

impl ClientBuilder {
    pub(super) fn new(region_id: String) -> Self {
        Self {
            region_id,
            endpoint: None,
            credentials: None,
            transport: None,
            clock: Arc::new(SystemClock),
            nonces: Arc::new(RandomNonces),
            signature: SignatureVersion::default(),
            deadline: DEADLINE,
            retry: RetryPolicy::none(),
            jitter: Arc::new(RandomJitter),
            limits: None,
        }
    }

    /// Where keys come from: an [`AccessKey`](crate::AccessKey), or a source of them. Required.
    pub fn credentials(mut self, credentials: impl ProvideCredentials) -> Self {
        self.credentials = Some(Arc::new(credentials));
        self
    }

    /// Where the API answers: `https://host[:port]`, or `http://…` for simulators. Unless set it is the public
    /// endpoint of the region; [`endpoint::vpc`] is the one inside a VPC.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// What carries requests; `HyperTransport` unless set. Required where `hyper` is not among the features of
    /// this crate.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// What tells the time of day for signatures; the machine's clock unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What makes nonces; random ones unless set.
    pub fn nonce(mut self, nonces: impl Nonces) -> Self {
        self.nonces = Arc::new(nonces);
        self
    }

    /// How requests are signed; version 3 unless set.
    pub fn signature(mut self, version: SignatureVersion) -> Self {
        self.signature = version;
        self
    }

    /// How long a call may take, credentials and connecting included; 15 s unless set. See also
    /// [`Client::with_deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How often a call is tried; once unless set.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// What spreads the pauses between attempts; random numbers unless set.
    pub fn jitter(mut self, jitter: impl Jitter) -> Self {
        self.jitter = Arc::new(jitter);
        self
    }

    /// Holds calls back so that the cloud need not refuse them; nothing is held back unless set. Waiting counts
    /// towards the deadline of a call.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Builds the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Of the kind `Misconfigured`: no region, no credentials, or an endpoint that is none.
    pub fn build(self) -> Result<Client, Error> {
        let Self { region_id, endpoint, credentials, transport, clock, nonces, signature, .. } = self;
        let Self { deadline, retry, jitter, limits, .. } = self;
        let misconfigured = |message: String| Error::new(CONFIGURE, ErrorKind::Misconfigured, message);
        if region_id.is_empty() {
            return Err(misconfigured("the region is empty".to_owned()));
        }
        let endpoint = endpoint.unwrap_or_else(|| endpoint::public(&region_id));
        let Some(endpoint) = Endpoint::parse(&endpoint) else {
            return Err(misconfigured("the endpoint is not of the form https://host[:port]".to_owned()));
        };
        let credentials = credentials.ok_or_else(|| misconfigured("no credentials are given".to_owned()))?;
        let transport = match transport {
            Some(transport) => transport,
            None => default_transport()?,
        };
        let shared = Shared {
            region_id,
            endpoint,
            credentials,
            transport,
            clock,
            nonces,
            signature,
            retry,
            jitter,
            limits,
            skew: Skew::default(),
        };
        Ok(Client { shared: Arc::new(shared), deadline, lane: Lane::default() })
    }
}

#[cfg(feature = "hyper")]
fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    let transport = crate::transport::HyperTransport::new().map_err(|error| {
        Error::new(CONFIGURE, ErrorKind::Misconfigured, "the default transport cannot be built")
            .caused_by(error)
    })?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "hyper"))]
fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Err(Error::new(CONFIGURE, ErrorKind::Misconfigured, "no transport is given, and none is built in"))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("region_id", &self.region_id)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
