//! Holds the way through proxies and over IPv6, against a proxy and servers of the test's own on loopback.
#![cfg(feature = "client")]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use eci_client::model::{CreateContainerGroupRequest, DescribeRegionsRequest};
use eci_client::transport::Proxies;
use eci_client::{AccessKey, Client, Error, ErrorKind, HyperTransport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Reads the head of a message, up to and including its empty line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), request_id: &str) -> io::Result<()> {
    let body = format!(r#"{{"RequestId":"{request_id}"}}"#);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await
}

/// Answers requests without a body on one connection until it ends.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, request_id: &str) -> io::Result<()> {
    loop {
        head(&mut stream).await?;
        answer(&mut stream, request_id).await?;
    }
}

/// An HTTPS server on this address. Returns its port and its certificate.
async fn https_server(address: &str) -> io::Result<(u16, String)> {
    let names = ["eci.test".to_owned(), "::1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(address).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    // Ends when the client goes.
                    let _ = serve(stream, "from the server").await;
                }
            });
        }
    });
    Ok((port, made.cert.pem()))
}

/// A proxy that leads every tunnel to one port and answers forwarded requests itself.
#[derive(Clone)]
struct Proxy {
    address: SocketAddr,
    /// The head of each connection's first message.
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(port: u16, tunnel: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self { address: listener.local_addr().expect("an address"), heads: Arc::default() };
        let running = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = running.clone();
                // An error here ends one connection, which its client sees.
                tokio::spawn(async move { proxy.connection(stream, port, tunnel).await });
            }
        });
        proxy
    }

    async fn connection(self, mut stream: TcpStream, port: u16, tunnel: &str) -> io::Result<()> {
        let head = head(&mut stream).await?;
        let tunnels = head.starts_with("CONNECT ");
        self.heads.lock().expect("no panic").push(head);
        if !tunnels {
            answer(&mut stream, "from the proxy").await?;
            return stream.shutdown().await;
        }
        stream.write_all(tunnel.as_bytes()).await?;
        let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
        copy_bidirectional(&mut stream, &mut server).await.map(drop)
    }

    fn url(&self) -> String {
        format!("http://user:hunter2@{}", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
/// `user:hunter2` in base64.
const AUTHORIZATION: &str = "proxy-authorization: basic dxnlcjpodw50zxiy";

fn client(endpoint: impl Into<String>, pem: &str, proxies: Proxies) -> Client {
    let mut transport = HyperTransport::builder().proxies(proxies);
    if !pem.is_empty() {
        transport = transport.certificate_authorities(pem);
    }
    Client::builder("cn-test")
        .credentials(AccessKey::new("id", "secret"))
        .endpoint(endpoint)
        .transport(transport.build().expect("a transport"))
        .build()
        .expect("a client")
}

async fn answered_by(eci: &Client) -> Result<String, Error> {
    eci.describe_regions(&DescribeRegionsRequest::default()).await.map(|reply| reply.request_id)
}

#[tokio::test]
async fn https_goes_through_a_tunnel_which_is_used_again() {
    let (port, pem) = https_server("127.0.0.1:0").await.expect("a server");
    let proxy = Proxy::start(port, OPEN).await;
    // The name exists for the proxy only.
    let eci = client("https://eci.test", &pem, Proxies::none().https(proxy.url()));
    for _ in 0..3 {
        assert_eq!(answered_by(&eci).await.expect("a reply"), "from the server");
    }
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(heads[0].starts_with("CONNECT eci.test:443 HTTP/1.1\r\n"), "{heads:?}");
    assert!(heads[0].to_lowercase().contains(AUTHORIZATION), "{heads:?}");
    assert!(!heads[0].contains("x-acs-"), "{heads:?}");
}

#[tokio::test]
async fn plain_http_is_forwarded_with_the_whole_url() {
    let proxy = Proxy::start(1, OPEN).await;
    let eci = client("http://eci.test:8080", "", Proxies::none().http(proxy.url()));
    assert_eq!(answered_by(&eci).await.expect("a reply"), "from the proxy");
    let heads = proxy.heads();
    assert!(heads[0].starts_with("POST http://eci.test:8080/ HTTP/1.1\r\n"), "{heads:?}");
    assert!(heads[0].to_lowercase().contains(AUTHORIZATION), "{heads:?}");
}

#[tokio::test]
async fn an_excepted_host_is_reached_directly_and_shown_no_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let head = head(&mut stream).await.expect("a head");
        answer(&mut stream, "here").await.expect("sent");
        head
    });
    let proxies = Proxies::none().http("http://user:hunter2@127.0.0.1:1").except("127.0.0.0/8");
    assert_eq!(answered_by(&client(endpoint, "", proxies)).await.expect("a reply"), "here");
    let head = seen.await.expect("no panic");
    assert!(
        head.starts_with("POST / HTTP/1.1\r\n") && !head.to_lowercase().contains("proxy-authorization"),
        "{head}"
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_proof_that_nothing_was_sent() {
    let refusing = Proxy::start(1, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    for proxy in [refusing.url(), "http://user:hunter2@127.0.0.1:1".to_owned()] {
        let eci = client("https://eci.test", "", Proxies::none().https(proxy));
        let result = eci.create_container_group(&CreateContainerGroupRequest::default()).await;
        let error = result.expect_err("no tunnel");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let mut text = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        assert!(!text.contains("hunter2") && !text.contains("Signature"), "{text}");
    }
}

#[test]
fn a_proxy_that_is_none_is_refused_when_the_transport_is_built() {
    let built = HyperTransport::builder().proxies(Proxies::none().https("socks5://user:hunter2@p:1")).build();
    assert!(!built.expect_err("no proxy").to_string().contains("hunter2"));
}

#[tokio::test]
async fn an_endpoint_may_be_an_ipv6_address() {
    let (port, pem) = match https_server("[::1]:0").await {
        Ok(server) => server,
        // A machine without IPv6 has nothing to hold this against.
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return,
        Err(error) => panic!("{error}"),
    };
    let eci = client(format!("https://[::1]:{port}"), &pem, Proxies::none());
    assert_eq!(answered_by(&eci).await.expect("a reply"), "from the server");
}
