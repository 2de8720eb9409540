//! Removes everything that an instance made: at its end, or at the next start when it was killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{MARK, ip, run};
use super::machine::CGROUPS;
use super::network::{bridge, namespace};

/// What names of namespaces and control groups begin with, before the instance's id.
pub(super) const PREFIX: &str = "eci-sim-";
/// A killed process is gone long before this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Clears away dead instances, then takes a place beside the living. Returns the lock that says "alive".
pub(super) async fn enter(directory: &Path, instance: &str) -> Result<File, String> {
    let at = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(directory).map_err(|error| at(directory, error))?;
    // One start at a time, lest one takes the other's folder, not yet locked, for a dead one's.
    let gate = File::create(directory.join("lock")).map_err(|error| at(directory, error))?;
    gate.lock().map_err(|error| at(directory, error))?;
    for dead in dead(directory) {
        tracing::info!(instance = dead, "sweeping what a killed simulator left");
        clear(directory, &dead).await;
    }
    let own = directory.join(instance);
    fs::create_dir_all(&own).map_err(|error| at(&own, error))?;
    let lock = File::create(own.join("lock")).map_err(|error| at(&own, error))?;
    lock.try_lock().map_err(|_| format!("{}: another simulator has the id {instance}", own.display()))?;
    Ok(lock)
}

/// Instances whose lock nobody holds.
fn dead(directory: &Path) -> Vec<String> {
    let folders = fs::read_dir(directory).into_iter().flatten().flatten();
    folders
        .filter(|folder| folder.path().is_dir())
        .filter(|folder| match File::open(folder.path().join("lock")) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(_) => true,
        })
        .filter_map(|folder| folder.file_name().into_string().ok())
        .filter(|name| name.len() == 6 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect()
}

/// Removes everything that carries the instance's id. What cannot be removed is left, and logged.
pub(super) async fn clear(directory: &Path, instance: &str) {
    let own = directory.join(instance);
    kill_all(instance).await;
    let spaces = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let prefix = namespace(instance, "");
    for space in spaces.filter_map(|space| space.file_name().into_string().ok()) {
        if space.starts_with(&prefix) {
            let _ = ip(instance, &format!("netns del {space}")).await;
        }
    }
    let links = ip(instance, "-o link show type veth").await.unwrap_or_default();
    for link in links_of(&links, &format!("ec{instance}")) {
        let _ = ip(instance, &format!("link del {link}")).await;
    }
    let _ = ip(instance, &format!("link del {}", bridge(instance))).await;
    unmount_below(instance, &own).await;
    for cgroup in cgroups(instance) {
        remove_cgroup(&cgroup);
    }
    if let Err(error) = fs::remove_dir_all(&own)
        && own.exists()
    {
        tracing::warn!(%error, directory = %own.display(), "could not be removed");
    }
}

/// Takes away every mount below a folder.
pub(super) async fn unmount_below(instance: &str, folder: &Path) {
    for mount in mounts_below(folder) {
        let _ = run(instance, Path::new("umount"), &["--lazy".as_ref(), mount.as_os_str()]).await;
    }
}

/// Kills until nothing of the instance runs: its containers by their control groups, its helpers by their mark.
async fn kill_all(instance: &str) {
    let killing = async {
        loop {
            let processes = processes(instance);
            if processes.is_empty() {
                return;
            }
            for process in processes {
                let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
                if let Some(process) = process {
                    let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, killing).await.is_err() {
        tracing::warn!(instance, "some of its processes do not end");
    }
}

fn processes(instance: &str) -> Vec<u32> {
    let mut found: Vec<u32> = cgroups(instance).iter().flat_map(|cgroup| members(cgroup)).collect();
    let mark = format!("{MARK}={instance}");
    for folder in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = folder.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let environment = fs::read(folder.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            found.push(process);
        }
    }
    found
}

/// The instance's control group below each controller; with cgroups v2 there is one.
fn cgroups(instance: &str) -> Vec<PathBuf> {
    let name = format!("{PREFIX}{instance}");
    let controllers = fs::read_dir(CGROUPS).into_iter().flatten().flatten().map(|entry| entry.path());
    let roots = controllers.chain([PathBuf::from(CGROUPS)]);
    roots.map(|root| root.join(&name)).filter(|path| path.is_dir()).collect()
}

fn members(cgroup: &Path) -> Vec<u32> {
    let own = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
    let own = own.lines().filter_map(|line| line.parse().ok()).collect::<Vec<u32>>();
    children(cgroup).iter().flat_map(|child| members(child)).chain(own).collect()
}

pub(super) fn remove_cgroup(cgroup: &Path) {
    children(cgroup).iter().for_each(|child| remove_cgroup(child));
    // The files inside are the kernel's; the folder goes when no process is in it.
    let _ = fs::remove_dir(cgroup);
}

/// Limits the memory of a group, whose control groups are there once one of its containers is.
pub(super) fn limit_memory(instance: &str, group: &str, bytes: u64) {
    for cgroup in cgroups(instance).iter().map(|cgroup| cgroup.join(group)) {
        // Those of cgroups v2, then of v1; swap would let a group have more.
        let limits = [
            ("memory.max", bytes),
            ("memory.swap.max", 0),
            ("memory.limit_in_bytes", bytes),
            ("memory.memsw.limit_in_bytes", bytes),
        ];
        for (file, limit) in limits {
            let path = cgroup.join(file);
            if path.exists()
                && let Err(error) = fs::write(&path, limit.to_string())
            {
                tracing::debug!(%error, path = %path.display(), "a limit could not be set");
            }
        }
    }
}

/// Removes the control groups of one group of containers.
pub(super) fn remove_cgroups(instance: &str, group: &str) {
    cgroups(instance).iter().for_each(|cgroup| remove_cgroup(&cgroup.join(group)));
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Names in `ip -o link`: `7: ec12ab340@if2: <BROADCAST…`.
fn links_of(text: &str, prefix: &str) -> Vec<String> {
    let name = |line: &str| line.split(": ").nth(1)?.split('@').next().map(str::to_owned);
    text.lines().filter_map(name).filter(|name| name.starts_with(prefix)).collect()
}

pub(super) fn mounts_below(directory: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = text.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    points.filter(|point| point.starts_with(directory)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_of_the_instance_are_found() {
        let text = "7: ec12ab340@if2: <BROADCAST> mtu\n8: eth0: <UP> mtu\n9: ec99ab341@if2: <UP>";
        assert_eq!(links_of(text, "ec12ab34"), ["ec12ab340"]);
    }
}
