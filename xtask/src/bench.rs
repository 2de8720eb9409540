//! `cargo xtask bench …`: measurements, each against something else in the same run.

mod client;

use std::process::ExitCode;

use clap::Subcommand;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// `eci-client` against the official Python SDK: making and signing a large request, reading a large page.
    Client(client::ClientArgs),
}

pub(crate) fn run(command: &BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Client(args) => client::run(args),
    }
}
