//! What a container's environment variables switch: the platform's own, and those of this simulator.
//!
//! Published: `ECI_CONTAINER_TYPE` (`sidecar`), `ECI_CONTAINER_LAUNCH_PRIORITY`, `ECI_CONTAINER_EXIT_PRIORITY` (−1000 to
//! 1000, higher first), `ECI_CONTAINER_IGNORE_EXIT_CODE`, `ECI_CONTAINER_IGNORE_READY`. What they do in detail is
//! inferred. Ours: `ECI_SIM_PULL_MS`, how long the pull of the image takes.

use jiff::SignedDuration;

use crate::params::Node;
use crate::settings::millis;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Switches {
    /// It ends with the others, and neither keeps the group alive nor decides how it ended.
    pub(super) is_sidecar: bool,
    pub(super) launch_priority: i32,
    pub(super) exit_priority: i32,
    pub(super) ignores_exit_code: bool,
    pub(super) ignores_ready: bool,
    pub(super) pull: Option<SignedDuration>,
}

impl Switches {
    pub(super) fn of(container: &Node<'_>) -> Self {
        let variables = container.items("EnvironmentVar");
        let value = |name: &str| {
            let found = variables.iter().find(|variable| variable.text("Key") == Some(name));
            found.and_then(|variable| variable.text("Value")).unwrap_or_default().trim()
        };
        let is_true = |name: &str| value(name).eq_ignore_ascii_case("true");
        let priority = |name: &str| value(name).parse::<i32>().unwrap_or(0).clamp(-1000, 1000);
        Self {
            is_sidecar: value("ECI_CONTAINER_TYPE").eq_ignore_ascii_case("sidecar"),
            launch_priority: priority("ECI_CONTAINER_LAUNCH_PRIORITY"),
            exit_priority: priority("ECI_CONTAINER_EXIT_PRIORITY"),
            ignores_exit_code: is_true("ECI_CONTAINER_IGNORE_EXIT_CODE"),
            ignores_ready: is_true("ECI_CONTAINER_IGNORE_READY"),
            pull: value("ECI_SIM_PULL_MS").parse().ok().map(millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::super::life::tests::World;
    use crate::group::Phase;

    const JOB: [(&str, &str); 7] = [
        ("RestartPolicy", "Never"),
        ("Container.1.Command.1", "sleep"),
        ("Container.1.Command.2", "5"),
        ("Container.2.Name", "side"),
        ("Container.2.Image", "busybox"),
        ("Container.2.EnvironmentVar.1.Key", "ECI_CONTAINER_TYPE"),
        ("Container.2.EnvironmentVar.1.Value", "sidecar"),
    ];

    fn with(name: &'static str, value: &'static str, more: &[(&'static str, &'static str)]) -> World {
        let mut changes = JOB.to_vec();
        changes[5].1 = name;
        changes[6].1 = value;
        World::new(&[&changes[..], more].concat())
    }

    #[test]
    fn a_sidecar_ends_with_the_others_and_does_not_count() {
        let mut world = World::new(&JOB);
        assert_eq!(world.advance(5_000), Status::Running);
        assert_eq!(world.advance(1_000), Status::Succeeded);
        assert_eq!(world.exit_code("side"), Some(143), "it was asked to end");
        let mut normal = with("ECI_CONTAINER_TYPE", "normal", &[]);
        assert_eq!(normal.advance(3_600_000), Status::Running, "a server never ends by itself");
    }

    #[test]
    fn an_exit_code_can_be_left_out_of_the_outcome() {
        let fails = [("Container.2.Command.1", "exit"), ("Container.2.Command.2", "3")];
        assert_eq!(with("OTHER", "TRUE", &fails).advance(10_000), Status::Failed);
        let mut ignored = with("ECI_CONTAINER_IGNORE_EXIT_CODE", "TRUE", &fails);
        assert_eq!(ignored.advance(10_000), Status::Succeeded);
        assert_eq!(ignored.exit_code("side"), Some(3));
    }

    #[test]
    fn readiness_can_be_left_out_of_the_groups() {
        let never = [("Container.2.ReadinessProbe.Exec.Command.1", "false")];
        let mut counted = with("OTHER", "TRUE", &never);
        counted.advance(2_000);
        assert!(!counted.group.life.ready.0);
        let mut ignored = with("ECI_CONTAINER_IGNORE_READY", "true", &never);
        ignored.advance(2_000);
        assert!(ignored.group.life.ready.0);
    }

    #[test]
    fn a_container_of_higher_priority_starts_first() {
        let mut world = with("ECI_CONTAINER_LAUNCH_PRIORITY", "10", &[]);
        world.advance(600);
        let phase = |world: &World, name: &str| world.group.life.container(name).unwrap().phase.clone();
        assert_eq!(phase(&world, "nginx"), Phase::Idle);
        assert!(matches!(phase(&world, "side"), Phase::Starting { .. }));
        world.advance(100);
        assert_eq!(phase(&world, "side"), Phase::Running);
        assert!(matches!(phase(&world, "nginx"), Phase::Pulling { .. }));
        assert_eq!(world.advance(400), Status::Running);
    }

    #[test]
    fn containers_are_ended_by_exit_priority_within_the_grace_period() {
        let slow_hook = [
            ("Container.2.LifecyclePreStopHandlerExec.1", "sleep"),
            ("Container.2.LifecyclePreStopHandlerExec.2", "4"),
            ("Container.1.Command.2", "3600"),
        ];
        let mut world = with("ECI_CONTAINER_EXIT_PRIORITY", "10", &slow_hook);
        world.advance(1_000);
        world.delete(false);
        world.advance(3_900);
        assert_eq!((world.exit_code("side"), world.exit_code("nginx")), (None, None));
        world.advance(200);
        assert_eq!((world.exit_code("side"), world.exit_code("nginx")), (Some(143), Some(143)));
        let first_asked = [("Container.1.EnvironmentVar.1.Key", "ECI_CONTAINER_EXIT_PRIORITY")];
        let more = [&slow_hook[..], &first_asked, &[("Container.1.EnvironmentVar.1.Value", "20")]].concat();
        let mut world = with("ECI_CONTAINER_EXIT_PRIORITY", "10", &more);
        world.advance(1_000);
        world.delete(false);
        world.advance(100);
        assert_eq!((world.exit_code("side"), world.exit_code("nginx")), (None, Some(143)));
    }

    #[test]
    fn a_pull_takes_as_long_as_the_container_says() {
        let mut world = with("ECI_SIM_PULL_MS", "60000", &[]);
        assert_eq!(world.advance(59_000), Status::Pending);
        assert_eq!(world.waiting("side"), Some("ContainerCreating"));
        assert_ne!(world.advance(2_000), Status::Pending);
    }
}
