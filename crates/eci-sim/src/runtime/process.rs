//! Starts one run of a container: bundle, volumes, process. What becomes of it is followed elsewhere.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Child;
use tokio::sync::{Mutex, OnceCell, watch};
use tokio::time::{sleep, timeout};

use super::Oci;
use super::bundle::{Bundle, in_memory, unmountable, write_group};
use super::command::{marked, run};
use super::driver::Stop;
use super::spec::{ContainerSpec, GroupSpec};
use super::supervision::{Run, asked};
use super::sweep::{limit_memory, mounts_below};
use crate::group::Exit;
use crate::server::Shared;
use crate::state::record::Report;

/// Mounts the image under a layer of the run's own, or copies it where that is not possible. The mount is made in
/// a namespace of its own, so it ends with the run, however that ends.
const START: &str = "mount -t overlay overlay -o \"lowerdir=$1,upperdir=upper,workdir=work\" rootfs 2>/dev/null \
                     || cp -a \"$1/.\" rootfs || exit 125; shift; exec \"$@\"";
const POLL: Duration = Duration::from_millis(5);
/// What is still in the pipes of a process that has ended is read within this time.
pub(super) const DRAIN: Duration = Duration::from_secs(1);
/// How long after a mount that failed the next is tried.
const MOUNT_AGAIN: Duration = Duration::from_secs(2);

/// What is needed to run a container.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) group: GroupSpec,
    pub(super) container: ContainerSpec,
}

/// Where in its group a run takes place.
pub(super) struct Place {
    pub(super) network: Arc<OnceCell<String>>,
    /// Held while the volumes are made.
    pub(super) volumes: Arc<Mutex<()>>,
    pub(super) link: u32,
    pub(super) number: u32,
}

/// Pulls an image and tells the group.
pub(super) async fn pull(oci: &Oci, shared: &Shared, group: &str, name: &str, image: &str) {
    let found = oci.images.pull(image).await.map(|image| image.digest.clone());
    shared.report(group, Report::Pulled { name: name.to_owned(), found });
}

/// Runs a container from its launch to its end, and tells the group about both.
pub(super) async fn run_container(
    oci: &Oci,
    shared: &Shared,
    launch: Launch,
    place: Place,
    mut stop: watch::Receiver<Stop>,
    launched: watch::Sender<Option<String>>,
) {
    let (group, name) = (&launch.group.id, &launch.container.name);
    if let Some(reason) = unmountable(&launch.group, &launch.container) {
        shared.change_group(group, |group, now, _| group.warn(now, "FailedMount", reason));
        // The container goes on waiting, and is tried again.
        let _ = timeout(MOUNT_AGAIN, asked(&mut stop, Stop::Gracefully)).await;
        return;
    }
    let container = container_id(group, name, place.number);
    let directory = oci.group_directory(group).join(format!("run-{}", place.number));
    let started = start(oci, &launch, &place, &container, &directory).await;
    let child = match started {
        Ok(child) => child,
        Err(message) => {
            let exit = Exit { code: 128, signal: 0, reason: "StartError".to_owned(), message };
            shared.report(group, Report::Unstarted { name: name.clone(), exit });
            return clear(oci, &container, &directory).await;
        }
    };
    let Some(id) = shared.report(group, Report::Launched { name: name.clone() }) else {
        // Nobody wants it any longer.
        return clear(oci, &container, &directory).await;
    };
    launched.send_replace(Some(id.clone()));
    limit_memory(&oci.instance, group, launch.group.memory);
    let run = Run { oci, shared, launch: &launch, container, id, directory };
    let key = (group.clone(), name.clone());
    oci.running().insert(key.clone(), run.container.clone());
    run.follow(child, stop).await;
    oci.running().remove(&key);
    clear(oci, &run.container, &run.directory).await;
}

/// Removes what a run leaves.
async fn clear(oci: &Oci, container: &str, directory: &Path) {
    let _ = oci.call(&["delete", "--force", container]).await;
    if let Err(error) = std::fs::remove_dir_all(directory)
        && directory.exists()
    {
        tracing::debug!(%error, "a run's folder could not be removed");
    }
}

/// What the OCI runtime calls a run.
fn container_id(group: &str, name: &str, number: u32) -> String {
    format!("{group}-{name}-{number}")
}

/// Starts the process. An error says why there is none.
async fn start(
    oci: &Oci,
    launch: &Launch,
    place: &Place,
    container: &str,
    directory: &Path,
) -> Result<Child, String> {
    let Launch { group, container: spec } = launch;
    let group_directory = oci.group_directory(&group.id);
    make_volumes(oci, group, &group_directory, place).await?;
    let network = place.network.get_or_try_init(|| oci.network.join(&group.id, place.link, group.address));
    let network = network.await?;
    let image = oci.images.pull(&spec.image).await?;
    let cgroup = oci.cgroup(&group.id, &format!("{}-{}", spec.name, place.number));
    Bundle {
        group,
        container: spec,
        image: &image,
        group_directory: &group_directory,
        directory,
        network,
        cgroup: &cgroup,
    }
    .write()?;
    let mut command = marked(&oci.instance, Path::new("unshare"));
    command.args(["--mount", "--propagation", "private", "--", "/bin/sh", "-c", START, "sh"]);
    command.arg(&image.root).arg(&oci.program).args(oci.arguments());
    command.args(["--log", "runtime.log", "--log-format", "json"]);
    command.args(["run", "--keep", "--pid-file", "pid", "--bundle", ".", container]).current_dir(directory);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let pid_file = directory.join("pid");
    loop {
        let ended = child.try_wait().map_err(|error| error.to_string())?;
        if pid_file.exists() {
            return Ok(child);
        }
        if ended.is_some() {
            return Err(failure(directory, child).await);
        }
        sleep(POLL).await;
    }
}

/// Writes the group's files as they are asked for now: an update changes them.
async fn make_volumes(oci: &Oci, group: &GroupSpec, directory: &Path, place: &Place) -> Result<(), String> {
    let _alone = place.volumes.lock().await;
    write_group(directory, group).map_err(|error| error.to_string())?;
    for (folder, size) in in_memory(directory, group) {
        if mounts_below(&folder).contains(&folder) {
            continue;
        }
        let size = size.map_or(String::new(), |bytes| format!(",size={bytes}"));
        let options = format!("mode=0777{size}");
        let arguments = ["-t".as_ref(), "tmpfs".as_ref(), "-o".as_ref(), options.as_ref(), "tmpfs".as_ref()];
        let arguments = [&arguments[..], &[folder.as_os_str()]].concat();
        run(&oci.instance, Path::new("mount"), &arguments).await?;
    }
    Ok(())
}

/// Why the OCI runtime has started nothing: the last error in its log, or what it wrote.
async fn failure(directory: &Path, mut child: Child) -> String {
    let log = std::fs::read_to_string(directory.join("runtime.log")).unwrap_or_default();
    let entries = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let errors = entries.filter(|entry| entry["level"] == "error");
    let mut messages = errors.filter_map(|entry| entry["msg"].as_str().map(str::to_owned));
    if let Some(message) = messages.next_back() {
        return message;
    }
    let mut text = String::new();
    if let Some(stderr) = child.stderr.as_mut() {
        let _ = timeout(DRAIN, stderr.read_to_string(&mut text)).await;
    }
    text.trim().to_owned()
}
