//! Reads off a request what a container needs to run: command, user, limits, mounts, probes and hooks.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::probe::{Check, Probe};
use crate::group::{ContainerKind, Facts};
use crate::params::Node;
use crate::settings::FileMode;

/// The resolvers of a VPC; nothing answers there, as nothing leaves this machine.
const NAME_SERVERS: &[&str] = &["100.100.2.136", "100.100.2.138"];

/// What all containers of a group share.
#[derive(Clone, Debug)]
pub(super) struct GroupSpec {
    pub(super) id: String,
    pub(super) host_name: String,
    pub(super) address: Ipv4Addr,
    pub(super) hosts: String,
    pub(super) resolv_conf: String,
    pub(super) sysctls: BTreeMap<String, String>,
    pub(super) volumes: Vec<Volume>,
    pub(super) grace: Duration,
    /// Bytes of memory that all its containers have together.
    pub(super) memory: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Volume {
    pub(super) name: String,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// An empty folder: emptyDir, and disks, which come empty.
    Empty,
    /// An empty folder in memory, of so many bytes where that is limited.
    Memory(Option<u64>),
    /// Files that nobody changes: path, content, mode.
    Files(Vec<(String, Vec<u8>, u32)>),
    /// A kind of volume that only the cloud has.
    Unknown(String),
}

#[derive(Clone, Debug)]
pub(super) struct ContainerSpec {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) command: Vec<String>,
    pub(super) arguments: Vec<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) directory: String,
    pub(super) user: Option<u32>,
    pub(super) user_group: Option<u32>,
    pub(super) must_not_be_root: bool,
    pub(super) capabilities: Vec<String>,
    pub(super) is_privileged: bool,
    pub(super) root_is_read_only: bool,
    /// Cores and bytes; `None` is without limit.
    pub(super) cpu: Option<f64>,
    pub(super) memory: Option<u64>,
    pub(super) mounts: Vec<Mount>,
    pub(super) termination_message_path: String,
    pub(super) falls_back_to_logs: bool,
    pub(super) liveness: Option<Probe>,
    pub(super) readiness: Option<Probe>,
    pub(super) post_start: Option<Check>,
    pub(super) pre_stop: Option<Check>,
}

#[derive(Clone, Debug)]
pub(super) struct Mount {
    pub(super) volume: String,
    pub(super) path: String,
    pub(super) sub_path: String,
    pub(super) is_read_only: bool,
}

pub(super) fn group(facts: &Facts, file_mode: FileMode) -> GroupSpec {
    let root = facts.root();
    let host_name = root.text("HostName").filter(|name| !name.is_empty()).unwrap_or(facts.name());
    let sysctls =
        root.items("SecurityContext.Sysctl").into_iter().chain(root.items("HostSecurityContext.Sysctl"));
    GroupSpec {
        id: facts.id.clone(),
        host_name: host_name.to_owned(),
        address: facts.address,
        hosts: hosts(&root, facts.address, host_name),
        resolv_conf: resolv_conf(&root),
        sysctls: sysctls.map(|node| (node.text_or_empty("Name"), node.text_or_empty("Value"))).collect(),
        volumes: root.items("Volume").into_iter().map(|node| volume(node, file_mode)).collect(),
        grace: Duration::try_from(facts.grace()).unwrap_or_default(),
        memory: bytes_of_gib(facts.size.memory),
    }
}

pub(super) fn container(facts: &Facts, kind: ContainerKind, index: usize) -> ContainerSpec {
    let root = facts.root();
    let list = root.items(kind.list());
    let node = list[index];
    let (_, surroundings) = facts.program(kind, index);
    let positive = |name: &str| node.number::<f64>(name).filter(|number| *number > 0.0);
    ContainerSpec {
        name: node.text_or_empty("Name"),
        image: node.text_or_empty("Image"),
        command: node.texts("Command"),
        arguments: node.texts("Arg"),
        variables: surroundings.variables,
        directory: node.text_or_empty("WorkingDir"),
        user: node.number("SecurityContext.RunAsUser"),
        user_group: node.number("SecurityContextRunAsGroup"),
        must_not_be_root: node.flag("SecurityContextRunAsNonRoot"),
        capabilities: node.texts("SecurityContext.Capability.Add"),
        is_privileged: node.flag("SecurityContextPrivileged"),
        root_is_read_only: node.flag("SecurityContext.ReadOnlyRootFilesystem"),
        cpu: positive("Cpu"),
        memory: positive("Memory").map(bytes_of_gib),
        mounts: node.items("VolumeMount").into_iter().map(mount).collect(),
        termination_message_path: surroundings.termination_message_path,
        falls_back_to_logs: facts.falls_back_to_logs(kind, index),
        liveness: node.member("LivenessProbe").and_then(probe),
        readiness: node.member("ReadinessProbe").and_then(probe),
        post_start: hook(node, "LifecyclePostStartHandler"),
        pre_stop: hook(node, "LifecyclePreStopHandler"),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive, and far below the limit"
)]
fn bytes_of_gib(gib: f64) -> u64 {
    (gib * f64::from(1u32 << 30)) as u64
}

fn mount(node: &Node<'_>) -> Mount {
    Mount {
        volume: node.text_or_empty("Name"),
        path: node.text_or_empty("MountPath"),
        sub_path: node.text_or_empty("SubPath"),
        is_read_only: node.flag("ReadOnly"),
    }
}

fn probe(node: &Node<'_>) -> Option<Probe> {
    let seconds = |name: &str, default| Duration::from_secs(node.number(name).unwrap_or(default));
    let check = if node.has("HttpGet") {
        Check::Http {
            host: String::new(),
            port: node.number("HttpGet.Port")?,
            path: node.text_or_empty("HttpGet.Path"),
            is_https: node.text("HttpGet.Scheme") == Some("HTTPS"),
        }
    } else if let Some(port) = node.number("TcpSocket.Port") {
        Check::Tcp { host: String::new(), port }
    } else {
        Check::Exec(node.texts("Exec.Command"))
    };
    Some(Probe {
        check,
        initial_delay: seconds("InitialDelaySeconds", 0),
        period: seconds("PeriodSeconds", 10).max(Duration::from_millis(100)),
        timeout: seconds("TimeoutSeconds", 1),
        failure_threshold: node.number("FailureThreshold").unwrap_or(3),
    })
}

fn hook(node: &Node<'_>, prefix: &str) -> Option<Check> {
    let name = |rest: &str| format!("{prefix}{rest}");
    let command = node.texts(&name("Exec"));
    if !command.is_empty() {
        return Some(Check::Exec(command));
    }
    if let Some(port) = node.number(&name("HttpGetPort")) {
        let host = node.text_or_empty(&name("HttpGetHost"));
        let is_https = node.text(&name("HttpGetScheme")) == Some("HTTPS");
        return Some(Check::Http { host, port, path: node.text_or_empty(&name("HttpGetPath")), is_https });
    }
    let port = node.number(&name("TcpSocketPort"))?;
    Some(Check::Tcp { host: node.text_or_empty(&name("TcpSocketHost")), port })
}

fn volume(node: &Node<'_>, file_mode: FileMode) -> Volume {
    let content = match node.text("Type").unwrap_or_default() {
        "EmptyDirVolume" if node.text("EmptyDirVolume.Medium") == Some("Memory") => {
            Content::Memory(node.text("EmptyDirVolume.SizeLimit").and_then(bytes_of))
        }
        "EmptyDirVolume" | "DiskVolume" => Content::Empty,
        "ConfigFileVolume" => Content::Files(files(node, file_mode)),
        other => Content::Unknown(other.to_owned()),
    };
    Volume { name: node.text_or_empty("Name"), content }
}

/// `256Mi`, `1G`, `4096`.
fn bytes_of(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("", 1),
    ];
    let of_unit = |(unit, size): &(&str, u64)| {
        let number: u64 = text.trim().strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*size)
    };
    UNITS.iter().find_map(of_unit)
}

fn files(node: &Node<'_>, file_mode: FileMode) -> Vec<(String, Vec<u8>, u32)> {
    let mode = |text: Option<&str>| {
        let radix = match file_mode {
            FileMode::Octal => 8,
            FileMode::Decimal => 10,
        };
        text.and_then(|text| u32::from_str_radix(text.trim(), radix).ok()).filter(|mode| *mode > 0)
    };
    let default = mode(node.text("ConfigFileVolume.DefaultMode")).unwrap_or(0o644);
    let file = |file: &Node<'_>| {
        let content = STANDARD.decode(file.text("Content").unwrap_or_default()).unwrap_or_default();
        (file.text_or_empty("Path"), content, mode(file.text("Mode")).unwrap_or(default))
    };
    node.items("ConfigFileVolume.ConfigFileToPath").into_iter().map(file).collect()
}

fn hosts(root: &Node<'_>, address: Ipv4Addr, host_name: &str) -> String {
    let mut text = format!("127.0.0.1\tlocalhost\n::1\tlocalhost\n{address}\t{host_name}\n");
    for alias in root.items("HostAliase") {
        let names = alias.texts("Hostname").join("\t");
        text.push_str(&format!("{}\t{names}\n", alias.text_or_empty("Ip")));
    }
    text
}

fn resolv_conf(root: &Node<'_>) -> String {
    let mut servers = root.texts("DnsConfig.NameServer");
    if servers.is_empty() && root.text("DnsPolicy") != Some("None") {
        servers = NAME_SERVERS.iter().map(|server| (*server).to_owned()).collect();
    }
    let mut text: String = servers.iter().map(|server| format!("nameserver {server}\n")).collect();
    let searches = root.texts("DnsConfig.Search");
    if !searches.is_empty() {
        text.push_str(&format!("search {}\n", searches.join(" ")));
    }
    let options = root.items("DnsConfig.Option").into_iter().map(|option| match option.text("Value") {
        Some(value) if !value.is_empty() => format!("{}:{value}", option.text_or_empty("Name")),
        _ => option.text_or_empty("Name"),
    });
    let options: Vec<String> = options.collect();
    if !options.is_empty() {
        text.push_str(&format!("options {}\n", options.join(" ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_either_kind_of_unit() {
        let sizes = ["256Mi", "1G", "4096", "2Gi", "many", "1Zi"].map(bytes_of);
        assert_eq!(sizes, [Some(256 << 20), Some(1_000_000_000), Some(4096), Some(2 << 30), None, None]);
    }
}
