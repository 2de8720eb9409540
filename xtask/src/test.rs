//! `cargo xtask test`: everything that has to hold, in stages, ending with one line of counts.
//!
//! ```text
//!   format ─▶ lint ─▶ crates ─▶ banned ─▶ build ─▶ unit ─▶ docs ─────▶ e2e ─▶ counts
//!   control plane's program, built beside all of that ───────────────┘
//! ```
//!
//! A stage that fails does not end the run: one run tells everything that is wrong. Only what needs a stage's result
//! is left out when it fails.

mod binaries;
mod counts;

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use vk_testkit::wait::Stopwatch;

use self::binaries::{TestBinaries, TestBinary};
use self::counts::Counts;
use crate::prerequisites::{BUSYBOX, C_COMPILER, CHROMIUM, CLIPPY, GO, IP, RUNC, RUSTFMT, SETPRIV, require};
use crate::programs::ControlPlaneBuild;
use crate::shell::{cargo, output_of, run as run_command};

/// Crates that must not be in what we build; `deny.toml` holds the reasons.
const BANNED: [&str; 7] =
    ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "reqwest", "axum"];

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Only this stage; may be repeated.
    #[arg(long, value_enum)]
    stage: Vec<Stage>,
    /// How many end-to-end tests run side by side; most of their time is waiting.
    #[arg(long, default_value_t = 4)]
    e2e_threads: usize,
    /// Only tests whose names contain this.
    filter: Option<String>,
}

/// The stages, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Is everything formatted?
    Format,
    /// Does clippy find nothing?
    Lint,
    /// Does each crate build alone? In the workspace one crate's features hide what another one lacks.
    Crates,
    /// Is no banned crate in the graph?
    Banned,
    /// Everything else.
    Unit,
    /// The examples in the documentation.
    Docs,
    /// Tests on the real control plane.
    E2e,
}

pub(crate) fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    require(&[RUSTFMT, CLIPPY, C_COMPILER])?;
    if args.wants(Stage::Unit) {
        require(&[RUNC, BUSYBOX, IP, CHROMIUM])?;
    }
    let control_plane = if args.wants(Stage::E2e) {
        require(&[GO, SETPRIV])?;
        Some(ControlPlaneBuild::start())
    } else {
        None
    };
    let mut report = Report::default();
    check(args, &mut report);
    if args.wants(Stage::Unit) || args.wants(Stage::E2e) {
        test(args, control_plane, &mut report);
    }
    if args.wants(Stage::Docs) {
        report.stage("documentation", documentation);
    }
    Ok(report.finish())
}

impl TestArgs {
    fn wants(&self, stage: Stage) -> bool {
        self.stage.is_empty() || self.stage.contains(&stage)
    }
}

/// What needs no test to be run.
fn check(args: &TestArgs, report: &mut Report) {
    type Check = fn() -> anyhow::Result<()>;
    let checks: [(Stage, &str, Check); 4] = [
        (Stage::Format, "format", format),
        (Stage::Lint, "lint", lint),
        (Stage::Crates, "each crate alone", each_crate_alone),
        (Stage::Banned, "banned crates", no_banned_crate),
    ];
    for (stage, name, check) in checks {
        if args.wants(stage) {
            report.stage(name, |_| check());
        }
    }
}

fn test(args: &TestArgs, control_plane: Option<ControlPlaneBuild>, report: &mut Report) {
    let Some(binaries) = report.stage("build", |_| TestBinaries::build()) else { return };
    if args.wants(Stage::Unit) {
        report.stage("unit tests", |counts| unit(&binaries, args.filter.as_deref(), counts));
    }
    let Some(control_plane) = control_plane else { return };
    if report.stage("rest of the control plane's build", |_| control_plane.wait()).is_some() {
        report.stage("end-to-end tests", |counts| e2e(&binaries, args, counts));
    }
}

fn format() -> anyhow::Result<()> {
    run_command(cargo(&["fmt", "--all", "--check"]))
}

fn lint() -> anyhow::Result<()> {
    run_command(cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

fn each_crate_alone() -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for name in binaries::members()? {
        eprintln!("-- {name}");
        if run_command(cargo(&["check", "--quiet", "--package", &name])).is_err() {
            failed.push(name);
        }
    }
    ensure!(failed.is_empty(), "these do not build alone: {}", failed.join(", "));
    Ok(())
}

fn no_banned_crate() -> anyhow::Result<()> {
    // Default features, which is what we ship: `eci-client` may be built on AWS-LC by those who ask for it.
    let tree = ["tree", "--workspace", "--target=all", "--prefix=none", "--format={p}"];
    let tree = output_of(cargo(&tree))?;
    ensure!(tree.contains("rustls "), "`cargo tree` shows no graph:\n{tree}");
    let banned = banned(&tree);
    ensure!(banned.is_empty(), "in the graph: {}; see `cargo tree --invert NAME`", banned.join(", "));
    Ok(())
}

/// Names of banned crates in the lines of `cargo tree`.
fn banned(tree: &str) -> Vec<&str> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let mut found: Vec<&str> = names.filter(|name| BANNED.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// One line for each binary; the whole output of one that fails.
fn unit(binaries: &TestBinaries, filter: Option<&str>, counts: &mut Counts) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    for binary in binaries.without_control_plane() {
        let watch = Stopwatch::start();
        let mut command = binary.command();
        command.args(filter);
        let (output, found) = counts::captured(command)?;
        let verdict = format!("{found}, {:.1} s", watch.elapsed().as_secs_f32());
        if found.failed > 0 {
            println!("{output}\n{binary}: FAILED: {verdict}");
            failed.push(binary.to_string());
        } else {
            println!("{binary}: {verdict}");
        }
        *counts += found;
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// They take minutes, so their lines are shown as they come.
fn e2e(binaries: &TestBinaries, args: &TestArgs, counts: &mut Counts) -> anyhow::Result<()> {
    let simulator = binaries.program("eci-sim")?;
    let mut failed = Vec::new();
    for binary in binaries.on_control_plane() {
        println!("-- {binary}");
        let mut command: Command = binary.command();
        command.env("ECI_SIM_PROGRAM", simulator).args(["--test-threads", &args.e2e_threads.to_string()]);
        command.args(args.filter.as_deref());
        let found = counts::streamed(command)?;
        if found.failed > 0 {
            failed.push(TestBinary::to_string(binary));
        }
        *counts += found;
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn documentation(counts: &mut Counts) -> anyhow::Result<()> {
    let (output, found) = counts::captured(cargo(&["test", "--workspace", "--doc"]))?;
    *counts += found;
    if found.failed > 0 {
        bail!("{output}");
    }
    println!("documentation: {found}");
    Ok(())
}

/// What came of the stages.
#[derive(Default)]
struct Report {
    counts: Counts,
    stages: Vec<(String, Duration, bool)>,
}

impl Report {
    /// Runs a stage; `None` when it failed, which is told at once and again at the end.
    fn stage<T>(&mut self, name: &str, work: impl FnOnce(&mut Counts) -> anyhow::Result<T>) -> Option<T> {
        eprintln!("\n== {name}");
        let watch = Stopwatch::start();
        let result = work(&mut self.counts);
        let passed = result.is_ok();
        self.stages.push((name.to_owned(), watch.elapsed(), passed));
        result.inspect_err(|error| eprintln!("error: {name}: {error:#}")).ok()
    }

    fn finish(self) -> ExitCode {
        println!("\nminutes by stage");
        for (name, time, passed) in &self.stages {
            println!("{}", line(name, *time, *passed));
        }
        let total: Duration = self.stages.iter().map(|(_, time, _)| *time).sum();
        println!("{}", line("together", total, true));
        let all_passed = self.stages.iter().all(|(_, _, passed)| *passed);
        println!("{}", self.counts);
        if all_passed && self.counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn line(name: &str, time: Duration, passed: bool) -> String {
    format!("{:7.1}  {name}{}", time.as_secs_f32() / 60.0, if passed { "" } else { "  FAILED" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_crate_is_found_and_told_once() {
        let tree = "virtual-node v0.1.0 (/x)\nrustls v0.23.46\naws-lc-rs v1.0.0\nopenssl-probe v0.1\nopenssl-sys v0.9\naws-lc-rs v1.0.0\n";
        assert_eq!(banned(tree), ["aws-lc-rs", "openssl-sys"]);
        assert!(banned("ring v0.17.14\n").is_empty());
    }

    #[test]
    fn a_failed_stage_does_not_stop_the_next_and_is_marked() {
        let mut report = Report::default();
        assert_eq!(report.stage("first", |_| -> anyhow::Result<()> { bail!("no luck") }), None);
        assert_eq!(report.stage("second", |_| Ok(7)), Some(7));
        assert_eq!(report.stages.iter().map(|(_, _, passed)| *passed).collect::<Vec<_>>(), [false, true]);
        assert_eq!(line("lint", Duration::from_secs(90), false), "    1.5  lint  FAILED");
    }
}
