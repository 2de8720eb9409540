//! `cargo xtask sdk`: the simulator before SDKs that others wrote, and our client's signatures before theirs.
//!
//! ```text
//!   official SDKs (Python V3, Python V1, TypeScript) ──signed calls──▶ eci-sim     each with a simulator of its own
//!   eci-client ──requests as they would travel──▶ the signers of the official Python core
//! ```
//!
//! The scripts lie in `crates/eci-sim/tests/sdk`. Their packages come from the ordinary clients (pip, npm), pinned, into
//! `target/sdk`. A command of its own because of them: `cargo test` has to work without a network.

pub(crate) mod packages;

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};
use clap::Args;
use vk_testkit::programs::{Account, Simulator};

use self::packages::Packages;
use crate::prerequisites::{C_COMPILER, NODE, NPM, PYTHON, SETPRIV, require};
use crate::shell::{cargo, root, run as run_command};

/// Groups that run at once: what is tested is the API, not the waiting.
const QUICK: [&str; 6] = ["--schedule-ms", "20", "--pull-ms", "20", "--start-ms", "20"];
const SDKS: [&str; 3] = ["python_v3", "python_v1", "typescript"];

#[derive(Debug, Args)]
pub(crate) struct SdkArgs {
    /// Only this script: python_v3, python_v1, typescript or signer; may be repeated.
    #[arg(long)]
    only: Vec<String>,
}

pub(crate) fn run(args: &SdkArgs) -> anyhow::Result<ExitCode> {
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|one| one == name);
    for name in &args.only {
        ensure!(SDKS.contains(&name.as_str()) || name == "signer", "there is no script `{name}`");
    }
    require(&[PYTHON, NODE, NPM, SETPRIV, C_COMPILER])?;
    let packages = Packages::install()?;
    let programs = Programs::build()?;
    let mut total = Counts::default();
    for name in SDKS.into_iter().filter(|name| wanted(name)) {
        eprintln!("\n== {name}");
        total.add(official_sdk(name, &packages, &programs)?);
    }
    if wanted("signer") {
        eprintln!("\n== signer");
        total.add(signer(&packages, &programs)?);
    }
    println!("{total}");
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The scripts and what they compare with.
pub(crate) fn scripts() -> PathBuf {
    root().join("crates/eci-sim/tests/sdk")
}

/// The programs of ours that take part.
struct Programs {
    simulator: PathBuf,
    signed_requests: PathBuf,
}

impl Programs {
    fn build() -> anyhow::Result<Self> {
        run_command(cargo(&["build", "--package=eci-sim", "--bin=eci-sim"]))?;
        run_command(cargo(&["build", "--package=xtask", "--example=signed-requests"]))?;
        // Cargo has put this program where it puts the others.
        let own = std::env::current_exe().context("this program has no path")?;
        let folder = own.parent().context("this program lies in no folder")?;
        Ok(Self {
            simulator: folder.join("eci-sim"),
            signed_requests: folder.join("examples/signed-requests"),
        })
    }
}

/// One SDK and a simulator that nobody has spoken to yet.
fn official_sdk(name: &str, packages: &Packages, programs: &Programs) -> anyhow::Result<Counts> {
    let account = Account::default();
    let log = packages.folder().join(format!("{name}.simulator.log"));
    let simulator = Simulator::start(&programs.simulator, &account, &QUICK, &log)?;
    let mut command = packages.python();
    command.arg(scripts().join(name).with_extension("py"));
    command.envs(surroundings(&account, &simulator));
    command.env("ECI_SIM_NODE_PACKAGE", packages.node_package());
    counted(command).with_context(|| format!("the simulator's log is {}", log.display()))
}

/// What a script needs to know of its simulator.
pub(crate) fn surroundings(account: &Account, simulator: &Simulator) -> [(&'static str, String); 6] {
    [
        ("ECI_SIM_ENDPOINT", simulator.endpoint()),
        ("ECI_SIM_ACCESS_KEY_ID", account.access_key_id.clone()),
        ("ECI_SIM_ACCESS_KEY_SECRET", account.access_key_secret.clone()),
        ("ECI_SIM_REGION", account.region.clone()),
        ("ECI_SIM_V_SWITCH", account.v_switch.clone()),
        ("ECI_SIM_SECURITY_GROUP", account.security_group.clone()),
    ]
}

/// The other direction: the official signers over requests of `eci-client`.
fn signer(packages: &Packages, programs: &Programs) -> anyhow::Result<Counts> {
    let path = packages.folder().join("signed-requests.jsonl");
    let requests = fs::File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    let mut ours = Command::new(&programs.signed_requests);
    ours.stdout(requests);
    run_command(ours)?;
    let mut theirs = packages.python();
    theirs.arg(scripts().join("signer.py")).stdin(open(&path)?);
    counted(theirs)
}

fn open(path: &Path) -> anyhow::Result<fs::File> {
    fs::File::open(path).with_context(|| format!("reading {}", path.display()))
}

/// Runs a script, shows its lines and counts them by their first word.
fn counted(mut command: Command) -> anyhow::Result<Counts> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("could not run the script")?;
    let stdout = child.stdout.take().context("the script has no output")?;
    let mut counts = Counts::default();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("reading the script's output")?;
        println!("{line}");
        counts.count(&line);
    }
    let status = child.wait().context("waiting for the script")?;
    if counts.is_empty() || status.success() != (counts.failed == 0) {
        bail!("the script ended with {status} after: {counts}");
    }
    println!("-- {counts}");
    Ok(counts)
}

/// What scripts have said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    /// The simulator has answered that it does not carry the action.
    absent: usize,
}

impl Counts {
    fn count(&mut self, line: &str) {
        match line.split_whitespace().next() {
            Some("ok") => self.passed += 1,
            Some("FAILED") => self.failed += 1,
            Some("absent") => self.absent += 1,
            _ => {}
        }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.absent += other.absent;
    }

    fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, absent } = self;
        write!(
            f,
            "{passed} checks passed, {failed} failed, {absent} of actions that this simulator does not carry"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        command
    }

    #[test]
    fn lines_are_counted_by_their_first_word() {
        let text = "echo 'ok      a'; echo 'absent  b'; echo; echo 'FAILED  c: ok'; echo other; exit 1";
        assert_eq!(counted(script(text)).unwrap(), Counts { passed: 1, failed: 1, absent: 1 });
    }

    #[test]
    fn a_script_that_breaks_down_is_no_success() {
        for text in ["true", "echo 'ok a'; exit 1", "echo 'FAILED a'"] {
            assert!(counted(script(text)).is_err(), "{text}");
        }
    }
}
