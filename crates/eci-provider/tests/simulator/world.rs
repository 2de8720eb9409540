//! A simulated cloud, providers of its clusters, and pods to run.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eci_client::{AccessKey, Client, Clock as _, SystemClock};
use eci_provider::{CallObserver, EciProvider, Options};
use eci_sim::{Config, Simulator, TEST_ACCESS_KEY_ID, TEST_ACCESS_KEY_SECRET};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1 as corev1;
use serde_json::{Value, json};
use vk_core::{Attempt, Cursor, GroupId, ObservedPod, Placement, Provider, Resolved, Started};

/// Counts calls and what came of them.
#[derive(Default)]
pub(crate) struct Calls(Mutex<Vec<(&'static str, &'static str)>>, AtomicI64);

impl Calls {
    pub(crate) fn count(&self, action: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|(called, _)| *called == action).count()
    }

    pub(crate) fn outcomes(&self) -> Vec<(&'static str, &'static str)> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn skipped(&self) -> i64 {
        self.1.load(Ordering::Relaxed)
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl CallObserver for Calls {
    fn call_ended(&self, action: &'static str, outcome: &'static str, _took: Duration) {
        self.0.lock().unwrap().push((action, outcome));
    }

    fn group_skipped(&self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

/// The simulated cloud.
pub(crate) struct World {
    sim: Simulator,
    /// Milliseconds that the providers' clock is ahead of the machine's.
    ahead: Arc<AtomicI64>,
}

impl World {
    /// A cloud in which nothing takes time.
    pub(crate) async fn start() -> Self {
        let world = Self { sim: Simulator::start(Config::default()).await.unwrap(), ahead: Arc::default() };
        world.set(json!({"schedule_ms": 0, "pull_ms": 0, "start_ms": 0, "delete_visible_ms": 0}));
        world
    }

    /// A process for the node `node` of the cluster `cluster`. It takes every group for visible from the start.
    pub(crate) fn process(&self, cluster: &str, node: &str) -> (EciProvider, Arc<Calls>) {
        self.patient_process(cluster, node, Duration::ZERO)
    }

    /// A process that lets groups be invisible for so long.
    pub(crate) fn patient_process(
        &self,
        cluster: &str,
        node: &str,
        visibility_lag: Duration,
    ) -> (EciProvider, Arc<Calls>) {
        let key = AccessKey::new(TEST_ACCESS_KEY_ID, TEST_ACCESS_KEY_SECRET);
        let client =
            Client::builder("cn-hangzhou").endpoint(self.sim.url()).credentials(key).build().unwrap();
        let placement = Placement {
            cluster_id: cluster.to_owned(),
            node_name: node.to_owned(),
            node_ip: "192.0.2.10".to_owned(),
            region_id: "cn-hangzhou".to_owned(),
            v_switch_ids: vec!["vsw-1".to_owned()],
            security_group_id: "sg-1".to_owned(),
            cluster_domain: "cluster.local".to_owned(),
            ..Placement::default()
        };
        let calls = Arc::new(Calls::default());
        let observer = Arc::clone(&calls);
        let options = Options { visibility_lag, observer, ..Options::default() };
        let ahead = Arc::clone(&self.ahead);
        let clock = move || SystemClock.now() + SignedDuration::from_millis(ahead.load(Ordering::Relaxed));
        (EciProvider::new(client, placement, Arc::new(clock), options), calls)
    }

    /// A process for the usual node.
    pub(crate) fn provider(&self) -> EciProvider {
        self.process("cluster-1", "virtual-kubelet").0
    }

    pub(crate) fn set(&self, settings: Value) {
        let (status, body) = self.sim.control("POST", "settings", &settings);
        assert_eq!(status, 200, "{body}");
    }

    /// What an identity without permission may not call.
    pub(crate) fn deny(&self, actions: &[&str]) {
        let change = json!({"access_key_id": TEST_ACCESS_KEY_ID, "change": "deny", "deny": actions});
        assert_eq!(self.sim.control("POST", "accounts", &change).0, 200);
    }

    pub(crate) fn fault(&self, fault: Value) {
        let (status, body) = self.sim.control("POST", "faults", &fault);
        assert_eq!(status, 200, "{body}");
    }

    /// Lets time pass for groups and providers.
    pub(crate) fn pass(&self, milliseconds: u64) {
        let (status, body) = self.sim.control("POST", "clock", &json!({"advance_ms": milliseconds}));
        assert_eq!(status, 200, "{body}");
        self.ahead.fetch_add(i64::try_from(milliseconds).unwrap(), Ordering::Relaxed);
    }

    /// Groups that exist, also those that reads do not show.
    pub(crate) fn groups(&self) -> Vec<Value> {
        let (_, body) = self.sim.control("GET", "groups", &Value::Null);
        let groups = body["groups"].as_array().unwrap();
        groups.iter().filter(|group| group["gone"] == false && group["deleting"] == false).cloned().collect()
    }

    /// Requests of one action, oldest first.
    pub(crate) fn requests(&self, action: &str) -> Vec<Value> {
        let (_, body) = self.sim.control("GET", &format!("requests?action={action}"), &Value::Null);
        body["requests"].as_array().unwrap().clone()
    }

    /// Somebody removes the group behind our back.
    pub(crate) fn remove(&self, group: &GroupId) {
        let (status, body) = self.sim.control("DELETE", &format!("groups/{group}"), &Value::Null);
        assert_eq!(status, 200, "{body}");
    }
}

/// A pod with one container that runs for ever.
pub(crate) fn pod(name: &str) -> corev1::Pod {
    pod_with(name, json!([{"name": "app", "image": "nginx"}]), json!(null))
}

/// A pod with these containers and init containers.
pub(crate) fn pod_with(name: &str, containers: Value, init_containers: Value) -> corev1::Pod {
    serde_json::from_value(json!({
        "metadata": {"namespace": "shop", "name": name, "uid": format!("uid-of-{name}")},
        "spec": {"containers": containers, "initContainers": init_containers, "restartPolicy": "Always"},
    }))
    .unwrap()
}

/// Starts the first attempt of the pod.
pub(crate) async fn start(provider: &EciProvider, pod: &corev1::Pod) -> GroupId {
    match provider.create_pod(pod, Attempt(0), &Resolved::default()).await.unwrap() {
        Started::Group { group, .. } => group,
        Started::AcceptedEarlier => panic!("nothing was started earlier"),
    }
}

/// Everything that runs on the node, which has to be known.
pub(crate) async fn sweep(provider: &EciProvider) -> Vec<ObservedPod> {
    let observation = provider.observe(None).await.unwrap();
    assert!(observation.complete);
    observation.groups
}

/// The ids of what was observed, sorted.
pub(crate) fn ids(groups: &[ObservedPod]) -> Vec<GroupId> {
    let mut ids: Vec<_> = groups.iter().map(|group| group.group.clone()).collect();
    ids.sort();
    ids
}

/// The cursor of the present.
pub(crate) async fn cursor(provider: &EciProvider) -> Cursor {
    provider.observe(None).await.unwrap().cursor
}
