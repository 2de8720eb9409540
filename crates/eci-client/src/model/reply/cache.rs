//! Declares the replies about image caches and data caches.

use jiff::Timestamp;

use super::shapes::{Event, Tag};
use crate::model::read::reply;
use crate::model::{
    ContainerGroupId, DataCacheId, DataCacheStatus, DataSourceType, EliminationStrategy, ImageCacheId,
    ImageCacheStatus, Secret,
};

reply! {
    /// One page of image caches.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeImageCaches)
    pub struct DescribeImageCachesReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The image caches of this page. Without permission it is empty, which is no error.
        pub image_caches: Vec<ImageCache> = "ImageCaches",
        /// The token of the next page; `None` on the last one.
        pub next_token: Option<String> = "NextToken",
        /// A number of results; whether of the page or of all is not documented. Do not rely on it.
        pub total_count: i64 = "TotalCount",
    }

    /// An image cache.
    pub struct ImageCache {
        /// Its id.
        pub image_cache_id: ImageCacheId = required "ImageCacheId",
        /// Its name; those the cloud made by itself are named `auto-create-for-<group>`.
        pub image_cache_name: Option<String> = "ImageCacheName",
        /// Where it stands in its life.
        pub status: ImageCacheStatus = "Status",
        /// How far its regular snapshot is, as text (`100%`).
        pub progress: Option<String> = "Progress",
        /// The images in it.
        pub images: Vec<String> = "Images",
        /// Its size, GiB.
        pub image_cache_size: i64 = "ImageCacheSize",
        /// Its regular snapshot; `None` until there is one.
        pub snapshot_id: Option<String> = "SnapshotId",
        /// Its local snapshot; `None` unless asked for with `flash`, and once the regular one is there.
        pub flash_snapshot_id: Option<String> = "FlashSnapshotId",
        /// The container group that pulls, or pulled, the images.
        pub container_group_id: Option<ContainerGroupId> = "ContainerGroupId",
        /// Whether it may be deleted when the quota is used up; `None` is no.
        pub elimination_strategy: Option<EliminationStrategy> = "EliminationStrategy",
        /// The region it is in.
        pub region_id: Option<String> = "RegionId",
        /// Its resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// When it was created.
        pub creation_time: Option<Timestamp> = "CreationTime",
        /// When it will be deleted; `None` is never.
        pub expire_date_time: Option<Timestamp> = "ExpireDateTime",
        /// When a group last started from it; `None` is never.
        pub last_matched_time: Option<Timestamp> = "LastMatchedTime",
        /// Its newest events.
        pub events: Vec<Event> = "Events",
        /// Its tags.
        pub tags: Vec<Tag> = "Tags",
    }

    /// One page of data caches.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeDataCaches)
    pub struct DescribeDataCachesReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The data caches of this page. Without permission it is empty, which is no error.
        pub data_caches: Vec<DataCache> = "DataCaches",
        /// The token of the next page; `None` on the last one.
        pub next_token: Option<String> = "NextToken",
        /// A number of results; whether of the page or of all is not documented. Do not rely on it.
        pub total_count: i64 = "TotalCount",
    }

    /// A data cache.
    pub struct DataCache {
        /// Its id.
        pub data_cache_id: DataCacheId = required "DataCacheId",
        /// Its name.
        pub name: Option<String> = "Name",
        /// Where it stands in its life.
        pub status: DataCacheStatus = "Status",
        /// How far its snapshot is, as text (`100%`).
        pub progress: Option<String> = "Progress",
        /// The bucket it is kept in.
        pub bucket: Option<String> = "Bucket",
        /// Its path in the bucket.
        pub path: Option<String> = "Path",
        /// Its size, GiB.
        pub size: i64 = "Size",
        /// Where its data comes from.
        pub data_source: Option<DataCacheSource> = "DataSource",
        /// Its snapshot; `None` until there is one.
        pub snapshot_id: Option<String> = "SnapshotId",
        /// Its local snapshot; `None` without one.
        pub flash_snapshot_id: Option<String> = "FlashSnapshotId",
        /// The container group that fetches, or fetched, the data.
        pub container_group_id: Option<ContainerGroupId> = "ContainerGroupId",
        /// The region it is in.
        pub region_id: Option<String> = "RegionId",
        /// Its resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// When it was created.
        pub creation_time: Option<Timestamp> = "CreationTime",
        /// When it will be deleted; `None` is never.
        pub expire_date_time: Option<Timestamp> = "ExpireDateTime",
        /// When it was last used; `None` is never.
        pub last_matched_time: Option<Timestamp> = "LastMatchedTime",
        /// Its newest events.
        pub events: Vec<Event> = "Events",
        /// Its tags.
        pub tags: Vec<Tag> = "Tags",
    }

    /// Where the data of a data cache comes from.
    pub struct DataCacheSource {
        /// The kind of source.
        pub r#type: Option<DataSourceType> = "Type",
        /// What the kind was given, as JSON text; may hold keys, never shown by `Debug`.
        pub options: Option<Secret> = "Options",
    }
}
