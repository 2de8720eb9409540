//! A pod for which a cloud that had forgotten its token made two groups: which one stays, what is deleted when, and
//! when the object may go. Each test is one process that begins with such a pod.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use vk_core::{
    Attempt, ContainerState, Cursor, GroupId, GroupState, Observation, ObservedContainer, ObservedPod, PodKey,
};
use vk_node::engine::{Action, Engine, EngineConfig, Input, Outcome, Presence, Timing};
use vk_node::facts::AnnotationNames;

const NAMES: AnnotationNames =
    AnnotationNames { group: "cloud.example/group", attempt: "cloud.example/attempt" };
const UID: &str = "uid-1";

/// A process that has just begun, and its clock.
struct Process {
    engine: Engine,
    now: Timestamp,
}

impl Process {
    fn new() -> Self {
        let timing = Timing::default();
        let config = EngineConfig { node_ip: "192.0.2.1".to_owned(), annotations: NAMES, timing };
        Self { engine: Engine::new(config), now: Timestamp::from_second(1_767_000_000).expect("in range") }
    }

    fn step(&mut self, input: Input) -> Vec<Action> {
        self.now += Duration::from_millis(100);
        self.engine.step(self.now, input)
    }

    /// The first list holds this one pod.
    fn list(&mut self, pod: &Value) -> Vec<Action> {
        let pod: corev1::Pod = serde_json::from_value(pod.clone()).expect("a pod");
        let mut actions = self.step(Input::Tick);
        actions.extend(self.step(Input::PodSeen(Arc::new(pod))));
        actions.extend(self.step(Input::ListComplete(BTreeSet::from([UID.to_owned()]))));
        actions
    }

    /// A complete sweep is answered.
    fn sweep(&mut self, groups: Vec<ObservedPod>) -> Vec<Action> {
        let observation = Observation { groups, complete: true, cursor: Cursor(self.now) };
        self.step(Input::Outcome(Outcome::Observed(Ok(observation))))
    }

    fn read(&mut self, annotated: &str) -> Vec<Action> {
        let annotated = Some(GroupId::new(annotated.to_owned()));
        let result = Ok(Presence::Present { terminating: false, annotated });
        self.step(Input::Outcome(Outcome::Read { uid: UID.to_owned(), result }))
    }

    fn patched(&mut self) -> Vec<Action> {
        self.step(Input::Outcome(Outcome::Patched { uid: UID.to_owned(), result: Ok(Some(7)) }))
    }

    fn deleted(&mut self, group: &str) -> Vec<Action> {
        let group = GroupId::new(group.to_owned());
        self.step(Input::Outcome(Outcome::Deleted { uid: UID.to_owned(), group, result: Ok(()) }))
    }
}

fn key() -> PodKey {
    PodKey { namespace: "ns".to_owned(), name: "web".to_owned(), uid: UID.to_owned() }
}

/// A pod that ran in `eci-2`, as a process before this one left it.
fn pod(phase: &str, deleted: bool) -> Value {
    let state = match phase {
        "Running" => json!({"running": {"startedAt": "2025-12-29T09:00:00Z"}}),
        _ => json!({"terminated": {"exitCode": 0, "startedAt": "2025-12-29T09:00:00Z",
                                   "finishedAt": "2025-12-29T09:10:00Z"}}),
    };
    let mut pod = json!({
        "metadata": {"namespace": "ns", "name": "web", "uid": UID, "generation": 1, "resourceVersion": "5",
                     "annotations": {(NAMES.group): "eci-2"}},
        "spec": {"nodeName": "vk", "restartPolicy": "Always", "containers": [{"name": "main", "image": "img"}]},
        "status": {"phase": phase, "containerStatuses": [{
            "name": "main", "image": "img", "imageID": "", "ready": phase == "Running", "restartCount": 0,
            "state": state}]},
    });
    if deleted {
        pod["metadata"]["deletionTimestamp"] = json!("2025-12-29T09:19:00Z");
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    }
    pod
}

fn group(id: &str, age_seconds: i64) -> ObservedPod {
    let created = Timestamp::from_second(1_767_000_000 - age_seconds).expect("in range");
    let container = ObservedContainer {
        name: "main".to_owned(),
        state: ContainerState::Running { started_at: Some(created) },
        last_terminated: None,
        ready: true,
        started: true,
        restart_count: 0,
        image: None,
        image_id: None,
        container_id: None,
    };
    ObservedPod {
        key: key(),
        group: GroupId::new(id.to_owned()),
        attempt: Attempt(0),
        created_at: Some(created),
        pod_ips: vec!["10.0.0.1".to_owned()],
        state: GroupState::Running,
        reason: None,
        message: None,
        containers: vec![container],
        init_containers: vec![],
        annotations: BTreeMap::new(),
    }
}

fn deletes(actions: &[Action]) -> Vec<String> {
    let deleted = actions.iter().filter_map(|action| match action {
        Action::Delete { group, .. } => Some(group.to_string()),
        _ => None,
    });
    deleted.collect()
}

fn removes(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Remove(_)))
}

fn annotation_written(actions: &[Action]) -> Option<String> {
    actions.iter().find_map(|action| match action {
        Action::Patch(patch) => patch.annotations.get(NAMES.group).cloned(),
        _ => None,
    })
}

#[test]
fn the_annotated_group_stays_though_another_is_older_and_sorts_first() {
    let mut process = Process::new();
    process.list(&pod("Running", false));
    let seen = process.sweep(vec![group("eci-1", 900), group("eci-2", 800)]);
    assert!(seen.iter().any(|action| matches!(action, Action::Read(_))), "{seen:?}");
    assert_eq!(annotation_written(&seen), None, "the annotation was changed before anything was judged");
    assert!(deletes(&seen).is_empty(), "{seen:?}");
    let mut after = seen;
    after.extend(process.patched());
    let judged = process.read("eci-2");
    assert_eq!(deletes(&judged), ["eci-1"]);
}

#[test]
fn nothing_is_judged_while_a_write_is_under_way() {
    let mut process = Process::new();
    process.list(&pod("Running", false));
    let mut changed = group("eci-2", 800);
    changed.pod_ips = vec!["10.0.0.9".to_owned()];
    let seen = process.sweep(vec![group("eci-1", 900), changed]);
    assert!(seen.iter().any(|action| matches!(action, Action::Patch(_))), "no write to wait for: {seen:?}");
    let judged = process.read("eci-2");
    assert!(deletes(&judged).is_empty(), "{judged:?}");
}

#[test]
fn the_object_of_an_ended_pod_waits_for_the_first_sweep_and_for_the_group_that_it_shows() {
    let mut process = Process::new();
    let listed = process.list(&pod("Succeeded", true));
    assert!(!removes(&listed), "before anything was read: {listed:?}");
    let swept = process.sweep(vec![group("eci-1", 900)]);
    assert_eq!(deletes(&swept), ["eci-1"]);
    assert!(!removes(&swept), "before its second group was deleted: {swept:?}");
    let ended = process.deleted("eci-1");
    assert!(removes(&ended), "{ended:?}");
}

#[test]
fn the_object_of_an_ended_pod_goes_after_a_first_sweep_that_shows_no_group() {
    let mut process = Process::new();
    process.list(&pod("Succeeded", true));
    let swept = process.sweep(vec![]);
    assert!(removes(&swept), "{swept:?}");
}
