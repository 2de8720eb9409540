//! Holds the arrows between the workspace's crates: a crate that gains a forbidden dependency fails here.
//!
//! [`violations`] is a pure function of what `cargo metadata` prints, so it is shown on forged graphs that it finds
//! what it should. The arrows and their reasons are drawn in `docs/architecture.md`.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

/// What one crate may depend on inside the workspace.
struct Arrows {
    /// The crate.
    from: &'static str,
    /// What its code may use.
    normal: &'static [&'static str],
    /// What its tests may use besides.
    tests: &'static [&'static str],
    /// Outside crates, by prefix, that it must not use: they would give it an ability that it must not have.
    without: &'static [&'static str],
}

/// Crates that only run on a developer's machine may use whatever they like, and nothing may use them.
const TOOLS: &[&str] = &["xtask"];

/// Crates that exist for tests; no crate of the product may use them but in its own tests.
const TEST_ONLY: &[&str] = &["vk-testkit", "eci-sim"];

/// The one crate whose code may use a test-only crate: it drives the other.
const MAY_USE_TEST_ONLY: &[&str] = &["vk-testkit"];

/// Every arrow there is. A new crate gets a line here, which is the moment to draw it in `docs/architecture.md`.
const ARROWS: &[Arrows] = &[
    Arrows {
        // Published for others: knows nothing of Kubernetes and nothing of us.
        from: "eci-client",
        normal: &[],
        tests: &["eci-sim"],
        without: &["kube", "k8s-"],
    },
    Arrows {
        // Its own reading of the API, so that a mistake of the client cannot agree with itself.
        from: "eci-sim",
        normal: &[],
        tests: &[],
        without: &["kube", "k8s-"],
    },
    Arrows {
        // Types only: nothing that talks, waits or stores.
        from: "vk-core",
        normal: &[],
        tests: &[],
        without: &["kube", "tokio", "hyper", "rustls"],
    },
    Arrows {
        // Pure: sees the client's model and no transport, and reads nothing from the API server.
        from: "eci-translate",
        normal: &["vk-core", "eci-client"],
        tests: &["eci-sim", "vk-testkit"],
        without: &["kube", "tokio", "hyper", "rustls"],
    },
    Arrows {
        // A provider never asks the API server.
        from: "eci-provider",
        normal: &["vk-core", "eci-client", "eci-translate"],
        tests: &["eci-sim", "vk-testkit"],
        without: &["kube", "hyper", "rustls"],
    },
    Arrows { from: "vk-node", normal: &["vk-core"], tests: &["vk-testkit"], without: &[] },
    Arrows { from: "vk-api", normal: &["vk-core"], tests: &["vk-testkit"], without: &[] },
    Arrows { from: "vk-testkit", normal: &["vk-core", "eci-client", "eci-sim"], tests: &[], without: &[] },
    Arrows {
        // The binary alone sees both halves; the simulator is a process of its own, never linked in.
        from: "virtual-node",
        normal: &["vk-core", "vk-node", "vk-api", "eci-client", "eci-translate", "eci-provider"],
        tests: &["eci-sim", "vk-testkit"],
        without: &[],
    },
];

/// Crates whose code may choose the Kubernetes version (`v1_xx` of k8s-openapi); a library that chose one would
/// choose for everybody.
const CHOOSES_KUBERNETES_VERSION: &[&str] = &["virtual-node", "xtask", "vk-testkit"];

/// One line of a manifest.
#[derive(Debug)]
struct Dependency {
    from: String,
    to: String,
    for_tests: bool,
    features: Vec<String>,
    default_features: bool,
}

/// Reads the manifests' dependencies from the text of `cargo metadata --no-deps`; also the names of all members.
fn read(metadata: &Value) -> (Vec<String>, Vec<Dependency>) {
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let name = |value: &Value| value["name"].as_str().expect("packages have names").to_owned();
    let members: Vec<_> = packages.iter().map(name).collect();
    let dependencies = packages
        .iter()
        .flat_map(|package| {
            let from = name(package);
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            dependencies.map(move |dependency| Dependency {
                from: from.clone(),
                to: name(dependency),
                for_tests: dependency["kind"] == "dev",
                features: strings(&dependency["features"]),
                default_features: dependency["uses_default_features"] != false,
            })
        })
        .collect();
    (members, dependencies)
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Everything in the graph that no arrow allows, one sentence each.
fn violations(metadata: &Value) -> Vec<String> {
    let (members, dependencies) = read(metadata);
    let arrows: BTreeMap<_, _> = ARROWS.iter().map(|arrows| (arrows.from, arrows)).collect();
    let unknown = members
        .iter()
        .filter(|member| !arrows.contains_key(member.as_str()) && !TOOLS.contains(&member.as_str()))
        .map(|member| format!("{member} has no line in the table of arrows"));
    let broken = dependencies.iter().flat_map(|dependency| {
        let inside = members.contains(&dependency.to);
        let from = arrows.get(dependency.from.as_str());
        let arrow = from
            .and_then(|from| if inside { workspace(dependency, from) } else { outside(dependency, from) });
        [arrow, translate_sees_only_the_model(dependency), kubernetes_version(dependency)]
    });
    unknown.chain(broken.flatten()).collect()
}

fn workspace(dependency: &Dependency, arrows: &Arrows) -> Option<String> {
    let Dependency { from, to, for_tests, .. } = dependency;
    let to_itself = from == to;
    let normal = arrows.normal.contains(&to.as_str());
    let in_tests = *for_tests && arrows.tests.contains(&to.as_str());
    let test_only = TEST_ONLY.contains(&to.as_str()) && !for_tests;
    if test_only && !MAY_USE_TEST_ONLY.contains(&from.as_str()) {
        return Some(format!("{from} uses {to}, which is for tests only"));
    }
    (!(normal || in_tests || (to_itself && *for_tests)))
        .then(|| format!("{from} must not {} {to}", if *for_tests { "test with" } else { "use" }))
}

fn outside(dependency: &Dependency, arrows: &Arrows) -> Option<String> {
    let Dependency { from, to, for_tests, .. } = dependency;
    let forbidden = arrows.without.iter().any(|prefix| to.starts_with(prefix));
    (forbidden && !for_tests).then(|| format!("{from} must do without {to}"))
}

fn translate_sees_only_the_model(dependency: &Dependency) -> Option<String> {
    let Dependency { from, to, for_tests, features, default_features } = dependency;
    let whole = *default_features || !features.is_empty();
    (from == "eci-translate" && to == "eci-client" && !for_tests && whole).then(|| {
        "eci-translate must see eci-client's model only: no features, no default features".to_owned()
    })
}

fn kubernetes_version(dependency: &Dependency) -> Option<String> {
    let Dependency { from, to, for_tests, features, .. } = dependency;
    let chosen = features.iter().find(|feature| feature.starts_with("v1_") || *feature == "latest")?;
    let allowed = *for_tests || CHOOSES_KUBERNETES_VERSION.contains(&from.as_str());
    (to == "k8s-openapi" && !allowed)
        .then(|| format!("{from} chooses the Kubernetes version {chosen}, which is the binary's to choose"))
}

#[test]
fn the_workspace_keeps_its_arrows() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let (members, dependencies) = read(&metadata);
    assert!(members.contains(&"virtual-node".to_owned()) && dependencies.len() > members.len());
    let found = violations(&metadata);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A graph of all known crates in which one crate has one more dependency.
fn forged(from: &str, dependency: Value) -> Value {
    let names = ARROWS.iter().map(|arrows| arrows.from).chain(TOOLS.iter().copied());
    let package = |name: &str| {
        let dependencies = if name == from { vec![dependency.clone()] } else { Vec::new() };
        json!({ "name": name, "dependencies": dependencies })
    };
    json!({ "packages": names.map(package).collect::<Vec<_>>() })
}

fn normal(to: &str) -> Value {
    json!({ "name": to, "kind": null, "features": [], "uses_default_features": false })
}

fn dev(to: &str) -> Value {
    json!({ "name": to, "kind": "dev", "features": [], "uses_default_features": false })
}

#[test]
fn a_graph_without_dependencies_keeps_the_arrows() {
    assert_eq!(violations(&forged("nobody", normal("serde"))), Vec::<String>::new());
}

#[test]
fn each_forbidden_dependency_is_found() {
    let cases = [
        ("vk-node", normal("eci-client")),
        ("vk-node", dev("eci-client")),
        ("vk-api", normal("vk-node")),
        ("eci-provider", normal("vk-node")),
        ("eci-translate", normal("vk-api")),
        ("eci-client", normal("vk-core")),
        ("eci-client", normal("k8s-openapi")),
        ("eci-client", normal("kube")),
        ("eci-sim", normal("eci-client")),
        ("eci-sim", dev("eci-client")),
        ("vk-core", normal("eci-client")),
        ("vk-core", normal("tokio")),
        ("eci-translate", normal("kube")),
        ("eci-translate", normal("hyper-util")),
        ("vk-node", normal("vk-testkit")),
        ("eci-provider", normal("eci-sim")),
        ("virtual-node", normal("eci-sim")),
        ("virtual-node", normal("vk-testkit")),
        ("virtual-node", normal("xtask")),
    ];
    for (from, dependency) in cases {
        let found = violations(&forged(from, dependency.clone()));
        assert_eq!(found.len(), 1, "{from} -> {dependency}: {found:?}");
        assert!(found[0].contains(from), "{found:?}");
    }
}

#[test]
fn translate_may_see_the_model_and_not_the_transport() {
    assert!(violations(&forged("eci-translate", normal("eci-client"))).is_empty());
    let mut transport = normal("eci-client");
    transport["features"] = json!(["client"]);
    assert_eq!(violations(&forged("eci-translate", transport)).len(), 1);
    let mut defaults = normal("eci-client");
    defaults["uses_default_features"] = json!(true);
    assert_eq!(violations(&forged("eci-translate", defaults)).len(), 1);
}

#[test]
fn tests_may_use_what_the_product_may_not() {
    assert!(violations(&forged("eci-provider", dev("eci-sim"))).is_empty());
    assert!(violations(&forged("virtual-node", dev("vk-testkit"))).is_empty());
    assert!(violations(&forged("xtask", normal("vk-testkit"))).is_empty());
}

#[test]
fn a_library_that_chooses_the_kubernetes_version_is_found() {
    let mut chosen = normal("k8s-openapi");
    chosen["features"] = json!(["v1_37"]);
    assert_eq!(violations(&forged("vk-node", chosen.clone())).len(), 1);
    assert!(violations(&forged("virtual-node", chosen.clone())).is_empty());
    chosen["kind"] = json!("dev");
    assert!(violations(&forged("vk-node", chosen)).is_empty());
}

#[test]
fn a_crate_that_nobody_drew_is_found() {
    let mut graph = forged("nobody", normal("serde"));
    graph["packages"].as_array_mut().expect("a list").push(json!({ "name": "vk-new", "dependencies": [] }));
    assert_eq!(violations(&graph), ["vk-new has no line in the table of arrows"]);
}
