//! Lists the words of image caches and data caches.

words! {
    /// Where an image cache stands in its life.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeImageCaches)
    pub enum ImageCacheStatus {
        /// A container group that pulls the images is being started.
        Preparing = "Preparing",
        /// The snapshot is being made.
        Creating = "Creating",
        /// Usable.
        Ready = "Ready",
        /// It could not be made; removed by the cloud after a day.
        Failed = "Failed",
        /// After UpdateImageCache.
        Updating = "Updating",
        /// The update failed.
        UpdateFailed = "UpdateFailed",
    }

    /// Which image caches make room when the quota is used up.
    pub enum EliminationStrategy {
        /// The least recently used one is deleted. Unset means that none is.
        Lru = "LRU",
    }

    /// Where a data cache stands in its life.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeDataCaches)
    pub enum DataCacheStatus {
        /// The data is being fetched.
        Loading = "Loading",
        /// The snapshot is being made.
        Creating = "Creating",
        /// Usable.
        Available = "Available",
        /// It could not be made.
        Failed = "Failed",
        /// After UpdateDataCache.
        Updating = "Updating",
        /// The update failed.
        UpdateFailed = "UpdateFailed",
    }

    /// Where the data of a data cache comes from.
    pub enum DataSourceType {
        /// A URL.
        Url = "URL",
        /// A NAS file system.
        Nas = "NAS",
        /// An OSS bucket.
        Oss = "OSS",
        /// A snapshot of a disk.
        Snapshot = "SNAPSHOT",
    }

    /// How the traffic of an elastic IP address is billed.
    pub enum InternetChargeType {
        /// By its bandwidth.
        PayByBandwidth = "PayByBandwidth",
        /// By what was transferred.
        PayByTraffic = "PayByTraffic",
    }
}
