//! The thin layer between the network and [`Cloud`]: reads a request, takes the lock for as long as the pure
//! core needs it, and carries out what the core says about the connection.

mod commands;
mod shared;

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use tokio::net::{TcpListener, TcpStream};
use tracing::debug;

use crate::control::{ControlRequest, guard};
use crate::exec::Session;
use crate::exec::socket::{self, Rules};
use crate::page;
use crate::reply::Answer;
use crate::state::{Admitted, Step};
use crate::wire::Request;
use commands::{run_to_end, upgrade};
pub(crate) use shared::{About, Shared};

/// Larger bodies are refused; the largest create the limits allow is a tenth of this.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

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
    let service = service_fn(|request| Box::pin(kept(request, peer, Arc::clone(&shared), Arc::clone(&fate))));
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

/// The answer, unless what it tells of could not be written down.
async fn kept(
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    shared: Arc<Shared>,
    fate: Arc<Fate>,
) -> Result<Response, NoAnswer> {
    let answer = respond(request, peer, Arc::clone(&shared), fate).await;
    if shared.stop.is_cancelled() { Err(NoAnswer) } else { answer }
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
    if page::is_terminal(&parts) {
        return Ok(page::terminal().map(boxed));
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
                    () = late.wait(wait) => Some(resume(&admitted, &late).await),
                }
            });
            match task.await {
                Ok(Some(Step::Answer { answer, .. })) => Ok(response(answer, shared.date())),
                _ => Err(NoAnswer),
            }
        }
    }
}

/// Handles a request that was postponed.
async fn resume(admitted: &Admitted, shared: &Arc<Shared>) -> Step {
    let (answer, sync) = {
        let mut cloud = shared.cloud();
        let answer = cloud.resume(shared.clock.now(), admitted);
        (answer, cloud.execs.sync.take())
    };
    let step = Step::Answer { answer, after: SignedDuration::ZERO };
    match sync {
        Some(run) => run_to_end(step, run, shared).await,
        None => step,
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
