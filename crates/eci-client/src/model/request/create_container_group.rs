//! Declares CreateContainerGroup: the parameters of the whole group.
//!
//! [API page](https://api.aliyun.com/document/Eci/2018-08-08/CreateContainerGroup)

use super::container::{CreateContainer, CreateInitContainer};
use super::volume::Volume;
use crate::model::action::action;
use crate::model::flatten::request;
use crate::model::{
    ComputeCategory, CpuArchitecture, CreateContainerGroupReply, DnsPolicy, EipIsp, ImageAccelerateMode,
    OsType, RestartPolicy, ScheduleStrategy, Secret, SpotStrategy,
};

action!(CreateContainerGroupRequest: "CreateContainerGroup", Write -> CreateContainerGroupReply);

request! {
    /// Creates a container group: the containers, volumes and network of one pod.
    ///
    /// Asynchronous: acceptance is not placement, want of stock shows as the status `ScheduleFailed`. With a
    /// `client_token` the call may be repeated without making a second group. The unused account parameters
    /// (`OwnerId` and its like) are left out.
    pub struct CreateContainerGroupRequest {
        /// Required. 2–128 characters `[a-z0-9-]`, not first or last `-`. Need not be unique.
        pub container_group_name: String = "ContainerGroupName",
        /// The region; `None` means the client's.
        pub region_id: Option<String> = "RegionId",
        /// The zone; `None` lets the vSwitch or the cloud decide.
        pub zone_id: Option<String> = "ZoneId",
        /// vSwitches of one VPC, 10 at most, tried by `schedule_strategy`. Empty means the region's default, made
        /// if missing.
        pub v_switch_id: Vec<String> = comma "VSwitchId",
        /// The order in which vSwitches are tried; `None` is the cloud's choice.
        pub schedule_strategy: Option<ScheduleStrategy> = "ScheduleStrategy",
        /// The security group; `None` means the default one, made if missing with the declared ports open.
        pub security_group_id: Option<String> = "SecurityGroupId",
        /// Resource group for billing and permissions; `None` is the default one.
        pub resource_group_id: Option<String> = "ResourceGroupId",
        /// Makes repeating harmless: at most 64 ASCII characters, equal for all calls meant as one. Should always
        /// be set.
        pub client_token: Option<String> = "ClientToken",
        /// Only checks the request; success comes back as an error of the kind `DryRun`.
        pub dry_run: Option<bool> = "DryRun",
        /// Tags, 20 usable. Key at most 64 characters, not beginning `aliyun` or `acs:`; value at most 128.
        pub tag: Vec<Tag> = "Tag",

        /// vCPU of the whole group, 0.25–64 in sellable steps, others are rounded up; `None` is the sum of the
        /// containers, or 2.
        pub cpu: Option<f64> = "Cpu",
        /// Memory of the whole group, GiB; `None` is the sum of the containers, or 4.
        pub memory: Option<f64> = "Memory",
        /// ECS types (`ecs.c6.xlarge`) or sizes (`2-4Gi`), 5 at most, tried in order; empty goes by `cpu`, `memory`.
        pub instance_type: Vec<String> = comma "InstanceType",
        /// Categories of compute, tried in order; not with spot, ARM or ECS types.
        pub compute_category: Vec<ComputeCategory> = "ComputeCategory",
        /// The processor family; `None` is AMD64.
        pub cpu_architecture: Option<CpuArchitecture> = "CpuArchitecture",
        /// The operating system; `None` is Linux.
        pub os_type: Option<OsType> = "OsType",
        /// Number of physical cores, 0–1000; some instance types only.
        pub cpu_options_core: Option<i32> = "CpuOptionsCore",
        /// Threads of each core, 0–1000; 1 turns hyper-threading off. Some instance types only.
        pub cpu_options_threads_per_core: Option<i32> = "CpuOptionsThreadsPerCore",
        /// Declared by the API, of no use.
        pub cpu_options_numa: Option<String> = "CpuOptionsNuma",
        /// The GPU driver, e.g. `tesla=535`; `None` is the type's default.
        pub gpu_driver_version: Option<String> = "GpuDriverVersion",
        /// Whether containers see what they requested in place of what it was rounded up to.
        pub container_resource_view: Option<bool> = "ContainerResourceView",
        /// Extra ephemeral storage, GiB, 0–5000, beyond the free 30; `None` is none.
        pub ephemeral_storage: Option<i32> = "EphemeralStorage",
        /// Memory kept back for the platform. Known to SDK 2.1.0 only; newer API descriptions lack it.
        pub overhead_reservation_option: Option<OverheadReservationOption> = "OverheadReservationOption",

        /// How spot capacity is bought; `None` is not at all.
        pub spot_strategy: Option<SpotStrategy> = "SpotStrategy",
        /// The highest hourly price, 3 decimals; for `SpotWithPriceLimit`.
        pub spot_price_limit: Option<f64> = "SpotPriceLimit",
        /// Hours of protection from being reclaimed: 1 (the cloud's default) or 0.
        pub spot_duration: Option<i64> = "SpotDuration",
        /// Do not fall back to pay as you go when there is no spot stock.
        pub strict_spot: Option<bool> = "StrictSpot",

        /// Whether containers that ended are started again; `None` is `Always`.
        pub restart_policy: Option<RestartPolicy> = "RestartPolicy",
        /// Seconds from SIGTERM to SIGKILL; `None` is 30.
        pub termination_grace_period_seconds: Option<i64> = "TerminationGracePeriodSeconds",
        /// Seconds after which the group is ended by force; `None` is never.
        pub active_deadline_seconds: Option<i64> = "ActiveDeadlineSeconds",
        /// Minutes the group may stay Pending before it fails, 10–1440; `None` is 240.
        pub max_pending_minute: Option<i32> = "MaxPendingMinute",

        /// Required. The containers, 20 at most.
        pub container: Vec<CreateContainer> = "Container",
        /// Containers that run to their end first, one after another.
        pub init_container: Vec<CreateInitContainer> = "InitContainer",
        /// The volumes containers may mount, 20 at most.
        pub volume: Vec<Volume> = "Volume",

        /// The RAM role containers can assume through the metadata address.
        pub ram_role_name: Option<String> = "RamRoleName",
        /// The host name; `None` is made from the group's name.
        pub host_name: Option<String> = "HostName",
        /// Whether containers see each other's processes; `None` is no.
        pub share_process_namespace: Option<bool> = "ShareProcessNamespace",
        /// Where core files go: a pattern of a path, not a pipe.
        pub core_pattern: Option<String> = "CorePattern",
        /// Time servers.
        pub ntp_server: Vec<String> = "NtpServer",
        /// How containers resolve names.
        pub dns_policy: Option<DnsPolicy> = "DnsPolicy",
        /// Resolvers and their options; all of it for `DnsPolicy::None`.
        pub dns_config: Option<DnsConfig> = "DnsConfig",
        /// Lines for `/etc/hosts`. The misspelling is the API's.
        pub host_aliase: Vec<HostAlias> = "HostAliase",
        /// Safe kernel parameters (`net.ipv4.ping_group_range` and its like).
        pub security_context: Option<SecurityContext> = "SecurityContext",
        /// Kernel parameters that are not known to be safe (`kernel.shm*`, `net.*`, …).
        pub host_security_context: Option<SecurityContext> = "HostSecurityContext",

        /// An elastic IP address that exists already.
        pub eip_instance_id: Option<String> = "EipInstanceId",
        /// Make an elastic IP address that lives and dies with the group.
        pub auto_create_eip: Option<bool> = "AutoCreateEip",
        /// Its bandwidth, Mbit/s; `None` is 5.
        pub eip_bandwidth: Option<i32> = "EipBandwidth",
        /// Its line; `None` is BGP.
        pub eip_isp: Option<EipIsp> = "EipISP",
        /// The bandwidth package it joins.
        pub eip_common_bandwidth_package: Option<String> = "EipCommonBandwidthPackage",
        /// IPv6 addresses; only 1 is possible.
        pub ipv6_address_count: Option<i32> = "Ipv6AddressCount",
        /// Whether the IPv6 address reaches the internet.
        pub ipv6_gateway_bandwidth_enable: Option<bool> = "Ipv6GatewayBandwidthEnable",
        /// Its bandwidth, Mbit/s as text, 1–2000 depending on the gateway.
        pub ipv6_gateway_bandwidth: Option<String> = "Ipv6GatewayBandwidth",
        /// The IPv4 address to use; needs a vSwitch and a security group.
        pub private_ip_address: Option<String> = "PrivateIpAddress",
        /// Keep the address for the next group of this name and vSwitch. Travels as the text `true`.
        pub fixed_ip: Option<bool> = "FixedIp",
        /// Hours an unused fixed address is kept; `None` is 48.
        pub fixed_ip_retain_hour: Option<i32> = "FixedIpRetainHour",
        /// Limit of incoming traffic, at least 0. The unit is disputed: bit/s by the SDKs, byte/s by the guide.
        pub ingress_bandwidth: Option<i64> = "IngressBandwidth",
        /// Limit of outgoing traffic; same unit.
        pub egress_bandwidth: Option<i64> = "EgressBandwidth",

        /// Passwords of image registries, 10 at most.
        pub image_registry_credential: Vec<ImageRegistryCredential> = "ImageRegistryCredential",
        /// Enterprise registries that need no password.
        pub acr_registry_info: Vec<AcrRegistryInfo> = "AcrRegistryInfo",
        /// Registries (`host[:port]`) that speak plain HTTP.
        pub plain_http_registry: Vec<String> = comma "PlainHttpRegistry",
        /// Registries (`host[:port]`) whose certificate is not checked.
        pub insecure_registry: Vec<String> = comma "InsecureRegistry",
        /// The image cache to use, `imc-…`.
        pub image_snapshot_id: Option<String> = "ImageSnapshotId",
        /// Find an image cache, or make one when none fits.
        pub auto_match_image_cache: Option<bool> = "AutoMatchImageCache",
        /// Start images before they are there in full.
        pub image_accelerate_mode: Option<ImageAccelerateMode> = "ImageAccelerateMode",
        /// The bucket of the data cache.
        pub data_cache_bucket: Option<String> = "DataCacheBucket",
        /// The performance level of data-cache disks; `None` is PL1.
        pub data_cache_pl: Option<String> = "DataCachePL",
        /// Provisioned IOPS of data-cache disks.
        pub data_cache_provisioned_iops: Option<i64> = "DataCacheProvisionedIops",
        /// Whether data-cache disks may burst.
        pub data_cache_bursting_enabled: Option<bool> = "DataCacheBurstingEnabled",
    }

    /// A tag: the only way to find groups by owner.
    pub struct Tag {
        /// At most 64 characters, not empty.
        pub key: String = "Key",
        /// At most 128 characters.
        pub value: String = "Value",
    }

    /// Memory kept back for the platform.
    pub struct OverheadReservationOption {
        /// Whether to keep it back.
        pub enable_overhead_reservation: Option<bool> = "EnableOverheadReservation",
    }

    /// Name resolution, 20 of each at most.
    pub struct DnsConfig {
        /// Addresses of resolvers.
        pub name_server: Vec<String> = "NameServer",
        /// Search domains.
        pub search: Vec<String> = "Search",
        /// Options of the resolver.
        pub option: Vec<DnsConfigOption> = "Option",
    }

    /// An option of the resolver, `ndots` for example.
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
        pub hostname: Vec<String> = "Hostname",
    }

    /// Kernel parameters of the group.
    pub struct SecurityContext {
        /// The parameters.
        pub sysctl: Vec<Sysctl> = "Sysctl",
    }

    /// A kernel parameter.
    pub struct Sysctl {
        /// Its name.
        pub name: String = "Name",
        /// Its value.
        pub value: String = "Value",
    }

    /// The password of an image registry.
    pub struct ImageRegistryCredential {
        /// The registry, without scheme.
        pub server: String = "Server",
        /// The user.
        pub user_name: String = "UserName",
        /// The password; never shown by `Debug`.
        pub password: Secret = "Password",
    }

    /// An enterprise registry that needs no password.
    pub struct AcrRegistryInfo {
        /// Its id.
        pub instance_id: Option<String> = "InstanceId",
        /// Its name.
        pub instance_name: Option<String> = "InstanceName",
        /// Its region; `None` is the group's.
        pub region_id: Option<String> = "RegionId",
        /// Its domains; empty means all.
        pub domain: Vec<String> = "Domain",
        /// The role of the service, for a registry of another account.
        pub arn_service: Option<String> = "ArnService",
        /// The role of the other account.
        pub arn_user: Option<String> = "ArnUser",
    }
}
