//! Gives a virtual node the identity and the rights that the published manifest gives it, and no others.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
use crate::control_plane::ControlPlane;
use crate::wait::wait_until_seen;

const MANIFEST: &str = include_str!("../../../../examples/rbac.yaml");
const NAMESPACE: &str = "kube-system";
const ACCOUNT: &str = "virtual-node";
/// The API server learns of bindings through watches of its own.
const EFFECT: Duration = Duration::from_secs(30);

/// Applies `examples/rbac.yaml` and returns the kubeconfig of the account in it, once its rights are in effect.
///
/// # Errors
///
/// As [`ControlPlane::kubectl_ok`]; [`Error::TimedOut`] when a right does not take effect.
pub fn grant_rights(cluster: &ControlPlane) -> Result<PathBuf, Error> {
    cluster.kubectl_apply(MANIFEST)?;
    let kubeconfig = cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)?;
    for right in [
        ["create", "nodes", "default"],
        ["update", "leases.coordination.k8s.io", "kube-node-lease"],
        ["get", "namespaces/kube-system", "kube-system"],
    ] {
        wait_for_right(cluster, &kubeconfig, right)?;
    }
    Ok(kubeconfig)
}

fn wait_for_right(
    cluster: &ControlPlane,
    kubeconfig: &Path,
    [verb, what, namespace]: [&str; 3],
) -> Result<(), Error> {
    let path = kubeconfig.to_string_lossy();
    let arguments = ["--kubeconfig", &path, "--namespace", namespace, "auth", "can-i", verb, what];
    wait_until_seen(&format!("the virtual node may {verb} {what}"), EFFECT, || {
        cluster.kubectl_ok(&arguments).map(drop)
    })
}
