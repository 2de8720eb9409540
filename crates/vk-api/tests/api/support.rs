//! A server on loopback with everything around it: CAs, a scripted API server, and a client of our own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::Timestamp;
use prometheus_client::registry::Registry;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use vk_api::{
    ApiServer, BoxError, Config, DelegatedAuth, Dependencies, FollowConfig, Located, Metrics, Pods,
    ServingCertificate,
};
use vk_core::{GroupId, LogProvider, LogQuery, ProviderError};

pub(crate) const NODE: &str = "virtual-kubelet";

// --- certificates ---------------------------------------------------------------------------------------------------

pub(crate) type Ca = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn ca(name: &str) -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate with its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: KeyPair,
}

pub(crate) fn identity(ca: &Ca, user: &str, groups: &[&str]) -> Identity {
    let mut params = CertificateParams::new(vec![NODE.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, user);
    for group in groups {
        params.distinguished_name.push(DnType::OrganizationName, *group);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, ca).unwrap().der().clone();
    Identity { certificate, key }
}

// --- the API server -------------------------------------------------------------------------------------------------

/// What the scripted API server knows, and what it was asked.
#[derive(Default)]
pub(crate) struct Cluster {
    pub(crate) down: bool,
    pub(crate) client_ca: Option<String>,
    /// User by token.
    pub(crate) tokens: BTreeMap<String, String>,
    /// User, verb, subresource.
    pub(crate) allowed: BTreeSet<(String, String, String)>,
    /// Users who may do everything.
    pub(crate) admins: BTreeSet<String>,
    pub(crate) token_reviews: usize,
    pub(crate) client_ca_attempts: usize,
    pub(crate) access_reviews: Vec<Value>,
}

#[derive(Clone, Default)]
pub(crate) struct FakeCluster(pub(crate) Arc<Mutex<Cluster>>);

impl FakeCluster {
    pub(crate) fn set(&self, change: impl FnOnce(&mut Cluster)) {
        change(&mut self.0.lock().unwrap());
    }

    pub(crate) fn get<T>(&self, look: impl FnOnce(&Cluster) -> T) -> T {
        look(&self.0.lock().unwrap())
    }

    pub(crate) fn auth(&self) -> DelegatedAuth {
        let cluster = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let cluster = cluster.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                let answer = cluster.0.lock().unwrap().answer(head.uri.path(), &body);
                let (status, answer) = answer.ok_or("connection refused")?;
                let body = kube::client::Body::from(answer.to_string().into_bytes());
                Ok::<_, BoxError>(Response::builder().status(status).body(body).unwrap())
            }
        });
        DelegatedAuth::new(kube::Client::new(service, "default"))
    }
}

impl Cluster {
    fn answer(&mut self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.client_ca_attempts += usize::from(path.contains("configmaps"));
        let status = match path {
            _ if self.down => return None,
            "/apis/authentication.k8s.io/v1/tokenreviews" => self.review_token(&body["spec"]),
            "/apis/authorization.k8s.io/v1/subjectaccessreviews" => self.review_access(&body["spec"]),
            "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication" => {
                return Some(match &self.client_ca {
                    Some(pem) => (200, json!({"metadata": {}, "data": {"client-ca-file": pem}})),
                    None => (404, json!({"kind": "Status", "code": 404, "reason": "NotFound"})),
                });
            }
            other => panic!("unexpected request: {other}"),
        };
        Some((201, json!({"metadata": {}, "spec": {}, "status": status})))
    }

    fn review_token(&mut self, spec: &Value) -> Value {
        self.token_reviews += 1;
        match self.tokens.get(spec["token"].as_str().unwrap()) {
            Some(user) => json!({"authenticated": true, "user": {"username": user}}),
            None => json!({"authenticated": false}),
        }
    }

    fn review_access(&mut self, spec: &Value) -> Value {
        self.access_reviews.push(spec.clone());
        let attributes = &spec["resourceAttributes"];
        assert_eq!((&attributes["resource"], &attributes["name"]), (&json!("nodes"), &json!(NODE)));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let wanted = (text(&spec["user"]), text(&attributes["verb"]), text(&attributes["subresource"]));
        json!({"allowed": self.admins.contains(&wanted.0) || self.allowed.contains(&wanted)})
    }
}

// --- the node -------------------------------------------------------------------------------------------------------

/// One pod, `default/web`, whose container `nginx` runs.
#[derive(Clone, Default)]
pub(crate) struct OnePod {
    /// With it, `list` waits until it is let go: a request that is under way.
    pub(crate) held: Option<Arc<Notify>>,
    pub(crate) listing: Arc<AtomicUsize>,
}

#[async_trait]
impl Pods for OnePod {
    async fn list(&self) -> Result<Vec<corev1::Pod>, BoxError> {
        self.listing.fetch_add(1, Ordering::SeqCst);
        if let Some(held) = &self.held {
            held.notified().await;
        }
        let pod = json!({"metadata": {"name": "web", "namespace": "default"}});
        Ok(vec![serde_json::from_value(pod)?])
    }

    fn locate(&self, namespace: &str, name: &str, container: &str) -> Located {
        match (namespace, name, container) {
            ("default", "web", "nginx") => {
                Located::At { group: GroupId::new("eci-1"), running: true, restart_count: 0 }
            }
            ("default", "web", _) => Located::NoSuchContainer,
            _ => Located::NoSuchPod,
        }
    }
}

/// A log that tests append to, and that counts its readings.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) text: Mutex<String>,
    pub(crate) reads: Mutex<usize>,
}

impl Log {
    pub(crate) fn append(&self, line: &str) {
        let mut text = self.text.lock().unwrap();
        let number = text.lines().count();
        text.push_str(&format!("2026-01-02T03:04:05.{number:09}Z {line}\n"));
    }

    pub(crate) fn reads(&self) -> usize {
        *self.reads.lock().unwrap()
    }
}

#[async_trait]
impl LogProvider for Log {
    async fn read_log(&self, _: &GroupId, _: &str, query: &LogQuery) -> Result<String, ProviderError> {
        *self.reads.lock().unwrap() += 1;
        let text = self.text.lock().unwrap().clone();
        let bare = |line: &str| line.split_once(' ').unwrap().1.to_owned() + "\n";
        Ok(if query.timestamps { text } else { text.lines().map(bare).collect() })
    }
}

/// A server that runs.
pub(crate) struct Node {
    pub(crate) addr: SocketAddr,
    pub(crate) cluster: FakeCluster,
    pub(crate) log: Arc<Log>,
    pub(crate) registry: Registry,
    pub(crate) shutdown: CancellationToken,
    pub(crate) running: JoinHandle<()>,
}

/// Before it runs: what a test may change.
pub(crate) struct NodeBuilder {
    pub(crate) config: Config,
    pub(crate) certificate: ServingCertificate,
    pub(crate) pods: OnePod,
    pub(crate) cluster: FakeCluster,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

impl NodeBuilder {
    pub(crate) fn new() -> Self {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut config = Config::new(NODE, SocketAddr::new(localhost, 0));
        config.reload = Duration::from_millis(20);
        config.follow = FollowConfig {
            poll: Duration::from_millis(20),
            longest_poll: Duration::from_millis(100),
            reads_per_second: 1000.0,
        };
        Self {
            config,
            certificate: ServingCertificate::self_signed(NODE, &[localhost], now()).unwrap(),
            pods: OnePod::default(),
            cluster: FakeCluster::default(),
        }
    }

    pub(crate) async fn start(self) -> Node {
        let mut registry = Registry::default();
        let (auth, log) = (Arc::new(self.cluster.auth()), Arc::new(Log::default()));
        let dependencies = Dependencies {
            pods: Arc::new(self.pods),
            logs: log.clone(),
            certificate: self.certificate,
            tokens: auth.clone(),
            access: auth.clone(),
            client_cas: auth,
            clock: Arc::new(now),
            exposition: Arc::new(|| "# EOF\n".to_owned()),
            metrics: Metrics::register(registry.sub_registry_with_prefix("kubelet_api")),
        };
        let server = ApiServer::bind(self.config, dependencies).await.unwrap();
        let (addr, shutdown) = (server.local_addr(), CancellationToken::new());
        Node {
            addr,
            cluster: self.cluster,
            log,
            registry,
            running: tokio::spawn(server.run(shutdown.clone())),
            shutdown,
        }
    }
}

/// A node with one administrator, known by the token `admin`.
pub(crate) async fn node() -> Node {
    let builder = NodeBuilder::new();
    builder.cluster.set(add_admin);
    builder.start().await
}

pub(crate) fn add_admin(cluster: &mut Cluster) {
    cluster.tokens.insert("admin".to_owned(), "alice".to_owned());
    cluster.admins.insert("alice".to_owned());
}

impl Node {
    /// Waits until what is read again and again was read at least twice more.
    pub(crate) async fn reloaded(&self) {
        let attempts = || self.cluster.get(|cluster| cluster.client_ca_attempts);
        let before = attempts();
        eventually("reloaded", async || attempts() > before + 2).await;
    }

    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap();
    }
}

// --- the client -----------------------------------------------------------------------------------------------------

/// How a client talks.
#[derive(Clone, Copy)]
pub(crate) struct Talk<'a> {
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) http2: bool,
    pub(crate) tls: &'static SupportedProtocolVersion,
}

impl Default for Talk<'_> {
    fn default() -> Self {
        Self { identity: None, http2: false, tls: &rustls::version::TLS13 }
    }
}

/// Takes every serving certificate, as an API server without `--kubelet-certificate-authority` does.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

pub(crate) async fn connect_tls(addr: SocketAddr, talk: Talk<'_>) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[talk.tls])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)));
    let mut config = match talk.identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
            config.with_client_auth_cert(vec![identity.certificate.clone()], key).unwrap()
        }
    };
    config.alpn_protocols = vec![if talk.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let socket = TcpStream::connect(addr).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await
}

/// One connection.
pub(crate) enum Client {
    Http1(hyper::client::conn::http1::SendRequest<Empty<Bytes>>),
    Http2(hyper::client::conn::http2::SendRequest<Empty<Bytes>>),
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr, talk: Talk<'_>) -> Self {
        let stream = TokioIo::new(connect_tls(addr, talk).await.unwrap());
        if talk.http2 {
            let (sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            return Self::Http2(sender);
        }
        let (sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self::Http1(sender)
    }

    pub(crate) async fn send(&mut self, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }

    /// Status and body of a GET.
    pub(crate) async fn get(&mut self, path: &str, token: Option<&str>) -> (u16, String) {
        let response = self.send(request("GET", path, token)).await.unwrap();
        read(response).await
    }
}

pub(crate) fn request(method: &str, path: &str, token: Option<&str>) -> Request<Empty<Bytes>> {
    let request =
        Request::builder().method(method).uri(format!("https://localhost{path}")).header("host", "localhost");
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    request.body(Empty::new()).unwrap()
}

pub(crate) async fn read(response: Response<Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The next chunk of a body; `None` at its ordinary end.
pub(crate) async fn chunk(body: &mut Incoming) -> Option<hyper::Result<String>> {
    let frame =
        tokio::time::timeout(Duration::from_secs(10), body.frame()).await.expect("something comes")?;
    Some(frame.map(|frame| String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()))
}

/// Waits until a state is reached.
pub(crate) async fn eventually(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !reached().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"));
}
