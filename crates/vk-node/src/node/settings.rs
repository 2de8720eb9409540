//! What the Node says of itself: name, address, labels, taint, capacity. Plain data with defaults.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The version the Node reports. kubectl and the version-skew checks parse it as a semantic version; what follows
/// the hyphen tells people what this kubelet is.
const KUBELET_VERSION: &str = concat!("v1.37.0-ack-virtual-node-", env!("CARGO_PKG_VERSION"));

/// `containerRuntimeVersion`, in the `name://version` form that the API prescribes.
const RUNTIME_VERSION: &str = concat!("virtual-node://", env!("CARGO_PKG_VERSION"));

/// What one Node is and offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// `metadata.name`.
    pub name: String,
    /// The address at which the API server reaches the kubelet port.
    pub internal_ip: IpAddr,
    /// The kubelet port.
    pub kubelet_port: u16,
    /// What the node offers; capacity and allocatable are the same.
    pub capacity: Capacity,
    /// Labels beside those that every virtual node carries. On equal keys these win.
    pub labels: BTreeMap<String, String>,
    /// The taint that keeps ordinary pods away; `None` for none. Only set at creation, as every kubelet does:
    /// afterwards an administrator decides.
    pub taint: Option<NodeTaint>,
    /// `topology.kubernetes.io/region`.
    pub region: Option<String>,
    /// `topology.kubernetes.io/zone`.
    pub zone: Option<String>,
    /// `kubernetes.io/arch`.
    pub architecture: String,
    /// `nodeInfo.kubeletVersion`.
    pub kubelet_version: String,
    /// `nodeInfo.containerRuntimeVersion`.
    pub runtime_version: String,
    /// `nodeInfo.osImage`.
    pub os_image: String,
    /// `spec.providerID`. Only set at creation; the API server lets nobody change it later.
    pub provider_id: Option<String>,
}

impl NodeSettings {
    /// A node of this name and address, everything else by default.
    pub fn new(name: impl Into<String>, internal_ip: IpAddr, kubelet_port: u16) -> Self {
        Self {
            name: name.into(),
            internal_ip,
            kubelet_port,
            capacity: Capacity::default(),
            labels: BTreeMap::new(),
            taint: Some(NodeTaint::default()),
            region: None,
            zone: None,
            architecture: "amd64".to_owned(),
            kubelet_version: KUBELET_VERSION.to_owned(),
            runtime_version: RUNTIME_VERSION.to_owned(),
            os_image: "virtual node".to_owned(),
            provider_id: None,
        }
    }

    /// All labels that the node keeps set.
    pub(crate) fn all_labels(&self) -> BTreeMap<String, String> {
        let mut labels: BTreeMap<_, _> = [
            ("type", "virtual-kubelet"),
            ("kubernetes.io/role", "agent"),
            ("kubernetes.io/os", "linux"),
            ("beta.kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", &self.architecture),
            ("beta.kubernetes.io/arch", &self.architecture),
            // A load balancer that sends to this node would reach no pod: there is no kube-proxy here.
            ("node.kubernetes.io/exclude-from-external-load-balancers", "true"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let facts = [
            // A label value holds 63 characters, a node name 253.
            ("kubernetes.io/hostname", Some(&self.name).filter(|name| name.len() <= 63)),
            ("topology.kubernetes.io/region", self.region.as_ref()),
            ("topology.kubernetes.io/zone", self.zone.as_ref()),
        ];
        for (key, value) in facts {
            labels.extend(value.map(|value| (key.to_owned(), value.clone())));
        }
        labels.extend(self.labels.clone());
        labels
    }
}

/// The taint that keeps pods away which do not ask for a virtual node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTaint {
    /// Key of the taint.
    pub key: String,
    /// Value of the taint.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

impl Default for NodeTaint {
    /// What the manifests written for this vendor's virtual nodes tolerate.
    fn default() -> Self {
        Self {
            key: "virtual-kubelet.io/provider".to_owned(),
            value: "alibabacloud".to_owned(),
            effect: "NoSchedule".to_owned(),
        }
    }
}

/// What a node offers, as Kubernetes quantities.
///
/// Scheduling must never stop at these numbers before the account's quota does, so the defaults are those of 3000 pods
/// (the most the vendor advises for one virtual node) of the largest kind each: 64 vCPU, 512 GiB, 8 GPUs and the
/// 20 GiB of disk that come with a pod (60000Gi, which the vendor's own node reports). The vCPUs stay below the 320,000
/// cores up to which cluster-autoscaler accepts a cluster by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// `cpu`.
    pub cpu: String,
    /// `memory`.
    pub memory: String,
    /// `pods`.
    pub pods: String,
    /// `ephemeral-storage`.
    pub ephemeral_storage: String,
    /// `nvidia.com/gpu`; `None` offers none, and takes back what an earlier run offered.
    pub gpu: Option<String>,
    /// Further resources by name.
    pub extended: BTreeMap<String, String>,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            cpu: "192000".to_owned(),
            memory: "1500Ti".to_owned(),
            pods: "3000".to_owned(),
            ephemeral_storage: "60000Gi".to_owned(),
            gpu: Some("24000".to_owned()),
            extended: BTreeMap::new(),
        }
    }
}

impl Capacity {
    /// Every resource this node decides about; `None` where it offers none.
    pub(crate) fn resources(&self) -> BTreeMap<String, Option<String>> {
        let mut all: BTreeMap<_, _> = [
            ("cpu", Some(&self.cpu)),
            ("memory", Some(&self.memory)),
            ("pods", Some(&self.pods)),
            ("ephemeral-storage", Some(&self.ephemeral_storage)),
            ("nvidia.com/gpu", self.gpu.as_ref()),
        ]
        .map(|(name, amount)| (name.to_owned(), amount.cloned()))
        .into();
        all.extend(self.extended.iter().map(|(name, amount)| (name.clone(), Some(amount.clone()))));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> NodeSettings {
        NodeSettings::new("virtual-kubelet", "10.0.0.7".parse().unwrap(), 10250)
    }

    #[test]
    fn the_labels_of_the_install_guide_are_there() {
        let labels = settings().all_labels();
        assert_eq!(labels["type"], "virtual-kubelet");
        assert_eq!(labels["kubernetes.io/role"], "agent");
        assert_eq!(labels["kubernetes.io/hostname"], "virtual-kubelet");
        assert!(!labels.contains_key("topology.kubernetes.io/zone"));
    }

    #[test]
    fn configured_labels_win() {
        let mut settings = settings();
        settings.zone = Some("cn-hangzhou-j".to_owned());
        settings.labels = [("kubernetes.io/role".to_owned(), "eci".to_owned())].into();
        let labels = settings.all_labels();
        assert_eq!(labels["kubernetes.io/role"], "eci");
        assert_eq!(labels["topology.kubernetes.io/zone"], "cn-hangzhou-j");
    }

    #[test]
    fn a_name_too_long_for_a_label_makes_no_hostname_label() {
        let mut settings = settings();
        settings.name = "n".repeat(64);
        assert!(!settings.all_labels().contains_key("kubernetes.io/hostname"));
    }

    #[test]
    fn the_version_is_semantic() {
        let version = settings().kubelet_version;
        let (core, rest) = version.strip_prefix('v').unwrap().split_once('-').unwrap();
        assert_eq!(core.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3);
        assert!(rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.'));
    }
}
