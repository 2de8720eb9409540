//! Runs programs of the machine, each marked with the instance that started it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// The environment variable by which a sweep recognises processes; containers do not inherit it.
pub(super) const MARK: &str = "ECI_SIM_INSTANCE";

/// A command that carries the mark.
pub(super) fn marked(instance: &str, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env(MARK, instance).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a program to its end. Returns what it wrote, or a text that says what failed.
pub(super) async fn run<S: AsRef<OsStr>>(
    instance: &str,
    program: &Path,
    arguments: &[S],
) -> Result<String, String> {
    let mut command = marked(instance, program);
    command.args(arguments).kill_on_drop(true);
    let failed = |reason: String| format!("{}: {reason}", program.display());
    let output = command.output().await.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(failed(text.trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `ip` with words separated by spaces.
pub(super) async fn ip(instance: &str, words: &str) -> Result<String, String> {
    let words: Vec<&str> = words.split_whitespace().collect();
    run(instance, Path::new("ip"), &words).await.map_err(|error| format!("{error} (ip {})", words.join(" ")))
}

/// Whether a program is there, by path or in `PATH`.
pub(super) fn is_installed(program: &Path) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    program.is_file()
        || (program.components().count() == 1
            && std::env::split_paths(&folders).any(|folder| folder.join(program).is_file()))
}
