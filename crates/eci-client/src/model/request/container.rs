//! Declares the containers of CreateContainerGroup and what belongs to one.

use crate::model::flatten::request;
use crate::model::{ImagePullPolicy, MountPropagation, Protocol, Scheme, Secret, TerminationMessagePolicy};

request! {
    /// A container.
    pub struct CreateContainer {
        /// Required, unique in its group.
        pub name: String = "Name",
        /// Required, 1–255 characters.
        pub image: String = "Image",
        /// When the image is pulled; `None` is the cloud's choice.
        pub image_pull_policy: Option<ImagePullPolicy> = "ImagePullPolicy",
        /// vCPU; `None` shares what the group has.
        pub cpu: Option<f64> = "Cpu",
        /// Memory, GiB; `None` shares what the group has.
        pub memory: Option<f64> = "Memory",
        /// Number of GPUs; at least one container of a GPU type needs it.
        pub gpu: Option<i32> = "Gpu",
        /// In place of the image's entry point; 20 items of 256 characters are documented. Empty keeps the image's.
        pub command: Vec<String> = "Command",
        /// In place of the image's command; 10 items are documented. Empty keeps the image's.
        pub arg: Vec<String> = "Arg",
        /// The working directory; `None` is the image's.
        pub working_dir: Option<String> = "WorkingDir",
        /// Environment variables.
        pub environment_var: Vec<EnvironmentVar> = "EnvironmentVar",
        /// Leave the variables out of replies.
        pub environment_var_hide: Option<bool> = "EnvironmentVarHide",
        /// Ports. 111, 998, 10250 and 10255 belong to the platform.
        pub port: Vec<ContainerPort> = "Port",
        /// Mounted volumes.
        pub volume_mount: Vec<VolumeMount> = "VolumeMount",
        /// Keep stdin open; `None` is no.
        pub stdin: Option<bool> = "Stdin",
        /// Close stdin after the first client; `None` is no.
        pub stdin_once: Option<bool> = "StdinOnce",
        /// Give it a terminal; `None` is no.
        pub tty: Option<bool> = "Tty",
        /// The file of its last words, 4 KB; `None` is `/dev/termination-log`.
        pub termination_message_path: Option<String> = "TerminationMessagePath",
        /// Where its last words come from; `None` is the file.
        pub termination_message_policy: Option<TerminationMessagePolicy> = "TerminationMessagePolicy",
        /// User, root file system, capabilities.
        pub security_context: Option<ContainerSecurityContext> = "SecurityContext",
        /// The group id of its process.
        pub security_context_run_as_group: Option<i64> = "SecurityContextRunAsGroup",
        /// Refuse to run it as root.
        pub security_context_run_as_non_root: Option<bool> = "SecurityContextRunAsNonRoot",
        /// Run it privileged.
        pub security_context_privileged: Option<bool> = "SecurityContextPrivileged",
        /// Restarts the container when it fails.
        pub liveness_probe: Option<Probe> = "LivenessProbe",
        /// Makes the container ready.
        pub readiness_probe: Option<Probe> = "ReadinessProbe",
        /// Runs right after the start.
        pub lifecycle_post_start_handler: Option<LifecycleHandler> = "LifecyclePostStartHandler",
        /// Runs right before the end.
        pub lifecycle_pre_stop_handler: Option<LifecycleHandler> = "LifecyclePreStopHandler",
    }

    /// A container that runs to its end before the others start.
    pub struct CreateInitContainer {
        /// Required, unique in its group.
        pub name: String = "Name",
        /// Required, 1–255 characters.
        pub image: String = "Image",
        /// When the image is pulled; `None` is the cloud's choice.
        pub image_pull_policy: Option<ImagePullPolicy> = "ImagePullPolicy",
        /// vCPU; `None` shares what the group has.
        pub cpu: Option<f64> = "Cpu",
        /// Memory, GiB; `None` shares what the group has.
        pub memory: Option<f64> = "Memory",
        /// Number of GPUs.
        pub gpu: Option<i32> = "Gpu",
        /// In place of the image's entry point; empty keeps the image's.
        pub command: Vec<String> = "Command",
        /// In place of the image's command; empty keeps the image's.
        pub arg: Vec<String> = "Arg",
        /// The working directory; `None` is the image's.
        pub working_dir: Option<String> = "WorkingDir",
        /// Environment variables.
        pub environment_var: Vec<EnvironmentVar> = "EnvironmentVar",
        /// Ports.
        pub port: Vec<ContainerPort> = "Port",
        /// Mounted volumes.
        pub volume_mount: Vec<VolumeMount> = "VolumeMount",
        /// The file of its last words, 4 KB; `None` is `/dev/termination-log`.
        pub termination_message_path: Option<String> = "TerminationMessagePath",
        /// Where its last words come from; `None` is the file.
        pub termination_message_policy: Option<TerminationMessagePolicy> = "TerminationMessagePolicy",
        /// User, root file system, capabilities.
        pub security_context: Option<ContainerSecurityContext> = "SecurityContext",
    }

    /// An environment variable.
    pub struct EnvironmentVar {
        /// 1–128 characters `[A-Za-z0-9_]`, not first a digit.
        pub key: String = "Key",
        /// 0–256 characters; never shown by `Debug`. `None` where `field_ref` gives it.
        pub value: Option<Secret> = "Value",
        /// A field of the group in place of a value.
        pub field_ref: Option<FieldRef> = "FieldRef",
    }

    /// A field of the group.
    pub struct FieldRef {
        /// Only `status.podIP`.
        pub field_path: String = "FieldPath",
    }

    /// A port.
    pub struct ContainerPort {
        /// 1–65535.
        pub port: i32 = "Port",
        /// TCP or UDP; `None` is TCP.
        pub protocol: Option<Protocol> = "Protocol",
    }

    /// A mounted volume.
    pub struct VolumeMount {
        /// The volume's name.
        pub name: String = "Name",
        /// Where it is seen in the container; hides what the image has there.
        pub mount_path: String = "MountPath",
        /// The part of the volume that is mounted; `None` is its root.
        pub sub_path: Option<String> = "SubPath",
        /// Refuse writing; `None` is no.
        pub read_only: Option<bool> = "ReadOnly",
        /// How later mounts travel; `None` is not at all.
        pub mount_propagation: Option<MountPropagation> = "MountPropagation",
    }

    /// What a container may do.
    pub struct ContainerSecurityContext {
        /// Capabilities.
        pub capability: Option<Capability> = "Capability",
        /// Make the root file system read-only; the cloud accepts only `true`.
        pub read_only_root_filesystem: Option<bool> = "ReadOnlyRootFilesystem",
        /// The user id of its process; `None` is the image's.
        pub run_as_user: Option<i64> = "RunAsUser",
    }

    /// Capabilities.
    pub struct Capability {
        /// Those to add to the default ones, `NET_ADMIN` for example.
        pub add: Vec<String> = "Add",
    }

    /// A probe: exactly one of `exec`, `http_get`, `tcp_socket`.
    pub struct Probe {
        /// A command that has to end with 0.
        pub exec: Option<Exec> = "Exec",
        /// A request that has to be answered with 200–399.
        pub http_get: Option<HttpGet> = "HttpGet",
        /// A connection that has to be accepted.
        pub tcp_socket: Option<TcpSocket> = "TcpSocket",
        /// Seconds from the start to the first probe; `None` is 0.
        pub initial_delay_seconds: Option<i32> = "InitialDelaySeconds",
        /// Seconds between probes, at least 1; `None` is 10.
        pub period_seconds: Option<i32> = "PeriodSeconds",
        /// Seconds until a probe counts as failed, at least 1; `None` is 1.
        pub timeout_seconds: Option<i32> = "TimeoutSeconds",
        /// Successes in a row that count as success; only 1.
        pub success_threshold: Option<i32> = "SuccessThreshold",
        /// Failures in a row that count as failure; `None` is 3.
        pub failure_threshold: Option<i32> = "FailureThreshold",
    }

    /// A command.
    pub struct Exec {
        /// Program and arguments, 20 at most; no shell.
        pub command: Vec<String> = "Command",
    }

    /// A request to the group itself.
    pub struct HttpGet {
        /// The path; `None` is `/`.
        pub path: Option<String> = "Path",
        /// The port, 1–65535.
        pub port: i32 = "Port",
        /// HTTP or HTTPS; `None` is HTTP.
        pub scheme: Option<Scheme> = "Scheme",
    }

    /// A connection to the group itself.
    pub struct TcpSocket {
        /// The port, 1–65535.
        pub port: i32 = "Port",
    }

    /// A hook: exactly one of command, request and connection. On the wire its members are glued to its name
    /// (`LifecyclePreStopHandlerTcpSocketPort`).
    pub struct LifecycleHandler joined by "" {
        /// Program and arguments; no shell.
        pub exec: Vec<String> = "Exec",
        /// The host of a request; `None` is the group itself.
        pub http_get_host: Option<String> = "HttpGetHost",
        /// The path of a request.
        pub http_get_path: Option<String> = "HttpGetPath",
        /// The port of a request.
        pub http_get_port: Option<i32> = "HttpGetPort",
        /// The scheme of a request; `None` is HTTP.
        pub http_get_scheme: Option<Scheme> = "HttpGetScheme",
        /// The headers of a request.
        pub http_get_http_header: Vec<HttpHeader> = "HttpGetHttpHeader",
        /// The host of a connection; `None` is the group itself.
        pub tcp_socket_host: Option<String> = "TcpSocketHost",
        /// The port of a connection.
        pub tcp_socket_port: Option<i32> = "TcpSocketPort",
    }

    /// A header of a hook's request.
    pub struct HttpHeader {
        /// Its name.
        pub name: String = "Name",
        /// Its value; may be a token, never shown by `Debug`.
        pub value: Secret = "Value",
    }
}
