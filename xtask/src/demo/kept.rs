//! A demo that stays up: processes that outlive this one, found again to end them.
//!
//! Their ids are written down with their start times, so that `--down` never ends a process that merely has the id of
//! one that is long gone.

use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use vk_testkit::control_plane::{ControlPlane, Options, cache_dir};
use vk_testkit::programs::{Account, Ready};
use vk_testkit::wait::{wait_until, wait_until_seen};

use super::stack::{Stack, control_plane, virtual_node};
use super::step;
use crate::programs::Programs;

const START: Duration = Duration::from_secs(60);
/// What a process gets to end by itself.
const GRACE: Duration = Duration::from_secs(25);
/// Known to `cargo xtask control-plane … --name demo` as well.
const NAME: &str = "demo";

/// Fails when one is up already.
pub(super) fn ensure_none() -> anyhow::Result<()> {
    let dir = control_plane_dir()?;
    if ControlPlane::attach(&dir)?.is_some() || !running_processes()?.is_empty() {
        bail!("a demo is still up; end it with: cargo xtask demo --down");
    }
    ControlPlane::discard_remains(&dir)?;
    Ok(())
}

/// Starts everything so that it outlives this process; ends it again when that fails or is interrupted.
pub(super) fn start(programs: &Programs) -> anyhow::Result<Stack> {
    end_on_signals()?;
    start_all(programs).inspect_err(|_| {
        if let Err(error) = down() {
            eprintln!("{error:#}");
        }
    })
}

fn start_all(programs: &Programs) -> anyhow::Result<Stack> {
    let logs = folder()?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&logs)
        .context("could not make the demo's folder")?;
    let dir = control_plane_dir()?;
    let cluster =
        control_plane(|| ControlPlane::start_detached(&programs.control_plane, &dir, &Options::default()))?;
    let account = Account::default();
    step("starting the simulated cloud");
    let simulator = account.simulator(Command::new(&programs.simulator));
    let address = detached("eci-sim", simulator, "listening on ")?;
    step("starting the virtual node");
    let node = virtual_node(&cluster, &account, &address, Command::new(&programs.virtual_node))?;
    Ready::parse(&detached("virtual-node", node, Ready::PREFIX)?)?;
    Stack::of(cluster, address, programs, &logs)
}

pub(super) fn print_how_to_use(stack: &Stack) {
    step("everything stays up; end it with: cargo xtask demo --down");
    println!("export PATH='{}':\"$PATH\"", stack.control_plane.bin().display());
    println!("export KUBECONFIG='{}'", stack.control_plane.kubeconfig().display());
}

/// Ends what is up, and removes what it stored.
pub(super) fn down() -> anyhow::Result<()> {
    let mut ended = Vec::new();
    for process in running_processes()? {
        process.end()?;
        ended.push(process.name);
    }
    let dir = control_plane_dir()?;
    if let Some(running) = ControlPlane::attach(&dir)? {
        running.shutdown()?;
        ended.push("control plane".into());
    } else {
        ControlPlane::discard_remains(&dir)?;
    }
    let folder = folder()?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    match ended.as_slice() {
        [] => println!("no demo was up"),
        ended => println!("ended: {}", ended.join(", ")),
    }
    Ok(())
}

/// Until everything is up, Ctrl-C takes back what has been started.
fn end_on_signals() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("could not listen for signals")?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            if let Err(error) = down() {
                eprintln!("{error:#}");
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Logs and notes of the demo.
fn folder() -> anyhow::Result<PathBuf> {
    Ok(cache_dir()?.join(NAME))
}

fn control_plane_dir() -> anyhow::Result<PathBuf> {
    Ok(cache_dir()?.join("control-planes").join(NAME))
}

/// Starts a program that Ctrl-C and the end of this process don't reach, and waits for the line that tells it is up.
/// Returns what follows the prefix.
fn detached(name: &str, mut command: Command, prefix: &str) -> anyhow::Result<String> {
    let folder = folder()?;
    let log = folder.join(format!("{name}.log"));
    let output =
        OpenOptions::new().create(true).append(true).open(&log).context("could not write the log")?;
    let errors = output.try_clone().context("could not write the log")?;
    command.process_group(0).stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut child = command.spawn().with_context(|| format!("could not start {name}"))?;
    Kept::of(name, child.id())?.write_down(&folder)?;
    let line = wait_until_seen(&format!("{name} is up"), START, || {
        let log = fs::read_to_string(&log).unwrap_or_default();
        let lines = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let found = lines.filter_map(|line| line.strip_prefix(prefix)).next().map(str::to_owned);
        match (found, child.try_wait()) {
            (Some(found), _) => Ok(Ok(found)),
            (None, Ok(None)) => Err("it has not said so".to_owned()),
            (None, ended) => Ok(Err(format!("{ended:?}\n{log}"))),
        }
    })?;
    line.map_err(|ended| anyhow::anyhow!("{name} ended: {ended}"))
}

/// A process that was written down.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    name: String,
    pid: u32,
    /// In the kernel's ticks since boot.
    started: u64,
}

impl Kept {
    fn of(name: &str, pid: u32) -> anyhow::Result<Self> {
        let started = start_time(pid).with_context(|| format!("{name} ended at once"))?;
        Ok(Kept { name: name.to_owned(), pid, started })
    }

    fn write_down(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(format!("{}.pid", self.name));
        fs::write(&path, format!("{} {}\n", self.pid, self.started))
            .context("could not write a process id down")
    }

    fn read(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".pid")?.to_owned();
        let text = fs::read_to_string(path).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        Some(Kept { name, pid: pid.parse().ok()?, started: started.parse().ok()? })
    }

    fn is_running(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    fn end(&self) -> anyhow::Result<()> {
        for signal in ["TERM", "KILL"] {
            let _ = Command::new("kill").args(["-s", signal, &self.pid.to_string()]).status();
            let gone = || (!self.is_running()).then_some(());
            if wait_until("it ends", GRACE, gone).is_ok() {
                return Ok(());
            }
        }
        bail!("{} (process {}) does not end", self.name, self.pid)
    }
}

fn running_processes() -> anyhow::Result<Vec<Kept>> {
    let Ok(entries) = fs::read_dir(folder()?) else { return Ok(Vec::new()) };
    let kept = entries.filter_map(|entry| Kept::read(&entry.ok()?.path()));
    Ok(kept.filter(Kept::is_running).collect())
}

/// The 22nd field of `/proc/PID/stat`; the second, a name in parentheses, may hold anything. A process that has ended
/// and was not waited for counts as gone.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    (fields.next()? != "Z").then(|| fields.nth(18)?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_id_and_its_start() {
        let own = Kept::of("this", std::process::id()).unwrap();
        assert!(own.is_running());
        assert!(!Kept { started: own.started + 1, ..own }.is_running());
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(start_time(pid), None);
    }

    #[test]
    fn what_is_written_down_is_read_back() {
        let folder = std::env::temp_dir().join(format!("xtask-kept-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let kept = Kept { name: "eci-sim".into(), pid: 7, started: 99 };
        kept.write_down(&folder).unwrap();
        assert_eq!(Kept::read(&folder.join("eci-sim.pid")), Some(kept));
        assert_eq!(Kept::read(&folder.join("eci-sim.log")), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
