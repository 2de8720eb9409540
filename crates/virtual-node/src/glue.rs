//! Joins crates that must not know each other: the kubelet API asks the node's memory and the API server.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use k8s_openapi::api::core::v1 as corev1;
use kube::Api;
use kube::api::ListParams;
use vk_api::{BoxError, Located, Pods};
use vk_node::engine::ContainerSummary;
use vk_node::kube_call::{ANSWER_TIMEOUT, call_within};
use vk_node::virtual_node::Handle;

/// The pods of one node: where they run from memory, their full text from the API server.
pub(crate) struct NodePods {
    /// Set once the node is put together; until then there are no pods.
    pub(crate) handle: Arc<Mutex<Option<Handle>>>,
    pub(crate) client: kube::Client,
    pub(crate) node_name: String,
}

#[async_trait]
impl Pods for NodePods {
    async fn list(&self) -> Result<Vec<corev1::Pod>, BoxError> {
        let pods: Api<corev1::Pod> = Api::all(self.client.clone());
        let params = ListParams::default().fields(&format!("spec.nodeName={}", self.node_name));
        let list = call_within(ANSWER_TIMEOUT, "list pods of the node", pods.list(&params)).await?;
        Ok(list.items)
    }

    fn locate(&self, namespace: &str, name: &str, container: &str) -> Located {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(summary) = handle.and_then(|handle| handle.summary(namespace, name)) else {
            return Located::NoSuchPod;
        };
        match (summary.containers.get(container), summary.group) {
            (None, _) => Located::NoSuchContainer,
            (Some(ContainerSummary::Ran { running, restart_count }), Some(group)) => {
                Located::At { group, running: *running, restart_count: *restart_count }
            }
            (Some(ContainerSummary::Ran { .. }), None) => {
                Located::NotStarted { reason: "ContainerGroupGone".to_owned() }
            }
            (Some(ContainerSummary::Waiting(reason)), _) => Located::NotStarted { reason: reason.clone() },
        }
    }
}
