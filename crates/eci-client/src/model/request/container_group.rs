//! Declares what can be asked of container groups that exist: describe, delete, restart, resize, log, exec, commit.

use jiff::Timestamp;

use super::create_container_group::Tag;
use crate::model::action::{action, paged};
use crate::model::flatten::request;
use crate::model::{
    CommitContainerReply, CommitTask, CommitTaskId, CommitTaskStatus, ComputeCategory, ContainerGroup,
    ContainerGroupId, ContainerGroupStatus, DeleteContainerGroupReply, DescribeCommitContainerTaskReply,
    DescribeContainerGroupStatusReply, DescribeContainerGroupsReply, DescribeContainerLogReply,
    ExecContainerCommandReply, ResizeContainerGroupVolumeReply, RestartContainerGroupReply, Status,
};

action!(DescribeContainerGroupsRequest: "DescribeContainerGroups", Read -> DescribeContainerGroupsReply);
paged!(DescribeContainerGroupsRequest: container_groups -> ContainerGroup);
action!(DescribeContainerGroupStatusRequest:
    "DescribeContainerGroupStatus", Read -> DescribeContainerGroupStatusReply);
paged!(DescribeContainerGroupStatusRequest: data -> ContainerGroupStatus);
action!(DeleteContainerGroupRequest: "DeleteContainerGroup", Write -> DeleteContainerGroupReply);
action!(DescribeContainerLogRequest: "DescribeContainerLog", Read -> DescribeContainerLogReply);
action!(RestartContainerGroupRequest: "RestartContainerGroup", Write -> RestartContainerGroupReply);
action!(ResizeContainerGroupVolumeRequest:
    "ResizeContainerGroupVolume", Write -> ResizeContainerGroupVolumeReply);
// The command starts when the web socket connects, or, with `sync`, at once: either way something happens.
action!(ExecContainerCommandRequest: "ExecContainerCommand", Write -> ExecContainerCommandReply);
action!(CommitContainerRequest: "CommitContainer", Write -> CommitContainerReply);
action!(DescribeCommitContainerTaskRequest:
    "DescribeCommitContainerTask", Read -> DescribeCommitContainerTaskReply);
paged!(DescribeCommitContainerTaskRequest: commit_tasks -> CommitTask);

request! {
    /// Asks for container groups in full. All filters have to hold; none means every group of the region.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroups)
    pub struct DescribeContainerGroupsRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Only these, 20 at most. NOTE: an empty list is no filter.
        pub container_group_ids: Vec<ContainerGroupId> = json "ContainerGroupIds",
        /// Only those of this name.
        pub container_group_name: Option<String> = "ContainerGroupName",
        /// Only those in this status.
        pub status: Option<Status> = "Status",
        /// Only those in this zone.
        pub zone_id: Option<String> = "ZoneId",
        /// Only those in this vSwitch.
        pub v_switch_id: Option<String> = "VSwitchId",
        /// Only those of this security group.
        pub security_group_id: Option<String> = "SecurityGroupId",
        /// Only those of this resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Only those of this category.
        pub compute_category: Option<ComputeCategory> = "ComputeCategory",
        /// Only those with all of these tags, 10 at most.
        pub tag: Vec<Tag> = "Tag",
        /// With the newest events of each; `None` is without.
        pub with_event: Option<bool> = "WithEvent",
        /// Groups a page, 1–20; `None` is 20.
        pub limit: Option<i32> = "Limit",
        /// The page to continue with; `None` is the first.
        pub next_token: Option<String> = "NextToken",
    }

    /// Asks for light statuses.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroupStatus)
    pub struct DescribeContainerGroupStatusRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Only these. NOTE: an empty list is no filter.
        pub container_group_ids: Vec<ContainerGroupId> = json "ContainerGroupIds",
        /// Only those in this zone.
        pub zone_id: Option<String> = "ZoneId",
        /// Only those in this vSwitch.
        pub v_switch_id: Option<String> = "VSwitchId",
        /// Only those of this resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Only those with all of these tags, 10 at most.
        pub tag: Vec<Tag> = "Tag",
        /// Only those whose status changed in the last seconds, 60–3600. Deleted groups are not reported.
        pub since_second: Option<i32> = "SinceSecond",
        /// Groups a page, 1–200; `None` is 200 by the API's text, 50 by its description.
        pub limit: Option<i32> = "Limit",
        /// The page to continue with; `None` is the first.
        pub next_token: Option<String> = "NextToken",
    }

    /// Deletes a container group.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DeleteContainerGroup)
    pub struct DeleteContainerGroupRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// Makes repeating harmless; deleting is so by itself.
        pub client_token: Option<String> = "ClientToken",
        /// Skip the graceful end of the containers; `None` is no.
        pub force: Option<bool> = "Force",
    }

    /// Asks for the log of a container.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerLog)
    pub struct DescribeContainerLogRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// Required. The container, an init container too.
        pub container_name: String = "ContainerName",
        /// The last lines, at most 2000; `None` is 500.
        pub tail: Option<i32> = "Tail",
        /// Only lines of the last seconds.
        pub since_seconds: Option<i32> = "SinceSeconds",
        /// Only lines since then.
        pub start_time: Option<Timestamp> = "StartTime",
        /// At most so many bytes, 1–1048576.
        pub limit_bytes: Option<i64> = "LimitBytes",
        /// Begin each line with its time (RFC 3339, nanoseconds); `None` is no.
        pub timestamps: Option<bool> = "Timestamps",
        /// The run before the last restart; `None` is the current one.
        pub last_time: Option<bool> = "LastTime",
    }

    /// Restarts every container of a group; only in `Pending` or `Running`. Empty directories lose what is in them.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/RestartContainerGroup)
    pub struct RestartContainerGroupRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// Makes repeating harmless: at most 64 ASCII characters.
        pub client_token: Option<String> = "ClientToken",
    }

    /// Makes a volume larger. Cloud disks only; with its present size only the file system grows.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/ResizeContainerGroupVolume)
    pub struct ResizeContainerGroupVolumeRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// Required. The volume, by its name in the group.
        pub volume_name: String = "VolumeName",
        /// Required. Its new size, GiB: 20–32768, or 5–2000 for basic disks; never less than it is.
        pub new_size: i64 = "NewSize",
        /// Makes repeating harmless; growing to one size is so by itself.
        pub client_token: Option<String> = "ClientToken",
    }

    /// Opens a command in a running container.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/ExecContainerCommand)
    pub struct ExecContainerCommandRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// Required. The container.
        pub container_name: String = "ContainerName",
        /// Required. Program and arguments, 20 of 256 characters at most; no shell. Users met a limit of 2048 characters
        /// for all together: longer scripts go in by stdin. Travels as the text of a JSON array.
        pub command: Vec<String> = json "Command",
        /// Give it a terminal, as shells need; `None` is no.
        pub tty: Option<bool> = "TTY",
        /// Keep stdin open; `None` is **yes**.
        pub stdin: Option<bool> = "Stdin",
        /// Run it to its end and answer with its output; `None` is no. Only for short commands, and without `tty`.
        pub sync: Option<bool> = "Sync",
    }

    /// Saves a container as an image and pushes it to Container Registry. Asynchronous: the reply names a task.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CommitContainer)
    pub struct CommitContainerRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// Required. The container.
        pub container_name: String = "ContainerName",
        /// Required. The image to make.
        pub image: CommitContainerImage = "Image",
        /// The enterprise registry it goes to; `None` is the personal edition.
        pub acr_registry_info: Option<CommitContainerAcrRegistryInfo> = "AcrRegistryInfo",
        /// The role to push with; `None` is none.
        pub arn: Option<CommitContainerArn> = "Arn",
    }

    /// The image to save a container as.
    pub struct CommitContainerImage {
        /// Required. The repository.
        pub repository: String = "Repository",
        /// Required. The tag.
        pub tag: String = "Tag",
        /// A message kept with the image.
        pub message: Option<String> = "Message",
        /// The author kept with the image.
        pub author: Option<String> = "Author",
    }

    /// The enterprise registry an image goes to; one here, where pulling takes a list.
    pub struct CommitContainerAcrRegistryInfo {
        /// Its id.
        pub instance_id: Option<String> = "InstanceId",
        /// Its region.
        pub region_id: Option<String> = "RegionId",
        /// The role of the service, for a registry of another account.
        pub arn_service: Option<String> = "ArnService",
        /// The role of the other account.
        pub arn_user: Option<String> = "ArnUser",
    }

    /// The role to push an image with.
    pub struct CommitContainerArn {
        /// Its ARN.
        pub role_arn: Option<String> = "RoleArn",
        /// Its kind; `service` is a RAM role the service assumes.
        pub role_type: Option<String> = "RoleType",
    }

    /// Asks how the saving of containers stands: by group, by task, or by both, one of them is required.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeCommitContainerTask)
    pub struct DescribeCommitContainerTaskRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Only tasks of this group.
        pub container_group_id: Option<ContainerGroupId> = "ContainerGroupId",
        /// Only these tasks.
        pub task_id: Vec<CommitTaskId> = "TaskId",
        /// Only those in this status.
        pub task_status: Option<CommitTaskStatus> = "TaskStatus",
        /// Tasks a page, 50 at most; `None` is 10. Other actions call it `limit`.
        pub max_results: Option<i32> = "MaxResults",
        /// The page to continue with; `None` is the first.
        pub next_token: Option<String> = "NextToken",
    }
}
