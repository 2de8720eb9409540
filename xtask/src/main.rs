//! What developers and CI run: `cargo xtask --help` lists it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people, printing is what it does"
)]

mod bench;
mod control_plane;
mod demo;
mod deny;
mod fuzz;
mod prerequisites;
mod programs;
mod sdk;
mod shell;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Tasks of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Show a virtual node at work: real control plane, simulated cloud, pods that come and go.
    Demo(demo::DemoArgs),
    /// Check and test everything; the last line is the count of passed and failed tests.
    Test(test::TestArgs),
    /// A real Kubernetes control plane on this machine: etcd, API server, controllers, scheduler, kubectl.
    #[command(subcommand)]
    ControlPlane(control_plane::ControlPlaneCommand),
    /// Drive the simulator with the official SDKs of other languages, and verify the client's signatures with theirs.
    Sdk(sdk::SdkArgs),
    /// Measure, in the same run, what is ours and what there was before.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Feed the client's signing and its reading of replies with anything at all.
    Fuzz(fuzz::FuzzArgs),
    /// Judge licences, advisories and sources of all dependencies with cargo-deny.
    Deny,
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Demo(args) => demo::run(&args),
        Task::Test(args) => test::run(&args),
        Task::ControlPlane(command) => control_plane::run(command),
        Task::Sdk(args) => sdk::run(&args),
        Task::Bench(command) => bench::run(&command),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Deny => deny::run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
