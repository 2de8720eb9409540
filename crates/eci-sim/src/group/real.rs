//! What a runtime that runs containers for real tells a group about them.
//!
//! The life stays the step machine that it is: a pull, a launch and a stop have no end of their own here, the
//! runtime reports it. A report that comes late (the run it speaks of is no longer the present one) changes
//! nothing.

use jiff::{SignedDuration, Timestamp};

use super::Group;
use super::container::Phase;
use super::incarnation::Exit;
use crate::clock::later;
use crate::script::Line;
use crate::settings::Settings;
use crate::state::record::Report;

/// The log of one run keeps no more bytes than this; the oldest lines go first.
const MAX_LOG_BYTES: usize = 8 * 1024 * 1024;
/// What a line costs beside its text.
const LINE_OVERHEAD: usize = 40;

impl Group {
    /// Whether what the runtime says has not been said before: it repeats that a group has stopped until that is gone.
    pub(crate) fn is_news(&self, report: &Report, at: Timestamp) -> bool {
        let stops = || self.life.deletion.is_some_and(|deletion| deletion.stopped_at > at);
        !matches!(report, Report::Stopped) || stops()
    }

    /// Takes in what the runtime says. Returns the id of the run that has begun, if one has.
    pub(crate) fn told(&mut self, report: Report, at: Timestamp, settings: &Settings) -> Option<String> {
        match report {
            Report::Pulled { name, found } => self.pull_ended(&name, found, at, settings),
            Report::Launched { name } => return self.launched(&name, at, settings),
            Report::Unstarted { name, exit } => self.unstarted(&name, exit, at, settings),
            Report::Exited { name, run, exit } => self.exited(&name, &run, exit, at, settings),
            Report::Stopped => self.stopped(at, settings),
        }
        None
    }

    /// The pull of a container's image has ended, with its digest or the reason of its failure.
    fn pull_ended(&mut self, name: &str, found: Result<String, String>, at: Timestamp, settings: &Settings) {
        let life = &mut self.life;
        let mut containers = life.init.iter_mut().chain(&mut life.apps);
        let Some(container) = containers.find(|container| container.name == name) else { return };
        if matches!(container.phase, Phase::Pulling { .. }) {
            container.pull_ended(at, found, settings, &mut life.events);
            self.changed(at, settings);
        }
    }

    /// A container's process runs. Returns the id of the run, `None` when none was wanted.
    fn launched(&mut self, name: &str, at: Timestamp, settings: &Settings) -> Option<String> {
        let life = &mut self.life;
        let mut containers = life.init.iter_mut().chain(&mut life.apps);
        let container = containers.find(|container| container.name == name)?;
        if container.phase != Phase::Launching {
            return None;
        }
        container.started(at, &self.facts, &mut life.events);
        let id = container.current.as_ref().map(|current| current.id.clone());
        self.changed(at, settings);
        id
    }

    /// A container's process could not be started.
    fn unstarted(&mut self, name: &str, exit: Exit, at: Timestamp, settings: &Settings) {
        let life = &mut self.life;
        let mut containers = life.init.iter_mut().chain(&mut life.apps);
        let Some(container) = containers.find(|container| container.name == name) else { return };
        if container.phase != Phase::Launching {
            return;
        }
        container.unstarted(at, &self.facts, &exit.message, &mut life.events);
        if let Some(run) = container.current.as_ref().map(|current| current.id.clone()) {
            self.exited(name, &run, exit, at, settings);
        }
    }

    /// A container's process has ended.
    fn exited(&mut self, name: &str, run: &str, exit: Exit, at: Timestamp, settings: &Settings) {
        if !self.runs(name, run) {
            return;
        }
        // Nothing is written after the end.
        let current = self.life.container(name).and_then(|container| container.current.as_ref());
        let last = current.and_then(|current| current.injected.last()).map(|line| line.at);
        let at = last.map_or(at, |last| last.max(at));
        let policy = self.facts.restart_policy();
        match self.life.deletion {
            None => {
                self.life.end_container(name, at, exit, policy, settings);
            }
            Some(_) => {
                if let Some(container) = self.life.container_mut(name) {
                    container.stop(at, exit);
                }
                self.life.changed_at = at;
            }
        }
    }

    /// Whether this run of the container is the one that goes on.
    pub(crate) fn runs(&self, name: &str, run: &str) -> bool {
        self.life.container(name).is_some_and(|container| {
            container.is_running() && container.current.as_ref().is_some_and(|current| current.id == run)
        })
    }

    /// A container wrote lines. They belong to `run`, which may have ended a moment ago.
    pub(crate) fn wrote(&mut self, name: &str, run: &str, texts: Vec<String>, at: Timestamp) {
        let Some(container) = self.life.container_mut(name) else { return };
        let runs = [&mut container.current, &mut container.previous];
        let Some(wanted) = runs.into_iter().flatten().find(|candidate| candidate.id == run) else { return };
        for text in texts {
            // Every line has a time of its own.
            let after = wanted.injected.last().map(|line| later(line.at, SignedDuration::from_micros(1)));
            wanted.injected.push(Line { at: after.map_or(at, |after| after.max(at)), text });
        }
        let size = |line: &Line| line.text.len() + LINE_OVERHEAD;
        let mut bytes: usize = wanted.injected.iter().map(size).sum();
        let mut old = 0;
        while bytes > MAX_LOG_BYTES {
            bytes -= size(&wanted.injected[old]);
            old += 1;
        }
        wanted.injected.drain(..old);
    }

    /// The last lines that a container's present run wrote.
    pub(crate) fn last_lines(&self, name: &str, count: usize) -> String {
        let current = self.life.container(name).and_then(|container| container.current.as_ref());
        let lines = current.map(|current| current.injected.as_slice()).unwrap_or_default();
        let last = lines[lines.len().saturating_sub(count)..].iter().map(|line| line.text.as_str());
        last.collect::<Vec<_>>().join("\n")
    }

    /// The runtime's verdict on a container's readiness.
    pub(crate) fn probed(&mut self, name: &str, run: &str, ready: bool, at: Timestamp, settings: &Settings) {
        let is_ready = self.life.container(name).is_some_and(|container| container.is_ready());
        if self.runs(name, run) && ready != is_ready {
            self.life.set_ready(name, ready, at, settings);
        }
    }

    /// Nothing of a group under deletion runs any longer.
    pub(crate) fn stopped(&mut self, at: Timestamp, settings: &Settings) {
        if let Some(deletion) = self.life.deletion.as_mut().filter(|deletion| deletion.stopped_at > at) {
            deletion.stopped_at = at;
            deletion.gone_at = later(at, settings.delete_visible());
            self.life.changed_at = at;
        }
    }

    /// An event that the runtime has something to say about.
    pub(crate) fn warn(&mut self, at: Timestamp, reason: &'static str, message: String) {
        self.life.events.warning(at, reason, message);
        self.life.changed_at = at;
    }

    fn changed(&mut self, at: Timestamp, settings: &Settings) {
        self.life.changed_at = at;
        self.life.progress(at, settings);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::super::facts::tests::facts;
    use super::*;

    const AT: &str = "2026-01-01T00:00:01Z";

    fn placed(changes: &[(&str, &str)]) -> (Group, Settings, Timestamp) {
        let settings = Settings::default();
        let mut facts = facts(changes);
        facts.is_real = true;
        let mut group = Group::new(facts, &settings);
        let at: Timestamp = AT.parse().unwrap();
        group.advance(at, &settings);
        (group, settings, at)
    }

    fn running(changes: &[(&str, &str)]) -> (Group, Settings, Timestamp, String) {
        let (mut group, settings, at) = placed(changes);
        group.pull_ended("nginx", Ok("ab".into()), at, &settings);
        let at = later(at, settings.start());
        group.advance(at, &settings);
        let run = group.launched("nginx", at, &settings).unwrap();
        (group, settings, at, run)
    }

    #[test]
    fn nothing_happens_before_the_runtime_says_so() {
        let (mut group, settings, at) = placed(&[]);
        group.advance(later(at, jiff::SignedDuration::from_hours(1)), &settings);
        assert_eq!(group.life.status(), Status::Pending);
        let (group, ..) = running(&[]);
        assert_eq!(group.life.status(), Status::Running);
        assert!(group.life.ready.0, "without a probe it is ready once it runs");
    }

    #[test]
    fn a_failed_pull_is_told_with_its_reason_and_tried_again() {
        let (mut group, settings, at) = placed(&[]);
        group.pull_ended("nginx", Err("no such layout".into()), at, &settings);
        assert_eq!(group.life.container("nginx").unwrap().waiting().unwrap().0, "ErrImagePull");
        assert!(group.life.events.iter().any(|event| event.message.contains("no such layout")));
        group.advance(later(at, jiff::SignedDuration::from_secs(1)), &settings);
        assert_eq!(group.life.container("nginx").unwrap().waiting().unwrap().0, "ImagePullBackOff");
        group.advance(later(at, jiff::SignedDuration::from_secs(12)), &settings);
        assert!(matches!(group.life.container("nginx").unwrap().phase, Phase::Pulling { .. }));
    }

    #[test]
    fn an_exit_follows_the_restart_policy_and_a_late_one_changes_nothing() {
        let (mut group, settings, at, run) = running(&[]);
        group.exited("nginx", "another run", Exit::of_code(3, String::new()), at, &settings);
        assert_eq!(group.life.container("nginx").unwrap().restarts, 0);
        group.exited("nginx", &run, Exit::of_code(3, String::new()), at, &settings);
        let at = later(at, jiff::SignedDuration::from_secs(1));
        group.advance(at, &settings);
        assert!(group.launched("nginx", at, &settings).is_some());
        assert_eq!(group.life.container("nginx").unwrap().restarts, 1);
    }

    #[test]
    fn a_deletion_lasts_until_the_runtime_has_stopped_everything() {
        let (mut group, settings, at, run) = running(&[]);
        group.life.delete(&group.facts, at, false, &settings);
        let at = later(at, jiff::SignedDuration::from_hours(1));
        assert!(!group.life.is_gone(at));
        group.exited("nginx", &run, Exit::of_code(143, String::new()), at, &settings);
        assert_eq!(group.life.container("nginx").unwrap().restarts, 0);
        group.stopped(at, &settings);
        assert!(group.life.is_gone(later(at, settings.delete_visible())));
    }

    #[test]
    fn a_log_that_grows_without_end_keeps_its_newest_lines() {
        let (mut group, _, at, run) = running(&[]);
        for number in 0..20 {
            group.wrote("nginx", &run, vec![format!("{number}{}", "x".repeat(1_000_000))], at);
        }
        let lines = &group.life.container("nginx").unwrap().current.as_ref().unwrap().injected;
        assert!(lines.len() < 10 && lines.last().unwrap().text.starts_with("19"));
    }
}
