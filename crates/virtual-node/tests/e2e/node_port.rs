//! The node's HTTPS port: nobody gets anything from it without a name and a right, on no route.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use crate::bed::{Bed, text};
use crate::manifests::{pod, script};

/// Every route a kubelet has, and some that none has.
const ROUTES: [(&str, &str); 27] = [
    ("GET", "/healthz"),
    ("GET", "/healthz/ping"),
    ("GET", "/pods"),
    ("GET", "/runningpods/"),
    ("GET", "/containerLogs/port/speaker/main"),
    ("GET", "/containerLogs/port/speaker/main?follow=true"),
    ("GET", "/metrics"),
    ("GET", "/metrics/resource"),
    ("GET", "/metrics/cadvisor"),
    ("GET", "/metrics/probes"),
    ("GET", "/stats/summary"),
    ("GET", "/exec/port/speaker/main?command=id&output=1"),
    ("POST", "/exec/port/speaker/main?command=id&output=1"),
    ("GET", "/attach/port/speaker/main?output=1"),
    ("POST", "/attach/port/speaker/main?output=1"),
    ("POST", "/run/port/speaker/main?cmd=id"),
    ("GET", "/portForward/port/speaker"),
    ("POST", "/portForward/port/speaker"),
    ("GET", "/configz"),
    ("POST", "/checkpoint/port/speaker/main"),
    ("GET", "/logs/"),
    ("GET", "/debug/pprof/heap"),
    ("GET", "/statusz"),
    ("GET", "/flagz"),
    ("GET", "/"),
    ("GET", "/no/such/route"),
    ("DELETE", "/pods"),
];

/// How a request says who it is from.
#[derive(Clone)]
enum Identity {
    Nobody,
    Token(String),
    Certificate(Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_asks_for_a_name_and_a_right() {
    let bed = Bed::new("port").await;
    bed.apply(&pod("speaker", "port", &script("echo spoken; sleep 3600")));
    bed.running("speaker").await;
    bed.kubectl_ok(&["create", "serviceaccount", "powerless"]);
    let powerless = Identity::Token(bed.kubectl_ok(&["create", "token", "powerless"]).trim().to_owned());
    let address = bed.newest().ready().kubelet;

    let unknown = [
        ("no credentials", Identity::Nobody),
        ("a bogus token", Identity::Token("bogus".to_owned())),
        ("a forged token", Identity::Token(forged(&powerless))),
        ("a certificate of another authority", foreign_certificate()),
    ];
    for (who, identity) in &unknown {
        for (method, path) in ROUTES {
            let (status, _) = ask(address, method, path, identity);
            assert_eq!(status, 401, "{method} {path} with {who}");
        }
    }
    for (method, path) in ROUTES {
        let (status, body) = ask(address, method, path, &powerless);
        assert_eq!(status, 403, "{method} {path} of a service account without rights: {body}");
        assert!(!body.contains("spoken"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_servers_own_certificate_opens_the_port() {
    let bed = Bed::new("port-open").await;
    bed.apply(&pod("speaker", "port-open", &script("echo spoken; sleep 3600")));
    bed.running("speaker").await;
    let pki = bed.cluster.control_plane.pki();
    let certificates = CertificateDer::pem_file_iter(pki.join("kubelet-client.crt")).unwrap();
    let identity = Identity::Certificate(
        certificates.map(Result::unwrap).collect(),
        Arc::new(PrivateKeyDer::from_pem_file(pki.join("kubelet-client.key")).unwrap()),
    );
    let address = bed.newest().ready().kubelet;
    let ask = |path| ask(address, "GET", path, &identity);
    assert_eq!(ask("/healthz"), (200, "ok".to_owned()));
    let (status, log) = ask("/containerLogs/port-open/speaker/main");
    assert_eq!((status, log.as_str()), (200, "spoken\n"));
    let (status, pods) = ask("/pods");
    assert!(status == 200 && pods.contains("\"name\":\"speaker\""), "{status} {pods}");
    assert_eq!(ask("/no/such/route").0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exec_and_port_forward_are_refused_with_a_sentence() {
    let bed = Bed::new("exec").await;
    bed.apply(&pod("speaker", "exec", &script("sleep 3600")));
    bed.running("speaker").await;
    let exec = bed.kubectl(&["exec", "speaker", "--", "id"]);
    let said = text(&exec.stderr);
    assert!(!exec.status.success() && said.contains("exec is not supported yet by this node"), "{said}");
}

/// The claims of a real token with a signature of nobody.
fn forged(token: &Identity) -> String {
    let Identity::Token(token) = token else { unreachable!("only tokens are forged") };
    let (claims, signature) = token.rsplit_once('.').unwrap();
    let other: String = signature.chars().rev().collect();
    format!("{claims}.{other}")
}

/// In the group that may do everything, by an authority that the cluster does not know.
fn foreign_certificate() -> Identity {
    let mut issuer = CertificateParams::new([]).unwrap();
    issuer.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    issuer.distinguished_name.push(DnType::CommonName, "kubernetes");
    let issuer = CertifiedIssuer::self_signed(issuer, KeyPair::generate().unwrap()).unwrap();
    let mut subject = CertificateParams::new([]).unwrap();
    subject.distinguished_name.push(DnType::CommonName, "kubernetes-admin");
    subject.distinguished_name.push(DnType::OrganizationName, "system:masters");
    subject.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    let key = KeyPair::generate().unwrap();
    let certificate = subject.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Identity::Certificate(vec![certificate.der().clone()], Arc::new(key))
}

/// One request over a connection of its own: status and body.
fn ask(address: SocketAddr, method: &str, path: &str, identity: &Identity) -> (u16, String) {
    let name = ServerName::IpAddress(address.ip().into());
    let connection = ClientConnection::new(Arc::new(config(identity)), name).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    let authorization = match identity {
        Identity::Token(token) => format!("Authorization: Bearer {token}\r\n"),
        _ => String::new(),
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: 0\r\n{authorization}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{method} {path}: {error}");
    }
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, unchunked(head, body))
}

fn unchunked(head: &str, body: &str) -> String {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let mut rest = body;
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        whole.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    whole
}

fn config(identity: &Identity) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)));
    match identity {
        Identity::Certificate(chain, key) => {
            builder.with_client_auth_cert(chain.clone(), key.clone_key()).unwrap()
        }
        _ => builder.with_no_client_auth(),
    }
}

/// Whoever answers is taken for the node: what counts here is whom the node believes.
#[derive(Debug)]
struct AnyServer(Arc<rustls::crypto::CryptoProvider>);

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
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
