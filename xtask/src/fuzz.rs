//! `cargo xtask fuzz`: the targets of `fuzz/`, side by side, for a given time.
//!
//! libFuzzer is linked in; what it needs of the compiler is coverage, which the stable one can instrument too. What
//! was learnt stays in `target/fuzz/corpus` and is where the next run starts. An input that makes a target fail is kept in
//! `target/fuzz/artifacts`; the target's program, given that file, fails again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;

use crate::prerequisites::{C_COMPILER, CXX_COMPILER, require};
use crate::shell::{cargo, output_of, root, run as run_command};

const TARGETS: [&str; 5] = ["canonicalisation", "exec", "gateway", "profiles", "replies"];

/// What cargo-fuzz passes for coverage without a sanitizer: the crates forbid unsafe code, so that there is nothing for
/// one to find. Unlike there, crates are compiled in parts, so that every core has something to do.
const INSTRUMENTATION: &str = "--cfg=fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// As much of a log as a failure shows.
const SHOWN_LINES: usize = 40;

#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// How long each target runs.
    #[arg(long, default_value_t = 10.0)]
    minutes: f32,
    /// Only this target: canonicalisation, exec, gateway, profiles or replies.
    #[arg(long)]
    only: Option<String>,
}

pub(crate) fn run(args: &FuzzArgs) -> anyhow::Result<ExitCode> {
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| only == name);
    let targets: Vec<&str> = TARGETS.into_iter().filter(|name| wanted(name)).collect();
    ensure!(!targets.is_empty(), "the targets are {}", TARGETS.join(", "));
    require(&[C_COMPILER, CXX_COMPILER])?;
    let programs = build()?;
    let seconds = (args.minutes * 60.0).ceil().max(1.0);
    println!("{} for {seconds} s each, side by side", targets.join(", "));
    let running: Result<Vec<Run>, _> =
        targets.iter().map(|name| Run::start(name, &programs, seconds)).collect();
    let mut all_clean = true;
    for run in running? {
        all_clean &= run.finish()?;
    }
    Ok(if all_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where everything of fuzzing is but its sources.
fn folder() -> PathBuf {
    root().join("target/fuzz")
}

/// Builds the targets, and returns where they are. Naming the machine's own triple keeps build scripts and macros out of
/// the instrumentation.
fn build() -> anyhow::Result<PathBuf> {
    let mut compiler = Command::new("rustc");
    compiler.arg("-vV").current_dir(root());
    let about = output_of(compiler)?;
    let triple =
        about.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not name its host")?;
    let mut build = cargo(&["build", "--release", "--locked", "--target", triple]);
    build.current_dir(root().join("fuzz"));
    build.env("CARGO_TARGET_DIR", folder()).env("RUSTFLAGS", INSTRUMENTATION);
    run_command(build)?;
    Ok(folder().join(triple).join("release"))
}

/// A target at work.
struct Run {
    name: String,
    process: Child,
    log: PathBuf,
    artifacts: PathBuf,
}

impl Run {
    fn start(name: &str, programs: &Path, seconds: f32) -> anyhow::Result<Self> {
        let corpus = made(folder().join("corpus").join(name))?;
        let artifacts = made(folder().join("artifacts").join(name))?;
        let log = folder().join(format!("{name}.log"));
        let output = fs::File::create(&log).with_context(|| format!("writing {}", log.display()))?;
        let mut command = Command::new(programs.join(name));
        command.arg(format!("-max_total_time={seconds}")).args(["-print_final_stats=1", "-timeout=10"]);
        command.args(["-rss_limit_mb=2048", "-max_len=16384"]);
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.arg(corpus);
        let seeds = root().join("fuzz/seeds").join(name);
        if seeds.exists() {
            command.arg(format!("-dict={}", dictionary()?.display())).arg(seeds);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let process = command.spawn().with_context(|| format!("could not run the target {name}"))?;
        Ok(Self { name: name.to_owned(), process, log, artifacts })
    }

    /// Waits for its end and tells what came of it; whether it was clean.
    fn finish(mut self) -> anyhow::Result<bool> {
        let status = self.process.wait().context("waiting for a target")?;
        let log = fs::read(&self.log).with_context(|| format!("reading {}", self.log.display()))?;
        let log = String::from_utf8_lossy(&log);
        let Summary { executed, coverage } = Summary::read(&log);
        if status.success() && executed > 0 && coverage > 0 {
            println!("{}: clean: {executed} inputs, {coverage} places of the program reached", self.name);
            return Ok(true);
        }
        let lines: Vec<&str> = log.lines().collect();
        println!("{}", lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n"));
        println!("{}: FAILED ({status}), inputs are in {}", self.name, self.artifacts.display());
        Ok(false)
    }
}

fn made(folder: PathBuf) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// What libFuzzer says of a run.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    executed: u64,
    /// Branches reached; 0 when the program was built without coverage, and then fuzzing is mere guessing.
    coverage: u64,
}

impl Summary {
    fn read(log: &str) -> Self {
        let number = |text: &str| text.split_whitespace().next().and_then(|word| word.parse().ok());
        let last = |mark: &str| log.lines().rev().find_map(|line| number(line.split_once(mark)?.1));
        Self {
            executed: last("stat::number_of_executed_units:").unwrap_or_default(),
            coverage: last(" cov: ").unwrap_or_default(),
        }
    }
}

/// The names of all published fields, so that the fuzzer need not guess them letter by letter.
fn dictionary() -> anyhow::Result<PathBuf> {
    let table = root().join("crates/eci-client/tests/data/api.json");
    let table = fs::read(&table).with_context(|| format!("reading {}", table.display()))?;
    let table: Value = serde_json::from_slice(&table).context("api.json is not JSON")?;
    let names: BTreeSet<&str> = field_names(&table).collect();
    ensure!(!names.is_empty(), "api.json names no field");
    let lines: String = names.iter().map(|name| format!("\"\\\"{name}\\\":\"\n")).collect();
    let path = folder().join("replies.dict");
    fs::write(&path, lines).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

fn field_names(table: &Value) -> impl Iterator<Item = &str> {
    let actions = table["actions"].as_object().into_iter().flat_map(|actions| actions.values());
    let paths = actions.filter_map(|action| action["response"].as_object()).flat_map(|fields| fields.keys());
    paths.flat_map(|path| path.split('.')).map(|name| name.trim_end_matches("[]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_says_is_read() {
        let log = "#2\tINITED cov: 7 ft: 8 corp: 1/1b\n#90\tNEW    cov: 12 ft: 9 corp: 2/9b\n\
                   stat::number_of_executed_units: 512\nstat::average_exec_per_sec: 9\n";
        assert_eq!(Summary::read(log), Summary { executed: 512, coverage: 12 });
        assert_eq!(
            Summary::read("stat::number_of_executed_units: 5\n"),
            Summary { executed: 5, coverage: 0 }
        );
    }

    #[test]
    fn the_dictionary_holds_the_names_of_fields() {
        let table =
            serde_json::json!({"actions": {"A": {"response": {"Data[].Tags[].Key": {}, "RequestId": {}}}}});
        assert_eq!(field_names(&table).collect::<BTreeSet<_>>(), ["Data", "Key", "RequestId", "Tags"].into());
    }
}
