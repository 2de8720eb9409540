//! Builds every test of the workspace in one go, and knows where the binaries are.
//!
//! Cargo would run them too, but all in one row: here those on the real control plane are kept apart, without building
//! anything a second time with other features.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::shell::{cargo, output_of};

/// Test targets that start control planes.
const ON_CONTROL_PLANE: [(&str, &str); 2] = [("vk-testkit", "control_plane"), ("virtual-node", "e2e")];

/// Features that no default asks for, and whose tests would not be there without them.
const FEATURES: &str = "eci-client/exec,eci-client/test-util";

/// Everything `cargo test` would build, with all that is tested.
#[derive(Debug, Default)]
pub(crate) struct TestBinaries {
    tests: Vec<TestBinary>,
    /// Programs by name: the simulator is run by tests of another package.
    programs: BTreeMap<String, PathBuf>,
}

/// One binary of tests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TestBinary {
    package: String,
    /// The target's name; empty for the tests inside the sources of a library or program.
    target: String,
    path: PathBuf,
    folder: PathBuf,
}

impl fmt::Display for TestBinary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.target.is_empty() { "" } else { " " };
        write!(f, "{}{slash}{}", self.package, self.target)
    }
}

impl TestBinary {
    /// The binary, to be run as cargo runs it: in the folder of its package.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    fn needs_control_plane(&self) -> bool {
        ON_CONTROL_PLANE.contains(&(self.package.as_str(), self.target.as_str()))
    }
}

impl TestBinaries {
    pub(crate) fn build() -> anyhow::Result<Self> {
        let mut command = cargo(&["test", "--workspace", "--features", FEATURES, "--no-run"]);
        command.arg("--message-format=json-render-diagnostics");
        let mut child = command.stdout(Stdio::piped()).spawn().context("could not run cargo")?;
        let mut built = TestBinaries::default();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                built.take(&line.context("could not read what cargo says")?);
            }
        }
        if !child.wait().context("could not run cargo")?.success() {
            bail!("the tests could not be built");
        }
        Ok(built)
    }

    pub(crate) fn without_control_plane(&self) -> impl Iterator<Item = &TestBinary> {
        self.tests.iter().filter(|test| !test.needs_control_plane())
    }

    pub(crate) fn on_control_plane(&self) -> impl Iterator<Item = &TestBinary> {
        self.tests.iter().filter(|test| test.needs_control_plane())
    }

    pub(crate) fn program(&self, name: &str) -> anyhow::Result<&Path> {
        let program = self.programs.get(name);
        Ok(program.with_context(|| format!("cargo did not build the program {name}"))?)
    }

    /// Takes in one message of cargo; those that speak of no executable are not for us.
    fn take(&mut self, line: &str) {
        let Some((message, path)) = executable(line) else { return };
        let target = &message["target"];
        let name = target["name"].as_str().unwrap_or_default();
        let kind = target["kind"][0].as_str().unwrap_or_default();
        if message["profile"]["test"] != true {
            if kind == "bin" {
                self.programs.insert(name.to_owned(), path);
            }
            return;
        }
        let Some(folder) =
            message["manifest_path"].as_str().and_then(|manifest| Path::new(manifest).parent())
        else {
            return;
        };
        self.tests.push(TestBinary {
            package: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            target: if kind == "test" { name.to_owned() } else { String::new() },
            path,
            folder: folder.to_path_buf(),
        });
    }
}

fn executable(line: &str) -> Option<(Value, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let path = PathBuf::from(message["executable"].as_str()?);
    (message["reason"] == "compiler-artifact").then_some((message, path))
}

/// Names of the workspace's crates.
pub(crate) fn members() -> anyhow::Result<Vec<String>> {
    let text = output_of(cargo(&["metadata", "--format-version=1", "--no-deps", "--offline"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    Ok(packages.iter().filter_map(|package| package["name"].as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn artifact(package: &str, kind: &str, name: &str, test: bool) -> String {
        json!({"reason": "compiler-artifact", "manifest_path": format!("/w/crates/{package}/Cargo.toml"),
            "target": {"kind": [kind], "name": name}, "profile": {"test": test}, "executable": format!("/t/{name}")})
        .to_string()
    }

    #[test]
    fn tests_are_told_from_programs_and_those_on_the_control_plane_from_others() {
        let mut built = TestBinaries::default();
        for line in [
            artifact("eci-sim", "lib", "eci_sim", true),
            artifact("eci-sim", "bin", "eci-sim", false),
            artifact("virtual-node", "test", "e2e", true),
            artifact("virtual-node", "test", "arrows", true),
            json!({"reason": "build-finished", "success": true}).to_string(),
            json!({"reason": "compiler-artifact", "executable": null}).to_string(),
            "not JSON".to_owned(),
        ] {
            built.take(&line);
        }
        let names = |tests: Vec<&TestBinary>| tests.iter().map(|test| test.to_string()).collect::<Vec<_>>();
        assert_eq!(names(built.without_control_plane().collect()), ["eci-sim", "virtual-node arrows"]);
        assert_eq!(names(built.on_control_plane().collect()), ["virtual-node e2e"]);
        assert_eq!(built.program("eci-sim").unwrap(), Path::new("/t/eci-sim"));
        assert!(built.program("virtual-node").is_err());
    }

    #[test]
    fn every_member_is_known() {
        let members = members().unwrap();
        assert!(
            members.contains(&"xtask".to_owned()) && members.contains(&"virtual-node".to_owned()),
            "{members:?}"
        );
    }
}
