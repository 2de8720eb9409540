//! Runs a command inside a running container, with or without a terminal.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Child;
use tokio::sync::mpsc;

use super::Oci;
use super::command::marked;
use super::pid_file::PidFile;
use crate::exec::{Ends, Input, Output, Session, Ticket, session};

/// What is still in the pipes of a command that has ended is read within this time.
const DRAIN: Duration = Duration::from_secs(1);

/// Starts a command in a container that the OCI runtime knows as `container`.
pub(crate) fn open(oci: &Arc<Oci>, ticket: Ticket) -> Session {
    let (session, ends) = session();
    let oci = Arc::clone(oci);
    tokio::spawn(async move {
        let output = ends.output.clone();
        if let Err(error) = run(&oci, &ticket, ends).await {
            let text = format!("the command could not be run: {error}\n");
            let _ = output.send(Output::Stderr(Bytes::from(text))).await;
            let _ = output.send(Output::Exit(126)).await;
        }
    });
    session
}

async fn run(oci: &Oci, ticket: &Ticket, ends: Ends) -> io::Result<()> {
    let container = oci.container(&ticket.group, &ticket.container);
    let container = container.ok_or_else(|| io::Error::other("the container is not running"))?;
    let process = PidFile::within(&oci.directory);
    let mut command = marked(&oci.instance, &oci.program);
    command.args(oci.arguments()).arg("--log").arg(process.log_path()).args(["--log-format", "json"]);
    command.args(["exec", "--pid-file"]).arg(process.path()).kill_on_drop(true);
    if ticket.tty {
        command.args(["--tty", "--env", "TERM=xterm"]);
    }
    command.arg(container).args(&ticket.command);
    let command = Command { command, process };
    if ticket.tty {
        command.run_on_terminal(ends).await
    } else {
        command.run_on_pipes(ticket.stdin, ends).await
    }
}

struct Command {
    command: tokio::process::Command,
    process: PidFile,
}

impl Command {
    async fn run_on_pipes(mut self, stdin: bool, ends: Ends) -> io::Result<()> {
        self.command.stdin(if stdin { Stdio::piped() } else { Stdio::null() });
        let mut child = self.command.spawn()?;
        let Ends { input, output } = ends;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let writing = async {
            match stdin {
                Some(stdin) => feed(stdin, input).await,
                None => ignore(input).await,
            }
        };
        let reading = async {
            tokio::join!(pass_on(stdout, &output, Output::Stdout), pass_on(stderr, &output, Output::Stderr));
        };
        follow(&mut child, self.process, reading, writing, &output).await
    }

    async fn run_on_terminal(mut self, ends: Ends) -> io::Result<()> {
        let (master, slave) = terminal()?;
        self.command.stdin(Stdio::from(slave.try_clone()?));
        self.command.stdout(Stdio::from(slave.try_clone()?)).stderr(Stdio::from(slave));
        let mut child = self.command.spawn()?;
        // The copies of the terminal's other end must be closed here, or its end never shows.
        drop(std::mem::replace(&mut self.command, tokio::process::Command::new("")));
        let Ends { mut input, output } = ends;
        let mut keys = tokio::fs::File::from_std(File::from(master.try_clone()?));
        let process =
            child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        let writing = async {
            while let Some(input) = input.recv().await {
                match input {
                    Input::Stdin(bytes) => {
                        if keys.write_all(&bytes).await.is_err() || keys.flush().await.is_err() {
                            break;
                        }
                    }
                    Input::Resize { width, height } => {
                        let size = Winsize { ws_col: width, ws_row: height, ws_xpixel: 0, ws_ypixel: 0 };
                        let _ = tcsetwinsize(&master, size);
                        // The runtime passes its own terminal's size on when it is told of a change.
                        if let Some(process) = process {
                            let _ = rustix::process::kill_process(process, rustix::process::Signal::WINCH);
                        }
                    }
                }
            }
        };
        let screen = tokio::fs::File::from_std(File::from(master.try_clone()?));
        let reading = pass_on(Some(screen), &output, Output::Stdout);
        follow(&mut child, self.process, reading, writing, &output).await
    }
}

/// Both ends of a new terminal.
fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let name = name.to_str().map_err(|error| io::Error::other(error.to_string()))?;
    let slave = File::options().read(true).write(true).open(name)?;
    Ok((master, slave.into()))
}

/// Waits for the end of the command, and kills it when the other side hangs up.
async fn follow(
    child: &mut Child,
    mut process: PidFile,
    reading: impl Future<Output = ()>,
    writing: impl Future<Output = ()>,
    output: &mpsc::Sender<Output>,
) -> io::Result<()> {
    tokio::pin!(reading, writing);
    let (mut is_read, mut is_written) = (false, false);
    let status = loop {
        tokio::select! {
            status = child.wait() => break Some(status?),
            () = &mut reading, if !is_read => is_read = true,
            () = &mut writing, if !is_written => is_written = true,
            () = output.closed() => break None,
        }
    };
    let Some(status) = status else {
        drop(process);
        let _ = child.start_kill();
        let _ = child.wait().await;
        return Ok(());
    };
    process.ended();
    if !is_read {
        let _ = tokio::time::timeout(DRAIN, reading).await;
    }
    let code = if process.was_written() { status.code().unwrap_or(137) } else { code_of_failure(&process) };
    let _ = output.send(Output::Exit(code)).await;
    Ok(())
}

/// What shells end with when they find no such program, or one that cannot be run; the runtime says why in its log, and to
/// the caller on stderr.
fn code_of_failure(process: &PidFile) -> i32 {
    let log = std::fs::read_to_string(process.log_path()).unwrap_or_default();
    let is_missing = ["executable file not found", "no such file or directory"];
    if is_missing.iter().any(|text| log.contains(text)) { 127 } else { 126 }
}

async fn feed(mut stdin: impl AsyncWrite + Unpin, mut input: mpsc::Receiver<Input>) {
    while let Some(input) = input.recv().await {
        if let Input::Stdin(bytes) = input
            && (stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err())
        {
            return;
        }
    }
}

async fn ignore(mut input: mpsc::Receiver<Input>) {
    while input.recv().await.is_some() {}
}

async fn pass_on(
    stream: Option<impl AsyncRead + Unpin>,
    output: &mpsc::Sender<Output>,
    wrap: impl Fn(Bytes) -> Output,
) {
    let Some(mut stream) = stream else { return };
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        if output.send(wrap(Bytes::copy_from_slice(&chunk[..count]))).await.is_err() {
            return;
        }
    }
}
