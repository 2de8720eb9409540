//! The thin layer between the network and [`Cloud`]: reads a request, takes the lock for as long as the pure
//! core needs it, and carries out what the core says about the connection.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::clock::{Clock, later};
use crate::control::{self, ControlRequest, guard};
use crate::error::ApiError;
use crate::exec::socket::{self, Rules, V4};
use crate::exec::{Output, Session, SyncRun, Ticket, scripted};
use crate::group::Group;
use crate::keep::Keeper;
use crate::page;
use crate::reply::Answer;
use crate::runtime::{self, Oci};
use crate::settings::Settings;
use crate::state::record::Report;
use crate::state::{Cloud, Step};
use crate::wire::Request;

/// Larger bodies are refused; the largest create the limits allow is a tenth of this.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// What all connections share.
pub(crate) struct Shared {
    cloud: Mutex<Cloud>,
    clock: Arc<dyn Clock>,
    /// What runs containers for real.
    oci: Option<Arc<Oci>>,
    pub(crate) about: About,
    /// Writes down what happens; taken after the cloud, never before.
    keeper: Mutex<Option<Keeper>>,
    /// Tells whoever waits for it that virtual time has moved.
    moved: watch::Sender<()>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// What a person wants to know of a simulator that has started.
#[derive(Debug)]
pub(crate) struct About {
    /// What runs containers.
    pub(crate) runtime: String,
    pub(crate) seed: u64,
}

/// The connection ends without an answer; `Connection` decides how.
#[derive(Debug, thiserror::Error)]
#[error("no answer was wanted")]
struct NoAnswer;

/// What becomes of a connection after its last answer.
#[derive(Default)]
struct Fate {
    reset: AtomicBool,
    exec: Mutex<Option<(Session, Rules)>>,
}

type Response = hyper::Response<BoxBody<Bytes, NoAnswer>>;

impl Shared {
    pub(crate) fn new(
        cloud: Cloud,
        clock: Arc<dyn Clock>,
        oci: Option<Arc<Oci>>,
        keeper: Option<Keeper>,
        about: About,
    ) -> Self {
        Self {
            cloud: Mutex::new(cloud),
            clock,
            oci,
            about,
            keeper: Mutex::new(keeper),
            moved: watch::Sender::new(()),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// The cloud. A panic under the lock leaves a state that is no worse than a bug's usual trace.
    fn cloud(&self) -> Kept<'_> {
        let cloud = self.cloud.lock().unwrap_or_else(PoisonError::into_inner);
        Kept { cloud, keeper: &self.keeper }
    }

    /// The last that is written down.
    pub(crate) fn put_away(&self) {
        let cloud = self.cloud();
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(error)) = keeper.as_mut().map(|keeper| keeper.save_tally(&cloud)) {
            tracing::error!(%error, "the counts could not be written");
        }
    }

    /// Looks at the cloud as it is now.
    pub(crate) fn with_cloud<T>(&self, look: impl FnOnce(&mut Cloud, Timestamp) -> T) -> T {
        let mut cloud = self.cloud();
        let now = cloud.advance(self.clock.now());
        look(&mut cloud, now)
    }

    /// Changes a group as it is now; `None` when it is gone.
    pub(crate) fn change_group<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Group, Timestamp, &Settings) -> T,
    ) -> Option<T> {
        self.with_cloud(|cloud, now| {
            let Cloud { store, settings, .. } = cloud;
            store.change(id, settings, |group| change(group, now, settings))
        })
    }

    /// Lets a group know what its runtime says; what of that outlives the runtime is written down. Returns the id of the
    /// run that has begun, if one has.
    pub(crate) fn report(&self, id: &str, report: Report) -> Option<String> {
        self.with_cloud(|cloud, now| cloud.told(id, report, now))
    }

    pub(crate) fn control(&self, request: ControlRequest<'_>) -> (u16, serde_json::Value) {
        if (request.method, request.path) == ("GET", "about") {
            return (200, self.about());
        }
        let answer = control::handle(&mut self.cloud(), self.clock.now(), request);
        self.moved.send_replace(());
        answer
    }

    /// Waits so long, by virtual time where there is one.
    async fn wait(&self, duration: SignedDuration) {
        if duration.is_zero() {
            return;
        }
        let mut moved = self.moved.subscribe();
        let until = {
            let cloud = self.cloud();
            cloud.virtual_start.map(|_| later(cloud.time(cloud.wall), duration))
        };
        match until {
            None => sleep(duration).await,
            Some(until) => {
                let is_over = || self.with_cloud(|_, now| now >= until);
                while !is_over() && moved.changed().await.is_ok() {}
            }
        }
    }

    fn about(&self) -> serde_json::Value {
        let About { runtime, seed } = &self.about;
        serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "region": self.cloud().region,
            "runtime": runtime,
            // A text: a browser's numbers are not exact beyond 53 bits.
            "seed": seed.to_string(),
        })
    }
}

/// The cloud while somebody has it; what was done to it is written down when it is let go, before any answer is sent.
struct Kept<'s> {
    cloud: MutexGuard<'s, Cloud>,
    keeper: &'s Mutex<Option<Keeper>>,
}

impl Deref for Kept<'_> {
    type Target = Cloud;

    fn deref(&self) -> &Cloud {
        &self.cloud
    }
}

impl DerefMut for Kept<'_> {
    fn deref_mut(&mut self) -> &mut Cloud {
        &mut self.cloud
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if self.cloud.unsaved.is_none() {
            return;
        }
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = keeper.as_mut() {
            keeper.save(&mut self.cloud);
        }
    }
}

/// Accepts connections until the simulator is stopped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = serve_connection(stream, peer, Arc::clone(&shared));
                shared.tasks.spawn(connection);
            }
            // Out of file descriptors, most likely: wait for some to be closed instead of spinning.
            Err(error) => {
                debug!(%error, "accepting a connection failed");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    // Answers are small and wanted at once; a failure to set this costs only time.
    let _ = stream.set_nodelay(true);
    let fate = Arc::new(Fate::default());
    let service =
        service_fn(|request| Box::pin(respond(request, peer, Arc::clone(&shared), Arc::clone(&fate))));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => return,
        result = poll_fn(|context| connection.poll_without_shutdown(context)) => {
            if let Err(error) = result {
                debug!(%peer, %error, "connection ended");
            }
        }
    }
    let parts = connection.into_parts();
    let stream = parts.io.into_inner();
    if fate.reset.load(Ordering::Relaxed) {
        // Closing with a linger time of zero sends a reset instead of an orderly end.
        let _ = stream.set_zero_linger();
    }
    let exec = fate.exec.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((session, rules)) = exec {
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = socket::serve(stream, parts.read_buf, session, rules) => {}
        }
    }
}

async fn respond(
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    shared: Arc<Shared>,
    fate: Arc<Fate>,
) -> Result<Response, NoAnswer> {
    let (parts, body) = request.into_parts();
    if parts.uri.path().trim_end_matches('/') == "/exec" {
        return Ok(upgrade(&parts, &shared, &fate));
    }
    let is_for_people = page::is_wanted(&parts);
    if (is_for_people || parts.uri.path().starts_with("/_sim"))
        && let Some(reason) = guard::refusal(&parts, peer.ip())
    {
        return Ok(plain(403, "text/plain", reason.to_owned()));
    }
    if is_for_people {
        return Ok(page::response().map(boxed));
    }
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        return Ok(plain(413, "text/plain", "the body is too large or broke off".to_owned()));
    };
    let body = body.to_bytes();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    if let Some(path) = path.strip_prefix("/_sim/") {
        let request = ControlRequest { method: parts.method.as_str(), path, query, body: &body };
        let (status, reply) = shared.control(request);
        return Ok(plain(status, "application/json", reply.to_string()));
    }
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers(&parts),
        body: body.to_vec(),
        peer: shared.name_of(peer),
    };
    let began_at = shared.stopwatch();
    let arrived_at = shared.clock.now();
    let (step, sync, seq) = {
        let mut cloud = shared.cloud();
        let step = cloud.apply(arrived_at, &request);
        (step, cloud.execs.sync.take(), cloud.journal.last_seq())
    };
    let step = match sync {
        Some(run) => run_to_end(step, run, &shared).await,
        None => step,
    };
    let answer = carry_out(step, Arc::clone(&shared), &fate).await?;
    let latency = shared.stopwatch().duration_since(began_at);
    shared.cloud().journal.answered(seq, latency);
    Ok(answer)
}

/// Header names and values; a host that only the request line names counts as a header.
fn headers(parts: &http::request::Parts) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut headers: Vec<(String, String)> =
        parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    if let Some(authority) = parts.uri.authority().filter(|_| !parts.headers.contains_key("host")) {
        headers.push(("host".to_owned(), authority.to_string()));
    }
    headers
}

/// Turns a connection into the socket of the command that its token stands for.
fn upgrade(parts: &http::request::Parts, shared: &Arc<Shared>, fate: &Fate) -> Response {
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
async fn run_to_end(step: Step, run: SyncRun, shared: &Arc<Shared>) -> Step {
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

async fn carry_out(step: Step, shared: Arc<Shared>, fate: &Fate) -> Result<Response, NoAnswer> {
    match step {
        Step::Answer { answer, after } => {
            shared.wait(after).await;
            // One line a call, and nothing of what was asked: parameters hold secrets.
            debug!(status = answer.status, headers = ?answer.headers, "answered");
            Ok(response(answer, shared.date()))
        }
        Step::Close => Err(NoAnswer),
        Step::Reset => {
            fate.reset.store(true, Ordering::Relaxed);
            Err(NoAnswer)
        }
        Step::Hang => match std::future::pending::<Infallible>().await {},
        Step::Postpone { wait, admitted } => {
            // A task of its own: the effect comes even when the caller has given up by then.
            let late = Arc::clone(&shared);
            let task = shared.tasks.spawn(async move {
                tokio::select! {
                    biased;
                    () = late.stop.cancelled() => None,
                    () = late.wait(wait) => {
                        let now = late.clock.now();
                        let answer = late.cloud().resume(now, &admitted);
                        Some(answer)
                    }
                }
            });
            let answer = task.await.ok().flatten().ok_or(NoAnswer)?;
            Ok(response(answer, shared.date()))
        }
    }
}

impl Shared {
    /// The time by which answers are measured: virtual where there is one, so that a seed repeats it.
    fn stopwatch(&self) -> Timestamp {
        let cloud = self.cloud();
        cloud.virtual_start.map_or_else(|| self.clock.now(), |_| cloud.time(cloud.wall))
    }

    /// A caller as the journal has it. No seed repeats a port, so where time is virtual it is left out.
    fn name_of(&self, peer: SocketAddr) -> String {
        match self.cloud().virtual_start {
            Some(_) => peer.ip().to_string(),
            None => peer.to_string(),
        }
    }

    fn date(&self) -> String {
        self.cloud().date(self.clock.now())
    }
}

async fn sleep(duration: SignedDuration) {
    if let Ok(duration) = Duration::try_from(duration)
        && !duration.is_zero()
    {
        tokio::time::sleep(duration).await;
    }
}

fn response(answer: Answer, date: String) -> Response {
    let Answer { status, content_type, headers, body, cut_at } = answer;
    let mut response = match cut_at {
        Some(at) => broken_off(status, content_type, body, at),
        None => plain(status, content_type, body),
    };
    for (name, value) in [("date", date)].into_iter().chain(headers) {
        if let Ok(value) = http::HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A body that is announced whole and ends before that.
fn broken_off(status: u16, content_type: &'static str, body: String, at: usize) -> Response {
    let mut response = plain(status, content_type, String::new());
    response.headers_mut().insert("content-length", body.len().into());
    let first = Bytes::from(body).slice(..at);
    let frames =
        futures::stream::once(async move { Ok(Frame::data(first)) }).chain(futures::stream::once(async {
            // One more turn for the connection, in which it sends what it has.
            tokio::task::yield_now().await;
            Err(NoAnswer)
        }));
    *response.body_mut() = BodyExt::boxed(StreamBody::new(frames));
    response
}

fn boxed(body: Full<Bytes>) -> BoxBody<Bytes, NoAnswer> {
    body.map_err(|never| match never {}).boxed()
}

fn plain(status: u16, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(boxed(Full::new(Bytes::from(body))));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
    response
}
