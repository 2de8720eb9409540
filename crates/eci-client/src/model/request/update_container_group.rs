//! Declares UpdateContainerGroup, which takes less of a container and of a volume than creating does.
//!
//! [API page](https://api.aliyun.com/document/Eci/2018-08-08/UpdateContainerGroup)

use super::container::{
    ContainerPort, ContainerSecurityContext, EnvironmentVar, HttpHeader, LifecycleHandler, Probe, VolumeMount,
};
use super::create_container_group::{DnsConfig, ImageRegistryCredential, Tag};
use super::volume::{EmptyDirVolume, FlexVolume, HostPathVolume, NfsVolume};
use crate::model::action::action;
use crate::model::flatten::request;
use crate::model::{
    ContainerGroupId, ImagePullPolicy, RestartPolicy, Scheme, Secret, UpdateContainerGroupReply, UpdateType,
    VolumeType,
};

action!(UpdateContainerGroupRequest: "UpdateContainerGroup", Write -> UpdateContainerGroupReply);

request! {
    /// Changes a container group; only in `Pending` or `Running`, it turns to `Updating`. Id and address stay.
    ///
    /// Unless `update_type` says otherwise the request is the whole desired state: what is missing is removed.
    /// Changed init containers or added credentials restart the group, else only changed containers restart. A group
    /// with the restart policy `Never` can be left with failed containers.
    pub struct UpdateContainerGroupRequest {
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// Required. The group.
        pub container_group_id: ContainerGroupId = "ContainerGroupId",
        /// What is done with what the request does not mention; `None` is `RenewUpdate`.
        pub update_type: Option<UpdateType> = "UpdateType",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one.
        pub client_token: Option<String> = "ClientToken",
        /// Resource group for billing and permissions.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Tags to add or change, 20 usable; none is ever removed.
        pub tag: Vec<Tag> = "Tag",
        /// vCPU of the whole group. NOTE: the guide says that the size of a group that exists stays as it is.
        pub cpu: Option<f64> = "Cpu",
        /// Memory of the whole group, GiB. NOTE: as for `cpu`.
        pub memory: Option<f64> = "Memory",
        /// Whether containers that ended are started again.
        pub restart_policy: Option<RestartPolicy> = "RestartPolicy",
        /// The containers, replaced whole whatever `update_type` says.
        pub container: Vec<UpdateContainer> = "Container",
        /// The init containers, 20 at most; replaced whole whatever `update_type` says.
        pub init_container: Vec<UpdateInitContainer> = "InitContainer",
        /// The volumes containers may mount.
        pub volume: Vec<UpdateVolume> = "Volume",
        /// Resolvers and their options.
        pub dns_config: Option<DnsConfig> = "DnsConfig",
        /// Passwords of image registries, 20 at most.
        pub image_registry_credential: Vec<ImageRegistryCredential> = "ImageRegistryCredential",
        /// Enterprise registries that need no password.
        pub acr_registry_info: Vec<UpdateAcrRegistryInfo> = "AcrRegistryInfo",
    }

    /// A container of an update. There are no fields for termination messages, hidden environment, group and
    /// privileges here: what the container was created with stays.
    pub struct UpdateContainer {
        /// Which one. A guide leaves it out, which suggests that `None` goes by position.
        pub name: Option<String> = "Name",
        /// The image, 1–255 characters.
        pub image: Option<String> = "Image",
        /// When the image is pulled; `None` is the cloud's choice.
        pub image_pull_policy: Option<ImagePullPolicy> = "ImagePullPolicy",
        /// vCPU. NOTE: the guide says that the size of a group that exists stays as it is.
        pub cpu: Option<f64> = "Cpu",
        /// Memory, GiB. NOTE: as for `cpu`.
        pub memory: Option<f64> = "Memory",
        /// Number of GPUs.
        pub gpu: Option<i32> = "Gpu",
        /// In place of the image's entry point; empty keeps the image's.
        pub command: Vec<String> = "Command",
        /// In place of the image's command; empty keeps the image's.
        pub arg: Vec<String> = "Arg",
        /// The working directory; `None` is the image's.
        pub working_dir: Option<String> = "WorkingDir",
        /// Environment variables, 100 at most.
        pub environment_var: Vec<EnvironmentVar> = "EnvironmentVar",
        /// Ports.
        pub port: Vec<ContainerPort> = "Port",
        /// Mounted volumes.
        pub volume_mount: Vec<VolumeMount> = "VolumeMount",
        /// Keep stdin open; `None` is no.
        pub stdin: Option<bool> = "Stdin",
        /// Close stdin after the first client; `None` is no.
        pub stdin_once: Option<bool> = "StdinOnce",
        /// Give it a terminal; `None` is no.
        pub tty: Option<bool> = "Tty",
        /// User, root file system, capabilities.
        pub security_context: Option<ContainerSecurityContext> = "SecurityContext",
        /// Restarts the container when it fails.
        pub liveness_probe: Option<Probe> = "LivenessProbe",
        /// Makes the container ready.
        pub readiness_probe: Option<Probe> = "ReadinessProbe",
        /// Runs right after the start.
        pub lifecycle_post_start_handler: Option<UpdatePostStartHandler> = "LifecyclePostStartHandler",
        /// Runs right before the end.
        pub lifecycle_pre_stop_handler: Option<LifecycleHandler> = "LifecyclePreStopHandler",
    }

    /// An init container of an update; it takes stdin and terminal, which creating does not.
    pub struct UpdateInitContainer {
        /// Which one. `None` may go by position.
        pub name: Option<String> = "Name",
        /// The image, 1–255 characters.
        pub image: Option<String> = "Image",
        /// When the image is pulled; `None` is the cloud's choice.
        pub image_pull_policy: Option<ImagePullPolicy> = "ImagePullPolicy",
        /// vCPU. NOTE: the guide says that the size of a group that exists stays as it is.
        pub cpu: Option<f64> = "Cpu",
        /// Memory, GiB. NOTE: as for `cpu`.
        pub memory: Option<f64> = "Memory",
        /// Number of GPUs.
        pub gpu: Option<i32> = "Gpu",
        /// In place of the image's entry point; empty keeps the image's.
        pub command: Vec<String> = "Command",
        /// In place of the image's command; empty keeps the image's.
        pub arg: Vec<String> = "Arg",
        /// The working directory; `None` is the image's.
        pub working_dir: Option<String> = "WorkingDir",
        /// Environment variables, 100 at most.
        pub environment_var: Vec<EnvironmentVar> = "EnvironmentVar",
        /// Ports.
        pub port: Vec<ContainerPort> = "Port",
        /// Mounted volumes.
        pub volume_mount: Vec<VolumeMount> = "VolumeMount",
        /// Keep stdin open; `None` is no.
        pub stdin: Option<bool> = "Stdin",
        /// Close stdin after the first client; `None` is no.
        pub stdin_once: Option<bool> = "StdinOnce",
        /// Give it a terminal; `None` is no.
        pub tty: Option<bool> = "Tty",
        /// User, root file system, capabilities.
        pub security_context: Option<ContainerSecurityContext> = "SecurityContext",
    }

    /// A hook after the start: exactly one of command, request and connection. It differs from [`LifecycleHandler`] in
    /// one letter: the API spells the headers `HttpGetHttpHeaders` here and nowhere else.
    pub struct UpdatePostStartHandler joined by "" {
        /// Program and arguments; no shell.
        pub exec: Vec<String> = "Exec",
        /// The host of a request; `None` is the group itself.
        pub http_get_host: Option<String> = "HttpGetHost",
        /// The path of a request.
        pub http_get_path: Option<String> = "HttpGetPath",
        /// The port of a request.
        pub http_get_port: Option<i32> = "HttpGetPort",
        /// The scheme of a request; `None` is HTTP.
        pub http_get_scheme: Option<Scheme> = "HttpGetScheme",
        /// The headers of a request.
        pub http_get_http_headers: Vec<HttpHeader> = "HttpGetHttpHeaders",
        /// The host of a connection; `None` is the group itself.
        pub tcp_socket_host: Option<String> = "TcpSocketHost",
        /// The port of a connection.
        pub tcp_socket_port: Option<i32> = "TcpSocketPort",
    }

    /// A volume of an update: `type` and the one struct that belongs to it. Disks are `FlexVolume` here.
    pub struct UpdateVolume {
        /// Unique in its group.
        pub name: String = "Name",
        /// Its kind.
        pub r#type: VolumeType = "Type",
        /// For `VolumeType::EmptyDir`.
        pub empty_dir_volume: Option<EmptyDirVolume> = "EmptyDirVolume",
        /// For `VolumeType::ConfigFile`.
        pub config_file_volume: Option<UpdateConfigFileVolume> = "ConfigFileVolume",
        /// For `VolumeType::Nfs`.
        pub nfs_volume: Option<NfsVolume> = "NFSVolume",
        /// For `VolumeType::Flex`.
        pub flex_volume: Option<FlexVolume> = "FlexVolume",
        /// For `VolumeType::HostPath`; declared, not open to updates.
        pub host_path_volume: Option<HostPathVolume> = "HostPathVolume",
    }

    /// Files whose content is in the request, 16 at most; without permissions here.
    pub struct UpdateConfigFileVolume {
        /// The files.
        pub config_file_to_path: Vec<UpdateConfigFileToPath> = "ConfigFileToPath",
    }

    /// A file.
    pub struct UpdateConfigFileToPath {
        /// Its path, relative to where the volume is mounted.
        pub path: String = "Path",
        /// Its content in base64; never shown by `Debug`.
        pub content: Secret = "Content",
    }

    /// An enterprise registry that needs no password; updates take no registry of another account.
    pub struct UpdateAcrRegistryInfo {
        /// Its id.
        pub instance_id: Option<String> = "InstanceId",
        /// Its name.
        pub instance_name: Option<String> = "InstanceName",
        /// Its region; `None` is the group's.
        pub region_id: Option<String> = "RegionId",
        /// Its domains; empty means all.
        pub domain: Vec<String> = "Domain",
    }
}
