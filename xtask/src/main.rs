//! What developers and CI run: `cargo xtask --help` lists it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people, printing is what it does"
)]

mod control_plane;

use std::process::ExitCode;

use clap::Parser;

/// Tasks of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// A real Kubernetes control plane on this machine: etcd, API server, controllers, scheduler, kubectl.
    #[command(subcommand)]
    ControlPlane(control_plane::ControlPlaneCommand),
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::ControlPlane(command) => control_plane::run(command),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
