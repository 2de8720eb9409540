//! Finds out who sends a request: a client certificate first, else a bearer token. Nobody is anonymous here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use tracing::warn;
use vk_core::Clock;

use crate::cache::ExpiringCache;
use crate::client_ca::{ClientCas, Refused};
use crate::error::Error;
use crate::metrics::{AuthenticationLabels, Metrics};
use crate::user::User;

/// As long as a kubelet believes a TokenReview.
const TOKEN_LIFETIME: Duration = Duration::from_secs(120);
/// Users with a token of their own at one time; 4096 entries are about 2 MB.
const TOKENS: usize = 4096;

/// Asks who a bearer token belongs to.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait TokenReviewer: Send + Sync + 'static {
    /// The token's user; `None` where the token is not valid.
    ///
    /// # Errors
    /// When nobody could be asked. The request is then refused with 503, and nothing is remembered.
    async fn review_token(&self, token: &str) -> Result<Option<User>, Error>;
}

/// Why a request has no user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unauthenticated {
    /// 401: no credentials, or wrong ones; with a reason that is fit for the client.
    Rejected(String),
    /// 503: the credentials could not be checked.
    Unavailable(String),
}

pub(crate) struct Authenticator {
    client_cas: Arc<ClientCas>,
    reviewer: Arc<dyn TokenReviewer>,
    clock: Arc<dyn Clock>,
    /// Keyed by a digest: a token is nowhere kept. Refusals are not kept either, or a token that a slow API server
    /// does not know yet would stay refused.
    users: ExpiringCache<[u8; 32], User>,
    metrics: Metrics,
}

impl Authenticator {
    pub(crate) fn new(
        client_cas: Arc<ClientCas>,
        reviewer: Arc<dyn TokenReviewer>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        Self { client_cas, reviewer, clock, users: ExpiringCache::new(TOKENS), metrics }
    }

    /// The request's user. A token is looked at only where the certificate names nobody.
    pub(crate) async fn authenticate(
        &self,
        chain: &[CertificateDer<'_>],
        headers: &HeaderMap,
    ) -> Result<User, Unauthenticated> {
        let refused = match self.by_certificate(chain) {
            Some(Ok(user)) => return Ok(user),
            Some(Err(refused)) => Some(refused),
            None => None,
        };
        match (bearer_token(headers), refused) {
            (Some(token), _) => self.by_token(token).await,
            (None, Some(refused)) => Err(refused),
            (None, None) => {
                self.count("none", "rejected");
                Err(Unauthenticated::Rejected("no credentials were sent".to_owned()))
            }
        }
    }

    fn by_certificate(&self, chain: &[CertificateDer<'_>]) -> Option<Result<User, Unauthenticated>> {
        if chain.is_empty() {
            return None;
        }
        let (outcome, answer) = match self.client_cas.user(chain, self.clock.now()) {
            Ok(user) => ("accepted", Ok(user)),
            Err(Refused::NotReady) => ("unavailable", Err(not_ready())),
            Err(Refused::Invalid(reason)) => {
                let text = format!("the client certificate is not accepted: {reason}");
                ("rejected", Err(Unauthenticated::Rejected(text)))
            }
        };
        self.count("certificate", outcome);
        Some(answer)
    }

    async fn by_token(&self, token: &str) -> Result<User, Unauthenticated> {
        let key: [u8; 32] = Sha256::digest(token).into();
        if let Some(user) = self.users.get(&key) {
            self.count("token", "accepted_from_cache");
            return Ok(user);
        }
        let (outcome, answer) = match self.reviewer.review_token(token).await {
            Ok(Some(user)) => {
                let user = user.in_authenticated();
                self.users.insert(key, user.clone(), TOKEN_LIFETIME);
                ("accepted", Ok(user))
            }
            Ok(None) => {
                let text = "the bearer token is not accepted".to_owned();
                ("rejected", Err(Unauthenticated::Rejected(text)))
            }
            Err(error) => {
                warn!(error = %error.chain(), "bearer token not reviewed, request refused");
                let text = "the bearer token could not be checked with the API server".to_owned();
                ("unavailable", Err(Unauthenticated::Unavailable(text)))
            }
        };
        self.count("token", outcome);
        answer
    }

    fn count(&self, method: &'static str, outcome: &'static str) {
        let labels = AuthenticationLabels { method, outcome };
        self.metrics.authentications.get_or_create(&labels).inc();
    }
}

fn not_ready() -> Unauthenticated {
    Unauthenticated::Unavailable(
        "client certificates cannot be checked yet: the cluster's client CAs have not been read".to_owned(),
    )
}

/// The token of `Authorization: Bearer …`; the scheme in any case, as HTTP has it.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use prometheus_client::registry::Registry;

    use super::*;

    fn authenticator(reviewer: MockTokenReviewer) -> Authenticator {
        Authenticator::new(
            Arc::default(),
            Arc::new(reviewer),
            Arc::new(|| Timestamp::UNIX_EPOCH),
            Metrics::register(&mut Registry::default()),
        )
    }

    fn bearer(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        headers
    }

    fn named(name: &str) -> User {
        User { name: name.to_owned(), ..User::default() }
    }

    #[tokio::test]
    async fn no_credentials_are_refused_without_asking_anybody() {
        let authenticator = authenticator(MockTokenReviewer::new());
        let answer = authenticator.authenticate(&[], &HeaderMap::new()).await;
        assert!(matches!(answer, Err(Unauthenticated::Rejected(_))));
    }

    #[tokio::test]
    async fn other_schemes_and_empty_tokens_are_no_credentials() {
        let authenticator = authenticator(MockTokenReviewer::new());
        for value in ["Basic YWRtaW46", "Bearer", "Bearer ", "token", ""] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            let answer = authenticator.authenticate(&[], &headers).await;
            assert!(matches!(answer, Err(Unauthenticated::Rejected(_))), "{value}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_token_is_asked_about_once_in_two_minutes() {
        let mut reviewer = MockTokenReviewer::new();
        reviewer
            .expect_review_token()
            .withf(|token| token == "good")
            .times(2)
            .returning(|_| Ok(Some(named("metrics-server"))));
        let authenticator = authenticator(reviewer);
        let ask = || async { authenticator.authenticate(&[], &bearer("good")).await.unwrap() };
        assert_eq!(ask().await.groups, ["system:authenticated"]);
        tokio::time::advance(Duration::from_secs(119)).await;
        ask().await;
        tokio::time::advance(Duration::from_secs(1)).await;
        ask().await;
    }

    #[tokio::test]
    async fn a_bad_token_is_refused_and_asked_about_each_time() {
        let mut reviewer = MockTokenReviewer::new();
        reviewer.expect_review_token().times(2).returning(|_| Ok(None));
        let authenticator = authenticator(reviewer);
        for _ in 0..2 {
            let answer = authenticator.authenticate(&[], &bearer("bad")).await;
            assert!(matches!(answer, Err(Unauthenticated::Rejected(_))));
        }
    }

    #[tokio::test]
    async fn a_token_that_nobody_could_check_is_not_let_in_and_does_not_show() {
        let mut reviewer = MockTokenReviewer::new();
        reviewer.expect_review_token().returning(|_| Err(Error::api_server("reviewing a token", "timeout")));
        let answer = authenticator(reviewer).authenticate(&[], &bearer("s3cret")).await;
        let Err(Unauthenticated::Unavailable(text)) = answer else {
            panic!("{answer:?}");
        };
        assert!(!text.contains("s3cret"));
    }

    #[tokio::test]
    async fn a_certificate_before_the_cas_are_known_is_answered_as_not_ready() {
        let chain = [CertificateDer::from(vec![1, 2, 3])];
        let authenticator = authenticator(MockTokenReviewer::new());
        let answer = authenticator.authenticate(&chain, &HeaderMap::new()).await;
        assert!(matches!(answer, Err(Unauthenticated::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_good_token_counts_although_the_certificate_beside_it_does_not() {
        let mut reviewer = MockTokenReviewer::new();
        reviewer.expect_review_token().returning(|_| Ok(Some(named("alice"))));
        let chain = [CertificateDer::from(vec![1, 2, 3])];
        let user = authenticator(reviewer).authenticate(&chain, &bearer("good")).await.unwrap();
        assert_eq!(user.name, "alice");
    }
}
