//! Statuses of pods in the states that a provider reports.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use vk_core::{
    Attempt, ContainerState, GroupId, GroupState, ObservedContainer, ObservedPod, PodKey, Terminated,
};

use super::*;
use crate::facts::AnnotationNames;

const NAMES: AnnotationNames = AnnotationNames { group: "c.example/group", attempt: "c.example/attempt" };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_000_000 + second).expect("in range")
}

fn facts(spec: Value, status: Value) -> PodFacts {
    let pod = json!({
        "metadata": {"namespace": "ns", "name": "web", "uid": "u1", "generation": 3},
        "spec": spec,
        "status": status,
    });
    PodFacts::of(&serde_json::from_value(pod).expect("a pod"), &NAMES).expect("facts")
}

fn one_container() -> Value {
    json!({"containers": [{"name": "main", "image": "nginx"}]})
}

fn container(name: &str, state: ContainerState, ready: bool) -> ObservedContainer {
    ObservedContainer {
        name: name.to_owned(),
        started: matches!(state, ContainerState::Running { .. }),
        state,
        last_terminated: None,
        ready,
        restart_count: 0,
        image: None,
        image_id: None,
        container_id: None,
    }
}

fn running() -> ContainerState {
    ContainerState::Running { started_at: Some(at(5)) }
}

fn ended(exit_code: i32) -> ContainerState {
    ContainerState::Terminated(Terminated { exit_code, finished_at: Some(at(9)), ..Terminated::default() })
}

fn group(state: GroupState, containers: Vec<ObservedContainer>) -> ObservedPod {
    ObservedPod {
        key: PodKey { namespace: "ns".into(), name: "web".into(), uid: "u1".into() },
        group: GroupId::new("g1"),
        attempt: Attempt(0),
        created_at: Some(at(0)),
        state,
        reason: None,
        message: None,
        pod_ips: vec!["10.0.0.9".into()],
        containers,
        init_containers: vec![],
        annotations: BTreeMap::new(),
    }
}

fn status_of(facts: &PodFacts, observed: Option<&ObservedPod>, ended: Option<Ended>) -> corev1::PodStatus {
    pod_status(&View { facts, observed, waiting: None, ended, node_ip: "192.0.2.1", now: at(60) })
}

fn condition<'a>(status: &'a corev1::PodStatus, kind: &str) -> &'a corev1::PodCondition {
    status.conditions.iter().flatten().find(|condition| condition.type_ == kind).expect(kind)
}

fn exit_code(status: &corev1::PodStatus) -> Option<i32> {
    let state = status.container_statuses.as_ref()?.first()?.state.as_ref()?;
    Some(state.terminated.as_ref()?.exit_code)
}

#[test]
fn a_pod_that_was_just_created_is_pending_and_its_container_is_being_created() {
    let facts = facts(one_container(), json!({"phase": "Pending"}));
    let status = status_of(&facts, None, None);
    assert_eq!(status.phase.as_deref(), Some("Pending"));
    assert_eq!(status.start_time.as_ref().map(|time| time.0), Some(at(60)));
    let waiting = status.container_statuses.as_ref().expect("statuses")[0].state.as_ref().expect("a state");
    assert_eq!(waiting.waiting.as_ref().and_then(|w| w.reason.as_deref()), Some("ContainerCreating"));
    assert_eq!(condition(&status, "Ready").status, "False");
    assert_eq!(condition(&status, "Ready").observed_generation, Some(3));
}

#[test]
fn a_running_ready_container_makes_the_pod_ready_with_its_address() {
    let facts = facts(one_container(), json!({"phase": "Pending", "startTime": at(1).to_string()}));
    let observed = group(GroupState::Running, vec![container("main", running(), true)]);
    let status = status_of(&facts, Some(&observed), None);
    assert_eq!(status.phase.as_deref(), Some("Running"));
    assert_eq!(status.pod_ip.as_deref(), Some("10.0.0.9"));
    assert_eq!(status.host_ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(status.start_time.as_ref().map(|time| time.0), Some(at(1)), "the start stays");
    for kind in ["PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodScheduled"] {
        assert_eq!(condition(&status, kind).status, "True", "{kind}");
    }
}

#[test]
fn an_unready_container_is_named() {
    let facts = facts(one_container(), json!({"phase": "Running"}));
    let observed = group(GroupState::Running, vec![container("main", running(), false)]);
    let status = status_of(&facts, Some(&observed), None);
    let ready = condition(&status, "Ready");
    assert_eq!(ready.reason.as_deref(), Some("ContainersNotReady"));
    assert_eq!(ready.message.as_deref(), Some("containers with unready status: [main]"));
}

#[test]
fn a_readiness_gate_that_nobody_opened_keeps_the_pod_unready() {
    let mut spec = one_container();
    spec["readinessGates"] = json!([{"conditionType": "lb.example/attached"}]);
    let observed = group(GroupState::Running, vec![container("main", running(), true)]);
    let closed = status_of(&facts(spec.clone(), json!({"phase": "Running"})), Some(&observed), None);
    assert_eq!(condition(&closed, "ContainersReady").status, "True");
    assert_eq!(condition(&closed, "Ready").reason.as_deref(), Some("ReadinessGatesNotReady"));
    let gate = json!({"phase": "Running", "conditions": [{"type": "lb.example/attached", "status": "True"}]});
    let open = status_of(&facts(spec, gate), Some(&observed), None);
    assert_eq!(condition(&open, "Ready").status, "True");
    let foreign = open.conditions.iter().flatten().any(|condition| condition.type_ == "lb.example/attached");
    assert!(!foreign, "a gate's condition belongs to its writer");
}

#[test]
fn a_transition_time_moves_only_with_its_status() {
    let stored = json!({"phase": "Running", "conditions": [
        {"type": "Ready", "status": "True", "lastTransitionTime": at(2).to_string()},
        {"type": "Initialized", "status": "False", "lastTransitionTime": at(2).to_string()}]});
    let observed = group(GroupState::Running, vec![container("main", running(), true)]);
    let status = status_of(&facts(one_container(), stored), Some(&observed), None);
    let since = |kind: &str| condition(&status, kind).last_transition_time.as_ref().map(|time| time.0);
    assert_eq!(since("Ready"), Some(at(2)));
    assert_eq!(since("Initialized"), Some(at(60)));
}

#[test]
fn the_end_of_a_group_is_the_end_of_the_pod_with_its_exit_code() {
    let spec = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "job"}]});
    let facts = facts(spec, json!({"phase": "Running"}));
    for (state, code, phase) in [(GroupState::Succeeded, 0, "Succeeded"), (GroupState::Failed, 3, "Failed")] {
        let observed = group(state, vec![container("main", ended(code), false)]);
        let status = status_of(&facts, Some(&observed), None);
        assert_eq!(status.phase.as_deref(), Some(phase));
        assert_eq!(exit_code(&status), Some(code));
        assert_eq!(condition(&status, "Ready").status, "False");
    }
}

#[test]
fn an_ended_container_of_a_group_that_is_not_ended_does_not_end_the_pod() {
    let spec = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "job"}]});
    let observed = group(GroupState::Running, vec![container("main", ended(0), false)]);
    let status = status_of(&facts(spec, json!({"phase": "Running"})), Some(&observed), None);
    assert_eq!(status.phase.as_deref(), Some("Running"));
}

#[test]
fn a_terminal_phase_is_final() {
    let facts = facts(one_container(), json!({"phase": "Failed"}));
    let observed = group(GroupState::Running, vec![container("main", running(), true)]);
    assert_eq!(status_of(&facts, Some(&observed), None).phase.as_deref(), Some("Failed"));
}

#[test]
fn a_container_that_fails_to_be_pulled_keeps_the_reason_and_a_pod_that_ran_its_phase() {
    let waiting =
        ContainerState::Waiting { reason: Some("ImagePullBackOff".into()), message: Some("no".into()) };
    let observed = group(GroupState::Pending, vec![container("main", waiting, false)]);
    let pending = status_of(&facts(one_container(), json!({"phase": "Pending"})), Some(&observed), None);
    assert_eq!(pending.phase.as_deref(), Some("Pending"));
    let state = pending.container_statuses.as_ref().expect("statuses")[0].state.as_ref().expect("a state");
    assert_eq!(state.waiting.as_ref().and_then(|w| w.reason.as_deref()), Some("ImagePullBackOff"));
    let ran = status_of(&facts(one_container(), json!({"phase": "Running"})), Some(&observed), None);
    assert_eq!(ran.phase.as_deref(), Some("Running"));
}

#[test]
fn a_vanished_group_fails_the_pod_with_a_reason_and_unknown_exit_codes() {
    let facts = facts(one_container(), json!({"phase": "Running"}));
    let observed = group(GroupState::Running, vec![container("main", running(), true)]);
    let status = status_of(&facts, Some(&observed), Some(Ended::Vanished));
    assert_eq!(status.phase.as_deref(), Some("Failed"));
    assert_eq!(status.reason.as_deref(), Some("ContainerGroupGone"));
    assert_eq!(exit_code(&status), Some(137));
    assert_eq!(status.pod_ip.as_deref(), Some("10.0.0.9"), "addresses stay after the end");
}

#[test]
fn a_deleted_pod_keeps_the_exit_codes_that_are_known() {
    let facts = facts(one_container(), json!({"phase": "Running"}));
    let observed = group(GroupState::Running, vec![container("main", ended(0), false)]);
    let status = status_of(&facts, Some(&observed), Some(Ended::Deleted));
    assert_eq!((status.phase.as_deref(), exit_code(&status)), (Some("Succeeded"), Some(0)));
    let unknown = status_of(&facts, None, Some(Ended::Deleted));
    assert_eq!((unknown.phase.as_deref(), exit_code(&unknown)), (Some("Failed"), Some(137)));
}

#[test]
fn reclaimed_capacity_is_a_disruption() {
    let facts = facts(one_container(), json!({"phase": "Running"}));
    let mut observed = group(GroupState::Reclaimed, vec![container("main", running(), true)]);
    observed.reason = Some("BidFailed".into());
    let status = status_of(&facts, Some(&observed), None);
    assert_eq!((status.phase.as_deref(), status.reason.as_deref()), (Some("Failed"), Some("BidFailed")));
    assert_eq!(condition(&status, "DisruptionTarget").reason.as_deref(), Some("TerminationByKubelet"));
}

#[test]
fn restart_counts_never_fall() {
    let stored = json!({"phase": "Running", "containerStatuses": [{
        "name": "main", "image": "nginx", "imageID": "", "ready": true, "restartCount": 4,
        "state": {"running": {}}}]});
    let observed = group(GroupState::Running, vec![container("main", running(), true)]);
    let status = status_of(&facts(one_container(), stored), Some(&observed), None);
    assert_eq!(status.container_statuses.expect("statuses")[0].restart_count, 4);
}

#[test]
fn init_containers_hold_the_pod_until_they_are_done() {
    let spec = json!({"initContainers": [{"name": "prepare", "image": "busybox"}],
                      "containers": [{"name": "main", "image": "nginx"}]});
    let facts = facts(spec, json!({"phase": "Pending"}));
    let waiting = ContainerState::Waiting { reason: None, message: None };
    let mut observed = group(GroupState::Pending, vec![container("main", waiting, false)]);
    observed.init_containers = vec![container("prepare", running(), false)];
    let during = status_of(&facts, Some(&observed), None);
    let initialized = condition(&during, "Initialized");
    assert_eq!(initialized.message.as_deref(), Some("containers with incomplete status: [prepare]"));
    let main = during.container_statuses.as_ref().expect("statuses")[0].state.as_ref().expect("a state");
    assert_eq!(main.waiting.as_ref().and_then(|w| w.reason.as_deref()), Some("PodInitializing"));
    // The light status of the cloud tells nothing of init containers: that the main one runs proves they ended well.
    let observed = group(GroupState::Running, vec![container("main", running(), true)]);
    let after = status_of(&facts, Some(&observed), None);
    assert_eq!(condition(&after, "Initialized").status, "True");
    let init = after.init_container_statuses.expect("statuses")[0].clone();
    assert!(init.ready && init.state.expect("a state").terminated.is_some());
}

#[test]
fn a_status_that_came_back_from_the_api_server_means_the_same() {
    let spec = json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": "job"}]});
    let facts = facts(spec.clone(), json!({"phase": "Running"}));
    let observed = group(GroupState::Failed, vec![container("main", ended(3), false)]);
    let sent = status_of(&facts, Some(&observed), None);
    let text = serde_json::to_string(&sent).expect("JSON");
    let stored: corev1::PodStatus = serde_json::from_str(&text).expect("a status");
    assert_eq!(Meaning::of(&stored), Meaning::of(&sent));
}

#[test]
fn an_address_alone_is_a_light_difference() {
    let facts = facts(one_container(), json!({"phase": "Pending", "startTime": at(1).to_string()}));
    let waiting = || ContainerState::Waiting { reason: None, message: None };
    let mut observed = group(GroupState::Pending, vec![container("main", waiting(), false)]);
    let with = Meaning::of(&status_of(&facts, Some(&observed), None));
    observed.pod_ips.clear();
    let without = Meaning::of(&status_of(&facts, Some(&observed), None));
    assert_ne!(with.full, without.full);
    assert_eq!(with.coarse, without.coarse);
}
