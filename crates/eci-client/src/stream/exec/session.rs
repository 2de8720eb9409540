//! Carries bytes between the web socket and the pipes of one command, both ways at once, until the socket ends.
//!
//! A reader that does not read holds up the messages from the cloud, as it should, but never those to it. Pings keep
//! what lies between from closing a silent connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::time::{Instant, error::Elapsed, interval, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::life::Life;
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

/// One command's session.
pub(super) struct Session {
    socket: Socket,
    layout: ExecLayout,
    encoding: ExecEncoding,
    sentinel: Option<Sentinel>,
    outputs_are_whole: Arc<AtomicBool>,
}

impl Session {
    pub(super) fn new(socket: Socket, options: &ExecOptions, sentinel: Option<Sentinel>) -> Self {
        let outputs_are_whole = Arc::default();
        Self { socket, layout: options.layout, encoding: options.encoding, sentinel, outputs_are_whole }
    }

    /// What is set before the outputs end, if they end in order.
    pub(super) fn outputs_are_whole(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.outputs_are_whole)
    }

    pub(super) async fn run(
        self,
        stdin: DuplexStream,
        sizes: watch::Receiver<Option<TerminalSize>>,
        stdout: DuplexStream,
        stderr: DuplexStream,
    ) -> Result<ExecStatus, Error> {
        let (sink, messages) = self.socket.split();
        let life = Life::default();
        let sending = Sending { sink, layout: self.layout, encoding: self.encoding, life: life.clone() };
        let receiving = Receiving {
            messages,
            sentinel: self.sentinel,
            stdout: Some(stdout),
            stderr: Some(stderr),
            status: None,
            closing: false,
            life,
            outputs_are_whole: self.outputs_are_whole,
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
    life: Life,
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
                    self.life.sends_stdin();
                    stdin_open.then(|| frames::encode(frames::STDIN, &piece[..length], self.encoding))
                }
                _ = ping.tick() => Some(Message::Ping(self.life.next_ping())),
            };
            if let Some(message) = message {
                let is_ping = message.is_ping();
                self.sink.send(message).await?;
                if is_ping {
                    self.life.pinged();
                }
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
    life: Life,
    outputs_are_whole: Arc<AtomicBool>,
}

impl Receiving {
    async fn run(mut self) -> Result<ExecStatus, Error> {
        let end = loop {
            match self.next().await {
                Ok(Some(Ok(message))) => self.take(&message).await,
                // Of those that said that they close, many end TLS without a word.
                Ok(Some(Err(_))) | Err(_) if self.closing => break Ok(ExecStatus::Unknown),
                Ok(Some(Err(error))) => break Err(broken_off().caused_by(error)),
                Ok(None) => break Ok(ExecStatus::Unknown),
                Err(silence) => break Err(broken_off().caused_by(silence)),
            }
        };
        if let Some(mut sentinel) = self.sentinel.take() {
            write(&mut self.stdout, &sentinel.rest()).await;
        }
        // What was told counts, however the connection then ended.
        let end = self.status.map_or(end, Ok);
        // The readers see the end of their pipes after this, when the pipes are dropped.
        self.outputs_are_whole.store(end.is_ok(), Ordering::Release);
        end
    }

    /// The next message, unless it takes longer than it may.
    async fn next(&mut self) -> Result<Option<Result<Message, SocketError>>, Elapsed> {
        if self.closing {
            return timeout(LINGER, self.messages.next()).await;
        }
        loop {
            // A ping may be sent meanwhile.
            let look_again = Instant::now() + PING;
            let (until, is_end) = match self.life.end() {
                Some(end) if end <= look_again => (end, true),
                _ => (look_again, false),
            };
            match timeout_at(until, self.messages.next()).await {
                // What came meanwhile is a sign of life, also while its reader held up what is behind it.
                Err(_) if !is_end || self.life.end() != Some(until) => {}
                result => return result,
            }
        }
    }

    async fn take(&mut self, message: &Message) {
        self.life.heard();
        self.closing |= message.is_close();
        if let Message::Pong(payload) = message {
            self.life.answered(payload);
        }
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
