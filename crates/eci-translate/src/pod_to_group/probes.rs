//! Turns probes and life-cycle hooks into those of the request: plain numbers and ports, no names.

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use eci_client::model::Scheme;
use eci_client::model::request::{Exec, HttpGet, HttpHeader, LifecycleHandler, Probe, TcpSocket};

use super::env;
use super::report::{Path, Report, items};
use crate::limits;

/// A probe of a container.
pub(crate) fn probe(
    probe: &corev1::Probe,
    container: &corev1::Container,
    path: &Path,
    report: &mut Report,
) -> Probe {
    let corev1::Probe {
        exec,
        failure_threshold,
        grpc,
        http_get,
        initial_delay_seconds,
        period_seconds,
        success_threshold,
        tcp_socket,
        termination_grace_period_seconds,
        timeout_seconds,
    } = probe;
    report.reject_set(
        path,
        "grpc",
        grpc.as_ref(),
        "ECI has no gRPC probe; use exec with a gRPC health client",
    );
    let own_grace = "ECI cannot give a probe a grace period of its own; leave it to the pod's";
    report.reject_set(
        path,
        "terminationGracePeriodSeconds",
        termination_grace_period_seconds.as_ref(),
        own_grace,
    );
    if success_threshold.is_some_and(|threshold| threshold > 1) {
        report
            .reject(&path.field("successThreshold"), "ECI counts a probe as passed after one success; use 1");
    }
    Probe {
        exec: exec.as_ref().map(|exec| probe_command(exec, container, &path.field("exec"), report)),
        http_get: http_get.as_ref().map(|get| probe_get(get, container, &path.field("httpGet"), report)),
        tcp_socket: tcp_socket.as_ref().map(|tcp| {
            let path = path.field("tcpSocket");
            let corev1::TCPSocketAction { host, port } = tcp;
            reject_host(host.as_deref(), &path, report);
            TcpSocket { port: resolved(port, container, &path, report) }
        }),
        initial_delay_seconds: *initial_delay_seconds,
        period_seconds: *period_seconds,
        timeout_seconds: *timeout_seconds,
        success_threshold: success_threshold.map(|_| 1),
        failure_threshold: *failure_threshold,
    }
}

fn probe_command(
    exec: &corev1::ExecAction,
    container: &corev1::Container,
    path: &Path,
    report: &mut Report,
) -> Exec {
    let corev1::ExecAction { command } = exec;
    let command = items(command.as_ref());
    if command.len() > limits::PROBE_COMMAND_ITEMS {
        let reason = format!("ECI takes at most {} items", limits::PROBE_COMMAND_ITEMS);
        report.reject(&path.field("command"), reason);
    }
    Exec { command: command.iter().map(|item| env::expand_with_literals(container, item)).collect() }
}

fn probe_get(
    get: &corev1::HTTPGetAction,
    container: &corev1::Container,
    path: &Path,
    report: &mut Report,
) -> HttpGet {
    let corev1::HTTPGetAction { host, http_headers, path: url_path, port, protocol, scheme } = get;
    reject_host(host.as_deref(), path, report);
    let no_headers = "ECI's probes send no headers of the pod's choice; use exec with an HTTP client";
    report.reject_any(path, "httpHeaders", http_headers.as_ref(), no_headers);
    report.reject_set(path, "protocol", protocol.as_ref(), "ECI's probes speak HTTP/1.1");
    HttpGet {
        path: url_path.clone(),
        port: resolved(port, container, path, report),
        scheme: scheme.as_deref().map(Scheme::from),
    }
}

fn reject_host(host: Option<&str>, path: &Path, report: &mut Report) {
    if host.is_some_and(|host| !host.is_empty()) {
        report.reject(&path.field("host"), "ECI probes only the pod itself");
    }
}

/// A hook of a container.
pub(crate) fn hook(
    handler: &corev1::LifecycleHandler,
    container: &corev1::Container,
    path: &Path,
    report: &mut Report,
) -> LifecycleHandler {
    let corev1::LifecycleHandler { exec, http_get, sleep, tcp_socket } = handler;
    report.reject_set(path, "sleep", sleep.as_ref(), "ECI has no sleep hook; use exec with a sleep command");
    let mut hook = LifecycleHandler::default();
    if let Some(corev1::ExecAction { command }) = exec {
        hook.exec = items(command.as_ref()).to_vec();
        if hook.exec.len() > limits::COMMAND_ITEMS {
            let reason = format!("ECI takes at most {} items", limits::COMMAND_ITEMS);
            report.reject(&path.field("exec").field("command"), reason);
        }
    }
    if let Some(get) = http_get {
        let corev1::HTTPGetAction { host, http_headers, path: url_path, port, protocol, scheme } = get;
        let path = path.field("httpGet");
        report.reject_set(&path, "protocol", protocol.as_ref(), "ECI's hooks speak HTTP/1.1");
        hook.http_get_host = host.clone().filter(|host| !host.is_empty());
        hook.http_get_path = url_path.clone();
        hook.http_get_port = Some(resolved(port, container, &path, report));
        hook.http_get_scheme = scheme.as_deref().map(Scheme::from);
        hook.http_get_http_header = items(http_headers.as_ref()).iter().map(header).collect();
    }
    if let Some(corev1::TCPSocketAction { host, port }) = tcp_socket {
        hook.tcp_socket_host = host.clone().filter(|host| !host.is_empty());
        hook.tcp_socket_port = Some(resolved(port, container, &path.field("tcpSocket"), report));
    }
    hook
}

fn header(header: &corev1::HTTPHeader) -> HttpHeader {
    let corev1::HTTPHeader { name, value } = header;
    HttpHeader { name: name.clone(), value: value.as_str().into() }
}

/// The number of a port that may be given by the name it has in its container.
fn resolved(port: &IntOrString, container: &corev1::Container, path: &Path, report: &mut Report) -> i32 {
    let number = match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => {
            let ports = items(container.ports.as_ref());
            let named = ports.iter().find(|port| port.name.as_ref() == Some(name));
            // The kubelet reads a text of digits as a number.
            named.map(|port| port.container_port).or_else(|| name.parse().ok())
        }
    };
    number.filter(|number| (1..=65535).contains(number)).unwrap_or_else(|| {
        report
            .reject(&path.field("port"), "is neither a port number nor the name of a port of this container");
        0
    })
}
