//! Leaves out of a journal what the groups that are gone have left in it, when the state is the same without.
//!
//! What a record leads to may depend on any record before it: addresses, stock, caches, quotas. So nobody reasons about
//! that here: what looks superfluous is left out, both journals are repeated, and the shorter one is taken only when
//! it leads to the same cloud. What is remembered of groups that are gone (`/_sim/groups`) is not part of that.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::control::LONGEST_STEP_MS;
use crate::settings::seconds;
use crate::state::Cloud;
use crate::state::record::{CallRecord, ControlRecord, Record, What};

/// Calls that change nothing but their group.
const OF_ONE_GROUP: &[&str] = &[
    "CreateContainerGroup",
    "DeleteContainerGroup",
    "RestartContainerGroup",
    "UpdateContainerGroup",
    "ResizeContainerGroupVolume",
];

/// A journal that leads a cloud like `blank` to the same as `records`, which have led to `cloud`; `None` when it would not
/// be shorter, or lead elsewhere.
pub(crate) fn shorter(records: Vec<Record>, cloud: &Cloud, blank: &Cloud) -> Option<Vec<Record>> {
    let before = records.len();
    let text = json!(records);
    let kept = merged(without(records, &superfluous(&read(&text)?, cloud)));
    if kept.len() == before {
        return None;
    }
    let (long, short) = (led(read(&text)?, cloud, blank)?, led(read(&json!(kept))?, cloud, blank)?);
    (long == short).then_some(kept)
}

fn read(records: &Value) -> Option<Vec<Record>> {
    serde_json::from_value(records.clone()).ok()
}

/// Groups that are gone and have left nothing but their records.
fn superfluous(records: &[Record], cloud: &Cloud) -> BTreeSet<String> {
    let made = |record: &Record| match &record.what {
        What::Call(call) if call.action == "CreateContainerGroup" => call.id.clone(),
        _ => None,
    };
    let made: BTreeSet<String> = records.iter().filter_map(made).collect();
    let gone = made.into_iter().filter(|id| cloud.store.find(id).is_none());
    let mut gone: BTreeSet<String> = gone.collect();
    for record in records {
        if let What::Call(call) = &record.what
            && (!OF_ONE_GROUP.contains(&call.action.as_str()) || matters_still(call, record, cloud))
        {
            for id in call.id.iter().chain(call.parameters.values()) {
                gone.remove(id);
            }
        }
    }
    gone
}

/// Whether its client token, or what it used of a quota, is still remembered.
fn matters_still(call: &CallRecord, record: &Record, cloud: &Cloud) -> bool {
    let CallRecord { account, action, parameters, .. } = call;
    let (now, window) = (cloud.time(cloud.wall), seconds(cloud.settings.client_token_window_s));
    let is_of_today = cloud.wall.duration_since(record.at) < SignedDuration::from_hours(24);
    cloud.tokens.holds(account, action, parameters, now, window)
        || (cloud.settings.vcpu_per_day > 0 && is_of_today)
}

fn without(records: Vec<Record>, gone: &BTreeSet<String>) -> Vec<Record> {
    let of_gone = |record: &Record| match &record.what {
        What::Start(_) => false,
        What::Call(call) => {
            let asked = call.parameters.get("ContainerGroupId");
            OF_ONE_GROUP.contains(&call.action.as_str())
                && call.id.as_ref().or(asked).is_some_and(|id| gone.contains(id))
        }
        What::Control(change) => {
            let mut path = change.path.trim_matches('/').split('/');
            match (path.next(), path.next()) {
                (Some("groups"), Some(id)) => gone.contains(id),
                // The counts that are kept come after it.
                (Some("requests"), _) => true,
                _ => false,
            }
        }
        What::Told { id, .. } | What::Ended { id, .. } => gone.contains(id),
    };
    records.into_iter().filter(|record| !of_gone(record)).collect()
}

/// One record for moves of the clock, or changes of settings, that follow each other.
fn merged(records: Vec<Record>) -> Vec<Record> {
    let mut merged: Vec<Record> = Vec::with_capacity(records.len());
    for record in records {
        match merged.last_mut().and_then(|last| Some((both(&last.what, &record.what)?, last))) {
            Some((both, last)) => *last = Record { at: record.at, what: What::Control(both) },
            None => merged.push(record),
        }
    }
    merged
}

fn both(first: &What, second: &What) -> Option<ControlRecord> {
    let (What::Control(first), What::Control(second)) = (first, second) else { return None };
    let body = |change: &ControlRecord| serde_json::from_str::<Value>(&change.body).ok();
    let (mut one, other) = (body(first)?, body(second)?);
    let same = (&first.method, &first.path, &first.query) == (&second.method, &second.path, &second.query);
    match first.path.trim_matches('/') {
        "clock" if same => {
            let sum = one["advance_ms"].as_u64()?.checked_add(other["advance_ms"].as_u64()?)?;
            if sum > LONGEST_STEP_MS {
                return None;
            }
            one = json!({ "advance_ms": sum });
        }
        "settings" if same => one.as_object_mut()?.extend(other.as_object()?.clone()),
        _ => return None,
    }
    let ControlRecord { method, path, query, .. } = second;
    let (method, path, query) = (method.clone(), path.clone(), query.clone());
    Some(ControlRecord { method, path, query, body: one.to_string() })
}

/// What there is after all of it has happened again.
fn led(records: Vec<Record>, present: &Cloud, blank: &Cloud) -> Option<String> {
    let mut cloud = blank.anew();
    for record in records {
        cloud.replay(record).ok()?;
    }
    let now = cloud.advance(present.wall);
    let groups: Vec<String> = cloud.store.groups().map(|group| format!("{group:?}")).collect();
    let faults: Vec<Value> = cloud.faults.iter().map(|fault| fault.to_json(now)).collect();
    let Cloud { catalog, keyring, settings, posted, runs, .. } = &cloud;
    let keys = &keyring.keys;
    Some(format!("{now} {runs} {groups:?} {faults:?} {catalog:?} {keys:?} {settings:?} {posted:?}"))
}
