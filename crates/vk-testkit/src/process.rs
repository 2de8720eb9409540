//! Runs programs of ours beside a test, and makes sure that none outlives it.
//!
//! A guarded program is killed by the kernel when this process ends, whatever ends it: a panic, Ctrl-C or `kill -9`.
//! The kernel ties that to the *thread* that started the program, so all of them are started by one thread that
//! lives as long as this process: a test's thread, or one of a runtime's pool, may end long before.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use crate::Error;
use crate::wait::wait_until_seen;

/// What is shown of a log when its program failed.
const TAIL_LINES: usize = 30;
/// A killed process is gone within this time unless the machine stands still.
const KILL_GRACE: Duration = Duration::from_secs(30);

/// A command that is killed together with the thread that starts it. Arguments and environment are added as usual.
pub fn guarded(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// A running program, killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where this run begins in a log that earlier runs have written to.
    log_start: u64,
}

impl Process {
    /// Starts a command made by [`guarded`], with no input, and its output appended to `log`.
    ///
    /// # Errors
    ///
    /// When the log can't be written or `setpriv` can't be run. A program that does not exist is found out by
    /// [`Process::wait_for_line`].
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self, Error> {
        let mut output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::file("write the log", log))?;
        let log_start = output.seek(SeekFrom::End(0)).map_err(Error::file("read the log", log))?;
        let errors = output.try_clone().map_err(Error::file("write the log", log))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = spawn(command).map_err(|source| explain(name, source))?;
        Ok(Process { name: name.to_owned(), child, log: log.to_path_buf(), log_start })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What this run has printed up to now.
    pub fn output(&self) -> String {
        read_from(&self.log, self.log_start).unwrap_or_default()
    }

    /// Waits until a complete line of the output starts with `prefix`, and returns what follows the prefix.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] when the program ends first, [`Error::TimedOut`]; both show the end of the output.
    pub fn wait_for_line(&mut self, prefix: &str, timeout: Duration) -> Result<String, Error> {
        let what = format!("\"{}\" prints \"{prefix}\"", self.name);
        wait_until_seen(&what, timeout, || {
            // The order matters: a program may print the line and end.
            let ended = self.child.try_wait().map_err(Error::run(&self.name));
            let output = self.output();
            if let Some(rest) = line_after(&output, prefix) {
                return Ok(Ok(rest.to_owned()));
            }
            match ended {
                Ok(None) => Err(tail(&output)),
                Ok(Some(status)) => Ok(Err(self.ended(status, &output))),
                Err(error) => Ok(Err(error)),
            }
        })?
    }

    /// Waits until the program ends by itself.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with the end of the output.
    pub fn wait_exit(&mut self, timeout: Duration) -> Result<ExitStatus, Error> {
        let what = format!("\"{}\" ends", self.name);
        wait_until_seen(&what, timeout, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(Ok(status)),
            Ok(None) => Err(tail(&self.output())),
            Err(source) => Ok(Err(Error::Run { program: self.name.clone(), source })),
        })?
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal by its name (`TERM`, `STOP`, `CONT`).
    ///
    /// # Errors
    ///
    /// When the program has ended already.
    pub fn signal(&mut self, name: &str) -> Result<(), Error> {
        if let Some(status) = self.child.try_wait().map_err(Error::run(&self.name))? {
            return Err(self.ended(status, &self.output()));
        }
        // Not waited for until now, so the id is still this program's.
        let status = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        let status = status.map_err(Error::run("kill"))?;
        if status.success() { Ok(()) } else { Err(self.ended(status, "kill failed")) }
    }

    /// Asks the program to end (`SIGTERM`) and waits until it has.
    ///
    /// # Errors
    ///
    /// When it has ended before, or does not end within `grace`.
    pub fn stop(&mut self, grace: Duration) -> Result<ExitStatus, Error> {
        self.signal("TERM")?;
        self.wait_exit(grace)
    }

    /// Ends the program at once (`SIGKILL`), as a crash would, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When the kernel does not end it.
    pub fn kill9(&mut self) -> Result<ExitStatus, Error> {
        self.child.kill().map_err(Error::run(&self.name))?;
        self.wait_exit(KILL_GRACE)
    }

    fn ended(&self, status: ExitStatus, output: &str) -> Error {
        Error::Ended { program: self.name.clone(), status, output: tail(output) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

/// Starts a command from the thread that lasts as long as this process.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, mpsc::Sender<io::Result<Child>>);
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, child) = mpsc::channel();
    spawner.send((command, reply)).map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}

fn explain(name: &str, source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::NotFound {
        return Error::Missing { what: "`setpriv`".into(), remedy: "apt-get install util-linux".into() };
    }
    Error::Run { program: name.to_owned(), source }
}

/// The end of a text, as much as a message should carry.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

pub(crate) fn read_from(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The rest of the first line that starts with the prefix and is complete.
fn line_after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .find_map(|line| line.trim_end().strip_prefix(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = guarded("sh");
        command.args(["-c", script]);
        command
    }

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("vk-testkit-{}-{name}.log", std::process::id()));
            let _ = std::fs::remove_file(&path);
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn an_incomplete_line_is_not_taken_for_a_port() {
        assert_eq!(line_after("noise\nlistening on 127.0.0.1:80", "listening on "), None);
        assert_eq!(
            line_after("noise\nlistening on 127.0.0.1:8080\n", "listening on "),
            Some("127.0.0.1:8080")
        );
    }

    #[test]
    fn the_awaited_line_is_returned_without_its_prefix() {
        let log = Scratch::new("line");
        let mut process = Process::spawn(
            "sh",
            shell("echo starting; echo listening on 127.0.0.1:4711; exec sleep 60"),
            &log.0,
        )
        .unwrap();
        assert_eq!(process.wait_for_line("listening on ", SOON).unwrap(), "127.0.0.1:4711");
        assert!(process.is_running());
    }

    #[test]
    fn the_line_of_an_earlier_run_does_not_count() {
        let log = Scratch::new("earlier");
        std::fs::write(&log.0, "port 1\n").unwrap();
        let mut process = Process::spawn("sh", shell("echo port 2; exec sleep 60"), &log.0).unwrap();
        assert_eq!(process.wait_for_line("port ", SOON).unwrap(), "2");
    }

    #[test]
    fn a_program_that_ends_early_is_reported_with_its_output() {
        let log = Scratch::new("early");
        let mut process = Process::spawn("sh", shell("echo no vSwitch given >&2; exit 3"), &log.0).unwrap();
        let text = process.wait_for_line("listening on ", SOON).unwrap_err().to_string();
        assert!(text.contains("exit status: 3") && text.contains("no vSwitch given"), "{text}");
    }

    #[test]
    fn stopping_lets_the_program_end_by_itself() {
        let log = Scratch::new("stop");
        let script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done";
        let mut process = Process::spawn("sh", shell(script), &log.0).unwrap();
        process.wait_for_line("up", SOON).unwrap();
        assert!(process.stop(SOON).unwrap().success());
        assert!(process.output().contains("bye"));
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let log = Scratch::new("dropped");
        let process = Process::spawn(
            "sleep",
            {
                let mut c = guarded("sleep");
                c.arg("60");
                c
            },
            &log.0,
        )
        .unwrap();
        let proc_entry = PathBuf::from(format!("/proc/{}", process.pid()));
        assert!(proc_entry.exists());
        drop(process);
        assert!(!proc_entry.exists());
    }

    #[test]
    fn a_process_outlives_the_thread_that_asked_for_it() {
        let log = Scratch::new("thread");
        let path = log.0.clone();
        let mut process =
            thread::spawn(move || Process::spawn("sh", shell("echo up; exec sleep 60"), &path).unwrap())
                .join()
                .unwrap();
        process.wait_for_line("up", SOON).unwrap();
        process.signal("STOP").unwrap();
        process.signal("CONT").unwrap();
        assert!(process.is_running());
    }
}
