//! Asks the API server: TokenReview, SubjectAccessReview, and the cluster's client CAs.
//!
//! kube gives a unary call no time limit of its own, so each one here has one; and since everybody who reaches the
//! port can cause a TokenReview, only so many of those are under way at once. The other calls do not wait for them.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::authentication::v1::{TokenReview, UserInfo};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::BoxError;
use crate::authn::TokenReviewer;
use crate::authz::{Access, AccessReviewer};
use crate::client_ca::ClientCaSource;
use crate::error::Error;
use crate::user::User;

/// For one call, waiting for its turn included.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// TokenReviews under way at once: at 20 ms each about 1,600 a second, far above what a node is asked.
const TOKEN_REVIEWS: usize = 32;

/// Where the API server publishes its client CAs for servers that it calls.
const AUTHENTICATION_NAMESPACE: &str = "kube-system";
const AUTHENTICATION_CONFIG_MAP: &str = "extension-apiserver-authentication";
const CLIENT_CA_KEY: &str = "client-ca-file";

/// Authentication and authorization delegated to the API server, as a kubelet delegates them.
///
/// Needs the roles `system:auth-delegator` and, in `kube-system`, `extension-apiserver-authentication-reader`.
#[derive(Clone)]
pub struct DelegatedAuth {
    client: kube::Client,
    token_reviews: Arc<Semaphore>,
}

impl DelegatedAuth {
    pub fn new(client: kube::Client) -> Self {
        Self { client, token_reviews: Arc::new(Semaphore::new(TOKEN_REVIEWS)) }
    }
}

async fn in_time<T>(
    attempted: &'static str,
    answer: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(CALL_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(|error| Error::api_server(attempted, cause(&error))),
        Err(_) => Err(Error::api_server(attempted, format!("no answer within {CALL_TIMEOUT:?}"))),
    }
}

/// What may be shown of a failed call. An answer of the API server is reduced to code and reason: its message may
/// repeat what was sent, and that can be a token.
fn cause(error: &kube::Error) -> BoxError {
    match error {
        kube::Error::Api(status) => {
            format!("the API server answered {} {}", status.code, status.reason).into()
        }
        kube::Error::SerdeError(_) => "the API server's answer is not what was asked for".into(),
        other => other.to_string().into(),
    }
}

#[async_trait]
impl TokenReviewer for DelegatedAuth {
    async fn review_token(&self, token: &str) -> Result<Option<User>, Error> {
        let attempted = "reviewing a bearer token";
        // NOTE: `spec.token` changed its type between Kubernetes versions; through JSON every version compiles.
        let review: TokenReview = serde_json::from_value(json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token},
        }))
        .map_err(|_| Error::api_server(attempted, "the token does not fit into a review"))?;
        let api = Api::<TokenReview>::all(self.client.clone());
        let answer = in_time(attempted, async {
            let _turn = self.token_reviews.acquire().await;
            api.create(&PostParams::default(), &review).await
        });
        let answer = answer.await?;
        let status = answer.status.unwrap_or_default();
        let accepted = status.authenticated == Some(true) && status.error.as_deref().unwrap_or("").is_empty();
        Ok(status.user.filter(|_| accepted).and_then(user))
    }
}

/// `None` for a user without a name, who cannot be told from nobody.
fn user(info: UserInfo) -> Option<User> {
    let user = User {
        name: info.username.unwrap_or_default(),
        uid: info.uid.unwrap_or_default(),
        groups: info.groups.unwrap_or_default(),
        extra: info.extra.unwrap_or_default(),
    };
    (!user.name.is_empty()).then_some(user)
}

#[async_trait]
impl AccessReviewer for DelegatedAuth {
    async fn review_access(&self, access: &Access) -> Result<bool, Error> {
        let api = Api::<SubjectAccessReview>::all(self.client.clone());
        let review = access_review(access);
        let answer = in_time("reviewing an access", api.create(&PostParams::default(), &review)).await?;
        Ok(allowed(answer.status))
    }
}

fn access_review(access: &Access) -> SubjectAccessReview {
    let resource = ResourceAttributes {
        verb: Some(access.verb.clone()),
        version: Some("v1".to_owned()),
        resource: Some("nodes".to_owned()),
        subresource: Some(access.subresource.clone()),
        name: Some(access.node.clone()),
        ..ResourceAttributes::default()
    };
    let some_text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let some_extra = |extra: &BTreeMap<_, _>| Some(extra.clone()).filter(|extra| !extra.is_empty());
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            resource_attributes: Some(resource),
            user: Some(access.user.name.clone()),
            uid: some_text(&access.user.uid),
            groups: Some(access.user.groups.clone()),
            extra: some_extra(&access.user.extra),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}

/// An evaluation error beside `allowed` means that some rules could not be read, the ones that allow could.
fn allowed(status: Option<SubjectAccessReviewStatus>) -> bool {
    status.is_some_and(|status| status.allowed && status.denied != Some(true))
}

#[async_trait]
impl ClientCaSource for DelegatedAuth {
    async fn client_ca_bundle(&self) -> Result<String, Error> {
        let attempted = "reading the client CAs from 'kube-system/extension-apiserver-authentication'";
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), AUTHENTICATION_NAMESPACE);
        let answer = in_time(attempted, api.get(AUTHENTICATION_CONFIG_MAP)).await?;
        let bundle = answer.data.and_then(|mut data| data.remove(CLIENT_CA_KEY));
        bundle.ok_or_else(|| Error::api_server(attempted, format!("it has no key '{CLIENT_CA_KEY}'")))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{Request, Response};
    use http_body_util::BodyExt;
    use kube::client::Body;
    use serde_json::Value;

    use super::*;

    /// An API server that checks one request and gives one answer.
    fn answering(expected: Value, code: u16, answer: Value) -> DelegatedAuth {
        let service = tower::service_fn(move |request: Request<Body>| {
            let (expected, answer) = (expected.clone(), answer.clone());
            async move {
                let (head, body) = request.into_parts();
                let sent = body.collect().await.unwrap().to_bytes();
                let sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
                assert_eq!(json!([head.method.as_str(), head.uri.path(), sent["spec"]]), expected);
                let body = Body::from(answer.to_string().into_bytes());
                Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
            }
        });
        DelegatedAuth::new(kube::Client::new(service, "default"))
    }

    fn reviewing(status: Value) -> DelegatedAuth {
        let expected = json!(["POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"token": "t0ken"}]);
        answering(expected, 201, json!({"metadata": {}, "spec": {"token": "t0ken"}, "status": status}))
    }

    #[tokio::test]
    async fn a_token_review_names_the_user() {
        let status = json!({"authenticated": true, "user": {"username": "system:serviceaccount:a:b",
            "uid": "u-1", "groups": ["system:serviceaccounts"], "extra": {"k": ["v"]}}});
        let user = reviewing(status).review_token("t0ken").await.unwrap().unwrap();
        assert_eq!((user.name.as_str(), user.uid.as_str()), ("system:serviceaccount:a:b", "u-1"));
        assert_eq!(user.extra["k"], ["v"]);
    }

    #[tokio::test]
    async fn a_token_review_without_a_clear_yes_names_nobody() {
        for status in [
            json!({}),
            json!({"authenticated": false, "user": {"username": "x"}}),
            json!({"authenticated": true, "user": {"username": ""}}),
            json!({"authenticated": true}),
            json!({"authenticated": true, "error": "expired", "user": {"username": "x"}}),
        ] {
            assert_eq!(reviewing(status.clone()).review_token("t0ken").await.unwrap(), None, "{status}");
        }
    }

    #[tokio::test]
    async fn an_error_of_a_review_does_not_show_the_token() {
        let expected = json!(["POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"token": "t0ken"}]);
        let status = json!({"kind": "Status", "code": 422, "reason": "Invalid", "message": "bad t0ken"});
        let error = answering(expected, 422, status).review_token("t0ken").await.unwrap_err();
        let text = format!("{} {error:?}", error.chain());
        assert!(text.contains("422") && !text.contains("t0ken"), "{text}");
    }

    fn access() -> Access {
        Access {
            user: User { name: "alice".to_owned(), groups: vec!["team".to_owned()], ..User::default() },
            verb: "create".to_owned(),
            node: "virtual-kubelet".to_owned(),
            subresource: "proxy".to_owned(),
        }
    }

    fn asked() -> Value {
        json!(["POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
            "user": "alice", "groups": ["team"], "resourceAttributes": {"verb": "create", "version": "v1",
            "resource": "nodes", "subresource": "proxy", "name": "virtual-kubelet"}}])
    }

    #[tokio::test]
    async fn an_access_review_asks_for_the_subresource_of_this_node() {
        for (status, expected) in [
            (json!({"allowed": true}), true),
            (json!({"allowed": false, "reason": "no"}), false),
            (json!({"allowed": true, "denied": true}), false),
        ] {
            let answer = json!({"metadata": {}, "spec": {}, "status": status});
            let allowed = answering(asked(), 201, answer).review_access(&access()).await.unwrap();
            assert_eq!(allowed, expected, "{status}");
        }
    }

    #[tokio::test]
    async fn an_access_review_that_the_api_server_refuses_is_an_error() {
        let status = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"});
        assert!(answering(asked(), 403, status).review_access(&access()).await.is_err());
    }

    #[tokio::test]
    async fn the_client_cas_are_read_from_where_the_api_server_publishes_them() {
        let path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
        let expected = json!(["GET", path, null]);
        let with_key = json!({"metadata": {}, "data": {"client-ca-file": "PEM"}});
        let auth = answering(expected.clone(), 200, with_key);
        assert_eq!(auth.client_ca_bundle().await.unwrap(), "PEM");
        let without_key = json!({"metadata": {}, "data": {}});
        assert!(answering(expected, 200, without_key).client_ca_bundle().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_never_answers_is_given_up() {
        let silent = tower::service_fn(|_: Request<Body>| {
            std::future::pending::<Result<Response<Body>, Infallible>>()
        });
        let auth = DelegatedAuth::new(kube::Client::new(silent, "default"));
        assert!(auth.review_access(&access()).await.is_err());
        assert!(auth.review_token("t0ken").await.is_err());
        assert!(auth.client_ca_bundle().await.is_err());
    }
}
