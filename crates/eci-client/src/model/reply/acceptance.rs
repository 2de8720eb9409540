//! Declares the replies that only say that a call was accepted, with the id of what it makes where it makes something.

use crate::model::read::reply;
use crate::model::{CommitTaskId, ContainerGroupId, DataCacheId, ImageCacheId, VirtualNodeId};

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

    /// UpdateContainerGroup was accepted; the group turns to `Updating`.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateContainerGroup)
    pub struct UpdateContainerGroupReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// RestartContainerGroup was accepted; the group turns to `Restarting`.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/RestartContainerGroup)
    pub struct RestartContainerGroupReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// ResizeContainerGroupVolume was accepted.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/ResizeContainerGroupVolume)
    pub struct ResizeContainerGroupVolumeReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// CommitContainer was accepted; DescribeCommitContainerTask tells how it goes on.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CommitContainer)
    pub struct CommitContainerReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The task.
        pub task_id: CommitTaskId = required "TaskId",
    }

    /// CreateInstanceOpsTask was accepted.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateInstanceOpsTask)
    pub struct CreateInstanceOpsTaskReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// What came of it; its words are not documented.
        pub result: Option<String> = "Result",
    }

    /// CreateImageCache was accepted; the cache's status tells how it goes on.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateImageCache)
    pub struct CreateImageCacheReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The new image cache.
        pub image_cache_id: ImageCacheId = required "ImageCacheId",
        /// The container group that pulls the images; `None` where the cloud does not say.
        pub container_group_id: Option<ContainerGroupId> = "ContainerGroupId",
    }

    /// UpdateImageCache was accepted; the cache turns to `Updating`.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateImageCache)
    pub struct UpdateImageCacheReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// DeleteImageCache was accepted.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DeleteImageCache)
    pub struct DeleteImageCacheReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// CreateDataCache was accepted; the cache's status tells how it goes on.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateDataCache)
    pub struct CreateDataCacheReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The new data cache.
        pub data_cache_id: DataCacheId = required "DataCacheId",
    }

    /// UpdateDataCache was accepted; the cache turns to `Updating`.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateDataCache)
    pub struct UpdateDataCacheReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// CopyDataCache was accepted.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CopyDataCache)
    pub struct CopyDataCacheReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The copy, in the other region.
        pub data_cache_id: DataCacheId = required "DataCacheId",
    }

    /// DeleteDataCache was accepted.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DeleteDataCache)
    pub struct DeleteDataCacheReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// CreateVirtualNode was accepted; the node's status tells how it goes on.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateVirtualNode)
    pub struct CreateVirtualNodeReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The new node.
        pub virtual_node_id: VirtualNodeId = required "VirtualNodeId",
    }

    /// UpdateVirtualNode was accepted.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateVirtualNode)
    pub struct UpdateVirtualNodeReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// DeleteVirtualNode was accepted.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DeleteVirtualNode)
    pub struct DeleteVirtualNodeReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// The tags are on.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/TagResources)
    pub struct TagResourcesReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }

    /// The tags are off.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/UntagResources)
    pub struct UntagResourcesReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
    }
}
