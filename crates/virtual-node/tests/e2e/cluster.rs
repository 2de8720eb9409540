//! The control planes that tests run on: one for all that can share, or one of a test's own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, OnceLock};

use kube::config::{KubeConfigOptions, Kubeconfig};
use vk_testkit::control_plane::{ControlPlane, Options};
use vk_testkit::programs::grant_rights;

/// A control plane on which the virtual node's service account exists.
pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    /// The virtual node's own credentials.
    pub(crate) node_kubeconfig: PathBuf,
}

impl Cluster {
    /// The one that tests share. Its supervisor ends with this process.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<Cluster>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Self::own(Options::default())))
    }

    /// A new one.
    pub(crate) fn own(options: Options) -> Arc<Self> {
        let control_plane = ControlPlane::start(options).unwrap();
        let node_kubeconfig = grant_rights(&control_plane).unwrap();
        Arc::new(Cluster { control_plane, node_kubeconfig })
    }

    /// A client with the administrator's rights. Clients belong to the runtime they are made in, so each test has one.
    pub(crate) async fn client(&self) -> kube::Client {
        // The first that builds a TLS configuration decides for the process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        client(self.control_plane.kubeconfig()).await
    }

    /// Runs kubectl to its end, whatever that is.
    pub(crate) fn kubectl(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.control_plane.kubectl(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

pub(crate) async fn client(kubeconfig: &Path) -> kube::Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    kube::Client::try_from(config).unwrap()
}
