//! Container groups: their life, and what runs in them.

use super::methods;
use crate::client::Client;
use crate::error::Error;
// Two types for each action: naming them twice would tell nothing.
use crate::model::*;

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
