//! Writes what an OCI runtime is started with: a folder with `config.json`, and the files that it mounts.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::image::Image;
use super::spec::{ContainerSpec, Content, GroupSpec, Mount, Volume};

/// What a container may do unless it asks for more.
const CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
const MORE_OF_THE_PRIVILEGED: &[&str] = &[
    "NET_ADMIN",
    "SYS_ADMIN",
    "SYS_PTRACE",
    "SYS_RESOURCE",
    "SYS_NICE",
    "SYS_TIME",
    "IPC_LOCK",
    "AUDIT_CONTROL",
];
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const MASKED: &[&str] = &[
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/sys/firmware",
];
const READ_ONLY: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Writes the group's volumes and the files that all its containers see.
pub(super) fn write_group(directory: &Path, group: &GroupSpec) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("hosts"), &group.hosts)?;
    fs::write(directory.join("resolv.conf"), &group.resolv_conf)?;
    fs::write(directory.join("hostname"), format!("{}\n", group.host_name))?;
    for volume in &group.volumes {
        let folder = directory.join("volumes").join(plain(&volume.name)?);
        match &volume.content {
            Content::Unknown(_) => {}
            Content::Empty | Content::Memory(_) if folder.is_dir() => {}
            Content::Empty | Content::Memory(_) => {
                fs::create_dir_all(&folder)?;
                fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
            }
            Content::Files(files) => {
                fs::create_dir_all(&folder)?;
                for (path, content, mode) in files {
                    let path = folder.join(plain(path)?);
                    fs::create_dir_all(path.parent().unwrap_or(&folder))?;
                    if fs::read(&path).ok().as_deref() == Some(content.as_slice()) {
                        // Others may be reading it.
                        continue;
                    }
                    fs::write(&path, content)?;
                    fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
                }
            }
        }
    }
    Ok(())
}

/// Empties the volumes that a restart of the group leaves nothing in.
pub(super) fn empty_volumes(directory: &Path, group: &GroupSpec) -> io::Result<()> {
    for volume in &group.volumes {
        let folder = directory.join("volumes").join(plain(&volume.name)?);
        if !matches!(volume.content, Content::Empty | Content::Memory(_)) || !folder.is_dir() {
            continue;
        }
        for inside in fs::read_dir(&folder)? {
            let inside = inside?;
            let is_folder = inside.file_type()?.is_dir();
            if is_folder { fs::remove_dir_all(inside.path())? } else { fs::remove_file(inside.path())? }
        }
    }
    Ok(())
}

/// The volumes in memory: the folder of each, and its size where it has one.
pub(super) fn in_memory(directory: &Path, group: &GroupSpec) -> Vec<(PathBuf, Option<u64>)> {
    let folder = |volume: &Volume| match volume.content {
        Content::Memory(size) => Some((directory.join("volumes").join(&volume.name), size)),
        _ => None,
    };
    group.volumes.iter().filter_map(folder).collect()
}

/// Why a container's volumes cannot be mounted, if one cannot.
pub(super) fn unmountable(group: &GroupSpec, container: &ContainerSpec) -> Option<String> {
    container.mounts.iter().find_map(|mount| {
        let volume = group.volumes.iter().find(|volume| volume.name == mount.volume)?;
        let Content::Unknown(kind) = &volume.content else { return None };
        let name = &volume.name;
        Some(format!("MountVolume.SetUp failed for volume \"{name}\" : a {kind} is there only in the cloud"))
    })
}

/// A path of a request that stays where it is joined to.
fn plain(text: &str) -> io::Result<&Path> {
    let path = Path::new(text.trim_start_matches('/'));
    let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if stays { Ok(path) } else { Err(io::Error::other(format!("the path {text:?} leaves its folder"))) }
}

/// Everything `config.json` is made of.
pub(super) struct Bundle<'a> {
    pub(super) group: &'a GroupSpec,
    pub(super) container: &'a ContainerSpec,
    pub(super) image: &'a Image,
    pub(super) group_directory: &'a Path,
    pub(super) directory: &'a Path,
    pub(super) network: &'a str,
    pub(super) cgroup: &'a str,
}

impl Bundle<'_> {
    /// Writes the folder of one run.
    pub(super) fn write(&self) -> Result<(), String> {
        let written = || -> io::Result<()> {
            for folder in ["rootfs", "upper", "work"] {
                fs::create_dir_all(self.directory.join(folder))?;
            }
            fs::write(self.directory.join("termination"), "")?;
            fs::set_permissions(self.directory.join("termination"), fs::Permissions::from_mode(0o666))
        };
        written().map_err(|error| error.to_string())?;
        let config = self.config()?;
        fs::write(self.directory.join("config.json"), config.to_string()).map_err(|error| error.to_string())
    }

    fn config(&self) -> Result<Value, String> {
        let Self { group, container, .. } = self;
        let mut linux = json!({
            "cgroupsPath": self.cgroup,
            "namespaces": [
                {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
                {"type": "network", "path": self.network},
            ],
            "resources": self.resources(),
            "sysctl": group.sysctls,
        });
        if !container.is_privileged {
            linux["maskedPaths"] = json!(MASKED);
            linux["readonlyPaths"] = json!(READ_ONLY);
        }
        Ok(json!({
            "ociVersion": "1.0.2",
            "hostname": group.host_name,
            "root": {"path": "rootfs", "readonly": container.root_is_read_only},
            "process": self.process()?,
            "mounts": self.mounts()?,
            "linux": linux,
        }))
    }

    fn process(&self) -> Result<Value, String> {
        let Self { container, image, .. } = self;
        let arguments = command(container, image);
        if arguments.is_empty() {
            return Err("no command specified".to_owned());
        }
        let (user, user_group) = self.user()?;
        if container.must_not_be_root && user == 0 {
            return Err("container has runAsNonRoot and image will run as root".to_owned());
        }
        let directory = [container.directory.as_str(), image.config.working_dir.as_str(), "/"];
        let more = if container.is_privileged { MORE_OF_THE_PRIVILEGED } else { &[] };
        let names = CAPABILITIES.iter().chain(more).copied();
        let all = names.chain(container.capabilities.iter().map(String::as_str));
        let all: std::collections::BTreeSet<String> = all.map(|name| format!("CAP_{name}")).collect();
        let held = if user == 0 { json!(all) } else { json!([]) };
        Ok(json!({
            "terminal": false,
            "user": {"uid": user, "gid": user_group},
            "args": arguments,
            "env": self.environment(),
            "cwd": directory.into_iter().find(|path| !path.is_empty()),
            "capabilities": {"bounding": all, "effective": held, "permitted": held},
        }))
    }

    fn environment(&self) -> Vec<String> {
        let of_image = self.image.config.env.clone().unwrap_or_default();
        let variables = &self.container.variables;
        let is_own =
            |pair: &String| pair.split_once('=').is_some_and(|(name, _)| variables.contains_key(name));
        let mut all: Vec<String> = of_image.into_iter().filter(|pair| !is_own(pair)).collect();
        if !all.iter().any(|pair| pair.starts_with("PATH=")) && !variables.contains_key("PATH") {
            all.push(PATH.to_owned());
        }
        all.extend(variables.iter().map(|(name, value)| format!("{name}={value}")));
        all
    }

    /// The user and group ids: the request's, else those the image names.
    fn user(&self) -> Result<(u32, u32), String> {
        let text = self.image.config.user.as_str();
        let (name, group) = text.split_once(':').map_or((text, None), |(name, group)| (name, Some(group)));
        let (image_user, image_group) = if name.is_empty() { (0, 0) } else { self.look_up("passwd", name)? };
        let user = self.container.user.unwrap_or(image_user);
        let of_image = match group {
            Some(group) => self.look_up("group", group)?.0,
            None => image_group,
        };
        Ok((user, self.container.user_group.unwrap_or(of_image)))
    }

    /// A name's number in the image's `passwd` or `group`, and the number after it (a user's group).
    fn look_up(&self, file: &str, name: &str) -> Result<(u32, u32), String> {
        let text = fs::read_to_string(self.image.root.join("etc").join(file)).unwrap_or_default();
        let lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let number =
            |fields: &[&str], at: usize| fields.get(at).and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut found = lines.filter(|fields| fields.len() > 3 || (file == "group" && fields.len() > 2));
        let found = found.find(|fields| fields[0] == name || fields[2] == name);
        match (found, name.parse()) {
            (Some(fields), _) => Ok((number(&fields, 2), number(&fields, 3))),
            (None, Ok(id)) => Ok((id, 0)),
            (None, Err(_)) => Err(format!("unable to find user {name}: no matching entries in {file} file")),
        }
    }

    fn resources(&self) -> Value {
        let mut resources = json!({"devices": [{"allow": self.container.is_privileged, "access": "rwm"}]});
        if let Some(bytes) = self.container.memory {
            resources["memory"] = json!({"limit": bytes, "swap": bytes});
        }
        if let Some(cores) = self.container.cpu {
            resources["cpu"] = json!({"shares": (cores * 1024.0).max(2.0).round(), "period": 100_000,
                "quota": (cores * 100_000.0).max(1000.0).round()});
            for name in ["shares", "quota"] {
                // Numbers in this file are whole.
                let whole = resources["cpu"][name].as_f64().map(|number| format!("{number:.0}"));
                resources["cpu"][name] = json!(whole.and_then(|text| text.parse::<i64>().ok()));
            }
        }
        resources
    }

    fn mounts(&self) -> Result<Vec<Value>, String> {
        let special = |path: &str, kind: &str, options: &[&str]| json!({"destination": path, "type": kind, "source": kind, "options": options});
        let bind = |path: &str, source: PathBuf, access: &str| json!({"destination": path, "type": "bind", "source": source, "options": ["rbind", access]});
        let sys_access = if self.container.is_privileged { "rw" } else { "ro" };
        let mut mounts = vec![
            special("/proc", "proc", &[]),
            special("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            special("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            special("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            special("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            special("/sys", "sysfs", &["nosuid", "noexec", "nodev", sys_access]),
            bind("/etc/hosts", self.group_directory.join("hosts"), "rw"),
            bind("/etc/hostname", self.group_directory.join("hostname"), "rw"),
            bind("/etc/resolv.conf", self.group_directory.join("resolv.conf"), "rw"),
            bind(&self.container.termination_message_path, self.directory.join("termination"), "rw"),
        ];
        for mount in &self.container.mounts {
            let (source, is_read_only) = self.source(mount)?;
            mounts.push(bind(&mount.path, source, if is_read_only { "ro" } else { "rw" }));
        }
        Ok(mounts)
    }

    /// What is mounted, and whether nobody may write to it.
    fn source(&self, mount: &Mount) -> Result<(PathBuf, bool), String> {
        let volume = self.group.volumes.iter().find(|volume| volume.name == mount.volume);
        let volume = volume.ok_or_else(|| format!("there is no volume {:?}", mount.volume))?;
        if let Content::Unknown(kind) = &volume.content {
            return Err(format!("volume {:?}: a {kind} is there only in the cloud", mount.volume));
        }
        let folder = self.group_directory.join("volumes").join(&volume.name);
        let source = folder.join(plain(&mount.sub_path).map_err(|error| error.to_string())?);
        if !source.exists() {
            fs::create_dir_all(&source).map_err(|error| format!("volume {:?}: {error}", mount.volume))?;
        }
        // A container may have put a link where the mounted part should be.
        let real = source.canonicalize().map_err(|error| format!("volume {:?}: {error}", mount.volume))?;
        let folder = folder.canonicalize().map_err(|error| format!("volume {:?}: {error}", mount.volume))?;
        if !real.starts_with(&folder) {
            return Err(format!("volume {:?}: the sub path leaves it", mount.volume));
        }
        Ok((real, mount.is_read_only || matches!(volume.content, Content::Files(_))))
    }
}

/// The request's command replaces the image's entry point and arguments, its arguments only the latter.
fn command(container: &ContainerSpec, image: &Image) -> Vec<String> {
    let of_image = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let (entry, arguments) = match (container.command.is_empty(), container.arguments.is_empty()) {
        (false, _) => (container.command.clone(), container.arguments.clone()),
        (true, false) => (of_image(&image.config.entrypoint), container.arguments.clone()),
        (true, true) => (of_image(&image.config.entrypoint), of_image(&image.config.cmd)),
    };
    entry.into_iter().chain(arguments).collect()
}
