//! The documented limits of containers and init containers.

use std::collections::BTreeSet;

use super::Checker;
use crate::params::Node;
use crate::settings::CommandLimits;

/// Containers of one kind in a group: the product's limit, half of what the metadata allows.
const MAX_CONTAINERS: usize = 20;

/// What the platform listens on inside every group.
const PLATFORM_PORTS: &[u16] = &[111, 998, 10250, 10255];

const CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "KILL",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_RAWIO",
];

pub(super) fn check(checker: &mut Checker<'_>, root: &Node<'_>) {
    let volumes: BTreeSet<&str> =
        root.items("Volume").iter().filter_map(|volume| volume.text("Name")).collect();
    let mut names = BTreeSet::new();
    for list in ["Container", "InitContainer"] {
        checker.at_most(root, list, MAX_CONTAINERS);
        for container in root.items(list) {
            check_one(checker, container);
            mounts(checker, container, &volumes);
            if let Some(name) = container.text("Name").filter(|name| !names.insert(*name)) {
                let message = format!("the name {name:?} is used twice");
                checker.report(container.path_of("Name"), "InvalidParameter.DuplicatedName", message);
            }
        }
    }
    for container in root.items("InitContainer") {
        // The table does not mark these as required, but an init container without them cannot run.
        checker.required(container, "Name");
        checker.required(container, "Image");
    }
    for container in root.items("Container") {
        probe(checker, container, "LivenessProbe");
        probe(checker, container, "ReadinessProbe");
        hook(checker, container, "LifecyclePostStartHandler");
        hook(checker, container, "LifecyclePreStopHandler");
    }
}

fn check_one(checker: &mut Checker<'_>, container: &Node<'_>) {
    checker.length(container, "Image", 0, 255);
    checker.one_of(container, "ImagePullPolicy", &["Always", "IfNotPresent", "Never"]);
    checker.one_of(container, "TerminationMessagePolicy", &["File", "FallbackToLogsOnError"]);
    checker.one_of(container, "SecurityContext.ReadOnlyRootFilesystem", &["true", "True"]);
    checker.between(container, "SecurityContext.RunAsUser", 0, i64::MAX);
    checker.between(container, "SecurityContextRunAsGroup", 0, i64::MAX);
    for capability in container.items("SecurityContext.Capability.Add") {
        checker.one_of(capability, "", CAPABILITIES);
    }
    for name in ["Cpu", "Memory", "Gpu"] {
        if container.number::<f64>(name).is_some_and(|number| number < 0.0) {
            checker.invalid(container.path_of(name), "must not be negative");
        }
    }
    command(checker, container);
    environment(checker, container);
    ports(checker, container);
}

fn command(checker: &mut Checker<'_>, container: &Node<'_>) {
    let (commands, arguments, length) = match checker.rules.command_limits {
        CommandLimits::Metadata => (101, 101, usize::MAX),
        CommandLimits::Documented => (20, 10, 256),
    };
    checker.at_most(container, "Command", commands);
    checker.at_most(container, "Arg", arguments);
    for item in container.items("Command").into_iter().chain(container.items("Arg")) {
        checker.length(item, "", 0, length);
    }
}

fn environment(checker: &mut Checker<'_>, container: &Node<'_>) {
    checker.at_most(container, "EnvironmentVar", 241);
    for variable in container.items("EnvironmentVar") {
        checker.required(variable, "Key");
        checker.length(variable, "Key", 0, 128);
        checker.length(variable, "Value", 0, 256);
        let key = variable.text("Key").unwrap_or_default();
        let word = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !word || key.starts_with(|c: char| c.is_ascii_digit()) {
            checker
                .invalid(variable.path_of("Key"), "letters, digits and _ only, not beginning with a digit");
        }
        checker.one_of(variable, "FieldRef.FieldPath", &["status.podIP"]);
        if variable.has("Value") && variable.has("FieldRef") {
            checker.invalid(variable.path_of("FieldRef"), "cannot be given together with Value");
        }
    }
}

fn ports(checker: &mut Checker<'_>, container: &Node<'_>) {
    checker.at_most(container, "Port", 101);
    for port in container.items("Port") {
        checker.required(port, "Port");
        checker.between(port, "Port", 1, 65535);
        checker.one_of(port, "Protocol", &["TCP", "UDP"]);
        if port.number::<u16>("Port").is_some_and(|number| PLATFORM_PORTS.contains(&number)) {
            checker.invalid(port.path_of("Port"), "is taken by the platform");
        }
    }
}

fn mounts(checker: &mut Checker<'_>, container: &Node<'_>, volumes: &BTreeSet<&str>) {
    checker.at_most(container, "VolumeMount", 101);
    let mut paths = BTreeSet::new();
    for mount in container.items("VolumeMount") {
        checker.required(mount, "Name");
        checker.required(mount, "MountPath");
        checker.one_of(mount, "MountPropagation", &["None", "HostToContainer", "Bidirectional"]);
        if let Some(name) = mount.text("Name").filter(|name| !volumes.contains(name)) {
            checker.invalid(mount.path_of("Name"), format!("there is no volume {name:?}"));
        }
        let path = mount.text("MountPath").unwrap_or_default();
        if !path.is_empty() && !path.starts_with('/') {
            checker.invalid(mount.path_of("MountPath"), "must begin with /");
        } else if !path.is_empty() && !paths.insert(path.trim_end_matches('/')) {
            checker.invalid(mount.path_of("MountPath"), "another volume is mounted there");
        }
        let sub_path = mount.text("SubPath").unwrap_or_default();
        if sub_path.starts_with('/') || sub_path.split('/').any(|segment| segment == "..") {
            checker.invalid(mount.path_of("SubPath"), "must be relative and must not contain ..");
        }
    }
}

fn probe(checker: &mut Checker<'_>, container: &Node<'_>, name: &str) {
    let Some(probe) = container.member(name) else {
        return;
    };
    let handlers = ["HttpGet", "Exec", "TcpSocket"].iter().filter(|handler| probe.has(handler)).count();
    if handlers != 1 {
        checker.invalid(probe.path_of(""), "needs exactly one of HttpGet, Exec and TcpSocket");
    }
    for (handler, needed) in [("HttpGet", "HttpGet.Port"), ("TcpSocket", "TcpSocket.Port")] {
        if probe.has(handler) {
            checker.required(probe, needed);
        }
    }
    checker.at_most(probe, "Exec.Command", 20);
    checker.between(probe, "HttpGet.Port", 1, 65535);
    checker.between(probe, "TcpSocket.Port", 1, 65535);
    checker.one_of(probe, "HttpGet.Scheme", &["HTTP", "HTTPS"]);
    checker.between(probe, "InitialDelaySeconds", 0, i64::MAX);
    checker.between(probe, "PeriodSeconds", 1, i64::MAX);
    checker.between(probe, "TimeoutSeconds", 1, i64::MAX);
    checker.between(probe, "SuccessThreshold", 1, 1);
    checker.between(probe, "FailureThreshold", 1, i64::MAX);
}

fn hook(checker: &mut Checker<'_>, container: &Node<'_>, prefix: &str) {
    checker.at_most(container, &format!("{prefix}Exec"), 101);
    checker.between(container, &format!("{prefix}HttpGetPort"), 1, 65535);
    checker.between(container, &format!("{prefix}TcpSocketPort"), 1, 65535);
    checker.one_of(container, &format!("{prefix}HttpGetScheme"), &["HTTP", "HTTPS"]);
    let has = |member: &str| container.has(&format!("{prefix}{member}"));
    if ["HttpGetPath", "HttpGetHost", "HttpGetScheme", "HttpGetHttpHeader"].into_iter().any(has) {
        checker.required(container, &format!("{prefix}HttpGetPort"));
    }
    if has("TcpSocketHost") {
        checker.required(container, &format!("{prefix}TcpSocketPort"));
    }
    let handlers = ["Exec", "HttpGetPort", "TcpSocketPort"];
    if handlers.iter().filter(|handler| container.has(&format!("{prefix}{handler}"))).count() > 1 {
        checker.invalid(container.path_of(prefix), "needs exactly one kind of handler");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{create_with, problems};
    use super::super::validate;
    use crate::settings::{CommandLimits, Settings};

    #[test]
    fn twenty_containers_pass_and_one_more_does_not() {
        let names: Vec<(String, String)> =
            (1..=21).map(|n| (format!("Container.{n}.Name"), format!("Container.{n}.Image"))).collect();
        let all: Vec<(&str, &str)> = names
            .iter()
            .flat_map(|(name, image)| [(name.as_str(), name.as_str()), (image, "busybox")])
            .collect();
        assert_eq!(problems(&all[..40]), Vec::<String>::new());
        assert_eq!(problems(&all), ["Container.N InvalidParameter.ValueExceeded"]);
    }

    #[test]
    fn container_names_are_unique_across_both_kinds() {
        let found = problems(&[("InitContainer.1.Name", "nginx"), ("InitContainer.1.Image", "busybox")]);
        assert_eq!(found, ["InitContainer.1.Name InvalidParameter.DuplicatedName"]);
    }

    #[test]
    fn environment_variables_follow_their_rules() {
        let key = "Container.1.EnvironmentVar.1.Key";
        for bad in ["1A", "A-B", "A.B"] {
            assert_eq!(problems(&[(key, bad)]), [format!("{key} InvalidParameter")], "{bad}");
        }
        let value = ("Container.1.EnvironmentVar.1.Value", "v");
        let field = ("Container.1.EnvironmentVar.1.FieldRef.FieldPath", "status.podIP");
        assert_eq!(problems(&[(key, "A"), field]), Vec::<String>::new());
        assert_eq!(
            problems(&[(key, "A"), field, value]),
            ["Container.1.EnvironmentVar.1.FieldRef InvalidParameter"]
        );
        let other = (field.0, "metadata.name");
        assert_eq!(problems(&[(key, "A"), other]), [format!("{} InvalidParameter", field.0)]);
        let long = "v".repeat(257);
        assert_eq!(
            problems(&[(key, "A"), (value.0, &long)]),
            [format!("{} InvalidParameter.LengthExceeded", value.0)]
        );
    }

    #[test]
    fn ports_are_in_range_and_of_a_known_protocol() {
        assert_eq!(
            problems(&[("Container.1.Port.1.Port", "65536"), ("Container.1.Port.1.Protocol", "SCTP")]),
            [
                "Container.1.Port.1.Port InvalidParameter.ValueExceeded",
                "Container.1.Port.1.Protocol InvalidParameter"
            ]
        );
    }

    #[test]
    fn a_mount_names_a_volume_that_exists() {
        let found = problems(&[
            ("Container.1.VolumeMount.1.Name", "nowhere"),
            ("Container.1.VolumeMount.1.MountPath", "/x"),
        ]);
        assert_eq!(found, ["Container.1.VolumeMount.1.Name InvalidParameter"]);
    }

    #[test]
    fn a_probe_has_one_handler_and_succeeds_after_one_success() {
        assert_eq!(
            problems(&[("Container.1.ReadinessProbe.PeriodSeconds", "5")]),
            ["Container.1.ReadinessProbe InvalidParameter"]
        );
        assert_eq!(
            problems(&[
                ("Container.1.ReadinessProbe.TcpSocket.Port", "80"),
                ("Container.1.ReadinessProbe.SuccessThreshold", "2")
            ]),
            ["Container.1.ReadinessProbe.SuccessThreshold InvalidParameter.ValueExceeded"]
        );
    }

    #[test]
    fn a_read_only_root_file_system_can_only_be_asked_for() {
        let name = "Container.1.SecurityContext.ReadOnlyRootFilesystem";
        assert_eq!(problems(&[(name, "true")]), Vec::<String>::new());
        assert_eq!(problems(&[(name, "false")]), [format!("{name} InvalidParameter")]);
    }

    #[test]
    fn capabilities_come_from_the_published_list() {
        let name = "Container.1.SecurityContext.Capability.Add.1";
        assert_eq!(problems(&[(name, "NET_ADMIN")]), Vec::<String>::new());
        assert_eq!(problems(&[(name, "SYS_ADMIN")]), [format!("{name} InvalidParameter")]);
    }

    #[test]
    fn the_documented_command_limits_hold_only_under_their_switch() {
        let script = "x".repeat(257);
        let parameters = create_with(&[("Container.1.Command.1", &script)]);
        let mut settings = Settings::default();
        assert!(validate("CreateContainerGroup", &parameters, &settings.rules()).is_ok());
        settings.command_limits = CommandLimits::Documented;
        let problems = validate("CreateContainerGroup", &parameters, &settings.rules()).unwrap_err();
        assert_eq!(problems[0].code, "InvalidParameter.LengthExceeded");
    }
}
