//! Joins a Kubernetes cluster as a node and runs its pods as Elastic Container Instances.
//!
//! Thin: it reads the settings, puts the crates together and ends when they do. See `docs/architecture.md`.

mod cloud_metrics;
mod cluster;
mod glue;
mod http_port;
mod logging;
mod node_address;
mod run;
mod settings;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// The one of musl, which static binaries have otherwise, is slow under threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Runs the pods of a Kubernetes node as Elastic Container Instances.
#[derive(Parser)]
#[command(name = "virtual-node", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Join the cluster as a node and serve until a signal ends it; instances go on running.
    Run(Box<settings::RunArgs>),
}

/// A setting is missing or malformed: whoever started the process must act.
const EXIT_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    // Before anything builds a TLS configuration: with two providers in a graph the first builder would panic.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        complain("another TLS provider is installed");
        return ExitCode::FAILURE;
    }
    let Command::Run(args) = Cli::parse().command;
    let settings = match settings::Settings::from_args(*args) {
        Ok(settings) => settings,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    logging::init(&settings.logging);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("the runtime cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run::run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// One line for the person who started the process, before or beside any log.
#[allow(clippy::print_stderr, reason = "this is the program's voice towards who started it")]
fn complain(text: &str) {
    eprintln!("virtual-node: {text}");
}
