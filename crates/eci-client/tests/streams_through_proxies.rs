//! Runs a command and follows a log through proxies that forward and that tunnel, encrypted and not, and past them.
#![cfg(all(feature = "client", feature = "exec"))]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eci_client::model::DescribeContainerLogRequest;
use eci_client::transport::Proxies;
use eci_client::{
    AccessKey, Client, Error, ErrorKind, ExecOptions, ExecStatus, FollowLog, HyperTransport, LogItem,
};
use futures::SinkExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A host that only the proxy can find.
const HOST: &str = "eci.test";
/// What nothing may show.
const PASSWORD: &str = "hush-proxy";
const TOKEN: &str = "hush-token";

/// Reads the head of a message, up to and including its empty line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The API, and the web socket that it names, on one connection.
async fn api(mut stream: impl AsyncRead + AsyncWrite + Unpin, web_socket: &str) -> io::Result<()> {
    loop {
        let head = head(&mut stream).await?;
        if let Some(key) = header(&head, "sec-websocket-key") {
            assert!(head.starts_with(&format!("GET /exec/?s={TOKEN} HTTP/1.1\r\n")), "{head}");
            let accept = derive_accept_key(key.as_bytes());
            let upgrade = format!(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-accept: {accept}\r\n\r\n"
            );
            stream.write_all(upgrade.as_bytes()).await?;
            let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
            let status =
                br#"{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#;
            for (channel, payload) in [(1, &b"hello"[..]), (3, status)] {
                let frame = Message::binary([&[channel], payload].concat());
                socket.send(frame).await.map_err(io::Error::other)?;
            }
            return socket.close(None).await.map_err(io::Error::other);
        }
        let body = match header(&head, "x-acs-action") {
            Some("ExecContainerCommand") => {
                format!(r#"{{"RequestId":"r","WebSocketUri":"{web_socket}/exec/?s={TOKEN}"}}"#)
            }
            _ => {
                r#"{"RequestId":"r","ContainerName":"main","Content":"2026-01-02T03:04:05.000000001Z one\n"}"#
                    .to_owned()
            }
        };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

/// Serves the API in plain text; where it listens.
async fn plain_api() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Ends when the client goes.
            tokio::spawn(async move { api(stream, &format!("ws://{HOST}")).await });
        }
    });
    address
}

/// Serves the API over TLS; where it listens, and its certificate.
async fn encrypted_api() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
    let key = made.signing_key.serialize_der().try_into().expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { api(acceptor.accept(stream).await?, &format!("wss://{HOST}")).await });
        }
    });
    (address, made.cert.pem())
}

/// A proxy that wants a password, forwards single requests, and tunnels unless it is told what to answer instead.
#[derive(Clone)]
struct Proxy {
    address: SocketAddr,
    server: SocketAddr,
    refusal: Option<&'static str>,
    /// The first line of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(server: SocketAddr, refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let proxy = Self { address, server, refusal, asked: Arc::default() };
        let running = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(running.clone().connection(stream));
            }
        });
        proxy
    }

    async fn connection(self, mut client: TcpStream) -> io::Result<()> {
        let head = head(&mut client).await?;
        let first = head.lines().next().unwrap_or_default().to_owned();
        self.asked.lock().expect("no panic").push(first.clone());
        let expected = format!("Basic {}", STANDARD.encode(format!("user:{PASSWORD}")));
        if header(&head, "proxy-authorization") != Some(expected.as_str()) {
            return client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        }
        let mut server = TcpStream::connect(self.server).await?;
        let origin = format!("http://{HOST}");
        match (first.starts_with("CONNECT "), self.refusal) {
            (true, Some(refusal)) => return client.write_all(refusal.as_bytes()).await,
            (true, None) => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?,
            // The server is asked in the form for servers. None of the requests here has a body.
            (false, _) => server.write_all(head.replacen(&origin, "", 1).as_bytes()).await?,
        }
        copy_bidirectional(&mut client, &mut server).await.map(drop)
    }

    /// As the environment names it.
    fn proxies(&self, except: &str) -> Proxies {
        let url = format!("http://user:{PASSWORD}@{}", self.address);
        Proxies::from_variables(|name| match name {
            "HTTPS_PROXY" | "HTTP_PROXY" => Some(url.clone()),
            "NO_PROXY" => Some(except.to_owned()),
            _ => None,
        })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn client(endpoint: impl Into<String>, pem: Option<&str>, proxies: Proxies) -> Client {
    let transport = HyperTransport::builder().proxies(proxies);
    let transport = match pem {
        Some(pem) => transport.certificate_authorities(pem),
        None => transport,
    };
    Client::builder("cn-test")
        .credentials(AccessKey::new("id", "hush-secret"))
        .endpoint(endpoint)
        .transport(transport.build().expect("a transport"))
        .build()
        .expect("a client")
}

/// Runs a command; its output and its end.
async fn exec(eci: &Client) -> Result<(String, ExecStatus), Error> {
    let mut exec = eci.exec(&"eci-1".into(), "main", ["true"], &ExecOptions::default()).await?;
    let mut output = String::new();
    exec.stdout.take().expect("stdout").read_to_string(&mut output).await.expect("pipes do not fail");
    Ok((output, exec.wait().await?))
}

async fn assert_both_work(eci: &Client) {
    assert_eq!(exec(eci).await.expect("a command"), ("hello".to_owned(), ExecStatus::Exited(7)));
    let mut log = eci.follow_log(FollowLog::new("eci-1", "main"));
    let item = log.next().await.expect("an item").expect("no error");
    assert!(matches!(&item, LogItem::Line(line) if &*line.text == "one"), "{item:?}");
}

/// The whole text of an error, in which there is no secret.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!("\ncaused by: {inner} {inner:?}"));
        cause = inner.source();
    }
    let encoded = STANDARD.encode(format!("user:{PASSWORD}"));
    assert!(!text.contains("hush") && !text.contains(&encoded), "{text}");
    text
}

#[tokio::test]
async fn a_command_and_a_log_come_through_tunnels() {
    let (server, pem) = encrypted_api().await;
    let proxy = Proxy::start(server, None).await;
    assert_both_work(&client(format!("https://{HOST}"), Some(&pem), proxy.proxies(""))).await;
    // One for the calls, one for the web socket; the proxy sees nothing else.
    assert_eq!(
        proxy.asked(),
        [format!("CONNECT {HOST}:443 HTTP/1.1"), format!("CONNECT {HOST}:443 HTTP/1.1")]
    );
}

#[tokio::test]
async fn where_nothing_is_encrypted_requests_are_forwarded_and_the_web_socket_is_tunnelled() {
    let proxy = Proxy::start(plain_api().await, None).await;
    assert_both_work(&client(format!("http://{HOST}"), None, proxy.proxies(""))).await;
    let asked = proxy.asked();
    assert!(asked[0].starts_with(&format!("POST http://{HOST}/?")), "{asked:?}");
    assert!(asked[1..].contains(&format!("CONNECT {HOST}:80 HTTP/1.1")), "{asked:?}");
}

#[tokio::test]
async fn an_excepted_host_is_reached_without_the_proxy() {
    let server = plain_api().await;
    let proxy = Proxy::start(server, None).await;
    let eci = client(format!("http://{server}"), None, proxy.proxies("127.0.0.1"));
    let mut log = eci.follow_log(FollowLog::new("eci-1", "main"));
    assert!(matches!(log.next().await, Some(Ok(LogItem::Line(_)))));
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test]
async fn a_tunnel_that_is_refused_proves_that_nothing_started_and_says_so() {
    const BAD_GATEWAY: &str = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
    let (server, pem) = encrypted_api().await;
    let refusing = Proxy::start(server, Some(BAD_GATEWAY)).await;
    let error = exec(&client(format!("https://{HOST}"), Some(&pem), refusing.proxies(""))).await;
    let error = error.expect_err("no tunnel for the call");
    assert_eq!((error.kind(), error.action()), (ErrorKind::Unavailable, "ExecContainerCommand"));
    assert!(shown(&error).contains(&format!("no tunnel through the proxy to \"{HOST}:443\"")), "{error:?}");

    let refusing = Proxy::start(plain_api().await, Some(BAD_GATEWAY)).await;
    let error = exec(&client(format!("http://{HOST}"), None, refusing.proxies(""))).await;
    let error = error.expect_err("no tunnel for the web socket");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = shown(&error);
    assert!(text.contains("the web socket cannot be reached"), "{text}");
    assert!(text.contains(&format!("no tunnel through the proxy to \"{HOST}:80\"")), "{text}");
}

#[tokio::test]
async fn a_proxy_that_wants_another_password_says_so() {
    let (server, pem) = encrypted_api().await;
    let proxy = Proxy::start(server, None).await;
    let wrong = || Proxies::none().https(format!("http://user:hush-wrong@{}", proxy.address));
    let error = exec(&client(format!("https://{HOST}"), Some(&pem), wrong())).await.expect_err("no tunnel");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(shown(&error).contains("proxy authorization required"), "{}", shown(&error));
    let eci = client(format!("https://{HOST}"), Some(&pem), wrong());
    let request = DescribeContainerLogRequest {
        container_group_id: "eci-1".into(),
        container_name: "main".into(),
        ..Default::default()
    };
    let error = eci.describe_container_log(&request).await.expect_err("no tunnel");
    assert!(shown(&error).contains("proxy authorization required"), "{}", shown(&error));
    assert!(!format!("{:?}", wrong()).contains("hush"));
}
