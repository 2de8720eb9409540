//! Checks client certificates against the cluster's client CAs, which may change at any time.
//!
//! The check is made for each request and not in the handshake: a CA that was withdrawn, or a certificate that ran
//! out, ends the rights of connections that are already open, and a refused certificate is answered with a sentence
//! instead of a broken handshake. The bundle is read again and again from the API server; a reading that fails, or a
//! bundle that cannot be used, leaves the last good one in place. Before the first one nobody gets in by certificate.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use k8s_openapi::jiff::Timestamp;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use tracing::{debug, info, warn};

use crate::error::Error;
use crate::tls;
use crate::user::User;

/// How soon a failed first reading is repeated; later ones wait for the ordinary period.
const FIRST_READ_RETRY: Duration = Duration::from_secs(1);

/// Tells which CAs sign client certificates in this cluster.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ClientCaSource: Send + Sync + 'static {
    /// The bundle as PEM.
    ///
    /// # Errors
    /// When it is not known now. The caller keeps what it has and asks again.
    async fn client_ca_bundle(&self) -> Result<String, Error>;
}

/// The CAs in use.
#[derive(Default)]
pub(crate) struct ClientCas {
    current: ArcSwapOption<Bundle>,
}

struct Bundle {
    pem: String,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Why a certificate names nobody.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The CAs are not known yet: our fault, not the client's.
    NotReady,
    /// With the reason.
    Invalid(String),
}

impl ClientCas {
    /// The user of a certificate chain, end entity first.
    pub(crate) fn user(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Result<User, Refused> {
        let bundle = self.current.load_full().ok_or(Refused::NotReady)?;
        let (end_entity, intermediates) =
            chain.split_first().ok_or_else(|| Refused::Invalid("empty chain".to_owned()))?;
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let verified = bundle.verifier.verify_client_cert(end_entity, intermediates, now);
        verified.map_err(|error| Refused::Invalid(error.to_string()))?;
        User::of_certificate(end_entity)
            .ok_or_else(|| Refused::Invalid("its subject has no common name".to_owned()))
    }

    /// Puts a bundle into use; tells whether it is another than before.
    pub(crate) fn replace(&self, pem: String) -> Result<bool, Error> {
        if self.current.load().as_ref().is_some_and(|current| current.pem == pem) {
            return Ok(false);
        }
        let verifier = verifier(&pem)?;
        self.current.store(Some(Arc::new(Bundle { pem, verifier })));
        Ok(true)
    }

    /// Reads the bundle for as long as the future lives.
    pub(crate) async fn keep_current(&self, source: &dyn ClientCaSource, period: Duration) -> Infallible {
        let mut failing = false;
        loop {
            let read = source.client_ca_bundle().await.and_then(|pem| self.replace(pem));
            match &read {
                Ok(true) => info!("client CA bundle put into use"),
                Ok(false) => {}
                Err(error) if failing => debug!(error = %error.chain(), "client CA bundle still not read"),
                Err(error) => {
                    warn!(error = %error.chain(), "client CA bundle not read, the last one stays in use")
                }
            }
            failing = read.is_err();
            let ready = self.current.load().is_some();
            tokio::time::sleep(if ready { period } else { period.min(FIRST_READ_RETRY) }).await;
        }
    }
}

/// One bad certificate spoils the bundle: half a bundle would shut out users without saying why.
fn verifier(pem: &str) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let refuse = |source: crate::BoxError| Error::ClientCa(source);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| refuse(error.into()))?;
        roots.add(certificate).map_err(|error| refuse(error.into()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider())
        .build()
        .map_err(|error| refuse(error.into()))
}

#[cfg(test)]
mod tests {
    use mockall::Sequence;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

    use super::*;

    type Ca = CertifiedIssuer<'static, KeyPair>;

    fn ca(name: &str) -> Ca {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn client(ca: &Ca) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "alice");
        params.distinguished_name.push(DnType::OrganizationName, "team");
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.signed_by(&KeyPair::generate().unwrap(), ca).unwrap().der().clone()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn in_2026() -> Timestamp {
        at("2026-06-01T00:00:00Z")
    }

    #[test]
    fn nobody_gets_in_before_the_bundle_was_read() {
        let certificate = client(&ca("cluster"));
        assert_eq!(ClientCas::default().user(&[certificate], in_2026()), Err(Refused::NotReady));
    }

    #[test]
    fn a_certificate_of_the_cluster_names_its_user() {
        let (ca, cas) = (ca("cluster"), ClientCas::default());
        assert!(cas.replace(ca.pem()).unwrap());
        let user = cas.user(&[client(&ca)], in_2026()).unwrap();
        assert_eq!((user.name.as_str(), user.groups[0].as_str()), ("alice", "team"));
    }

    #[test]
    fn certificates_of_others_and_certificates_out_of_time_are_refused() {
        let (ours, cas) = (ca("cluster"), ClientCas::default());
        cas.replace(ours.pem()).unwrap();
        let refused = |certificate, now| matches!(cas.user(&[certificate], now), Err(Refused::Invalid(_)));
        assert!(refused(client(&ca("cluster")), in_2026()), "same name, other key");
        assert!(refused(client(&ours), at("2027-01-02T00:00:00Z")), "expired");
        assert!(refused(client(&ours), at("2025-12-31T00:00:00Z")), "not yet valid");
    }

    #[test]
    fn a_serving_certificate_is_no_client_certificate() {
        let (ca, cas) = (ca("cluster"), ClientCas::default());
        cas.replace(ca.pem()).unwrap();
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&KeyPair::generate().unwrap(), &ca).unwrap();
        assert!(matches!(cas.user(&[certificate.der().clone()], in_2026()), Err(Refused::Invalid(_))));
    }

    #[test]
    fn a_bundle_may_hold_the_old_and_the_new_ca() {
        let (old, new, cas) = (ca("old"), ca("new"), ClientCas::default());
        cas.replace(old.pem() + &new.pem()).unwrap();
        assert!(cas.user(&[client(&old)], in_2026()).is_ok());
        assert!(cas.user(&[client(&new)], in_2026()).is_ok());
    }

    #[test]
    fn an_unusable_bundle_leaves_the_last_one_in_use() {
        let (ca, cas) = (ca("cluster"), ClientCas::default());
        cas.replace(ca.pem()).unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for unusable in ["", "no PEM at all", broken, &(ca.pem() + broken)] {
            assert!(cas.replace(unusable.to_owned()).is_err(), "{unusable}");
        }
        assert!(cas.user(&[client(&ca)], in_2026()).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_bundle_is_read_again_after_failures_and_followed_when_it_changes() {
        let (old, new, cas) = (ca("old"), ca("new"), ClientCas::default());
        let (mut source, mut order) = (MockClientCaSource::new(), Sequence::new());
        fn unreachable(_: String) -> Result<String, Error> {
            Err(Error::api_server("reading", "connection refused"))
        }
        let mut expect = |answer: fn(String) -> Result<String, Error>, pem: String| {
            source
                .expect_client_ca_bundle()
                .once()
                .in_sequence(&mut order)
                .returning(move || answer(pem.clone()));
        };
        expect(unreachable, String::new());
        expect(Ok, old.pem());
        expect(unreachable, String::new());
        expect(Ok, new.pem());
        source.expect_client_ca_bundle().returning(|| unreachable(String::new()));

        let watched = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert!(cas.user(&[client(&old)], in_2026()).is_ok(), "read at the second attempt");
            tokio::time::sleep(Duration::from_secs(30)).await;
            assert!(cas.user(&[client(&old)], in_2026()).is_ok(), "kept through a failure");
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert!(cas.user(&[client(&old)], in_2026()).is_err(), "withdrawn");
            assert!(cas.user(&[client(&new)], in_2026()).is_ok(), "followed");
        };
        tokio::select! {
            never = cas.keep_current(&source, Duration::from_secs(30)) => match never {},
            () = watched => {}
        }
    }
}
