//! Node object, lease, resolver and events on a real API server and controller manager, with no more rights than named here.
//!
//! The unit tests' servers merge patches as their authors think a server does; this one knows.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vk_core::{Clock, PodKey};
use vk_node::events::{About, Event, EventTask, EventType, EventWriter};
use vk_node::kube_call::{self, Random};
use vk_node::lease::NodeLease;
use vk_node::node::{
    CLOUD_REACHABLE, CLOUD_UNREACHABLE_TAINT, CloudHealth, NodeController, NodeRef, NodeSettings,
};
use vk_node::resolve::{ResolveError, ResolvePod, Resolver};
use vk_testkit::control_plane::{ControlPlane, Options};

/// What this half of the node may do, and no more: it is what the documentation promises to ask for.
const RIGHTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: vn}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: vn, namespace: vn}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: vn}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [create, get, list, watch, patch]}
- {apiGroups: [""], resources: [nodes/status], verbs: [patch]}
- {apiGroups: [""], resources: [configmaps, secrets], verbs: [get]}
- {apiGroups: [""], resources: [services], verbs: [list, watch]}
- {apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}
- {apiGroups: [""], resources: [events], verbs: [create, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: vn}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: vn}
subjects: [{kind: ServiceAccount, name: vn, namespace: vn}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: vn, namespace: kube-node-lease}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create, get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: vn, namespace: kube-node-lease}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: vn}
subjects: [{kind: ServiceAccount, name: vn, namespace: vn}]
"#;

/// One control plane for all tests but those that stop it. It ends with this process.
struct Cluster {
    plane: ControlPlane,
    account: PathBuf,
}

impl Cluster {
    fn start() -> Self {
        let plane = ControlPlane::start(Options::default()).unwrap();
        plane.kubectl_apply(RIGHTS).unwrap();
        let account = plane.service_account_kubeconfig("vn", "vn").unwrap();
        Self { plane, account }
    }

    fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    async fn admin(&self) -> Client {
        client(self.plane.kubeconfig()).await
    }

    async fn ours(&self) -> Client {
        client(&self.account).await
    }
}

async fn client(path: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(path).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    kube_call::client(config).unwrap()
}

#[allow(
    clippy::disallowed_methods,
    reason = "the API server and the controllers beside it live in real time"
)]
fn clock() -> Arc<dyn Clock> {
    Arc::new(Timestamp::now)
}

fn random() -> Random {
    Random::new(|| 0.5)
}

/// Node and lease of one name, kept until dropped.
struct Kept {
    name: &'static str,
    nodes: Api<corev1::Node>,
    leases: Api<Lease>,
    health: watch::Sender<CloudHealth>,
    registered: watch::Receiver<Option<NodeRef>>,
    shutdown: CancellationToken,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn keep(cluster: &Cluster, name: &'static str) -> Kept {
    let health = watch::Sender::new(CloudHealth::Reachable);
    let settings = NodeSettings::new(name, Ipv4Addr::LOCALHOST.into(), 10250);
    let controller =
        NodeController::new(cluster.ours().await, settings, clock(), random(), health.subscribe());
    let registered = controller.registered();
    let lease = NodeLease::new(cluster.ours().await, name, registered.clone(), clock(), random());
    let shutdown = CancellationToken::new();
    tokio::spawn(controller.run(shutdown.clone()));
    tokio::spawn(lease.run(shutdown.clone()));
    let admin = cluster.admin().await;
    let leases = Api::namespaced(admin.clone(), "kube-node-lease");
    Kept { name, nodes: Api::all(admin), leases, health, registered, shutdown }
}

impl Kept {
    async fn node_when(&self, what: &str, condition: impl Fn(&corev1::Node) -> bool) -> corev1::Node {
        eventually(what, || async {
            let node = self.nodes.get_opt(self.name).await.ok().flatten();
            node.filter(|node| condition(node))
        })
        .await
    }

    async fn lease_when(&self, what: &str, condition: impl Fn(&Lease) -> bool) -> Lease {
        eventually(what, || async {
            let lease = self.leases.get_opt(self.name).await.ok().flatten();
            lease.filter(|lease| condition(lease))
        })
        .await
    }

    async fn patch(&self, patch: Value) {
        self.nodes.patch(self.name, &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    }

    async fn patch_status(&self, patch: Value) {
        self.nodes.patch_status(self.name, &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    }
}

/// Looks until there is something. Half a minute is long for anything but the counts of events.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    within(Duration::from_secs(30), what, look).await
}

async fn within<T, F: Future<Output = Option<T>>>(limit: Duration, what: &str, look: impl Fn() -> F) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let found = tokio::time::timeout(limit, looking).await;
    found.unwrap_or_else(|_| panic!("it never came to be: {what}"))
}

fn condition<'a>(node: &'a corev1::Node, type_: &str) -> Option<&'a corev1::NodeCondition> {
    node.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == type_)
}

fn is(node: &corev1::Node, type_: &str, status: &str) -> bool {
    condition(node, type_).is_some_and(|condition| condition.status == status)
}

fn taints(node: &corev1::Node) -> Vec<String> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    taints.into_iter().map(|taint| taint.key).collect()
}

fn renewed_at(lease: &Lease) -> Timestamp {
    lease.spec.as_ref().and_then(|spec| spec.renew_time.clone()).unwrap().0
}

fn unreachable() -> CloudHealth {
    CloudHealth::Unreachable { reason: "Denied".to_owned(), message: "the access key is disabled".to_owned() }
}

#[tokio::test]
async fn the_node_registers_ready_and_is_written_only_when_something_changed() {
    let cluster = Cluster::shared();
    let kept = keep(cluster, "vn-ready").await;
    // The admission plugin TaintNodesByCondition taints every new node; the life-cycle controller takes that away
    // once it believes in Ready.
    let node = kept
        .node_when("the node is ready and bears our taint only", |node| {
            is(node, "Ready", "True") && taints(node) == ["virtual-kubelet.io/provider"]
        })
        .await;
    let annotations = node.metadata.annotations.clone().unwrap_or_default();
    assert!(!annotations.contains_key("volumes.kubernetes.io/controller-managed-attach-detach"));
    let status = node.status.clone().unwrap();
    assert_eq!(status.capacity.as_ref().unwrap()["memory"].0, "1500Ti");
    assert_eq!(status.allocatable, status.capacity);
    let heartbeat = |node: &corev1::Node| condition(node, "Ready").unwrap().last_heartbeat_time.clone();
    let first = kept.lease_when("the lease exists", |_| true).await;
    kept.lease_when("the lease was renewed twice", |lease| {
        renewed_at(lease).duration_since(renewed_at(&first)).as_secs() >= 19
    })
    .await;
    let later = kept.node_when("the node is there", |_| true).await;
    assert_eq!(heartbeat(&later), heartbeat(&node), "two looks later nothing was written");
    let table = cluster.plane.kubectl_ok(&["get", "node", "vn-ready"]).unwrap();
    assert!(table.contains("Ready") && table.contains("agent") && table.contains("v1.37.0-ack"), "{table}");
}

#[tokio::test]
async fn a_deleted_node_comes_back_and_owns_its_lease() {
    let kept = keep(Cluster::shared(), "vn-deleted").await;
    let first = kept.node_when("the node is ready", |node| is(node, "Ready", "True")).await.metadata.uid;
    kept.lease_when("the lease exists", |_| true).await;
    kept.nodes.delete(kept.name, &DeleteParams::default()).await.unwrap();
    let node = kept
        .node_when("another node is ready", |node| node.metadata.uid != first && is(node, "Ready", "True"))
        .await;
    let uid = node.metadata.uid.unwrap();
    assert_eq!(kept.registered.borrow().as_ref().unwrap().uid, uid);
    let lease = kept
        .lease_when("the new node owns the lease", |lease| {
            let owners = lease.metadata.owner_references.clone().unwrap_or_default();
            owners.iter().map(|owner| owner.uid.as_str()).eq([uid.as_str()])
        })
        .await;
    assert_eq!(lease.spec.unwrap().holder_identity.as_deref(), Some("vn-deleted"));
}

#[tokio::test]
async fn the_cloud_going_away_taints_the_node_and_leaves_what_others_put_there() {
    let kept = keep(Cluster::shared(), "vn-cloud").await;
    kept.node_when("only our taint is left", |node| taints(node) == ["virtual-kubelet.io/provider"]).await;
    kept.patch(json!({"metadata": {"labels": {"team": "a"}}})).await;
    kept.patch_status(json!({"status": {
        "conditions": [{"type": "FromAProblemDetector", "status": "False"}],
        "capacity": {"acme.com/dongle": "3"},
    }}))
    .await;
    let maintenance = json!({"key": "maintenance", "effect": "NoSchedule"});
    let provider =
        json!({"key": "virtual-kubelet.io/provider", "value": "alibabacloud", "effect": "NoSchedule"});
    kept.patch(json!({"spec": {"taints": [provider, maintenance]}})).await;

    kept.health.send_replace(unreachable());
    let node = kept
        .node_when("the node says that the cloud is away", |node| {
            is(node, CLOUD_REACHABLE, "False")
                && taints(node).iter().any(|key| key == CLOUD_UNREACHABLE_TAINT)
        })
        .await;
    assert_eq!(taints(&node), ["virtual-kubelet.io/provider", "maintenance", CLOUD_UNREACHABLE_TAINT]);
    assert!(is(&node, "Ready", "True"));
    assert_eq!(condition(&node, CLOUD_REACHABLE).unwrap().reason.as_deref(), Some("Denied"));

    kept.health.send_replace(CloudHealth::Reachable);
    let node = kept
        .node_when("the node says that the cloud is back", |node| {
            is(node, CLOUD_REACHABLE, "True") && taints(node).len() == 2
        })
        .await;
    assert_eq!(taints(&node), ["virtual-kubelet.io/provider", "maintenance"]);
    assert!(is(&node, "FromAProblemDetector", "False"));
    assert_eq!(node.metadata.labels.as_ref().unwrap()["team"], "a");
    let status = node.status.unwrap();
    assert_eq!(status.capacity.unwrap()["acme.com/dongle"].0, "3");
    assert_eq!(status.addresses.unwrap().len(), 2);
}

#[tokio::test]
async fn a_node_that_was_there_before_is_taken_over() {
    let cluster = Cluster::shared();
    let admin: Api<corev1::Node> = Api::all(cluster.admin().await);
    let old = json!({
        "metadata": {"name": "vn-old", "labels": {"type": "something-else"}},
        "status": {"addresses": [{"type": "InternalIP", "address": "10.9.9.9"}, {"type": "InternalIP", "address": "10.9.9.8"}]},
    });
    let old = admin.create(&PostParams::default(), &serde_json::from_value(old).unwrap()).await.unwrap();
    let kept = keep(cluster, "vn-old").await;
    let node = kept
        .node_when("the node is ready and labelled", |node| {
            is(node, "Ready", "True")
                && node.metadata.labels.as_ref().is_some_and(|labels| labels["type"] == "virtual-kubelet")
        })
        .await;
    assert_eq!(node.metadata.uid, old.metadata.uid);
    let addresses = node.status.unwrap().addresses.unwrap();
    let addresses: Vec<_> = addresses.iter().map(|address| address.address.as_str()).collect();
    assert_eq!(addresses, ["127.0.0.1", "vn-old"], "no address of before is left");
}

#[tokio::test]
async fn an_api_server_that_restarts_finds_the_node_kept() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let kept = keep(&cluster, "vn-restart").await;
    let node = kept.node_when("the node is ready", |node| is(node, "Ready", "True")).await;
    let before = kept.lease_when("the lease exists", |_| true).await;
    let plane = cluster.plane;
    let plane =
        tokio::task::spawn_blocking(move || plane.stop_apiserver().map(|()| plane)).await.unwrap().unwrap();
    kept.health.send_replace(unreachable());
    let plane =
        tokio::task::spawn_blocking(move || plane.start_apiserver().map(|()| plane)).await.unwrap().unwrap();
    let after = kept
        .node_when("the node says what happened meanwhile", |node| is(node, CLOUD_REACHABLE, "False"))
        .await;
    assert_eq!(after.metadata.uid, node.metadata.uid);
    kept.lease_when("the lease is renewed again", |lease| renewed_at(lease) > renewed_at(&before)).await;
    // The watch works again, too.
    kept.nodes.delete(kept.name, &DeleteParams::default()).await.unwrap();
    kept.node_when("another node is there", |again| again.metadata.uid != node.metadata.uid).await;
    drop(kept);
    tokio::task::spawn_blocking(move || drop(plane)).await.unwrap();
}

/// A pod bound to a node that nobody keeps: it stays as it is.
async fn bound_pod(client: &Client, name: &str) -> corev1::Pod {
    let pods: Api<corev1::Pod> = Api::namespaced(client.clone(), "default");
    let pod = json!({
        "metadata": {"name": name},
        "spec": {"nodeName": "nobody", "containers": [{"name": "c", "image": "nginx"}]},
    });
    let pod = serde_json::from_value(pod).unwrap();
    // The service account of a new namespace appears a moment after it.
    eventually("the pod is accepted", || async { pods.create(&PostParams::default(), &pod).await.ok() }).await
}

#[tokio::test]
async fn a_default_pod_is_resolved_with_a_token_that_is_bound_to_it() {
    let cluster = Cluster::shared();
    let admin = cluster.admin().await;
    let resolver = Arc::new(Resolver::new(cluster.ours().await, random()));
    let shutdown = CancellationToken::new();
    let (task, token) = (resolver.clone(), shutdown.clone());
    tokio::spawn(async move { task.run(token).await });

    let pod = bound_pod(&admin, "resolved").await;
    let key = PodKey::of(&pod).unwrap();
    let resolved =
        eventually("the root certificate is published", || async { resolver.resolve(&pod, &key).await.ok() })
            .await;
    assert!(resolved.inputs.config_maps["kube-root-ca.crt"].data.as_ref().unwrap().contains_key("ca.crt"));
    let service = &resolved.inputs.services[0];
    assert_eq!(service.metadata.name.as_deref(), Some("kubernetes"));
    let (_, token) = resolved.inputs.tokens.iter().next().unwrap();
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token.expose()}});
    let request = http::Request::post("/apis/authentication.k8s.io/v1/tokenreviews")
        .header("content-type", "application/json")
        .body(review.to_string().into_bytes())
        .unwrap();
    let review: Value = admin.request(request).await.unwrap();
    assert_eq!(review["status"]["user"]["username"], "system:serviceaccount:default:default");
    assert_eq!(
        review["status"]["user"]["extra"]["authentication.kubernetes.io/pod-uid"][0],
        key.uid.as_str()
    );

    let other = PodKey { uid: "00000000-0000-0000-0000-000000000000".to_owned(), ..key.clone() };
    assert_eq!(resolver.resolve(&pod, &other).await.unwrap_err(), ResolveError::PodGone);
    let pods: Api<corev1::Pod> = Api::namespaced(admin, "default");
    pods.delete("resolved", &DeleteParams::default().grace_period(0)).await.unwrap();
    assert_eq!(resolver.resolve(&pod, &key).await.unwrap_err(), ResolveError::PodGone);

    let mut wanting = pod.clone();
    wanting.spec.as_mut().unwrap().containers[0].env_from =
        Some(vec![serde_json::from_value(json!({"configMapRef": {"name": "late"}})).unwrap()]);
    let error = resolver.resolve(&wanting, &key).await.unwrap_err();
    assert_eq!(error.to_string(), "configmap \"late\" not found");
    shutdown.cancel();
}

#[tokio::test]
async fn events_show_in_describe_and_are_counted() {
    let cluster = Cluster::shared();
    let admin = cluster.admin().await;
    let pod = bound_pod(&admin, "described").await;
    let key = PodKey::of(&pod).unwrap();
    let node = watch::Sender::new(None);
    let (events, task): (EventWriter, EventTask) =
        EventWriter::new(cluster.ours().await, "vn-events", node.subscribe(), clock(), random());
    let shutdown = CancellationToken::new();
    tokio::spawn(task.run(shutdown.clone()));
    let event = Event {
        about: About::Pod { key: key.clone(), field_path: None },
        type_: EventType::Warning,
        reason: "Failed".to_owned(),
        message: "configmap \"late\" not found".to_owned(),
    };
    events.publish(event.clone());
    events.publish(Event { about: About::Node { name: "vn-events".to_owned() }, ..event.clone() });

    let api: Api<corev1::Event> = Api::namespaced(admin, "default");
    let about = ListParams::default().fields(&format!("involvedObject.uid={}", key.uid));
    let stored = || async {
        let events = api.list(&about).await.ok()?.items;
        events.into_iter().next()
    };
    let first = eventually("the event is stored", stored).await;
    assert_eq!((first.count, first.source.unwrap().host.as_deref()), (Some(1), Some("vn-events")));
    events.publish(event.clone());
    events.publish(event);
    let described = cluster.plane.kubectl_ok(&["describe", "pod", "described"]).unwrap();
    assert!(described.contains("configmap \"late\" not found"), "{described}");
    assert!(described.contains("virtual-node"), "{described}");
    // Counts are held back for thirty seconds and looked at every thirty.
    let counted = || async { stored().await.filter(|event| event.count == Some(3)) };
    within(Duration::from_secs(75), "the repetitions are counted", counted).await;
    assert_eq!(api.list(&about).await.unwrap().items.len(), 1);
    shutdown.cancel();
}
