//! The writer against a scripted API server.

use serde_json::Value;

use super::*;
use crate::kube_call::scripted::{Answer, Scripted, Seen};

struct World {
    api: Scripted,
    events: EventWriter,
    node: watch::Sender<Option<NodeRef>>,
    shutdown: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn start(script: impl FnMut(&Seen) -> Answer + Send + 'static) -> World {
    let api = Scripted::new(script);
    let node = watch::Sender::new(None);
    let began = Instant::now();
    let clock =
        move || Timestamp::from_millisecond(1_800_000_000_000 + began.elapsed().as_millis() as i64).unwrap();
    let (events, task) =
        EventWriter::new(api.client(), "vn", node.subscribe(), Arc::new(clock), Random::new(|| 0.5));
    let shutdown = CancellationToken::new();
    tokio::spawn(task.run(shutdown.clone()));
    World { api, events, node, shutdown }
}

fn accept(request: &Seen) -> Answer {
    let mut event = request.body.clone();
    event["involvedObject"] = json!({});
    event["metadata"] = json!({"name": "stored"});
    Answer::json(200, event)
}

fn pod_event(message: &str) -> Event {
    let key = PodKey { namespace: "ns".to_owned(), name: "web-0".to_owned(), uid: "u1".to_owned() };
    Event {
        about: About::Pod { key, field_path: Some("spec.containers{c}".to_owned()) },
        type_: EventType::Warning,
        reason: "Failed".to_owned(),
        message: message.to_owned(),
    }
}

fn of_method(seen: &[Seen], method: &str) -> usize {
    seen.iter().filter(|request| request.method == method).count()
}

impl World {
    async fn posts(&self, count: usize) -> Vec<Seen> {
        self.api.wait_until(|seen| of_method(seen, "POST") == count).await
    }

    fn dropped(&self, reason: &'static str) -> u64 {
        self.events.metrics.dropped.get_or_create(&DropLabels { reason }).get()
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_written_so_that_describe_finds_it() {
    let world = start(accept);
    world.events.publish(pod_event("no stock"));
    let request = world.posts(1).await.remove(0);
    assert_eq!(request.path, "/api/v1/namespaces/ns/events");
    let body = request.body;
    assert_eq!(
        body["involvedObject"],
        json!({"apiVersion": "v1", "kind": "Pod", "namespace": "ns", "name": "web-0", "uid": "u1",
               "fieldPath": "spec.containers{c}"})
    );
    assert_eq!(body["source"], json!({"component": "virtual-node", "host": "vn"}));
    assert_eq!(
        (&body["type"], &body["reason"], &body["message"]),
        (&json!("Warning"), &json!("Failed"), &json!("no stock"))
    );
    assert_eq!(body["count"], 1);
    assert_eq!(body["firstTimestamp"], "2027-01-15T08:00:00Z");
    assert_eq!(body.get("eventTime"), None, "it would call for a series instead of a count");
}

#[tokio::test(start_paused = true)]
async fn a_node_event_goes_to_the_default_namespace_under_the_uid_of_the_node() {
    let world = start(accept);
    world.node.send_replace(Some(NodeRef { name: "vn".to_owned(), uid: "n1".to_owned() }));
    let about = About::Node { name: "vn".to_owned() };
    world.events.publish(Event { about, ..pod_event("the cloud is away") });
    let request = world.posts(1).await.remove(0);
    assert_eq!(request.path, "/api/v1/namespaces/default/events");
    assert_eq!(
        request.body["involvedObject"],
        json!({"apiVersion": "v1", "kind": "Node", "name": "vn", "uid": "n1"})
    );
}

#[tokio::test(start_paused = true)]
async fn repetitions_are_counted_into_the_first_event() {
    let world = start(accept);
    for _ in 0..100 {
        world.events.publish(pod_event("no stock"));
    }
    let seen = world.api.wait_until(|seen| of_method(seen, "PATCH") == 1).await;
    assert_eq!(of_method(&seen, "POST"), 1);
    let patch = seen.last().unwrap();
    let name = seen[0].body["metadata"]["name"].as_str().unwrap();
    assert_eq!(patch.path, format!("/api/v1/namespaces/ns/events/{name}"));
    assert_eq!(patch.body["count"], 100);
    assert_eq!(patch.body.get("message"), None);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_tried_again_while_the_api_server_is_away() {
    let mut failures = 3;
    let world = start(move |request| {
        failures -= 1;
        if failures >= 0 { Answer::Broken } else { accept(request) }
    });
    world.events.publish(pod_event("no stock"));
    let seen = world.posts(4).await;
    let names: Vec<&Value> = seen.iter().map(|request| &request.body["metadata"]["name"]).collect();
    assert!(names.iter().all(|name| *name == names[0]), "the same object each time");
    world.events.publish(pod_event("another"));
    world.posts(5).await;
    assert_eq!(world.dropped("unavailable"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_is_dropped_and_the_next_is_written() {
    let mut first = true;
    let world = start(move |request| {
        if std::mem::take(&mut first) {
            return Answer::status(403, "Forbidden", "events", "namespace ns is being terminated");
        }
        accept(request)
    });
    world.events.publish(pod_event("one"));
    world.events.publish(pod_event("one"));
    world.posts(2).await;
    assert_eq!(world.dropped("refused"), 1);
}

#[tokio::test(start_paused = true)]
async fn publishing_never_blocks_and_what_does_not_fit_is_counted() {
    let world = start(|_| Answer::Never);
    for number in 0..QUEUE + 10 {
        world.events.publish(pod_event(&number.to_string()));
    }
    assert_eq!(world.dropped("queue_full"), 10);
}

#[tokio::test(start_paused = true)]
async fn writes_keep_to_the_rate() {
    let world = start(accept);
    let began = Instant::now();
    for number in 0..200 {
        let mut event = pod_event("x");
        if let About::Pod { key, .. } = &mut event.about {
            key.uid = number.to_string();
        }
        world.events.publish(event);
    }
    world.posts(200).await;
    let took = began.elapsed().as_secs_f64();
    assert!((1.9..2.2).contains(&took), "100 at once and 100 at 50 a second, took {took} s");
}

#[tokio::test(start_paused = true)]
async fn long_texts_are_cut_between_characters() {
    let world = start(accept);
    let text = "阿".repeat(1000);
    world.events.publish(pod_event(&text));
    let request = world.posts(1).await.remove(0);
    let message = request.body["message"].as_str().unwrap();
    assert!(message.len() <= 1024 && message.ends_with("阿..."), "{}", message.len());
}
