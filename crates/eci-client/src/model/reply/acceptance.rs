//! Declares the short replies: create, delete, log, regions.

use crate::model::ContainerGroupId;
use crate::model::read::reply;

reply! {
    /// CreateContainerGroup was accepted. Want of stock shows later, as the status `ScheduleFailed`.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateContainerGroup)
    pub struct CreateContainerGroupReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The new group, or the one an earlier call with the same client token made.
        pub container_group_id: ContainerGroupId = required "ContainerGroupId",
    }

    /// DeleteContainerGroup was accepted; the group vanishes from lists within seconds.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DeleteContainerGroup)
    pub struct DeleteContainerGroupReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// The log of a container.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerLog)
    pub struct DescribeContainerLogReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The container.
        pub container_name: Option<String> = "ContainerName",
        /// Its lines, stdout and stderr merged, 1 MB at most.
        pub content: String = "Content",
    }

    /// The regions ECI is offered in.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeRegions)
    pub struct DescribeRegionsReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The regions.
        pub regions: Vec<Region> = "Regions",
    }

    /// A region.
    pub struct Region {
        /// Its id, e.g. `cn-hangzhou`.
        pub region_id: String = "RegionId",
        /// Its host name; the samples show the central one.
        pub region_endpoint: Option<String> = "RegionEndpoint",
        /// Its zones.
        pub zones: Vec<String> = "Zones",
        /// Zones the vendor recommends now.
        pub recommend_zones: Vec<String> = "RecommendZones",
        /// Zones that take no new groups.
        pub unavailable_zones: Vec<String> = "UnavailableZones",
    }
}
