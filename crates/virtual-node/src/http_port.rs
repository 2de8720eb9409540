//! Serves `/metrics`, `/livez` and `/readyz` over plain HTTP, for Prometheus and for probes.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How long a client may take to send its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections at once; more wait. Two scrapers and three probes need a handful.
const CONNECTIONS: usize = 64;

/// What the endpoints ask.
pub(crate) struct Probes {
    /// The text of `/metrics`.
    pub(crate) metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// `Err` says what is awaited.
    pub(crate) ready: Arc<dyn Fn() -> Result<(), &'static str> + Send + Sync>,
}

/// The port, taken.
pub(crate) struct HttpPort {
    listener: TcpListener,
    probes: Arc<Probes>,
}

impl HttpPort {
    /// Takes the port; nothing is answered before [`HttpPort::run`].
    pub(crate) async fn bind(address: SocketAddr, probes: Probes) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, probes: Arc::new(probes) })
    }

    /// Where it listens.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until shutdown.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let probes = Arc::clone(&self.probes);
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let answer = answer(&request, &probes);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let mut server = hyper::server::conn::http1::Builder::new();
                server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
                if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                    debug!(%error, "connection ended");
                }
            });
        }
    }
}

fn answer(request: &Request<Incoming>, probes: &Probes) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is served here\n".to_owned());
    }
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "ok\n".to_owned()),
        "/readyz" => match (probes.ready)() {
            Ok(()) => text(StatusCode::OK, "ok\n".to_owned()),
            Err(awaited) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {awaited}\n")),
        },
        "/metrics" => {
            let mut response = text(StatusCode::OK, (probes.metrics)());
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
            response
        }
        _ => text(StatusCode::NOT_FOUND, "served here: /metrics, /livez, /readyz\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
