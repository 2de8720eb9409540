//! Declares what is asked of image caches: snapshots of disks with images in them, from which groups start faster.

use super::create_container_group::{AcrRegistryInfo, ImageRegistryCredential, Tag};
use super::update_container_group::UpdateAcrRegistryInfo;
use crate::model::action::{action, paged};
use crate::model::flatten::request;
use crate::model::{
    CreateImageCacheReply, DeleteImageCacheReply, DescribeImageCachesReply, EliminationStrategy, ImageCache,
    ImageCacheId, OsType, UpdateImageCacheReply,
};

action!(CreateImageCacheRequest: "CreateImageCache", Write -> CreateImageCacheReply);
action!(UpdateImageCacheRequest: "UpdateImageCache", Write -> UpdateImageCacheReply);
action!(DeleteImageCacheRequest: "DeleteImageCache", Write -> DeleteImageCacheReply);
action!(DescribeImageCachesRequest: "DescribeImageCaches", Read -> DescribeImageCachesReply);
paged!(DescribeImageCachesRequest: image_caches -> ImageCache);

request! {
    /// Makes an image cache. Asynchronous: a container group pulls the images, then its disk is kept as a snapshot.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateImageCache)
    pub struct CreateImageCacheRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// The zone; `None` lets the vSwitch or the cloud decide.
        pub zone_id: Option<String> = "ZoneId",
        /// vSwitches of one VPC, 10 at most. Empty means the region's default.
        pub v_switch_id: Vec<String> = comma "VSwitchId",
        /// The security group of the pulling group; `None` means the default one.
        pub security_group_id: Option<String> = "SecurityGroupId",
        /// Resource group for billing and permissions; `None` is the default one.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one.
        pub client_token: Option<String> = "ClientToken",
        /// Required. The name.
        pub image_cache_name: String = "ImageCacheName",
        /// Required. The images, 20 at most.
        pub image: Vec<String> = "Image",
        /// Its size, GiB; `None` is 20.
        pub image_cache_size: Option<i32> = "ImageCacheSize",
        /// Days until it is deleted; `None` is never. One that failed is deleted after a day all the same.
        pub retention_days: Option<i32> = "RetentionDays",
        /// Whether it may be deleted when the quota is used up; `None` is no.
        pub elimination_strategy: Option<EliminationStrategy> = "EliminationStrategy",
        /// Reuse layers of other image caches; `None` is no.
        pub auto_match_image_cache: Option<bool> = "AutoMatchImageCache",
        /// Make a local snapshot first, usable at once, until the regular one is there; `None` is no.
        pub flash: Option<bool> = "Flash",
        /// Number of local snapshots, one for each 1000 groups started together; `None` is 1.
        pub flash_copy_count: Option<i32> = "FlashCopyCount",
        /// Number of regular snapshots, one for each 1000 groups started together; `None` is 1.
        pub standard_copy_count: Option<i32> = "StandardCopyCount",
        /// An elastic IP address to pull over the internet with; `None` needs a NAT gateway there.
        pub eip_instance_id: Option<String> = "EipInstanceId",
        /// The operating system of the images; `None` is Linux. Known to newer API descriptions only.
        pub os_type: Option<OsType> = "OsType",
        /// Passwords of image registries, 10 at most.
        pub image_registry_credential: Vec<ImageRegistryCredential> = "ImageRegistryCredential",
        /// Enterprise registries that need no password.
        pub acr_registry_info: Vec<AcrRegistryInfo> = "AcrRegistryInfo",
        /// Registries (`host[:port]`) that speak plain HTTP.
        pub plain_http_registry: Vec<String> = comma "PlainHttpRegistry",
        /// Registries (`host[:port]`) whose certificate is not checked.
        pub insecure_registry: Vec<String> = comma "InsecureRegistry",
        /// Annotations as JSON text.
        pub annotations: Option<String> = "Annotations",
        /// Tags, 20 at most. Key at most 64 characters, not beginning `aliyun` or `acs:`; value at most 128.
        pub tag: Vec<Tag> = "Tag",
    }

    /// Changes an image cache. That what is `None` or empty stays as it is, is likely and not documented.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateImageCache)
    pub struct UpdateImageCacheRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The image cache.
        pub image_cache_id: ImageCacheId = "ImageCacheId",
        /// vSwitches of one VPC, 10 at most.
        pub v_switch_id: Vec<String> = comma "VSwitchId",
        /// The security group of the pulling group.
        pub security_group_id: Option<String> = "SecurityGroupId",
        /// Resource group for billing and permissions.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one.
        pub client_token: Option<String> = "ClientToken",
        /// The name.
        pub image_cache_name: Option<String> = "ImageCacheName",
        /// The images, 20 at most.
        pub image: Vec<String> = "Image",
        /// Its size, GiB.
        pub image_cache_size: Option<i32> = "ImageCacheSize",
        /// Days until it is deleted.
        pub retention_days: Option<i32> = "RetentionDays",
        /// Whether it may be deleted when the quota is used up.
        pub elimination_strategy: Option<EliminationStrategy> = "EliminationStrategy",
        /// Reuse layers of other image caches.
        pub auto_match_image_cache: Option<bool> = "AutoMatchImageCache",
        /// Make a local snapshot first, usable at once, until the regular one is there.
        pub flash: Option<bool> = "Flash",
        /// Number of local snapshots.
        pub flash_copy_count: Option<i32> = "FlashCopyCount",
        /// Number of regular snapshots.
        pub standard_copy_count: Option<i32> = "StandardCopyCount",
        /// An elastic IP address to pull over the internet with.
        pub eip_instance_id: Option<String> = "EipInstanceId",
        /// Passwords of image registries, 10 at most.
        pub image_registry_credential: Vec<ImageRegistryCredential> = "ImageRegistryCredential",
        /// Enterprise registries that need no password.
        pub acr_registry_info: Vec<UpdateAcrRegistryInfo> = "AcrRegistryInfo",
        /// Tags, 20 at most. Key at most 64 characters, not beginning `aliyun` or `acs:`; value at most 128.
        pub tag: Vec<Tag> = "Tag",
    }

    /// Deletes an image cache.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DeleteImageCache)
    pub struct DeleteImageCacheRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The image cache.
        pub image_cache_id: ImageCacheId = "ImageCacheId",
        /// Makes repeating harmless; deleting is so by itself.
        pub client_token: Option<String> = "ClientToken",
    }

    /// Asks for image caches. All filters have to hold; none means every image cache of the region.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeImageCaches)
    pub struct DescribeImageCachesRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Only this one.
        pub image_cache_id: Option<ImageCacheId> = "ImageCacheId",
        /// Only those of this name.
        pub image_cache_name: Option<String> = "ImageCacheName",
        /// Only those that hold this image.
        pub image: Option<String> = "Image",
        /// Only the one of this snapshot.
        pub snapshot_id: Option<String> = "SnapshotId",
        /// Only those that match these images, 100 at most.
        pub match_image: Vec<String> = "MatchImage",
        /// With `match_image`: only those that hold every layer; `None` is no.
        pub image_full_match: Option<bool> = "ImageFullMatch",
        /// With `match_image`: at most so many of those that hold every layer.
        pub image_match_count_request: Option<i32> = "ImageMatchCountRequest",
        /// Only those of this resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Only those with all of these tags.
        pub tag: Vec<Tag> = "Tag",
        /// Image caches a page; range and default are not documented.
        pub limit: Option<i32> = "Limit",
        /// The page to continue with; `None` is the first.
        pub next_token: Option<String> = "NextToken",
    }
}
