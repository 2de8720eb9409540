//! The controller against an API server of one Node: what it asks for, and what becomes of the Node.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::kube_call::scripted::{Answer, Scripted, Seen, WatchFeed};

/// Holds the Node and tells watchers of it. Merges as far as these tests need it; `tests/node_real.rs` asks the real one.
#[derive(Clone)]
struct Server {
    api: Scripted,
    stored: Arc<Mutex<Stored>>,
    feed: WatchFeed,
}

#[derive(Default)]
struct Stored {
    node: Option<Value>,
    version: u64,
    /// Answers to give instead, once each, to requests of this line.
    faults: Vec<(&'static str, Answer)>,
}

impl Server {
    fn new() -> Self {
        let stored = Arc::new(Mutex::new(Stored::default()));
        let feed = WatchFeed::new();
        let (state, watchers) = (stored.clone(), feed.clone());
        Self {
            api: Scripted::new(move |request| state.lock().unwrap().answer(request, &watchers)),
            stored,
            feed,
        }
    }

    fn fail_once(&self, line: &'static str, answer: Answer) {
        self.stored.lock().unwrap().faults.push((line, answer));
    }

    fn node(&self) -> Value {
        self.stored.lock().unwrap().node.clone().unwrap_or_default()
    }

    /// Somebody else changes the Node.
    fn edit(&self, patch: &Value) {
        let mut stored = self.stored.lock().unwrap();
        stored.patch(patch, &self.feed);
    }

    fn delete(&self) {
        let mut stored = self.stored.lock().unwrap();
        let node = stored.node.take().unwrap();
        self.feed.push("DELETED", &node);
    }

    async fn wait_for(&self, condition: impl Fn(&Value) -> bool) -> Value {
        self.api.wait_until(|_| condition(&self.node())).await;
        self.node()
    }

    fn status_writes(&self) -> usize {
        self.api.lines().iter().filter(|line| line.ends_with("/status")).count()
    }
}

impl Stored {
    fn answer(&mut self, request: &Seen, feed: &WatchFeed) -> Answer {
        let line = request.line();
        if let Some(index) = self.faults.iter().position(|(faulty, _)| line == *faulty) {
            return self.faults.remove(index).1;
        }
        match (request.method.as_str(), &self.node) {
            ("GET", _) if request.is_watch() => feed.answer(),
            ("GET", node) if request.path == "/api/v1/nodes" => {
                let version = json!({"resourceVersion": self.version.to_string()});
                Answer::json(200, json!({"metadata": version, "items": node.iter().collect::<Vec<_>>()}))
            }
            ("POST", Some(_)) => Answer::status(409, "AlreadyExists", "nodes", "it exists"),
            ("POST", None) => {
                let mut node = request.body.clone();
                node["metadata"]["uid"] = json!(format!("uid-{}", self.version));
                self.node = Some(node);
                self.store("ADDED", feed)
            }
            (_, None) => Answer::not_found("nodes"),
            ("GET", Some(node)) => Answer::json(200, node.clone()),
            ("PATCH", Some(node)) => {
                let expected = &request.body["metadata"]["resourceVersion"];
                if !expected.is_null() && *expected != node["metadata"]["resourceVersion"] {
                    return Answer::status(409, "Conflict", "nodes", "it changed");
                }
                self.patch(&request.body, feed)
            }
            other => panic!("unexpected request {other:?}"),
        }
    }

    fn patch(&mut self, patch: &Value, feed: &WatchFeed) -> Answer {
        merge(self.node.as_mut().unwrap(), patch);
        self.store("MODIFIED", feed)
    }

    fn store(&mut self, event: &str, feed: &WatchFeed) -> Answer {
        self.version += 1;
        let node = self.node.as_mut().unwrap();
        node["metadata"]["resourceVersion"] = json!(self.version.to_string());
        feed.push(event, node);
        Answer::json(200, node.clone())
    }
}

/// Merge patch, but conditions by their type.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    for (key, value) in patch {
        match value {
            Value::Null => drop(target.as_object_mut().unwrap().remove(key)),
            Value::Object(_) => merge(&mut target[key], value),
            Value::Array(items) if key == "conditions" => {
                for item in items {
                    let conditions = target[key].as_array_mut().unwrap();
                    conditions.retain(|old| old["type"] != item["type"]);
                    conditions.push(item.clone());
                }
            }
            Value::Array(items) => {
                let items: Vec<_> = items.iter().filter(|item| item.get("$patch").is_none()).collect();
                target[key] = json!(items);
            }
            other => target[key] = other.clone(),
        }
    }
}

fn condition<'a>(node: &'a Value, wanted: &str) -> &'a Value {
    let conditions = node["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.find(|condition| condition["type"] == wanted).unwrap_or(&Value::Null)
}

fn taints(node: &Value) -> Vec<&str> {
    let taints = node["spec"]["taints"].as_array();
    taints.into_iter().flatten().map(|taint| taint["key"].as_str().unwrap()).collect()
}

/// A controller that runs until it is dropped.
struct Running {
    health: watch::Sender<CloudHealth>,
    registered: watch::Receiver<Option<NodeRef>>,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn start(server: &Server) -> Running {
    let health = watch::Sender::new(CloudHealth::Reachable);
    let began = Instant::now();
    let clock = move || {
        k8s_openapi::jiff::Timestamp::from_second(1_800_000_000 + began.elapsed().as_secs() as i64).unwrap()
    };
    let controller = NodeController::new(
        server.api.client(),
        NodeSettings::new("vn", "10.0.0.7".parse().unwrap(), 10250),
        Arc::new(clock),
        Random::new(|| 0.5),
        health.subscribe(),
    );
    let registered = controller.registered();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(controller.run(shutdown.clone()));
    Running { health, registered, shutdown, task }
}

fn unreachable() -> CloudHealth {
    CloudHealth::Unreachable { reason: "Unreachable".to_owned(), message: "no route".to_owned() }
}

/// Until the controller is idle: it has reported and watches.
async fn settled(server: &Server) {
    server
        .api
        .wait_until(|seen| {
            seen.iter().any(Seen::is_watch) && seen.iter().any(|request| request.path.ends_with("/status"))
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_node_is_created_and_reported() {
    let server = Server::new();
    let mut running = start(&server);
    settled(&server).await;
    let node = server.node();
    assert_eq!(condition(&node, "Ready")["status"], "True");
    assert_eq!(condition(&node, "CloudReachable")["status"], "True");
    let known = running.registered.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert_eq!(known.name, "vn");
    assert_eq!(known.uid, node["metadata"]["uid"].as_str().unwrap());
    let status = server.api.seen().into_iter().find(|request| request.path.ends_with("/status")).unwrap();
    assert_eq!(status.content_type, "application/strategic-merge-patch+json");
}

#[tokio::test(start_paused = true)]
async fn an_existing_node_is_taken_over_with_what_others_put_there() {
    let server = Server::new();
    server.stored.lock().unwrap().node = Some(json!({
        "metadata": {"name": "vn", "uid": "old", "resourceVersion": "0", "labels": {"team": "a", "type": "x"}},
        "spec": {"taints": [{"key": "maintenance", "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "NetworkUnavailable", "status": "False"}], "capacity": {"acme.com/dongle": "1"}},
    }));
    let running = start(&server);
    let node = server.wait_for(|node| node["metadata"]["labels"]["type"] == "virtual-kubelet").await;
    assert_eq!(running.registered.borrow().as_ref().unwrap().uid, "old");
    assert_eq!(node["metadata"]["labels"]["team"], "a");
    assert_eq!(taints(&node), ["maintenance"], "the provider taint is only set at creation");
    assert_eq!(condition(&node, "NetworkUnavailable")["status"], "False");
    assert_eq!(condition(&node, "Ready")["status"], "True");
    assert_eq!(node["status"]["capacity"]["acme.com/dongle"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_node_is_made_again_at_once() {
    let server = Server::new();
    let mut running = start(&server);
    settled(&server).await;
    let first = server.node()["metadata"]["uid"].clone();
    let deleted_at = Instant::now();
    server.delete();
    let node = server.wait_for(|node| condition(node, "Ready")["status"] == "True").await;
    assert!(deleted_at.elapsed() < Duration::from_secs(1));
    assert_ne!(node["metadata"]["uid"], first);
    let uid = node["metadata"]["uid"].as_str().unwrap().to_owned();
    running.registered.wait_for(|known| known.as_ref().is_some_and(|known| known.uid == uid)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_node_that_others_call_unknown_is_set_right_at_once() {
    let server = Server::new();
    let _running = start(&server);
    settled(&server).await;
    let edited_at = Instant::now();
    server.edit(&json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}}));
    server.wait_for(|node| condition(node, "Ready")["status"] == "True").await;
    assert!(edited_at.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_cloud_going_away_shows_as_condition_and_taint_and_ready_stays() {
    let server = Server::new();
    let running = start(&server);
    settled(&server).await;
    server.edit(&json!({"spec": {"taints": [{"key": "maintenance", "effect": "NoExecute"}]}}));
    running.health.send_replace(unreachable());
    let node = server.wait_for(|node| taints(node).len() == 2).await;
    assert_eq!(taints(&node), ["maintenance", super::super::CLOUD_UNREACHABLE_TAINT]);
    assert_eq!(condition(&node, "CloudReachable")["status"], "False");
    assert_eq!(condition(&node, "CloudReachable")["message"], "no route");
    assert_eq!(condition(&node, "Ready")["status"], "True");

    running.health.send_replace(CloudHealth::Reachable);
    let node = server.wait_for(|node| taints(node).len() == 1).await;
    assert_eq!(taints(&node), ["maintenance"]);
    assert_eq!(condition(&node, "CloudReachable")["status"], "True");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_over_taints_loses_none() {
    let server = Server::new();
    let running = start(&server);
    settled(&server).await;
    {
        // An edit that no watch event tells of: the next patch is made from a version that is gone.
        let mut stored = server.stored.lock().unwrap();
        stored.version += 1;
        let version = stored.version.to_string();
        let node = stored.node.as_mut().unwrap();
        node["spec"]["taints"] = json!([{"key": "maintenance", "effect": "NoSchedule"}]);
        node["metadata"]["resourceVersion"] = json!(version);
    }
    server.fail_once("PATCH /api/v1/nodes/vn", Answer::status(409, "Conflict", "nodes", "it changed"));
    running.health.send_replace(unreachable());
    let node = server.wait_for(|node| taints(node).contains(&super::super::CLOUD_UNREACHABLE_TAINT)).await;
    assert_eq!(taints(&node), ["maintenance", super::super::CLOUD_UNREACHABLE_TAINT]);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_status_is_written_every_five_minutes_and_no_more() {
    let server = Server::new();
    let _running = start(&server);
    settled(&server).await;
    let before = server.status_writes();
    let began = Instant::now();
    server.wait_for(|_| server.status_writes() == before + 2).await;
    assert!(began.elapsed() >= Duration::from_secs(600), "{:?}", began.elapsed());
    assert!(began.elapsed() <= Duration::from_secs(630), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_new_wording_of_the_same_trouble_waits_for_the_next_look() {
    let server = Server::new();
    let running = start(&server);
    settled(&server).await;
    running.health.send_replace(unreachable());
    server.wait_for(|node| condition(node, "CloudReachable")["message"] == "no route").await;
    let reworded_at = Instant::now();
    running.health.send_replace(CloudHealth::Unreachable {
        reason: "Unreachable".to_owned(),
        message: "still no route".to_owned(),
    });
    server.wait_for(|node| condition(node, "CloudReachable")["message"] == "still no route").await;
    assert!(reworded_at.elapsed() >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn registration_outlives_an_api_server_that_is_away() {
    let server = Server::new();
    for _ in 0..5 {
        server.fail_once("POST /api/v1/nodes", Answer::Broken);
    }
    server.fail_once("POST /api/v1/nodes", Answer::Never);
    server.fail_once("GET /api/v1/nodes", Answer::Broken);
    let _running = start(&server);
    server.wait_for(|node| condition(node, "Ready")["status"] == "True").await;
    let creates = server.api.lines().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(creates, 7);
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_may_not_create_reports_on_the_node_it_was_given() {
    let server = Server::new();
    server.stored.lock().unwrap().node = Some(json!({
        "metadata": {"name": "vn", "uid": "given", "resourceVersion": "0"}, "spec": {}, "status": {"conditions": []},
    }));
    server.fail_once("POST /api/v1/nodes", Answer::status(403, "Forbidden", "nodes", "not you"));
    let _running = start(&server);
    server.wait_for(|node| condition(node, "Ready")["status"] == "True").await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_label_keeps_no_status_from_being_written() {
    let server = Server::new();
    server.stored.lock().unwrap().node = Some(json!({
        "metadata": {"name": "vn", "uid": "given", "resourceVersion": "0"}, "spec": {}, "status": {"conditions": []},
    }));
    let refusal = Answer::status(403, "Forbidden", "nodes", "label kubernetes.io/role may not be set");
    for _ in 0..20 {
        server.fail_once("PATCH /api/v1/nodes/vn", refusal.clone());
    }
    let _running = start(&server);
    server.wait_for(|node| condition(node, "Ready")["status"] == "True").await;
    assert!(server.node()["metadata"].get("labels").is_none());
    let began = Instant::now();
    server.wait_for(|node| node["metadata"]["labels"]["type"] == "virtual-kubelet").await;
    let took = began.elapsed();
    assert!(took > 5 * REFUSED_WAIT, "a refusal that only a person can end is not hammered: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_controller_even_in_the_middle_of_a_call() {
    let server = Server::new();
    server.fail_once("POST /api/v1/nodes", Answer::Never);
    let mut running = start(&server);
    server.api.wait_until(|seen| !seen.is_empty()).await;
    let cancelled_at = Instant::now();
    running.shutdown.cancel();
    (&mut running.task).await.unwrap();
    assert_eq!(cancelled_at.elapsed(), Duration::ZERO);
}
