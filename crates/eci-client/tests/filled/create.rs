//! CreateContainerGroup with every field set.

use super::*;

pub(crate) fn create_container_group() -> CreateContainerGroupRequest {
    CreateContainerGroupRequest {
        container_group_name: text(),
        region_id: Some(text()),
        zone_id: Some(text()),
        v_switch_id: texts(),
        schedule_strategy: Some(ScheduleStrategy::VSwitchOrdered),
        security_group_id: Some(text()),
        resource_group_id: Some(text()),
        client_token: Some(text()),
        dry_run: Some(false),
        tag: tags(),
        cpu: Some(1.0),
        memory: Some(2.0),
        instance_type: texts(),
        compute_category: vec![ComputeCategory::Economy],
        cpu_architecture: Some(CpuArchitecture::Amd64),
        os_type: Some(OsType::Linux),
        cpu_options_core: Some(1),
        cpu_options_threads_per_core: Some(1),
        cpu_options_numa: Some(text()),
        gpu_driver_version: Some(text()),
        container_resource_view: Some(true),
        ephemeral_storage: Some(10),
        overhead_reservation_option: Some(OverheadReservationOption {
            enable_overhead_reservation: Some(true),
        }),
        spot_strategy: Some(SpotStrategy::NoSpot),
        spot_price_limit: Some(0.5),
        spot_duration: Some(1),
        strict_spot: Some(true),
        restart_policy: Some(RestartPolicy::Never),
        termination_grace_period_seconds: Some(30),
        active_deadline_seconds: Some(60),
        max_pending_minute: Some(10),
        container: vec![container()],
        init_container: vec![init_container()],
        volume: vec![volume()],
        ram_role_name: Some(text()),
        host_name: Some(text()),
        share_process_namespace: Some(true),
        core_pattern: Some(text()),
        ntp_server: texts(),
        dns_policy: Some(DnsPolicy::None),
        dns_config: Some(dns()),
        host_aliase: vec![HostAlias { ip: text(), hostname: texts() }],
        security_context: Some(sysctls()),
        host_security_context: Some(sysctls()),
        eip_instance_id: Some(text()),
        auto_create_eip: Some(true),
        eip_bandwidth: Some(5),
        eip_isp: Some(EipIsp::Bgp),
        eip_common_bandwidth_package: Some(text()),
        ipv6_address_count: Some(1),
        ipv6_gateway_bandwidth_enable: Some(true),
        ipv6_gateway_bandwidth: Some("2".into()),
        private_ip_address: Some(text()),
        fixed_ip: Some(true),
        fixed_ip_retain_hour: Some(48),
        ingress_bandwidth: Some(1),
        egress_bandwidth: Some(1),
        image_registry_credential: vec![credential()],
        acr_registry_info: vec![registry()],
        plain_http_registry: texts(),
        insecure_registry: texts(),
        image_snapshot_id: Some(text()),
        auto_match_image_cache: Some(true),
        image_accelerate_mode: Some(ImageAccelerateMode::Nydus),
        data_cache_bucket: Some(text()),
        data_cache_pl: Some(text()),
        data_cache_provisioned_iops: Some(1),
        data_cache_bursting_enabled: Some(true),
    }
}

fn sysctls() -> SecurityContext {
    SecurityContext { sysctl: vec![Sysctl { name: text(), value: text() }] }
}

fn container() -> CreateContainer {
    CreateContainer {
        name: text(),
        image: text(),
        image_pull_policy: Some(ImagePullPolicy::Always),
        cpu: Some(1.0),
        memory: Some(2.0),
        gpu: Some(1),
        command: texts(),
        arg: texts(),
        working_dir: Some(text()),
        environment_var: environment(),
        environment_var_hide: Some(true),
        port: ports(),
        volume_mount: mounts(),
        stdin: Some(true),
        stdin_once: Some(true),
        tty: Some(true),
        termination_message_path: Some(text()),
        termination_message_policy: Some(TerminationMessagePolicy::File),
        security_context: Some(container_security()),
        security_context_run_as_group: Some(1),
        security_context_run_as_non_root: Some(true),
        security_context_privileged: Some(true),
        liveness_probe: Some(probe()),
        readiness_probe: Some(probe()),
        lifecycle_post_start_handler: Some(handler()),
        lifecycle_pre_stop_handler: Some(handler()),
    }
}

fn init_container() -> CreateInitContainer {
    CreateInitContainer {
        name: text(),
        image: text(),
        image_pull_policy: Some(ImagePullPolicy::Always),
        cpu: Some(1.0),
        memory: Some(2.0),
        gpu: Some(1),
        command: texts(),
        arg: texts(),
        working_dir: Some(text()),
        environment_var: environment(),
        port: ports(),
        volume_mount: mounts(),
        termination_message_path: Some(text()),
        termination_message_policy: Some(TerminationMessagePolicy::File),
        security_context: Some(container_security()),
    }
}

fn volume() -> Volume {
    Volume {
        name: text(),
        r#type: VolumeType::EmptyDir,
        empty_dir_volume: Some(EmptyDirVolume {
            medium: Some(EmptyDirMedium::Memory),
            size_limit: Some(text()),
        }),
        config_file_volume: Some(ConfigFileVolume {
            default_mode: Some(FileMode(0o644)),
            config_file_to_path: vec![ConfigFileToPath {
                path: text(),
                content: secret(),
                mode: Some(FileMode(0o400)),
            }],
        }),
        nfs_volume: Some(NfsVolume { server: text(), path: text(), read_only: Some(true) }),
        flex_volume: Some(FlexVolume { driver: text(), fs_type: Some(text()), options: Some(secret()) }),
        host_path_volume: Some(HostPathVolume { path: text(), r#type: Some(HostPathType::File) }),
        disk_volume: Some(DiskVolume { disk_id: Some(text()), disk_size: Some(20), fs_type: Some(text()) }),
    }
}
