//! Declares the reply of DescribeContainerGroups: a container group in full.
//!
//! [API page](https://api.aliyun.com/document/Eci/2018-08-08/DescribeContainerGroups)

use jiff::Timestamp;

use super::shapes::{
    ContainerPort, DnsConfig, EciSecurityContext, EnvironmentVar, Event, HostAlias, Probe, SecurityContext,
    Tag, Volume, VolumeMount,
};
use crate::model::read::reply;
use crate::model::{
    ComputeCategory, ContainerGroupId, ContainerState, DnsPolicy, ImagePullPolicy, RestartPolicy,
    SpotStrategy, Status,
};

reply! {
    /// One page of container groups.
    pub struct DescribeContainerGroupsReply {
        /// The id of the call, for the vendor's support.
        pub request_id: String = required "RequestId",
        /// The groups of this page. Without permission it is empty, which is no error.
        pub container_groups: Vec<ContainerGroup> = "ContainerGroups",
        /// The token of the next page; `None` on the last one.
        pub next_token: Option<String> = "NextToken",
        /// A number of results; whether of the page or of all is not documented. Do not rely on it.
        pub total_count: i64 = "TotalCount",
    }

    /// A container group as DescribeContainerGroups tells it.
    pub struct ContainerGroup {
        /// Its id.
        pub container_group_id: ContainerGroupId = required "ContainerGroupId",
        /// Its name; need not be unique.
        pub container_group_name: Option<String> = "ContainerGroupName",
        /// Where it stands in its life.
        pub status: Status = "Status",
        /// The region it runs in.
        pub region_id: Option<String> = "RegionId",
        /// The zone it runs in; `None` until it is placed.
        pub zone_id: Option<String> = "ZoneId",
        /// Its VPC.
        pub vpc_id: Option<String> = "VpcId",
        /// The vSwitch its address is from.
        pub v_switch_id: Option<String> = "VSwitchId",
        /// Its security group.
        pub security_group_id: Option<String> = "SecurityGroupId",
        /// Its network interface.
        pub eni_instance_id: Option<String> = "EniInstanceId",
        /// Its IPv4 address in the VPC; `None` until it has one.
        pub intranet_ip: Option<String> = "IntranetIp",
        /// Its elastic IP address; `None` without one.
        pub internet_ip: Option<String> = "InternetIp",
        /// Its IPv6 address; `None` without one.
        pub ipv6_address: Option<String> = "Ipv6Address",
        /// The ECS instance type, where it was asked for by type.
        pub instance_type: Option<String> = "InstanceType",
        /// vCPU of the whole group.
        pub cpu: f64 = "Cpu",
        /// Memory of the whole group, GiB.
        pub memory: f64 = "Memory",
        /// Extra ephemeral storage, GiB, beyond what is free.
        pub ephemeral_storage: i64 = "EphemeralStorage",
        /// The category of compute it got.
        pub compute_category: Option<ComputeCategory> = "ComputeCategory",
        /// How its capacity was bought.
        pub spot_strategy: Option<SpotStrategy> = "SpotStrategy",
        /// The highest hourly price, for `SpotWithPriceLimit`.
        pub spot_price_limit: f64 = "SpotPriceLimit",
        /// A discount; the unit is not documented.
        pub discount: i64 = "Discount",
        /// Whether containers that ended are started again.
        pub restart_policy: Option<RestartPolicy> = "RestartPolicy",
        /// The RAM role its containers can assume.
        pub ram_role_name: Option<String> = "RamRoleName",
        /// Its resource group.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Its tags.
        pub tags: Vec<Tag> = "Tags",
        /// Its containers.
        pub containers: Vec<Container> = "Containers",
        /// Its init containers, in the order they run.
        pub init_containers: Vec<InitContainer> = "InitContainers",
        /// Its volumes.
        pub volumes: Vec<Volume> = "Volumes",
        /// Its newest events, 50 at most; only when asked for with `with_event`.
        pub events: Vec<Event> = "Events",
        /// Name resolution.
        pub dns_config: Option<DnsConfig> = "DnsConfig",
        /// How containers resolve names.
        pub dns_policy: Option<DnsPolicy> = "DnsPolicy",
        /// Lines added to `/etc/hosts`.
        pub host_aliases: Vec<HostAlias> = "HostAliases",
        /// Kernel parameters.
        pub eci_security_context: Option<EciSecurityContext> = "EciSecurityContext",
        /// When it was created.
        pub creation_time: Option<Timestamp> = "CreationTime",
        /// When it succeeded.
        pub succeeded_time: Option<Timestamp> = "SucceededTime",
        /// When it failed.
        pub failed_time: Option<Timestamp> = "FailedTime",
        /// When it was reclaimed (spot); the vendor's own text speaks of overdue payment.
        pub expired_time: Option<Timestamp> = "ExpiredTime",
        /// Vendor-internal.
        pub tenant_eni_instance_id: Option<String> = "TenantEniInstanceId",
        /// Vendor-internal.
        pub tenant_eni_ip: Option<String> = "TenantEniIp",
        /// Vendor-internal.
        pub tenant_security_group_id: Option<String> = "TenantSecurityGroupId",
        /// Vendor-internal.
        pub tenant_v_switch_id: Option<String> = "TenantVSwitchId",
    }

    /// A container and how it fares.
    pub struct Container {
        /// Unique in its group.
        pub name: String = "Name",
        /// The image.
        pub image: Option<String> = "Image",
        /// When the image is pulled.
        pub image_pull_policy: Option<ImagePullPolicy> = "ImagePullPolicy",
        /// vCPU; 0 when only the group has a size.
        pub cpu: f64 = "Cpu",
        /// Memory, GiB; 0 when only the group has a size.
        pub memory: f64 = "Memory",
        /// Number of GPUs.
        pub gpu: i32 = "Gpu",
        /// In place of the image's entry point.
        pub commands: Vec<String> = "Commands",
        /// In place of the image's command.
        pub args: Vec<String> = "Args",
        /// The working directory; `None` is the image's.
        pub working_dir: Option<String> = "WorkingDir",
        /// Environment variables, those of the image included.
        pub environment_vars: Vec<EnvironmentVar> = "EnvironmentVars",
        /// Ports.
        pub ports: Vec<ContainerPort> = "Ports",
        /// Mounted volumes.
        pub volume_mounts: Vec<VolumeMount> = "VolumeMounts",
        /// Restarts the container when it fails.
        pub liveness_probe: Option<Probe> = "LivenessProbe",
        /// Makes the container ready.
        pub readiness_probe: Option<Probe> = "ReadinessProbe",
        /// User, root file system, capabilities.
        pub security_context: Option<SecurityContext> = "SecurityContext",
        /// Whether its readiness probe (or, without one, its start) says that it can serve.
        pub ready: bool = "Ready",
        /// How often it was started again.
        pub restart_count: i32 = "RestartCount",
        /// What it does now.
        pub current_state: Option<ContainerRun> = "CurrentState",
        /// How its last run ended; `None` before the first restart.
        pub previous_state: Option<ContainerRun> = "PreviousState",
        /// Whether stdin is kept open.
        pub stdin: bool = "Stdin",
        /// Whether stdin closes after the first client.
        pub stdin_once: bool = "StdinOnce",
        /// Whether it has a terminal.
        pub tty: bool = "Tty",
    }

    /// An init container and how it fares.
    pub struct InitContainer {
        /// Unique in its group.
        pub name: String = "Name",
        /// The image.
        pub image: Option<String> = "Image",
        /// When the image is pulled.
        pub image_pull_policy: Option<ImagePullPolicy> = "ImagePullPolicy",
        /// vCPU; 0 when only the group has a size.
        pub cpu: f64 = "Cpu",
        /// Memory, GiB; 0 when only the group has a size.
        pub memory: f64 = "Memory",
        /// Number of GPUs.
        pub gpu: i32 = "Gpu",
        /// In place of the image's entry point. The API spells it `Command` here, `Commands` for containers.
        pub command: Vec<String> = "Command" | "Commands",
        /// In place of the image's command.
        pub args: Vec<String> = "Args",
        /// The working directory; `None` is the image's.
        pub working_dir: Option<String> = "WorkingDir",
        /// Environment variables.
        pub environment_vars: Vec<EnvironmentVar> = "EnvironmentVars",
        /// Ports.
        pub ports: Vec<ContainerPort> = "Ports",
        /// Mounted volumes; replies lack their `sub_path` here.
        pub volume_mounts: Vec<VolumeMount> = "VolumeMounts",
        /// User, root file system, capabilities.
        pub security_context: Option<SecurityContext> = "SecurityContext",
        /// Whether it ended with 0.
        pub ready: bool = "Ready",
        /// How often it was started again.
        pub restart_count: i32 = "RestartCount",
        /// What it does now.
        pub current_state: Option<ContainerRun> = "CurrentState",
        /// How its last run ended; `None` before the first restart.
        pub previous_state: Option<ContainerRun> = "PreviousState",
    }

    /// One run of a container, as `CurrentState` and `PreviousState` tell it.
    pub struct ContainerRun {
        /// What it does.
        pub state: ContainerState = "State",
        /// A word of the kubelet's: `ContainerCreating`, `CrashLoopBackOff`, `Completed`, …
        pub detail_status: Option<String> = "DetailStatus",
        /// When it started.
        pub start_time: Option<Timestamp> = "StartTime",
        /// When it ended; `None` while it runs.
        pub finish_time: Option<Timestamp> = "FinishTime",
        /// Its exit code; says something only when terminated.
        pub exit_code: i32 = "ExitCode",
        /// The signal that ended it; 0 for none.
        pub signal: i32 = "Signal",
        /// One word: why it waits, or how it ended (`OOMKilled`, `Error`, `Completed`).
        pub reason: Option<String> = "Reason",
        /// A sentence, or its termination message.
        pub message: Option<String> = "Message",
    }
}
