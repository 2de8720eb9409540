//! What the node knows and a pod's translation needs: where it runs, whose it is, what the cluster offers it.

/// Facts about the node and the cluster that go into every group. Plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Identity of the cluster: UID of the namespace `kube-system` unless configured.
    pub cluster_id: String,
    /// Name of the node the pod is bound to.
    pub node_name: String,
    /// The node's `InternalIP`, given to a pod as `status.hostIP`.
    pub node_ip: String,
    /// Cloud region, as the cloud spells it.
    pub region_id: String,
    /// vSwitches in order of preference; all of one VPC.
    pub v_switch_ids: Vec<String>,
    /// Security group of the pods.
    pub security_group_id: String,
    /// Resource group; `None` means the account's default.
    pub resource_group_id: Option<String>,
    /// Address of the cluster's DNS service; empty means pods of `ClusterFirst` fall back to `Default`.
    pub cluster_dns: Vec<String>,
    /// Domain of the cluster, usually `cluster.local`.
    pub cluster_domain: String,
    /// `host` or `host:port` by which pods reach the API server; `None` leaves the service's own address.
    pub api_server_endpoint: Option<String>,
}
