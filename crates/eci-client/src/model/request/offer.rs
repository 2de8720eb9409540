//! Declares what tells what the cloud offers and what it costs: regions, stock, prices, quotas.

use crate::model::action::action;
use crate::model::flatten::request;
use crate::model::{
    ComputeCategory, DescribeAvailableResourceReply, DescribeContainerGroupPriceReply, DescribeRegionsReply,
    ListUsageReply, ResourceCategory, SpotStrategy,
};

action!(DescribeRegionsRequest: "DescribeRegions", Read -> DescribeRegionsReply; const REGIONAL: bool = false;);
action!(DescribeAvailableResourceRequest:
    "DescribeAvailableResource", Read -> DescribeAvailableResourceReply);
action!(DescribeContainerGroupPriceRequest:
    "DescribeContainerGroupPrice", Read -> DescribeContainerGroupPriceReply);
action!(ListUsageRequest: "ListUsage", Read -> ListUsageReply);

request! {
    /// Asks for the regions ECI is offered in.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeRegions)
    pub struct DescribeRegionsRequest {
        /// Only this region; `None` is all. The client sends no region of its own here.
        pub region_id: Option<String> = "RegionId",
    }

    /// Asks which instance types a region has in stock.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeAvailableResource)
    pub struct DescribeAvailableResourceRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Only this zone; `None` is every zone.
        pub zone_id: Option<String> = "ZoneId",
        /// Required. What is looked for.
        pub destination_resource: DestinationResource = "DestinationResource",
        /// Look for spot capacity; `None` is for pay as you go.
        pub spot_resource: Option<SpotResource> = "SpotResource",
    }

    /// What DescribeAvailableResource looks for.
    pub struct DestinationResource {
        /// Required. Families or types.
        pub category: ResourceCategory = "Category",
        /// A family (`ecs.c6`) or a type (`ecs.c6.large`), as `category` says; `None` goes by `cores` and `memory`.
        pub value: Option<String> = "Value",
        /// vCPU; for `ResourceCategory::InstanceType`.
        pub cores: Option<f64> = "Cores",
        /// Memory, GiB; for `ResourceCategory::InstanceType`.
        pub memory: Option<f64> = "Memory",
    }

    /// How the spot capacity that is looked for would be bought.
    pub struct SpotResource {
        /// The strategy; anything but `NoSpot` needs `ResourceCategory::InstanceType`. `None` is `NoSpot`.
        pub spot_strategy: Option<SpotStrategy> = "SpotStrategy",
        /// The highest hourly price, 3 decimals; for `SpotWithPriceLimit`.
        pub spot_price_limit: Option<f64> = "SpotPriceLimit",
        /// Hours of protection from being reclaimed: 1 (the cloud's default) or 0.
        pub spot_duration: Option<i32> = "SpotDuration",
    }

    /// Asks what a container group costs: by `cpu` and `memory`, or by `instance_type`, which wins.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroupPrice)
    pub struct DescribeContainerGroupPriceRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// The zone; `None` leaves it open.
        pub zone_id: Option<String> = "ZoneId",
        /// vCPU of the whole group.
        pub cpu: Option<f64> = "Cpu",
        /// Memory of the whole group, GiB.
        pub memory: Option<f64> = "Memory",
        /// An ECS type (`ecs.c6.xlarge`).
        pub instance_type: Option<String> = "InstanceType",
        /// The category of compute; `None` is the usual one.
        pub compute_category: Option<ComputeCategory> = "ComputeCategory",
        /// Extra ephemeral storage, GiB, beyond the free 30.
        pub ephemeral_storage: Option<i32> = "EphemeralStorage",
        /// How it is bought; `None` is `NoSpot`.
        pub spot_strategy: Option<SpotStrategy> = "SpotStrategy",
        /// The highest hourly price, 3 decimals; for `SpotWithPriceLimit`.
        pub spot_price_limit: Option<f64> = "SpotPriceLimit",
        /// Hours of protection from being reclaimed: 1 (the cloud's default) or 0.
        pub spot_duration: Option<i32> = "SpotDuration",
    }

    /// Asks for the account's quotas in a region and how much of them is used.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/ListUsage)
    pub struct ListUsageRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
    }
}
