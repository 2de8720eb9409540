//! The parts of the demo while they run: control plane, simulated cloud, virtual node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use vk_testkit::control_plane::{ControlPlane, Options};
use vk_testkit::process::guarded;
use vk_testkit::programs::{Account, Simulator, VirtualNode, grant_rights};
use vk_testkit::wait::{Stopwatch, wait_until_seen};

use super::step;
use crate::programs::Programs;
use crate::shell::{output_of, root, run};

/// The node's name, as the install guide has it.
pub(super) const NODE: &str = "virtual-kubelet";
const READY: Duration = Duration::from_secs(60);
/// As much of a log as a failure shows.
const SHOWN_LINES: usize = 40;

/// Everything, running. The order matters: dropped from the top, the control plane goes last.
pub(super) struct Stack {
    /// None where the processes outlive this one.
    _processes: Option<(VirtualNode, Simulator)>,
    pub(super) control_plane: ControlPlane,
    account: Account,
    endpoint: String,
    list_groups: PathBuf,
    logs: PathBuf,
}

impl Stack {
    /// Starts everything for as long as this process lives.
    pub(super) fn start(programs: &Programs) -> anyhow::Result<Self> {
        let control_plane =
            control_plane(|| ControlPlane::start_program(&programs.control_plane, Options::default()))?;
        let account = Account::default();
        let logs = control_plane.dir().to_path_buf();
        step("starting the simulated cloud");
        let simulator = Simulator::start(&programs.simulator, &account, &[], &logs.join("eci-sim.log"))?;
        step("starting the virtual node");
        let node =
            virtual_node(&control_plane, &account, &simulator.endpoint(), guarded(&programs.virtual_node))?;
        let node = VirtualNode::start(node, &logs.join("virtual-node.log"))?;
        let endpoint = simulator.endpoint();
        let processes = Some((node, simulator));
        let list_groups = programs.list_groups.clone();
        let stack = Stack { _processes: processes, control_plane, account, endpoint, list_groups, logs };
        stack.wait_ready()?;
        Ok(stack)
    }

    /// Of processes that run already, and go on when this one ends.
    pub(super) fn of(
        control_plane: ControlPlane,
        endpoint: String,
        programs: &Programs,
        logs: &Path,
    ) -> anyhow::Result<Self> {
        let stack = Stack {
            _processes: None,
            control_plane,
            account: Account::default(),
            endpoint,
            list_groups: programs.list_groups.clone(),
            logs: logs.to_path_buf(),
        };
        stack.wait_ready()?;
        Ok(stack)
    }

    fn wait_ready(&self) -> anyhow::Result<()> {
        let is_ready = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        wait_until_seen("the node is Ready", READY, || {
            match self.control_plane.kubectl_ok(&["get", "node", NODE, "-o", is_ready]) {
                Ok(status) if status == "True" => Ok(()),
                Ok(status) => Err(format!("Ready={status}")),
                Err(error) => Err(error.to_string()),
            }
        })?;
        Ok(())
    }

    /// Shows a kubectl command line and runs it, in the root of the repository.
    pub(super) fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<()> {
        println!("$ kubectl {}", arguments.join(" "));
        let mut command = self.control_plane.kubectl(arguments);
        command.current_dir(root()).stdin(Stdio::null());
        run(command)
    }

    /// Makes a namespace and waits until pods can be created there.
    pub(super) fn make_namespace(&self, name: &str) -> anyhow::Result<()> {
        self.kubectl(&["create", "namespace", name])?;
        wait_until_seen("the namespace has its service account", READY, || {
            self.control_plane.kubectl_ok(&["get", "serviceaccount", "default", "--namespace", name])
        })?;
        Ok(())
    }

    /// Every container group of the account by a signed DescribeContainerGroups, one a line.
    pub(super) fn groups(&self) -> anyhow::Result<String> {
        let mut command = Command::new(&self.list_groups);
        command.env_clear().args([&self.account.region, &self.endpoint]);
        command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", &self.account.access_key_id);
        command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", &self.account.access_key_secret);
        output_of(command)
    }

    /// Shows the ends of the logs, after something went wrong.
    pub(super) fn print_logs(&self) {
        for name in ["eci-sim.log", "virtual-node.log"] {
            let log = fs::read_to_string(self.logs.join(name)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
            eprintln!("--- end of {name}\n{}", tail.join("\n"));
        }
    }
}

/// Starts a control plane and says how long that took.
pub(super) fn control_plane(
    start: impl FnOnce() -> Result<ControlPlane, vk_testkit::Error>,
) -> anyhow::Result<ControlPlane> {
    step("starting the control plane");
    let watch = Stopwatch::start();
    let started = start()?;
    let seconds = watch.elapsed().as_secs_f32();
    println!("Kubernetes {} at {}, ready after {seconds:.1} s", started.version(), started.server());
    Ok(started)
}

/// The command line of the virtual node, with its own service account and rights.
pub(super) fn virtual_node(
    control_plane: &ControlPlane,
    account: &Account,
    endpoint: &str,
    program: Command,
) -> anyhow::Result<Command> {
    let kubeconfig = grant_rights(control_plane).context("could not give the virtual node its rights")?;
    let mut command = account.virtual_node(program, NODE);
    command.env("KUBECONFIG", kubeconfig).env("ECI_ENDPOINT", endpoint);
    // Containers here are played by the simulator, so nobody dials it.
    command.env("ECI_APISERVER_ENDPOINT", api_server(control_plane)?);
    Ok(command)
}

fn api_server(control_plane: &ControlPlane) -> anyhow::Result<&str> {
    let Some(address) = control_plane.server().strip_prefix("https://") else {
        bail!("the API server's address {} is not HTTPS", control_plane.server());
    };
    Ok(address)
}
