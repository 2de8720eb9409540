//! Runs the workspace's two programs beside a control plane: the simulated cloud, and a virtual node that uses it.
//!
//! ```text
//!   Simulator ◀── ECI_ENDPOINT ── VirtualNode ── KUBECONFIG of its own service account ──▶ ControlPlane
//! ```
//!
//! The programs are known by their command lines alone, as their users know them. What they get is complete: nothing
//! of the surroundings' environment reaches them.

mod rights;
mod simulator;
mod virtual_node;

use std::process::Command;

pub use rights::grant_rights;
pub use simulator::Simulator;
pub use virtual_node::{Ready, VirtualNode};

/// What a virtual node needs to know of the account it works with; the simulator is started with the same.
#[derive(Debug, Clone)]
pub struct Account {
    pub region: String,
    pub v_switch: String,
    pub security_group: String,
    pub access_key_id: String,
    /// Contains `hush`, as every secret of a test does, so that a log can be searched for it.
    pub access_key_secret: String,
}

impl Default for Account {
    fn default() -> Self {
        Account {
            region: "cn-hangzhou".into(),
            v_switch: "vsw-local1".into(),
            security_group: "sg-local1".into(),
            access_key_id: "local-key".into(),
            access_key_secret: "hush-local-secret".into(),
        }
    }
}

impl Account {
    /// Adds the arguments of a simulator of this account that listens on a free port.
    pub fn simulator(&self, mut command: Command) -> Command {
        only_the_path(&mut command);
        command.args(["--listen", "127.0.0.1:0", "--region", &self.region]);
        command.args(["--v-switch", &self.v_switch, "--security-group", &self.security_group]);
        command.env("ECI_SIM_ACCESS_KEYS", format!("{}:{}", self.access_key_id, self.access_key_secret));
        command
    }

    /// Adds the settings of a virtual node of this account, except where its control plane and its cloud are.
    pub fn virtual_node(&self, mut command: Command, node_name: &str) -> Command {
        only_the_path(&mut command);
        command.arg("run").envs([
            ("ECI_REGION", self.region.as_str()),
            ("ECI_VSWITCH", &self.v_switch),
            ("ECI_SECURITY_GROUP", &self.security_group),
            ("ECI_ACCESS_KEY", &self.access_key_id),
            ("ECI_SECRET_KEY", &self.access_key_secret),
            ("NODE_NAME", node_name),
            ("NODE_IP", "127.0.0.1"),
            ("KUBELET_ADDRESS", "127.0.0.1"),
            ("KUBELET_PORT", "0"),
            ("HTTP_LISTEN", "127.0.0.1:0"),
        ]);
        command
    }
}

/// An ambient `KUBECONFIG` or `ECI_ENDPOINT` must not decide what a test talks to.
fn only_the_path(command: &mut Command) {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_surroundings_reaches_a_program() {
        let account = Account::default();
        for command in
            [account.simulator(Command::new("x")), account.virtual_node(Command::new("x"), "virtual-kubelet")]
        {
            let names: Vec<_> =
                command.get_envs().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
            assert!(names.contains(&"PATH".to_owned()) && !names.contains(&"HOME".to_owned()), "{names:?}");
        }
    }
}
