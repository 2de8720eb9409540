//! Runs test binaries and adds up what libtest says at their end.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context;

/// How many tests passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Counts {
    /// The sum of all lines such as `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
    fn of(output: &str) -> Self {
        let mut sum = Counts::default();
        for line in output.lines() {
            if let Some(counts) = line.strip_prefix("test result: ").and_then(result_line) {
                sum += counts;
            }
        }
        sum
    }

    /// A binary that ended badly without saying so has crashed: that is a failure too.
    fn with_status(self, status: ExitStatus) -> Self {
        let crashed = !status.success() && self.failed == 0;
        Counts { failed: self.failed + usize::from(crashed), ..self }
    }
}

fn result_line(line: &str) -> Option<Counts> {
    let (_, counts) = line.split_once(". ")?;
    let number = |what: &str| {
        let part = counts.split(';').find_map(|part| part.trim().strip_suffix(what))?;
        part.trim().parse().ok()
    };
    Some(Counts { passed: number("passed")?, failed: number("failed")? })
}

/// Runs to the end and returns all output with the counts in it.
pub(crate) fn captured(mut command: Command) -> anyhow::Result<(String, Counts)> {
    let output = command.stdin(Stdio::null()).output().with_context(|| could_not_run(&command))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    let counts = Counts::of(&text).with_status(output.status);
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((text, counts))
}

/// Runs to the end, shows every line as it comes, and returns the counts.
pub(crate) fn streamed(mut command: Command) -> anyhow::Result<Counts> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| could_not_run(&command))?;
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.with_context(|| could_not_run(&command))?;
            println!("{line}");
            text.push_str(&line);
            text.push('\n');
        }
    }
    let status = child.wait().with_context(|| could_not_run(&command))?;
    Ok(Counts::of(&text).with_status(status))
}

fn could_not_run(command: &Command) -> String {
    format!("could not run {}", command.get_program().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str =
        "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.39s";

    #[test]
    fn all_result_lines_count() {
        let output = format!(
            "running 12 tests\n{RESULT}\n\ntest result: FAILED. 3 passed; 2 failed; 1 ignored; finished\n"
        );
        assert_eq!(Counts::of(&output), Counts { passed: 15, failed: 2 });
        assert_eq!(Counts::of(&output).to_string(), "15 passed, 2 failed");
    }

    #[test]
    fn what_a_test_prints_does_not_count() {
        assert_eq!(
            Counts::of("the line \"test result: ok. 9 passed; 0 failed\" is expected"),
            Counts::default()
        );
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_crash_is_a_failure() {
        let (_, counts) = captured(shell("echo running 3 tests; kill -SEGV $$")).unwrap();
        assert_eq!(counts, Counts { passed: 0, failed: 1 });
        assert_eq!(streamed(shell("exit 101")).unwrap().failed, 1);
    }

    #[test]
    fn output_of_both_streams_is_kept_for_a_failure() {
        let (output, counts) = captured(shell(&format!("echo '{RESULT}'; echo why >&2"))).unwrap();
        assert_eq!(counts, Counts { passed: 12, failed: 0 });
        assert!(output.contains("why"), "{output}");
    }
}
