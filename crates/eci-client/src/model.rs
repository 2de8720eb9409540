//! Declares the requests and replies of the ECI OpenAPI as plain data, without any transport.
//!
//! The API names things differently on the way in and on the way out (`Container.1.Command.1` goes in,
//! `Containers[0].Commands[0]` comes back), so there are two sets of types:
//!
//! ```text
//!   request::*  ──parameters()──▶ Parameters      "Container.1.EnvironmentVar.2.Key" = "LANG"
//!   reply::*    ◀──Deserialize─── JSON text       lenient: missing, null, empty and zero are alike
//! ```
//!
//! This module is always compiled; everything that talks to the network sits behind the feature `client`.
//! All request types are re-exported here, and of the reply types those that have no namesake among them and are more than
//! a part of another; the rest is in [`reply`].

mod action;
mod flatten;
mod parameters;
pub(crate) mod read;
pub mod reply;
pub mod request;
mod scalars;
mod words;

pub use self::action::{Action, Effect, Paged};
pub use self::parameters::Parameters;
#[cfg(feature = "client-core")]
pub(crate) use self::read::quick;
pub use self::reply::{
    AvailableResource, AvailableZone, CommitContainerReply, CommitPhaseInfo, CommitTask, Condition,
    Container, ContainerGroup, ContainerGroupEvent, ContainerGroupEvents, ContainerGroupMetrics,
    ContainerGroupStatus, ContainerRun, ContainerStatus, CopyDataCacheReply, CreateContainerGroupReply,
    CreateDataCacheReply, CreateImageCacheReply, CreateInstanceOpsTaskReply, CreateVirtualNodeReply,
    DataCache, DeleteContainerGroupReply, DeleteDataCacheReply, DeleteImageCacheReply,
    DeleteVirtualNodeReply, DescribeAvailableResourceReply, DescribeCommitContainerTaskReply,
    DescribeContainerGroupEventsReply, DescribeContainerGroupMetricReply, DescribeContainerGroupPriceReply,
    DescribeContainerGroupStatusReply, DescribeContainerGroupsReply, DescribeContainerLogReply,
    DescribeDataCachesReply, DescribeImageCachesReply, DescribeInstanceOpsRecordsReply,
    DescribeMultiContainerGroupMetricReply, DescribeRegionsReply, DescribeVirtualNodesReply, Event,
    ExecContainerCommandReply, ImageCache, InitContainer, ListTagResourcesReply, ListUsageReply,
    MetricRecord, OpsRecord, PodStatus, Price, PriceInfo, Region, ResizeContainerGroupVolumeReply,
    RestartContainerGroupReply, SpotPrice, SupportedResource, TagResource, TagResourcesReply,
    UntagResourcesReply, UpdateContainerGroupReply, UpdateDataCacheReply, UpdateImageCacheReply,
    UpdateVirtualNodeReply, VirtualNode,
};
pub use self::request::*;
pub use self::scalars::{
    CommitTaskId, ContainerGroupId, DataCacheId, FileMode, ImageCacheId, Secret, VirtualNodeId,
};
pub use self::words::*;
