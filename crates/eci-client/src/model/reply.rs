//! Lists what the API answers. Every type reads leniently (see the module `read`) and implements `Deserialize`.
//!
//! Text that may be missing is `Option<String>`, never `Some("")`. Numbers and booleans are plain: a reply that
//! lacks one means 0 or `false`. Times are UTC.

mod acceptance;
mod cache;
mod container;
mod container_group;
mod container_group_status;
mod monitoring;
mod offer;
mod shapes;
mod virtual_node;

pub use self::acceptance::{
    CommitContainerReply, CopyDataCacheReply, CreateContainerGroupReply, CreateDataCacheReply,
    CreateImageCacheReply, CreateInstanceOpsTaskReply, CreateVirtualNodeReply, DeleteContainerGroupReply,
    DeleteDataCacheReply, DeleteImageCacheReply, DeleteVirtualNodeReply, ResizeContainerGroupVolumeReply,
    RestartContainerGroupReply, TagResourcesReply, UntagResourcesReply, UpdateContainerGroupReply,
    UpdateDataCacheReply, UpdateImageCacheReply, UpdateVirtualNodeReply,
};
pub use self::cache::{
    DataCache, DataCacheSource, DescribeDataCachesReply, DescribeImageCachesReply, ImageCache,
};
pub use self::container::{
    CommitPhaseInfo, CommitTask, DescribeCommitContainerTaskReply, DescribeContainerLogReply,
    ExecContainerCommandReply,
};
pub use self::container_group::{
    Container, ContainerGroup, ContainerRun, DescribeContainerGroupsReply, InitContainer,
};
pub use self::container_group_status::{
    Condition, ContainerGroupStatus, ContainerStatus, DescribeContainerGroupStatusReply, PodIp, PodStatus,
    RunningState, StateDetail, TerminatedState, WaitingState,
};
pub use self::monitoring::{
    ContainerGroupEvent, ContainerGroupEventSource, ContainerGroupEvents, ContainerGroupMetrics,
    ContainerMetric, CpuMetric, DescribeContainerGroupEventsReply, DescribeContainerGroupMetricReply,
    DescribeInstanceOpsRecordsReply, DescribeMultiContainerGroupMetricReply, DiskMetric, EventMetadata,
    FilesystemMetric, InterfaceMetric, InvolvedObject, MemoryMetric, MetricRecord, NetworkMetric, OpsRecord,
};
pub use self::offer::{
    AvailableResource, AvailableZone, DescribeAvailableResourceReply, DescribeContainerGroupPriceReply,
    DescribeRegionsReply, ListUsageReply, Price, PriceDetail, PriceInfo, PriceRule, Region, SpotPrice,
    SupportedResource,
};
pub use self::shapes::{
    Capability, ConfigFileToPath, ContainerPort, DnsConfig, DnsConfigOption, EciSecurityContext,
    EnvironmentVar, EnvironmentVarSource, Event, FieldRef, HostAlias, HttpGet, Probe, SecurityContext,
    Sysctl, Tag, TcpSocket, Volume, VolumeMount,
};
pub use self::virtual_node::{DescribeVirtualNodesReply, ListTagResourcesReply, TagResource, VirtualNode};
