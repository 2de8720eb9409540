//! Every call to the API server ends: with an answer, with an error that says who must act, or at its deadline.
//!
//! kube sets no read timeout since 4.0, so a call whose answer never comes would wait for ever. [`call`] bounds one
//! request; [`client`] builds a client that bounds the wait for the *beginning* of every answer, which is what a watch
//! needs: its headers come at once, its body never ends.

mod backoff;
#[cfg(test)]
pub(crate) mod scripted;

use std::fmt;
use std::time::Duration;

use kube::client::ClientBuilder;
use serde::de::DeserializeOwned;
use tower::timeout::TimeoutLayer;

pub use backoff::{Backoff, Random};

/// How long one request may take, answer included: the kubelet's limit for its heartbeats
/// (`nodeStatusUpdateFrequency`, 10 s).
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the beginning of an answer may take. Above [`CALL_TIMEOUT`], since it also covers lists of thousands of
/// objects and the waits of kube's own retries after a 429.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Who must act on a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KubeErrorKind {
    /// There is no such object. `about` in [`KubeError`] tells which one, where the server said so.
    NotFound,
    /// An object of this name is there already.
    AlreadyExists,
    /// The object changed meanwhile, or is another one than the request names: read it again.
    Conflict,
    /// Our identity may not do this. The cluster's administrator must act.
    Denied,
    /// The server refused the content of the request. Repeating it is useless.
    Invalid,
    /// No answer, or one that says to try again.
    Unavailable,
}

/// A failed call to the API server. Decisions go by `kind`, never by text.
///
/// The text is taken from the server's `Status`; kube's own error would print that twice, once as a structure.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{action}: {message}")]
pub struct KubeError {
    /// Who must act.
    pub kind: KubeErrorKind,
    /// Resource that the server's answer is about (`pods`), where it says so.
    pub about: Option<String>,
    action: String,
    message: String,
}

impl KubeError {
    /// What the server or the connection said, without what was attempted.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn new(action: &dyn fmt::Display, kind: KubeErrorKind, message: impl Into<String>) -> Self {
        Self { kind, about: None, action: action.to_string(), message: message.into() }
    }

    pub(crate) fn of(action: &dyn fmt::Display, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self {
                about: status
                    .details
                    .as_ref()
                    .map(|details| details.kind.clone())
                    .filter(|kind| !kind.is_empty()),
                ..Self::new(action, kind_of(status), status.message.clone())
            },
            kube::Error::SerdeError(error) => Self::unreadable(action, error),
            other => Self::new(action, KubeErrorKind::Unavailable, chain(other)),
        }
    }

    /// serde quotes the value it stumbled over, and that value may be a secret: only the place is told.
    fn unreadable(action: &dyn fmt::Display, error: &serde_json::Error) -> Self {
        let message = format!(
            "the answer could not be read ({:?} error in line {}, column {})",
            error.classify(),
            error.line(),
            error.column()
        );
        Self::new(action, KubeErrorKind::Unavailable, message)
    }
}

fn kind_of(status: &kube::core::Status) -> KubeErrorKind {
    if status.is_not_found() {
        KubeErrorKind::NotFound
    } else if status.is_already_exists() {
        KubeErrorKind::AlreadyExists
    } else if status.is_conflict() {
        KubeErrorKind::Conflict
    } else if status.is_forbidden() || status.code == 401 {
        KubeErrorKind::Denied
    } else if status.is_invalid() || status.code == 400 {
        KubeErrorKind::Invalid
    } else {
        KubeErrorKind::Unavailable
    }
}

/// Message and causes of an error in one line, each sentence once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        cause = error.source();
    }
    text
}

/// Waits for a request, but no longer than [`CALL_TIMEOUT`]. `action` says what is attempted: `create node "n"`.
///
/// # Errors
/// As the kind says; a timeout is `Unavailable`, and the request may have had its effect.
pub async fn call<T>(
    action: impl fmt::Display,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, KubeError> {
    call_within(CALL_TIMEOUT, action, request).await
}

/// [`call`] with a limit of its own.
///
/// # Errors
/// As [`call`].
pub async fn call_within<T>(
    limit: Duration,
    action: impl fmt::Display,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, KubeError> {
    match tokio::time::timeout(limit, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(KubeError::of(&action, &error)),
        Err(_) => {
            let message = format!("no answer within {} s", limit.as_secs_f32());
            Err(KubeError::new(&action, KubeErrorKind::Unavailable, message))
        }
    }
}

/// Sends a request whose answer holds a secret.
///
/// `kube::Client::request` logs an answer that it cannot decode, with all it holds; this one never does.
///
/// # Errors
/// As [`call`].
pub(crate) async fn call_secret<T: DeserializeOwned>(
    client: &kube::Client,
    action: impl fmt::Display,
    request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<T, KubeError> {
    let request = request.map_err(|error| KubeError::new(&action, KubeErrorKind::Invalid, chain(&error)))?;
    let text = call(&action, client.request_text(request)).await?;
    serde_json::from_str(&text).map_err(|error| KubeError::unreadable(&action, &error))
}

/// A client that waits no longer than [`ANSWER_TIMEOUT`] for an answer to begin, retries included.
///
/// Without it a watch or a list sent into a dead connection would wait for ever, and whoever depends on it as well.
///
/// # Errors
/// When the configuration cannot be used, for example a certificate that cannot be read.
pub fn client(config: kube::Config) -> kube::Result<kube::Client> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&TimeoutLayer::new(ANSWER_TIMEOUT)).build())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1 as corev1;
    use serde_json::json;

    use super::scripted::{Answer, Scripted};
    use super::*;

    fn config_maps(client: kube::Client) -> kube::Api<corev1::ConfigMap> {
        kube::Api::namespaced(client, "ns")
    }

    async fn error_of(answer: Answer) -> KubeError {
        let api = Scripted::new(move |_| answer.clone());
        call("get configmap \"c\"", config_maps(api.client()).get("c")).await.unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_answer_ends_at_its_deadline() {
        let started = tokio::time::Instant::now();
        let error = error_of(Answer::Never).await;
        assert_eq!(error.kind, KubeErrorKind::Unavailable);
        assert_eq!(started.elapsed(), CALL_TIMEOUT);
        assert_eq!(error.to_string(), "get configmap \"c\": no answer within 10 s");
    }

    #[tokio::test]
    async fn answers_become_kinds() {
        for (code, reason, kind) in [
            (404, "NotFound", KubeErrorKind::NotFound),
            (409, "AlreadyExists", KubeErrorKind::AlreadyExists),
            (409, "Conflict", KubeErrorKind::Conflict),
            (403, "Forbidden", KubeErrorKind::Denied),
            (401, "Unauthorized", KubeErrorKind::Denied),
            (422, "Invalid", KubeErrorKind::Invalid),
            (500, "InternalError", KubeErrorKind::Unavailable),
            (503, "ServiceUnavailable", KubeErrorKind::Unavailable),
        ] {
            let error = error_of(Answer::status(code, reason, "configmaps", "it went wrong")).await;
            assert_eq!(error.kind, kind, "{code} {reason}");
            assert_eq!(error.to_string(), "get configmap \"c\": it went wrong");
            assert_eq!(error.about.as_deref(), Some("configmaps"));
        }
    }

    #[tokio::test]
    async fn an_unreadable_secret_is_not_quoted() {
        let api = Scripted::new(|_| Answer::json(200, json!({"metadata": {"name": "s"}, "data": "hunter2"})));
        let request = kube::core::Request::new("/api/v1/namespaces/ns/secrets")
            .get("s", &kube::api::GetParams::default());
        let error =
            call_secret::<corev1::Secret>(&api.client(), "get secret \"s\"", request).await.unwrap_err();
        assert_eq!(error.kind, KubeErrorKind::Unavailable);
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn a_broken_connection_is_unavailable() {
        let error = error_of(Answer::Broken).await;
        assert_eq!(error.kind, KubeErrorKind::Unavailable);
        assert!(error.to_string().contains("connection reset"), "{error}");
    }
}
