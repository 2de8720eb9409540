//! Reads the settings, by environment and by flags, and checks all of them before anything starts.
//!
//! The names are those of the install guide (`ECI_VSWITCH`, ...). Secrets come by environment only: flags are seen by
//! everybody who may list processes. A setting that is missing or malformed is told in one line that names it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use eci_client::transport::Proxies;
use eci_client::{AccessKey, HyperTransport};
use vk_node::node::NodeTaint;

use crate::logging::{LogFormat, Logging, is_filter};

/// Settings of `virtual-node run`. Everything can be given as a flag or by environment, secrets by environment only:
/// ECI_ACCESS_KEY, ECI_SECRET_KEY and, for temporary keys, ECI_SECURITY_TOKEN.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RunArgs {
    /// Region of the instances, such as cn-hangzhou. Required.
    #[arg(long, env = "ECI_REGION", value_name = "REGION")]
    region: Option<String>,
    /// vSwitches of the instances, up to 10 of one VPC, separated by commas. Required.
    #[arg(long, env = "ECI_VSWITCH", value_name = "VSW[,VSW]")]
    vswitch: Option<String>,
    /// Security group of the instances. Required.
    #[arg(long, env = "ECI_SECURITY_GROUP", value_name = "SG")]
    security_group: Option<String>,
    /// Resource group of the instances; the account's default unless given.
    #[arg(long, env = "ALIYUN_RESOURCEGROUP_ID", value_name = "RG")]
    resource_group: Option<String>,
    /// Where the ECI API answers: https://HOST, or http://HOST:PORT for a simulator. The region's public endpoint
    /// unless given; https://eci-vpc.REGION.aliyuncs.com is the one inside a VPC.
    #[arg(long, env = "ECI_ENDPOINT", value_name = "URL")]
    eci_endpoint: Option<String>,
    /// HOST or HOST:PORT by which pods reach the Kubernetes API server; the address of the service
    /// default/kubernetes unless given, which only works where instances can reach cluster addresses.
    #[arg(long, env = "ECI_APISERVER_ENDPOINT", value_name = "HOST[:PORT]")]
    apiserver_endpoint: Option<String>,
    /// Identity of the cluster in the tags of its instances; the UID of the namespace kube-system unless given.
    /// Two clusters of one account must differ.
    #[arg(long, env = "ALIYUN_CLUSTERID", value_name = "ID")]
    cluster_id: Option<String>,
    /// Addresses of the cluster's DNS service, separated by commas; of the service kube-system/kube-dns unless given.
    #[arg(long, env = "CLUSTER_DNS", value_name = "IP[,IP]")]
    cluster_dns: Option<String>,
    /// Domain of the cluster.
    #[arg(long, env = "CLUSTER_DOMAIN", value_name = "DOMAIN", default_value = "cluster.local")]
    cluster_domain: Option<String>,
    /// Name of the node.
    #[arg(long, env = "NODE_NAME", value_name = "NAME", default_value = "virtual-kubelet")]
    node_name: Option<String>,
    /// Address of the node, at which the API server reaches the kubelet port; found from the route to the API server
    /// unless given.
    #[arg(long, env = "NODE_IP", value_name = "IP")]
    node_ip: Option<String>,
    /// Zone of the node, shown as topology.kubernetes.io/zone.
    #[arg(long, env = "NODE_ZONE", value_name = "ZONE")]
    node_zone: Option<String>,
    /// Labels of the node beside the usual ones: KEY=VALUE, separated by commas.
    #[arg(long, env = "NODE_LABELS", value_name = "KEY=VALUE[,...]")]
    node_labels: Option<String>,
    /// CPUs that the node offers.
    #[arg(long, env = "ECI_QUOTA_CPU", value_name = "QUANTITY")]
    capacity_cpu: Option<String>,
    /// Memory that the node offers.
    #[arg(long, env = "ECI_QUOTA_MEMORY", value_name = "QUANTITY")]
    capacity_memory: Option<String>,
    /// Pods that the node offers to run.
    #[arg(long, env = "ECI_QUOTA_POD", value_name = "COUNT")]
    capacity_pods: Option<String>,
    /// Ephemeral storage that the node offers.
    #[arg(long, env = "ECI_QUOTA_EPHEMERAL_STORAGE", value_name = "QUANTITY")]
    capacity_ephemeral_storage: Option<String>,
    /// GPUs (nvidia.com/gpu) that the node offers.
    #[arg(long, env = "ECI_QUOTA_GPU", value_name = "COUNT")]
    capacity_gpu: Option<String>,
    /// The node carries no taint that keeps ordinary pods away.
    #[arg(long, env = "VKUBELET_DISABLE_TAINT", action = clap::ArgAction::SetTrue)]
    disable_taint: bool,
    /// Key of the node's taint.
    #[arg(long, env = "VKUBELET_TAINT_KEY", value_name = "KEY")]
    taint_key: Option<String>,
    /// Value of the node's taint.
    #[arg(long, env = "VKUBELET_TAINT_VALUE", value_name = "VALUE")]
    taint_value: Option<String>,
    /// Effect of the node's taint: NoSchedule, PreferNoSchedule or NoExecute.
    #[arg(long, env = "VKUBELET_TAINT_EFFECT", value_name = "EFFECT")]
    taint_effect: Option<String>,
    /// Address at which the kubelet API listens; all addresses unless given.
    #[arg(long, env = "KUBELET_ADDRESS", value_name = "IP", default_value = "0.0.0.0")]
    kubelet_address: Option<String>,
    /// Port of the kubelet API; 0 takes a free one.
    #[arg(long, env = "KUBELET_PORT", value_name = "PORT", default_value = "10250")]
    kubelet_port: Option<String>,
    /// Certificate of the kubelet API (PEM), read again when it changes; self-signed at each start unless given.
    #[arg(long, env = "APISERVER_CERT_LOCATION", value_name = "FILE")]
    kubelet_tls_cert: Option<PathBuf>,
    /// Key of that certificate (PEM).
    #[arg(long, env = "APISERVER_KEY_LOCATION", value_name = "FILE")]
    kubelet_tls_key: Option<PathBuf>,
    /// Where /metrics, /livez and /readyz are served over plain HTTP.
    #[arg(long, env = "HTTP_LISTEN", value_name = "IP:PORT", default_value = "0.0.0.0:8080")]
    http_listen: Option<String>,
    /// Credentials for the Kubernetes API; the pod's service account unless given.
    #[arg(long, env = "KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value = "text")]
    log_format: Option<LogFormat>,
    /// What is logged: a level, or directives such as vk_node=debug,info.
    #[arg(long, env = "LOG_LEVEL", value_name = "FILTER", default_value = "info")]
    log_level: Option<String>,
    #[arg(skip)]
    secrets: Secrets,
    #[arg(skip)]
    proxies: Proxies,
}

/// What comes by environment only. Does not print.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    access_key: Option<String>,
    secret_key: Option<String>,
    security_token: Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets([REDACTED])")
    }
}

impl Secrets {
    fn from_environment() -> Self {
        let read = |name: &str| std::env::var(name).ok();
        Self {
            access_key: read("ECI_ACCESS_KEY"),
            secret_key: read("ECI_SECRET_KEY"),
            security_token: read("ECI_SECURITY_TOKEN"),
        }
    }
}

/// A setting that cannot be used. The text is one line: what is wrong with which setting, and what would be right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingError {
    #[error("{name} is not set: {what}")]
    Missing { name: &'static str, what: &'static str },
    /// Never shows the value: it may have been put into the wrong variable.
    #[error("{name} is malformed: {expected}")]
    Malformed { name: &'static str, expected: &'static str },
}

/// What `run` works with, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) region: String,
    pub(crate) v_switches: Vec<String>,
    pub(crate) security_group: String,
    pub(crate) resource_group: Option<String>,
    pub(crate) access_key: AccessKey,
    /// What carries the calls to the cloud, through proxies where there are any.
    pub(crate) transport: HyperTransport,
    pub(crate) eci_endpoint: Option<String>,
    pub(crate) api_server_endpoint: Option<String>,
    pub(crate) cluster_id: Option<String>,
    pub(crate) cluster_dns: Option<Vec<String>>,
    pub(crate) cluster_domain: String,
    pub(crate) node: NodeArgs,
    pub(crate) kubelet: KubeletArgs,
    pub(crate) http_listen: SocketAddr,
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) logging: Logging,
}

/// What the Node object says.
#[derive(Clone, Debug)]
pub(crate) struct NodeArgs {
    pub(crate) name: String,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) zone: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) taint: Option<NodeTaint>,
    pub(crate) cpu: Option<String>,
    pub(crate) memory: Option<String>,
    pub(crate) pods: Option<String>,
    pub(crate) ephemeral_storage: Option<String>,
    pub(crate) gpu: Option<String>,
}

/// Where the kubelet API listens, and with which certificate.
#[derive(Clone, Debug)]
pub(crate) struct KubeletArgs {
    pub(crate) listen: SocketAddr,
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

impl Settings {
    /// Checks what was given on the command line and by environment.
    pub(crate) fn from_args(mut args: RunArgs) -> Result<Self, SettingError> {
        args.secrets = Secrets::from_environment();
        args.proxies = Proxies::from_environment();
        Self::check(args)
    }

    fn check(args: RunArgs) -> Result<Self, SettingError> {
        // In full, so that a new argument cannot be forgotten here.
        let RunArgs {
            region,
            vswitch,
            security_group,
            resource_group,
            eci_endpoint,
            apiserver_endpoint,
            cluster_id,
            cluster_dns,
            cluster_domain,
            node_name,
            node_ip,
            node_zone,
            node_labels,
            capacity_cpu,
            capacity_memory,
            capacity_pods,
            capacity_ephemeral_storage,
            capacity_gpu,
            disable_taint,
            taint_key,
            taint_value,
            taint_effect,
            kubelet_address,
            kubelet_port,
            kubelet_tls_cert,
            kubelet_tls_key,
            http_listen,
            kubeconfig,
            log_format,
            log_level,
            secrets,
            proxies,
        } = args;
        let kubelet_address: IpAddr =
            parsed("KUBELET_ADDRESS", kubelet_address, "0.0.0.0", "an IP address to listen at")?;
        let kubelet_port: u16 =
            parsed("KUBELET_PORT", kubelet_port, "10250", "a port number from 0 to 65535")?;
        Ok(Self {
            region: region_id(region)?,
            v_switches: v_switches(vswitch)?,
            security_group: id(
                "ECI_SECURITY_GROUP (--security-group)",
                "sg-",
                required(
                    "ECI_SECURITY_GROUP (--security-group)",
                    security_group,
                    "the security group of the instances, such as sg-2ze0b9o8pjjzts4h",
                )?,
            )?,
            resource_group: set(resource_group),
            access_key: access_key(secrets)?,
            transport: HyperTransport::builder().proxies(proxies).build().map_err(|_| {
                malformed(
                    "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY",
                    "a proxy such as http://proxy.example:3128, or https://user:password@proxy.example",
                )
            })?,
            eci_endpoint: endpoint(set(eci_endpoint))?,
            api_server_endpoint: api_server(set(apiserver_endpoint))?,
            cluster_id: set(cluster_id).map(cluster_id_checked).transpose()?,
            cluster_dns: set(cluster_dns).map(|text| addresses(&text)).transpose()?,
            cluster_domain: set(cluster_domain).unwrap_or_else(|| "cluster.local".to_owned()),
            node: NodeArgs {
                name: node_name_checked(set(node_name).unwrap_or_else(|| "virtual-kubelet".to_owned()))?,
                ip: set(node_ip)
                    .map(|text| text.parse())
                    .transpose()
                    .map_err(|_| malformed("NODE_IP (--node-ip)", "an IP address, such as 10.0.0.7"))?,
                zone: set(node_zone),
                labels: labels(set(node_labels))?,
                taint: if disable_taint { None } else { Some(taint(taint_key, taint_value, taint_effect)?) },
                cpu: quantity("ECI_QUOTA_CPU (--capacity-cpu)", capacity_cpu)?,
                memory: quantity("ECI_QUOTA_MEMORY (--capacity-memory)", capacity_memory)?,
                pods: quantity("ECI_QUOTA_POD (--capacity-pods)", capacity_pods)?,
                ephemeral_storage: quantity(
                    "ECI_QUOTA_EPHEMERAL_STORAGE (--capacity-ephemeral-storage)",
                    capacity_ephemeral_storage,
                )?,
                gpu: quantity("ECI_QUOTA_GPU (--capacity-gpu)", capacity_gpu)?,
            },
            kubelet: KubeletArgs {
                listen: SocketAddr::new(kubelet_address, kubelet_port),
                certificate: certificate(kubelet_tls_cert, kubelet_tls_key)?,
            },
            http_listen: parsed("HTTP_LISTEN", http_listen, "0.0.0.0:8080", "IP:PORT, such as 0.0.0.0:8080")?,
            kubeconfig: kubeconfig.filter(|path| !path.as_os_str().is_empty()),
            logging: Logging {
                format: log_format.unwrap_or_default(),
                filter: filter(set(log_level).unwrap_or_else(|| "info".to_owned()))?,
            },
        })
    }
}

fn malformed(name: &'static str, expected: &'static str) -> SettingError {
    SettingError::Malformed { name, expected }
}

/// An empty value counts as not given: charts render unset values so.
fn set(value: Option<String>) -> Option<String> {
    value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn required(name: &'static str, value: Option<String>, what: &'static str) -> Result<String, SettingError> {
    set(value).ok_or(SettingError::Missing { name, what })
}

fn parsed<T: std::str::FromStr>(
    name: &'static str,
    value: Option<String>,
    default: &str,
    expected: &'static str,
) -> Result<T, SettingError> {
    set(value).as_deref().unwrap_or(default).parse().map_err(|_| malformed(name, expected))
}

/// Ids of the cloud are a prefix and letters and digits.
fn id(name: &'static str, prefix: &str, text: String) -> Result<String, SettingError> {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let expected = match prefix {
            "vsw-" => "one or more ids such as vsw-bp1xpiowfm5vo8o3cxp3m, separated by commas",
            _ => "one id such as sg-2ze0b9o8pjjzts4h",
        };
        return Err(malformed(name, expected));
    }
    Ok(text)
}

fn region_id(value: Option<String>) -> Result<String, SettingError> {
    const NAME: &str = "ECI_REGION (--region)";
    let region = required(NAME, value, "the region of the instances, such as cn-hangzhou")?;
    let plain = region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if plain { Ok(region) } else { Err(malformed(NAME, "a region id, such as cn-hangzhou")) }
}

fn v_switches(value: Option<String>) -> Result<Vec<String>, SettingError> {
    const NAME: &str = "ECI_VSWITCH (--vswitch)";
    /// The API's limit.
    const MOST: usize = 10;
    let text = required(NAME, value, "the vSwitch of the instances, such as vsw-bp1xpiowfm5vo8o3cxp3m")?;
    let ids = text
        .split(',')
        .map(|part| id(NAME, "vsw-", part.trim().to_owned()))
        .collect::<Result<Vec<_>, _>>()?;
    if ids.len() > MOST { Err(malformed(NAME, "at most 10 vSwitches")) } else { Ok(ids) }
}

fn access_key(secrets: Secrets) -> Result<AccessKey, SettingError> {
    let Secrets { access_key, secret_key, security_token } = secrets;
    let id = required("ECI_ACCESS_KEY", access_key, "the id of an access key that may use ECI")?;
    let secret = required("ECI_SECRET_KEY", secret_key, "the secret of the access key ECI_ACCESS_KEY")?;
    let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible(&id) {
        return Err(malformed("ECI_ACCESS_KEY", "an access key id without blanks or control characters"));
    }
    if !visible(&secret) {
        return Err(malformed("ECI_SECRET_KEY", "an access key secret without blanks or control characters"));
    }
    let key = AccessKey::new(id, secret);
    Ok(match set(security_token) {
        Some(token) => key.with_security_token(token),
        None => key,
    })
}

fn endpoint(value: Option<String>) -> Result<Option<String>, SettingError> {
    let error =
        || malformed("ECI_ENDPOINT (--eci-endpoint)", "https://HOST or http://HOST:PORT, without a path");
    let Some(text) = value else { return Ok(None) };
    let uri: http::Uri = text.parse().map_err(|_| error())?;
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if scheme && uri.host().is_some() && bare { Ok(Some(text)) } else { Err(error()) }
}

fn api_server(value: Option<String>) -> Result<Option<String>, SettingError> {
    let error =
        || malformed("ECI_APISERVER_ENDPOINT (--apiserver-endpoint)", "HOST or HOST:PORT, without a scheme");
    let Some(text) = value else { return Ok(None) };
    match text.parse::<http::uri::Authority>() {
        Ok(authority) if !authority.as_str().contains('@') && !text.contains('/') => Ok(Some(text)),
        _ => Err(error()),
    }
}

fn cluster_id_checked(text: String) -> Result<String, SettingError> {
    const NAME: &str = "ALIYUN_CLUSTERID (--cluster-id)";
    /// What a tag value may hold.
    const MOST: usize = 128;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    // The vendor's own component falls back to this name; two clusters that did would delete each other's instances.
    if text == "default" || text.len() > MOST || !plain {
        return Err(malformed(NAME, "up to 128 letters, digits, '-', '_', '.', and not \"default\""));
    }
    Ok(text)
}

fn addresses(text: &str) -> Result<Vec<String>, SettingError> {
    let each = text.split(',').map(|part| part.trim().parse::<IpAddr>().map(|ip| ip.to_string()));
    each.collect::<Result<_, _>>()
        .map_err(|_| malformed("CLUSTER_DNS (--cluster-dns)", "IP addresses separated by commas"))
}

/// The rules of a DNS subdomain, which an object's name must follow.
fn node_name_checked(name: String) -> Result<String, SettingError> {
    let label = |part: &str| {
        let inner =
            part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        !part.is_empty() && inner && !part.starts_with('-') && !part.ends_with('-')
    };
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(name)
    } else {
        Err(malformed(
            "NODE_NAME (--node-name)",
            "lower-case letters, digits, '-' and '.', at most 253 characters",
        ))
    }
}

fn labels(value: Option<String>) -> Result<BTreeMap<String, String>, SettingError> {
    let Some(text) = value else { return Ok(BTreeMap::new()) };
    let pair = |part: &str| {
        let (key, value) = part.trim().split_once('=')?;
        (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
    };
    text.split(',')
        .map(pair)
        .collect::<Option<_>>()
        .ok_or_else(|| malformed("NODE_LABELS (--node-labels)", "KEY=VALUE pairs separated by commas"))
}

fn taint(
    key: Option<String>,
    value: Option<String>,
    effect: Option<String>,
) -> Result<NodeTaint, SettingError> {
    let usual = NodeTaint::default();
    let taint = NodeTaint {
        key: set(key).unwrap_or(usual.key),
        value: set(value).unwrap_or(usual.value),
        effect: set(effect).unwrap_or(usual.effect),
    };
    match taint.effect.as_str() {
        "NoSchedule" | "PreferNoSchedule" | "NoExecute" => Ok(taint),
        _ => Err(malformed(
            "VKUBELET_TAINT_EFFECT (--taint-effect)",
            "one of NoSchedule, PreferNoSchedule and NoExecute",
        )),
    }
}

fn quantity(name: &'static str, value: Option<String>) -> Result<Option<String>, SettingError> {
    let Some(text) = set(value) else { return Ok(None) };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let suffixes = ["", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if digits > 0 && suffixes.contains(&&text[digits..]) {
        Ok(Some(text))
    } else {
        Err(malformed(name, "a whole number with an optional suffix, such as 1000 or 4Ti"))
    }
}

fn certificate(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, SettingError> {
    let given = |path: Option<PathBuf>| path.filter(|path| !path.as_os_str().is_empty());
    match (given(certificate), given(key)) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(SettingError::Missing {
            name: "APISERVER_KEY_LOCATION (--kubelet-tls-key)",
            what: "the key of the certificate that APISERVER_CERT_LOCATION names",
        }),
        (None, Some(_)) => Err(SettingError::Missing {
            name: "APISERVER_CERT_LOCATION (--kubelet-tls-cert)",
            what: "the certificate of the key that APISERVER_KEY_LOCATION names",
        }),
    }
}

fn filter(text: String) -> Result<String, SettingError> {
    if is_filter(&text) {
        Ok(text)
    } else {
        Err(malformed(
            "LOG_LEVEL (--log-level)",
            "a level such as info, or directives such as vk_node=debug,info",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> RunArgs {
        RunArgs {
            region: Some("cn-hangzhou".into()),
            vswitch: Some("vsw-a1, vsw-b2".into()),
            security_group: Some("sg-a1".into()),
            secrets: Secrets {
                access_key: Some("id".into()),
                secret_key: Some("top-secret".into()),
                security_token: None,
            },
            ..RunArgs::default()
        }
    }

    #[test]
    fn the_install_guides_settings_are_enough() {
        let settings = Settings::check(complete()).expect("settings");
        assert_eq!(settings.v_switches, ["vsw-a1", "vsw-b2"]);
        assert_eq!(settings.node.name, "virtual-kubelet");
        assert_eq!(settings.kubelet.listen.port(), 10250);
        assert_eq!(settings.node.taint, Some(NodeTaint::default()));
    }

    #[test]
    fn a_missing_setting_is_named() {
        type Strip = fn(&mut RunArgs);
        let cases: [(&str, Strip); 5] = [
            ("ECI_REGION", |args| args.region = None),
            ("ECI_VSWITCH", |args| args.vswitch = Some(String::new())),
            ("ECI_SECURITY_GROUP", |args| args.security_group = None),
            ("ECI_ACCESS_KEY", |args| args.secrets.access_key = None),
            ("ECI_SECRET_KEY", |args| args.secrets.secret_key = Some("  ".into())),
        ];
        for (name, strip) in cases {
            let mut args = complete();
            strip(&mut args);
            let text = Settings::check(args).expect_err(name).to_string();
            assert!(text.starts_with(name) && text.contains("is not set") && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn a_malformed_setting_is_named_and_its_value_is_not_shown() {
        type Spoil = fn(&mut RunArgs);
        let cases: [(&str, Spoil); 14] = [
            ("ECI_REGION", |args| args.region = Some("Hangzhou!".into())),
            ("ECI_VSWITCH", |args| args.vswitch = Some("LTAIspoiled".into())),
            ("ECI_SECURITY_GROUP", |args| args.security_group = Some("sg-".into())),
            ("ECI_SECRET_KEY", |args| args.secrets.secret_key = Some("spoiled secret".into())),
            ("ECI_ENDPOINT", |args| args.eci_endpoint = Some("spoiled".into())),
            ("HTTPS_PROXY", |args| args.proxies = Proxies::none().https("gopher://spoiled")),
            ("ECI_APISERVER_ENDPOINT", |args| args.apiserver_endpoint = Some("https://spoiled/".into())),
            ("ALIYUN_CLUSTERID", |args| args.cluster_id = Some("default".into())),
            ("CLUSTER_DNS", |args| args.cluster_dns = Some("spoiled".into())),
            ("NODE_NAME", |args| args.node_name = Some("Spoiled_".into())),
            ("NODE_IP", |args| args.node_ip = Some("spoiled".into())),
            ("KUBELET_PORT", |args| args.kubelet_port = Some("70000".into())),
            ("VKUBELET_TAINT_EFFECT", |args| args.taint_effect = Some("spoiled".into())),
            ("ECI_QUOTA_MEMORY", |args| args.capacity_memory = Some("4 spoiled".into())),
        ];
        for (name, spoil) in cases {
            let mut args = complete();
            spoil(&mut args);
            let text = Settings::check(args).expect_err(name).to_string();
            assert!(text.starts_with(name) && text.contains("is malformed"), "{text}");
            assert!(!text.contains("spoiled") && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let args = RunArgs { kubelet_tls_cert: Some("tls.crt".into()), ..complete() };
        let text = Settings::check(args).expect_err("no key").to_string();
        assert!(text.starts_with("APISERVER_KEY_LOCATION"), "{text}");
    }

    #[test]
    fn secrets_do_not_print() {
        let proxies = Proxies::none().https("http://user:top-secret@proxy.example");
        let args = RunArgs { proxies, ..complete() };
        let printed = format!("{args:?} {:?}", Settings::check(args.clone()).expect("settings"));
        assert!(!printed.contains("top-secret"), "{printed}");
    }
}
