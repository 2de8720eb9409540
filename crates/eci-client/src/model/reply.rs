//! Lists what the API answers. Every type reads leniently (see the module `read`) and implements `Deserialize`.
//!
//! Text that may be missing is `Option<String>`, never `Some("")`. Numbers and booleans are plain: a reply that
//! lacks one means 0 or `false`. Times are UTC.

mod container_group;
mod container_group_status;
mod other;
mod shapes;

pub use self::container_group::{
    Container, ContainerGroup, ContainerRun, DescribeContainerGroupsReply, InitContainer,
};
pub use self::container_group_status::{
    Condition, ContainerGroupStatus, ContainerStatus, DescribeContainerGroupStatusReply, PodIp, PodStatus,
    RunningState, StateDetail, TerminatedState, WaitingState,
};
pub use self::other::{
    CreateContainerGroupReply, DeleteContainerGroupReply, DescribeContainerLogReply, DescribeRegionsReply,
    Region,
};
pub use self::shapes::{
    Capability, ConfigFileToPath, ContainerPort, DnsConfig, DnsConfigOption, EciSecurityContext,
    EnvironmentVar, EnvironmentVarSource, Event, FieldRef, HostAlias, HttpGet, Probe, SecurityContext,
    Sysctl, Tag, TcpSocket, Volume, VolumeMount,
};
