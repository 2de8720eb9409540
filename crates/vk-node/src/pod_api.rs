//! The three calls about pods that the engine needs of the API server.

use async_trait::async_trait;
use k8s_openapi::api::core::v1 as corev1;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use serde_json::{Value, json};
use vk_core::{GroupId, PodKey};

use crate::engine::{ApiError, PodPatch, Presence};
use crate::facts::AnnotationNames;
use crate::kube_call::{KubeError, KubeErrorKind, call, call_within};

/// A tag value holds at most so many characters: a name of this length may be a cut one.
const CUT_NAME: usize = 128;

/// Reads and writes pods of one node. Each call names the UID it is about and never touches a successor of that name.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait PodApi: Send + Sync + 'static {
    /// Writes status and annotations; answers with the new `resourceVersion`, where it is a number.
    async fn patch(&self, patch: &PodPatch) -> Result<Option<u64>, ApiError>;

    /// Removes the object at once. Success may leave it to the finalizers of others.
    async fn remove(&self, key: &PodKey) -> Result<(), ApiError>;

    /// Asks afresh (not a cache) whether the UID exists.
    async fn presence(&self, key: &PodKey) -> Result<Presence, ApiError>;
}

/// [`PodApi`] over a real API server.
pub struct KubePodApi {
    client: kube::Client,
    node_name: String,
    names: AnnotationNames,
}

impl KubePodApi {
    /// Pods of this node.
    pub fn new(client: kube::Client, node_name: impl Into<String>, names: AnnotationNames) -> Self {
        Self { client, node_name: node_name.into(), names }
    }

    fn pods(&self, key: &PodKey) -> Api<corev1::Pod> {
        Api::namespaced(self.client.clone(), &key.namespace)
    }

    /// A refused write may be one to a successor of that name, which the server words in several ways.
    async fn refused(&self, key: &PodKey, error: KubeError) -> ApiError {
        match error.kind {
            KubeErrorKind::NotFound => ApiError::Gone,
            KubeErrorKind::Invalid | KubeErrorKind::Conflict => match self.presence(key).await {
                Ok(Presence::Gone) => ApiError::Gone,
                Ok(_) if error.kind == KubeErrorKind::Conflict => ApiError::Conflict,
                _ => ApiError::Refused(error.to_string()),
            },
            KubeErrorKind::Denied | KubeErrorKind::AlreadyExists => ApiError::Refused(error.to_string()),
            KubeErrorKind::Unavailable => ApiError::Unavailable(error.to_string()),
        }
    }

    fn present(&self, metadata: &kube::core::ObjectMeta) -> Presence {
        let annotations = metadata.annotations.as_ref();
        Presence::Present {
            terminating: metadata.deletion_timestamp.is_some(),
            annotated: annotations
                .and_then(|all| all.get(self.names.group))
                .filter(|id| !id.is_empty())
                .map(GroupId::new),
        }
    }

    /// A name that may be cut can't be asked for: the node's pods are listed instead.
    async fn presence_in_list(&self, key: &PodKey) -> Result<Presence, ApiError> {
        let pods: Api<corev1::Pod> = Api::all(self.client.clone());
        let params = ListParams::default().fields(&format!("spec.nodeName={}", self.node_name));
        let limit = crate::kube_call::ANSWER_TIMEOUT;
        let list = call_within(limit, "list pods of the node", pods.list_metadata(&params))
            .await
            .map_err(|error| ApiError::Unavailable(error.to_string()))?;
        let found = list.items.iter().find(|pod| pod.metadata.uid.as_ref() == Some(&key.uid));
        Ok(found.map_or(Presence::Gone, |pod| self.present(&pod.metadata)))
    }
}

#[async_trait]
impl PodApi for KubePodApi {
    async fn patch(&self, patch: &PodPatch) -> Result<Option<u64>, ApiError> {
        let key = &patch.key;
        let body = Patch::Strategic(body(patch));
        let params = PatchParams::default();
        match call(
            format!("patch status of pod {key}"),
            self.pods(key).patch_status(&key.name, &params, &body),
        )
        .await
        {
            Ok(pod) => Ok(pod.metadata.resource_version.and_then(|version| version.parse().ok())),
            Err(error) => Err(self.refused(key, error).await),
        }
    }

    async fn remove(&self, key: &PodKey) -> Result<(), ApiError> {
        let params = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: Some(key.uid.clone()), resource_version: None }),
            ..Default::default()
        };
        match call(format!("remove pod {key}"), self.pods(key).delete(&key.name, &params)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.refused(key, error).await),
        }
    }

    async fn presence(&self, key: &PodKey) -> Result<Presence, ApiError> {
        if key.name.len() >= CUT_NAME || key.namespace.len() >= CUT_NAME {
            return self.presence_in_list(key).await;
        }
        match call(format!("get pod {key}"), self.pods(key).get_metadata(&key.name)).await {
            Ok(pod) if pod.metadata.uid.as_ref() == Some(&key.uid) => Ok(self.present(&pod.metadata)),
            Ok(_) => Ok(Presence::Gone),
            Err(error) if error.kind == KubeErrorKind::NotFound => Ok(Presence::Gone),
            Err(error) => Err(ApiError::Unavailable(error.to_string())),
        }
    }
}

/// A strategic merge patch: lists with merge keys keep what others wrote, so what we withdraw is named.
fn body(patch: &PodPatch) -> Value {
    let mut status = serde_json::to_value(&patch.status).expect("a PodStatus has only string keys");
    for field in ["reason", "message"] {
        if status.get(field).is_none() {
            status[field] = Value::Null;
        }
    }
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        for field in ["reason", "message"] {
            if condition.get(field).is_none() {
                condition[field] = Value::Null;
            }
        }
    }
    // These lists merge by `ip`: without the directive an old address would stay beside the new one.
    for field in ["podIPs", "hostIPs"] {
        if let Some(ips) = status[field].as_array_mut() {
            ips.insert(0, json!({"$patch": "replace"}));
        } else if let Some(object) = status.as_object_mut() {
            object.remove(field);
        }
    }
    let mut metadata = json!({"uid": patch.key.uid});
    if let Some(version) = patch.version {
        metadata["resourceVersion"] = json!(version.to_string());
    }
    if !patch.annotations.is_empty() {
        metadata["annotations"] = json!(patch.annotations);
    }
    json!({"metadata": metadata, "status": status})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(status: Value) -> Value {
        body(&PodPatch {
            key: PodKey { namespace: "ns".into(), name: "web".into(), uid: "u1".into() },
            version: Some(41),
            status: serde_json::from_value(status).expect("a status"),
            annotations: [("a/b".to_owned(), "c".to_owned())].into(),
        })
    }

    #[test]
    fn uid_and_version_are_preconditions_and_annotations_ride_along() {
        let body = patch(json!({"phase": "Running"}));
        assert_eq!(
            body["metadata"],
            json!({"uid": "u1", "resourceVersion": "41", "annotations": {"a/b": "c"}})
        );
    }

    #[test]
    fn withdrawn_reasons_are_named() {
        let body = patch(json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}));
        assert_eq!(body["status"]["reason"], Value::Null);
        assert_eq!(body["status"]["conditions"][0].get("message"), Some(&Value::Null));
    }

    #[test]
    fn addresses_replace_the_old_ones() {
        let body = patch(json!({"podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}]}));
        assert_eq!(body["status"]["podIPs"], json!([{"$patch": "replace"}, {"ip": "10.0.0.2"}]));
        assert!(body["status"].get("hostIPs").is_none());
    }
}
