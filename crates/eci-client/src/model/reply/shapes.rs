//! Declares the smaller parts of a container group as replies spell them (requests spell most of them differently).

use jiff::Timestamp;

use crate::model::read::reply;
use crate::model::{EmptyDirMedium, EventType, MountPropagation, Protocol, Scheme, Secret, VolumeType};

reply! {
    /// A tag.
    pub struct Tag {
        /// Its key.
        pub key: String = "Key",
        /// Its value; may be empty.
        pub value: String = "Value",
    }

    /// An environment variable.
    pub struct EnvironmentVar {
        /// Its name.
        pub key: String = "Key",
        /// Its value; never shown by `Debug`.
        pub value: Option<Secret> = "Value",
        /// Where the value comes from instead.
        pub value_from: Option<EnvironmentVarSource> = "ValueFrom",
    }

    /// Where an environment value comes from.
    pub struct EnvironmentVarSource {
        /// From a field of the group itself.
        pub field_ref: Option<FieldRef> = "FieldRef",
    }

    /// A field of the group itself.
    pub struct FieldRef {
        /// `status.podIP`.
        pub field_path: String = "FieldPath",
    }

    /// A port of a container.
    pub struct ContainerPort {
        /// 1–65535.
        pub port: i32 = "Port",
        /// TCP or UDP.
        pub protocol: Option<Protocol> = "Protocol",
    }

    /// A mounted volume.
    pub struct VolumeMount {
        /// The volume's name.
        pub name: String = "Name",
        /// Where it is seen in the container.
        pub mount_path: String = "MountPath",
        /// The part of the volume that is mounted; `None` is its root.
        pub sub_path: Option<String> = "SubPath",
        /// Whether writing is refused.
        pub read_only: bool = "ReadOnly",
        /// How later mounts travel.
        pub mount_propagation: Option<MountPropagation> = "MountPropagation",
    }

    /// A probe; one of `execs`, `http_get`, `tcp_socket` says how.
    pub struct Probe {
        /// A command that has to end with 0.
        pub execs: Vec<String> = "Execs",
        /// A request that has to be answered with 200–399.
        pub http_get: Option<HttpGet> = "HttpGet",
        /// A connection that has to be accepted.
        pub tcp_socket: Option<TcpSocket> = "TcpSocket",
        /// Seconds from the start to the first probe.
        pub initial_delay_seconds: i32 = "InitialDelaySeconds",
        /// Seconds between probes.
        pub period_seconds: i32 = "PeriodSeconds",
        /// Seconds until a probe counts as failed.
        pub timeout_seconds: i32 = "TimeoutSeconds",
        /// Successes in a row that count as success.
        pub success_threshold: i32 = "SuccessThreshold",
        /// Failures in a row that count as failure.
        pub failure_threshold: i32 = "FailureThreshold",
    }

    /// An HTTP probe.
    pub struct HttpGet {
        /// The path.
        pub path: Option<String> = "Path",
        /// The port.
        pub port: i32 = "Port",
        /// HTTP or HTTPS.
        pub scheme: Option<Scheme> = "Scheme",
    }

    /// A TCP probe.
    pub struct TcpSocket {
        /// The host; `None` is the group itself.
        pub host: Option<String> = "Host",
        /// The port.
        pub port: i32 = "Port",
    }

    /// What a container may do.
    pub struct SecurityContext {
        /// Capabilities.
        pub capability: Option<Capability> = "Capability",
        /// Whether the root file system is read-only.
        pub read_only_root_filesystem: bool = "ReadOnlyRootFilesystem",
        /// The user id; 0 also where none was set.
        pub run_as_user: i64 = "RunAsUser",
    }

    /// Capabilities of a container.
    pub struct Capability {
        /// Those added to the default ones.
        pub adds: Vec<String> = "Adds",
    }

    /// Kernel parameters of a group.
    pub struct EciSecurityContext {
        /// The parameters.
        pub sysctls: Vec<Sysctl> = "Sysctls",
    }

    /// A kernel parameter.
    pub struct Sysctl {
        /// Its name.
        pub name: String = "Name",
        /// Its value.
        pub value: String = "Value",
    }

    /// Name resolution.
    pub struct DnsConfig {
        /// Addresses of resolvers.
        pub name_servers: Vec<String> = "NameServers",
        /// Search domains.
        pub searches: Vec<String> = "Searches",
        /// Options of the resolver.
        pub options: Vec<DnsConfigOption> = "Options",
    }

    /// An option of the resolver.
    pub struct DnsConfigOption {
        /// Its name.
        pub name: String = "Name",
        /// Its value; `None` for options without one.
        pub value: Option<String> = "Value",
    }

    /// A line of `/etc/hosts`.
    pub struct HostAlias {
        /// The address.
        pub ip: String = "Ip",
        /// Its names.
        pub hostnames: Vec<String> = "Hostnames",
    }

    /// A volume, flattened; `type` says which fields count.
    pub struct Volume {
        /// Unique in its group.
        pub name: String = "Name",
        /// Its kind.
        pub r#type: VolumeType = "Type",
        /// EmptyDir: what it is kept on; `None` is the disk.
        pub empty_dir_volume_medium: Option<EmptyDirMedium> = "EmptyDirVolumeMedium",
        /// EmptyDir: its largest size, with unit (`256Mi`).
        pub empty_dir_volume_size_limit: Option<String> = "EmptyDirVolumeSizeLimit",
        /// ConfigFile: the files.
        pub config_file_volume_config_file_to_paths: Vec<ConfigFileToPath> = "ConfigFileVolumeConfigFileToPaths",
        /// NFS: the server.
        pub nfs_volume_server: Option<String> = "NFSVolumeServer",
        /// NFS: the path on the server.
        pub nfs_volume_path: Option<String> = "NFSVolumePath",
        /// NFS: whether writing is refused.
        pub nfs_volume_read_only: bool = "NFSVolumeReadOnly",
        /// Flex: the driver.
        pub flex_volume_driver: Option<String> = "FlexVolumeDriver",
        /// Flex: the file system.
        pub flex_volume_fs_type: Option<String> = "FlexVolumeFsType",
        /// Flex: options as JSON text; may hold keys, never shown by `Debug`.
        pub flex_volume_options: Option<Secret> = "FlexVolumeOptions",
        /// Disk: its id.
        pub disk_volume_disk_id: Option<String> = "DiskVolumeDiskId",
        /// Disk: its file system.
        pub disk_volume_fs_type: Option<String> = "DiskVolumeFsType",
    }

    /// A file of a ConfigFile volume.
    pub struct ConfigFileToPath {
        /// Its path in the volume.
        pub path: String = "Path",
        /// Its content, base64; never shown by `Debug`.
        pub content: Option<Secret> = "Content",
    }

    /// Something that happened to a group.
    pub struct Event {
        /// Its name.
        pub name: Option<String> = "Name",
        /// Routine or trouble.
        pub r#type: Option<EventType> = "Type",
        /// One word for programs.
        pub reason: Option<String> = "Reason",
        /// A sentence for people.
        pub message: Option<String> = "Message",
        /// How often it happened.
        pub count: i64 = "Count",
        /// When it happened first.
        pub first_timestamp: Option<Timestamp> = "FirstTimestamp",
        /// When it happened last.
        pub last_timestamp: Option<Timestamp> = "LastTimestamp",
    }
}
