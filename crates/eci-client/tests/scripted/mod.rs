//! A server on loopback that answers request after request as a script says, and records what it got.

#![allow(dead_code, reason = "each test target uses a part of it")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// What the server does with the next request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Answers with status, headers and body.
    Answer(u16, Vec<(&'static str, &'static str)>, String),
    /// Answers 200 and breaks the connection in the middle of this body.
    Cut(String),
    /// Reads the request and breaks the connection.
    DropAfterRead,
    /// Breaks the connection without reading. Has to be the next step when the client connects.
    DropBeforeRead,
    /// Reads the request and never answers.
    Hang,
}

impl Step {
    pub(crate) fn ok(body: &str) -> Self {
        Self::Answer(200, Vec::new(), body.to_owned())
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(r#"{{"RequestId":"req-1","HostId":"h","Code":"{code}","Message":"{message}"}}"#);
        Self::Answer(status, Vec::new(), body)
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Recorded {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or("")
    }
}

#[derive(Default)]
struct State {
    script: VecDeque<Step>,
    recorded: Vec<Recorded>,
    connections: usize,
}

/// The server; ends with the runtime of its test.
#[derive(Clone)]
pub(crate) struct Scripted {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Scripted {
    pub(crate) async fn start(script: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State { script: script.into_iter().collect(), ..State::default() };
        let server = Self { address, state: Arc::new(Mutex::new(state)) };
        tokio::spawn(server.clone().accept(listener));
        server
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.state.lock().expect("no panic").recorded.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().expect("no panic").connections
    }

    async fn accept(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            if self.admits() {
                tokio::spawn(self.clone().serve(stream));
            }
        }
    }

    /// Counts the connection; false if the script wants it broken.
    fn admits(&self) -> bool {
        let mut state = self.state.lock().expect("no panic");
        state.connections += 1;
        let breaks = matches!(state.script.front(), Some(Step::DropBeforeRead));
        if breaks {
            state.script.pop_front();
        }
        !breaks
    }

    async fn serve(self, stream: TcpStream) {
        let service = service_fn(move |request| self.clone().answer(request));
        // An error here is what the script asked for; the client's side is what is tested.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(self, request: Request<Incoming>) -> io::Result<Response<BoxBody<Bytes, io::Error>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let step = {
            let mut state = self.state.lock().expect("no panic");
            state.recorded.push(Recorded {
                method: head.method.to_string(),
                uri: head.uri,
                headers: head.headers,
                body: String::from_utf8(body.to_vec()).expect("UTF-8"),
            });
            state.script.pop_front()
        };
        match step {
            Some(Step::Answer(status, headers, body)) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                let body =
                    http_body_util::Full::from(body).map_err(|never: Infallible| match never {}).boxed();
                response.body(body).map_err(io::Error::other)
            }
            Some(Step::Cut(body)) => {
                let length = body.len() * 2;
                let body = CutBody(Some(Bytes::from(body))).boxed();
                Response::builder().header("content-length", length).body(body).map_err(io::Error::other)
            }
            Some(Step::Hang) => std::future::pending().await,
            Some(Step::DropAfterRead | Step::DropBeforeRead) | None => Err(io::Error::other("as scripted")),
        }
    }
}

/// A body that breaks off after its first part.
struct CutBody(Option<Bytes>);

impl Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let part = self.0.take().map(Frame::data).ok_or_else(|| io::Error::other("as scripted"));
        Poll::Ready(Some(part))
    }
}
