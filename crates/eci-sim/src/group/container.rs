//! One container: waiting, running, ended, and started again.

mod seen;

use jiff::{SignedDuration, Timestamp};

use super::events::Events;
use super::facts::{ContainerKind, Facts, PullPolicy, RestartPolicy};
use super::incarnation::{Exit, Incarnation, container_id};
use super::switches::Switches;
use crate::clock::later;
use crate::script::Window;
use crate::settings::{Settings, millis};

/// A container that ran this long starts its back-off anew, as with a kubelet.
const BACKOFF_RESET: SignedDuration = SignedDuration::from_mins(10);
/// The platform keeps this much of a termination message.
const MAX_MESSAGE_BYTES: usize = 4096;

/// What a container is doing; `until` is when that changes by itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    /// Its turn has not come: init containers run first, and one after another.
    Idle,
    Pulling {
        until: Timestamp,
    },
    PullFailed {
        until: Timestamp,
    },
    PullBackOff {
        until: Timestamp,
    },
    /// Its image is not there, and must not be pulled.
    NoImage,
    Starting {
        until: Timestamp,
    },
    /// Its process is being made by a runtime that runs containers for real.
    Launching,
    Running,
    /// Ended, and waiting to be started again.
    BackOff {
        until: Timestamp,
    },
    /// Ended for good.
    Ended,
}

#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) kind: ContainerKind,
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) phase: Phase,
    pub(crate) restarts: u32,
    /// The incarnation that runs, or that has ended for good.
    pub(crate) current: Option<Incarnation>,
    /// The one before it.
    pub(crate) previous: Option<Incarnation>,
    /// Position in the sequence of back-offs, of starts or of pulls.
    pub(super) attempts: u32,
    /// `IMAGE@sha256:…`, empty until the image has been pulled.
    pub(crate) image_id: String,
    /// Whether it is an app container of a group with init containers.
    behind_init: bool,
    pub(super) switches: Switches,
    pub(super) pull_policy: PullPolicy,
    /// An image cache holds its image.
    pub(super) is_cached: bool,
    /// A runtime runs it and says what becomes of it; otherwise its command line tells.
    pub(super) is_real: bool,
    /// It has been asked to end for good, and its runtime says when it has.
    pub(crate) is_leaving: bool,
}

impl Container {
    /// The containers of a kind, in order, none of them begun.
    pub(crate) fn all(facts: &Facts, kind: ContainerKind) -> Vec<Self> {
        let behind_init = kind == ContainerKind::App && facts.root().has(ContainerKind::Init.list());
        let named = facts.containers(kind).into_iter();
        let asked = facts.switches(kind).into_iter().zip(facts.pull_policies(kind));
        let container = |(index, ((name, image), (switches, pull_policy)))| {
            let image: String = image;
            Self {
                is_real: facts.is_real,
                switches,
                pull_policy,
                is_cached: facts.is_cached(&image),
                ..Self::new(kind, index, name, image, behind_init)
            }
        };
        named.zip(asked).enumerate().map(container).collect()
    }

    fn new(kind: ContainerKind, index: usize, name: String, image: String, behind_init: bool) -> Self {
        Self {
            kind,
            index,
            name,
            image,
            phase: Phase::Idle,
            restarts: 0,
            current: None,
            previous: None,
            attempts: 0,
            image_id: String::new(),
            behind_init,
            switches: Switches::default(),
            pull_policy: PullPolicy::IfNotPresent,
            is_cached: false,
            is_real: false,
            is_leaving: false,
        }
    }

    /// When something happens by itself.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Idle | Phase::NoImage | Phase::Launching | Phase::Ended => None,
            Phase::Pulling { until }
            | Phase::PullFailed { until }
            | Phase::PullBackOff { until }
            | Phase::Starting { until }
            | Phase::BackOff { until } => Some(*until),
            Phase::Running => {
                let current = self.current.as_ref()?;
                let turn = current.turns.front().map(|(at, _)| *at);
                let end = current.planned.as_ref().map(|(at, _)| *at);
                [turn, end, current.death, current.hook_failure].into_iter().flatten().min()
            }
        }
    }

    /// Lets happen what is due at `at`. Returns whether anything did.
    pub(crate) fn step(
        &mut self,
        at: Timestamp,
        facts: &Facts,
        settings: &Settings,
        events: &mut Events,
    ) -> bool {
        if self.due().is_none_or(|due| due > at) {
            return false;
        }
        match self.phase {
            Phase::Pulling { .. } => self.pulled(at, settings, events),
            Phase::PullFailed { .. } => {
                let message = format!("Back-off pulling image \"{}\"", self.image);
                events.warning(at, "BackOff", message);
                // The wait before a pull is never zero, so the sequence starts at its second place.
                self.attempts += 1;
                self.phase = Phase::PullBackOff { until: later(at, settings.backoff(self.attempts)) };
            }
            Phase::PullBackOff { .. } => self.begin(at, settings, events),
            Phase::Starting { .. } | Phase::BackOff { .. } if self.is_real => self.phase = Phase::Launching,
            Phase::Starting { .. } | Phase::BackOff { .. } => self.started(at, facts, events),
            Phase::Running => self.run_on(at, facts, settings, events),
            Phase::Idle | Phase::NoImage | Phase::Launching | Phase::Ended => {}
        }
        true
    }

    pub(super) fn started(&mut self, at: Timestamp, facts: &Facts, events: &mut Events) {
        events.normal(at, "Created", format!("Created container {}", self.name));
        events.normal(at, "Started", format!("Started container {}", self.name));
        self.begin_run(at, facts);
    }

    /// The runtime could not start it. The run is there, and ends at once.
    pub(super) fn unstarted(&mut self, at: Timestamp, facts: &Facts, reason: &str, events: &mut Events) {
        events.normal(at, "Created", format!("Created container {}", self.name));
        let message = format!("Error: failed to start container \"{}\": {reason}", self.name);
        events.warning(at, "Failed", message);
        self.begin_run(at, facts);
    }

    fn begin_run(&mut self, at: Timestamp, facts: &Facts) {
        let planned = if self.is_real { None } else { self.planned_end(at, facts) };
        let probe = |name: &str, variable: &str| {
            let is_asked = self.kind == ContainerKind::App && !self.is_real;
            is_asked.then(|| facts.probe(self.index, name, variable)).flatten()
        };
        let death = probe("LivenessProbe", "ECI_SIM_LIVENESS").and_then(|probe| probe.death(at));
        let turns = probe("ReadinessProbe", "ECI_SIM_READINESS").map(|probe| probe.readiness(at));
        let hook = (self.kind == ContainerKind::App && !self.is_real).then(|| facts.post_start(self.index));
        let failing = hook.flatten().filter(|hook| hook.fails).and_then(|hook| hook.takes);
        let hook_failure = failing.map(|takes| later(at, takes));
        let ready = self.kind == ContainerKind::App && !facts.has_readiness_probe(self.index);
        if self.previous.is_some() {
            self.restarts += 1;
        }
        let id = container_id(&facts.id, &self.name, self.restarts);
        self.current = Some(Incarnation {
            id,
            started_at: at,
            ready,
            turns: turns.unwrap_or_default(),
            planned,
            death,
            hook_failure,
            ended: None,
            origin: None,
            injected: Vec::new(),
        });
        self.phase = Phase::Running;
    }

    /// When and how the container's script ends.
    fn planned_end(&self, at: Timestamp, facts: &Facts) -> Option<(Timestamp, Exit)> {
        let (program, surroundings) = facts.program(self.kind, self.index);
        let end = program.end(at, &surroundings)?;
        let message = self.message(end.message, end.exit_code, facts, at);
        Some((later(at, end.after), Exit::of_code(end.exit_code, message)))
    }

    /// The termination message: what the container wrote, or the end of its log where that is asked for.
    fn message(&self, written: String, exit_code: i32, facts: &Facts, started_at: Timestamp) -> String {
        let mut message = written;
        if message.is_empty() && exit_code != 0 && facts.falls_back_to_logs(self.kind, self.index) {
            let (program, surroundings) = facts.program(self.kind, self.index);
            let window =
                Window { from: started_at, until: Timestamp::MAX, newest: Some(80), bytes: usize::MAX };
            let lines = program.lines(started_at, &surroundings, window);
            let tail: Vec<&str> =
                lines[lines.len().saturating_sub(80)..].iter().map(|line| line.text.as_str()).collect();
            message = tail.join("\n");
        }
        while message.len() > MAX_MESSAGE_BYTES {
            message.pop();
        }
        message
    }

    fn run_on(&mut self, at: Timestamp, facts: &Facts, settings: &Settings, events: &mut Events) {
        let Some(current) = &mut self.current else { return };
        if let Some((_, ready)) = current.turns.front().copied().filter(|(turn, _)| *turn <= at) {
            current.turns.pop_front();
            current.ready = ready;
            if !ready {
                events.warning(at, "Unhealthy", format!("Readiness probe of {} failed", self.name));
            }
            return;
        }
        if let Some((end, exit)) = current.planned.clone().filter(|(end, _)| *end <= at) {
            self.end(end, exit, facts.restart_policy(), settings, events);
        } else if current.hook_failure.is_some_and(|failure| failure <= at) {
            let message = format!("PostStartHook of container {} failed", self.name);
            events.warning(at, "FailedPostStartHook", message);
            events.normal(at, "Killing", format!("Container {} failed its postStart hook", self.name));
            let exit = Exit::of_code(128 + 9, String::new());
            self.end(at, exit, facts.restart_policy(), settings, events);
        } else if current.death.is_some_and(|death| death <= at) {
            events.warning(at, "Unhealthy", format!("Liveness probe of {} failed", self.name));
            events.normal(at, "Killing", format!("Container {} failed its liveness probe", self.name));
            let exit = Exit::of_code(128 + 9, String::new());
            self.end(at, exit, facts.restart_policy(), settings, events);
        }
    }

    /// The container ends now, for whatever reason; what comes next is the restart policy's.
    pub(crate) fn end(
        &mut self,
        at: Timestamp,
        exit: Exit,
        policy: RestartPolicy,
        settings: &Settings,
        events: &mut Events,
    ) {
        let Some(current) = &mut self.current else { return };
        let failed = exit.code != 0;
        if exit.reason == "OOMKilled" {
            events.warning(at, "OOMKilled", format!("Container {} ran out of its memory", self.name));
        }
        let ran = at.duration_since(current.started_at);
        current.ended = Some((at, exit));
        current.ready = false;
        let restart = match (policy, self.kind) {
            _ if self.is_leaving => false,
            (RestartPolicy::Never, _) => false,
            (RestartPolicy::Always, ContainerKind::App) => true,
            (RestartPolicy::Always | RestartPolicy::OnFailure, _) => failed,
        };
        if !restart {
            self.phase = Phase::Ended;
            return;
        }
        if ran >= BACKOFF_RESET {
            self.attempts = 0;
        }
        let wait = settings.backoff(self.attempts);
        self.attempts += 1;
        self.previous = self.current.take();
        // Without any wait, a container that ends at once would start over endlessly in one instant.
        let until = later(at, wait.max(settings.start()).max(millis(1)));
        if wait.is_zero() {
            self.phase = Phase::Starting { until };
        } else {
            events.warning(at, "BackOff", format!("Back-off restarting failed container {}", self.name));
            self.phase = Phase::BackOff { until };
        }
    }

    /// The container ends for good, whatever the policy: its group does.
    pub(crate) fn stop(&mut self, at: Timestamp, exit: Exit) {
        if let Some(current) = self.current.as_mut().filter(|current| current.ended.is_none()) {
            current.ended = Some((at, exit));
            current.ready = false;
        } else if self.current.is_none() {
            // Between two runs, the last run is what a reader sees.
            self.current = self.previous.take();
        }
        self.phase = Phase::Ended;
    }

    /// Its group starts anew: the present run, if any, ends and becomes the previous one.
    pub(super) fn leave(&mut self, at: Timestamp) {
        if let Some(mut current) = self.current.take() {
            if current.ended.is_none() {
                current.ended = Some((at, Exit::of_code(128 + 15, String::new())));
                current.ready = false;
            }
            self.previous = Some(current);
        }
        self.phase = Phase::Idle;
        self.attempts = 0;
        self.is_leaving = false;
    }

    /// This container as the updated request has it, with the history of `old`, which it replaces.
    pub(super) fn succeeding(mut self, mut old: Self, at: Timestamp) -> Self {
        old.leave(at);
        if old.image == self.image {
            self.image_id = old.image_id;
        }
        self.restarts = old.restarts;
        self.previous = old.previous;
        self
    }

    /// Unchanged by an update, but for its place.
    pub(super) fn moved_to(mut self, other: &Self) -> Self {
        self.index = other.index;
        self.behind_init = other.behind_init;
        self
    }
}
