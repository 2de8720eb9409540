//! The TLS side of the port: its certificate, which may change while it is in use, and its settings.
//!
//! A client certificate is asked for but not required, and the handshake only proves that the client holds its key;
//! whether anybody trusts it is decided for each request (see `client_ca`). Sessions are not resumed, so that no
//! ticket outlives a certificate.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use k8s_openapi::jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tracing::{info, warn};

use crate::error::Error;

/// Nobody checks how long a self-signed certificate lasts, but some clients refuse one that is over.
const SELF_SIGNED_YEARS: i64 = 10;

/// ring, whatever else is linked in: rustls would otherwise have to guess.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificate that the port shows. Clones share it; the key never prints.
#[derive(Clone)]
pub struct ServingCertificate(Arc<Inner>);

struct Inner {
    current: ArcSwap<CertifiedKey>,
    files: Option<Files>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl ServingCertificate {
    /// Reads PEM files. While the server runs, they are read again and a changed pair is put into use.
    ///
    /// # Errors
    /// When a file cannot be read, or certificate and key do not belong together.
    pub async fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, Error> {
        let files = Files { certificate: certificate.into(), key: key.into() };
        let current = ArcSwap::from_pointee(files.read().await?);
        let files = Some(files);
        Ok(Self(Arc::new(Inner { current, files })))
    }

    /// Makes a certificate for the node's name and addresses that only its own key has signed.
    ///
    /// Good for a cluster whose API server does not verify kubelets (no `--kubelet-certificate-authority`).
    ///
    /// # Errors
    /// When the name cannot stand in a certificate.
    pub fn self_signed(node: &str, addresses: &[IpAddr], now: Timestamp) -> Result<Self, Error> {
        let fail = |source: crate::BoxError| Error::SelfSigned { node: node.to_owned(), source };
        let key = KeyPair::generate().map_err(|error| fail(error.into()))?;
        let params = self_signed_params(node, addresses, now).map_err(|error| fail(error.into()))?;
        let certificate = params.self_signed(&key).map_err(|error| fail(error.into()))?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| fail(error.into()))?;
        let certified = CertifiedKey::from_der(vec![certificate.der().clone()], key, &provider())
            .map_err(|error| fail(error.into()))?;
        let current = ArcSwap::from_pointee(certified);
        Ok(Self(Arc::new(Inner { current, files: None })))
    }

    /// Reads the files again for as long as the future lives. What cannot be used, or is half written, is left out.
    pub(crate) async fn keep_current(&self, period: Duration) -> Infallible {
        let Some(files) = &self.0.files else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(period).await;
            match files.read().await {
                Ok(read) if read.cert == self.0.current.load().cert => {}
                Ok(read) => {
                    self.0.current.store(Arc::new(read));
                    info!("serving certificate replaced");
                }
                Err(error) => {
                    warn!(error = %error.chain(), "serving certificate not reloaded, the last one stays")
                }
            }
        }
    }
}

fn self_signed_params(
    node: &str,
    addresses: &[IpAddr],
    now: Timestamp,
) -> Result<CertificateParams, rcgen::Error> {
    let names = std::iter::once(node.to_owned()).chain(addresses.iter().map(IpAddr::to_string));
    let mut params = CertificateParams::new(names.collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, format!("system:node:{node}"));
    params.distinguished_name.push(DnType::OrganizationName, "system:nodes");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let midnight = |date: Date| {
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    let today = now.to_zoned(TimeZone::UTC).date();
    params.not_before = midnight(today.saturating_sub(1.day()));
    params.not_after = midnight(today.saturating_add(SELF_SIGNED_YEARS.years()));
    Ok(params)
}

impl Files {
    async fn read(&self) -> Result<CertifiedKey, Error> {
        let unusable =
            |path: &Path, source: crate::BoxError| Error::UseCertificate { path: path.to_owned(), source };
        let certificate = read_file(&self.certificate).await?;
        let key = read_file(&self.key).await?;
        let chain = CertificateDer::pem_slice_iter(&certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(&self.certificate, error.into()))?;
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|error| unusable(&self.key, error.to_string().into()))?;
        CertifiedKey::from_der(chain, key, &provider())
            .map_err(|error| unusable(&self.certificate, error.into()))
    }
}

async fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let read = tokio::fs::read(path).await;
    read.map_err(|source| Error::ReadCertificate { path: path.to_owned(), source })
}

impl fmt::Debug for ServingCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServingCertificate")
    }
}

impl ResolvesServerCert for ServingCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.load_full())
    }
}

/// TLS 1.3 and 1.2, HTTP/2 and 1.1, a client certificate welcome.
pub(crate) fn server_config(certificate: ServingCertificate) -> Result<ServerConfig, Error> {
    let provider = provider();
    let verifier = HoldsItsKey(provider.signature_verification_algorithms);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(Error::Tls)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Proves that a client holds the key of the certificate that it sends, and nothing else.
#[derive(Debug)]
struct HoldsItsKey(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for HoldsItsKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No hint which issuers are liked: clients then send what they have.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// Trust is decided for each request, against the CAs of that moment.
    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
