//! Installs the official SDKs: a Python environment and a folder of Node.js packages below `target/sdk`.
//!
//! Each folder keeps a copy of the list it was made from; it is made anew when the list has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::scripts;
use crate::shell::{root, run};

/// Installed packages.
pub(crate) struct Packages {
    folder: PathBuf,
}

impl Packages {
    /// Installs what is not there yet.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let packages = Self { folder: root().join("target/sdk") };
        packages.install_python().context("could not install the Python packages")?;
        packages.install_node().context("could not install the Node.js packages")?;
        Ok(packages)
    }

    /// Installs the Python packages alone.
    pub(crate) fn install_for_python() -> anyhow::Result<Self> {
        let packages = Self { folder: root().join("target/sdk") };
        packages.install_python().context("could not install the Python packages")?;
        Ok(packages)
    }

    /// Where logs and intermediate files go.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The interpreter that finds the packages. It leaves no compiled files among the sources.
    pub(crate) fn python(&self) -> Command {
        let mut command = Command::new(self.folder.join("python/bin/python"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// The manifest beside which Node.js finds the packages.
    pub(crate) fn node_package(&self) -> PathBuf {
        self.folder.join("node/package.json")
    }

    fn install_python(&self) -> anyhow::Result<()> {
        let (folder, list) = (self.folder.join("python"), scripts().join("requirements.txt"));
        if is_made_from(&folder, &list)? {
            return Ok(());
        }
        eprintln!("== installing the official Python SDKs");
        make_empty(&folder)?;
        let mut environment = Command::new("python3");
        environment.args(["-m", "venv"]).arg(&folder);
        run(environment)?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--requirement"]).arg(&list);
        run(pip)?;
        mark(&folder, &list)
    }

    fn install_node(&self) -> anyhow::Result<()> {
        let (folder, list) = (self.folder.join("node"), scripts().join("package-lock.json"));
        if is_made_from(&folder, &list)? {
            return Ok(());
        }
        eprintln!("== installing the official TypeScript SDK");
        make_empty(&folder)?;
        for name in ["package.json", "package-lock.json"] {
            copy(&scripts().join(name), &folder.join(name))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        run(npm)?;
        mark(&folder, &list)
    }
}

const MARK: &str = "made-from";

fn is_made_from(folder: &Path, list: &Path) -> anyhow::Result<bool> {
    let list = fs::read(list).with_context(|| format!("reading {}", list.display()))?;
    Ok(fs::read(folder.join(MARK)).is_ok_and(|made_from| made_from == list))
}

fn mark(folder: &Path, list: &Path) -> anyhow::Result<()> {
    copy(list, &folder.join(MARK))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

fn make_empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))
}
