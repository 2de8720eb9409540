//! Runs the containers of groups for real, through an installed OCI runtime such as `runc`.
//!
//! ```text
//! driver ─▶ what the groups want (under the lock) ─▶ a task for each container that is to run
//!              spec (from the request) ─ image (OCI layouts) ─ network ─ bundle ─▶ process ─▶ probe
//!              └─▶ pulled, launched, wrote, probed, exited: reported to the group
//! sweep ─▶ removes what an instance made, whether it ends or was killed
//! ```
//!
//! The core stays a pure state machine: it says what it waits for, and tasks here bring the answers. All that an
//! instance makes on the machine carries its id, and its folder a lock, so that the next start can tell what is
//! left over from what belongs to a neighbour.

mod bundle;
mod busybox;
mod command;
mod driver;
mod image;
mod layout;
mod machine;
mod network;
mod pid_file;
mod probe;
mod process;
mod session;
mod spec;
mod supervision;
mod sweep;

pub(crate) use driver::drive;
pub(crate) use session::open;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use command::run;
use image::Images;
use network::Network;

/// What runs the containers of groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RuntimeKind {
    /// Nothing runs: what containers do is read off their command lines.
    #[default]
    Scripted,
    /// An OCI runtime, by name or path.
    Oci(PathBuf),
}

impl FromStr for RuntimeKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "scripted" => Ok(Self::Scripted),
            "runc" => Ok(Self::Oci(PathBuf::from("runc"))),
            path if path.starts_with('/') => Ok(Self::Oci(PathBuf::from(path))),
            _ => Err(Error::RuntimeKind(text.to_owned())),
        }
    }
}

/// How containers run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeOptions {
    pub kind: RuntimeKind,
    /// Where images are: `IMAGE-NAME/oci-layout`. `None` makes one, busybox, from the installed binary.
    pub images: Option<PathBuf>,
    /// Where running instances keep what they make.
    pub directory: PathBuf,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self { kind: RuntimeKind::Scripted, images: None, directory: PathBuf::from("/run/eci-sim") }
    }
}

/// What was decided about the runtime, and how a person is told.
#[derive(Debug)]
pub(crate) struct Choice {
    /// The OCI runtime; `None` is the scripted one.
    pub(crate) program: Option<PathBuf>,
    pub(crate) sentence: String,
}

/// The runtime that is asked for, or the scripted one where that needs root and there is none. Anything else that
/// it lacks is an error of its start: root alone cannot be installed.
pub(crate) fn choose(kind: &RuntimeKind) -> Choice {
    decide(kind, is_root())
}

fn decide(kind: &RuntimeKind, is_root: bool) -> Choice {
    const SCRIPTED: &str = "scripted: nothing runs, what containers do is read off their command lines";
    match kind {
        RuntimeKind::Scripted => Choice { program: None, sentence: SCRIPTED.to_owned() },
        RuntimeKind::Oci(program) if !is_root => {
            Choice { program: None, sentence: format!("{SCRIPTED} ({} needs root)", program.display()) }
        }
        RuntimeKind::Oci(program) => Choice {
            program: Some(program.clone()),
            sentence: format!("{}: containers are processes of this machine", program.display()),
        },
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A runtime that is ready: swept, locked, with a bridge.
#[derive(Debug)]
pub(crate) struct Oci {
    program: PathBuf,
    /// What the names of everything it makes carry.
    instance: String,
    directory: PathBuf,
    network: Network,
    images: Images,
    /// What the OCI runtime calls the containers that run, by group and name.
    running: Mutex<BTreeMap<(String, String), String>>,
    /// Held as long as the instance lives.
    _lock: File,
}

impl Oci {
    /// Sweeps what killed instances left, and makes the bridge.
    pub(crate) async fn start(
        program: &Path,
        options: &RuntimeOptions,
        address_range: &str,
        instance: u32,
    ) -> Result<Self, Error> {
        machine::check(program).map_err(Error::Runtime)?;
        let instance = format!("{:06x}", instance & 0xff_ffff);
        let directory = options.directory.join(&instance);
        let lock = sweep::enter(&options.directory, &instance).await.map_err(Error::Runtime)?;
        let started = async {
            let network = Network::start(&instance, address_range).await?;
            let images = Images::open(options.images.clone(), &directory).await?;
            Ok((network, images))
        };
        match started.await {
            Ok((network, images)) => {
                let program = program.to_owned();
                Ok(Self {
                    program,
                    instance,
                    directory,
                    network,
                    images,
                    running: Mutex::default(),
                    _lock: lock,
                })
            }
            Err(reason) => {
                sweep::clear(&options.directory, &instance).await;
                Err(Error::Runtime(reason))
            }
        }
    }

    /// Ends and removes everything that this instance made.
    pub(crate) async fn end(&self) {
        let parent = self.directory.parent().unwrap_or(&self.directory);
        sweep::clear(parent, &self.instance).await;
    }

    /// The address of this machine that groups reach.
    pub(crate) fn gateway(&self) -> std::net::Ipv4Addr {
        self.network.gateway()
    }

    /// What the OCI runtime calls a container that runs.
    fn container(&self, group: &str, name: &str) -> Option<String> {
        self.running().get(&(group.to_owned(), name.to_owned())).cloned()
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<(String, String), String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn group_directory(&self, group: &str) -> PathBuf {
        self.directory.join("groups").join(group)
    }

    /// Where the control groups of a container are, below each controller's root.
    fn cgroup(&self, group: &str, container: &str) -> String {
        format!("/{}{}/{group}/{container}", sweep::PREFIX, self.instance)
    }

    /// The runtime's arguments that come before any command.
    fn arguments(&self) -> Vec<String> {
        vec!["--root".to_owned(), self.directory.join("runtime").display().to_string()]
    }

    /// Runs a command of the runtime to its end.
    async fn call(&self, arguments: &[&str]) -> Result<String, String> {
        let mut all = self.arguments();
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        run(&self.instance, &self.program, &all).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_named_or_given_by_path() {
        assert_eq!("scripted".parse::<RuntimeKind>().unwrap(), RuntimeKind::Scripted);
        assert_eq!("runc".parse::<RuntimeKind>().unwrap(), RuntimeKind::Oci("runc".into()));
        assert_eq!("/opt/crun".parse::<RuntimeKind>().unwrap(), RuntimeKind::Oci("/opt/crun".into()));
        assert!("docker".parse::<RuntimeKind>().is_err());
    }

    #[test]
    fn without_root_the_runtime_is_the_scripted_one_and_says_so() {
        let wanted = RuntimeKind::Oci("runc".into());
        let choice = decide(&wanted, false);
        assert_eq!(choice.program, None);
        assert!(choice.sentence.starts_with("scripted") && choice.sentence.contains("runc needs root"));
        assert_eq!(decide(&wanted, true).program, Some("runc".into()));
        assert!(decide(&RuntimeKind::Scripted, true).sentence.starts_with("scripted"));
    }
}
