//! Declares the short requests: describe, status, delete, log, regions.

use jiff::Timestamp;

use super::create_container_group::Tag;
use crate::model::action::{action, paged};
use crate::model::parameters::request;
use crate::model::{
    ComputeCategory, ContainerGroup, ContainerGroupId, ContainerGroupStatus, DeleteContainerGroupReply,
    DescribeContainerGroupStatusReply, DescribeContainerGroupsReply, DescribeContainerLogReply,
    DescribeRegionsReply, Status,
};

action!(DescribeContainerGroupsRequest: "DescribeContainerGroups", Read -> DescribeContainerGroupsReply);
paged!(DescribeContainerGroupsRequest: container_groups -> ContainerGroup);
action!(DescribeContainerGroupStatusRequest:
    "DescribeContainerGroupStatus", Read -> DescribeContainerGroupStatusReply);
paged!(DescribeContainerGroupStatusRequest: data -> ContainerGroupStatus);
action!(DeleteContainerGroupRequest: "DeleteContainerGroup", Write -> DeleteContainerGroupReply);
action!(DescribeContainerLogRequest: "DescribeContainerLog", Read -> DescribeContainerLogReply);
action!(DescribeRegionsRequest: "DescribeRegions", Read -> DescribeRegionsReply; const REGIONAL: bool = false;);

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

    /// Asks for the regions ECI is offered in.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeRegions)
    pub struct DescribeRegionsRequest {
        /// Only this region; `None` is all. The client sends no region of its own here.
        pub region_id: Option<String> = "RegionId",
    }
}
