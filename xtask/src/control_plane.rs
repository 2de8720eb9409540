//! `cargo xtask control-plane`: a real control plane on this machine, to try things on.
//!
//! ```text
//!   up, env, down   one that lives on, found again by its name (or its folder)
//!   run             one that lives as long as a command
//!   build           only the program, for later
//! ```
//!
//! Nothing here reads `KUBECONFIG` or touches the cluster it may name: `up` and `env` print what to set, `run` sets
//! it for its command alone.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use vk_testkit::control_plane::{ControlPlane, Options, build, cache_dir};
use vk_testkit::process::guarded;
use vk_testkit::wait::{Stopwatch, wait_until};

/// What a command gets to end by itself after Ctrl-C, and again after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, Subcommand)]
pub(crate) enum ControlPlaneCommand {
    /// Start one that lives on after this command, and return when pods can be created.
    ///
    /// The first start builds the program (about six minutes on two cores, 0.8 GB of Go modules), later ones take
    /// seconds. Where it already runs nothing changes. It listens on the loopback address only.
    Up {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        extra: Extra,
    },
    /// Stop one that `up` started, and remove everything it stored.
    Down {
        #[command(flatten)]
        place: Place,
    },
    /// Print what a shell has to set to use it: eval "$(cargo xtask control-plane env)".
    Env {
        #[command(flatten)]
        place: Place,
    },
    /// Run a command against a new one that ends with the command.
    ///
    /// The command finds it by KUBECONFIG, and its kubectl first on the PATH. The exit code is the command's.
    Run {
        #[command(flatten)]
        extra: Extra,
        /// The command and its arguments, after `--`.
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Build the program and print its path; does nothing when it is built.
    Build,
}

/// Which one: several can run side by side.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Its name: lower-case letters, digits and hyphens.
    #[arg(long, default_value = "default", value_parser = valid_name)]
    name: String,
    /// The folder to keep it in, missing or empty, instead of one in the cache folder.
    #[arg(long, conflicts_with = "name")]
    dir: Option<PathBuf>,
}

/// Further arguments of the components; each may be repeated and wins over the built-in ones.
#[derive(Debug, Args)]
pub(crate) struct Extra {
    /// A further argument of etcd.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    etcd_arg: Vec<String>,
    /// A further argument of kube-apiserver.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    apiserver_arg: Vec<String>,
    /// A further argument of kube-controller-manager, such as --node-monitor-grace-period=16s.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    kcm_arg: Vec<String>,
    /// A further argument of kube-scheduler.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    scheduler_arg: Vec<String>,
}

pub(crate) fn run(command: ControlPlaneCommand) -> anyhow::Result<ExitCode> {
    match command {
        ControlPlaneCommand::Up { place, extra } => up(&place, extra)?,
        ControlPlaneCommand::Down { place } => down(&place)?,
        ControlPlaneCommand::Env { place } => env(&place)?,
        ControlPlaneCommand::Run { extra, command } => return run_beside(extra, &command),
        ControlPlaneCommand::Build => println!("{}", build(&mut progress)?.display()),
    }
    Ok(ExitCode::SUCCESS)
}

fn up(place: &Place, extra: Extra) -> anyhow::Result<()> {
    let dir = place.dir()?;
    if let Some(running) = ControlPlane::attach(&dir)? {
        println!("control plane {} already runs at {}", running.version(), running.server());
        print_hint(place);
        return Ok(());
    }
    if ControlPlane::discard_remains(&dir)? {
        progress(&format!("removed what a stopped control plane had left in {}", dir.display()));
    }
    let program = build(&mut progress)?;
    let watch = Stopwatch::start();
    let started = ControlPlane::start_detached(&program, &dir, &extra.into_options())?;
    let seconds = watch.elapsed().as_secs_f32();
    println!("control plane {} is ready at {} after {seconds:.1} s", started.version(), started.server());
    print_hint(place);
    Ok(())
}

fn down(place: &Place) -> anyhow::Result<()> {
    let dir = place.dir()?;
    if let Some(running) = ControlPlane::attach(&dir)? {
        let server = running.server().to_owned();
        running.shutdown()?;
        println!("stopped the control plane at {server}");
    } else if ControlPlane::discard_remains(&dir)? {
        println!("no control plane was running; removed what one had left in {}", dir.display());
    } else {
        println!("no control plane was running in {}", dir.display());
    }
    Ok(())
}

fn env(place: &Place) -> anyhow::Result<()> {
    let dir = place.dir()?;
    let Some(running) = ControlPlane::attach(&dir)? else {
        bail!("no control plane runs in {}; start one with: {}", dir.display(), place.command("up"));
    };
    println!("export KUBECONFIG={}", quoted(running.kubeconfig()));
    println!("export PATH={}:\"$PATH\"", quoted(&running.bin()));
    Ok(())
}

fn print_hint(place: &Place) {
    println!("use it:  eval \"$({})\"  and then kubectl", place.command("env"));
    println!("stop it: {}", place.command("down"));
}

/// Runs a command beside a control plane of its own.
///
/// Up to the point where the command runs, Ctrl-C simply ends this process, and everything it has started ends with
/// it. From then on the command has the first word, so that it can clean up in a cluster that is still there.
fn run_beside(extra: Extra, command: &[OsString]) -> anyhow::Result<ExitCode> {
    let program = build(&mut progress)?;
    let cluster = ControlPlane::start_program(&program, extra.into_options())?;
    let mut signals =
        Signals::new([SIGCHLD, SIGINT, SIGTERM, SIGHUP]).context("could not listen for signals")?;
    let mut child = beside(&cluster, command)?.spawn().context("could not run the command")?;
    let status = wait_for(&mut child, &mut signals)?;
    Ok(exit_code(status))
}

fn beside(cluster: &ControlPlane, command: &[OsString]) -> anyhow::Result<Command> {
    let (program, arguments) = command.split_first().context("no command was given")?;
    let ambient = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([cluster.bin()].into_iter().chain(std::env::split_paths(&ambient)))?;
    let mut command = guarded(program);
    command.args(arguments).env("KUBECONFIG", cluster.kubeconfig()).env("PATH", path);
    Ok(command)
}

/// Waits for the end of the command, and brings it about when this process is asked to end.
fn wait_for(child: &mut Child, signals: &mut Signals) -> anyhow::Result<ExitStatus> {
    // The child may have ended before anyone listened.
    let mut ended = child.try_wait()?;
    while ended.is_none() {
        let asked: Vec<i32> = signals.wait().filter(|&signal| signal != SIGCHLD).collect();
        ended = if asked.is_empty() { child.try_wait()? } else { Some(end(child, &asked)?) };
    }
    ended.context("the command has no exit status")
}

/// Ctrl-C in a terminal has reached the command as well, which gets time to react to it. Any other signal has reached
/// this process alone and is passed on.
fn end(child: &mut Child, asked: &[i32]) -> anyhow::Result<ExitStatus> {
    if asked == [SIGINT]
        && let Ok(status) = wait_until("the command ends", GRACE, || child.try_wait().transpose())
    {
        return Ok(status?);
    }
    Command::new("kill").arg(child.id().to_string()).status().context("could not run `kill`")?;
    if let Ok(status) = wait_until("the command ends", GRACE, || child.try_wait().transpose()) {
        return Ok(status?);
    }
    child.kill()?;
    Ok(child.wait()?)
}

/// As a shell would report it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn progress(text: &str) {
    eprintln!("{text}");
}

fn valid_name(name: &str) -> Result<String, String> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= 30 && name.chars().all(valid) {
        return Ok(name.to_owned());
    }
    Err("a name is 1 to 30 lower-case letters, digits and hyphens".into())
}

/// For a POSIX shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

impl Place {
    fn dir(&self) -> anyhow::Result<PathBuf> {
        match &self.dir {
            Some(dir) => Ok(std::path::absolute(dir)?),
            None => Ok(cache_dir()?.join("control-planes").join(&self.name)),
        }
    }

    /// The command line of another subcommand for the same control plane.
    fn command(&self, subcommand: &str) -> String {
        let place = match &self.dir {
            Some(dir) => format!(" --dir {}", quoted(dir)),
            None if self.name == "default" => String::new(),
            None => format!(" --name {}", self.name),
        };
        format!("cargo xtask control-plane {subcommand}{place}")
    }
}

impl Extra {
    fn into_options(self) -> Options {
        let Extra { etcd_arg, apiserver_arg, kcm_arg, scheduler_arg } = self;
        Options {
            dir: None,
            etcd_args: etcd_arg,
            apiserver_args: apiserver_arg,
            controller_manager_args: kcm_arg,
            scheduler_args: scheduler_arg,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: ControlPlaneCommand,
    }

    fn parse(line: &[&str]) -> Result<ControlPlaneCommand, clap::Error> {
        Line::try_parse_from([&["x"], line].concat()).map(|line| line.command)
    }

    #[test]
    fn the_command_after_the_dashes_keeps_its_own_flags() {
        let parsed = parse(&["run", "--kcm-arg=--v=4", "--", "kubectl", "get", "--help"]).unwrap();
        let ControlPlaneCommand::Run { extra, command } = parsed else { panic!("{parsed:?}") };
        assert_eq!(extra.kcm_arg, ["--v=4"]);
        assert_eq!(command, ["kubectl", "get", "--help"]);
    }

    #[test]
    fn a_name_can_not_lead_out_of_the_cache_folder() {
        assert!(parse(&["up", "--name", "other-1"]).is_ok());
        for name in ["..", "a/b", "", "UP"] {
            assert!(parse(&["up", "--name", name]).is_err(), "{name}");
        }
    }

    #[test]
    fn the_hints_name_the_same_control_plane() {
        let command = |line: &[&str]| match parse(line).unwrap() {
            ControlPlaneCommand::Down { place } => place.command("env"),
            other => panic!("{other:?}"),
        };
        assert_eq!(command(&["down"]), "cargo xtask control-plane env");
        assert_eq!(command(&["down", "--name", "b"]), "cargo xtask control-plane env --name b");
        assert_eq!(command(&["down", "--dir", "it's"]), r"cargo xtask control-plane env --dir 'it'\''s'");
    }

    #[test]
    fn the_exit_code_is_the_commands_or_tells_its_signal() {
        assert_eq!(exit_code(ExitStatus::from_raw(3 << 8)), ExitCode::from(3));
        assert_eq!(exit_code(ExitStatus::from_raw(15)), ExitCode::from(143));
    }
}
