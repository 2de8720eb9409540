//! Declares the replies about managed virtual nodes and about tags.

use jiff::Timestamp;

use super::shapes::{Event, Tag};
use crate::model::read::reply;
use crate::model::{ResourceType, VirtualNodeId, VirtualNodeStatus};

reply! {
    /// One page of managed virtual nodes.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeVirtualNodes)
    pub struct DescribeVirtualNodesReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The nodes of this page. Without permission it is empty, which is no error.
        pub virtual_nodes: Vec<VirtualNode> = "VirtualNodes",
        /// The token of the next page; `None` on the last one.
        pub next_token: Option<String> = "NextToken",
        /// A number of results; whether of the page or of all is not documented. Do not rely on it.
        pub total_count: i64 = "TotalCount",
    }

    /// A managed virtual node.
    pub struct VirtualNode {
        /// Its id.
        pub virtual_node_id: VirtualNodeId = required "VirtualNodeId",
        /// Its name.
        pub virtual_node_name: Option<String> = "VirtualNodeName",
        /// Where it stands in its life.
        pub status: VirtualNodeStatus = "Status",
        /// The region it is in.
        pub region_id: Option<String> = "RegionId",
        /// Its VPC.
        pub vpc_id: Option<String> = "VpcId",
        /// Its vSwitch.
        pub virtual_node_v_switch_id: Option<String> = "VirtualNodeVSwitchId",
        /// Its security group.
        pub virtual_node_security_group_id: Option<String> = "VirtualNodeSecurityGroupId",
        /// Its resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Its address in the VPC.
        pub intranet_ip: Option<String> = "IntranetIp",
        /// Its public address; `None` without one.
        pub internet_ip: Option<String> = "InternetIp",
        /// When it was created.
        pub creation_time: Option<Timestamp> = "CreationTime",
        /// Its newest events.
        pub events: Vec<Event> = "Events",
        /// Its tags.
        pub tags: Vec<Tag> = "Tags",
    }

    /// One page of tags of things.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/ListTagResources)
    pub struct ListTagResourcesReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The tags of this page, one item for each thing and tag.
        pub tag_resources: Vec<TagResource> = "TagResources",
        /// The token of the next page; `None` on the last one.
        pub next_token: Option<String> = "NextToken",
    }

    /// A tag of a thing.
    pub struct TagResource {
        /// The kind of thing.
        pub resource_type: ResourceType = "ResourceType",
        /// The thing, by id.
        pub resource_id: String = "ResourceId",
        /// The tag's key.
        pub tag_key: String = "TagKey",
        /// The tag's value; may be empty.
        pub tag_value: String = "TagValue",
    }
}
