//! Declares what is asked of managed virtual nodes: nodes of a Kubernetes cluster that the cloud itself runs.

use super::create_container_group::Tag;
use crate::model::action::{action, paged};
use crate::model::flatten::request;
use crate::model::{
    CreateVirtualNodeReply, DeleteVirtualNodeReply, DescribeVirtualNodesReply, Secret, TaintEffect,
    UpdateVirtualNodeReply, VirtualNode, VirtualNodeId, VirtualNodeStatus,
};

action!(CreateVirtualNodeRequest: "CreateVirtualNode", Write -> CreateVirtualNodeReply);
action!(UpdateVirtualNodeRequest: "UpdateVirtualNode", Write -> UpdateVirtualNodeReply);
action!(DeleteVirtualNodeRequest: "DeleteVirtualNode", Write -> DeleteVirtualNodeReply);
action!(DescribeVirtualNodesRequest: "DescribeVirtualNodes", Read -> DescribeVirtualNodesReply);
paged!(DescribeVirtualNodesRequest: virtual_nodes -> VirtualNode);

request! {
    /// Makes a managed virtual node that joins a Kubernetes cluster.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateVirtualNode)
    pub struct CreateVirtualNodeRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// The zone; `None` lets the vSwitch decide.
        pub zone_id: Option<String> = "ZoneId",
        /// Required. vSwitches of one VPC, 1–10.
        pub v_switch_id: Vec<String> = comma "VSwitchId",
        /// Required. The security group of the node and its container groups.
        pub security_group_id: String = "SecurityGroupId",
        /// Resource group for billing and permissions; `None` is the default one.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one.
        pub client_token: Option<String> = "ClientToken",
        /// 2–128 characters `[a-z0-9.-]`; `None` is the cloud's choice.
        pub virtual_node_name: Option<String> = "VirtualNodeName",
        /// The kubeconfig it joins the cluster with, base64; never shown by `Debug`.
        pub kube_config: Option<Secret> = "KubeConfig",
        /// Use the kubeconfig's certificate for TLS bootstrapping only; `None` is no.
        pub tls_bootstrap_enabled: Option<bool> = "TlsBootstrapEnabled",
        /// Addresses of the cluster's resolvers, for pods with `ClusterFirst`.
        pub cluster_dns: Vec<String> = comma "ClusterDNS",
        /// The cluster's domain, searched by all containers besides the host's.
        pub cluster_domain: Option<String> = "ClusterDomain",
        /// Resources the node offers besides, each `name=number`.
        pub custom_resources: Vec<String> = comma "CustomResources",
        /// Taints, 20 at most.
        pub taint: Vec<Taint> = "Taint",
        /// An elastic IP address that exists already.
        pub eip_instance_id: Option<String> = "EipInstanceId",
        /// Give it a public address; `None` is no.
        pub enable_public_network: Option<bool> = "EnablePublicNetwork",
        /// Tags, 20 at most. Key at most 64 characters, not beginning `aliyun` or `acs:`; value at most 128.
        pub tag: Vec<Tag> = "Tag",
    }

    /// A taint: keeps pods away that do not tolerate it.
    pub struct Taint {
        /// Its key.
        pub key: String = "Key",
        /// Its value; `None` for taints without one.
        pub value: Option<String> = "Value",
        /// What it does.
        pub effect: Option<TaintEffect> = "Effect",
    }

    /// Changes a managed virtual node. That what is `None` or empty stays as it is, is likely and not documented.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateVirtualNode)
    pub struct UpdateVirtualNodeRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The node.
        pub virtual_node_id: VirtualNodeId = "VirtualNodeId",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one.
        pub client_token: Option<String> = "ClientToken",
        /// 2–128 characters `[a-z0-9.-]`.
        pub virtual_node_name: Option<String> = "VirtualNodeName",
        /// Addresses of the cluster's resolvers, for pods with `ClusterFirst`.
        pub cluster_dns: Vec<String> = comma "ClusterDNS",
        /// The cluster's domain, searched by all containers besides the host's.
        pub cluster_domain: Option<String> = "ClusterDomain",
        /// Resources the node offers besides, each `name=number`.
        pub custom_resources: Vec<String> = comma "CustomResources",
        /// Tags, 20 at most. Key at most 64 characters, not beginning `aliyun` or `acs:`; value at most 128.
        pub tag: Vec<Tag> = "Tag",
    }

    /// Deletes a managed virtual node.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DeleteVirtualNode)
    pub struct DeleteVirtualNodeRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The node.
        pub virtual_node_id: VirtualNodeId = "VirtualNodeId",
        /// Makes repeating harmless; deleting is so by itself.
        pub client_token: Option<String> = "ClientToken",
    }

    /// Asks for managed virtual nodes. All filters have to hold; none means every node of the region.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeVirtualNodes)
    pub struct DescribeVirtualNodesRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Only these, 20 at most. NOTE: an empty list is no filter.
        pub virtual_node_ids: Vec<VirtualNodeId> = json "VirtualNodeIds",
        /// Only those of this name.
        pub virtual_node_name: Option<String> = "VirtualNodeName",
        /// Only those in this status.
        pub status: Option<VirtualNodeStatus> = "Status",
        /// Only those of this resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Only those with all of these tags.
        pub tag: Vec<Tag> = "Tag",
        /// Nodes a page, 20 at most; `None` is 20.
        pub limit: Option<i64> = "Limit",
        /// The page to continue with; `None` is the first.
        pub next_token: Option<String> = "NextToken",
        /// Declared by the API, of no use for what only reads.
        pub client_token: Option<String> = "ClientToken",
    }
}
