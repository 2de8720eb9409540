//! What the server asks of the node's memory: which pods there are, and where a container runs.

use async_trait::async_trait;
use k8s_openapi::api::core::v1 as corev1;
use vk_core::GroupId;

use crate::BoxError;

/// The pods of one node. Implemented by whoever keeps them.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait Pods: Send + Sync + 'static {
    /// The node's pods as the API server stores them.
    ///
    /// # Errors
    /// When they are not known now; the request is answered 503 with the error's text, which must hold no secret.
    async fn list(&self) -> Result<Vec<corev1::Pod>, BoxError>;

    /// Where a container is. Reads memory only: it is asked before each read of a log that is followed.
    ///
    /// Of two pods of one name (one being deleted, its successor already bound) it means the one that the API server
    /// shows.
    fn locate(&self, namespace: &str, name: &str, container: &str) -> Located;
}

/// An answer of [`Pods::locate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// No such pod on this node.
    NoSuchPod,
    /// The pod has no container of this name, init and ephemeral ones included.
    NoSuchContainer,
    /// The container has not run yet.
    NotStarted {
        /// The waiting reason as the pod's status shows it: `ContainerCreating`, `ImagePullBackOff`, ...
        reason: String,
    },
    /// The container runs, or has run; between two runs it counts as ended.
    At {
        /// What runs the pod.
        group: GroupId,
        /// Whether it runs now, so that its log may still grow.
        running: bool,
        /// How often it was started again. A log that is followed ends where this number grows.
        restart_count: i32,
    },
}
