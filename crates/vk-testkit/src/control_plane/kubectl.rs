//! Talks to a control plane with its own kubectl, and makes kubeconfigs for others than its administrator.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::ControlPlane;
use crate::Error;
use crate::process::guarded;

const TOKEN_LIFETIME: &str = "24h";

impl ControlPlane {
    /// This control plane's kubectl, as administrator. It reads no kubeconfig but this control plane's, and ends
    /// with the thread that starts it; hand it to [`crate::process::Process::spawn`] to outlive that.
    pub fn kubectl(&self, args: &[&str]) -> Command {
        let mut command = guarded(&self.description.kubectl);
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(args);
        command.env_remove("KUBECONFIG").env("KUBERC", "off").env("HOME", &self.dir);
        command
    }

    /// Runs kubectl to its end and returns what it printed.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] with what it complained of.
    pub fn kubectl_ok(&self, args: &[&str]) -> Result<String, Error> {
        self.kubectl_with_input(args, "")
    }

    /// As [`ControlPlane::kubectl_ok`], with `-o json`, parsed.
    ///
    /// # Errors
    ///
    /// As [`ControlPlane::kubectl_ok`], and [`Error::Malformed`].
    pub fn kubectl_json(&self, args: &[&str]) -> Result<Value, Error> {
        let text = self.kubectl_ok(&[args, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).map_err(|source| Error::Malformed {
            what: format!("the answer to `{}`", args.join(" ")),
            source,
        })
    }

    /// Applies manifests.
    ///
    /// # Errors
    ///
    /// As [`ControlPlane::kubectl_ok`].
    pub fn kubectl_apply(&self, yaml: &str) -> Result<String, Error> {
        self.kubectl_with_input(&["apply", "-f", "-"], yaml)
    }

    fn kubectl_with_input(&self, args: &[&str], input: &str) -> Result<String, Error> {
        let name = format!("kubectl {}", args.join(" "));
        let mut command = self.kubectl(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Error::run(&name))?;
        let stdin = child.stdin.take();
        let written = stdin.map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().map_err(Error::run(&name))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Error::Ended { program: name, status: output.status, output: complaint });
        }
        written.map_err(Error::run(&name))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes a kubeconfig for a service account, with a token that is good for a day. The account has to exist.
    ///
    /// # Errors
    ///
    /// As [`ControlPlane::kubectl_ok`].
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf, Error> {
        let duration = format!("--duration={TOKEN_LIFETIME}");
        let token = self.kubectl_ok(&["--namespace", namespace, "create", "token", name, &duration])?;
        let context = "service-account";
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{"name": context, "cluster": {
                "server": self.server(), "certificate-authority": self.pki().join("ca.crt"),
            }}],
            "users": [{"name": context, "user": {"token": token.trim()}}],
            "contexts": [{"name": context, "context": {
                "cluster": context, "user": context, "namespace": namespace,
            }}],
        });
        let path = self.dir.join(format!("{namespace}-{name}.kubeconfig"));
        write_private(&path, &config.to_string()).map_err(Error::file("write", &path))?;
        Ok(path)
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
