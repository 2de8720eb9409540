//! The control API under `/_sim`: what was asked of the simulator, and how it should behave from now on.
//!
//! JSON over HTTP, for tests and people on this machine; the crate's README lists every route. Like the rest
//! of the core it takes the time as an argument and does no I/O.

mod accounts;
mod explain;
mod groups;
pub(crate) mod guard;
mod market;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock::nanos_text;
use crate::settings::millis;
use crate::state::Cloud;
use crate::state::record::{ControlRecord, What};
use crate::wire::decode_pairs;

/// A request below `/_sim`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ControlRequest<'a> {
    pub(crate) method: &'a str,
    /// The path without `/_sim/`.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

/// Why a control request was refused: a status and a sentence.
#[derive(Debug)]
struct Refusal(u16, String);

impl Refusal {
    fn not_found(what: &str) -> Self {
        Self(404, format!("there is no such {what}"))
    }
}

type Reply = Result<Value, Refusal>;

/// Answers a control request with a status and a JSON body.
pub(crate) fn handle(cloud: &mut Cloud, wall: Timestamp, request: ControlRequest<'_>) -> (u16, Value) {
    let now = cloud.advance(wall);
    match route(cloud, now, request) {
        Ok(body) => {
            if request.method != "GET" && cloud.unsaved.is_some() {
                cloud.keep(record_of(request));
            }
            (200, body)
        }
        Err(Refusal(status, error)) => (status, json!({ "error": error })),
    }
}

/// A change as it is written down.
fn record_of(request: ControlRequest<'_>) -> What {
    What::Control(ControlRecord {
        method: request.method.to_owned(),
        path: request.path.to_owned(),
        query: request.query.to_owned(),
        body: String::from_utf8_lossy(request.body).into_owned(),
    })
}

fn route(cloud: &mut Cloud, now: Timestamp, request: ControlRequest<'_>) -> Reply {
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (request.method, segments.as_slice()) {
        ("GET", ["requests"]) => requests(cloud, request.query),
        ("DELETE", ["requests"]) => {
            cloud.journal.clear();
            Ok(json!({}))
        }
        ("GET", ["counts"]) => Ok(json!({"counts": cloud.journal.counts()})),
        ("GET", ["groups"]) => Ok(groups::list(cloud)),
        ("GET", ["groups", id]) => groups::get(cloud, id),
        ("GET", ["groups", id, "events"]) => groups::events(cloud, id),
        ("DELETE", ["groups", id]) => groups::remove(cloud, now, id),
        ("POST", ["groups", id, "status"]) => groups::force_status(cloud, now, id, body(request)?),
        ("POST", ["groups", id, "reclaim"]) => groups::reclaim(cloud, now, id, &body(request)?),
        ("POST", ["groups", id, "events"]) => groups::add_event(cloud, now, id, body(request)?),
        ("POST", ["groups", id, "logs"]) => groups::append_log(cloud, now, id, body(request)?),
        ("POST", ["groups", id, "containers", name]) => {
            groups::change_container(cloud, now, id, name, body(request)?)
        }
        ("GET", ["spot-prices"]) => market::history(cloud, now, request.query),
        ("GET", ["faults"]) => {
            Ok(json!({"faults": cloud.faults.iter().map(|fault| fault.to_json(now)).collect::<Vec<_>>()}))
        }
        ("POST", ["faults"]) => {
            let id = cloud.faults.add(body(request)?, now).map_err(|problem| Refusal(400, problem))?;
            Ok(json!({ "id": id }))
        }
        ("DELETE", ["faults"]) => Ok(json!({"removed": cloud.faults.remove(None)})),
        ("GET", ["faults", id]) => {
            let fault = id.parse().ok().and_then(|id| cloud.faults.get(id));
            fault.map(|fault| fault.to_json(now)).ok_or_else(|| Refusal::not_found("fault"))
        }
        ("DELETE", ["faults", id]) => match id.parse().ok().map(|id| cloud.faults.remove(Some(id))) {
            Some(1) => Ok(json!({"removed": 1})),
            _ => Err(Refusal::not_found("fault")),
        },
        ("GET", ["settings"]) => Ok(json!(cloud.settings)),
        ("GET", ["settings", "help"]) => Ok(explain::settings()),
        ("POST", ["settings"]) => change_settings(cloud, &body::<Value>(request)?),
        ("GET", ["accounts"]) => Ok(accounts::list(cloud)),
        ("POST", ["accounts"]) => accounts::change(cloud, now, body(request)?),
        ("GET", ["clock"]) => Ok(json!({"now": nanos_text(now)})),
        ("POST", ["clock"]) => advance_clock(cloud, now, &body(request)?),
        _ => Err(Refusal(404, format!("there is no {} /_sim/{}", request.method, request.path))),
    }
}

fn body<T: DeserializeOwned>(request: ControlRequest<'_>) -> Result<T, Refusal> {
    serde_json::from_slice(request.body).map_err(|error| Refusal(400, format!("reading the body: {error}")))
}

fn requests(cloud: &Cloud, query: &str) -> Reply {
    let query = decode_pairs(query);
    let parameter = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let since = match parameter("since").map(str::parse) {
        None => 0,
        Some(Ok(since)) => since,
        Some(Err(_)) => return Err(Refusal(400, "since is the seq of a request".to_owned())),
    };
    let unmasked = parameter("unmasked") == Some("1");
    let last = match parameter("last").map(str::parse) {
        None => usize::MAX,
        Some(Ok(last)) => last,
        Some(Err(_)) => return Err(Refusal(400, "last is a count of requests".to_owned())),
    };
    let entries = cloud.journal.entries(parameter("action"), since).rev().take(last);
    let mut entries: Vec<Value> = entries.map(|entry| entry.to_json(unmasked)).collect();
    entries.reverse();
    Ok(json!({ "requests": entries }))
}

fn change_settings(cloud: &mut Cloud, changes: &Value) -> Reply {
    cloud.settings = cloud.settings.changed(changes).map_err(|problem| Refusal(400, problem))?;
    cloud.posted.extend(changes.as_object().cloned().unwrap_or_default());
    cloud.store.watch_all(&cloud.settings);
    Ok(json!(cloud.settings))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceClock {
    advance_ms: u64,
}

/// Groups live on ahead of the machine's clock; the times of requests are still checked against the latter.
/// Everything that happens meanwhile is gone through while all others wait: one container that restarts all the time takes
/// about two seconds for as much as this.
pub(crate) const LONGEST_STEP_MS: u64 = 31 * 24 * 3600 * 1000;

fn advance_clock(cloud: &mut Cloud, now: Timestamp, change: &AdvanceClock) -> Reply {
    if change.advance_ms > LONGEST_STEP_MS {
        let problem = "advance_ms: at most 31 days in one step; take several";
        return Err(Refusal(400, problem.to_owned()));
    }
    let step = millis(change.advance_ms);
    let later =
        now.checked_add(step).map_err(|_| Refusal(400, "that is beyond the end of time".to_owned()))?;
    cloud.advanced = cloud.advanced.checked_add(step).unwrap_or(SignedDuration::MAX);
    cloud.store.advance(later, &cloud.settings);
    Ok(json!({"now": nanos_text(later)}))
}
