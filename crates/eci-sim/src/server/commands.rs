//! Commands in containers: as the web socket that a token stands for, or run to their end before the answer.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Fate, Response, Shared, plain};
use crate::error::ApiError;
use crate::exec::scripted::Host;
use crate::exec::socket::{Rules, V4};
use crate::exec::{Output, Session, SyncRun, Ticket, scripted};
use crate::runtime;
use crate::settings::seconds;
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

/// How often it is looked whether the container of a command still runs. Groups' time is lazy: nothing announces an end.
const ROUND: Duration = Duration::from_millis(100);

/// A run of a container of the scripted runtime.
struct Home {
    shared: Arc<Shared>,
    group: String,
    container: String,
    run: String,
}

impl Host for Home {
    fn now(&self) -> Timestamp {
        self.shared.with_cloud(|_, now| now)
    }

    fn until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.wait(at.duration_since(self.now())))
    }

    fn gone(&self) -> BoxFuture<'_, ()> {
        let runs = || {
            self.shared.with_cloud(|cloud, _| {
                cloud.store.find(&self.group).is_some_and(|group| group.runs(&self.container, &self.run))
            })
        };
        Box::pin(async move {
            while runs() {
                tokio::time::sleep(ROUND).await;
            }
        })
    }
}

/// Starts a command; `None` when its container is gone.
fn open(shared: &Arc<Shared>, ticket: Ticket) -> Option<Session> {
    let found = shared.with_cloud(|cloud, _| {
        let group = cloud.store.find(&ticket.group)?;
        let container = group.life.container(&ticket.container).filter(|container| container.is_running())?;
        let run = container.current.as_ref()?.id.clone();
        Some((group.facts.is_real, group.facts.program(container.kind, container.index).1, run))
    });
    let (is_real, surroundings, run) = found?;
    if let Some(oci) = shared.oci.as_ref().filter(|_| is_real) {
        return Some(runtime::open(oci, ticket));
    }
    let (group, container) = (ticket.group.clone(), ticket.container.clone());
    let home = Home { shared: Arc::clone(shared), group, container, run };
    Some(scripted::open(ticket, surroundings, Arc::new(home)))
}

/// Runs a command whose caller waits for its output, and puts that into the answer, if there is to be one.
pub(super) async fn run_to_end(step: Step, run: SyncRun, shared: &Arc<Shared>) -> Step {
    let SyncRun { ticket, call: Some(call) } = run else { return step };
    let Some(session) = open(shared, Ticket { stdin: false, ..ticket }) else { return step };
    let result = output(session, shared).await;
    match step {
        Step::Answer { answer: before, after } => {
            let mut answer = shared.cloud().answer_of_run(&call, result);
            answer.headers.extend(before.headers.into_iter().filter(|(name, _)| *name == "date"));
            Step::Answer { answer, after }
        }
        unanswered => unanswered,
    }
}

/// What a command writes until its end, if that comes in time.
async fn output(session: Session, shared: &Shared) -> Result<Value, ApiError> {
    let settings = shared.cloud().settings.clone();
    let limit = if settings.exec_sync_s == 0 { SignedDuration::MAX } else { seconds(settings.exec_sync_s) };
    let Session { input, mut output } = session;
    drop(input);
    let mut text = Vec::new();
    let reading = async {
        while let Some(Output::Stdout(bytes) | Output::Stderr(bytes)) = output.recv().await {
            let room = settings.exec_sync_bytes.saturating_sub(text.len());
            text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    };
    tokio::select! {
        biased;
        () = reading => {}
        () = shared.wait(limit) => {
            return Err(ApiError::new(408, "RequestTimeout", "The command did not end in time."));
        }
    }
    Ok(json!({"SyncResponse": String::from_utf8_lossy(&text)}))
}
