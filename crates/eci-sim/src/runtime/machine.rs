//! Says what a machine lacks for running containers, with what brings it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::command::is_installed;

/// Programs that must be there, and the Debian packages that have them.
const TOOLS: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("umount", "mount"),
    ("cp", "coreutils"),
    ("tar", "tar"),
];
/// Where control groups are mounted.
pub(super) const CGROUPS: &str = "/sys/fs/cgroup";
/// Controllers without which an OCI runtime starts nothing where each has a hierarchy of its own (cgroups v1).
const CONTROLLERS: &[&str] = &["devices", "memory"];

/// What is missing, in one line.
pub(super) fn check(program: &Path) -> Result<(), String> {
    if !is_installed(program) {
        let package = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
        return Err(format!("{} is missing; install it with: apt-get install {package}", program.display()));
    }
    for (tool, package) in TOOLS {
        if !is_installed(Path::new(tool)) {
            return Err(format!("{tool} is missing; install it with: apt-get install {package}"));
        }
    }
    check_cgroups(Path::new(CGROUPS))
}

/// Control groups have to be there, and it must be possible to make some.
fn check_cgroups(root: &Path) -> Result<(), String> {
    let roots: Vec<PathBuf> = match root.join("cgroup.controllers").is_file() {
        true => vec![root.to_owned()],
        false => CONTROLLERS.iter().map(|controller| root.join(controller)).collect(),
    };
    // Others of this process may be looking too.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    for root in roots {
        let own = root.join(format!("eci-sim-{}-{number}", std::process::id()));
        let made = match root.join("cgroup.procs").is_file() {
            true => {
                fs::create_dir(&own).and_then(|()| fs::remove_dir(&own)).map_err(|error| error.to_string())
            }
            false => Err("nothing is mounted there".to_owned()),
        };
        made.map_err(|reason| {
            format!(
                "control groups cannot be made in {} ({reason}); mount them writable (a container needs --privileged \
                 and --cgroupns=host), or leave --runtime out: scripted containers need none",
                root.display()
            )
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_runtime_is_named_with_the_command_that_installs_it() {
        let problem = check(Path::new("/nowhere/no-such-runtime")).unwrap_err();
        assert!(problem.contains("apt-get install no-such-runtime"), "{problem}");
    }

    #[test]
    fn a_folder_without_control_groups_is_told_with_a_remedy() {
        let problem = check_cgroups(Path::new("/nowhere")).unwrap_err();
        assert!(problem.contains("/nowhere/devices") && problem.contains("--privileged"), "{problem}");
    }
}
