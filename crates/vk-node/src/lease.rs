//! Renews the node's Lease: the heartbeat by which the life-cycle controller knows that the node is alive.
//!
//! It depends on nothing but the API server: a cloud that fails, a pod path that is slow or a status that cannot be
//! written must not make the node look dead. So it is a task of its own and is to be given a client of its own.
//!
//! `holderIdentity` is the node's name, as with every kubelet: two replicas that overlap renew the same Lease for the same
//! node, and the one that loses a race reads the winner's version and goes on from there.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference};
use kube::api::PostParams;
use kube::{Api, Client};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use vk_core::Clock;

use crate::kube_call::{Backoff, KubeError, KubeErrorKind, Random, call_within};
use crate::node::NodeRef;

/// Where the leases of nodes live.
pub const LEASE_NAMESPACE: &str = "kube-node-lease";

/// How long a renewal counts (the kubelet's `nodeLeaseDurationSeconds`).
const LEASE_SECONDS: i32 = 40;

/// A quarter of that, as the kubelet has it.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// By how much of itself the period is spread (the kubelet's 4 %).
const RENEW_SPREAD: f64 = 0.04;

/// How long one request may take: short enough for several tries within [`LEASE_SECONDS`].
const RENEW_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps one node's Lease.
pub struct NodeLease {
    leases: Api<Lease>,
    node_name: String,
    node: watch::Receiver<Option<NodeRef>>,
    clock: Arc<dyn Clock>,
    random: Random,
    renewals: Counter,
    failures: Counter,
}

impl NodeLease {
    /// A keeper of the lease of `node_name`, owned by the Node that `node` tells of. The client should serve nothing else.
    pub fn new(
        client: Client,
        node_name: impl Into<String>,
        node: watch::Receiver<Option<NodeRef>>,
        clock: Arc<dyn Clock>,
        random: Random,
    ) -> Self {
        Self {
            leases: Api::namespaced(client, LEASE_NAMESPACE),
            node_name: node_name.into(),
            node,
            clock,
            random,
            renewals: Counter::default(),
            failures: Counter::default(),
        }
    }

    /// Adds the counters to the registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        registry.register(
            "virtual_node_lease_renewals",
            "Renewals of the node's lease",
            self.renewals.clone(),
        );
        registry.register(
            "virtual_node_lease_failures",
            "Failed renewals of the node's lease",
            self.failures.clone(),
        );
    }

    /// Waits until the Node is registered, then renews until the token is cancelled.
    pub async fn run(mut self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.keep()).await;
    }

    async fn keep(&mut self) {
        let mut backoff = Backoff::kubelet(self.random.clone());
        let mut known = None;
        loop {
            // A lease without its owner would outlive the Node for ever, so there is none before there is a Node.
            let Ok(owner) = self.node.wait_for(Option::is_some).await.map(|node| node.clone()) else {
                return;
            };
            let Some(owner) = owner else { continue };
            let wait = match self.renew(known.take(), &owner).await {
                Ok(lease) => {
                    self.renewals.inc();
                    backoff.succeeded();
                    known = Some(lease);
                    self.random.spread(RENEW_EVERY, RENEW_SPREAD)
                }
                Err(error) => {
                    self.failures.inc();
                    let wait = backoff.after_failure();
                    warn!(node = self.node_name, %error, retry_in = ?wait, "could not renew the lease");
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Renews from the last known version; after a failure, from what the server has.
    ///
    /// A request that was not answered may have been carried out, so the known version is given up after any failure.
    async fn renew(&self, known: Option<Lease>, owner: &NodeRef) -> Result<Lease, KubeError> {
        let Some(known) = known else {
            return self.renew_afresh(owner).await;
        };
        match self.put(known, owner).await {
            Err(error) if matches!(error.kind, KubeErrorKind::Conflict | KubeErrorKind::NotFound) => {
                debug!(node = self.node_name, %error, "somebody else wrote the lease");
                self.renew_afresh(owner).await
            }
            other => other,
        }
    }

    async fn renew_afresh(&self, owner: &NodeRef) -> Result<Lease, KubeError> {
        let name = &self.node_name;
        let found = self.call("get", self.leases.get_opt(name)).await?;
        match found {
            Some(lease) => self.put(lease, owner).await,
            None => {
                let lease = self.renewed(Lease::default(), owner);
                let created = self.call("create", self.leases.create(&PostParams::default(), &lease)).await?;
                info!(node = name, "created the lease");
                Ok(created)
            }
        }
    }

    async fn put(&self, lease: Lease, owner: &NodeRef) -> Result<Lease, KubeError> {
        let lease = self.renewed(lease, owner);
        let params = PostParams::default();
        self.call("renew", self.leases.replace(&self.node_name, &params, &lease)).await
    }

    async fn call<T>(
        &self,
        verb: &str,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, KubeError> {
        call_within(RENEW_TIMEOUT, format!("{verb} lease \"{LEASE_NAMESPACE}/{}\"", self.node_name), request)
            .await
    }

    /// The lease, renewed now, held by this node and owned by the Node that exists.
    fn renewed(&self, lease: Lease, owner: &NodeRef) -> Lease {
        Lease {
            metadata: ObjectMeta {
                name: Some(self.node_name.clone()),
                namespace: Some(LEASE_NAMESPACE.to_owned()),
                owner_references: Some(owned_by(lease.metadata.owner_references, owner)),
                ..lease.metadata
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.node_name.clone()),
                lease_duration_seconds: Some(LEASE_SECONDS),
                renew_time: Some(MicroTime(self.clock.now())),
                ..lease.spec.unwrap_or_default()
            }),
        }
    }
}

/// The owners with our Node among them, and no Node that is no more: a lease whose owner is gone is collected.
fn owned_by(owners: Option<Vec<OwnerReference>>, node: &NodeRef) -> Vec<OwnerReference> {
    let mut owners = owners.unwrap_or_default();
    owners.retain(|owner| owner.kind != "Node");
    owners.push(OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: node.name.clone(),
        uid: node.uid.clone(),
        ..Default::default()
    });
    owners
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use k8s_openapi::jiff::Timestamp;
    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::*;
    use crate::kube_call::scripted::{Answer, Scripted, Seen};

    const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/vn";

    /// An API server of one Lease.
    #[derive(Clone, Default)]
    struct Stored {
        lease: Option<Value>,
        version: u64,
        faults: Vec<Answer>,
    }

    impl Stored {
        fn answer(&mut self, request: &Seen) -> Answer {
            if let Some(fault) = self.faults.pop() {
                return fault;
            }
            match (request.method.as_str(), &self.lease) {
                ("GET" | "PUT", None) => Answer::not_found("leases"),
                ("GET", Some(lease)) => Answer::json(200, lease.clone()),
                ("POST", None) => self.store(request.body.clone()),
                ("PUT", Some(lease)) => {
                    let sent = &request.body["metadata"]["resourceVersion"];
                    if *sent == lease["metadata"]["resourceVersion"] {
                        self.store(request.body.clone())
                    } else {
                        Answer::status(409, "Conflict", "leases", "it changed")
                    }
                }
                other => panic!("unexpected request {other:?}"),
            }
        }

        fn store(&mut self, mut lease: Value) -> Answer {
            self.version += 1;
            lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.lease = Some(lease.clone());
            Answer::json(200, lease)
        }
    }

    struct World {
        api: Scripted,
        stored: Arc<Mutex<Stored>>,
        node: watch::Sender<Option<NodeRef>>,
        shutdown: CancellationToken,
        began: Instant,
        registry: Registry,
    }

    impl Drop for World {
        fn drop(&mut self) {
            self.shutdown.cancel();
        }
    }

    fn node(uid: &str) -> Option<NodeRef> {
        Some(NodeRef { name: "vn".to_owned(), uid: uid.to_owned() })
    }

    fn start(node: Option<NodeRef>) -> World {
        let stored = Arc::new(Mutex::new(Stored::default()));
        let server = stored.clone();
        let api = Scripted::new(move |request| server.lock().unwrap().answer(request));
        let node = watch::Sender::new(node);
        let began = Instant::now();
        let clock = move || Timestamp::from_second(began.elapsed().as_secs() as i64).unwrap();
        let keeper =
            NodeLease::new(api.client(), "vn", node.subscribe(), Arc::new(clock), Random::new(|| 0.5));
        let mut registry = Registry::default();
        keeper.register_metrics(&mut registry);
        let shutdown = CancellationToken::new();
        tokio::spawn(keeper.run(shutdown.clone()));
        World { api, stored, node, shutdown, began, registry }
    }

    impl World {
        async fn until(&self, condition: impl Fn(&Value) -> bool) -> Value {
            let lease = || self.stored.lock().unwrap().lease.clone().unwrap_or_default();
            self.api.wait_until(|_| condition(&lease())).await;
            lease()
        }

        fn puts(&self) -> usize {
            self.api.lines().iter().filter(|line| **line == format!("PUT {LEASE}")).count()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_lease_is_created_and_owned_by_the_node() {
        let world = start(node("u1"));
        let lease = world.until(Value::is_object).await;
        assert_eq!(lease["spec"]["holderIdentity"], "vn");
        assert_eq!(lease["spec"]["leaseDurationSeconds"], 40);
        assert_eq!(lease["metadata"]["ownerReferences"][0]["uid"], "u1");
        assert_eq!(lease["metadata"]["ownerReferences"][0]["kind"], "Node");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_renewed_every_ten_seconds_with_one_request() {
        let world = start(node("u1"));
        world.until(|_| world.puts() == 3).await;
        assert_eq!(world.began.elapsed().as_secs(), 30);
        assert_eq!(world.api.lines().len(), 5, "{:?}", world.api.lines());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_before_the_node_is_registered() {
        let world = start(None);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(world.api.lines().is_empty());
        world.node.send_replace(node("u1"));
        world.until(Value::is_object).await;
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_conflict_it_is_read_and_renewed_at_once() {
        let world = start(node("u1"));
        world.until(|_| world.puts() == 1).await;
        {
            let mut stored = world.stored.lock().unwrap();
            let mut lease = stored.lease.clone().unwrap();
            lease["spec"]["renewTime"] = json!("2026-01-01T00:00:00.000000Z");
            stored.store(lease);
        }
        world.until(|_| world.puts() == 3).await;
        assert_eq!(world.began.elapsed().as_secs(), 20, "the put that conflicts and the one after the read");
    }

    #[tokio::test(start_paused = true)]
    async fn the_owner_is_corrected_when_the_node_was_made_again() {
        let world = start(node("u1"));
        world.until(Value::is_object).await;
        world.node.send_replace(node("u2"));
        let lease = world.until(|lease| lease["metadata"]["ownerReferences"][0]["uid"] == "u2").await;
        assert_eq!(lease["metadata"]["ownerReferences"].as_array().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_collected_lease_is_made_again() {
        let world = start(node("u1"));
        world.until(|_| world.puts() == 1).await;
        world.stored.lock().unwrap().lease = None;
        world.until(|lease| lease["metadata"]["resourceVersion"] == "3").await;
        assert_eq!(world.began.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_hangs_gets_several_tries_within_the_lease() {
        let world = start(node("u1"));
        world.until(|_| world.puts() == 1).await;
        world.stored.lock().unwrap().faults = vec![Answer::Broken, Answer::Never, Answer::Never];
        let before = world.began.elapsed();
        let renewed = |lease: &Value| lease["metadata"]["resourceVersion"].as_str() == Some("3");
        world.until(renewed).await;
        assert!(world.began.elapsed() - before < Duration::from_secs(LEASE_SECONDS as u64));
        world.until(|_| world.puts() == 5).await;
        let mut metrics = String::new();
        prometheus_client::encoding::text::encode(&mut metrics, &world.registry).unwrap();
        assert!(metrics.contains("virtual_node_lease_failures_total 3\n"), "{metrics}");
        // The fifth put may or may not have been answered yet.
        let renewals = [4, 5].map(|count| format!("virtual_node_lease_renewals_total {count}\n"));
        assert!(renewals.iter().any(|line| metrics.contains(line)), "{metrics}");
    }

    #[test]
    fn foreign_owners_stay() {
        let foreign =
            OwnerReference { kind: "ConfigMap".to_owned(), uid: "x".to_owned(), ..Default::default() };
        let owners = owned_by(Some(vec![foreign.clone()]), &node("u1").unwrap());
        assert_eq!(owners[0], foreign);
        assert_eq!(owners[1].uid, "u1");
    }
}
