//! Asks the cluster for what the settings leave open: its identity and its DNS service.

use std::time::Duration;

use k8s_openapi::api::core::v1 as corev1;
use kube::Api;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use vk_node::kube_call::{KubeError, KubeErrorKind, call};

/// Between two tries while the API server does not answer.
const RETRY: Duration = Duration::from_secs(2);

/// UID of the namespace that every cluster has and nobody deletes. `None` when shutdown came first.
pub(crate) async fn identity(client: &kube::Client, shutdown: &CancellationToken) -> Option<String> {
    let namespaces: Api<corev1::Namespace> = Api::all(client.clone());
    let namespace = until_answered(shutdown, || {
        call("get namespace \"kube-system\"", namespaces.get_metadata("kube-system"))
    })
    .await?;
    namespace.metadata.uid
}

/// Cluster address of the service `kube-system/kube-dns`, which every DNS add-on provides under this name.
/// Empty where there is none; `None` when shutdown came first.
pub(crate) async fn dns(client: &kube::Client, shutdown: &CancellationToken) -> Option<Vec<String>> {
    let services: Api<corev1::Service> = Api::namespaced(client.clone(), "kube-system");
    let service = until_answered(shutdown, || async {
        match call("get service \"kube-dns\"", services.get("kube-dns")).await {
            Ok(service) => Ok(Some(service)),
            Err(error) if error.kind == KubeErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    })
    .await?;
    let Some(spec) = service.and_then(|service| service.spec) else {
        warn!(
            "the service kube-system/kube-dns does not exist: pods of dnsPolicy ClusterFirst use the VPC's \
             resolver; set CLUSTER_DNS to change that"
        );
        return Some(vec![]);
    };
    let addresses = spec.cluster_ips.unwrap_or_else(|| spec.cluster_ip.into_iter().collect());
    Some(addresses.into_iter().filter(|ip| !ip.is_empty() && ip != "None").collect())
}

/// What the node calls its kubelet: the release of the API server, which the version-skew checks compare, and ours.
/// `None` when shutdown came first.
pub(crate) async fn kubelet_version(client: &kube::Client, shutdown: &CancellationToken) -> Option<String> {
    let version =
        until_answered(shutdown, || call("get the API server's version", client.apiserver_version())).await?;
    Some(format!("{}-ack-virtual-node-{}", release(&version.git_version), env!("CARGO_PKG_VERSION")))
}

/// `v1.31.1` of `v1.31.1-aliyun.1` and of `v1.31.1+k3s1`.
fn release(git_version: &str) -> &str {
    git_version.split(['-', '+']).next().unwrap_or(git_version)
}

async fn until_answered<T, F>(shutdown: &CancellationToken, mut ask: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Result<T, KubeError>>,
{
    loop {
        let answer = tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            answer = ask() => answer,
        };
        match answer {
            Ok(value) => return Some(value),
            Err(error) => warn!(%error, "the API server did not answer; trying again"),
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_suffix_is_not_part_of_the_release() {
        for text in ["v1.31.1", "v1.31.1-aliyun.1", "v1.31.1+k3s1", "v1.31.1-eks-0a1b2c"] {
            assert_eq!(release(text), "v1.31.1", "{text}");
        }
    }
}
