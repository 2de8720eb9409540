//! DescribeContainerGroupStatus: the light-weight, Kubernetes-shaped status.
//!
//! Its reply has no tags, no events and no init containers.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Context, page};
use crate::clock::seconds_text;
use crate::error::ApiError;
use crate::group::{Container, Group, Incarnation};
use crate::settings::{StartedAt, StatusCasing};
use crate::state::Cloud;

/// Events of the platform that make a condition false, and its reason then; which event goes with which reason is
/// inferred from their names.
const DISK_TROUBLES: &[(&str, &str)] = &[("DiskCapacityQuotaFull", "DiskCapacityQuotaFull")];
const SANDBOX_TROUBLES: &[(&str, &str)] = &[
    ("SystemFailureReboot", "SystemFailure.Reboot"),
    ("SystemReboot", "InstanceFailure.Reboot"),
    ("SYSTEM_FAILURE", "SystemFailure.Redeploy"),
];

pub(super) fn run(cloud: &Cloud, context: &Context<'_>) -> Result<Value, ApiError> {
    let limit = context.root.number("Limit").unwrap_or(cloud.settings.status_default_limit);
    let page = page::page(cloud, context, limit)?;
    let groups = page.seqs.iter().filter_map(|seq| cloud.store.get(*seq));
    let data = groups.map(|group| match cloud.settings.status_casing {
        StatusCasing::Declared => declared(self::group(group), cloud.settings.started_at),
        StatusCasing::Kubernetes => kubernetes_casing(self::group(group)),
    });
    Ok(json!({"Data": data.collect::<Vec<_>>(), "TotalCount": page.total, "NextToken": page.next_token}))
}

fn group(group: &Group) -> Value {
    let Group { facts, life, .. } = group;
    let address = life.placed_at.map(|_| facts.address.to_string());
    let addresses =
        address.iter().cloned().chain(facts.ipv6.filter(|_| address.is_some()).map(|ip| ip.to_string()));
    json!({
        "ContainerGroupId": facts.id,
        "Name": facts.name(),
        "Namespace": "default",
        "Status": life.status().name(),
        "uuid": facts.id,
        "Annotations": "{}",
        "PodStatus": {
            "Phase": life.status().pod_phase(),
            "HostIp": address.clone().unwrap_or_default(),
            "PodIp": address.clone().unwrap_or_default(),
            "PodIps": addresses.map(|address| json!({"Ip": address})).collect::<Vec<_>>(),
            "QosClass": "Burstable",
            "StartTime": life.placed_at.map(seconds_text).unwrap_or_default(),
            "Conditions": conditions(group),
            "ContainerStatuses": life.apps.iter().map(container).collect::<Vec<_>>(),
        },
    })
}

fn conditions(group: &Group) -> Vec<Value> {
    let Group { facts, life, .. } = group;
    let (ready, ready_since) = life.ready;
    let reached = |kind: &str, at: Option<Timestamp>| {
        let (reason, message) = match (at, life.refusal()) {
            (Some(_), _) => ("", ""),
            (None, Some(refusal)) => (refusal.reason, refusal.message.as_str()),
            (None, None) => ("Creating", "the instance is being created"),
        };
        condition(kind, at.is_some(), at.unwrap_or(facts.created_at), reason, message)
    };
    let readiness = |kind: &str| match (ready, life.ended_at) {
        (true, _) => condition(kind, true, ready_since, "", ""),
        (false, Some(at)) => condition(kind, false, at, "PodCompleted", ""),
        (false, None) => {
            condition(kind, false, ready_since, "ContainersNotReady", "containers are not ready")
        }
    };
    let mut conditions = vec![
        reached("PodScheduled", life.placed_at),
        reached("ContainerInstanceCreated", life.placed_at),
        reached("PodReadyToStartContainers", life.placed_at),
        reached("Initialized", life.initialized_at),
        readiness("ContainersReady"),
        readiness("Ready"),
    ];
    if let Some(refusal) = life.refusal() {
        let since = life.changed_at;
        conditions.push(condition("Unschedulable", true, since, refusal.reason, &refusal.message));
    }
    if let Some(placed_at) = life.placed_at {
        let told = |kind: &str, troubles: &[(&str, &str)]| {
            let trouble = life.events.iter().rev().find_map(|event| {
                let (_, reason) = troubles.iter().find(|(name, _)| *name == event.reason)?;
                Some(condition(kind, false, event.last, reason, &event.message))
            });
            trouble.unwrap_or_else(|| condition(kind, true, placed_at, "", ""))
        };
        conditions.push(told("ContainerHasSufficientDisk", DISK_TROUBLES));
        conditions.push(told("SandboxReady", SANDBOX_TROUBLES));
    }
    conditions
}

fn condition(kind: &str, status: bool, since: Timestamp, reason: &str, message: &str) -> Value {
    json!({
        "type": kind,
        "status": if status { "True" } else { "False" },
        "lastTransitionTime": seconds_text(since),
        "Reason": reason,
        "Message": message,
    })
}

fn container(container: &Container) -> Value {
    json!({
        "Name": container.name,
        "Image": container.image,
        "ImageID": container.image_id,
        "Ready": container.is_ready(),
        "Started": container.is_running(),
        "RestartCount": container.restarts,
        "State": state(container),
        "LastState": last_state(container.previous.as_ref()),
    })
}

fn state(container: &Container) -> Value {
    let mut state = json!({"Waiting": {}, "Running": {}, "Terminated": {}});
    if let Some((reason, message)) = container.waiting() {
        state["Waiting"] = json!({"Reason": reason, "Message": message});
        return state;
    }
    match &container.current {
        Some(current) if current.ended.is_none() => {
            // The doubled word is how every published table spells it.
            state["Running"] = json!({"StartedAtstartedAt": seconds_text(current.started_at)});
        }
        Some(current) => state["Terminated"] = terminated(current),
        None => {}
    }
    state
}

fn last_state(previous: Option<&Incarnation>) -> Value {
    match previous {
        Some(previous) => json!({"Terminated": terminated(previous)}),
        None => json!({}),
    }
}

fn terminated(incarnation: &Incarnation) -> Value {
    let Some((at, exit)) = &incarnation.ended else { return json!({}) };
    json!({
        "ContainerID": incarnation.id,
        "ExitCode": exit.code,
        "Signal": exit.signal,
        "Reason": exit.reason,
        "Message": exit.message,
        "StartedAt": seconds_text(incarnation.started_at),
        "FinishedAt": seconds_text(*at),
    })
}

/// The reply with the one name that is doubted as the switch has it.
fn declared(mut reply: Value, started_at: StartedAt) -> Value {
    if started_at == StartedAt::Single
        && let Some(containers) = reply["PodStatus"]["ContainerStatuses"].as_array_mut()
    {
        for state in containers.iter_mut().map(|container| &mut container["State"]["Running"]) {
            if let Some(started) =
                state.as_object_mut().and_then(|members| members.remove("StartedAtstartedAt"))
            {
                state["StartedAt"] = started;
            }
        }
    }
    reply
}

/// The same reply with keys as Kubernetes spells them.
pub(super) fn kubernetes_casing(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let renamed =
                members.into_iter().map(|(name, value)| (kubernetes_name(&name), kubernetes_casing(value)));
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(kubernetes_casing).collect()),
        other => other,
    }
}

fn kubernetes_name(name: &str) -> String {
    match name {
        "StartedAtstartedAt" => "startedAt".to_owned(),
        "HostIp" => "hostIP".to_owned(),
        "PodIp" => "podIP".to_owned(),
        "PodIps" => "podIPs".to_owned(),
        _ => {
            let mut characters = name.chars();
            let first = characters.next().map(|c| c.to_ascii_lowercase());
            first.into_iter().chain(characters).collect()
        }
    }
}
