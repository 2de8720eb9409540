//! Sends requests over hyper and rustls: HTTP/1.1, connections kept and used again, certificates of the machine.
//!
//! HTTP/2 is not offered (no ALPN): with one request per connection at a time, a broken connection concerns one
//! request, and whether that one was written is known.

use std::future::Future;
#[cfg(feature = "exec")]
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
#[cfg(feature = "exec")]
use hyper_util::rt::TokioIo;
use hyper_util::rt::{TokioExecutor, TokioTimer};
// The library that signs does TLS too.
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as provider;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use rustls::crypto::ring as provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

#[cfg(feature = "exec")]
use super::Connection;
use super::proxy::{Proxies, Route, authorization};
use super::{Transport, TransportError};

/// Name resolution, TCP and TLS together. Shorter than any sensible deadline of a call, so that a dead address shows
/// as "not sent" rather than as a call whose fate nobody knows.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are closed before a load balancer in front of the API does it (the vendor's keep them for 15 s
/// unless told otherwise), because a request written into a connection that is being closed is lost with an unknown fate.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer answers are refused. The largest known, 20 groups with all their files and variables, stays below 4 MiB.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// The default transport. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct HyperTransport {
    client: Client<PatientConnector, Full<Bytes>>,
    proxies: Arc<Matcher>,
    /// Opens connections that are not for requests.
    #[cfg(feature = "exec")]
    connector: PatientConnector,
}

impl HyperTransport {
    /// A transport with the defaults of its builder.
    ///
    /// # Errors
    ///
    /// See [`HyperTransportBuilder::build`].
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// A transport to be configured.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder {
            authorities: None,
            connect_timeout: CONNECT_TIMEOUT,
            proxies: Proxies::none(),
        }
    }
}

/// Configures a [`HyperTransport`].
#[derive(Clone, Debug)]
pub struct HyperTransportBuilder {
    authorities: Option<Vec<u8>>,
    connect_timeout: Duration,
    proxies: Proxies,
}

impl HyperTransportBuilder {
    /// Trusts the certificate authorities of this PEM bundle in place of the machine's.
    #[must_use]
    pub fn certificate_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// Gives up connecting (name resolution, TCP and TLS together) after this long; 5 s unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Connects through proxies, [`Proxies::from_environment`] for example; straight to the host unless set.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Builds it. A machine without certificate authorities is no error here: plain HTTP works, HTTPS then fails
    /// with an unknown issuer when it is used.
    ///
    /// # Errors
    ///
    /// The given bundle holds no usable certificate, or a given proxy is none.
    pub fn build(self) -> io::Result<HyperTransport> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls = tls(self.authorities.as_deref())?;
        let connector =
            || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1();
        let proxies = self.proxies.matcher()?;
        let to_proxy = connector().wrap_connector(tcp.clone());
        let route = Route { tcp, to_proxy, proxies: Arc::clone(&proxies), only_tunnels: false };
        let over = |route| {
            let https = connector().wrap_connector(route);
            PatientConnector { https, timeout: self.connect_timeout }
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(over(route.clone()));
        Ok(HyperTransport {
            client,
            proxies,
            #[cfg(feature = "exec")]
            connector: over(Route { only_tunnels: true, ..route }),
        })
    }
}

fn tls(authorities: Option<&[u8]>) -> io::Result<ClientConfig> {
    let provider = Arc::new(provider::default_provider());
    let versions = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)
    };
    if let Some(pem) = authorities {
        return Ok(versions()?.with_root_certificates(roots(pem)?).with_no_client_auth());
    }
    match versions()?.with_native_roots() {
        Ok(trusting) => Ok(trusting.with_no_client_auth()),
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities on this machine: HTTPS will not work");
            Ok(versions()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        }
    }
}

fn roots(pem: &[u8]) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    if roots.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the bundle holds no certificate"));
    }
    Ok(roots)
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if let Some(value) = authorization(&self.proxies, request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        let response = self.client.request(request.map(Full::new)).await.map_err(classify)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(TransportError::unanswered)?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    #[cfg(feature = "exec")]
    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Connection>, TransportError> {
        let mut connector = self.connector.clone();
        let server = server_of(uri).map_err(TransportError::not_sent)?;
        poll_fn(|cx| connector.poll_ready(cx)).await.map_err(TransportError::not_sent)?;
        let connection = connector.call(server).await.map_err(TransportError::not_sent)?;
        Ok(Box::new(TokioIo::new(connection)))
    }
}

/// The server of a web socket, without path and query, which are a secret.
#[cfg(feature = "exec")]
fn server_of(uri: &Uri) -> Result<Uri, http::Error> {
    let scheme = if uri.scheme_str() == Some("wss") { "https" } else { "http" };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build()
}

/// Only a failure to connect is proof that nothing was sent. hyper itself repeats a request that it could not begin
/// to write because a kept connection had gone; that one never left either.
fn classify(error: hyper_util::client::legacy::Error) -> TransportError {
    if error.is_connect() { TransportError::not_sent(error) } else { TransportError::unanswered(error) }
}

/// Bounds connecting as a whole; the connectors below bound TCP at most.
#[derive(Clone, Debug)]
struct PatientConnector {
    https: HttpsConnector<Route>,
    timeout: Duration,
}

type Connecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Service<Uri> for PatientConnector {
    type Response = <HttpsConnector<Route> as Service<Uri>>::Response;
    type Error = <HttpsConnector<Route> as Service<Uri>>::Error;
    type Future = Connecting<Self::Response, Self::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.timeout, self.https.call(uri));
        Box::pin(async { connecting.await? })
    }
}
