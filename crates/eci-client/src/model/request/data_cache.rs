//! Declares what is asked of data caches: snapshots of disks with data in them, mounted by bucket and path.

use std::collections::BTreeMap;

use super::create_container_group::Tag;
use crate::model::action::{action, paged};
use crate::model::flatten::request;
use crate::model::{
    CopyDataCacheReply, CreateDataCacheReply, DataCache, DataCacheId, DataSourceType, DeleteDataCacheReply,
    DescribeDataCachesReply, EipIsp, InternetChargeType, Secret, UpdateDataCacheReply,
};

action!(CreateDataCacheRequest: "CreateDataCache", Write -> CreateDataCacheReply);
action!(UpdateDataCacheRequest: "UpdateDataCache", Write -> UpdateDataCacheReply);
action!(CopyDataCacheRequest: "CopyDataCache", Write -> CopyDataCacheReply);
action!(DeleteDataCacheRequest: "DeleteDataCache", Write -> DeleteDataCacheReply);
action!(DescribeDataCachesRequest: "DescribeDataCaches", Read -> DescribeDataCachesReply);
paged!(DescribeDataCachesRequest: data_caches -> DataCache);

request! {
    /// Makes a data cache. Asynchronous: a container group fetches the data, then its disk is kept as a snapshot.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateDataCache)
    pub struct CreateDataCacheRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// The vSwitch of the fetching group; `None` is the cloud's choice.
        pub v_switch_id: Option<String> = "VSwitchId",
        /// The security group of the fetching group; `None` means the default one.
        pub security_group_id: Option<String> = "SecurityGroupId",
        /// Resource group for billing and permissions; `None` is the default one.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one.
        pub client_token: Option<String> = "ClientToken",
        /// The name.
        pub name: Option<String> = "Name",
        /// The bucket it is kept in, a space of paths; `None` is `default`. `eci-system` is the cloud's own.
        pub bucket: Option<String> = "Bucket",
        /// Its path in the bucket.
        pub path: Option<String> = "Path",
        /// Its size, GiB; `None` is 20.
        pub size: Option<i32> = "Size",
        /// Days until it is deleted; `None` is never.
        pub retention_days: Option<i32> = "RetentionDays",
        /// Where the data comes from.
        pub data_source: Option<DataSource> = "DataSource",
        /// An elastic IP address to fetch over the internet with; `None` needs a NAT gateway there.
        pub eip_instance_id: Option<String> = "EipInstanceId",
        /// Make an elastic IP address for fetching, in place of `eip_instance_id`.
        pub eip_create_param: Option<EipCreateParam> = "EipCreateParam",
        /// Tags, 20 at most. Key at most 64 characters, not beginning `aliyun` or `acs:`; value at most 128.
        pub tag: Vec<Tag> = "Tag",
    }

    /// Where the data of a data cache comes from.
    pub struct DataSource {
        /// The kind of source.
        pub r#type: Option<DataSourceType> = "Type",
        /// What the kind needs, by name. Values may be keys; never shown by `Debug`.
        pub options: BTreeMap<String, Secret> = "Options",
    }

    /// An elastic IP address to make.
    pub struct EipCreateParam {
        /// Its bandwidth, Mbit/s; `None` is 5.
        pub bandwidth: Option<i32> = "Bandwidth",
        /// The bandwidth package it joins.
        pub common_bandwidth_package: Option<String> = "CommonBandwidthPackage",
        /// How its traffic is billed.
        pub internet_charge_type: Option<InternetChargeType> = "InternetChargeType",
        /// Its line; `None` is BGP.
        pub isp: Option<EipIsp> = "ISP",
        /// The pool it is taken from; only for accounts admitted to it.
        pub public_ip_address_pool_id: Option<String> = "PublicIpAddressPoolId",
    }

    /// Changes a data cache; its path cannot change. That what is `None` or empty stays as it is, is likely and not
    /// documented.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateDataCache)
    pub struct UpdateDataCacheRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// The data cache.
        pub data_cache_id: Option<DataCacheId> = "DataCacheId",
        /// The vSwitch of the fetching group.
        pub v_switch_id: Option<String> = "VSwitchId",
        /// The security group of the fetching group.
        pub security_group_id: Option<String> = "SecurityGroupId",
        /// Resource group for billing and permissions.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one.
        pub client_token: Option<String> = "ClientToken",
        /// The name.
        pub name: Option<String> = "Name",
        /// The bucket it is kept in; `None` is `default`.
        pub bucket: Option<String> = "Bucket",
        /// Its size, GiB.
        pub size: Option<i32> = "Size",
        /// Days until it is deleted.
        pub retention_days: Option<i32> = "RetentionDays",
        /// Where the data comes from.
        pub data_source: Option<DataSource> = "DataSource",
        /// An elastic IP address to fetch over the internet with.
        pub eip_instance_id: Option<String> = "EipInstanceId",
        /// Make an elastic IP address for fetching, in place of `eip_instance_id`.
        pub eip_create_param: Option<EipCreateParam> = "EipCreateParam",
        /// Tags, 20 at most. Key at most 64 characters, not beginning `aliyun` or `acs:`; value at most 128.
        pub tag: Vec<Tag> = "Tag",
    }

    /// Copies a data cache into another region.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CopyDataCache)
    pub struct CopyDataCacheRequest {
        /// The region it is in; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The data cache.
        pub data_cache_id: DataCacheId = "DataCacheId",
        /// Required. The region the copy is for.
        pub destination_region_id: String = "DestinationRegionId",
        /// Resource group of the copy; `None` is the default one.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one.
        pub client_token: Option<String> = "ClientToken",
        /// The name of the copy.
        pub name: Option<String> = "Name",
        /// The bucket of the copy.
        pub bucket: Option<String> = "Bucket",
        /// The path of the copy in its bucket.
        pub path: Option<String> = "Path",
        /// Days until the copy is deleted; `None` is never.
        pub retention_days: Option<i32> = "RetentionDays",
        /// Tags, 20 at most. Key at most 64 characters, not beginning `aliyun` or `acs:`; value at most 128.
        pub tag: Vec<Tag> = "Tag",
    }

    /// Deletes a data cache: by id, or by bucket and path.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DeleteDataCache)
    pub struct DeleteDataCacheRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// The data cache; `None` where `path` names it.
        pub data_cache_id: Option<DataCacheId> = "DataCacheId",
        /// The bucket of `path`; `None` is `default`.
        pub bucket: Option<String> = "Bucket",
        /// Its path in the bucket; `None` where the id names it.
        pub path: Option<String> = "Path",
        /// Makes repeating harmless; deleting is so by itself.
        pub client_token: Option<String> = "ClientToken",
    }

    /// Asks for data caches. All filters have to hold; none means every data cache of the region.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeDataCaches)
    pub struct DescribeDataCachesRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Only these. NOTE: an empty list is no filter.
        pub data_cache_id: Vec<DataCacheId> = "DataCacheId",
        /// The bucket they are in; `None` is `default`.
        pub bucket: Option<String> = "Bucket",
        /// Only those of this path.
        pub path: Option<String> = "Path",
        /// Only those of this resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Only those with all of these tags.
        pub tag: Vec<Tag> = "Tag",
        /// Data caches a page, 1–20; `None` is 20.
        pub limit: Option<i32> = "Limit",
        /// The page to continue with; `None` is the first.
        pub next_token: Option<String> = "NextToken",
    }
}
