//! Builds what the demo runs, the Go program beside the Rust ones.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use vk_testkit::control_plane;

use crate::shell::{cargo, run};

/// The programs of the demo.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) control_plane: PathBuf,
    pub(crate) virtual_node: PathBuf,
    pub(crate) simulator: PathBuf,
    /// Lists container groups by signed calls.
    pub(crate) list_groups: PathBuf,
}

impl Programs {
    /// Builds all of them. Both compilers tell their progress on standard error.
    pub(crate) fn build() -> anyhow::Result<Self> {
        let control_plane = ControlPlaneBuild::start();
        run(cargo(&[
            "build",
            "--package=virtual-node",
            "--package=eci-sim",
            "--package=xtask",
            "--bin=virtual-node",
            "--bin=eci-sim",
            "--example=list-container-groups",
        ]))?;
        // Cargo has put this program where it puts the others.
        let own = std::env::current_exe().context("this program has no path")?;
        let folder = own.parent().context("this program lies in no folder")?;
        Ok(Programs {
            control_plane: control_plane.wait()?,
            virtual_node: folder.join("virtual-node"),
            simulator: folder.join("eci-sim"),
            list_groups: folder.join("examples/list-container-groups"),
        })
    }
}

/// The control plane's program in the making.
pub(crate) struct ControlPlaneBuild(JoinHandle<Result<PathBuf, vk_testkit::Error>>);

impl ControlPlaneBuild {
    pub(crate) fn start() -> Self {
        ControlPlaneBuild(thread::spawn(|| control_plane::build(&mut |text| eprintln!("{text}"))))
    }

    /// Waits for the program.
    pub(crate) fn wait(self) -> anyhow::Result<PathBuf> {
        let built = self.0.join().map_err(|_| anyhow!("the build of the control plane panicked"))?;
        built.context("could not build the control plane")
    }
}
