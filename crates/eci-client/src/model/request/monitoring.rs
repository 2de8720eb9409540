//! Declares what tells how container groups fare beyond their status: events, metrics, diagnoses.

use jiff::Timestamp;

use super::create_container_group::Tag;
use crate::model::action::{action, paged};
use crate::model::flatten::request;
use crate::model::{
    ContainerGroupEvents, ContainerGroupId, CreateInstanceOpsTaskReply, DescribeContainerGroupEventsReply,
    DescribeContainerGroupMetricReply, DescribeInstanceOpsRecordsReply,
    DescribeMultiContainerGroupMetricReply, EventSource, MetricType, OpsType,
};

action!(DescribeContainerGroupEventsRequest:
    "DescribeContainerGroupEvents", Read -> DescribeContainerGroupEventsReply);
paged!(DescribeContainerGroupEventsRequest: data -> ContainerGroupEvents);
action!(DescribeContainerGroupMetricRequest:
    "DescribeContainerGroupMetric", Read -> DescribeContainerGroupMetricReply);
action!(DescribeMultiContainerGroupMetricRequest:
    "DescribeMultiContainerGroupMetric", Read -> DescribeMultiContainerGroupMetricReply);
action!(CreateInstanceOpsTaskRequest: "CreateInstanceOpsTask", Write -> CreateInstanceOpsTaskReply);
action!(DescribeInstanceOpsRecordsRequest:
    "DescribeInstanceOpsRecords", Read -> DescribeInstanceOpsRecordsReply);

request! {
    /// Asks for the newest events of container groups, 50 of each at most.
    ///
    /// NOTE: the API takes a token for the next page here and declares none in the reply. Whoever needs the events of
    /// all groups asks for them by id, 20 at a time.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroupEvents)
    pub struct DescribeContainerGroupEventsRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Only these, 20 at most. NOTE: an empty list is no filter.
        pub container_group_ids: Vec<ContainerGroupId> = json "ContainerGroupIds",
        /// Only those in this zone.
        pub zone_id: Option<String> = "ZoneId",
        /// Only those in this vSwitch.
        pub v_switch_id: Option<String> = "VSwitchId",
        /// Only those of this resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Only those with all of these tags, 10 at most.
        pub tag: Vec<Tag> = "Tag",
        /// Only events from here; `None` is from everywhere.
        pub event_source: Option<EventSource> = "EventSource",
        /// Only events of the last seconds; for polling, windows should overlap.
        pub since_second: Option<i32> = "SinceSecond",
        /// Groups (not events) a page, 1–200; `None` is 200.
        pub limit: Option<i32> = "Limit",
        /// The page to continue with; `None` is the first.
        pub next_token: Option<String> = "NextToken",
    }

    /// Asks for the metrics of one container group, 50 records at most.
    ///
    /// Without times: those of the last 5 minutes, one every 15 seconds, whatever `period` says.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroupMetric)
    pub struct DescribeContainerGroupMetricRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// From when, within the last 30 days; `None` is 5 minutes before `end_time`.
        pub start_time: Option<Timestamp> = "StartTime",
        /// Until when; `None` is now.
        pub end_time: Option<Timestamp> = "EndTime",
        /// Seconds between records: 15, 30, 60 or 600; `None` is 60.
        pub period: Option<i32> = "Period",
    }

    /// Asks for the metrics of several container groups at once; of which time is not documented.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeMultiContainerGroupMetric)
    pub struct DescribeMultiContainerGroupMetricRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The groups, 20 at most.
        pub container_group_ids: Vec<ContainerGroupId> = json "ContainerGroupIds",
        /// Which metrics; there is one kind, `MetricType::Summary`.
        pub metric_type: Option<MetricType> = "MetricType",
        /// Only those of this resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
    }

    /// Switches a diagnosis of a container group on or off.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateInstanceOpsTask)
    pub struct CreateInstanceOpsTaskRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// Required. The kind of diagnosis.
        pub ops_type: OpsType = "OpsType",
        /// Required. For `OpsType::Coredump` the word `enable` (for one core file, 12 hours at most) or `disable`. For
        /// `OpsType::Tcpdump` the text of a JSON object: `Enable` (required), `Protocol` (`tcp`, `udp`, `icmpv4`),
        /// `SourceIp`, `SourceCidr`, `SourcePort`, `DestIp`, `DestCidr`, `DestPort`, `IfDeviceName` (else `eth0`),
        /// `Snaplen` (bytes a packet, else 65535), `Duration` (seconds), `PacketNum`, `FileSize` (bytes, at most 1 GiB).
        pub ops_value: String = "OpsValue",
    }

    /// Asks for the diagnoses of a container group and their results.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeInstanceOpsRecords)
    pub struct DescribeInstanceOpsRecordsRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// Required. The kind of diagnosis.
        pub ops_type: OpsType = "OpsType",
    }
}
