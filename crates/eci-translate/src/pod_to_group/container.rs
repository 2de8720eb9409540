//! Translates one container, every field of it: into a parameter, into nothing for a stated reason, or refused.

use k8s_openapi::api::core::v1 as corev1;

use eci_client::model::request::{
    ContainerPort, CreateContainer, CreateInitContainer, EnvironmentVar, VolumeMount,
};
use eci_client::model::{ImagePullPolicy, Protocol, TerminationMessagePolicy};

use super::Context;
use super::env::Environment;
use super::mounts;
use super::probes;
use super::report::{Path, Report, items};
use super::security::{self, Kind, Security};
use super::volumes::Volumes;
use crate::limits;
use crate::size::Size;

/// What ECI takes for containers of both kinds.
struct Common {
    image: String,
    image_pull_policy: Option<ImagePullPolicy>,
    cpu: Option<f64>,
    memory: Option<f64>,
    command: Vec<String>,
    arg: Vec<String>,
    working_dir: Option<String>,
    environment_var: Vec<EnvironmentVar>,
    environment_var_hide: Option<bool>,
    port: Vec<ContainerPort>,
    volume_mount: Vec<VolumeMount>,
    termination_message_path: Option<String>,
    termination_message_policy: Option<TerminationMessagePolicy>,
    security: Security,
}

/// Where a container stands, and what the whole pod's translation has found for it.
pub(crate) struct Place<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) volumes: &'a Volumes,
    pub(crate) kind: Kind,
    pub(crate) path: Path,
    pub(crate) size: Size,
}

/// A container that runs as long as the pod.
pub(crate) fn main(container: &corev1::Container, place: &Place<'_>, report: &mut Report) -> CreateContainer {
    let path = &place.path;
    let common = common(container, place, report);
    let probe = |probe: Option<&corev1::Probe>, name: &str, report: &mut Report| {
        probe.map(|probe| probes::probe(probe, container, &path.field(name), report))
    };
    let lifecycle = container.lifecycle.as_ref();
    let hook = |handler: Option<&corev1::LifecycleHandler>, name: &str, report: &mut Report| {
        let path = path.field("lifecycle").field(name);
        handler.map(|handler| probes::hook(handler, container, &path, report))
    };
    CreateContainer {
        name: container.name.clone(),
        image: common.image,
        image_pull_policy: common.image_pull_policy,
        cpu: common.cpu,
        memory: common.memory,
        gpu: None,
        command: common.command,
        arg: common.arg,
        working_dir: common.working_dir,
        environment_var: common.environment_var,
        environment_var_hide: common.environment_var_hide,
        port: common.port,
        volume_mount: common.volume_mount,
        stdin: container.stdin.filter(|on| *on),
        stdin_once: container.stdin_once.filter(|on| *on),
        tty: container.tty.filter(|on| *on),
        termination_message_path: common.termination_message_path,
        termination_message_policy: common.termination_message_policy,
        security_context: common.security.context,
        security_context_run_as_group: common.security.run_as_group,
        security_context_run_as_non_root: common.security.run_as_non_root,
        security_context_privileged: common.security.privileged,
        liveness_probe: probe(container.liveness_probe.as_ref(), "livenessProbe", report),
        readiness_probe: probe(container.readiness_probe.as_ref(), "readinessProbe", report),
        lifecycle_post_start_handler: hook(
            lifecycle.and_then(|it| it.post_start.as_ref()),
            "postStart",
            report,
        ),
        lifecycle_pre_stop_handler: hook(lifecycle.and_then(|it| it.pre_stop.as_ref()), "preStop", report),
    }
}

/// A container that runs to its end before the others start.
pub(crate) fn init(
    container: &corev1::Container,
    place: &Place<'_>,
    report: &mut Report,
) -> CreateInitContainer {
    let path = &place.path;
    let common = common(container, place, report);
    let no_parameter = "ECI has no such parameter for init containers";
    report.reject_on(path, "stdin", container.stdin, no_parameter);
    report.reject_on(path, "stdinOnce", container.stdin_once, no_parameter);
    report.reject_on(path, "tty", container.tty, no_parameter);
    report.reject_set(path, "livenessProbe", container.liveness_probe.as_ref(), no_parameter);
    report.reject_set(path, "readinessProbe", container.readiness_probe.as_ref(), no_parameter);
    let lifecycle =
        container.lifecycle.as_ref().filter(|it| it.post_start.is_some() || it.pre_stop.is_some());
    report.reject_set(path, "lifecycle", lifecycle, no_parameter);
    if common.environment_var_hide.is_some() {
        let reason = "ECI cannot hide the variables of an init container: those from Secrets show to whoever may \
                      describe the container group; mount the Secret as a file instead";
        report.ignore(path.field("env"), reason);
    }
    CreateInitContainer {
        name: container.name.clone(),
        image: common.image,
        image_pull_policy: common.image_pull_policy,
        cpu: common.cpu,
        memory: common.memory,
        gpu: None,
        command: common.command,
        arg: common.arg,
        working_dir: common.working_dir,
        environment_var: common.environment_var,
        port: common.port,
        volume_mount: common.volume_mount,
        termination_message_path: common.termination_message_path,
        termination_message_policy: common.termination_message_policy,
        security_context: common.security.context,
    }
}

/// All fields of a container. The list is complete on purpose: one that Kubernetes adds must not compile until
/// somebody has decided about it.
fn common(container: &corev1::Container, place: &Place<'_>, report: &mut Report) -> Common {
    let Place { context, volumes, kind, path, size } = place;
    let corev1::Container {
        args,
        command,
        env: _,
        env_from: _,
        image,
        image_pull_policy,
        lifecycle,
        // The probes, stdin and tty: by kind, in the callers.
        liveness_probe: _,
        name: _,
        ports,
        readiness_probe: _,
        resize_policy,
        // Read by `Demand`.
        resources: _,
        restart_policy,
        restart_policy_rules,
        security_context,
        startup_probe,
        stdin: _,
        stdin_once: _,
        termination_message_path,
        termination_message_policy,
        tty: _,
        volume_devices,
        volume_mounts: _,
        working_dir,
    } = container;

    let no_startup =
        "ECI has no startup probe; give the liveness probe an initialDelaySeconds that covers the start";
    report.reject_set(path, "startupProbe", startup_probe.as_ref(), no_startup);
    report.reject_any(path, "volumeDevices", volume_devices.as_ref(), "ECI has no raw block volumes");
    let stop_signal = lifecycle.as_ref().and_then(|lifecycle| lifecycle.stop_signal.as_ref());
    report.reject_set(
        &path.field("lifecycle"),
        "stopSignal",
        stop_signal,
        "ECI sends the image's stop signal",
    );
    own_restarts(restart_policy.as_deref(), place, report);
    let no_rules = "ECI restarts all containers of a pod by one rule";
    report.reject_any(path, "restartPolicyRules", restart_policy_rules.as_ref(), no_rules);
    if items(resize_policy.as_ref()).iter().any(|policy| policy.restart_policy != "NotRequired") {
        report.ignore(path.field("resizePolicy"), "has no effect: a container group keeps its size");
    }

    let environment = Environment::of(context, container, path, report);
    let mut expanded = |list: Option<&Vec<String>>, name: &str| -> Vec<String> {
        if items(list).len() > limits::COMMAND_ITEMS {
            report.reject(&path.field(name), format!("ECI takes at most {} items", limits::COMMAND_ITEMS));
        }
        let paths = (0..).map(|index| path.item(name, index));
        items(list).iter().zip(paths).map(|(item, path)| environment.expand(item, &path, report)).collect()
    };
    Common {
        command: expanded(command.as_ref(), "command"),
        arg: expanded(args.as_ref(), "args"),
        image: self::image(image.as_deref(), path, report),
        image_pull_policy: image_pull_policy.as_deref().map(ImagePullPolicy::from),
        cpu: Some(size.cpu()).filter(|cpu| *cpu > 0.0),
        memory: Some(size.memory_gib()).filter(|memory| *memory > 0.0),
        working_dir: working_dir.clone().filter(|dir| !dir.is_empty()),
        port: self::ports(items(ports.as_ref()), path, report),
        volume_mount: mounts::mounts(container, &environment, volumes, path, report),
        // Replies to whoever may list groups would show the values of Secrets otherwise.
        environment_var_hide: environment.holds_secret().then_some(true),
        environment_var: environment.into_parameters(path, report),
        termination_message_path: termination_message_path
            .clone()
            .filter(|path| path != "/dev/termination-log"),
        termination_message_policy: termination_message_policy
            .as_deref()
            .map(TerminationMessagePolicy::from)
            .filter(|policy| *policy != TerminationMessagePolicy::File),
        security: security::of_container(
            security_context.as_ref(),
            context.spec.security_context.as_ref(),
            *kind,
            &path.field("securityContext"),
            report,
        ),
    }
}

/// A container may name a restart policy, but only the pod's own can be honoured.
fn own_restarts(policy: Option<&str>, place: &Place<'_>, report: &mut Report) {
    let Some(policy) = policy else { return };
    let path = place.path.field("restartPolicy");
    let of_pod = place.context.spec.restart_policy.as_deref().unwrap_or("Always");
    match place.kind {
        Kind::Init if policy == "Always" => report
            .reject(&path, "ECI has no sidecars among its init containers; make it an ordinary container"),
        _ if policy != of_pod => {
            report.reject(&path, "ECI restarts all containers of a pod by one rule, the pod's")
        }
        _ => {}
    }
}

fn image(image: Option<&str>, path: &Path, report: &mut Report) -> String {
    let image = image.unwrap_or_default();
    if image.is_empty() {
        report.reject(&path.field("image"), "ECI needs an image");
    }
    if image.chars().count() > limits::IMAGE_CHARS {
        report.reject(
            &path.field("image"),
            format!("is longer than the {} characters ECI takes", limits::IMAGE_CHARS),
        );
    }
    image.to_owned()
}

fn ports(ports: &[corev1::ContainerPort], path: &Path, report: &mut Report) -> Vec<ContainerPort> {
    if ports.len() > limits::PORTS {
        report.reject(&path.field("ports"), format!("ECI takes at most {} ports a container", limits::PORTS));
    }
    let paths = (0..).map(|index| path.item("ports", index));
    ports.iter().zip(paths).map(|(it, path)| port(it, &path, report)).collect()
}

fn port(port: &corev1::ContainerPort, path: &Path, report: &mut Report) -> ContainerPort {
    // The name is for the probes.
    let corev1::ContainerPort { container_port, host_ip, host_port, name: _, protocol } = port;
    let no_host = "a container group has no host; the pod's own address has all of its ports";
    report.reject_set(path, "hostPort", host_port.filter(|port| *port != 0).as_ref(), no_host);
    report.reject_set(path, "hostIP", host_ip.as_ref().filter(|ip| !ip.is_empty()), no_host);
    if limits::PLATFORM_PORTS.contains(container_port) {
        report
            .reject(&path.field("containerPort"), "ECI itself listens on this port in every container group");
    }
    let protocol = match protocol.as_deref().unwrap_or("TCP") {
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        _ => {
            report.reject(&path.field("protocol"), "ECI knows TCP and UDP");
            None
        }
    };
    ContainerPort { port: *container_port, protocol }
}
