//! The cases of `tests/observations`.

use std::fs;
use std::path::Path;

use eci_client::model::{ContainerGroup, ContainerGroupStatus};
use eci_translate::marks::{self, Marks};
use eci_translate::{Known, observed_from_group, observed_from_status};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vk_core::{Attempt, ContainerState, ObservedContainer, ObservedPod, PodKey, Terminated};

use crate::expectation::{assert_none, compare, folders};

#[test]
fn every_reply_is_read_as_its_folder_says() {
    let folders = folders("observations");
    assert!(folders.len() >= 15, "only {} observations", folders.len());
    assert_none(
        folders
            .iter()
            .filter_map(|folder| compare(folder, "observed.yaml", Some(observed(folder))))
            .collect(),
    );
}

fn observed(folder: &Path) -> String {
    let observed = match (group(folder), status(folder)) {
        (Some(group), _) => observed_from_group(&group),
        (None, Some(status)) => Some(observed_from_status(&status, &known())),
        (None, None) => panic!("{} holds no reply", folder.display()),
    };
    serde_saphyr::to_string(&observed.as_ref().map(in_words)).unwrap()
}

/// A folder with both replies: a reader of one and a reader of the other must not report different things in turn.
#[test]
fn both_replies_of_one_state_are_read_alike_but_for_image_digests() {
    let mut compared = 0;
    for folder in folders("observations") {
        let (Some(group), Some(status)) = (group(&folder), status(&folder)) else { continue };
        let full = observed_from_group(&group).unwrap();
        let known = Known {
            marks: marks::from_tags(&group.tags).unwrap(),
            created_at: full.created_at,
            init_containers: full.init_containers.clone(),
            annotations: full.annotations.clone(),
        };
        let mut light = observed_from_status(&status, &known);
        for container in &mut light.containers {
            assert!(container.image_id.take().is_some(), "{}", folder.display());
        }
        assert_eq!(in_words(&light), in_words(&full), "{}", folder.display());
        compared += 1;
    }
    assert!(compared >= 3, "only {compared} folders hold both");
}

fn group(folder: &Path) -> Option<ContainerGroup> {
    json_file(&folder.join("group.json"))
}

fn status(folder: &Path) -> Option<ContainerGroupStatus> {
    json_file(&folder.join("status.json"))
}

fn json_file<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

pub(crate) fn known() -> Known {
    let key = PodKey { namespace: "shop".to_owned(), name: "app".to_owned(), uid: "u-1".to_owned() };
    Known {
        marks: Marks {
            cluster_id: "c-1".to_owned(),
            node_name: "virtual-kubelet".to_owned(),
            key,
            attempt: Attempt(1),
        },
        created_at: Some("2026-11-23T10:00:00Z".parse().unwrap()),
        init_containers: Vec::new(),
        annotations: [("k8s.aliyun.com/eci-instance-cpu".to_owned(), "2.0".to_owned())].into(),
    }
}

/// The observation as a person reads it; what is not set is left out.
fn in_words(pod: &ObservedPod) -> Value {
    let ObservedPod {
        key,
        group,
        attempt,
        created_at,
        state,
        reason,
        message,
        pod_ips,
        containers,
        init_containers,
        annotations,
    } = pod;
    pruned(json!({
        "key": key.to_string(),
        "group": group.as_str(),
        "attempt": attempt.0,
        "createdAt": created_at.map(|at| at.to_string()),
        "state": format!("{state:?}"),
        "reason": reason,
        "message": message,
        "podIPs": pod_ips,
        "containers": containers.iter().map(container).collect::<Vec<_>>(),
        "initContainers": init_containers.iter().map(container).collect::<Vec<_>>(),
        "annotations": annotations,
    }))
}

fn container(container: &ObservedContainer) -> Value {
    let ObservedContainer {
        name,
        state,
        last_terminated,
        ready,
        started,
        restart_count,
        image,
        image_id,
        container_id,
    } = container;
    let state = match state {
        ContainerState::Waiting { reason, message } => {
            json!({"waiting": {"reason": reason, "message": message}})
        }
        ContainerState::Running { started_at } => {
            json!({"running": {"since": started_at.map(|at| at.to_string())}})
        }
        ContainerState::Terminated(end) => json!({"terminated": terminated(end)}),
    };
    json!({
        "name": name,
        "state": state,
        "lastTerminated": last_terminated.as_ref().map(terminated),
        "ready": ready,
        "started": started,
        "restartCount": restart_count,
        "image": image,
        "imageID": image_id,
        "containerID": container_id,
    })
}

fn terminated(end: &Terminated) -> Value {
    let Terminated { exit_code, signal, reason, message, started_at, finished_at } = end;
    json!({
        "exitCode": exit_code,
        "signal": signal,
        "reason": reason,
        "message": message,
        "startedAt": started_at.map(|at| at.to_string()),
        "finishedAt": finished_at.map(|at| at.to_string()),
    })
}

fn pruned(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().map(|(name, value)| (name, pruned(value)));
            Value::Object(kept.filter(|(_, value)| *value != Value::Null && *value != json!([])).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(pruned).collect()),
        leaf => leaf,
    }
}
