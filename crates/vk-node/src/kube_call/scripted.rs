//! An API server for unit tests: a function from request to answer, and a record of what was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::BoxError;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl Seen {
    /// `GET /api/v1/nodes/n`, to match on.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn is_watch(&self) -> bool {
        self.query.contains("watch=true")
    }
}

/// What the server says.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A whole answer.
    Json(u16, Value),
    /// A watch: the events from that index on, and those that will come. It never ends by itself.
    Watch(watch::Receiver<Vec<Value>>, usize),
    /// The request is taken, the answer never comes.
    Never,
    /// The connection breaks.
    Broken,
}

impl Answer {
    pub(crate) fn json(code: u16, body: Value) -> Self {
        Self::Json(code, body)
    }

    pub(crate) fn status(code: u16, reason: &str, kind: &str, message: &str) -> Self {
        let details = json!({"kind": kind});
        Self::Json(
            code,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
                   "message": message, "details": details}),
        )
    }

    pub(crate) fn not_found(kind: &str) -> Self {
        Self::status(404, "NotFound", kind, &format!("{kind} not found"))
    }

    fn into_response(self) -> Result<http::Response<UnsyncBoxBody<bytes::Bytes, BoxError>>, BoxError> {
        let (code, body) = match self {
            Self::Json(code, body) => (code, whole(&body)),
            Self::Watch(events, begin) => (200, endless(events, begin)),
            Self::Never | Self::Broken => return Err("connection reset by peer".into()),
        };
        Ok(http::Response::builder().status(code).body(body).unwrap())
    }
}

fn whole(body: &Value) -> UnsyncBoxBody<bytes::Bytes, BoxError> {
    let bytes = serde_json::to_vec(body).unwrap();
    Full::from(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn endless(events: watch::Receiver<Vec<Value>>, begin: usize) -> UnsyncBoxBody<bytes::Bytes, BoxError> {
    let stream = futures::stream::unfold((events, begin), |(mut events, next)| async move {
        let event = events.wait_for(|events| events.len() > next).await.map(|events| events[next].clone());
        let Ok(event) = event else { std::future::pending().await };
        let line = format!("{event}\n");
        let frame = hyper::body::Frame::data(bytes::Bytes::from(line));
        Some((Ok::<_, BoxError>(frame), (events, next + 1)))
    });
    BodyExt::boxed_unsync(StreamBody::new(stream.boxed()))
}

type Script = dyn FnMut(&Seen) -> Answer + Send;

/// The server. Clones are the same server.
#[derive(Clone)]
pub(crate) struct Scripted {
    script: Arc<Mutex<Script>>,
    seen: watch::Sender<Vec<Seen>>,
}

impl Scripted {
    pub(crate) fn new(script: impl FnMut(&Seen) -> Answer + Send + 'static) -> Self {
        Self { script: Arc::new(Mutex::new(script)), seen: watch::Sender::new(Vec::new()) }
    }

    pub(crate) fn client(&self) -> kube::Client {
        let server = self.clone();
        let service = tower::service_fn(move |request| {
            let server = server.clone();
            async move { server.answer(request).await }
        });
        kube::Client::new(service, "default")
    }

    async fn answer(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<UnsyncBoxBody<bytes::Bytes, BoxError>>, BoxError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let seen = Seen {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            content_type: head
                .headers
                .get("content-type")
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default(),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        };
        let answer = {
            let mut script = self.script.lock().unwrap();
            script(&seen)
        };
        self.seen.send_modify(|all| all.push(seen));
        match answer {
            Answer::Never => std::future::pending().await,
            answer => answer.into_response(),
        }
    }

    /// Everything asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Everything asked so far, by method and path.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen.borrow().iter().map(Seen::line).collect()
    }

    /// Waits until the requests satisfy the condition.
    pub(crate) async fn wait_until(&self, condition: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let mut seen = self.seen.subscribe();
        tokio::time::timeout(Duration::from_secs(3600), seen.wait_for(|all| condition(all)))
            .await
            .unwrap_or_else(|_| panic!("the expected requests did not come: {:#?}", self.lines()))
            .unwrap()
            .clone()
    }
}

/// A watch that events can be pushed into.
#[derive(Clone)]
pub(crate) struct WatchFeed(watch::Sender<Vec<Value>>);

impl WatchFeed {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }

    pub(crate) fn push(&self, kind: &str, object: &Value) {
        let event = json!({"type": kind, "object": object});
        self.0.send_modify(|events| events.push(event));
    }

    /// An answer that tells only what is pushed from now on.
    pub(crate) fn answer(&self) -> Answer {
        let events = self.0.subscribe();
        let begin = events.borrow().len();
        Answer::Watch(events, begin)
    }
}
