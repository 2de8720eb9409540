//! Works out how a pod is called and how it finds others: host name, `/etc/hosts`, resolvers.

use k8s_openapi::api::core::v1 as corev1;

use eci_client::model::DnsPolicy;
use eci_client::model::request::{DnsConfig, DnsConfigOption, HostAlias};

use super::Context;
use super::report::{Path, Report, items};
use crate::limits;

/// Resolvers a pod may have; Kubernetes' limit, which is the C library's.
const NAME_SERVERS: usize = 3;
/// Search domains a pod may have, Kubernetes' limit.
const SEARCHES: usize = 32;
/// Characters that all search domains may have with the spaces between them, Kubernetes' limit.
const SEARCH_CHARS: usize = 2048;

/// The pod's name as its kernel will tell it.
pub(crate) fn host_name(context: &Context<'_>, report: &mut Report) -> String {
    let spec = context.spec;
    let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if set(&spec.subdomain).is_some() {
        let path = Path::spec().field("subdomain");
        report.reject_on(
            &Path::spec(),
            "setHostnameAsFQDN",
            spec.set_hostname_as_fqdn,
            "ECI takes no domain name as host name",
        );
        report.ignore(
            path,
            "the pod's own /etc/hosts lacks its fully qualified name; the cluster's DNS has it",
        );
    }
    if let Some(name) = set(&spec.hostname_override) {
        return name;
    }
    let name = set(&spec.hostname).unwrap_or_else(|| context.key.name.clone());
    let cut: String = name.chars().take(limits::HOST_NAME_CHARS).collect();
    cut.trim_end_matches(['-', '.']).to_owned()
}

/// Lines for `/etc/hosts`.
pub(crate) fn host_aliases(spec: &corev1::PodSpec, report: &mut Report) -> Vec<HostAlias> {
    let aliases = items(spec.host_aliases.as_ref());
    if aliases.len() > limits::HOST_ALIASES {
        let reason = format!("ECI takes at most {}", limits::HOST_ALIASES);
        report.reject(&Path::spec().field("hostAliases"), reason);
    }
    let mut lines = Vec::new();
    for (index, corev1::HostAlias { hostnames, ip }) in aliases.iter().enumerate() {
        let hostname = items(hostnames.as_ref()).to_vec();
        if hostname.len() > limits::HOST_NAMES {
            let reason = format!("ECI takes at most {} names a line", limits::HOST_NAMES);
            report.reject(&Path::spec().item("hostAliases", index).field("hostnames"), reason);
        }
        lines.push(HostAlias { ip: ip.clone(), hostname });
    }
    lines
}

/// How names are resolved. ECI knows only its own resolvers and given ones, so the cluster's are spelled out.
pub(crate) fn dns(context: &Context<'_>, report: &mut Report) -> (DnsPolicy, Option<DnsConfig>) {
    let path = Path::spec();
    let placement = context.placement;
    let own = context.spec.dns_config.as_ref().filter(|config| **config != corev1::PodDNSConfig::default());
    let policy = context.spec.dns_policy.as_deref().unwrap_or("ClusterFirst");
    let base = match policy {
        "None" => Some(DnsConfig::default()),
        "Default" => None,
        "ClusterFirst" | "ClusterFirstWithHostNet" if placement.cluster_dns.is_empty() => {
            let reason = "has no effect: the address of the cluster's DNS is not known to the virtual node, so the \
                          VPC's resolvers are used";
            report.ignore(path.field("dnsPolicy"), reason);
            None
        }
        "ClusterFirst" | "ClusterFirstWithHostNet" => Some(cluster_first(context)),
        _ => {
            report.reject(
                &path.field("dnsPolicy"),
                "is none of ClusterFirst, ClusterFirstWithHostNet, Default, None",
            );
            None
        }
    };
    match (base, own) {
        (Some(base), own) => {
            let merged = own.into_iter().fold(base, merged);
            (DnsPolicy::None, Some(within_limits(merged, report)))
        }
        (None, Some(_)) => {
            let reason = "ECI cannot add to the VPC's resolvers; use dnsPolicy None and name all of them";
            report.reject(&path.field("dnsConfig"), reason);
            (DnsPolicy::Default, None)
        }
        (None, None) => (DnsPolicy::Default, None),
    }
}

fn cluster_first(context: &Context<'_>) -> DnsConfig {
    let (namespace, domain) = (&context.key.namespace, &context.placement.cluster_domain);
    let searches = [format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.clone()];
    DnsConfig {
        name_server: context.placement.cluster_dns.clone(),
        search: if domain.is_empty() { Vec::new() } else { searches.into() },
        option: vec![DnsConfigOption { name: "ndots".to_owned(), value: Some("5".to_owned()) }],
    }
}

/// Adds the pod's own: resolvers and domains that are not there yet, options by name.
fn merged(mut config: DnsConfig, own: &corev1::PodDNSConfig) -> DnsConfig {
    let corev1::PodDNSConfig { nameservers, options, searches } = own;
    config.name_server.extend_from_slice(items(nameservers.as_ref()));
    config.search.extend_from_slice(items(searches.as_ref()));
    for list in [&mut config.name_server, &mut config.search] {
        let mut seen = std::collections::BTreeSet::new();
        list.retain(|item| seen.insert(item.clone()));
    }
    for corev1::PodDNSConfigOption { name, value } in items(options.as_ref()) {
        let name = name.clone().unwrap_or_default();
        let value = value.clone().filter(|value| !value.is_empty());
        config.option.retain(|option| option.name != name);
        config.option.push(DnsConfigOption { name, value });
    }
    config
}

/// Cuts the lists to what Kubernetes allows a pod, and says so.
fn within_limits(mut config: DnsConfig, report: &mut Report) -> DnsConfig {
    let mut chars = 0;
    let fitting = config.search.iter().take(SEARCHES).take_while(|domain| {
        chars += domain.len() + 1;
        chars <= SEARCH_CHARS + 1
    });
    let searches = fitting.count();
    let servers = config.name_server.len().min(NAME_SERVERS);
    if searches < config.search.len() || servers < config.name_server.len() {
        let reason =
            "resolvers beyond the third and search domains beyond the 32nd or 2048 characters are left out";
        report.ignore(Path::spec().field("dnsConfig"), reason);
    }
    config.search.truncate(searches);
    config.name_server.truncate(servers);
    config
}
