//! `cargo xtask bench client`: `eci-client` against the official Python SDK, without a network, on the same data.
//!
//! | | eci-client (release) and Python SDK alike |
//! |---|---|
//! | create | the request built, flattened, signed, made an HTTP request; its answer read |
//! | page | a whole call: a small request signed, the answer's body decoded into the reply's types |
//!
//! Both are stopped where they would reach the network, the one by its transport, the other by the function that sends
//! (which would make the HTTP request itself; that is left out in Python's favour). Both make the same 100 parameters and
//! read the same page, which the simulator has made; texts are made beforehand. They take turns, many short ones, and of each the best round's median
//! counts: what else the machine does must not fall on one of them.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;
use vk_testkit::programs::{Account, Simulator};

use crate::prerequisites::{C_COMPILER, PYTHON, SETPRIV, require};
use crate::sdk::packages::Packages;
use crate::sdk::{scripts, surroundings};
use crate::shell::{cargo, output_of, root, run as run_command};

/// How much faster the client ought to be.
const GOALS: [(&str, &str, f64); 2] = [
    ("create", "build, sign and serialise a create of 100 parameters", 30.0),
    ("page", "decode a page of 200 groups' status", 20.0),
];

#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// Seconds for each of the four measurements of a round.
    #[arg(long, default_value_t = 0.4)]
    seconds: f64,

    /// How often both take their turn.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

pub(crate) fn run(args: &ClientArgs) -> anyhow::Result<ExitCode> {
    require(&[PYTHON, SETPRIV, C_COMPILER])?;
    let packages = Packages::install_for_python()?;
    run_command(cargo(&["build", "--package=eci-sim", "--bin=eci-sim"]))?;
    run_command(cargo(&["build", "--release", "--package=xtask", "--example=client-bench"]))?;

    let page = packages.folder().join("page.json");
    let seconds = args.seconds.to_string();
    // The simulator is there for the page only; it must not take time from what is measured.
    make_page(&packages, &page)?;
    let client = || Command::new(root().join("target/release/examples/client-bench"));
    let python = || {
        let mut python = packages.python();
        python.arg(scripts().join("bench.py"));
        python
    };
    let best = |program: &dyn Fn() -> Command, best: &mut Value| {
        let mut command = program();
        command.arg(&page).arg(&seconds);
        keep_best(best, measured(&output_of(command)?)?)
    };
    let (mut ours, mut theirs) = (Value::Null, Value::Null);
    for _ in 0..args.rounds {
        best(&client, &mut ours)?;
        best(&python, &mut theirs)?;
    }

    for (name, size) in [("parameters", 100), ("items", 200)] {
        ensure!(ours[name] == size && theirs[name] == size, "not the same {name}: {ours} {theirs}");
    }
    println!(
        "{:<52}{:>14}{:>14}{:>8}{:>8}",
        "median of one, best round", "eci-client", "Python SDK", "ratio", "goal"
    );
    let mut all_reached = true;
    for (name, what, goal) in GOALS {
        let (fast, slow) = (microseconds(&ours, name)?, microseconds(&theirs, name)?);
        let ratio = slow / fast;
        all_reached &= ratio >= goal;
        println!("{}", line(what, fast, slow, ratio, goal));
    }
    Ok(if all_reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Keeps the best of each measurement.
fn keep_best(best: &mut Value, mut round: Value) -> anyhow::Result<()> {
    for (name, _, _) in GOALS {
        if !best.is_null() && microseconds(best, name)? < microseconds(&round, name)? {
            round[name] = best[name].take();
        }
    }
    *best = round;
    Ok(())
}

/// Has the Python SDK create 200 groups in a simulator and keep the page that lists them, byte by byte.
fn make_page(packages: &Packages, page: &Path) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("this program has no path")?.with_file_name("eci-sim");
    let account = Account::default();
    let simulator =
        Simulator::start(&program, &account, &[], &packages.folder().join("bench.simulator.log"))?;
    let mut python = packages.python();
    python.arg(scripts().join("bench.py")).arg(page).arg("--make-page");
    python.envs(surroundings(&account, &simulator));
    run_command(python)
}

fn measured(text: &str) -> anyhow::Result<Value> {
    serde_json::from_str(text).with_context(|| format!("a measurement ended with {text:?}"))
}

fn microseconds(measured: &Value, name: &str) -> anyhow::Result<f64> {
    let time = measured[name].as_f64().with_context(|| format!("there is no time for `{name}`"))?;
    ensure!(time > 0.0, "`{name}` took no time");
    Ok(time)
}

fn line(what: &str, fast: f64, slow: f64, ratio: f64, goal: f64) -> String {
    let verdict = if ratio < goal { "  MISSED" } else { "" };
    format!("{what:<52}{fast:>11.1} µs{slow:>11.1} µs{ratio:>7.1}×{goal:>7.0}×{verdict}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_marked() {
        assert!(line("x", 10.0, 100.0, 10.0, 30.0).ends_with("10.0×     30×  MISSED"));
        assert!(line("x", 10.0, 300.0, 30.0, 30.0).ends_with("30.0×     30×"));
    }

    #[test]
    fn the_best_round_counts_for_each_measurement_by_itself() {
        let mut best = Value::Null;
        for round in [r#"{"create":5,"page":70}"#, r#"{"create":4,"page":80}"#, r#"{"create":6,"page":60}"#] {
            keep_best(&mut best, measured(round).unwrap()).unwrap();
        }
        assert_eq!(best, measured(r#"{"create":4,"page":60}"#).unwrap());
        assert!(keep_best(&mut best, measured(r#"{"create":4}"#).unwrap()).is_err());
    }

    #[test]
    fn a_time_that_is_missing_or_zero_is_no_time() {
        assert!(microseconds(&measured("{}").unwrap(), "page").is_err());
        assert!(microseconds(&measured(r#"{"page":0}"#).unwrap(), "page").is_err());
        assert!(measured("oops").is_err());
    }
}
