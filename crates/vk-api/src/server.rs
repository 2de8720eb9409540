//! Accepts connections, keeps certificates current beside that, and ends in order.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, info, info_span, warn};
use vk_core::{Clock, LogProvider};

use crate::authn::{Authenticator, TokenReviewer};
use crate::authz::{AccessReviewer, Authorizer};
use crate::client_ca::{ClientCaSource, ClientCas};
use crate::connection::{Connections, Limits};
use crate::error::Error;
use crate::logs::{FollowConfig, Logs};
use crate::metrics::{Counted, Metrics};
use crate::pods::Pods;
use crate::service::{Exposition, Service};
use crate::tls::{self, ServingCertificate};

/// After a failed accept (no file descriptors, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A peer that vanished without a word is noticed after about 15 + 3 × 5 seconds.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(15))
    .with_interval(Duration::from_secs(5))
    .with_retries(3);

/// What is chosen for one node's port.
#[derive(Clone, Debug)]
pub struct Config {
    /// Port 0 takes a free one; [`ApiServer::local_addr`] tells it.
    pub listen: SocketAddr,
    /// The node that permissions are asked for.
    pub node_name: String,
    pub limits: Limits,
    pub follow: FollowConfig,
    /// How often the client CA bundle and the certificate files are read again.
    pub reload: Duration,
}

impl Config {
    /// The defaults, for a node.
    pub fn new(node_name: impl Into<String>, listen: SocketAddr) -> Self {
        Self {
            listen,
            node_name: node_name.into(),
            limits: Limits::default(),
            follow: FollowConfig::default(),
            reload: Duration::from_secs(30),
        }
    }
}

/// What the server stands on. [`crate::DelegatedAuth`] is all three of the reviewers.
#[derive(Clone)]
pub struct Dependencies {
    pub pods: Arc<dyn Pods>,
    pub logs: Arc<dyn LogProvider>,
    pub certificate: ServingCertificate,
    pub tokens: Arc<dyn TokenReviewer>,
    pub access: Arc<dyn AccessReviewer>,
    pub client_cas: Arc<dyn ClientCaSource>,
    pub clock: Arc<dyn Clock>,
    /// What `/metrics` shows.
    pub exposition: Exposition,
    pub metrics: Metrics,
}

/// The kubelet API of one node, listening.
pub struct ApiServer {
    listener: TcpListener,
    local_addr: SocketAddr,
    config: Config,
    connections: Connections,
    background: Background,
    metrics: Metrics,
}

/// What is kept current beside the connections.
struct Background {
    certificate: ServingCertificate,
    client_cas: Arc<ClientCas>,
    source: Arc<dyn ClientCaSource>,
}

impl ApiServer {
    /// Takes the port. Nothing is answered before [`ApiServer::run`].
    ///
    /// # Errors
    /// When the port cannot be taken.
    pub async fn bind(config: Config, dependencies: Dependencies) -> Result<Self, Error> {
        let listen = |source| Error::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let local_addr = listener.local_addr().map_err(listen)?;
        let background = Background {
            certificate: dependencies.certificate.clone(),
            client_cas: Arc::default(),
            source: Arc::clone(&dependencies.client_cas),
        };
        let metrics = dependencies.metrics.clone();
        let connections = connections(&config, dependencies, &background.client_cas)?;
        Ok(Self { listener, local_addr, config, connections, background, metrics })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown`; then answers under way get their time, followed logs break off at once.
    ///
    /// Dropping the future stops accepting but leaves open connections to themselves: cancel `shutdown` instead.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { listener, config, connections, background, metrics, local_addr } = self;
        let connections = Arc::new(connections);
        let tasks = TaskTracker::new();
        info!(node = config.node_name, address = %local_addr, "kubelet API serves");
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            never = background.run(config.reload) => match never {},
            never = accept(&listener, &connections, &tasks, &metrics) => match never {},
        }
        drop(listener);
        tasks.close();
        connections.drain.cancel();
        if timeout(config.limits.shutdown, tasks.wait()).await.is_err() {
            warn!(connections = tasks.len(), "connections did not end in time, cutting them");
            connections.abort.cancel();
            tasks.wait().await;
        }
        info!(node = config.node_name, "kubelet API ended");
    }
}

impl Background {
    async fn run(&self, period: Duration) -> Infallible {
        tokio::select! {
            never = self.client_cas.keep_current(self.source.as_ref(), period) => never,
            never = self.certificate.keep_current(period) => never,
        }
    }
}

fn connections(
    config: &Config,
    dependencies: Dependencies,
    client_cas: &Arc<ClientCas>,
) -> Result<Connections, Error> {
    let Dependencies { pods, logs, certificate, tokens, access, client_cas: _, clock, exposition, metrics } =
        dependencies;
    let drain = CancellationToken::new();
    let streams = config.limits.streams;
    let service = Service {
        authenticator: Authenticator::new(Arc::clone(client_cas), tokens, clock, metrics.clone()),
        authorizer: Authorizer::new(config.node_name.clone(), access, metrics.clone()),
        logs: Logs::new(Arc::clone(&pods), logs, config.follow, streams, metrics.clone(), drain.clone()),
        pods,
        exposition,
        metrics,
    };
    Ok(Connections {
        acceptor: TlsAcceptor::from(Arc::new(tls::server_config(certificate)?)),
        service: Arc::new(service),
        limits: config.limits,
        drain,
        abort: CancellationToken::new(),
    })
}

/// Each connection is a task of its own, known to the tracker; it holds its place until it ends.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Connections>,
    tasks: &TaskTracker,
    metrics: &Metrics,
) -> Infallible {
    let places = Arc::new(Semaphore::new(connections.limits.connections));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = prepare(&socket) {
            debug!(%error, "socket options not set");
        }
        let (connections, counted) = (Arc::clone(connections), Counted::new(&metrics.connections));
        let task = async move {
            let _held = (place, counted);
            connections.serve(socket).await;
        };
        tasks.spawn(task.instrument(info_span!("kubelet_api_connection", %peer)));
    }
}

/// Lines of a log are small and should not wait for more; a vanished peer should not hold its place.
fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    SockRef::from(socket).set_tcp_keepalive(&KEEPALIVE)
}
