//! Lists what the API is asked. Every type is plain data: public fields, `Default`, ordered lists.
//!
//! `None`, and an empty list, leave the parameter out; `Some("")` sends it empty. Fields are named as the API spells
//! its parameters, in snake case. Required parameters are not optional here, but the cloud is what checks them.

mod container;
mod create_container_group;
mod other;
mod volume;

pub use self::container::{
    Capability, ContainerPort, ContainerSecurityContext, CreateContainer, CreateInitContainer,
    EnvironmentVar, Exec, FieldRef, HttpGet, HttpHeader, LifecycleHandler, Probe, TcpSocket, VolumeMount,
};
pub use self::create_container_group::{
    AcrRegistryInfo, CreateContainerGroupRequest, DnsConfig, DnsConfigOption, HostAlias,
    ImageRegistryCredential, OverheadReservationOption, SecurityContext, Sysctl, Tag,
};
pub use self::other::{
    DeleteContainerGroupRequest, DescribeContainerGroupStatusRequest, DescribeContainerGroupsRequest,
    DescribeContainerLogRequest, DescribeRegionsRequest,
};
pub use self::volume::{
    ConfigFileToPath, ConfigFileVolume, DiskVolume, EmptyDirVolume, FlexVolume, HostPathVolume, NfsVolume,
    Volume,
};
