//! The rights that `examples/rbac.yaml` gives: enough for every other test here, and not more.

use crate::bed::{Bed, NODE_USER, text};

/// What somebody who steals the node's token must not be able to do.
const FORBIDDEN: [[&str; 2]; 21] = [
    ["create", "pods"],
    ["patch", "pods"],
    ["update", "pods"],
    ["deletecollection", "pods"],
    ["create", "pods/exec"],
    ["get", "pods/log"],
    ["create", "pods/eviction"],
    ["list", "secrets"],
    ["watch", "secrets"],
    ["create", "secrets"],
    ["patch", "secrets"],
    ["list", "configmaps"],
    ["patch", "configmaps"],
    ["delete", "nodes"],
    ["get", "nodes/proxy"],
    ["create", "nodes/proxy"],
    ["create", "serviceaccounts"],
    ["impersonate", "users"],
    ["create", "clusterrolebindings.rbac.authorization.k8s.io"],
    ["escalate", "clusterroles.rbac.authorization.k8s.io"],
    ["patch", "deployments.apps"],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_allows_no_more_than_it_lists() {
    let bed = Bed::plan("rights").prepare().await;
    let can = |verb: &str, what: &str| {
        // kubectl takes what follows a slash for a name.
        let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
        let subresource = format!("--subresource={subresource}");
        let answer = bed.kubectl(&["auth", "can-i", verb, resource, &subresource, "--as", NODE_USER]);
        text(&answer.stdout).trim().to_owned()
    };
    for [verb, what] in [["get", "secrets"], ["patch", "pods/status"]] {
        assert_eq!(can(verb, what), "yes", "{verb} {what}: the question is asked for the right identity");
    }
    for [verb, what] in FORBIDDEN {
        assert_eq!(can(verb, what), "no", "{verb} {what}");
    }
    let everything = bed.kubectl_ok(&["auth", "can-i", "--list", "--as", NODE_USER]);
    let wildcard = everything.lines().find(|line| line.starts_with("*."));
    assert!(wildcard.is_none(), "{wildcard:?}");
}
