//! Lists the words the API uses for states, types and policies, each open to words it will invent later.

/// Declares an enum of texts with a last variant for every text this crate does not know.
/// Known words are recognised without regard to case.
macro_rules! words {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),* $(,)?
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
            /// A word this crate does not know (empty where the reply had none). Treat it as "wait and see".
            Other(String),
        }

        impl $name {
            /// The word as the API spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )*
                    Self::Other(text) => text,
                }
            }

            fn is_empty(&self) -> bool {
                matches!(self, Self::Other(text) if text.is_empty())
            }

            fn in_other_case(text: &str) -> Self {
                $( if text.eq_ignore_ascii_case($text) { return Self::$variant; } )*
                Self::Other(text.to_owned())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $( $text => Self::$variant, )*
                    _ => Self::in_other_case(text),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        $crate::model::flatten::flatten_displayed!($name);
        $crate::model::read::read_text!($name);
        impl $crate::model::read::Sparse for $name {}
    )* };
}

// Below the macro, so that they see it.
mod cache;
mod operation;

pub use self::cache::{
    DataCacheStatus, DataSourceType, EliminationStrategy, ImageCacheStatus, InternetChargeType,
};
pub use self::operation::{
    CommitPhase, CommitTaskStatus, EventSource, FilesystemCategory, MetricType, OpsStatus, OpsType,
    ResourceCategory, ResourceType, StatusCategory, TaintEffect, UpdateType, VirtualNodeStatus,
};

words! {
    /// Where a container group stands in its life.
    /// [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroups)
    pub enum Status {
        /// Being placed on a host; not billed.
        Scheduling = "Scheduling",
        /// At least one container still starting, none running: images, volumes, init containers. Billed from here.
        Pending = "Pending",
        /// All containers created, at least one running or restarting.
        Running = "Running",
        /// After RestartContainerGroup.
        Restarting = "Restarting",
        /// After UpdateContainerGroup.
        Updating = "Updating",
        /// Deletion of a running group whose preStop hook is at work.
        Terminating = "Terminating",
        /// Terminal: every container ended with 0 and will not restart.
        Succeeded = "Succeeded",
        /// Terminal: every container ended, at least one not with 0, or a time limit passed.
        Failed = "Failed",
        /// Terminal: a spot group that was reclaimed.
        Expired = "Expired",
        /// Terminal: it could not be created (no stock, for one); removed by the cloud after 24 hours.
        ScheduleFailed = "ScheduleFailed",
    }

    /// What a container does now, or did before.
    pub enum ContainerState {
        /// Not started: its image is pulled, init containers run, or it waits for its next restart.
        Waiting = "Waiting",
        /// Its process runs.
        Running = "Running",
        /// Its process ended.
        Terminated = "Terminated",
    }

    /// Whether containers that ended are started again. The group itself never is.
    pub enum RestartPolicy {
        /// The cloud's default.
        Always = "Always",
        /// Only after an exit code other than 0.
        OnFailure = "OnFailure",
        /// Each container runs once.
        Never = "Never",
    }

    /// When an image is pulled.
    pub enum ImagePullPolicy {
        /// At each start.
        Always = "Always",
        /// Only when the host (or an image cache) lacks it.
        IfNotPresent = "IfNotPresent",
        /// Never: it has to be there.
        Never = "Never",
    }

    /// The protocol of a port.
    pub enum Protocol {
        /// TCP.
        Tcp = "TCP",
        /// UDP.
        Udp = "UDP",
    }

    /// The scheme of an HTTP probe or hook.
    pub enum Scheme {
        /// Plain.
        Http = "HTTP",
        /// TLS, certificates unchecked.
        Https = "HTTPS",
    }

    /// How mounts made later travel between host and container.
    pub enum MountPropagation {
        /// Not at all (the cloud's default).
        None = "None",
        /// From the host into the container.
        HostToContainer = "HostToContainer",
        /// Both ways.
        Bidirectional = "Bidirectional",
    }

    /// Where a container's termination message comes from.
    pub enum TerminationMessagePolicy {
        /// From the file at the termination message path.
        File = "File",
        /// From the end of the log when the file is empty and the container failed.
        FallbackToLogsOnError = "FallbackToLogsOnError",
    }

    /// The kind of a volume; says which of the volume's structs counts.
    pub enum VolumeType {
        /// An empty directory on the group's disk or in memory.
        EmptyDir = "EmptyDirVolume",
        /// Files whose content is in the request.
        ConfigFile = "ConfigFileVolume",
        /// A directory of an NFS server.
        Nfs = "NFSVolume",
        /// A volume by driver: cloud disk, NAS, OSS.
        Flex = "FlexVolume",
        /// A path of the host; by whitelist only.
        HostPath = "HostPathVolume",
        /// A cloud disk; discouraged in favour of `FlexVolume`.
        Disk = "DiskVolume",
    }

    /// What an emptyDir is kept on. Unset means the group's disk.
    pub enum EmptyDirMedium {
        /// In memory, counted against the group's memory.
        Memory = "Memory",
        /// On the local disks of an instance type that has them.
        LocalRaid0 = "LocalRaid0",
    }

    /// What a host path has to be.
    pub enum HostPathType {
        /// A directory.
        Directory = "Directory",
        /// A file.
        File = "File",
    }

    /// How containers resolve names.
    pub enum DnsPolicy {
        /// Only by the request's `DnsConfig`.
        None = "None",
        /// By the VPC's resolvers.
        Default = "Default",
    }

    /// In which order several vSwitches are tried.
    pub enum ScheduleStrategy {
        /// As listed.
        VSwitchOrdered = "VSwitchOrdered",
        /// At random.
        VSwitchRandom = "VSwitchRandom",
    }

    /// How spot capacity is bought.
    pub enum SpotStrategy {
        /// Not at all: pay as you go (the cloud's default).
        NoSpot = "NoSpot",
        /// Up to a price; needs `spot_price_limit`.
        SpotWithPriceLimit = "SpotWithPriceLimit",
        /// At the market's price, at most the pay-as-you-go price.
        SpotAsPriceGo = "SpotAsPriceGo",
    }

    /// The category of compute, tried in the order given.
    pub enum ComputeCategory {
        /// Cheaper, 0.25 to 8 vCPU.
        Economy = "economy",
        /// The usual one.
        General = "general",
    }

    /// The processor family.
    pub enum CpuArchitecture {
        /// x86-64 (the cloud's default).
        Amd64 = "AMD64",
        /// 64-bit ARM.
        Arm64 = "ARM64",
    }

    /// The operating system.
    pub enum OsType {
        /// The cloud's default.
        Linux = "Linux",
        /// By invitation.
        Windows = "Windows",
    }

    /// The line of an elastic IP address.
    pub enum EipIsp {
        /// The cloud's default.
        Bgp = "BGP",
        /// Premium.
        BgpPro = "BGP_PRO",
    }

    /// How an image is started before it is pulled in full.
    pub enum ImageAccelerateMode {
        /// Nydus.
        Nydus = "nydus",
        /// DADI.
        Dadi = "dadi",
        /// Peer to peer.
        P2p = "p2p",
        /// Image cache.
        Imc = "imc",
    }

    /// Whether an event is routine or trouble.
    pub enum EventType {
        /// Routine.
        Normal = "Normal",
        /// Trouble.
        Warning = "Warning",
    }

    /// The pod phase as DescribeContainerGroupStatus puts it.
    pub enum PodPhase {
        /// Not all containers started.
        Pending = "Pending",
        /// At least one container runs or restarts.
        Running = "Running",
        /// Every container ended with 0.
        Succeeded = "Succeeded",
        /// Every container ended, at least one not with 0.
        Failed = "Failed",
        /// The host cannot be asked.
        Unknown = "Unknown",
    }

    /// What a condition is about.
    pub enum ConditionType {
        /// The pod can serve.
        Ready = "Ready",
        /// Every container can serve.
        ContainersReady = "ContainersReady",
        /// The init containers have ended.
        Initialized = "Initialized",
        /// The group has a place.
        PodScheduled = "PodScheduled",
        /// The sandbox stands and has its network.
        PodReadyToStartContainers = "PodReadyToStartContainers",
        /// The instance was made; if not, the reason says why.
        ContainerInstanceCreated = "ContainerInstanceCreated",
        /// There is no place for the group. The one condition whose `True` is trouble.
        Unschedulable = "Unschedulable",
        /// The instance is well.
        SandboxReady = "SandboxReady",
        /// There is room on the disk.
        ContainerHasSufficientDisk = "ContainerHasSufficientDisk",
    }

    /// The answer to a condition.
    pub enum ConditionStatus {
        /// It holds.
        True = "True",
        /// It does not.
        False = "False",
        /// Nobody knows.
        Unknown = "Unknown",
    }
}

impl Status {
    /// Whether the group has ended for good: its containers will not run again.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Expired | Self::ScheduleFailed)
    }
}
