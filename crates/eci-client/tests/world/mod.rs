//! A world for sources of credentials: variables, files, programs, a clock and a network that a test writes down.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use eci_client::credentials::{Commands, Files, Surroundings};
use eci_client::{Transport, TransportError};
use http::{HeaderMap, Request, Response};
use jiff::Timestamp;

/// A request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Method and URL.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What the network answers with.
#[derive(Clone)]
pub(crate) enum Reply {
    Says(u16, String),
    Dated(u16, &'static str, String),
    NotThere,
    /// Answers when it is told to.
    Hangs(Arc<tokio::sync::Notify>, String),
}

#[derive(Default)]
struct State {
    variables: Mutex<BTreeMap<String, String>>,
    files: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
    outputs: Mutex<VecDeque<String>>,
    commands: Mutex<Vec<String>>,
    replies: Mutex<VecDeque<Reply>>,
    sent: Mutex<Vec<Sent>>,
    seconds: AtomicI64,
}

/// Shared by its clones.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<State>);

impl World {
    pub(crate) fn var(&self, name: &str, value: &str) -> &Self {
        self.0.variables.lock().expect("no panic").insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn file(&self, path: &str, content: &str) -> &Self {
        self.0.files.lock().expect("no panic").insert(path.into(), content.into());
        self
    }

    pub(crate) fn without_file(&self, path: &str) {
        self.0.files.lock().expect("no panic").remove(Path::new(path));
    }

    /// What the next program prints.
    pub(crate) fn prints(&self, output: &str) -> &Self {
        self.0.outputs.lock().expect("no panic").push_back(output.to_owned());
        self
    }

    pub(crate) fn commands_run(&self) -> Vec<String> {
        self.0.commands.lock().expect("no panic").clone()
    }

    /// The next reply of the network.
    pub(crate) fn replies(&self, reply: Reply) -> &Self {
        self.0.replies.lock().expect("no panic").push_back(reply);
        self
    }

    pub(crate) fn says(&self, status: u16, body: impl Into<String>) -> &Self {
        self.replies(Reply::Says(status, body.into()))
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.sent.lock().expect("no panic").clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.line).collect()
    }

    pub(crate) fn pass(&self, minutes: i64) {
        self.0.seconds.fetch_add(60 * minutes, Ordering::Relaxed);
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        let (variables, clock) = (self.clone(), self.clone());
        Surroundings::over(self.clone())
            .environment(move |name: &str| variables.0.variables.lock().expect("no panic").get(name).cloned())
            .files(self.clone())
            .commands(self.clone())
            .clock(move || {
                // 2026-01-01T00:00:00Z
                Timestamp::from_second(1_767_225_600 + clock.0.seconds.load(Ordering::Relaxed))
                    .expect("in range")
            })
            .nonces(|| "nonce".to_owned())
    }
}

#[async_trait]
impl Files for World {
    async fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let files = self.0.files.lock().expect("no panic");
        files.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

#[async_trait]
impl Commands for World {
    async fn run(&self, program: &str, arguments: &[String]) -> io::Result<Vec<u8>> {
        self.0.commands.lock().expect("no panic").push(format!("{program} {}", arguments.join("|")));
        let output = self.0.outputs.lock().expect("no panic").pop_front();
        output.map(String::into_bytes).ok_or_else(|| io::Error::other("the command ended with 1"))
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        // Others get their turn while this one waits for its answer.
        tokio::task::yield_now().await;
        let (head, body) = request.into_parts();
        self.0.sent.lock().expect("no panic").push(Sent {
            line: format!("{} {}", head.method, head.uri),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).expect("UTF-8"),
        });
        let reply = self.0.replies.lock().expect("no panic").pop_front().unwrap_or(Reply::NotThere);
        let response = match &reply {
            Reply::Says(status, _) => Response::builder().status(*status),
            Reply::Dated(status, date, _) => Response::builder().status(*status).header("date", *date),
            Reply::NotThere => return Err(TransportError::not_sent(io::Error::other("no route"))),
            Reply::Hangs(told, _) => {
                told.notified().await;
                Response::builder().status(200)
            }
        };
        let (Reply::Says(_, body) | Reply::Dated(_, _, body) | Reply::Hangs(_, body)) = reply else {
            unreachable!("answered above")
        };
        Ok(response.body(Bytes::from(body)).expect("a response"))
    }
}
