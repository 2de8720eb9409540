//! The pages for people: at `/` groups, requests, faults, settings and the clock, over the control API; at `/terminal` a
//! command in a container, where the cloud's `HttpUrl` leads.
//!
//! Each is one file without anything from elsewhere. Its policy lets the browser run exactly the script and the style that
//! are in it, by their digests, and talk to this simulator alone; the script never parses text as markup.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::header::{HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderValue, Method};
use http_body_util::Full;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page/index.html");
const TERMINAL: &str = include_str!("page/terminal.html");

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| policy_header(PAGE));
static POLICY_OF_TERMINAL: LazyLock<HeaderValue> = LazyLock::new(|| policy_header(TERMINAL));

fn policy_header(page: &str) -> HeaderValue {
    HeaderValue::from_str(&policy(page)).expect("keywords and base64 are fit for a header")
}

/// Whether a request asks for the page. The API is at the same path: its calls name an action, and none of its
/// clients asks for HTML.
pub(crate) fn is_wanted(parts: &Parts) -> bool {
    let accept = parts.headers.get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let names_action = parts.headers.contains_key("x-acs-action")
        || parts.uri.query().unwrap_or_default().split('&').any(|pair| pair.starts_with("Action="));
    parts.method == Method::GET && parts.uri.path() == "/" && accept.contains("text/html") && !names_action
}

/// Whether a request asks for the terminal. The token in its address is for its script alone, which redeems it.
pub(crate) fn is_terminal(parts: &Parts) -> bool {
    parts.method == Method::GET && parts.uri.path() == "/terminal"
}

pub(crate) fn terminal() -> http::Response<Full<Bytes>> {
    answer(TERMINAL, &POLICY_OF_TERMINAL)
}

pub(crate) fn response() -> http::Response<Full<Bytes>> {
    answer(PAGE, &POLICY)
}

fn answer(page: &'static str, policy: &HeaderValue) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::new(Full::new(Bytes::from_static(page.as_bytes())));
    let fixed = |text: &'static str| HeaderValue::from_static(text);
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, fixed("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, policy.clone()),
        (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (REFERRER_POLICY, fixed("no-referrer")),
        (CACHE_CONTROL, fixed("no-store")),
    ];
    response.headers_mut().extend(headers);
    response
}

fn policy(page: &str) -> String {
    let digest = |tag: &str| {
        let inside =
            page.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
        STANDARD.encode(Sha256::digest(inside.map_or("", |(inside, _)| inside)))
    };
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        digest("script"),
        digest("style"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(method: &str, target: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_wanted(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn only_a_browser_that_names_no_action_gets_the_page() {
        let browser = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        assert!(wanted("GET", "/", &[browser]));
        assert!(wanted("GET", "/?theme=dark", &[browser]));
        assert!(!wanted("GET", "/", &[("accept", "application/json")]));
        assert!(!wanted("GET", "/", &[]));
        assert!(!wanted("GET", "/?RegionId=x&Action=DescribeRegions", &[browser]));
        assert!(!wanted("GET", "/", &[browser, ("x-acs-action", "DescribeRegions")]));
        assert!(!wanted("POST", "/", &[browser]));
        assert!(!wanted("GET", "/exec/", &[browser]));
    }

    #[test]
    fn nothing_on_the_page_comes_from_elsewhere_or_is_markup_of_others() {
        for word in
            ["http://", "https://", "//cdn", " src=", "@import", "innerHTML", "insertAdjacent", "eval("]
        {
            assert!(!PAGE.contains(word) && !TERMINAL.contains(word), "{word}");
        }
        let handlers = ["onclick=", "onload=", "onerror=", "style=\"", "javascript:"];
        assert!(
            handlers.iter().all(|word| !PAGE.contains(word) && !TERMINAL.contains(word)),
            "the policy would stop it"
        );
    }

    #[test]
    fn every_kind_of_fault_can_be_chosen() {
        use crate::state::faults::FaultKind;
        let refused = serde_json::from_str::<FaultKind>("\"?\"").unwrap_err().to_string();
        let kinds: Vec<&str> = refused.split('`').skip(3).step_by(2).collect();
        assert!(kinds.contains(&"reset"), "{refused}");
        for kind in kinds {
            assert!(PAGE.contains(&format!("<option value=\"{kind}\"")), "{kind}");
        }
    }

    #[test]
    fn the_policy_names_the_digests_of_what_is_there() {
        let policy = policy("<style>a</style><script>b</script>");
        let known = "sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='";
        assert!(policy.contains(&format!("script-src '{known}")), "{policy}");
        assert!(!policy.contains("unsafe"));
    }
}
