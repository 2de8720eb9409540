//! Probes and hooks: a command inside the container, an HTTP request or a connection to the group's address.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Oci;
use super::pid_file::PidFile;

#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) check: Check,
    pub(super) initial_delay: Duration,
    pub(super) period: Duration,
    pub(super) timeout: Duration,
    pub(super) failure_threshold: u32,
}

/// What is done to ask; an empty host is the group.
#[derive(Clone, Debug)]
pub(super) enum Check {
    Exec(Vec<String>),
    Http { host: String, port: u16, path: String, is_https: bool },
    Tcp { host: String, port: u16 },
}

/// The container that is asked.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) oci: &'a Oci,
    /// Its id with the OCI runtime.
    pub(super) container: &'a str,
    pub(super) address: Ipv4Addr,
}

impl Check {
    /// Asks once, for no longer than `limit`. An error says what was seen.
    pub(super) async fn run(&self, target: Target<'_>, limit: Duration) -> Result<(), String> {
        let late = |_| format!("timed out after {}s", limit.as_secs_f64());
        timeout(limit, self.ask(target)).await.map_err(late)?
    }

    async fn ask(&self, target: Target<'_>) -> Result<(), String> {
        let at = |host: &str| match host.is_empty() {
            true => target.address.to_string(),
            false => host.to_owned(),
        };
        match self {
            Self::Exec(command) => {
                let mut process = PidFile::within(&target.oci.directory);
                let path = process.path().display().to_string();
                let mut arguments = vec!["exec", "--pid-file", &path, target.container];
                arguments.extend(command.iter().map(String::as_str));
                let outcome = target.oci.call(&arguments).await.map(drop);
                process.ended();
                outcome
            }
            Self::Tcp { host, port } => connect(&at(host), *port).await.map(drop),
            // Certificates are not looked at by such probes either; that the port answers is what is asked.
            Self::Http { host, port, is_https: true, .. } => connect(&at(host), *port).await.map(drop),
            Self::Http { host, port, path, .. } => get(&at(host), *port, path).await,
        }
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port)).await.map_err(|error| format!("dial tcp {host}:{port}: {error}"))
}

/// A status from 200 to 399 is a success.
async fn get(host: &str, port: u16, path: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("Get \"http://{host}:{port}{path}\": {error}");
    let mut stream = connect(host, port).await?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: kube-probe\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut head = Vec::new();
    while !head.contains(&b'\n') {
        if stream.read_buf(&mut head).await.map_err(failed)? == 0 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&head);
    let status = text.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
    match status {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("HTTP probe failed with statuscode: {status}")),
        None => Err(failed(std::io::ErrorKind::InvalidData.into())),
    }
}
