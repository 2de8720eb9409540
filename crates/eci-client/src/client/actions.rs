//! The actions, one method each, named as the API names them.
//!
//! Every method is [`Client::call`] with the types filled in. Those named `list_…` follow the pages of the action above
//! them to the end.

use super::Client;
use crate::error::Error;
// Two types for each of 36 actions: naming them twice would tell nothing.
use crate::model::*;

/// Declares methods: `action: Request => Reply;` for one call, `list method: Request => Item;` for every page.
macro_rules! methods {
    () => {};
    (
        $(#[$meta:meta])*
        list $method:ident: $request:ty => $item:ty;
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        pub async fn $method(&self, filter: &$request) -> Result<Vec<$item>, Error> {
            self.list(filter).await
        }

        methods! { $($rest)* }
    };
    (
        $(#[$meta:meta])*
        $method:ident: $request:ty => $reply:ty;
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        pub async fn $method(&self, request: &$request) -> Result<$reply, Error> {
            self.call(request).await
        }

        methods! { $($rest)* }
    };
}

/// Container groups.
impl Client {
    methods! {
        /// Creates a container group.
        ///
        /// # Guarantees
        ///
        /// With a client token the call may be repeated, also after a crash: while the cloud remembers the token, it
        /// yields the same group. Success means accepted; whether there is capacity shows in the group's status.
        ///
        /// # Errors
        ///
        /// `Indeterminate` and `IdempotentParameterMismatch` mean that there may be, or is, a group; `OutOfStock`,
        /// `QuotaExceeded`, `InvalidRequest`, `Denied` and `Throttled` that there is none.
        create_container_group: CreateContainerGroupRequest => CreateContainerGroupReply;

        /// Changes a container group, which turns to `Updating`. The request is the whole desired state unless it says
        /// otherwise; see [`UpdateContainerGroupRequest`].
        ///
        /// # Errors
        ///
        /// `IncorrectStatus` unless the group is `Pending` or `Running`; `NotFound` where there is none; a request that
        /// changes nothing is refused with the code `NoNeedUpdate`.
        update_container_group: UpdateContainerGroupRequest => UpdateContainerGroupReply;

        /// Restarts every container of a group. Empty directories lose what is in them.
        ///
        /// # Errors
        ///
        /// `IncorrectStatus` unless the group is `Pending` or `Running`.
        restart_container_group: RestartContainerGroupRequest => RestartContainerGroupReply;

        /// Deletes a container group. It vanishes from lists within seconds, or after its preStop hooks.
        ///
        /// # Guarantees
        ///
        /// May be repeated.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is no such group: callers who want it gone count that as success.
        delete_container_group: DeleteContainerGroupRequest => DeleteContainerGroupReply;

        /// Makes a cloud disk of a container group larger.
        ///
        /// # Guarantees
        ///
        /// May be repeated: growing to the size it has only grows the file system.
        ///
        /// # Errors
        ///
        /// `InvalidRequest` for a size below the present one.
        resize_container_group_volume: ResizeContainerGroupVolumeRequest => ResizeContainerGroupVolumeReply;

        /// One page of container groups in full. [`Client::list_container_groups`] is all of them.
        ///
        /// # Errors
        ///
        /// NOTE: without permission the cloud answers with an empty list, not with an error.
        describe_container_groups: DescribeContainerGroupsRequest => DescribeContainerGroupsReply;

        /// All container groups that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_container_groups: DescribeContainerGroupsRequest => ContainerGroup;

        /// One page of light statuses. [`Client::list_container_group_statuses`] is all of them.
        ///
        /// # Errors
        ///
        /// As for [`Client::describe_container_groups`].
        describe_container_group_status: DescribeContainerGroupStatusRequest => DescribeContainerGroupStatusReply;

        /// All light statuses that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_container_group_statuses: DescribeContainerGroupStatusRequest => ContainerGroupStatus;
    }
}

/// What runs in a container group, and how it fares.
impl Client {
    methods! {
        /// The log of a container: the last lines, 2000 or 1 MB at most.
        ///
        /// # Errors
        ///
        /// What the cloud says of a container that has not started is not documented: an error, or an empty log.
        describe_container_log: DescribeContainerLogRequest => DescribeContainerLogReply;

        /// Opens a command in a running container: the reply names the web socket it runs on, or, with `sync`, holds its
        /// output.
        ///
        /// # Guarantees
        ///
        /// None for repeating: each web socket, and each call with `sync`, runs the command anew.
        ///
        /// # Errors
        ///
        /// `IncorrectStatus` unless the container runs; `InvalidRequest` for a command that is too long.
        exec_container_command: ExecContainerCommandRequest => ExecContainerCommandReply;

        /// Begins to save a container as an image. [`Client::describe_commit_container_task`] tells how it goes on.
        ///
        /// # Guarantees
        ///
        /// None for repeating: each call is a task of its own.
        ///
        /// # Errors
        ///
        /// Those of the registry show in the task, not here.
        commit_container: CommitContainerRequest => CommitContainerReply;

        /// One page of tasks that save containers. [`Client::list_commit_container_tasks`] is all of them.
        ///
        /// # Errors
        ///
        /// `InvalidRequest` where neither a group nor a task is named.
        describe_commit_container_task: DescribeCommitContainerTaskRequest => DescribeCommitContainerTaskReply;

        /// All tasks that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_commit_container_tasks: DescribeCommitContainerTaskRequest => CommitTask;

        /// The newest events of container groups, 50 of each at most.
        ///
        /// There is no `list_…` beside it: the API declares no token that leads to a next page, so completeness cannot be
        /// promised. [`Client::pages`] follows a token if the cloud sends one after all.
        ///
        /// # Errors
        ///
        /// As for [`Client::describe_container_groups`].
        describe_container_group_events: DescribeContainerGroupEventsRequest => DescribeContainerGroupEventsReply;

        /// The metrics of one container group, 50 records at most.
        ///
        /// # Errors
        ///
        /// `InvalidRequest` for times further back than 30 days.
        describe_container_group_metric: DescribeContainerGroupMetricRequest => DescribeContainerGroupMetricReply;

        /// The metrics of several container groups, 20 at most.
        ///
        /// # Errors
        ///
        /// `InvalidRequest` for more groups than that.
        describe_multi_container_group_metric: DescribeMultiContainerGroupMetricRequest => DescribeMultiContainerGroupMetricReply;

        /// Switches a diagnosis (core file, packet capture) of a container group on or off.
        ///
        /// # Guarantees
        ///
        /// May be repeated: switching on what is on changes nothing.
        ///
        /// # Errors
        ///
        /// `InvalidRequest` for a value its kind does not know.
        create_instance_ops_task: CreateInstanceOpsTaskRequest => CreateInstanceOpsTaskReply;

        /// The diagnoses of a container group and where their results are.
        ///
        /// # Errors
        ///
        /// None of its own.
        describe_instance_ops_records: DescribeInstanceOpsRecordsRequest => DescribeInstanceOpsRecordsReply;
    }
}

/// Image caches and data caches.
impl Client {
    methods! {
        /// Begins to make an image cache; its status tells how it goes on.
        ///
        /// # Guarantees
        ///
        /// With a client token the call may be repeated.
        ///
        /// # Errors
        ///
        /// `QuotaExceeded` when there are as many as the account may have. Images that cannot be pulled show in the
        /// cache's events, not here.
        create_image_cache: CreateImageCacheRequest => CreateImageCacheReply;

        /// Changes an image cache.
        ///
        /// # Guarantees
        ///
        /// Repeating asks for the same once more. Whether the cloud heeds the client token here is not documented.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none.
        update_image_cache: UpdateImageCacheRequest => UpdateImageCacheReply;

        /// Deletes an image cache.
        ///
        /// # Guarantees
        ///
        /// May be repeated.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none: callers who want it gone count that as success.
        delete_image_cache: DeleteImageCacheRequest => DeleteImageCacheReply;

        /// One page of image caches. [`Client::list_image_caches`] is all of them.
        ///
        /// # Errors
        ///
        /// As for [`Client::describe_container_groups`].
        describe_image_caches: DescribeImageCachesRequest => DescribeImageCachesReply;

        /// All image caches that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_image_caches: DescribeImageCachesRequest => ImageCache;

        /// Begins to make a data cache; its status tells how it goes on.
        ///
        /// # Guarantees
        ///
        /// With a client token the call may be repeated.
        ///
        /// # Errors
        ///
        /// Data that cannot be fetched shows in the cache's events, not here.
        create_data_cache: CreateDataCacheRequest => CreateDataCacheReply;

        /// Changes a data cache.
        ///
        /// # Guarantees
        ///
        /// Repeating asks for the same once more. Whether the cloud heeds the client token here is not documented.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none.
        update_data_cache: UpdateDataCacheRequest => UpdateDataCacheReply;

        /// Begins to copy a data cache into another region.
        ///
        /// # Guarantees
        ///
        /// None: whether the cloud heeds the client token here is not documented, and without it each call is a copy.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none.
        copy_data_cache: CopyDataCacheRequest => CopyDataCacheReply;

        /// Deletes a data cache, by id or by bucket and path.
        ///
        /// # Guarantees
        ///
        /// May be repeated.
        ///
        /// # Errors
        ///
        /// `NotFound` where there is none: callers who want it gone count that as success.
        delete_data_cache: DeleteDataCacheRequest => DeleteDataCacheReply;

        /// One page of data caches. [`Client::list_data_caches`] is all of them.
        ///
        /// # Errors
        ///
        /// As for [`Client::describe_container_groups`].
        describe_data_caches: DescribeDataCachesRequest => DescribeDataCachesReply;

        /// All data caches that a filter lets through, from every page; complete, or an error.
        ///
        /// # Errors
        ///
        /// Those of any page.
        list list_data_caches: DescribeDataCachesRequest => DataCache;
    }
}

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
