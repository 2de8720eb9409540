//! `cargo xtask deny`: judges the dependencies by `deny.toml`.
//!
//! Not part of `cargo xtask test`: cargo-deny takes minutes to install, and what must hold on every machine (the banned
//! crates) is a test of its own.

use std::process::ExitCode;

use crate::prerequisites::{Prerequisite, require};
use crate::shell;

const CARGO_DENY: Prerequisite = Prerequisite {
    what: "cargo-deny",
    probe: &["cargo", "deny", "--version"],
    remedy: "cargo install --locked cargo-deny",
};

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    require(&[CARGO_DENY])?;
    shell::run(shell::cargo(&["deny", "check"]))?;
    Ok(ExitCode::SUCCESS)
}
