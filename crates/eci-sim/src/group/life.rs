//! The life of a group as a step machine: given the time, everything that is due happens, in order.
//!
//! Nothing runs in the background. Whoever reads or changes a group first lets it advance to the present, so
//! the same requests at the same instants always meet the same states, whatever clock those instants are from.

use jiff::{SignedDuration, Timestamp};

use super::container::Container;
use super::events::Events;
use super::facts::{ContainerKind, Facts, RestartPolicy};
use super::incarnation::Exit;
use super::placing::{Placing, Refusal};
use super::spot::Spot;
use super::status::Status;
use super::stopping::{Deletion, Stop};
use crate::clock::later;
use crate::settings::Settings;

#[derive(Debug)]
pub(crate) struct Life {
    pub(super) status: Status,
    /// A status that was forced from outside and hides the real one.
    pub(super) forced: Option<Status>,
    /// Restarting or Updating, until every container has been started again.
    transition: Option<Status>,
    /// When a reader could last see something new.
    pub(crate) changed_at: Timestamp,
    pub(super) placing: Placing,
    /// Only of a spot group, once it is placed.
    spot: Option<Spot>,
    pub(super) pending_until: Timestamp,
    pub(super) deadline: Option<Timestamp>,
    pub(crate) placed_at: Option<Timestamp>,
    pub(crate) initialized_at: Option<Timestamp>,
    /// Whether all app containers are ready, and since when that is so.
    pub(crate) ready: (bool, Timestamp),
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) deletion: Option<Deletion>,
    /// How a deletion ends the containers, one after another.
    pub(super) stops: Vec<Stop>,
    pub(crate) init: Vec<Container>,
    pub(crate) apps: Vec<Container>,
    pub(crate) events: Events,
}

impl Life {
    pub(crate) fn new(facts: &Facts, settings: &Settings) -> Self {
        let created_at = facts.created_at;
        Self {
            status: Status::Scheduling,
            forced: None,
            transition: None,
            changed_at: created_at,
            placing: Placing::new(facts, settings),
            spot: None,
            pending_until: later(created_at, facts.max_pending()),
            deadline: facts.active_deadline().map(|deadline| later(created_at, deadline)),
            placed_at: None,
            initialized_at: None,
            ready: (false, created_at),
            ended_at: None,
            deletion: None,
            stops: Vec::new(),
            init: Container::all(facts, ContainerKind::Init),
            apps: Container::all(facts, ContainerKind::App),
            events: Events::default(),
        }
    }

    /// The status that replies show.
    pub(crate) fn status(&self) -> Status {
        match self.deletion {
            Some(deletion) if deletion.shows_terminating => Status::Terminating,
            _ => self.forced.unwrap_or(self.status),
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.status.is_terminal()
    }

    pub(crate) fn is_gone(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|deletion| deletion.gone_at <= now)
    }

    /// When something happens by itself.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        if let Some(deletion) = self.deletion {
            let stop = self.stops.iter().map(|stop| stop.at).min();
            return Some(stop.map_or(deletion.gone_at, |stop| stop.min(deletion.gone_at)));
        }
        if self.is_terminal() {
            return None;
        }
        let pending_until = (self.status == Status::Pending).then_some(self.pending_until);
        if self.placed_at.is_none() {
            return [Some(self.placing.at), pending_until, self.deadline].into_iter().flatten().min();
        }
        let containers = self.init.iter().chain(&self.apps).filter_map(Container::due);
        let spot = self.spot.as_ref().map(Spot::due);
        containers.chain(pending_until).chain(self.deadline).chain(spot).min()
    }

    /// What stood against the offer that was tried last, until the group is placed.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        self.placing.refusal.as_ref().filter(|_| self.placed_at.is_none())
    }

    /// Whether it has not been placed yet, and may be.
    pub(super) fn waits_for_place(&self) -> bool {
        self.placed_at.is_none() && !self.is_terminal() && self.deletion.is_none()
    }

    pub(super) fn advance(&mut self, facts: &Facts, now: Timestamp, settings: &Settings) {
        if self.waits_for_place() {
            self.give_up(now);
        }
        let lives = |life: &Self| life.deletion.is_none() && life.placed_at.is_some();
        while let Some(due) = self.due().filter(|due| *due <= now && lives(self)) {
            self.step(facts, due, settings);
        }
        self.stop_due(now);
    }

    fn step(&mut self, facts: &Facts, at: Timestamp, settings: &Settings) {
        if self.look_at_spot(facts, at, settings) {
            return;
        }
        self.changed_at = at;
        // The time in which an init container runs does not count as pending; look again later.
        if self.pending_until <= at && self.init.iter().any(Container::is_running) {
            self.pending_until = later(at, SignedDuration::from_mins(1));
        }
        if self.give_up(at) {
            return;
        }
        for container in self.init.iter_mut().chain(&mut self.apps) {
            container.step(at, facts, settings, &mut self.events);
        }
        self.progress(at, settings);
    }

    /// Returns whether it was time to.
    fn look_at_spot(&mut self, facts: &Facts, at: Timestamp, settings: &Settings) -> bool {
        let Some(spot) = self.spot.as_mut().filter(|spot| spot.due() <= at) else { return false };
        if spot.release_at.is_some() {
            self.finish(at, Status::Expired, "SpotToBeReleased", "the spot instance was released");
        } else if spot.step(facts, at, settings, &mut self.events) {
            self.changed_at = at;
        }
        true
    }

    /// No offer could be had yet, or none at all.
    pub(super) fn unplaced(&mut self, at: Timestamp, status: Status) {
        self.changed_at = at;
        self.status = status;
        self.ended_at = status.is_terminal().then_some(at);
    }

    pub(super) fn placed(&mut self, facts: &Facts, at: Timestamp, settings: &Settings) {
        self.events.normal(at, "Scheduled", "The container group was placed.".to_owned());
        self.changed_at = at;
        self.placed_at = Some(at);
        self.spot = facts.is_spot.then(|| Spot::new(facts, at));
        self.status = Status::Pending;
        self.begin_next(at, settings);
    }

    /// Takes a spot group back after `notice`, protected or not. Returns whether it is one that lives.
    pub(crate) fn reclaim(&mut self, at: Timestamp, notice: SignedDuration) -> bool {
        let lives = !self.is_terminal() && self.deletion.is_none();
        let Some(spot) = self.spot.as_mut().filter(|_| lives) else { return false };
        spot.announce(at, notice, "The capacity is needed", &mut self.events);
        self.changed_at = at;
        true
    }

    /// Begins the next init container, or all app containers once the last has succeeded.
    fn begin_next(&mut self, at: Timestamp, settings: &Settings) {
        let next = self.init.iter_mut().find(|container| !container.has_succeeded());
        match next {
            Some(container) if container.is_idle() => container.begin(at, settings, &mut self.events),
            Some(_) => {}
            None => {
                self.initialized_at.get_or_insert(at);
                self.begin_apps(at, settings);
            }
        }
    }

    /// Begins the app containers of the highest launch priority among those left, once all above it have started.
    fn begin_apps(&mut self, at: Timestamp, settings: &Settings) {
        let idle = self.apps.iter().filter(|container| container.is_idle());
        let Some(next) = idle.map(|container| container.switches.launch_priority).max() else { return };
        let is_held =
            |container: &Container| container.switches.launch_priority > next && !container.is_settled();
        if self.apps.iter().any(is_held) {
            return;
        }
        let of_level =
            |container: &&mut Container| container.is_idle() && container.switches.launch_priority == next;
        for container in self.apps.iter_mut().filter(of_level) {
            container.begin(at, settings, &mut self.events);
        }
    }

    /// Draws the consequences of what the containers did.
    pub(super) fn progress(&mut self, at: Timestamp, settings: &Settings) {
        self.begin_next(at, settings);
        self.end_sidecars(at);
        let is_ready = |container: &Container| container.switches.ignores_ready || container.is_ready();
        let ready = self.apps.iter().any(Container::is_running) && self.apps.iter().all(is_ready);
        if ready != self.ready.0 {
            self.ready = (ready, at);
        }
        let init_failed =
            self.init.iter().any(|container| container.has_ended() && !container.has_succeeded());
        let status = if init_failed {
            // Only a group that never restarts lets an init container end in failure.
            Status::Failed
        } else if self.apps.iter().all(Container::has_ended) {
            self.outcome()
        } else if self.apps.iter().all(Container::was_created) {
            Status::Running
        } else {
            Status::Pending
        };
        if status.is_terminal() || self.apps.iter().all(Container::is_settled) {
            self.transition = None;
        }
        self.status = self.transition.unwrap_or(status);
        if status.is_terminal() {
            self.ended_at = Some(at);
            self.forced = None;
        }
    }

    /// Begins all containers whose turn it is after a restart or an update. With `from_scratch` the init
    /// containers run again first.
    pub(super) fn begin_anew(
        &mut self,
        at: Timestamp,
        transition: Status,
        from_scratch: bool,
        settings: &Settings,
    ) {
        self.changed_at = at;
        self.transition = Some(transition);
        self.forced = None;
        if from_scratch {
            self.initialized_at = None;
        }
        self.progress(at, settings);
    }

    /// Ends a running container from outside. Returns whether it was running.
    pub(crate) fn end_container(
        &mut self,
        name: &str,
        at: Timestamp,
        exit: Exit,
        policy: RestartPolicy,
        settings: &Settings,
    ) -> bool {
        let mut containers = self.init.iter_mut().chain(&mut self.apps);
        let Some(container) = containers.find(|container| container.name == name && container.is_running())
        else {
            return false;
        };
        container.end(at, exit, policy, settings, &mut self.events);
        self.changed_at = at;
        self.progress(at, settings);
        true
    }

    pub(crate) fn container(&self, name: &str) -> Option<&Container> {
        self.init.iter().chain(&self.apps).find(|container| container.name == name)
    }

    pub(crate) fn container_mut(&mut self, name: &str) -> Option<&mut Container> {
        self.init.iter_mut().chain(&mut self.apps).find(|container| container.name == name)
    }

    pub(crate) fn set_ready(&mut self, name: &str, ready: bool, at: Timestamp, settings: &Settings) -> bool {
        let Some(container) = self.container_mut(name).filter(|container| container.is_running()) else {
            return false;
        };
        container.set_ready(ready);
        self.changed_at = at;
        self.progress(at, settings);
        true
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::facts::tests::facts;
    use super::super::{Group, Phase};
    use super::*;
    use crate::settings::{Stock, Terminating};

    pub(crate) struct World {
        pub(crate) group: Group,
        pub(crate) settings: Settings,
        pub(crate) now: Timestamp,
    }

    impl World {
        pub(crate) fn new(changes: &[(&str, &str)]) -> Self {
            Self::with(Settings::default(), changes)
        }

        pub(crate) fn with(settings: Settings, changes: &[(&str, &str)]) -> Self {
            let facts = facts(changes);
            let now = facts.created_at;
            Self { group: Group::new(facts, &settings), settings, now }
        }

        pub(crate) fn advance(&mut self, milliseconds: i64) -> Status {
            self.now += SignedDuration::from_millis(milliseconds);
            self.group.advance(self.now, &self.settings);
            self.group.life.status()
        }

        pub(crate) fn delete(&mut self, force: bool) {
            self.group.life.delete(&self.group.facts, self.now, force, &self.settings);
        }

        pub(crate) fn waiting(&self, name: &str) -> Option<&'static str> {
            self.group.life.container(name).unwrap().waiting().map(|(reason, _)| reason)
        }

        pub(crate) fn exit_code(&self, name: &str) -> Option<i32> {
            let container = self.group.life.container(name).unwrap();
            container.current.as_ref().and_then(|current| current.exit().map(|exit| exit.code))
        }
    }

    const SHELL: [(&str, &str); 2] = [("Container.1.Command.1", "sh"), ("Container.1.Command.2", "-c")];

    fn script(text: &str, more: &[(&str, &str)]) -> World {
        World::new(&[&SHELL[..], &[("Container.1.Arg.1", text)], more].concat())
    }

    #[test]
    fn a_group_goes_from_scheduling_over_pending_to_running() {
        let mut world = World::new(&[]);
        assert_eq!(world.advance(299), Status::Scheduling);
        assert_eq!(world.advance(1), Status::Pending);
        assert_eq!(world.waiting("nginx"), Some("ContainerCreating"));
        assert_eq!(world.advance(349), Status::Pending);
        assert_eq!(world.advance(1), Status::Running);
        assert!(world.group.life.ready.0);
        let reasons: Vec<_> = world.group.life.events.iter().map(|event| event.reason).collect();
        assert_eq!(reasons, ["Scheduled", "Pulling", "Pulled", "Created", "Started"]);
    }

    #[test]
    fn reading_late_gives_the_same_history_as_reading_often() {
        let mut often = script("sleep 2; exit 3", &[]);
        let mut late = script("sleep 2; exit 3", &[]);
        for _ in 0..1000 {
            often.advance(100);
        }
        late.advance(100_000);
        assert_eq!(format!("{:?}", often.group), format!("{:?}", late.group));
        assert!(late.group.life.container("nginx").unwrap().restarts > 2);
    }

    #[test]
    fn a_container_that_may_not_restart_decides_the_outcome() {
        let mut done = script("sleep 1", &[("RestartPolicy", "Never")]);
        assert_eq!(done.advance(5_000), Status::Succeeded);
        let mut failed = script("sleep 1; exit 3", &[("RestartPolicy", "Never")]);
        assert_eq!(failed.advance(5_000), Status::Failed);
        assert_eq!(failed.exit_code("nginx"), Some(3));
        assert_eq!(failed.group.life.ended_at.unwrap().to_string(), "2026-01-01T00:00:01.65Z");
    }

    #[test]
    fn on_failure_restarts_only_failures() {
        let mut done = script("exit 0", &[("RestartPolicy", "OnFailure")]);
        assert_eq!(done.advance(5_000), Status::Succeeded);
        let mut failing = script("exit 1", &[("RestartPolicy", "OnFailure")]);
        assert_eq!(failing.advance(5_000), Status::Running);
        assert_eq!(failing.waiting("nginx"), Some("CrashLoopBackOff"));
    }

    #[test]
    fn restarts_back_off_ten_seconds_doubling() {
        let mut world = script("exit 1", &[]);
        world.advance(5_000);
        let restarts = |world: &World| world.group.life.container("nginx").unwrap().restarts;
        assert_eq!(restarts(&world), 1, "the first restart follows at once");
        world.advance(10_000);
        assert_eq!(restarts(&world), 2);
        world.advance(15_000);
        assert_eq!(restarts(&world), 2);
        world.advance(2_000);
        assert_eq!(restarts(&world), 3);
        let container = world.group.life.container("nginx").unwrap();
        assert_eq!(container.previous.as_ref().unwrap().exit().unwrap().code, 1);
    }

    #[test]
    fn init_containers_run_one_after_another_before_the_others() {
        let mut world = script(
            "sleep 60",
            &[
                ("InitContainer.1.Name", "first"),
                ("InitContainer.1.Image", "busybox"),
                ("InitContainer.1.Command.1", "sleep"),
                ("InitContainer.1.Arg.1", "1"),
                ("InitContainer.2.Name", "second"),
                ("InitContainer.2.Image", "busybox"),
                ("InitContainer.2.Command.1", "true"),
            ],
        );
        assert_eq!(world.advance(1_000), Status::Pending);
        let phase = |world: &World, name: &str| world.group.life.container(name).unwrap().phase.clone();
        assert_eq!(phase(&world, "first"), Phase::Running);
        assert_eq!(phase(&world, "second"), Phase::Idle);
        assert_eq!(world.waiting("nginx"), Some("PodInitializing"));
        world.advance(1_300);
        assert_eq!((phase(&world, "first"), phase(&world, "second")), (Phase::Ended, Phase::Ended));
        assert_eq!(world.advance(400), Status::Running);
    }

    #[test]
    fn a_failed_init_container_fails_a_group_that_never_restarts() {
        let init = [
            ("InitContainer.1.Name", "first"),
            ("InitContainer.1.Image", "busybox"),
            ("InitContainer.1.Command.1", "false"),
        ];
        let mut never = World::new(&[&init[..], &[("RestartPolicy", "Never")]].concat());
        assert_eq!(never.advance(5_000), Status::Failed);
        let mut always = World::new(&init);
        assert_eq!(always.advance(5_000), Status::Pending);
        assert_eq!(always.waiting("first"), Some("CrashLoopBackOff"));
    }

    #[test]
    fn a_deletion_ends_an_init_container_too() {
        let init = [
            ("InitContainer.1.Name", "first"),
            ("InitContainer.1.Image", "busybox"),
            ("InitContainer.1.Command.1", "sleep"),
            ("InitContainer.1.Arg.1", "3600"),
            // The hook of the container that has its number is not its own.
            ("Container.1.LifecyclePreStopHandlerExec.1", "sleep"),
            ("Container.1.LifecyclePreStopHandlerExec.2", "5"),
            ("TerminationGracePeriodSeconds", "10"),
        ];
        let mut world = World::new(&init);
        world.advance(2_000);
        world.delete(false);
        world.advance(200);
        assert_eq!(world.exit_code("first"), Some(143));
        assert_eq!(world.exit_code("nginx"), None);
        let stopped = world.group.life.events.iter().find(|event| event.reason == "Killing");
        assert_eq!(stopped.map(|event| event.message.as_str()), Some("Stopping container first"));
    }

    #[test]
    fn an_image_that_does_not_exist_keeps_the_group_pending() {
        let mut world = World::new(&[("Container.1.Image", "registry.example/does-not-exist:1")]);
        world.advance(700);
        assert_eq!(world.waiting("nginx"), Some("ErrImagePull"));
        world.advance(500);
        assert_eq!(world.waiting("nginx"), Some("ImagePullBackOff"));
        assert_eq!(world.advance(3_600_000), Status::Pending);
        assert_eq!(world.advance(4 * 3_600_000), Status::Failed);
    }

    #[test]
    fn a_group_may_be_pending_only_so_long() {
        let missing = ("Container.1.Image", "does-not-exist");
        let mut world = World::new(&[missing, ("MaxPendingMinute", "10")]);
        assert_eq!(world.advance(599_000), Status::Pending);
        assert_eq!(world.advance(2_000), Status::Failed);
    }

    #[test]
    fn a_group_may_be_active_only_so_long() {
        let mut world = World::new(&[("ActiveDeadlineSeconds", "30")]);
        assert_eq!(world.advance(29_000), Status::Running);
        assert_eq!(world.advance(1_000), Status::Failed);
        assert_eq!(world.exit_code("nginx"), Some(137));
    }

    #[test]
    fn without_stock_a_group_ends_in_schedule_failed() {
        let settings = Settings { stock: Stock::ScheduleFailed, ..Settings::default() };
        let mut world = World::with(settings, &[]);
        assert_eq!(world.advance(300), Status::ScheduleFailed);
        let reasons: Vec<_> = world.group.life.events.iter().map(|event| event.reason).collect();
        assert_eq!(reasons, ["MultiZoneRecommendations", "StockExhaust", "NoStock"]);
    }

    #[test]
    fn readiness_waits_for_the_probe() {
        let mut world = World::new(&[
            ("Container.1.ReadinessProbe.TcpSocket.Port", "80"),
            ("Container.1.ReadinessProbe.InitialDelaySeconds", "5"),
        ]);
        assert_eq!(world.advance(5_600), Status::Running);
        assert!(!world.group.life.ready.0);
        world.advance(100);
        assert!(world.group.life.ready.0);
    }

    #[test]
    fn a_deletion_without_hook_takes_the_visible_time_only() {
        let mut world = World::new(&[]);
        world.advance(1_000);
        let (facts, now) = (&world.group.facts, world.now);
        world.group.life.delete(facts, now, false, &world.settings);
        assert_eq!(world.advance(499), Status::Running);
        assert!(!world.group.life.is_gone(world.now));
        world.advance(1);
        assert!(world.group.life.is_gone(world.now));
    }

    #[test]
    fn a_pre_stop_hook_shows_terminating_until_it_ends_or_the_grace_period_does() {
        let hook = |seconds| {
            vec![
                ("Container.1.LifecyclePreStopHandlerExec.1", "sleep"),
                ("Container.1.LifecyclePreStopHandlerExec.2", seconds),
            ]
        };
        for (seconds, gone_after) in [("2", 2_500), ("3600", 30_500)] {
            let mut world = World::new(&hook(seconds));
            world.advance(1_000);
            let now = world.now;
            world.group.life.delete(&world.group.facts, now, false, &world.settings);
            assert_eq!(world.advance(gone_after - 1), Status::Terminating);
            world.advance(1);
            assert!(world.group.life.is_gone(world.now), "{seconds}");
        }
    }

    #[test]
    fn force_skips_hooks_and_stubborn_containers() {
        let mut world = script("trap '' TERM; sleep 3600", &[]);
        world.advance(1_000);
        let now = world.now;
        world.group.life.delete(&world.group.facts, now, false, &world.settings);
        world.advance(20_000);
        assert!(!world.group.life.is_gone(world.now), "it waits for the grace period");
        let now = world.now;
        world.group.life.delete(&world.group.facts, now, true, &world.settings);
        world.advance(500);
        assert!(world.group.life.is_gone(world.now));
    }

    #[test]
    fn the_terminating_status_can_be_shown_always() {
        let settings = Settings { terminating: Terminating::Always, ..Settings::default() };
        let mut world = World::with(settings, &[]);
        world.advance(1_000);
        let now = world.now;
        world.group.life.delete(&world.group.facts, now, false, &world.settings);
        assert_eq!(world.advance(1), Status::Terminating);
    }

    #[test]
    fn a_forced_status_hides_the_real_one_and_a_terminal_one_ends_the_group() {
        let mut world = World::new(&[]);
        world.advance(1_000);
        let now = world.now;
        world.group.life.force(now, Some(Status::Updating), "");
        assert_eq!(world.advance(1), Status::Updating);
        world.group.life.force(now, None, "");
        assert_eq!(world.advance(1), Status::Running);
        let now = world.now;
        world.group.life.force(now, Some(Status::Expired), "reclaimed");
        assert_eq!(world.advance(1), Status::Expired);
        assert_eq!(world.exit_code("nginx"), Some(137));
    }

    #[test]
    fn a_container_can_be_ended_from_outside() {
        let mut world = World::new(&[("RestartPolicy", "Never")]);
        world.advance(1_000);
        let exit = Exit { code: 137, signal: 9, reason: "OOMKilled".into(), message: String::new() };
        let now = world.now;
        assert!(world.group.life.end_container(
            "nginx",
            now,
            exit.clone(),
            RestartPolicy::Never,
            &world.settings
        ));
        assert_eq!(world.advance(1), Status::Failed);
        assert!(!world.group.life.end_container("nginx", now, exit, RestartPolicy::Never, &world.settings));
    }

    #[test]
    fn a_post_start_hook_that_fails_kills_its_container_and_one_by_http_succeeds() {
        let exec = ("Container.1.LifecyclePostStartHandlerExec.1", "false");
        let mut failing = script("sleep 3600", &[exec, ("RestartPolicy", "Never")]);
        assert_eq!(failing.advance(5_000), Status::Failed);
        assert_eq!(failing.exit_code("nginx"), Some(137));
        assert!(failing.group.life.events.iter().any(|event| event.reason == "FailedPostStartHook"));
        let http = ("Container.1.LifecyclePostStartHandlerHttpGetPort", "80");
        assert_eq!(script("sleep 3600", &[http]).advance(5_000), Status::Running);
        let variable = [
            http,
            ("Container.1.EnvironmentVar.1.Key", "ECI_SIM_POST_START"),
            ("Container.1.EnvironmentVar.1.Value", "sleep 2; exit 1"),
        ];
        let mut late = script("sleep 3600", &variable);
        assert_eq!(late.advance(2_600), Status::Running);
        assert_eq!(late.group.life.container("nginx").unwrap().restarts, 0);
        late.advance(5_000);
        assert!(late.group.life.container("nginx").unwrap().restarts > 0);
    }

    #[test]
    fn a_pre_stop_hook_that_fails_is_told_and_the_signal_follows() {
        let hook = [
            ("Container.1.LifecyclePreStopHandlerTcpSocketPort", "80"),
            ("Container.1.EnvironmentVar.1.Key", "ECI_SIM_PRE_STOP"),
            ("Container.1.EnvironmentVar.1.Value", "sleep 3; exit 1"),
        ];
        let mut world = script("sleep 3600", &hook);
        world.advance(1_000);
        world.delete(false);
        assert_eq!(world.advance(2_900), Status::Terminating);
        assert_eq!(world.exit_code("nginx"), None);
        world.advance(200);
        assert_eq!(world.exit_code("nginx"), Some(143));
        assert!(world.group.life.events.iter().any(|event| event.reason == "FailedPreStopHook"));
    }
}
