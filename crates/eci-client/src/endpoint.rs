//! Knows where the API answers: host names by region, and the parsing of an endpoint given by hand.

use http::uri::{Authority, Parts, PathAndQuery, Scheme, Uri};

/// Regions whose public host does not follow the pattern.
const IRREGULAR: [(&str, &str); 2] = [
    ("cn-shanghai-finance-1", "eci.cn-shanghai-finance.aliyuncs.com"),
    ("cn-shenzhen-finance-1", "eci.cn-shenzhen-finance.aliyuncs.com"),
];

/// The public endpoint of a region, `https://eci.<region>.aliyuncs.com`.
pub fn public(region_id: &str) -> String {
    match IRREGULAR.iter().find(|(region, _)| *region == region_id) {
        Some((_, host)) => format!("https://{host}"),
        None => format!("https://eci.{region_id}.aliyuncs.com"),
    }
}

/// The endpoint that is reached from inside a VPC of the region, without the internet.
pub fn vpc(region_id: &str) -> String {
    format!("https://eci-vpc.{region_id}.aliyuncs.com")
}

/// Scheme and authority of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: Scheme,
    authority: Authority,
}

impl Endpoint {
    /// Reads `https://host[:port]` or `http://host[:port]`, a bare `host[:port]` meaning HTTPS. `None` if it is
    /// anything else: there is no path to an RPC API, and no user in it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let parts = text.parse::<Uri>().ok()?.into_parts();
        let scheme = parts.scheme.filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme))?;
        let authority = parts.authority.filter(|authority| {
            !authority.host().is_empty()
                && !authority.as_str().contains('@')
                && !authority.as_str().ends_with(':')
        })?;
        parts.path_and_query.is_none_or(|path| path == "/").then_some(Self { scheme, authority })
    }

    /// The value of the `Host` header: without the port when it is the scheme's own, as every server sees it.
    pub(crate) fn host(&self) -> &str {
        let own_port = if self.scheme == Scheme::HTTPS { ":443" } else { ":80" };
        let authority = self.authority.as_str();
        authority.strip_suffix(own_port).unwrap_or(authority)
    }

    /// Whether a reply of this endpoint may lead to a web socket there: encrypted on the vendor's hosts, or on the host
    /// of the endpoint, where a simulator may do without encryption as the endpoint does.
    #[cfg(feature = "exec")]
    pub(crate) fn may_name(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let vendor = [".aliyun.com", ".aliyuncs.com"].iter().any(|domain| host.ends_with(domain));
        let plain = scheme == "ws" && self.scheme == Scheme::HTTP;
        (scheme == "wss" && vendor) || ((scheme == "wss" || plain) && host == self.authority.host())
    }

    /// The URL of a call, its query encoded already.
    pub(crate) fn uri(&self, query: &str) -> Result<Uri, http::Error> {
        let path = match query {
            "" => PathAndQuery::from_static("/"),
            query => PathAndQuery::from_maybe_shared(format!("/?{query}"))?,
        };
        let mut parts = Parts::default();
        (parts.scheme, parts.authority) = (Some(self.scheme.clone()), Some(self.authority.clone()));
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Endpoint {
        Endpoint::parse(text).expect("an endpoint")
    }

    #[test]
    fn regions_have_a_public_and_a_vpc_host() {
        assert_eq!(public("cn-hangzhou"), "https://eci.cn-hangzhou.aliyuncs.com");
        assert_eq!(public("cn-shanghai-finance-1"), "https://eci.cn-shanghai-finance.aliyuncs.com");
        assert_eq!(vpc("cn-hangzhou"), "https://eci-vpc.cn-hangzhou.aliyuncs.com");
    }

    #[test]
    fn an_endpoint_without_scheme_means_https() {
        let url = |endpoint: &str, query| parsed(endpoint).uri(query).expect("a URL").to_string();
        assert_eq!(url("eci.example.com", ""), "https://eci.example.com/");
        assert_eq!(url("http://127.0.0.1:8080/", "a=b"), "http://127.0.0.1:8080/?a=b");
        assert_eq!(parsed("http://[::1]:8080").host(), "[::1]:8080");
    }

    #[test]
    fn the_host_leaves_out_the_port_of_the_scheme() {
        assert_eq!(parsed("https://eci.example.com:443").host(), "eci.example.com");
        assert_eq!(parsed("http://eci.example.com:80").host(), "eci.example.com");
        assert_eq!(parsed("http://eci.example.com:443").host(), "eci.example.com:443");
    }

    #[cfg(feature = "exec")]
    #[test]
    fn web_sockets_are_opened_on_hosts_of_the_vendor_and_of_the_endpoint() {
        let may = |endpoint: &str, socket: &str| parsed(endpoint).may_name(&socket.parse().expect("a URL"));
        let cloud = "https://eci.cn-hangzhou.aliyuncs.com";
        assert!(may(cloud, "wss://eci-cn-hangzhou.aliyun.com/exec/?s=t"));
        assert!(may("http://127.0.0.1:1", "ws://127.0.0.1:2/exec"));
        for socket in ["ws://eci-cn-hangzhou.aliyun.com/", "wss://169.254.169.254/", "wss://notaliyun.com/"] {
            assert!(!may(cloud, socket), "{socket}");
        }
        assert!(!may("https://gateway.example", "ws://gateway.example/exec"));
        assert!(!may("http://127.0.0.1:1", "ws://192.168.0.1/exec"));
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in
            ["", "ftp://host", "https://host/path", "https://host/?a", "https://user@host", "a b", "host:"]
        {
            assert_eq!(Endpoint::parse(text), None, "{text:?}");
        }
    }
}
