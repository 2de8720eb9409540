//! Decides whether a user may do what a request asks for: a SubjectAccessReview for a subresource of the node.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tracing::warn;

use crate::cache::ExpiringCache;
use crate::error::Error;
use crate::metrics::{AuthorizationLabels, Metrics};
use crate::user::User;

/// As long as a kubelet believes a permission, and a refusal.
const ALLOWED_LIFETIME: Duration = Duration::from_secs(300);
const DENIED_LIFETIME: Duration = Duration::from_secs(30);
/// Decisions kept at one time; 4096 entries are about 2 MB.
const DECISIONS: usize = 4096;

/// What is asked: may `user` do `verb` on `nodes/<subresource>` of this node. The key of the cache is all of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    pub user: User,
    pub verb: String,
    pub node: String,
    pub subresource: String,
}

/// Asks whether an access is allowed.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait AccessReviewer: Send + Sync + 'static {
    /// Whether it is allowed.
    ///
    /// # Errors
    /// When nobody could be asked. The request is then refused with 503, and nothing is remembered.
    async fn review_access(&self, access: &Access) -> Result<bool, Error>;
}

/// Why a request goes no further.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    /// 403, with a text that names user, verb, resource and subresources.
    Forbidden(String),
    /// 503: nobody could be asked.
    Unavailable(String),
}

pub(crate) struct Authorizer {
    node: String,
    reviewer: Arc<dyn AccessReviewer>,
    decisions: ExpiringCache<Access, bool>,
    metrics: Metrics,
}

impl Authorizer {
    pub(crate) fn new(node: String, reviewer: Arc<dyn AccessReviewer>, metrics: Metrics) -> Self {
        Self { node, reviewer, decisions: ExpiringCache::new(DECISIONS), metrics }
    }

    /// Allows if one of the subresources is allowed. They are asked for in order; an error ends the asking, so
    /// that no answer is guessed.
    pub(crate) async fn authorize(
        &self,
        user: &User,
        verb: &str,
        subresources: &[&str],
    ) -> Result<(), Unauthorized> {
        for subresource in subresources {
            let access = Access {
                user: user.clone(),
                verb: verb.to_owned(),
                node: self.node.clone(),
                subresource: (*subresource).to_owned(),
            };
            if self.decide(access).await? {
                return Ok(());
            }
        }
        Err(Unauthorized::Forbidden(forbidden(user, verb, subresources)))
    }

    async fn decide(&self, access: Access) -> Result<bool, Unauthorized> {
        if let Some(allowed) = self.decisions.get(&access) {
            self.count(if allowed { "allowed_from_cache" } else { "denied_from_cache" });
            return Ok(allowed);
        }
        match self.reviewer.review_access(&access).await {
            Ok(allowed) => {
                self.count(if allowed { "allowed" } else { "denied" });
                let lifetime = if allowed { ALLOWED_LIFETIME } else { DENIED_LIFETIME };
                self.decisions.insert(access, allowed, lifetime);
                Ok(allowed)
            }
            Err(error) => {
                self.count("unavailable");
                warn!(error = %error.chain(), "access not reviewed, request refused");
                let text = "the authorization could not be checked with the API server";
                Err(Unauthorized::Unavailable(text.to_owned()))
            }
        }
    }

    fn count(&self, outcome: &'static str) {
        self.metrics.authorizations.get_or_create(&AuthorizationLabels { outcome }).inc();
    }
}

/// The kubelet's words. A user's name is the client's to choose and must not draw on a terminal.
fn forbidden(user: &User, verb: &str, subresources: &[&str]) -> String {
    format!(
        "Forbidden (user={}, verb={}, resource=nodes, subresource(s)=[{}])",
        user.name.escape_debug(),
        verb.escape_debug(),
        subresources.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    fn authorizer(reviewer: MockAccessReviewer) -> Authorizer {
        let metrics = Metrics::register(&mut Registry::default());
        Authorizer::new("virtual-kubelet".to_owned(), Arc::new(reviewer), metrics)
    }

    fn alice() -> User {
        User { name: "alice".to_owned(), ..User::default() }
    }

    fn allowing(subresource: &'static str) -> MockAccessReviewer {
        let mut reviewer = MockAccessReviewer::new();
        reviewer.expect_review_access().returning(move |access| {
            Ok(access.subresource == subresource && access.node == "virtual-kubelet")
        });
        reviewer
    }

    #[tokio::test]
    async fn one_allowed_subresource_is_enough() {
        for allowed in ["pods", "proxy"] {
            let answer = authorizer(allowing(allowed)).authorize(&alice(), "get", &["pods", "proxy"]).await;
            assert_eq!(answer, Ok(()));
        }
    }

    #[tokio::test]
    async fn a_refusal_names_who_wanted_what() {
        let answer = authorizer(allowing("none")).authorize(&alice(), "create", &["pods", "proxy"]).await;
        let text = "Forbidden (user=alice, verb=create, resource=nodes, subresource(s)=[pods proxy])";
        assert_eq!(answer, Err(Unauthorized::Forbidden(text.to_owned())));
    }

    #[tokio::test]
    async fn an_error_of_the_api_server_never_allows() {
        let mut reviewer = MockAccessReviewer::new();
        reviewer
            .expect_review_access()
            .once()
            .returning(|_| Err(Error::api_server("reviewing an access", "connection refused")));
        let answer = authorizer(reviewer).authorize(&alice(), "get", &["pods", "proxy"]).await;
        assert!(matches!(answer, Err(Unauthorized::Unavailable(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn permissions_are_believed_five_minutes_and_refusals_thirty_seconds() {
        for (allowed, lifetime) in [(true, 300), (false, 30)] {
            let mut reviewer = MockAccessReviewer::new();
            reviewer.expect_review_access().times(2).returning(move |_| Ok(allowed));
            let authorizer = authorizer(reviewer);
            let ask = || async { authorizer.authorize(&alice(), "get", &["proxy"]).await.is_ok() };
            assert_eq!(ask().await, allowed);
            tokio::time::advance(Duration::from_secs(lifetime - 1)).await;
            assert_eq!(ask().await, allowed);
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(ask().await, allowed);
        }
    }

    #[tokio::test]
    async fn a_decision_counts_for_that_user_verb_and_groups_only() {
        let mut reviewer = MockAccessReviewer::new();
        reviewer.expect_review_access().times(3).returning(|access| Ok(access.verb == "get"));
        let authorizer = authorizer(reviewer);
        let mut in_group = alice();
        in_group.groups.push("team".to_owned());
        assert!(authorizer.authorize(&alice(), "get", &["proxy"]).await.is_ok());
        assert!(authorizer.authorize(&alice(), "create", &["proxy"]).await.is_err());
        assert!(authorizer.authorize(&in_group, "get", &["proxy"]).await.is_ok());
    }

    #[tokio::test]
    async fn a_name_with_control_characters_is_shown_escaped() {
        let mallory = User { name: "\u{1b}[2Jmallory\n".to_owned(), ..User::default() };
        let answer = authorizer(allowing("none")).authorize(&mallory, "get", &["proxy"]).await;
        let Err(Unauthorized::Forbidden(text)) = answer else {
            panic!("{answer:?}");
        };
        assert!(!text.contains('\u{1b}') && !text.contains('\n'));
    }
}
