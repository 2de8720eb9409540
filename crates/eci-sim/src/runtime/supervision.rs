//! Follows the process of a container to its end: output, health, stop, exit.

use std::io::Read;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::Oci;
use super::driver::Stop;
use super::probe::{Probe, Target};
use super::process::{DRAIN, Launch};
use super::spec::ContainerSpec;
use crate::group::Exit;
use crate::server::Shared;
use crate::state::record::Report;

/// The platform keeps this much of a termination message, and this much of a log that replaces one.
const MAX_MESSAGE_BYTES: usize = 4096;
const MAX_FALLBACK_BYTES: usize = 2048;
/// A line that goes on for longer is cut.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// A run that has a process.
pub(super) struct Run<'a> {
    pub(super) oci: &'a Oci,
    pub(super) shared: &'a Shared,
    pub(super) launch: &'a Launch,
    /// Its id with the OCI runtime.
    pub(super) container: String,
    /// Its id in replies.
    pub(super) id: String,
    pub(super) directory: PathBuf,
}

impl Run<'_> {
    fn spec(&self) -> &ContainerSpec {
        &self.launch.container
    }

    fn target(&self) -> Target<'_> {
        Target { oci: self.oci, container: &self.container, address: self.address() }
    }

    fn address(&self) -> Ipv4Addr {
        self.launch.group.address
    }

    fn change(
        &self,
        change: impl FnOnce(&mut crate::group::Group, jiff::Timestamp, &crate::settings::Settings),
    ) {
        self.shared.change_group(&self.launch.group.id, change);
    }

    pub(super) fn warn(&self, reason: &'static str, message: String) {
        self.change(|group, now, _| group.warn(now, reason, message));
    }

    /// Follows the process to its end.
    pub(super) async fn follow(&self, mut child: Child, stop: watch::Receiver<Stop>) {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut is_read = false;
        let status = {
            let reading = async { tokio::join!(self.read(stdout), self.read(stderr)) };
            let supervision = self.supervise(stop);
            tokio::pin!(reading, supervision);
            let status = loop {
                tokio::select! {
                    status = child.wait() => break status,
                    _ = &mut reading, if !is_read => is_read = true,
                    // It never ends before the process does.
                    () = &mut supervision => {}
                }
            };
            if !is_read {
                let _ = timeout(DRAIN, reading).await;
            }
            status
        };
        let exit = self.exit(status.ok());
        self.report_end(exit);
    }

    pub(super) fn report_end(&self, exit: Exit) {
        let (name, run) = (self.spec().name.clone(), self.id.clone());
        self.shared.report(&self.launch.group.id, Report::Exited { name, run, exit });
    }

    /// Watches the container's health, and stops it when that fails or when it is asked to.
    async fn supervise(&self, mut stop: watch::Receiver<Stop>) {
        let how = tokio::select! {
            how = asked(&mut stop, Stop::Gracefully) => how,
            () = self.watch_health() => Stop::Gracefully,
        };
        if how == Stop::Gracefully {
            tokio::select! {
                () = self.stop_gracefully() => {}
                _ = asked(&mut stop, Stop::AtOnce) => {}
            }
        }
        loop {
            self.signal("KILL").await;
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// The preStop hook, then the signal, together within the grace period.
    async fn stop_gracefully(&self) {
        let until = Instant::now() + self.launch.group.grace;
        if let Some(hook) = &self.spec().pre_stop
            && let Err(reason) = hook.run(self.target(), self.launch.group.grace).await
        {
            self.warn("FailedPreStopHook", format!("PreStopHook failed: {reason}"));
        }
        self.signal(&self.stop_signal().await).await;
        tokio::time::sleep_until(until).await;
    }

    async fn stop_signal(&self) -> String {
        let image = self.oci.images.pull(&self.spec().image).await;
        let wanted = image.map(|image| image.config.stop_signal.clone()).unwrap_or_default();
        if wanted.is_empty() { "TERM".to_owned() } else { wanted }
    }

    async fn signal(&self, signal: &str) {
        // A process that has just ended cannot be signalled; its end is noticed elsewhere.
        let _ = self.oci.call(&["kill", &self.container, signal]).await;
    }

    /// Returns when the container is to be restarted: its hook or its liveness probe has failed.
    async fn watch_health(&self) {
        if let Some(hook) = &self.spec().post_start
            && let Err(reason) = hook.run(self.target(), Duration::from_secs(60)).await
        {
            return self.warn("FailedPostStartHook", format!("PostStartHook failed: {reason}"));
        }
        tokio::select! {
            () = self.watch_liveness() => {}
            () = self.watch_readiness() => {}
        }
    }

    async fn watch_liveness(&self) {
        let Some(probe) = &self.spec().liveness else { return std::future::pending().await };
        sleep(probe.initial_delay).await;
        let mut failures = 0;
        while failures < probe.failure_threshold {
            failures = if self.ask(probe, "Liveness").await { 0 } else { failures + 1 };
            if failures < probe.failure_threshold {
                sleep(probe.period).await;
            }
        }
        let name = &self.spec().name;
        let message = format!("Container {name} failed liveness probe, will be restarted");
        self.change(|group, now, _| group.life.events.normal(now, "Killing", message));
    }

    /// Never returns: readiness comes and goes.
    async fn watch_readiness(&self) {
        let Some(probe) = &self.spec().readiness else { return std::future::pending().await };
        sleep(probe.initial_delay).await;
        let mut failures = 0;
        loop {
            failures = if self.ask(probe, "Readiness").await { 0 } else { failures + 1 };
            if failures == 0 || failures >= probe.failure_threshold {
                let ready = failures == 0;
                self.change(|group, now, settings| {
                    group.probed(&self.spec().name, &self.id, ready, now, settings);
                });
            }
            sleep(probe.period).await;
        }
    }

    async fn ask(&self, probe: &Probe, kind: &str) -> bool {
        match probe.check.run(self.target(), probe.timeout).await {
            Ok(()) => true,
            Err(reason) => {
                self.warn("Unhealthy", format!("{kind} probe failed: {reason}"));
                false
            }
        }
    }

    /// Reads lines into the log until the output is closed.
    async fn read(&self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let (mut chunk, mut rest) = (vec![0; 64 * 1024], Vec::new());
        while let Ok(count @ 1..) = stream.read(&mut chunk).await {
            rest.extend_from_slice(&chunk[..count]);
            let mut lines = Vec::new();
            while let Some(line) = take_line(&mut rest) {
                lines.push(line);
            }
            self.write(lines);
        }
        if !rest.is_empty() {
            self.write(vec![String::from_utf8_lossy(&rest).into_owned()]);
        }
    }

    fn write(&self, lines: Vec<String>) {
        if !lines.is_empty() {
            self.change(|group, now, _| group.wrote(&self.spec().name, &self.id, lines, now));
        }
    }

    /// How the container has ended. The OCI runtime ends with the code that the process did.
    fn exit(&self, status: Option<ExitStatus>) -> Exit {
        use std::os::unix::process::ExitStatusExt;
        let code = status.and_then(|status| status.code().or(status.signal().map(|signal| 128 + signal)));
        let mut exit = Exit::of_code(code.unwrap_or(137), String::new());
        if exit.code != 0 && self.was_out_of_memory() {
            exit.reason = "OOMKilled".to_owned();
        }
        exit.message = self.message(exit.code);
        exit
    }

    /// What the container wrote to its message's path, or the end of its log where that is asked for.
    fn message(&self, code: i32) -> String {
        let mut written = Vec::new();
        if let Ok(file) = std::fs::File::open(self.directory.join("termination")) {
            // However much a container has written.
            let _ = file.take(MAX_MESSAGE_BYTES as u64).read_to_end(&mut written);
        }
        if !written.is_empty() || code == 0 || !self.spec().falls_back_to_logs {
            return String::from_utf8_lossy(&written).into_owned();
        }
        let texts = |group: &mut crate::group::Group, _, _: &crate::settings::Settings| {
            group.last_lines(&self.spec().name, 80)
        };
        let mut text = self.shared.change_group(&self.launch.group.id, texts).unwrap_or_default();
        while text.len() > MAX_FALLBACK_BYTES {
            text.remove(0);
        }
        text
    }

    /// Whether the kernel has killed something in the container's control group.
    fn was_out_of_memory(&self) -> bool {
        let cgroup = self.oci.cgroup(&self.launch.group.id, &self.cgroup_name());
        let files = [
            format!("/sys/fs/cgroup/memory{cgroup}/memory.oom_control"),
            format!("/sys/fs/cgroup{cgroup}/memory.events"),
        ];
        let texts = files.into_iter().filter_map(|file| std::fs::read_to_string(file).ok());
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).any(|line| {
            line.strip_prefix("oom_kill ")
                .and_then(|count| count.trim().parse().ok())
                .is_some_and(|n: u64| n > 0)
        })
    }

    fn cgroup_name(&self) -> String {
        let group = format!("{}-", self.launch.group.id);
        self.container.strip_prefix(&group).unwrap_or(&self.container).to_owned()
    }
}

/// Waits until a stop at least as hard as `least` is asked for.
pub(super) async fn asked(stop: &mut watch::Receiver<Stop>, least: Stop) -> Stop {
    match stop.wait_for(|asked| *asked >= least).await {
        Ok(asked) => *asked,
        // Nobody is there any more who could ask.
        Err(_) => Stop::AtOnce,
    }
}

/// The first line of what was read, cut when it is too long to wait for its end.
fn take_line(rest: &mut Vec<u8>) -> Option<String> {
    let end = rest.iter().take(MAX_LINE_BYTES).position(|byte| *byte == b'\n');
    let (length, skip) = match end {
        Some(end) => (end, 1),
        None if rest.len() >= MAX_LINE_BYTES => (MAX_LINE_BYTES, 0),
        None => return None,
    };
    let line = String::from_utf8_lossy(&rest[..length]).into_owned();
    rest.drain(..length + skip);
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_line_end_or_at_their_limit() {
        let mut rest = b"one\ntwo\nth".to_vec();
        assert_eq!(take_line(&mut rest).as_deref(), Some("one"));
        assert_eq!(take_line(&mut rest).as_deref(), Some("two"));
        assert_eq!(take_line(&mut rest), None);
        let mut long = vec![b'x'; MAX_LINE_BYTES + 1];
        assert_eq!(take_line(&mut long).unwrap().len(), MAX_LINE_BYTES);
        assert_eq!(long, b"x");
    }
}
