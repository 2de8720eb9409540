//! Starts a real Kubernetes control plane of a test's own, and talks to it with its own kubectl.
//!
//! ```text
//!   ControlPlane ──stdin held open──▶ supervise ──▶ etcd, kube-apiserver,
//!        │        ──control.sock────▶              kube-controller-manager, kube-scheduler
//!        └── kubectl --kubeconfig of this control plane, and no other
//! ```
//!
//! The program is `xtask/control-plane`, see [`build`]. Each control plane has its own folder, keys and ports on the
//! loopback address, so any number run side by side; all of it ends with this process, however that ends. What an
//! ambient `KUBECONFIG` names is never read.

mod kubectl;
mod program;
mod supervisor;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use self::supervisor::{Description, Supervisor};
use crate::Error;

pub use program::{build, cache_dir};

/// The supervisor itself gives a component two minutes.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(150);

/// How a control plane differs from the usual one.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Its folder, missing or empty; a new temporary one when `None`.
    pub dir: Option<PathBuf>,
    /// Further arguments; they win over the built-in ones.
    pub etcd_args: Vec<String>,
    /// As `etcd_args`.
    pub apiserver_args: Vec<String>,
    /// As `etcd_args`, for example `--node-monitor-grace-period=16s`.
    pub controller_manager_args: Vec<String>,
    /// As `etcd_args`.
    pub scheduler_args: Vec<String>,
}

/// A running control plane. Dropping it stops it and removes its folder, unless it was detached or attached to.
/// With `ACK_VN_KEEP` set the folder stays, for its logs.
#[derive(Debug)]
pub struct ControlPlane {
    dir: PathBuf,
    description: Description,
    supervisor: Option<Supervisor>,
}

impl ControlPlane {
    /// Starts one and returns when a pod can be created. Builds the program first if need be, with progress on
    /// standard error.
    ///
    /// # Errors
    ///
    /// As [`build`]; [`Error::Ended`] with the end of the log of the component that did not come up.
    pub fn start(options: Options) -> Result<Self, Error> {
        let program = build(&mut report)?;
        Self::start_program(&program, options)
    }

    /// As [`ControlPlane::start`], with a program from [`build`].
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] with the end of the log of the component that did not come up.
    pub fn start_program(program: &Path, options: Options) -> Result<Self, Error> {
        let dir = match &options.dir {
            Some(dir) => dir.clone(),
            None => temporary_dir()?,
        };
        let keep: &[&str] = if keep_folders() { &[] } else { &["--remove-dir"] };
        Self::launch(program, dir, &options, keep)
    }

    /// Starts one that lives on after this process, in a folder that [`ControlPlane::attach`] finds it by.
    ///
    /// # Errors
    ///
    /// As [`ControlPlane::start_program`].
    pub fn start_detached(program: &Path, dir: &Path, options: &Options) -> Result<Self, Error> {
        let mut started = Self::launch(program, dir.to_path_buf(), options, &["--detach-from-stdin"])?;
        started.supervisor = None;
        Ok(started)
    }

    /// The control plane that runs in a folder, if one does.
    ///
    /// # Errors
    ///
    /// When the folder holds something that can't be understood.
    pub fn attach(dir: &Path) -> Result<Option<Self>, Error> {
        let dir = std::path::absolute(dir).map_err(Error::file("find the folder", dir))?;
        if !dir.join("env.json").exists() {
            return Ok(None);
        }
        let description = Description::read(&dir)?;
        let running = UnixStream::connect(&description.control_socket).is_ok();
        Ok(running.then_some(ControlPlane { dir, description, supervisor: None }))
    }

    /// Removes what a control plane left behind that no longer runs, because the machine was restarted or it failed
    /// to start. Returns whether there was anything; a folder with other things in it is not touched.
    ///
    /// # Errors
    ///
    /// [`Error::Control`] when it does run, [`Error::File`] when the folder can't be removed.
    pub fn discard_remains(dir: &Path) -> Result<bool, Error> {
        if !["pki", "logs", "bin/kubectl"].iter().all(|part| dir.join(part).symlink_metadata().is_ok()) {
            return Ok(false);
        }
        if UnixStream::connect(dir.join("control.sock")).is_ok() {
            let reason = format!("it is running, or just starting, in {}", dir.display());
            return Err(Error::Control { request: "discard".into(), reason });
        }
        fs::remove_dir_all(dir).map_err(Error::file("remove the folder", dir))?;
        Ok(true)
    }

    fn launch(program: &Path, dir: PathBuf, options: &Options, flags: &[&str]) -> Result<Self, Error> {
        let dir = std::path::absolute(&dir).map_err(Error::file("find the folder", &dir))?;
        let arguments = flags.iter().map(|flag| (*flag).to_owned()).chain(options.arguments());
        let mut supervisor = Supervisor::spawn(program, &dir, arguments)?;
        supervisor.wait_ready()?;
        Ok(ControlPlane { description: Description::read(&dir)?, dir, supervisor: Some(supervisor) })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.description.kubeconfig
    }

    /// Such as `https://127.0.0.1:20443`; the same after a restart.
    pub fn server(&self) -> &str {
        &self.description.server
    }

    /// The Kubernetes version, such as `v1.37.2`.
    pub fn version(&self) -> &str {
        &self.description.version
    }

    /// The authority that signs serving and client certificates, PEM.
    ///
    /// # Errors
    ///
    /// When the folder is gone.
    pub fn ca_pem(&self) -> Result<String, Error> {
        let path = self.pki().join("ca.crt");
        fs::read_to_string(&path).map_err(Error::file("read", &path))
    }

    /// The folder of certificates (`NAME.crt`) and keys (`NAME.key`): `ca`, `front-proxy-ca`, `kubelet-client`, …
    pub fn pki(&self) -> &Path {
        &self.description.pki
    }

    /// What [`crate::audit::AuditLog`] reads.
    pub fn audit_log(&self) -> &Path {
        &self.description.audit_log
    }

    /// The folder of the components' logs, `NAME.log`.
    pub fn logs(&self) -> &Path {
        &self.description.logs
    }

    /// The folder that everything of this control plane is in. Tests may put files of their own here.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A folder with this control plane's `kubectl`, for a `PATH`.
    pub fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// The process ids by component, and `supervise`; those of restarted components change.
    ///
    /// # Errors
    ///
    /// When the folder is gone.
    pub fn pids(&self) -> Result<BTreeMap<String, u32>, Error> {
        let Description { mut pids, supervisor_pid, .. } = Description::read(&self.dir)?;
        pids.insert("supervise".into(), supervisor_pid);
        Ok(pids)
    }

    /// Stops the API server and starts it again on the same port; returns when it is ready.
    ///
    /// # Errors
    ///
    /// [`Error::Control`].
    pub fn restart_apiserver(&self) -> Result<(), Error> {
        self.control("restart kube-apiserver")
    }

    /// Stops the API server, letting it end its requests.
    ///
    /// # Errors
    ///
    /// [`Error::Control`].
    pub fn stop_apiserver(&self) -> Result<(), Error> {
        self.control("stop kube-apiserver")
    }

    /// Starts a stopped API server; returns when it is ready.
    ///
    /// # Errors
    ///
    /// [`Error::Control`].
    pub fn start_apiserver(&self) -> Result<(), Error> {
        self.control("start kube-apiserver")
    }

    /// Sends `start`, `stop`, `kill` (at once) or `restart` with the name of a component, and waits until it is done.
    ///
    /// # Errors
    ///
    /// [`Error::Control`] when it could not be done.
    pub fn control(&self, request: &str) -> Result<(), Error> {
        let refused = |reason: String| Error::Control { request: request.to_owned(), reason };
        let answer = self.ask(request).map_err(|error| refused(error.to_string()))?;
        match answer.trim() {
            "ok" => Ok(()),
            "" => Err(refused("the supervisor has ended".into())),
            reason => Err(refused(reason.to_owned())),
        }
    }

    fn ask(&self, request: &str) -> io::Result<String> {
        let mut socket = UnixStream::connect(&self.description.control_socket)?;
        socket.set_read_timeout(Some(CONTROL_TIMEOUT))?;
        socket.write_all(format!("{request}\n").as_bytes())?;
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer)?;
        Ok(answer)
    }

    /// Stops it, removes its folder, and returns when nothing of it is left.
    ///
    /// # Errors
    ///
    /// [`Error::Control`] when it could not be stopped.
    pub fn shutdown(mut self) -> Result<(), Error> {
        self.control("shutdown")?;
        if let Some(supervisor) = &mut self.supervisor {
            supervisor.end();
        }
        self.remove_dir()
    }

    fn remove_dir(&self) -> Result<(), Error> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::file("remove the folder", &self.dir)(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let Some(supervisor) = &mut self.supervisor else { return };
        supervisor.end();
        if keep_folders() {
            report(&format!("kept the control plane's folder {}", self.dir.display()));
        } else if let Err(error) = self.remove_dir() {
            report(&error.to_string());
        }
    }
}

impl Options {
    fn arguments(&self) -> impl Iterator<Item = String> {
        let all = [
            ("etcd", &self.etcd_args),
            ("apiserver", &self.apiserver_args),
            ("kcm", &self.controller_manager_args),
            ("scheduler", &self.scheduler_args),
        ];
        all.into_iter()
            .flat_map(|(name, values)| values.iter().map(move |value| format!("--{name}-arg={value}")))
    }
}

fn keep_folders() -> bool {
    std::env::var_os("ACK_VN_KEEP").is_some_and(|value| !value.is_empty())
}

/// Standard error directly: libtest would hold back what is printed, and a build takes minutes.
fn report(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A new folder that only its owner can look into.
fn temporary_dir() -> Result<PathBuf, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ack-vn-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::file("create the folder", &path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_arguments_go_to_their_component() {
        let options = Options {
            apiserver_args: vec!["--v=4".into()],
            controller_manager_args: vec!["--node-monitor-grace-period=16s".into(), "--v=2".into()],
            ..Options::default()
        };
        let arguments: Vec<String> = options.arguments().collect();
        assert_eq!(
            arguments,
            ["--apiserver-arg=--v=4", "--kcm-arg=--node-monitor-grace-period=16s", "--kcm-arg=--v=2"]
        );
    }

    #[test]
    fn a_folder_without_a_control_plane_has_none_to_attach_to() {
        let dir = temporary_dir().unwrap();
        assert!(ControlPlane::attach(&dir).unwrap().is_none());
        fs::remove_dir(dir).unwrap();
    }

    #[test]
    fn only_remains_of_a_control_plane_are_discarded() {
        let dir = temporary_dir().unwrap();
        for part in ["pki", "logs", "bin"] {
            assert!(!ControlPlane::discard_remains(&dir).unwrap());
            fs::create_dir(dir.join(part)).unwrap();
        }
        assert!(!ControlPlane::discard_remains(&dir).unwrap());
        std::os::unix::fs::symlink("/nonexistent", dir.join("bin/kubectl")).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(dir.join("control.sock")).unwrap();
        assert!(ControlPlane::discard_remains(&dir).is_err(), "something answers there");
        drop(socket);
        assert!(ControlPlane::discard_remains(&dir).unwrap());
        assert!(!dir.exists());
    }

    #[test]
    fn temporary_folders_are_private_and_distinct() {
        use std::os::unix::fs::PermissionsExt;
        let dirs = [temporary_dir().unwrap(), temporary_dir().unwrap()];
        assert_ne!(dirs[0], dirs[1]);
        for dir in dirs {
            assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
            fs::remove_dir(dir).unwrap();
        }
    }
}
