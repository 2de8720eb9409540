//! Hands the world in: environment, files, commands, time, network. Tests hand in another one.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokio::time::{sleep, timeout};

use super::CredentialsError;
use crate::clock::{Clock, Nonces, RandomNonces, SystemClock};
use crate::transport::Transport;

/// Tells the values of environment variables. Any `Fn(&str) -> Option<String>` does.
pub trait Environment: Send + Sync + 'static {
    /// The value, `None` if it is not set.
    fn var(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String> + Send + Sync + 'static> Environment for F {
    fn var(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Reads files.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// The whole content.
    ///
    /// # Errors
    ///
    /// `NotFound` means that the source is not configured; anything else that it is broken.
    async fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// Runs programs.
#[async_trait]
pub trait Commands: Send + Sync + 'static {
    /// What the program writes to its standard output. The program ends with the future, if that is dropped.
    ///
    /// # Errors
    ///
    /// It cannot be started, or says that it failed.
    async fn run(&self, program: &str, arguments: &[String]) -> io::Result<Vec<u8>>;
}

/// What sources of credentials need from the world. Cheap to clone.
#[derive(Clone)]
pub struct Surroundings {
    pub(super) environment: Arc<dyn Environment>,
    pub(super) files: Arc<dyn Files>,
    pub(super) commands: Arc<dyn Commands>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) nonces: Arc<dyn Nonces>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) metadata_transport: Arc<dyn Transport>,
    pub(super) metadata_endpoint: String,
}

/// Where every instance of the vendor finds what it may know about itself.
const METADATA: &str = "http://100.100.100.200";

impl Surroundings {
    /// The real ones: this process's environment, this machine's files and clock, and [`crate::HyperTransport`], for STS
    /// through the proxies that the environment names (`HTTPS_PROXY`, `NO_PROXY`, …), for the metadata service directly.
    ///
    /// # Errors
    ///
    /// The transport cannot be built.
    #[cfg(feature = "hyper")]
    pub fn system() -> io::Result<Self> {
        use crate::transport::{HyperTransport, Proxies};
        let proxied = HyperTransport::builder().proxies(Proxies::from_environment()).build()?;
        Ok(Self::over(proxied).metadata_transport(HyperTransport::new()?))
    }

    /// The real ones, but with this transport.
    pub fn over(transport: impl Transport) -> Self {
        let transport: Arc<dyn Transport> = Arc::new(transport);
        Self {
            environment: Arc::new(|name: &str| std::env::var(name).ok()),
            files: Arc::new(Machine),
            commands: Arc::new(Machine),
            clock: Arc::new(SystemClock),
            nonces: Arc::new(RandomNonces),
            metadata_transport: Arc::clone(&transport),
            transport,
            metadata_endpoint: METADATA.to_owned(),
        }
    }

    /// Reads variables from here.
    #[must_use]
    pub fn environment(mut self, environment: impl Environment) -> Self {
        self.environment = Arc::new(environment);
        self
    }

    /// Reads files from here.
    #[must_use]
    pub fn files(mut self, files: impl Files) -> Self {
        self.files = Arc::new(files);
        self
    }

    /// Runs commands here.
    #[must_use]
    pub fn commands(mut self, commands: impl Commands) -> Self {
        self.commands = Arc::new(commands);
        self
    }

    /// Takes the time from here.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Takes nonces from here.
    #[must_use]
    pub fn nonces(mut self, nonces: impl Nonces) -> Self {
        self.nonces = Arc::new(nonces);
        self
    }

    /// Asks the metadata service by another transport than STS: where STS is reached through a proxy, metadata is not.
    #[must_use]
    pub fn metadata_transport(mut self, transport: impl Transport) -> Self {
        self.metadata_transport = Arc::new(transport);
        self
    }

    /// Where the metadata service answers, `http://100.100.100.200` unless set.
    #[must_use]
    pub fn metadata_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.metadata_endpoint = endpoint.into().trim_end_matches('/').to_owned();
        self
    }

    /// A variable that says something.
    pub(super) fn var(&self, name: &str) -> Option<String> {
        self.environment.var(name).filter(|value| !value.is_empty())
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.var(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A file below the home folder; `None` where there is no home.
    pub(super) fn at_home(&self, path: &str) -> Option<std::path::PathBuf> {
        let home = self.var("HOME").or_else(|| self.var("USERPROFILE"))?;
        Some(Path::new(&home).join(path))
    }

    /// The content of a file, `None` if there is none.
    pub(super) async fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, CredentialsError> {
        match self.files.read(path).await {
            Ok(content) => Ok(Some(content)),
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                Ok(None)
            }
            Err(error) => {
                Err(CredentialsError::refused(format!("cannot read {}: {}", path.display(), error.kind())))
            }
        }
    }
}

/// Sends a request, for at most this long.
pub(super) async fn send(
    transport: &dyn Transport,
    request: Request<Bytes>,
    limit: Duration,
) -> Result<Response<Bytes>, CredentialsError> {
    match timeout(limit, transport.send(request)).await {
        Ok(answer) => answer.map_err(CredentialsError::unreachable),
        Err(_) => Err(CredentialsError::unreachable(format!("no answer within {limit:?}"))),
    }
}

/// The files and programs of this machine.
struct Machine;

#[async_trait]
impl Files for Machine {
    async fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        tokio::fs::read(path).await
    }
}

/// How often it is looked whether a program that has closed its output has ended too.
const LOOK: Duration = Duration::from_millis(5);
/// A program that writes more is not writing a key.
const LONGEST_OUTPUT: u64 = 1024 * 1024;

#[async_trait]
impl Commands for Machine {
    // Threads rather than tokio's processes, which would bring handlers of signals into every user of this crate.
    async fn run(&self, program: &str, arguments: &[String]) -> io::Result<Vec<u8>> {
        let mut child =
            Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take();
        let mut child = Killed(child);
        let reading = tokio::task::spawn_blocking(move || {
            let mut written = Vec::new();
            output
                .map_or(Ok(0), |output| output.take(LONGEST_OUTPUT).read_to_end(&mut written))
                .map(|_| written)
        });
        let written = reading.await.map_err(io::Error::other)??;
        loop {
            match child.0.try_wait()? {
                Some(status) if status.success() => return Ok(written),
                Some(status) => return Err(io::Error::other(format!("the command ended with {status}"))),
                None => sleep(LOOK).await,
            }
        }
    }
}

/// A program that does not outlive this value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn shell(script: &str) -> io::Result<Vec<u8>> {
        Machine.run("sh", &["-c".to_owned(), script.to_owned()]).await
    }

    #[tokio::test]
    async fn a_command_gives_its_output_or_its_failure() {
        assert_eq!(shell("echo fine").await.expect("an output"), b"fine\n");
        assert!(shell("echo fine; exit 3").await.is_err());
        assert!(Machine.run("no-such-program-here", &[]).await.is_err());
    }

    #[tokio::test]
    async fn a_command_ends_with_its_future() {
        let started = tokio::time::Instant::now();
        let late = timeout(Duration::from_millis(100), shell("exec sleep 60")).await;
        assert!(late.is_err());
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_missing_file_is_told_from_one_that_cannot_be_read() {
        let missing = Machine.read(Path::new("/no/such/file")).await.expect_err("no file");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert_ne!(Machine.read(Path::new("/")).await.expect_err("a folder").kind(), io::ErrorKind::NotFound);
    }
}
