//! Managed virtual nodes, tags, and what the cloud offers.

use super::methods;
use crate::client::Client;
use crate::error::Error;
// Two types for each action: naming them twice would tell nothing.
use crate::model::*;

/// Managed virtual nodes and tags.
impl Client {
    methods! {
        /// Makes a managed virtual node that joins a Kubernetes cluster.
        ///
        /// # Guarantees
        ///
        /// With a client token the call may be repeated.
        ///
        /// # Errors
        ///
        /// A cluster that cannot be reached shows in the node's status and events, not here.
        create_virtual_node: CreateVirtualNodeRequest => CreateVirtualNodeReply;

        /// Changes a managed virtual node.
        ///
        /// # Guarantees
        ///
        /// Repeating asks for the same once more. Whether the cloud heeds the client token here is not documented.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none.
        update_virtual_node: UpdateVirtualNodeRequest => UpdateVirtualNodeReply;

        /// Deletes a managed virtual node.
        ///
        /// # Guarantees
        ///
        /// May be repeated.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none: callers who want it gone count that as success.
        delete_virtual_node: DeleteVirtualNodeRequest => DeleteVirtualNodeReply;

        /// One page of managed virtual nodes. [`Client::list_virtual_nodes`] is all of them.
        ///
        /// # Errors
        ///
        /// As for [`Client::describe_container_groups`].
        describe_virtual_nodes: DescribeVirtualNodesRequest => DescribeVirtualNodesReply;

        /// All managed virtual nodes that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_virtual_nodes: DescribeVirtualNodesRequest => VirtualNode;

        /// Puts tags on things, in place of earlier values of the same keys.
        ///
        /// # Guarantees
        ///
        /// May be repeated.
        ///
        /// # Errors
        ///
        /// `NotFound` where one of the things does not exist.
        tag_resources: TagResourcesRequest => TagResourcesReply;

        /// Takes tags off things.
        ///
        /// # Guarantees
        ///
        /// May be repeated.
        ///
        /// # Errors
        ///
        /// `NotFound` where one of the things does not exist.
        untag_resources: UntagResourcesRequest => UntagResourcesReply;

        /// One page of tags of things. [`Client::list_all_tag_resources`] is all of them; the name is the API's.
        ///
        /// # Errors
        ///
        /// As for [`Client::describe_container_groups`].
        list_tag_resources: ListTagResourcesRequest => ListTagResourcesReply;

        /// All tags that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_all_tag_resources: ListTagResourcesRequest => TagResource;
    }
}

/// What the cloud offers.
impl Client {
    methods! {
        /// The regions ECI is offered in.
        ///
        /// # Errors
        ///
        /// None of its own.
        describe_regions: DescribeRegionsRequest => DescribeRegionsReply;

        /// The instance types a region has in stock.
        ///
        /// # Errors
        ///
        /// `InvalidRequest` for a combination of filters that is not looked for.
        describe_available_resource: DescribeAvailableResourceRequest => DescribeAvailableResourceReply;

        /// What a container group costs.
        ///
        /// # Errors
        ///
        /// `InvalidRequest` for a size that is not sold.
        describe_container_group_price: DescribeContainerGroupPriceRequest => DescribeContainerGroupPriceReply;

        /// The account's quotas in a region and how much of them is used.
        ///
        /// # Errors
        ///
        /// None of its own.
        list_usage: ListUsageRequest => ListUsageReply;
    }
}
