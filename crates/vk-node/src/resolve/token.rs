//! Asks for service-account tokens, each bound to the pod that will hold it.
//!
//! The body is written out here and not taken from `k8s-openapi`: the generated type changed its fields with 1.36, and its
//! answer would pass through code that logs what it cannot read.

use std::collections::BTreeMap;

use futures::future::join_all;
use k8s_openapi::api::core::v1 as corev1;
use kube::api::PostParams;
use kube::{Client, Resource};
use serde::Deserialize;
use serde_json::{Value, json};
use vk_core::{PodKey, TokenKey, TokenValue};

use super::{Failures, MissingObject, Needs, ObjectKind, ResolveError};
use crate::kube_call::{KubeError, KubeErrorKind, call_secret};

/// The answer; everything else in it is of no use here.
#[derive(Deserialize)]
struct TokenAnswer {
    status: TokenStatus,
}

#[derive(Deserialize)]
struct TokenStatus {
    token: String,
}

/// All tokens that the pod's volumes want.
pub(super) async fn request_all(
    client: &Client,
    pod: &PodKey,
    needs: &Needs,
) -> Result<BTreeMap<TokenKey, TokenValue>, ResolveError> {
    let requests = needs.tokens.iter().map(|(key, wanted_by)| async move {
        let token = request(client, pod, &needs.service_account, key).await;
        let token = token.map_err(|error| failure(&error, pod, &needs.service_account, wanted_by))?;
        Ok((key.clone(), token))
    });
    let mut tokens = BTreeMap::new();
    let mut failures = Failures::default();
    for outcome in join_all(requests).await {
        match outcome {
            Ok((key, token)) => drop(tokens.insert(key, token)),
            Err(error) => failures.add(error),
        }
    }
    failures.into_result().map(|()| tokens)
}

async fn request(
    client: &Client,
    pod: &PodKey,
    service_account: &str,
    key: &TokenKey,
) -> Result<TokenValue, KubeError> {
    let accounts = corev1::ServiceAccount::url_path(&(), Some(&pod.namespace));
    let body = body(pod, key).to_string().into_bytes();
    let request = kube::core::Request::new(accounts).create_subresource(
        "token",
        service_account,
        &PostParams::default(),
        body,
    );
    let action = format!("create token of serviceaccount \"{}/{service_account}\"", pod.namespace);
    let answer: TokenAnswer = call_secret(client, action, request).await?;
    Ok(TokenValue::new(answer.status.token))
}

fn body(pod: &PodKey, key: &TokenKey) -> Value {
    let mut spec = json!({
        "audiences": key.audience.iter().collect::<Vec<_>>(),
        "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid},
    });
    if let Some(seconds) = key.expiration_seconds {
        spec["expirationSeconds"] = json!(seconds);
    }
    json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
}

/// A 404 is about the service account or about the pod, the answer says which; a 409 says that the UID is another one.
fn failure(error: &KubeError, pod: &PodKey, service_account: &str, wanted_by: &str) -> ResolveError {
    match (error.kind, error.about.as_deref()) {
        (KubeErrorKind::Conflict, _) | (KubeErrorKind::NotFound, Some("pods")) => ResolveError::PodGone,
        (KubeErrorKind::NotFound, Some("serviceaccounts")) => ResolveError::Missing(vec![MissingObject {
            kind: ObjectKind::ServiceAccount,
            namespace: pod.namespace.clone(),
            name: service_account.to_owned(),
            key: None,
            wanted_by: wanted_by.to_owned(),
        }]),
        _ => ResolveError::of("create", "serviceaccounts/token", error),
    }
}
