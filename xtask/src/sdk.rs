//! `cargo xtask sdk`: the simulator before SDKs that others wrote, and our client's signatures before theirs.
//!
//! ```text
//!   official SDKs (Python V3, Python V1, TypeScript) ──signed calls──▶ eci-sim     each with a simulator of its own
//!   requests by hand, each wrong in its way ──▶ eci-sim                             published errors
//!   eci-client ──requests as they would travel──▶ the signers of the official Python core
//! ```
//!
//! The scripts lie in `crates/eci-sim/tests/sdk`. Their packages come from the ordinary clients (pip, npm), pinned, into
//! `target/sdk`. A command of its own because of them: `cargo test` has to work without a network.

pub(crate) mod packages;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::Value;
use vk_testkit::programs::{Account, Simulator};

use self::packages::Packages;
use crate::prerequisites::{C_COMPILER, NODE, NPM, PYTHON, SETPRIV, require};
use crate::shell::{cargo, root, run as run_command};

/// Groups that run at once: what is tested is the API, not the waiting.
const QUICK: [&str; 6] = ["--schedule-ms", "20", "--pull-ms", "20", "--start-ms", "20"];
const SDKS: [&str; 3] = ["python_v3", "python_v1", "typescript"];
/// The scripts that are no SDK's: published errors, and the official signers.
const OTHERS: [&str; 2] = [ERRORS, SIGNER];
const ERRORS: &str = "errors";
const SIGNER: &str = "signer";

#[derive(Debug, Args)]
pub(crate) struct SdkArgs {
    /// Only this script: python_v3, python_v1, typescript, errors or signer; may be repeated.
    #[arg(long)]
    only: Vec<String>,
}

pub(crate) fn run(args: &SdkArgs) -> anyhow::Result<ExitCode> {
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|one| one == name);
    for name in &args.only {
        let known = SDKS.into_iter().chain(OTHERS).any(|known| known == name);
        ensure!(known, "there is no script `{name}`");
    }
    require(&[PYTHON, NODE, NPM, SETPRIV, C_COMPILER])?;
    let packages = Packages::install()?;
    let programs = Programs::build()?;
    let mut total = Told::default();
    for name in SDKS.into_iter().filter(|name| wanted(name)) {
        eprintln!("\n== {name}");
        total.add(against_simulator(name, &packages, &programs)?);
    }
    if SDKS.into_iter().all(wanted) {
        total.add(every_action(&total.answered, &published_actions()?));
    }
    if wanted(ERRORS) {
        eprintln!("\n== {ERRORS}");
        total.add(against_simulator(ERRORS, &packages, &programs)?);
    }
    if wanted(SIGNER) {
        eprintln!("\n== {SIGNER}");
        total.add(signer(&packages, &programs)?);
    }
    println!("{total}");
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The published table of actions, parameters and fields.
fn table() -> PathBuf {
    root().join("crates/eci-client/tests/data/api.json")
}

fn published_actions() -> anyhow::Result<BTreeSet<String>> {
    let text = fs::read_to_string(table()).with_context(|| format!("reading {}", table().display()))?;
    let table: Value = serde_json::from_str(&text).context("api.json is not JSON")?;
    let actions = table["actions"].as_object().context("api.json names no actions")?;
    Ok(actions.keys().cloned().collect())
}

/// The check that ends a whole run: no published action but some SDK has had its answer.
fn every_action(answered: &BTreeSet<String>, published: &BTreeSet<String>) -> Told {
    let missing: Vec<&str> = published.difference(answered).map(String::as_str).collect();
    let mut told = Told::default();
    if missing.is_empty() && !published.is_empty() {
        println!("ok      all SDKs: each of the {} published actions has been answered", published.len());
        told.passed = 1;
    } else {
        println!("FAILED  all SDKs: not answered through any of them: {}", missing.join(", "));
        told.failed = 1;
    }
    told
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

/// One script and a simulator that nobody has spoken to yet.
fn against_simulator(name: &str, packages: &Packages, programs: &Programs) -> anyhow::Result<Told> {
    let account = Account::default();
    let log = packages.folder().join(format!("{name}.simulator.log"));
    let simulator = Simulator::start(&programs.simulator, &account, &QUICK, &log)?;
    let mut command = packages.python();
    command.arg(scripts().join(name).with_extension("py"));
    command.envs(surroundings(&account, &simulator));
    command.env("ECI_SIM_NODE_PACKAGE", packages.node_package()).env("ECI_SIM_TABLE", table());
    heard(command).with_context(|| format!("the simulator's log is {}", log.display()))
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
fn signer(packages: &Packages, programs: &Programs) -> anyhow::Result<Told> {
    let path = packages.folder().join("signed-requests.jsonl");
    let requests = fs::File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    let mut ours = Command::new(&programs.signed_requests);
    ours.stdout(requests);
    run_command(ours)?;
    let mut theirs = packages.python();
    theirs.arg(scripts().join("signer.py")).stdin(open(&path)?);
    heard(theirs)
}

fn open(path: &Path) -> anyhow::Result<fs::File> {
    fs::File::open(path).with_context(|| format!("reading {}", path.display()))
}

/// Runs a script, shows its lines and counts them by their first word.
fn heard(mut command: Command) -> anyhow::Result<Told> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("could not run the script")?;
    let stdout = child.stdout.take().context("the script has no output")?;
    let mut told = Told::default();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("reading the script's output")?;
        if !told.hear(&line) {
            println!("{line}");
        }
    }
    let status = child.wait().context("waiting for the script")?;
    if told.passed + told.failed == 0 || status.success() != (told.failed == 0) {
        bail!("the script ended with {status} after: {told}");
    }
    println!("-- {told}");
    Ok(told)
}

/// What scripts have said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    passed: usize,
    failed: usize,
    /// Actions that have been answered through an SDK's types.
    answered: BTreeSet<String>,
}

impl Told {
    /// Takes a line; whether it is for this program alone.
    fn hear(&mut self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("ok") => self.passed += 1,
            Some("FAILED") => self.failed += 1,
            Some("answered") => {
                self.answered.extend(words.map(str::to_owned));
                return true;
            }
            _ => {}
        }
        false
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.answered.extend(other.answered);
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} checks passed, {} failed", self.passed, self.failed)
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

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn lines_are_counted_by_their_first_word() {
        let text = "echo 'ok      a'; echo; echo 'FAILED  c: ok'; echo other; echo answered A B; exit 1";
        let told = heard(script(text)).unwrap();
        assert_eq!(told, Told { passed: 1, failed: 1, answered: names(&["A", "B"]) });
    }

    #[test]
    fn a_script_that_breaks_down_is_no_success() {
        for text in ["true", "echo answered A", "echo 'ok a'; exit 1", "echo 'FAILED a'"] {
            assert!(heard(script(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn an_action_that_no_sdk_had_answered_is_a_failure() {
        let published = names(&["A", "B"]);
        assert_eq!(every_action(&names(&["A"]), &published).failed, 1);
        assert_eq!(every_action(&names(&["A", "B", "C"]), &published).passed, 1);
        assert_eq!(every_action(&names(&[]), &names(&[])).failed, 1);
    }

    #[test]
    fn the_published_actions_are_read_from_the_table() {
        assert_eq!(published_actions().unwrap().len(), 36);
    }
}
