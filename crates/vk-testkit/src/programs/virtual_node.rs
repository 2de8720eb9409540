//! Starts a virtual node and waits until it is up.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Error;
use crate::process::Process;

/// Up means registered, both first lists read; a busy machine needs its time for that.
const START: Duration = Duration::from_secs(90);

/// What a virtual node prints once it is up, after `ready `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    pub node: String,
    /// Where the API server reaches it, HTTPS.
    pub kubelet: SocketAddr,
    /// `/metrics`, `/livez`, `/readyz`, plain HTTP.
    pub http: SocketAddr,
}

/// A running virtual node, killed when this is dropped.
#[derive(Debug)]
pub struct VirtualNode {
    process: Process,
    ready: Ready,
}

impl Ready {
    /// The first thing on the line that tells of readiness.
    pub const PREFIX: &str = "ready ";

    /// Reads the rest of that line: `node=NAME kubelet=https://IP:PORT http=http://IP:PORT`.
    ///
    /// # Errors
    ///
    /// With the line, when it says something else.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let field =
            |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let address = |name: &str, scheme: &str| field(name)?.strip_prefix(scheme)?.parse().ok();
        let read = || {
            Some(Ready {
                node: field("node")?.to_owned(),
                kubelet: address("kubelet", "https://")?,
                http: address("http", "http://")?,
            })
        };
        read().ok_or_else(|| Error::Refused {
            url: "the virtual node's first line".into(),
            status: 0,
            body: line.to_owned(),
        })
    }
}

impl VirtualNode {
    /// Starts a command made with [`super::Account::virtual_node`] of a guarded one, and waits until it is up.
    ///
    /// # Errors
    ///
    /// When it ends or is not up in time; with the end of its log.
    pub fn start(command: Command, log: &Path) -> Result<Self, Error> {
        let mut process = Process::spawn("virtual-node", command, log)?;
        let line = process.wait_for_line(Ready::PREFIX, START)?;
        Ok(VirtualNode { ready: Ready::parse(&line)?, process })
    }

    /// What it said of itself.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Its process, to be signalled or looked at.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What this run has printed and logged up to now.
    pub fn output(&self) -> String {
        self.process.output()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_node_and_addresses() {
        let line = "node=virtual-kubelet kubelet=https://127.0.0.1:10250 http=http://[::1]:8080";
        let ready = Ready::parse(line).unwrap();
        assert_eq!(ready.node, "virtual-kubelet");
        assert_eq!((ready.kubelet.port(), ready.http.to_string().as_str()), (10250, "[::1]:8080"));
    }

    #[test]
    fn a_line_that_lacks_an_address_is_shown() {
        let text = Ready::parse("node=a kubelet=http://127.0.0.1:1").unwrap_err().to_string();
        assert!(text.contains("kubelet=http://127.0.0.1:1"), "{text}");
    }
}
