//! Who may use the control API and the page: programs on this machine, and browsers that show this very page.
//!
//! A browser runs the scripts of every site its user looks at, and they can reach this machine's ports too. So a
//! request whose host is a name (which a site's owner may point here) is refused, as is one that another site's
//! page sent.

use std::net::IpAddr;

use http::request::Parts;

/// Why a request may not control the simulator; `None` when it may.
pub(crate) fn refusal(parts: &Parts, peer: IpAddr) -> Option<&'static str> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = header("host").or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    let host = host.unwrap_or_default();
    let is_foreign = header("origin").is_some_and(|origin| origin.strip_prefix("http://") != Some(host))
        || header("sec-fetch-site").is_some_and(|site| !["same-origin", "none"].contains(&site));
    let is_browser = header("sec-fetch-site").is_some() || header("origin").is_some();
    if !peer.to_canonical().is_loopback() {
        Some("the control API answers this machine only")
    } else if !host.is_empty() && !is_local(host) {
        Some("the control API answers to localhost and to addresses only")
    } else if is_foreign {
        Some("the control API answers no other site's page")
    } else if is_browser && parts.uri.query().is_some_and(|query| query.contains("unmasked")) {
        Some("a browser is shown no secrets")
    } else {
        None
    }
}

/// Whether a host with or without a port means a machine by itself, not by somebody's name server.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn refused(headers: &[(&str, &str)], target: &str) -> Option<&'static str> {
        let mut request = http::Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        refusal(&parts, IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    #[test]
    fn programs_and_the_own_page_may() {
        for headers in [
            &[("host", "127.0.0.1:80")][..],
            &[("host", "[::1]:80")],
            &[("host", "localhost:80"), ("origin", "http://localhost:80"), ("sec-fetch-site", "same-origin")],
            &[("host", "localhost"), ("sec-fetch-site", "none")],
            &[],
        ] {
            assert_eq!(refused(headers, "/_sim/groups"), None, "{headers:?}");
        }
    }

    #[test]
    fn other_sites_and_names_may_not() {
        for headers in [
            &[("host", "rebound.example:80")][..],
            &[("host", "127.0.0.1:80"), ("origin", "http://elsewhere.example")],
            &[("host", "127.0.0.1:80"), ("origin", "null")],
            &[("host", "127.0.0.1:80"), ("sec-fetch-site", "cross-site")],
            &[("host", "127.0.0.1:80"), ("origin", "http://127.0.0.1:81")],
        ] {
            assert!(refused(headers, "/_sim/groups").is_some(), "{headers:?}");
        }
    }

    #[test]
    fn a_browser_is_shown_no_secrets() {
        let own = [("host", "localhost:80"), ("sec-fetch-site", "same-origin")];
        assert!(refused(&own, "/_sim/requests?unmasked=1").is_some());
        assert_eq!(refused(&own[..1], "/_sim/requests?unmasked=1"), None);
    }

    #[test]
    fn another_machine_may_not() {
        let (parts, ()) = http::Request::new(()).into_parts();
        assert!(refusal(&parts, IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))).is_some());
    }
}
