//! Commands in containers: as the web socket that a token stands for, or run to their end before the answer.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Fate, Response, Shared, plain};
use crate::error::ApiError;
use crate::exec::socket::{Rules, V4};
use crate::exec::{Output, Session, SyncRun, Ticket, scripted};
use crate::runtime;
use crate::state::Step;

/// Turns a connection into the socket of the command that its token stands for.
pub(super) fn upgrade(parts: &http::request::Parts, shared: &Arc<Shared>, fate: &Fate) -> Response {
    let refuse = |status, text: &str| plain(status, "text/plain", text.to_owned());
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = header("sec-websocket-key");
    if key.is_empty() || !header("upgrade").eq_ignore_ascii_case("websocket") {
        return refuse(400, "this address is a web socket's");
    }
    let token = parts.uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("s="));
    let ticket = shared.with_cloud(|cloud, now| cloud.execs.redeem(token.unwrap_or_default(), now));
    let cut_after = ticket.as_ref().and_then(|ticket| ticket.cut_after);
    let Some(session) = ticket.and_then(|ticket| open(shared, ticket)) else {
        return refuse(403, "the token is unknown, was used, or has expired");
    };
    let asked_for_v4 = header("sec-websocket-protocol").split(',').any(|name| name.trim() == V4);
    let mut rules = Rules::of(&shared.cloud().settings, asked_for_v4);
    rules.cut_after = cut_after;
    *fate.exec.lock().unwrap_or_else(PoisonError::into_inner) = Some((session, rules));
    let mut response = plain(101, "text/plain", String::new());
    let headers = response.headers_mut();
    headers.clear();
    headers.insert("connection", http::HeaderValue::from_static("upgrade"));
    headers.insert("upgrade", http::HeaderValue::from_static("websocket"));
    if let Ok(accept) = http::HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert("sec-websocket-accept", accept);
    }
    if asked_for_v4 {
        headers.insert("sec-websocket-protocol", http::HeaderValue::from_static(V4));
    }
    response
}

/// Starts a command; `None` when its container is gone.
fn open(shared: &Arc<Shared>, ticket: Ticket) -> Option<Session> {
    let found = shared.with_cloud(|cloud, now| {
        let group = cloud.store.find(&ticket.group)?;
        let container = group.life.container(&ticket.container).filter(|container| container.is_running())?;
        Some((group.facts.is_real, group.facts.program(container.kind, container.index).1, now))
    });
    let (is_real, surroundings, now) = found?;
    match shared.oci.as_ref().filter(|_| is_real) {
        Some(oci) => Some(runtime::open(oci, ticket)),
        None => Some(scripted::open(ticket, surroundings, now)),
    }
}

/// Runs a command whose caller waits for its output, and puts that into the answer.
pub(super) async fn run_to_end(step: Step, run: SyncRun, shared: &Arc<Shared>) -> Step {
    let SyncRun { ticket, envelope } = run;
    let (Step::Answer { after, .. }, Some(envelope)) = (&step, envelope) else { return step };
    let settings = shared.cloud().settings.clone();
    let limit = if settings.exec_sync_s == 0 { u64::MAX } else { settings.exec_sync_s };
    let Some(Session { input, mut output }) = open(shared, Ticket { stdin: false, ..ticket }) else {
        return step;
    };
    drop(input);
    let mut text = Vec::new();
    let reading = async {
        while let Some(Output::Stdout(bytes) | Output::Stderr(bytes)) = output.recv().await {
            let room = settings.exec_sync_bytes.saturating_sub(text.len());
            text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(limit), reading).await.is_ok();
    let answer = if in_time {
        let text = String::from_utf8_lossy(&text);
        envelope.success("ExecContainerCommand", serde_json::json!({"SyncResponse": text}))
    } else {
        envelope.error(&ApiError::new(408, "RequestTimeout", "The command did not end in time."))
    };
    Step::Answer { answer, after: *after }
}
