//! Puts the crates together and runs them until a signal.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use eci_client::Clock as _;
use jiff::Timestamp;
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use vk_api::{ApiServer, DelegatedAuth, Dependencies, ServingCertificate};
use vk_core::{Clock, Placement};
use vk_node::engine::{EngineConfig, Timing};
use vk_node::facts::AnnotationNames;
use vk_node::kube_call::{self, Random};
use vk_node::node::NodeSettings;
use vk_node::runner::Lanes;
use vk_node::virtual_node::{Parts, VirtualNode};

use crate::cloud_metrics::CloudMetrics;
use crate::glue::NodePods;
use crate::http_port::{HttpPort, Probes};
use crate::settings::Settings;
use crate::{cluster, node_address};

const ANNOTATIONS: AnnotationNames = AnnotationNames {
    group: eci_translate::INSTANCE_ID_ANNOTATION,
    attempt: eci_translate::ATTEMPT_ANNOTATION,
};

/// How long everything may take to stop after the first signal. A Deployment's default grace period is 30 s.
const SHUTDOWN: Duration = Duration::from_secs(20);

/// Runs until the first signal, or until a part that must live ends.
pub(crate) async fn run(settings: Settings) -> Result<()> {
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;
    let clock: Arc<dyn Clock> = Arc::new(now);
    let kube = KubeClients::connect(&settings).await?;
    let node_ip = node_ip(&settings, &kube)?;

    // Ports first: a port that is taken ends the start before anything is said to the cluster.
    let registry = Arc::new(Mutex::new(Registry::default()));
    let (http, readiness) = http_port(&settings, &registry).await?;
    let http_addr = http.local_addr().context("the HTTP port's address")?;
    let mut tasks = JoinSet::new();
    tasks.spawn(http.run(shutdown.clone()));

    let Some(placement) = placement(&settings, &kube, node_ip, &shutdown).await else { return Ok(()) };
    let Some(version) = cluster::kubelet_version(&kube.pods, &shutdown).await else { return Ok(()) };
    let cloud_metrics = CloudMetrics::register(&mut lock(&registry));
    let provider = provider(&settings, placement, &clock, cloud_metrics)?;
    let certificate = certificate(&settings, node_ip, clock.now()).await?;

    let handle = Arc::new(Mutex::new(None));
    let node_name = settings.node.name.clone();
    let auth = Arc::new(DelegatedAuth::new(kube.pods.clone()));
    let metrics = vk_api::Metrics::register(lock(&registry).sub_registry_with_prefix("kubelet_api"));
    let api = ApiServer::bind(
        vk_api::Config::new(node_name.clone(), settings.kubelet.listen),
        Dependencies {
            pods: Arc::new(NodePods {
                handle: Arc::clone(&handle),
                client: kube.pods.clone(),
                node_name: node_name.clone(),
            }),
            logs: Arc::clone(&provider) as _,
            certificate,
            tokens: Arc::clone(&auth) as _,
            access: Arc::clone(&auth) as _,
            client_cas: auth as _,
            clock: Arc::clone(&clock),
            exposition: exposition(&registry),
            metrics,
        },
    )
    .await
    .context("the kubelet API cannot be served")?;
    let kubelet_port = api.local_addr().port();

    let parts = Parts {
        client: kube.pods,
        node_client: kube.node,
        provider,
        clock,
        random: Random::new(random),
        node: NodeSettings { kubelet_version: version, ..node_settings(&settings, node_ip, kubelet_port) },
        engine: EngineConfig {
            node_ip: node_ip.to_string(),
            annotations: ANNOTATIONS,
            timing: Timing::default(),
        },
        lanes: Lanes::default(),
    };
    let node = VirtualNode::new(parts, &mut lock(&registry));
    *lock(&handle) = Some(node.handle());
    *lock(&readiness) = Some(node.handle());
    tasks.spawn(api.run(shutdown.clone()));
    announce(&node_name, node_ip, kubelet_port, http_addr);

    let result = node.run(shutdown.clone()).await;
    shutdown.cancel();
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN, all).await.is_err() {
        warn!("connections did not end in time");
    }
    result.context("the node ended")
}

/// Two connections to the API server: node object and lease must not wait behind pods.
struct KubeClients {
    pods: kube::Client,
    node: kube::Client,
    server: http::Uri,
}

impl KubeClients {
    async fn connect(settings: &Settings) -> Result<Self> {
        let config = match &settings.kubeconfig {
            Some(path) => {
                let file = kube::config::Kubeconfig::read_from(path).with_context(|| {
                    format!("KUBECONFIG (--kubeconfig) {} cannot be read", path.display())
                })?;
                let names_proxy = file.clusters.iter().any(|cluster| {
                    cluster.cluster.as_ref().is_some_and(|cluster| cluster.proxy_url.is_some())
                });
                let mut config =
                    kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default())
                        .await
                        .with_context(|| {
                            format!("KUBECONFIG (--kubeconfig) {} cannot be used", path.display())
                        })?;
                // kube takes HTTPS_PROXY for the API server too, whatever NO_PROXY says. It is meant for the cloud.
                config.proxy_url = config.proxy_url.filter(|_| names_proxy);
                config
            }
            None => kube::Config::incluster().context(
                "no credentials for the Kubernetes API: not in a pod with a service account, and KUBECONFIG \
                 (--kubeconfig) is not set",
            )?,
        };
        let server = config.cluster_url.clone();
        let client = |config| kube_call::client(config).context("the Kubernetes client cannot be built");
        Ok(Self { pods: client(config.clone())?, node: client(config)?, server })
    }
}

fn node_ip(settings: &Settings, kube: &KubeClients) -> Result<IpAddr> {
    match settings.node.ip {
        Some(ip) => Ok(ip),
        None => node_address::towards(&kube.server)
            .context("the node's address cannot be found; set NODE_IP (--node-ip)"),
    }
}

type LateHandle = Arc<Mutex<Option<vk_node::virtual_node::Handle>>>;

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn http_port(settings: &Settings, registry: &Arc<Mutex<Registry>>) -> Result<(HttpPort, LateHandle)> {
    let handle = LateHandle::default();
    let late = Arc::clone(&handle);
    let probes = Probes {
        metrics: exposition(registry),
        ready: Arc::new(move || match lock(&late).as_ref() {
            Some(handle) if handle.is_ready() => Ok(()),
            Some(_) => Err("the list of the node's pods has not arrived"),
            None => Err("the API server has not answered"),
        }),
    };
    let port = HttpPort::bind(settings.http_listen, probes)
        .await
        .with_context(|| format!("HTTP_LISTEN (--http-listen) {} cannot be used", settings.http_listen))?;
    Ok((port, handle))
}

fn exposition(registry: &Arc<Mutex<Registry>>) -> Arc<dyn Fn() -> String + Send + Sync> {
    let registry = Arc::clone(registry);
    Arc::new(move || {
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &lock(&registry)) {
            Ok(()) => text,
            Err(error) => format!("# the metrics cannot be written: {error}\n"),
        }
    })
}

/// What every translation needs to know of node and cluster. `None` when shutdown came first.
async fn placement(
    settings: &Settings,
    kube: &KubeClients,
    node_ip: IpAddr,
    shutdown: &CancellationToken,
) -> Option<Placement> {
    let cluster_id = match &settings.cluster_id {
        Some(id) => id.clone(),
        None => cluster::identity(&kube.pods, shutdown).await?,
    };
    let cluster_dns = match &settings.cluster_dns {
        Some(addresses) => addresses.clone(),
        None => cluster::dns(&kube.pods, shutdown).await?,
    };
    Some(Placement {
        cluster_id,
        node_name: settings.node.name.clone(),
        node_ip: node_ip.to_string(),
        region_id: settings.region.clone(),
        v_switch_ids: settings.v_switches.clone(),
        security_group_id: settings.security_group.clone(),
        resource_group_id: settings.resource_group.clone(),
        cluster_dns,
        cluster_domain: settings.cluster_domain.clone(),
        api_server_endpoint: settings.api_server_endpoint.clone(),
    })
}

fn provider(
    settings: &Settings,
    placement: Placement,
    clock: &Arc<dyn Clock>,
    metrics: CloudMetrics,
) -> Result<Arc<eci_provider::EciProvider>> {
    let mut builder = eci_client::Client::builder(settings.region.clone())
        .credentials(settings.access_key.clone())
        .transport(settings.transport.clone());
    if let Some(endpoint) = &settings.eci_endpoint {
        builder = builder.endpoint(endpoint.clone());
    }
    let client = builder.build().context("the ECI client cannot be built")?;
    let options = eci_provider::Options { observer: Arc::new(metrics), ..Default::default() };
    Ok(Arc::new(eci_provider::EciProvider::new(client, placement, Arc::clone(clock), options)))
}

async fn certificate(settings: &Settings, node_ip: IpAddr, now: Timestamp) -> Result<ServingCertificate> {
    match &settings.kubelet.certificate {
        Some((certificate, key)) => ServingCertificate::from_files(certificate, key)
            .await
            .context("APISERVER_CERT_LOCATION or APISERVER_KEY_LOCATION cannot be used"),
        None => ServingCertificate::self_signed(&settings.node.name, &[node_ip], now)
            .context("the self-signed certificate cannot be made"),
    }
}

fn node_settings(settings: &Settings, node_ip: IpAddr, kubelet_port: u16) -> NodeSettings {
    let args = &settings.node;
    let mut node = NodeSettings::new(args.name.clone(), node_ip, kubelet_port);
    node.labels = args.labels.clone();
    node.taint = args.taint.clone();
    node.region = Some(settings.region.clone());
    node.zone = args.zone.clone();
    let capacity = &mut node.capacity;
    for (place, given) in [
        (&mut capacity.cpu, &args.cpu),
        (&mut capacity.memory, &args.memory),
        (&mut capacity.pods, &args.pods),
        (&mut capacity.ephemeral_storage, &args.ephemeral_storage),
    ] {
        if let Some(given) = given {
            place.clone_from(given);
        }
    }
    if args.gpu.is_some() {
        capacity.gpu.clone_from(&args.gpu);
    }
    node
}

/// One line for whoever started the process, with the addresses that were chosen.
#[allow(
    clippy::print_stdout,
    reason = "tests, scripts and people read this one line; logs go to standard error"
)]
fn announce(node_name: &str, node_ip: IpAddr, kubelet_port: u16, http: SocketAddr) {
    let kubelet = SocketAddr::new(node_ip, kubelet_port);
    println!("ready node={node_name} kubelet=https://{kubelet} http=http://{http}");
    info!(node = node_name, %kubelet, %http, "virtual node is up");
}

/// The first signal stops in order, the second at once.
fn stop_on_signals(shutdown: CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be received")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be received")?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                warn!("second signal: ending at once");
                std::process::exit(130);
            }
            info!("signal received: stopping");
            shutdown.cancel();
        }
    });
    Ok(())
}

fn now() -> Timestamp {
    eci_client::SystemClock.now()
}

/// A number in 0..1, for spreading periods.
fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without the system's randomness the periods are merely not spread.
    if getrandom::fill(&mut bytes).is_err() {
        return 0.5;
    }
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}
