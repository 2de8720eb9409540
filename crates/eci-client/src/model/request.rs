//! Lists what the API is asked. Every type is plain data: public fields, `Default`, ordered lists.
//!
//! `None`, and an empty list, leave the parameter out; `Some("")` sends it empty. Fields are named as the API spells
//! its parameters, in snake case. Required parameters are not optional here, but the cloud is what checks them.

mod container;
mod container_group;
mod create_container_group;
mod data_cache;
mod image_cache;
mod monitoring;
mod offer;
mod tag;
mod update_container_group;
mod virtual_node;
mod volume;

pub use self::container::{
    Capability, ContainerPort, ContainerSecurityContext, CreateContainer, CreateInitContainer,
    EnvironmentVar, Exec, FieldRef, HttpGet, HttpHeader, LifecycleHandler, Probe, TcpSocket, VolumeMount,
};
pub use self::container_group::{
    CommitContainerAcrRegistryInfo, CommitContainerArn, CommitContainerImage, CommitContainerRequest,
    DeleteContainerGroupRequest, DescribeCommitContainerTaskRequest, DescribeContainerGroupStatusRequest,
    DescribeContainerGroupsRequest, DescribeContainerLogRequest, ExecContainerCommandRequest,
    ResizeContainerGroupVolumeRequest, RestartContainerGroupRequest,
};
pub use self::create_container_group::{
    AcrRegistryInfo, CreateContainerGroupRequest, DnsConfig, DnsConfigOption, HostAlias,
    ImageRegistryCredential, OverheadReservationOption, SecurityContext, Sysctl, Tag,
};
pub use self::data_cache::{
    CopyDataCacheRequest, CreateDataCacheRequest, DataSource, DeleteDataCacheRequest,
    DescribeDataCachesRequest, EipCreateParam, UpdateDataCacheRequest,
};
pub use self::image_cache::{
    CreateImageCacheRequest, DeleteImageCacheRequest, DescribeImageCachesRequest, UpdateImageCacheRequest,
};
pub use self::monitoring::{
    CreateInstanceOpsTaskRequest, DescribeContainerGroupEventsRequest, DescribeContainerGroupMetricRequest,
    DescribeInstanceOpsRecordsRequest, DescribeMultiContainerGroupMetricRequest,
};
pub use self::offer::{
    DescribeAvailableResourceRequest, DescribeContainerGroupPriceRequest, DescribeRegionsRequest,
    DestinationResource, ListUsageRequest, SpotResource,
};
pub use self::tag::{ListTagResourcesRequest, TagResourcesRequest, UntagResourcesRequest};
pub use self::update_container_group::{
    UpdateAcrRegistryInfo, UpdateConfigFileToPath, UpdateConfigFileVolume, UpdateContainer,
    UpdateContainerGroupRequest, UpdateInitContainer, UpdatePostStartHandler, UpdateVolume,
};
pub use self::virtual_node::{
    CreateVirtualNodeRequest, DeleteVirtualNodeRequest, DescribeVirtualNodesRequest, Taint,
    UpdateVirtualNodeRequest,
};
pub use self::volume::{
    ConfigFileToPath, ConfigFileVolume, DiskVolume, EmptyDirVolume, FlexVolume, HostPathVolume, NfsVolume,
    Volume,
};
