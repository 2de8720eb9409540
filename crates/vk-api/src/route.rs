//! Parses a path once, into what is served there and what a user must be allowed for it.
//!
//! Access and endpoint come from the same decoded segments: no spelling of a path can be authorized as one thing and
//! served as another. What is not known has an access rule too, so that nobody learns without permission what exists.

use http::Method;
use percent_encoding::percent_decode_str;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    /// The path with placeholders, for metrics and logs.
    pub(crate) template: &'static str,
    /// Subresources of the node; one that is allowed is enough.
    pub(crate) subresources: &'static [&'static str],
    /// Asks for `create` whatever the method: a WebSocket begins as GET, and reading must not run commands.
    always_create: bool,
}

/// What answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Healthz,
    Pods,
    ContainerLogs(ContainerPath),
    Metrics,
    /// Known to kubelets, not built here; the name completes a sentence.
    NotSupported(&'static str),
    NotFound,
}

/// A container as a path names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContainerPath {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        let segments = segments(path).unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (template, endpoint) = endpoint(&segments);
        let (subresources, always_create) = access(segments.first().copied().unwrap_or_default());
        Self { endpoint, template, subresources, always_create }
    }

    /// The verb to be allowed. A method that kubelets do not know becomes a verb that only `*` covers.
    pub(crate) fn verb(&self, method: &Method) -> String {
        match method.as_str() {
            _ if self.always_create => "create".to_owned(),
            "POST" => "create".to_owned(),
            "GET" | "HEAD" => "get".to_owned(),
            "PUT" => "update".to_owned(),
            "PATCH" => "patch".to_owned(),
            "DELETE" => "delete".to_owned(),
            other => other.to_lowercase(),
        }
    }
}

/// The decoded segments; `None` for a path that no route can have.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let decode = |segment| percent_decode_str(segment).decode_utf8().ok();
    let segments = path.split('/').map(|segment| decode(segment).map(String::from));
    segments.collect::<Option<Vec<_>>>().filter(|all| all.iter().all(|segment| !segment.is_empty()))
}

/// The kubelet's table of subresources (`pkg/kubelet/server/auth.go`), made stricter for what runs commands.
fn access(first: &str) -> (&'static [&'static str], bool) {
    match first {
        "pods" | "runningpods" => (&["pods", "proxy"], false),
        "healthz" => (&["healthz", "proxy"], false),
        "configz" => (&["configz", "proxy"], false),
        "metrics" => (&["metrics"], false),
        "stats" => (&["stats"], false),
        "logs" => (&["log"], false),
        "checkpoint" => (&["checkpoint"], false),
        "statusz" => (&["statusz"], false),
        "flagz" => (&["configz"], false),
        "exec" | "attach" | "run" | "portForward" => (&["proxy"], true),
        _ => (&["proxy"], false),
    }
}

fn endpoint(segments: &[&str]) -> (&'static str, Endpoint) {
    use Endpoint::{ContainerLogs, Healthz, Metrics, NotFound, NotSupported, Pods};
    match segments {
        ["healthz"] | ["healthz", "ping"] => ("/healthz", Healthz),
        ["pods"] => ("/pods", Pods),
        ["containerLogs", namespace, pod, container] => (
            "/containerLogs/{namespace}/{pod}/{container}",
            ContainerLogs(ContainerPath {
                namespace: (*namespace).to_owned(),
                pod: (*pod).to_owned(),
                container: (*container).to_owned(),
            }),
        ),
        ["metrics"] => ("/metrics", Metrics),
        ["metrics", "resource"] => ("/metrics/resource", NotSupported("measuring pods")),
        ["metrics", "cadvisor"] => ("/metrics/cadvisor", NotSupported("measuring containers")),
        ["metrics", "probes"] => ("/metrics/probes", NotSupported("counting probes")),
        ["stats"] | ["stats", "summary"] => ("/stats/summary", NotSupported("measuring pods")),
        ["exec", _, _, _] | ["exec", _, _, _, _] => ("/exec", NotSupported("exec")),
        ["attach", _, _, _] | ["attach", _, _, _, _] => ("/attach", NotSupported("attach")),
        ["run", _, _, _] | ["run", _, _, _, _] => ("/run", NotSupported("running a command")),
        ["portForward", _, _] | ["portForward", _, _, _] => ("/portForward", NotSupported("port-forward")),
        ["runningpods"] => ("/runningpods", NotSupported("listing pods as the cloud runs them")),
        ["configz"] => ("/configz", NotSupported("showing the configuration")),
        ["checkpoint", _, _, _] => ("/checkpoint", NotSupported("checkpointing a container")),
        ["logs", ..] => ("/logs", NotSupported("reading log files of the node")),
        _ => ("other", NotFound),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_ask_for_the_subresources_of_a_kubelet() {
        let cases: &[(&str, &[&str])] = &[
            ("/pods", &["pods", "proxy"]),
            ("/runningpods/", &["pods", "proxy"]),
            ("/healthz", &["healthz", "proxy"]),
            ("/healthz/ping", &["healthz", "proxy"]),
            ("/configz", &["configz", "proxy"]),
            ("/metrics", &["metrics"]),
            ("/metrics/resource", &["metrics"]),
            ("/metrics/unheard-of", &["metrics"]),
            ("/stats/summary", &["stats"]),
            ("/logs/kubelet.log", &["log"]),
            ("/checkpoint/ns/pod/c", &["checkpoint"]),
            ("/statusz", &["statusz"]),
            ("/flagz", &["configz"]),
            ("/containerLogs/ns/pod/c", &["proxy"]),
            ("/exec/ns/pod/c", &["proxy"]),
            ("/debug/pprof/heap", &["proxy"]),
            ("/metricsfoo", &["proxy"]),
            ("/", &["proxy"]),
            ("*", &["proxy"]),
        ];
        for (path, subresources) in cases {
            assert_eq!(Route::of(path).subresources, *subresources, "{path}");
        }
    }

    #[test]
    fn verbs_follow_the_method() {
        let route = Route::of("/containerLogs/ns/pod/c");
        let verb = |method: &str| route.verb(&Method::from_bytes(method.as_bytes()).unwrap());
        assert_eq!(verb("GET"), "get");
        assert_eq!(verb("HEAD"), "get");
        assert_eq!(verb("POST"), "create");
        assert_eq!(verb("PUT"), "update");
        assert_eq!(verb("PATCH"), "patch");
        assert_eq!(verb("DELETE"), "delete");
        assert_eq!(verb("OPTIONS"), "options");
    }

    #[test]
    fn whatever_runs_commands_needs_create_with_every_method() {
        for path in
            ["/exec/n/p/c", "/attach/n/p/c", "/run/n/p/c", "/portForward/n/p", "/exec", "/exec/n/p/uid/c"]
        {
            for method in [Method::GET, Method::POST, Method::PUT, Method::HEAD, Method::DELETE] {
                assert_eq!(Route::of(path).verb(&method), "create", "{method} {path}");
            }
        }
    }

    #[test]
    fn an_encoded_path_is_authorized_as_what_it_is_served_as() {
        let plain = Route::of("/exec/ns/pod/c");
        assert_eq!(Route::of("/%65xec/ns/pod/c"), plain);
        assert_eq!(Route::of("/exec/ns/pod/c/"), plain);
    }

    #[test]
    fn segments_are_decoded_once_and_may_hold_slashes() {
        let Endpoint::ContainerLogs(path) = Route::of("/containerLogs/a%2Fb/p%2541/c").endpoint else {
            panic!("not a log");
        };
        assert_eq!((path.namespace.as_str(), path.pod.as_str()), ("a/b", "p%41"));
    }

    #[test]
    fn odd_paths_lead_nowhere() {
        for path in [
            "//pods",
            "/pods//",
            "/containerLogs/ns//c",
            "/containerLogs/ns/pod",
            "/%ff",
            "",
            "pods",
            "/Pods",
        ] {
            assert_eq!(Route::of(path).endpoint, Endpoint::NotFound, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_has_a_route_and_somebody_to_ask_for(path in "\\PC{0,60}") {
            prop_assert!(!Route::of(&path).subresources.is_empty());
        }

        #[test]
        fn no_spelling_of_exec_is_asked_for_less_than_create(path in "/(e|%65)(x|%78)ec(/[a-z%2F]{1,4}){3,4}/?") {
            let route = Route::of(&path);
            if route.endpoint == Endpoint::NotSupported("exec") {
                prop_assert_eq!(route.verb(&Method::GET), "create");
            }
        }
    }
}
