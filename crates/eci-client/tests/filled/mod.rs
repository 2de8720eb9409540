//! Makes requests with every field set; a new field that is not listed here does not compile.

#![allow(dead_code, unused_imports, reason = "each test target uses a part of it")]

use eci_client::model::*;
use jiff::Timestamp;
use serde_json::Value;

mod account;
#[cfg(feature = "client-core")]
mod answered;
mod cache;
mod container_group;
mod create;
mod update;

pub(crate) use self::account::*;
pub(crate) use self::cache::*;
pub(crate) use self::container_group::*;
pub(crate) use self::create::create_container_group;
pub(crate) use self::update::update_container_group;

/// The text that stands for every secret.
pub(crate) const SECRET: &str = "s3cr3t-value";

/// What the tests ask of each action.
pub(crate) struct Row {
    pub(crate) action: &'static str,
    /// The parameters of the request with every field set.
    pub(crate) parameters: Parameters,
    /// `Debug` of that request.
    pub(crate) shown: String,
    /// Reads a reply and shows it by `Debug`.
    pub(crate) read: fn(&Value) -> Result<String, String>,
    /// The same of a text.
    pub(crate) read_text: fn(&str) -> Result<String, String>,
    /// Has a client call the action and read this answer, and shows it by `Debug`.
    #[cfg(feature = "client-core")]
    pub(crate) called: answered::Caller,
}

/// Every action.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        row(commit_container()),
        row(copy_data_cache()),
        row(create_container_group()),
        row(create_data_cache()),
        row(create_image_cache()),
        row(create_instance_ops_task()),
        row(create_virtual_node()),
        row(delete_container_group()),
        row(delete_data_cache()),
        row(delete_image_cache()),
        row(delete_virtual_node()),
        row(describe_available_resource()),
        row(describe_commit_container_task()),
        row(describe_container_group_events()),
        row(describe_container_group_metric()),
        row(describe_container_group_price()),
        row(describe_container_group_status()),
        row(describe_container_groups()),
        row(describe_container_log()),
        row(describe_data_caches()),
        row(describe_image_caches()),
        row(describe_instance_ops_records()),
        row(describe_multi_container_group_metric()),
        row(describe_regions()),
        row(describe_virtual_nodes()),
        row(exec_container_command()),
        row(list_tag_resources()),
        row(list_usage()),
        row(resize_container_group_volume()),
        row(restart_container_group()),
        row(tag_resources()),
        row(untag_resources()),
        row(update_container_group()),
        row(update_data_cache()),
        row(update_image_cache()),
        row(update_virtual_node()),
    ]
}

fn row<A>(request: A) -> Row
where
    A: Action + std::fmt::Debug + 'static,
    A::Reply: std::fmt::Debug,
{
    Row {
        #[cfg(feature = "client-core")]
        called: answered::caller(request.clone()),
        action: A::NAME,
        parameters: request.parameters(),
        shown: format!("{request:?} {request:#?}"),
        read: |value| read::<A>(&value.to_string()),
        read_text: read::<A>,
    }
}

fn read<A: Action>(text: &str) -> Result<String, String>
where
    A::Reply: std::fmt::Debug,
{
    let reply: Result<A::Reply, _> = serde_json::from_str(text);
    reply.map(|reply| format!("{reply:?}")).map_err(|error| error.to_string())
}

fn text() -> String {
    "text".to_owned()
}

fn texts() -> Vec<String> {
    vec![text()]
}

fn secret() -> Secret {
    Secret::new(SECRET)
}

fn time() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().expect("a time")
}

fn tags() -> Vec<Tag> {
    vec![Tag { key: text(), value: text() }]
}

fn credential() -> ImageRegistryCredential {
    ImageRegistryCredential { server: text(), user_name: text(), password: secret() }
}

fn registry() -> AcrRegistryInfo {
    AcrRegistryInfo {
        instance_id: Some(text()),
        instance_name: Some(text()),
        region_id: Some(text()),
        domain: texts(),
        arn_service: Some(text()),
        arn_user: Some(text()),
    }
}

fn update_registry() -> UpdateAcrRegistryInfo {
    UpdateAcrRegistryInfo {
        instance_id: Some(text()),
        instance_name: Some(text()),
        region_id: Some(text()),
        domain: texts(),
    }
}

fn dns() -> DnsConfig {
    DnsConfig {
        name_server: texts(),
        search: texts(),
        option: vec![DnsConfigOption { name: text(), value: Some(text()) }],
    }
}

fn environment() -> Vec<EnvironmentVar> {
    vec![EnvironmentVar {
        key: text(),
        value: Some(secret()),
        field_ref: Some(FieldRef { field_path: text() }),
    }]
}

fn ports() -> Vec<ContainerPort> {
    vec![ContainerPort { port: 80, protocol: Some(Protocol::Tcp) }]
}

fn mounts() -> Vec<VolumeMount> {
    vec![VolumeMount {
        name: text(),
        mount_path: text(),
        sub_path: Some(text()),
        read_only: Some(true),
        mount_propagation: Some(MountPropagation::None),
    }]
}

fn container_security() -> ContainerSecurityContext {
    ContainerSecurityContext {
        capability: Some(Capability { add: texts() }),
        read_only_root_filesystem: Some(true),
        run_as_user: Some(1),
    }
}

fn probe() -> Probe {
    Probe {
        exec: Some(Exec { command: texts() }),
        http_get: Some(HttpGet { path: Some(text()), port: 80, scheme: Some(Scheme::Http) }),
        tcp_socket: Some(TcpSocket { port: 80 }),
        initial_delay_seconds: Some(1),
        period_seconds: Some(1),
        timeout_seconds: Some(1),
        success_threshold: Some(1),
        failure_threshold: Some(1),
    }
}

fn handler() -> LifecycleHandler {
    LifecycleHandler {
        exec: texts(),
        http_get_host: Some(text()),
        http_get_path: Some(text()),
        http_get_port: Some(80),
        http_get_scheme: Some(Scheme::Http),
        http_get_http_header: vec![HttpHeader { name: text(), value: secret() }],
        tcp_socket_host: Some(text()),
        tcp_socket_port: Some(80),
    }
}
