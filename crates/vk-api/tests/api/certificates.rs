//! Certificates that change while the server runs, on both sides.

use std::path::{Path, PathBuf};

use crate::support::{
    Ca, Client, Identity, Node, NodeBuilder, Talk, add_admin, ca, connect_tls, eventually, identity, now,
};
use rustls_pki_types::CertificateDer;
use vk_api::ServingCertificate;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

async fn node_with(client_ca: Option<&Ca>) -> Node {
    let builder = NodeBuilder::new();
    builder.cluster.set(|cluster| {
        add_admin(cluster);
        cluster.client_ca = client_ca.map(|ca| ca.pem());
    });
    builder.start().await
}

fn with(identity: &Identity) -> Talk<'_> {
    Talk { identity: Some(identity), ..Talk::default() }
}

#[tokio::test]
async fn before_the_client_cas_are_read_certificates_wait_and_tokens_count() {
    let ca = ca("cluster");
    let node = node_with(None).await;
    let alice = identity(&ca, "alice", &[]);
    let mut client = Client::connect(node.addr, with(&alice)).await;
    let (status, text) = client.get("/healthz", None).await;
    assert_eq!((status, text.contains("client CAs have not been read")), (503, true), "{text}");
    assert_eq!(client.get("/healthz", Some("admin")).await.0, 200);
    node.cluster.set(|cluster| cluster.client_ca = Some(ca.pem()));
    eventually("the certificate is accepted", async || client.get("/healthz", None).await.0 == 200).await;
}

#[tokio::test]
async fn a_change_of_the_client_ca_counts_for_connections_that_are_open() {
    let (old, new) = (ca("old"), ca("new"));
    let node = node_with(Some(&old)).await;
    let (with_old, with_new) = (identity(&old, "alice", &[]), identity(&new, "alice", &[]));
    let mut old_client = Client::connect(node.addr, with(&with_old)).await;
    let mut new_client = Client::connect(node.addr, with(&with_new)).await;
    eventually("the old CA is in use", async || old_client.get("/healthz", None).await.0 == 200).await;
    let (status, text) = new_client.get("/healthz", None).await;
    assert_eq!((status, text.contains("certificate is not accepted")), (401, true), "{text}");

    node.cluster.set(|cluster| cluster.client_ca = Some(new.pem()));
    eventually("the new CA is in use", async || new_client.get("/healthz", None).await.0 == 200).await;
    assert_eq!(old_client.get("/healthz", None).await.0, 401);
}

#[tokio::test]
async fn an_api_server_that_restarts_takes_no_ca_away() {
    let ca = ca("cluster");
    let node = node_with(Some(&ca)).await;
    let alice = identity(&ca, "alice", &[]);
    let mut client = Client::connect(node.addr, with(&alice)).await;
    eventually("the CA is in use", async || client.get("/healthz", None).await.0 == 200).await;
    node.cluster.set(|cluster| (cluster.client_ca, cluster.down) = (None, true));
    node.reloaded().await;
    assert_eq!(client.get("/healthz", None).await.0, 200);
    node.cluster.set(|cluster| cluster.down = false);
    node.reloaded().await;
    assert_eq!(client.get("/healthz", None).await.0, 200, "an absent bundle is no withdrawal");
}

#[tokio::test]
async fn a_strangers_certificate_beside_a_good_token_does_no_harm() {
    let node = node_with(Some(&ca("cluster"))).await;
    let stranger = identity(&ca("elsewhere"), "alice", &["system:masters"]);
    let mut client = Client::connect(node.addr, with(&stranger)).await;
    assert_ne!(client.get("/healthz", None).await.0, 200);
    assert_eq!(client.get("/healthz", Some("admin")).await.0, 200);
}

#[tokio::test]
async fn both_versions_of_tls_and_of_http_are_spoken() {
    let ca = ca("cluster");
    let node = node_with(Some(&ca)).await;
    let alice = identity(&ca, "alice", &[]);
    for tls in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for http2 in [false, true] {
            let talk = Talk { identity: Some(&alice), http2, tls };
            let mut client = Client::connect(node.addr, talk).await;
            eventually("served", async || client.get("/healthz", None).await.0 == 200).await;
        }
    }
}

/// A directory that goes with the test.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("vk-api-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, identity: &Identity) {
        std::fs::write(self.0.join("tls.key"), identity.key.serialize_pem()).unwrap();
        self.write_certificate(identity);
    }

    fn write_certificate(&self, identity: &Identity) {
        let pem = pem(&identity.certificate);
        std::fs::write(self.0.join("tls.crt"), pem).unwrap();
    }

    async fn read(&self) -> Result<ServingCertificate, vk_api::Error> {
        ServingCertificate::from_files(self.0.join("tls.crt"), self.0.join("tls.key")).await
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

async fn shown_by(node: &Node) -> CertificateDer<'static> {
    let stream = connect_tls(node.addr, Talk::default()).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test]
async fn a_serving_certificate_that_changes_is_shown_to_the_next_connection() {
    let (ca, files) = (ca("cluster"), Files::new("reload"));
    let (first, second) = (identity(&ca, "first", &[]), identity(&ca, "second", &[]));
    files.write(&first);
    let mut builder = NodeBuilder::new();
    builder.cluster.set(add_admin);
    builder.certificate = files.read().await.unwrap();
    let node = builder.start().await;
    let mut client = Client::connect(node.addr, Talk::default()).await;
    assert_eq!(client.get("/healthz", Some("admin")).await.0, 200);
    assert_eq!(shown_by(&node).await, first.certificate);

    files.write_certificate(&second);
    node.reloaded().await;
    assert_eq!(shown_by(&node).await, first.certificate, "its key is not there yet");

    files.write(&second);
    eventually("the new certificate is shown", async || shown_by(&node).await == second.certificate).await;
    assert_eq!(client.get("/healthz", Some("admin")).await.0, 200, "the open connection goes on");
}

#[tokio::test]
async fn files_that_are_missing_or_do_not_fit_are_an_error_at_the_start() {
    let (ca, files) = (ca("cluster"), Files::new("broken"));
    let missing = files.read().await.unwrap_err();
    assert!(missing.to_string().contains("tls.crt"), "{missing}");
    let (first, second) = (identity(&ca, "first", &[]), identity(&ca, "second", &[]));
    files.write(&first);
    files.write_certificate(&second);
    let error = files.read().await.unwrap_err();
    assert!(matches!(error, vk_api::Error::UseCertificate { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("PRIVATE"));
}

#[tokio::test]
async fn a_self_signed_certificate_names_the_node_and_its_addresses() {
    let mut builder = NodeBuilder::new();
    let addresses = ["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    builder.certificate = ServingCertificate::self_signed("virtual-kubelet", &addresses, now()).unwrap();
    let node = builder.start().await;
    let der = shown_by(&node).await;
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=system:node:virtual-kubelet, O=system:nodes");
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    let names: Vec<String> = names.value.general_names.iter().map(GeneralName::to_string).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let valid_at = |time: &str| {
        let time: k8s_openapi::jiff::Timestamp = time.parse().unwrap();
        certificate
            .validity()
            .is_valid_at(x509_parser::time::ASN1Time::from_timestamp(time.as_second()).unwrap())
    };
    assert!(valid_at("2026-11-23T00:00:00Z") && valid_at("2036-11-01T00:00:00Z"));
    assert!(!valid_at("2026-11-21T00:00:00Z") && !valid_at("2037-01-01T00:00:00Z"));
}
