//! Makes the variables by which a container finds the services of its namespace and the API server.
//!
//! Names and values are the kubelet's (`pkg/kubelet/envvars`). The service `kubernetes` of the namespace `default` is
//! always among them; a configured endpoint takes the place of its address, since a container group outside the
//! cluster's network cannot reach a cluster IP.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as corev1;

use super::Context;

/// The variables, in two parts: the second may be left out where there are too many.
#[derive(Debug, Default)]
pub(crate) struct ServiceVariables {
    /// Those of `default/kubernetes`.
    pub(crate) api_server: Vec<(String, String)>,
    /// Those of the services of the pod's namespace, by name of the service.
    pub(crate) links: Vec<(String, String)>,
}

impl ServiceVariables {
    /// The variables of a pod.
    pub(crate) fn of(context: &Context<'_>) -> Self {
        let linked = context.spec.enable_service_links.unwrap_or(true);
        let mut links: BTreeMap<String, Address> = BTreeMap::new();
        let mut api_server = None;
        for service in &context.inputs.services {
            let name = service.metadata.name.clone().unwrap_or_default();
            let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
            let Some(address) = Address::of(service) else { continue };
            if (namespace, name.as_str()) == ("default", "kubernetes") {
                api_server = Some(address);
            } else if linked && namespace == context.key.namespace {
                links.insert(name, address);
            }
        }
        if let Some(endpoint) = &context.placement.api_server_endpoint {
            api_server = Some(Address::at_endpoint(endpoint, api_server));
        }
        // A service of this name in the pod's own namespace goes before, as in the kubelet.
        let api_server = api_server.filter(|_| !links.contains_key("kubernetes"));
        Self {
            api_server: api_server.map(|address| address.variables("kubernetes")).unwrap_or_default(),
            links: links.iter().flat_map(|(name, address)| address.variables(name)).collect(),
        }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.api_server.iter().chain(&self.links)
    }

    /// The value of one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// Where a service listens.
struct Address {
    host: String,
    ports: Vec<Port>,
}

struct Port {
    name: String,
    number: i32,
    protocol: String,
}

impl Address {
    /// `None` for a service without a cluster IP: a headless one, or one that is a name only.
    fn of(service: &corev1::Service) -> Option<Self> {
        let spec = service.spec.as_ref()?;
        let host = spec.cluster_ip.clone().filter(|ip| !ip.is_empty() && ip != "None")?;
        let ports = spec.ports.iter().flatten().map(|port| Port {
            name: port.name.clone().unwrap_or_default(),
            number: port.port,
            protocol: port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()),
        });
        Some(Self { host, ports: ports.collect() })
    }

    /// `endpoint` (`host`, `host:port`, `[v6]:port`) with the port names of the service it stands for.
    fn at_endpoint(endpoint: &str, service: Option<Self>) -> Self {
        let (host, number) = split_endpoint(endpoint);
        let mut ports = service.map(|service| service.ports).unwrap_or_default();
        if ports.is_empty() {
            ports.push(Port { name: "https".to_owned(), number: 443, protocol: "TCP".to_owned() });
        }
        if let Some(number) = number {
            ports[0].number = number;
        }
        Self { host: host.to_owned(), ports }
    }

    fn variables(&self, service: &str) -> Vec<(String, String)> {
        let prefix = variable_name(service);
        let mut variables = vec![(format!("{prefix}_SERVICE_HOST"), self.host.clone())];
        let Some(first) = self.ports.first() else {
            return variables;
        };
        variables.push((format!("{prefix}_SERVICE_PORT"), first.number.to_string()));
        for port in self.ports.iter().filter(|port| !port.name.is_empty()) {
            let name = format!("{prefix}_SERVICE_PORT_{}", variable_name(&port.name));
            variables.push((name, port.number.to_string()));
        }
        variables.push((format!("{prefix}_PORT"), self.url(first)));
        for port in &self.ports {
            let base = format!("{prefix}_PORT_{}_{}", port.number, port.protocol.to_uppercase());
            variables.push((base.clone(), self.url(port)));
            variables.push((format!("{base}_PROTO"), port.protocol.to_lowercase()));
            variables.push((format!("{base}_PORT"), port.number.to_string()));
            variables.push((format!("{base}_ADDR"), self.host.clone()));
        }
        variables
    }

    fn url(&self, port: &Port) -> String {
        let protocol = port.protocol.to_lowercase();
        match self.host.contains(':') {
            true => format!("{protocol}://[{}]:{}", self.host, port.number),
            false => format!("{protocol}://{}:{}", self.host, port.number),
        }
    }
}

fn variable_name(name: &str) -> String {
    name.replace('-', "_").to_uppercase()
}

/// Host and port; a bare IPv6 address is all host.
fn split_endpoint(endpoint: &str) -> (&str, Option<i32>) {
    let (host, port) = match endpoint.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
        _ => (endpoint, None),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_split_into_host_and_port() {
        let table = [
            ("api.example.com", ("api.example.com", None)),
            ("api.example.com:6443", ("api.example.com", Some(6443))),
            ("10.0.0.1:6443", ("10.0.0.1", Some(6443))),
            ("[fd00::1]:6443", ("fd00::1", Some(6443))),
            ("[fd00::1]", ("fd00::1", None)),
            ("fd00::1", ("fd00::1", None)),
        ];
        for (endpoint, expected) in table {
            assert_eq!(split_endpoint(endpoint), expected, "{endpoint}");
        }
    }

    /// The expectation of Kubernetes' own `TestFromServices`, shortened.
    #[test]
    fn a_service_gives_the_variables_that_the_kubelet_gives() {
        let port = |name: &str, number, protocol: &str| Port {
            name: name.to_owned(),
            number,
            protocol: protocol.to_owned(),
        };
        let address = Address {
            host: "9.8.7.6".to_owned(),
            ports: vec![port("", 8081, "TCP"), port("p", 8082, "UDP")],
        };
        let expected = [
            ("ABC_123_SERVICE_HOST", "9.8.7.6"),
            ("ABC_123_SERVICE_PORT", "8081"),
            ("ABC_123_SERVICE_PORT_P", "8082"),
            ("ABC_123_PORT", "tcp://9.8.7.6:8081"),
            ("ABC_123_PORT_8081_TCP", "tcp://9.8.7.6:8081"),
            ("ABC_123_PORT_8081_TCP_PROTO", "tcp"),
            ("ABC_123_PORT_8081_TCP_PORT", "8081"),
            ("ABC_123_PORT_8081_TCP_ADDR", "9.8.7.6"),
            ("ABC_123_PORT_8082_UDP", "udp://9.8.7.6:8082"),
            ("ABC_123_PORT_8082_UDP_PROTO", "udp"),
            ("ABC_123_PORT_8082_UDP_PORT", "8082"),
            ("ABC_123_PORT_8082_UDP_ADDR", "9.8.7.6"),
        ];
        let variables = address.variables("abc-123");
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(variables, expected);
    }
}
