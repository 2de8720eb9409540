//! The part of the control API that looks at groups and pushes them about.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refusal, Reply};
use crate::clock::nanos_text;
use crate::group::{Container, ContainerKind, Event, Exit, Group, Status, platform_reason};
use crate::script::Line;
use crate::settings::{DeleteWithInstance, Settings, millis};
use crate::state::Cloud;
use crate::state::store::Tombstone;

/// All groups, also those that readers do not see yet or no longer.
pub(super) fn list(cloud: &Cloud) -> Value {
    let alive = cloud.store.groups().map(alive);
    let gone = cloud.store.gone().map(|group| gone(group, &cloud.settings));
    json!({"groups": gone.chain(alive).collect::<Vec<_>>()})
}

pub(super) fn get(cloud: &Cloud, id: &str) -> Reply {
    let found = cloud.store.find(id).map(alive);
    let found = found.or_else(|| {
        cloud.store.gone().find(|group| group.id == id).map(|group| gone(group, &cloud.settings))
    });
    found.ok_or_else(|| Refusal::not_found("container group"))
}

/// What happened to a group, oldest first.
pub(super) fn events(cloud: &Cloud, id: &str) -> Reply {
    let group = cloud.store.find(id).ok_or_else(|| Refusal::not_found("container group"))?;
    Ok(json!({"events": group.life.events.iter().map(event).collect::<Vec<_>>()}))
}

fn event(event: &Event) -> Value {
    json!({
        "type": if event.is_warning { "Warning" } else { "Normal" },
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "first": nanos_text(event.first),
        "last": nanos_text(event.last),
    })
}

fn alive(group: &Group) -> Value {
    let Group { facts, life, .. } = group;
    let containers = life.init.iter().chain(&life.apps).map(container).collect::<Vec<_>>();
    json!({
        "container_group_id": facts.id,
        "name": facts.name(),
        "account": facts.account,
        "region_id": facts.region,
        "status": life.status().name(),
        "client_token": facts.client_token(),
        "tags": facts.tags,
        "zone_id": facts.zone,
        "v_switch_id": facts.v_switch,
        "instance_type": facts.kind(),
        "spot": facts.is_spot,
        "intranet_ip": facts.address.to_string(),
        "internet_ip": facts.internet_ip.map(|ip| ip.to_string()),
        "cpu": facts.size.cpu,
        "memory": facts.size.memory,
        "created_at": nanos_text(facts.created_at),
        "changed_at": nanos_text(life.changed_at),
        "ended_at": life.ended_at.map(nanos_text),
        "deleting": life.deletion.is_some(),
        "gone": false,
        "containers": containers,
    })
}

fn container(container: &Container) -> Value {
    let exit = container.current.as_ref().and_then(|current| current.exit());
    let state = match (container.waiting(), exit) {
        (Some(_), _) => "waiting",
        (None, Some(_)) => "terminated",
        (None, None) => "running",
    };
    json!({
        "name": container.name,
        "image": container.image,
        "state": state,
        "waiting_reason": container.waiting().map(|(reason, _)| reason),
        "is_init": container.kind == ContainerKind::Init,
        "exit_code": exit.map(|exit| exit.code),
        "exit_reason": exit.map(|exit| &exit.reason),
        "ready": container.is_ready(),
        "restart_count": container.restarts,
    })
}

fn gone(group: &Tombstone, settings: &Settings) -> Value {
    let goes_with_it = settings.delete_with_instance == DeleteWithInstance::Yes;
    let left = group.disks.iter().filter(|(_, goes)| !goes.unwrap_or(goes_with_it)).map(|(disk, _)| disk);
    json!({
        "container_group_id": group.id,
        "name": group.name,
        "account": group.account,
        "status": group.last_status.name(),
        "client_token": group.client_token,
        "tags": group.tags,
        "created_at": nanos_text(group.created_at),
        "gone": true,
        "gone_at": nanos_text(group.gone_at),
        "disks_left": left.collect::<Vec<_>>(),
        "gone_because": if group.deleted { "deleted" } else { "retention" },
    })
}

/// Takes the group away at once, as if somebody had deleted it long ago.
pub(super) fn remove(cloud: &mut Cloud, now: Timestamp, id: &str) -> Reply {
    let mut settings = cloud.settings.clone();
    settings.delete_visible_ms = 0;
    let known =
        cloud.store.change(id, &settings, |group| group.life.delete(&group.facts, now, true, &settings));
    known.ok_or_else(|| Refusal::not_found("container group"))?;
    cloud.store.advance(now, &settings);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForceStatus {
    /// Null gives the group its real status back.
    status: Option<Status>,
    #[serde(default)]
    message: String,
}

pub(super) fn force_status(cloud: &mut Cloud, now: Timestamp, id: &str, change: ForceStatus) -> Reply {
    let force = |group: &mut Group| {
        let ended = group.life.ended_at.is_some();
        if !ended {
            group.life.force(now, change.status, &change.message);
        }
        !ended
    };
    match cloud.store.change(id, &cloud.settings, force) {
        None => Err(Refusal::not_found("container group")),
        Some(false) => Err(Refusal(409, "the group has ended; a terminal status never changes".to_owned())),
        Some(true) => get(cloud, id),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reclaim {
    notice_ms: Option<u64>,
}

/// Takes a spot group back: the event at once, the end after the notice.
pub(super) fn reclaim(cloud: &mut Cloud, now: Timestamp, id: &str, change: &Reclaim) -> Reply {
    let notice = millis(change.notice_ms.unwrap_or(cloud.settings.spot_notice_ms));
    match cloud.store.change(id, &cloud.settings, |group| group.life.reclaim(now, notice)) {
        None => Err(Refusal::not_found("container group")),
        Some(false) => Err(Refusal(409, "the group is no spot group that runs".to_owned())),
        Some(true) => get(cloud, id),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddEvent {
    reason: String,
    #[serde(default)]
    message: String,
}

/// Lets the platform report something: one of its published reasons.
pub(super) fn add_event(cloud: &mut Cloud, now: Timestamp, id: &str, change: AddEvent) -> Reply {
    let Some(reason) = platform_reason(&change.reason) else {
        return Err(Refusal(400, format!("the platform has no reason {:?}", change.reason)));
    };
    let known = cloud.store.change(id, &cloud.settings, |group| group.report(now, reason, change.message));
    known.ok_or_else(|| Refusal::not_found("container group"))?;
    get(cloud, id)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppendLog {
    container: String,
    lines: Vec<String>,
}

pub(super) fn append_log(cloud: &mut Cloud, now: Timestamp, id: &str, change: AppendLog) -> Reply {
    let append = |group: &mut Group| {
        let container =
            group.life.container_mut(&change.container).filter(|container| container.is_running());
        let Some(current) = container.and_then(|container| container.current.as_mut()) else { return false };
        // Each line has a time of its own; those of one call follow each other by a microsecond.
        let after = current.injected.last().map(|line| line.at).filter(|at| *at >= now);
        let mut at = after.map_or(now, |at| at + jiff::SignedDuration::from_micros(1));
        for text in change.lines {
            current.injected.push(Line { at, text });
            at += jiff::SignedDuration::from_micros(1);
        }
        true
    };
    match cloud.store.change(id, &cloud.settings, append) {
        None => Err(Refusal::not_found("container group")),
        Some(false) => Err(Refusal(409, "there is no such running container".to_owned())),
        Some(true) => Ok(json!({})),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeContainer {
    exit_code: Option<i32>,
    signal: Option<i32>,
    reason: Option<String>,
    #[serde(default)]
    message: String,
    ready: Option<bool>,
}

pub(super) fn change_container(
    cloud: &mut Cloud,
    now: Timestamp,
    id: &str,
    name: &str,
    change: ChangeContainer,
) -> Reply {
    let ChangeContainer { exit_code, signal, reason, message, ready } = change;
    if exit_code.is_none() && ready.is_none() {
        return Err(Refusal(400, "give exit_code or ready".to_owned()));
    }
    let settings = cloud.settings.clone();
    let changed = cloud.store.change(id, &settings, |group| {
        let policy = group.facts.restart_policy();
        let readied = ready.is_none_or(|ready| group.life.set_ready(name, ready, now, &settings));
        let ended = exit_code.is_none_or(|code| {
            let mut exit = Exit::of_code(code, message);
            exit.signal = signal.unwrap_or(exit.signal);
            exit.reason = reason.unwrap_or(exit.reason);
            group.life.end_container(name, now, exit, policy, &settings)
        });
        readied && ended
    });
    match changed {
        None => Err(Refusal::not_found("container group")),
        Some(false) => Err(Refusal(409, "there is no such running container".to_owned())),
        Some(true) => get(cloud, id),
    }
}
