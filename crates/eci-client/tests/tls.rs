//! Holds the default transport's TLS: which certificates it trusts, and that a failed handshake sends nothing.
#![cfg(feature = "client")]

use std::sync::Arc;
use std::time::Duration;

use eci_client::model::{CreateContainerGroupRequest, DescribeRegionsRequest};
use eci_client::{AccessKey, Client, ErrorKind, HyperTransport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

fn client(port: u16, transport: HyperTransport) -> Client {
    Client::builder("cn-test")
        .credentials(AccessKey::new("id", "secret"))
        .endpoint(format!("https://localhost:{port}"))
        .transport(transport)
        .build()
        .expect("a client")
}

/// A server with a certificate of its own making; it answers one request of each connection. Returns its port and its
/// certificate.
async fn server() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            let mut head = [0; 4096];
            let length = stream.read(&mut head).await.unwrap_or(0);
            let http1 = head[..length].starts_with(b"POST / HTTP/1.1") && alpn.as_deref() != Some(b"h2");
            let body = if http1 { r#"{"RequestId":"over http/1.1"}"# } else { r#"{"RequestId":"over h2"}"# };
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, made.cert.pem())
}

#[tokio::test]
async fn a_given_authority_is_trusted_and_http_1_is_spoken() {
    let (port, pem) = server().await;
    let transport = HyperTransport::builder().certificate_authorities(pem).build().expect("a transport");
    let reply = client(port, transport).describe_regions(&DescribeRegionsRequest::default()).await;
    assert_eq!(reply.expect("a reply").request_id, "over http/1.1");
}

#[tokio::test]
async fn a_certificate_of_nobody_known_means_that_nothing_was_sent() {
    let (port, _) = server().await;
    let transport = HyperTransport::new().expect("a transport");
    let result =
        client(port, transport).create_container_group(&CreateContainerGroupRequest::default()).await;
    assert_eq!(result.expect_err("an unknown issuer").kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_handshake_that_hangs_means_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    // Nobody accepts: the kernel completes TCP, and TLS never begins.
    let transport =
        HyperTransport::builder().connect_timeout(Duration::from_millis(100)).build().expect("a transport");
    let result =
        client(port, transport).create_container_group(&CreateContainerGroupRequest::default()).await;
    assert_eq!(result.expect_err("no handshake").kind(), ErrorKind::Unavailable);
    drop(listener);
}

#[test]
fn a_bundle_without_certificates_is_refused() {
    assert!(HyperTransport::builder().certificate_authorities("nothing").build().is_err());
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(HyperTransport::builder().certificate_authorities(broken).build().is_err());
}
