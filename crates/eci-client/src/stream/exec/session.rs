//! Carries bytes between the web socket and the pipes of one command, both ways at once, until the socket ends.
//!
//! A reader that does not read holds up the messages from the cloud, as it should, but never those to it. Pings keep
//! what lies between from closing a silent connection.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::time::{error::Elapsed, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::sentinel::Sentinel;
use super::{ACTION, ExecEncoding, ExecLayout, ExecOptions, ExecStatus, TerminalSize, frames, status};
use crate::error::{Error, ErrorKind};
use crate::transport::Connection;

/// The web socket of a command.
pub(crate) type Socket = WebSocketStream<Box<dyn Connection>>;

/// A stdin message at most; what the cloud takes is not known, and Kubernetes reads 32 KiB at a time.
const PIECE: usize = 16 * 1024;
/// How long the socket is still read after the command's end was told, or its own.
const LINGER: Duration = Duration::from_secs(5);
/// Between pings. Load balancers forget silent connections after a minute or less.
const PING: Duration = Duration::from_secs(20);
/// A peer that answers pings and leaves three of them unanswered is gone. One that never answered any may just not do so.
const SILENCE: Duration = Duration::from_secs(70);

/// One command's session.
pub(super) struct Session {
    socket: Socket,
    layout: ExecLayout,
    encoding: ExecEncoding,
    sentinel: Option<Sentinel>,
}

impl Session {
    pub(super) fn new(socket: Socket, options: &ExecOptions, sentinel: Option<Sentinel>) -> Self {
        Self { socket, layout: options.layout, encoding: options.encoding, sentinel }
    }

    pub(super) async fn run(
        self,
        stdin: DuplexStream,
        sizes: watch::Receiver<Option<TerminalSize>>,
        stdout: DuplexStream,
        stderr: DuplexStream,
    ) -> Result<ExecStatus, Error> {
        let (sink, messages) = self.socket.split();
        let sending = Sending { sink, layout: self.layout, encoding: self.encoding };
        let receiving = Receiving {
            messages,
            sentinel: self.sentinel,
            stdout: Some(stdout),
            stderr: Some(stderr),
            status: None,
            closing: false,
            answers_pings: false,
        };
        let send = async {
            // Where nothing can be sent any more, what comes still tells why.
            let _ = sending.run(stdin, sizes).await;
            std::future::pending().await
        };
        tokio::select! {
            biased;
            status = receiving.run() => status,
            () = send => Ok(ExecStatus::Unknown),
        }
    }
}

struct Sending {
    sink: SplitSink<Socket, Message>,
    layout: ExecLayout,
    encoding: ExecEncoding,
}

impl Sending {
    async fn run(
        mut self,
        mut stdin: DuplexStream,
        mut sizes: watch::Receiver<Option<TerminalSize>>,
    ) -> Result<(), SocketError> {
        let mut piece = vec![0; PIECE];
        let (mut stdin_open, mut resizable) = (true, true);
        let mut ping = interval(PING);
        ping.reset();
        loop {
            let message = tokio::select! {
                changed = sizes.changed(), if resizable => {
                    resizable = changed.is_ok();
                    let size = *sizes.borrow_and_update();
                    size.map(|size| frames::resize(size, self.layout, self.encoding))
                }
                read = stdin.read(&mut piece), if stdin_open => {
                    let length = read.unwrap_or(0);
                    stdin_open = length > 0;
                    stdin_open.then(|| frames::encode(frames::STDIN, &piece[..length], self.encoding))
                }
                _ = ping.tick() => Some(Message::Ping(Bytes::new())),
            };
            if let Some(message) = message {
                self.sink.send(message).await?;
            }
        }
    }
}

struct Receiving {
    messages: SplitStream<Socket>,
    sentinel: Option<Sentinel>,
    /// `None` once nobody reads it.
    stdout: Option<DuplexStream>,
    stderr: Option<DuplexStream>,
    status: Option<ExecStatus>,
    /// Nothing is to come but what is still on its way.
    closing: bool,
    answers_pings: bool,
}

impl Receiving {
    async fn run(mut self) -> Result<ExecStatus, Error> {
        let end = loop {
            match self.next().await {
                Ok(Some(Ok(message))) => self.take(&message).await,
                Ok(Some(Err(error))) => break Err(broken_off().caused_by(error)),
                Ok(None) => break Ok(ExecStatus::Unknown),
                Err(_) if self.closing => break Ok(ExecStatus::Unknown),
                Err(silence) => break Err(broken_off().caused_by(silence)),
            }
        };
        if let Some(mut sentinel) = self.sentinel.take() {
            write(&mut self.stdout, &sentinel.rest()).await;
        }
        // What was told counts, however the connection then ended.
        self.status.map_or(end, Ok)
    }

    /// The next message, unless it takes longer than it may.
    async fn next(&mut self) -> Result<Option<Result<Message, SocketError>>, Elapsed> {
        let message = self.messages.next();
        match (self.closing, self.answers_pings) {
            (true, _) => timeout(LINGER, message).await,
            (false, true) => timeout(SILENCE, message).await,
            (false, false) => Ok(message.await),
        }
    }

    async fn take(&mut self, message: &Message) {
        self.closing |= message.is_close();
        self.answers_pings |= message.is_pong();
        let Some((channel, payload)) = frames::decode(message) else { return };
        match channel {
            frames::STDOUT => match &mut self.sentinel {
                None => write(&mut self.stdout, &payload).await,
                Some(sentinel) => {
                    let (output, code) = sentinel.pass(&payload);
                    self.tell(code.map(ExecStatus::Exited));
                    write(&mut self.stdout, &output).await;
                }
            },
            frames::STDERR => write(&mut self.stderr, &payload).await,
            frames::STATUS | frames::RESIZE => self.tell(status::read(&payload)),
            _ => {}
        }
    }

    /// The first word about the end counts.
    fn tell(&mut self, status: Option<ExecStatus>) {
        self.status = self.status.take().or(status);
        self.closing |= self.status.is_some();
    }
}

/// Writes to a pipe, or into the void once its reader has gone.
async fn write(pipe: &mut Option<DuplexStream>, bytes: &[u8]) {
    if let Some(writer) = pipe
        && !bytes.is_empty()
        && writer.write_all(bytes).await.is_err()
    {
        *pipe = None;
    }
}

/// NOTE: what causes it never holds the URL; it is about bytes.
fn broken_off() -> Error {
    Error::new(ACTION, ErrorKind::Indeterminate, "the web socket broke off")
}
