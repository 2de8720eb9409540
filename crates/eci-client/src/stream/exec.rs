//! Runs commands in containers: stdin, stdout, stderr, terminal size and exit status over the web socket that
//! ExecContainerCommand names.
//!
//! ```text
//!   Exec.stdin  ──▶ pipe ──▶ ┌─────────┐ ──▶ channel 0           Exec.stdout ◀── pipe ◀── channel 1
//!   ExecResizer ──▶ newest ▶ │ session │ ──▶ channel 4 (or 3)    Exec.stderr ◀── pipe ◀── channel 2
//!   Exec::wait  ◀── status ◀ └─────────┘ ◀── channels 3 and 4, else the sentinel in stdout
//! ```
//!
//! The protocol is not documented. It is read as Kubernetes' channels, in every variant that was seen: binary messages
//! and base64 text, the status as JSON or as text, on channel 3 or 4. No sub-protocol is asked for, and nothing but the
//! token within the URL says who asks. The URL is a secret: it is in no error and no log.

mod frames;
mod life;
mod sentinel;
mod session;
mod status;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::Uri;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::session::Socket;
pub use self::status::ExecStatus;
use self::{sentinel::Sentinel, session::Session};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::model::{ContainerGroupId, ExecContainerCommandRequest};

/// Errors name the action that opened the web socket.
pub(crate) const ACTION: &str = "ExecContainerCommand";
/// What may wait in each pipe. Beyond that whoever writes waits: the program, or the command in the container.
const PIPE: usize = 64 * 1024;

/// How a command runs, and how its web socket is spoken.
#[derive(Clone, Debug)]
pub struct ExecOptions {
    /// Give it a terminal; stderr then comes with stdout. Off unless set.
    pub tty: bool,
    /// Keep stdin open. On unless set otherwise; turn it off for a command that reads stdin to its end.
    pub stdin: bool,
    /// Learn the exit code from the output. The cloud is not known to tell it, so the command is wrapped in `sh`, which
    /// writes a mark with the code behind the output; the mark is taken out again. It costs four of the 20 items a
    /// command may have, and the container needs `sh`. Off unless set.
    pub exit_code_by_sentinel: bool,
    /// Where the terminal size goes.
    pub layout: ExecLayout,
    /// What messages to the cloud look like; those from it are understood either way.
    pub encoding: ExecEncoding,
}

impl Default for ExecOptions {
    fn default() -> Self {
        let (layout, encoding) = (ExecLayout::default(), ExecEncoding::default());
        Self { tty: false, stdin: true, exit_code_by_sentinel: false, layout, encoding }
    }
}

/// Which channel the terminal size goes to; a status is understood on the other and on both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecLayout {
    /// To channel 4, as in Kubernetes.
    #[default]
    Kubernetes,
    /// To channel 3, as one public client does.
    Swapped,
}

/// What messages look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecEncoding {
    /// Binary: a byte for the channel, then the payload.
    #[default]
    Binary,
    /// Text: a digit for the channel, then the payload in base64.
    Base64,
}

/// A size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// A command that runs. Dropping it closes the web socket; whether that ends the command is up to the cloud.
///
/// Take `stdout` and `stderr` out and read both, at the same time: a command that writes more than a pipe holds (64 KiB)
/// waits for its reader. [`Exec::output`] does that.
#[must_use = "dropping it closes the web socket"]
pub struct Exec {
    /// What the command reads. There is no half-close in this protocol: shutting it down or dropping it sends nothing,
    /// and the command never sees an end of stdin. Under a terminal, write `\x04`; else say the length beforehand
    /// (`head -c`), or do without stdin.
    pub stdin: Option<ExecStdin>,
    /// What the command writes; ends with the web socket. Keep the `Exec` while it is read.
    pub stdout: Option<ExecOutput>,
    /// What the command writes to stderr; empty under a terminal.
    pub stderr: Option<ExecOutput>,
    resizes: watch::Sender<Option<TerminalSize>>,
    session: SessionTask,
}

struct SessionTask(JoinHandle<Result<ExecStatus, Error>>);

impl Drop for SessionTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Changes the size of the terminal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ExecResizer(watch::Sender<Option<TerminalSize>>);

impl ExecResizer {
    /// Tells the size; of several in quick succession only the last is sent.
    pub fn resize(&self, size: TerminalSize) {
        self.0.send_replace(Some(size));
    }
}

impl Client {
    /// Runs a command in a running container.
    ///
    /// # Guarantees
    ///
    /// None for repeating: a second call runs the command a second time.
    ///
    /// # Errors
    ///
    /// Those of [`Client::exec_container_command`]. `Unavailable` when the web socket was not reached or turned
    /// the connection away: the command has not started. `Indeterminate` when the connection broke off within the
    /// handshake. `Bug` when the cloud names a web socket on a host that is neither its own nor the endpoint's.
    pub async fn exec(
        &self,
        container_group_id: &ContainerGroupId,
        container_name: &str,
        command: impl IntoIterator<Item = impl Into<String>>,
        options: &ExecOptions,
    ) -> Result<Exec, Error> {
        let mut command: Vec<String> = command.into_iter().map(Into::into).collect();
        let sentinel = options.exit_code_by_sentinel.then(Sentinel::new);
        if let Some(sentinel) = &sentinel {
            command = sentinel.wrap(command);
        }
        let request = ExecContainerCommandRequest {
            container_group_id: container_group_id.clone(),
            container_name: container_name.to_owned(),
            command,
            tty: Some(options.tty),
            stdin: Some(options.stdin),
            ..Default::default()
        };
        let reply = self.exec_container_command(&request).await?;
        let uri = reply.web_socket_uri.as_ref().and_then(|uri| uri.expose().parse::<Uri>().ok());
        let uri = uri.filter(|uri| self.may_open(uri)).ok_or_else(|| {
            Error::new(ACTION, ErrorKind::Bug, "the reply names no web socket of the cloud's own")
        })?;
        let socket = self.open_web_socket(uri).await?;
        Ok(Exec::start(Session::new(socket, options, sentinel)))
    }
}

impl Exec {
    fn start(session: Session) -> Self {
        let pipe = || tokio::io::duplex(PIPE);
        let ((stdin, stdin_end), (stdout, stdout_end), (stderr, stderr_end)) = (pipe(), pipe(), pipe());
        let (resizes, newest) = watch::channel(None);
        let is_whole = session.outputs_are_whole();
        let output = |pipe| Some(ExecOutput { pipe, is_whole: Arc::clone(&is_whole) });
        let task = tokio::spawn(session.run(stdin_end, newest, stdout_end, stderr_end));
        Self {
            stdin: Some(ExecStdin(stdin)),
            stdout: output(stdout),
            stderr: output(stderr),
            resizes,
            session: SessionTask(task),
        }
    }

    /// What changes the size of its terminal.
    pub fn resizer(&self) -> ExecResizer {
        ExecResizer(self.resizes.clone())
    }

    /// Reads both outputs to their end, whatever their size, and how the command ended. Stdin, if it was not taken out
    /// before, is dropped. An output that was taken out before is empty here. Dropping the future closes the web socket.
    ///
    /// # Errors
    ///
    /// `Indeterminate`: the connection broke off, and nothing was told of the command's end before. What was read until then
    /// is dropped; where a part is better than nothing, read the outputs yourself.
    pub async fn output(mut self) -> Result<ExecOutcome, Error> {
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let (status, stdout, stderr) = tokio::join!(self.wait(), read_all(stdout), read_all(stderr));
        Ok(ExecOutcome { status: status?, stdout, stderr })
    }

    /// How the command ended. Output that was not taken out before is dropped as it comes. Dropping the future closes
    /// the web socket.
    ///
    /// # Errors
    ///
    /// `Indeterminate`: the connection broke off, and nothing was told of the command's end before.
    pub async fn wait(self) -> Result<ExecStatus, Error> {
        let Self { stdin, stdout, stderr, resizes, mut session } = self;
        drop((stdin, stdout, stderr));
        let ended = (&mut session.0).await;
        drop(resizes);
        ended.unwrap_or_else(|error| {
            Err(Error::new(ACTION, ErrorKind::Bug, "the session ended before its time").caused_by(error))
        })
    }
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec").field("running", &!self.session.0.is_finished()).finish_non_exhaustive()
    }
}

/// Everything an output has. That it broke off is what `wait` tells.
async fn read_all(output: Option<ExecOutput>) -> Vec<u8> {
    let mut all = Vec::new();
    if let Some(mut output) = output {
        let _ = output.read_to_end(&mut all).await;
    }
    all
}

/// What a command wrote and how it ended: [`Exec::output`].
#[derive(Clone, PartialEq, Eq)]
pub struct ExecOutcome {
    /// How it ended.
    pub status: ExecStatus,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr; empty under a terminal.
    pub stderr: Vec<u8>,
}

/// Without the outputs: they may hold secrets, and be long.
impl fmt::Debug for ExecOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecOutcome")
            .field("status", &self.status)
            .field("stdout_bytes", &self.stdout.len())
            .field("stderr_bytes", &self.stderr.len())
            .finish()
    }
}

/// The command's stdin.
#[derive(Debug)]
pub struct ExecStdin(DuplexStream);

/// An output of the command.
///
/// It ends where the command's output does. Where the web socket broke off, or the [`Exec`] was dropped, reading ends in an
/// error (`ConnectionAborted`), so that no part is taken for the whole.
#[derive(Debug)]
pub struct ExecOutput {
    pipe: DuplexStream,
    is_whole: Arc<AtomicBool>,
}

impl AsyncWrite for ExecStdin {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl AsyncRead for ExecOutput {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.pipe).poll_read(cx, buffer);
        let is_end = result.is_ready() && buffer.filled().len() == before && buffer.remaining() > 0;
        if is_end && !self.is_whole.load(Ordering::Acquire) {
            let what = "the web socket broke off or was given up before the output's end";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, what)));
        }
        result
    }
}
