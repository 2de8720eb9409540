//! Runs a command in a running container, stdin and stdout joined to the caller's; ends with its exit code.
//!
//! ```text
//! ALIBABA_CLOUD_ACCESS_KEY_ID=… ALIBABA_CLOUD_ACCESS_KEY_SECRET=… \
//!     cargo run -p eci-client --features exec --example exec_shell -- --group eci-… --container main -- ls -l /
//! ```
//!
//! Without a command it is `sh` under a terminal. The caller's own terminal stays as it is: put it in raw mode before
//! (`stty raw -echo; …; stty sane`) for an editor or for Ctrl-C to reach the container.

#![allow(clippy::print_stderr, reason = "a program's output")]

mod connection;

use std::process::ExitCode;

use clap::Parser;
use eci_client::model::ContainerGroupId;
use eci_client::{Exec, ExecOptions, ExecStatus, TerminalSize};
use tokio::io::{AsyncRead, AsyncWriteExt, copy};

use connection::{Connection, Result, end};

/// Runs a command in a container.
#[derive(Parser)]
struct Arguments {
    /// The region
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    #[command(flatten)]
    connection: Connection,
    /// The container group
    #[arg(long)]
    group: String,
    /// The container
    #[arg(long)]
    container: String,
    /// Columns of the terminal
    #[arg(long, env = "COLUMNS", default_value_t = 80)]
    columns: u16,
    /// Rows of the terminal
    #[arg(long, env = "LINES", default_value_t = 24)]
    rows: u16,
    /// Leave stdin out: for a command that reads it to its end, which cannot be told it
    #[arg(long)]
    no_stdin: bool,
    /// The command; `sh` under a terminal unless given
    #[arg(last = true)]
    command: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(error.into())),
    };
    let result = runtime.block_on(run(arguments));
    // Reading the caller's stdin cannot be stopped; the process ends without waiting for it.
    runtime.shutdown_background();
    end(result)
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let eci = arguments.connection.client(&arguments.region)?;
    let tty = arguments.command.is_empty();
    let command = if tty { vec!["sh".to_owned()] } else { arguments.command };
    let stdin = !arguments.no_stdin;
    let options = ExecOptions { tty, stdin, exit_code_by_sentinel: true, ..Default::default() };
    let group = ContainerGroupId::new(arguments.group);
    let exec = eci.exec(&group, &arguments.container, command, &options).await?;
    if tty {
        exec.resizer().resize(TerminalSize { width: arguments.columns, height: arguments.rows });
    }
    match join(exec).await? {
        ExecStatus::Exited(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
        ExecStatus::Failed(reason) => Err(reason.into()),
        _ => Err("the command has ended; its exit code is not known".into()),
    }
}

/// Joins the command to the caller's own stdin, stdout and stderr until it has ended.
async fn join(mut exec: Exec) -> Result<ExecStatus> {
    let outputs = (exec.stdout.take(), exec.stderr.take());
    let (stdout, stderr) = (outputs.0.ok_or("no stdout")?, outputs.1.ok_or("no stderr")?);
    let mut stdin = exec.stdin.take().ok_or("no stdin")?;
    let typing = tokio::spawn(async move { copy(&mut tokio::io::stdin(), &mut stdin).await });
    let shown = tokio::join!(show(stdout, tokio::io::stdout()), show(stderr, tokio::io::stderr()));
    typing.abort();
    // Of a connection that was lost `wait` tells more.
    shown.0.and(shown.1).or_else(|error| match error.kind() {
        std::io::ErrorKind::ConnectionAborted => Ok(()),
        _ => Err(error),
    })?;
    match exec.wait().await {
        Ok(status) => Ok(status),
        Err(error) => {
            eprintln!("the connection was lost");
            Err(error.into())
        }
    }
}

async fn show(
    mut output: impl AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        let length = tokio::io::AsyncReadExt::read(&mut output, &mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..length]).await?;
        to.flush().await?;
    }
}
