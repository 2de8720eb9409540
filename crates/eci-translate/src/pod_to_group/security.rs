//! Turns security contexts into what ECI has parameters for.
//!
//! What is missing there is told of where the pod still does its work without it (`seccompProfile`, dropped
//! capabilities, `allowPrivilegeEscalation`: the "restricted" pod security standard asks for them of every pod), and
//! refused where it would see a difference (groups, SELinux labels, profiles of its own).

use k8s_openapi::api::core::v1 as corev1;

use eci_client::model::request::{Capability, ContainerSecurityContext, SecurityContext, Sysctl};

use super::report::{Path, Report, items};
use super::volumes::Volumes;
use crate::limits;

/// Capabilities that can be added, per the product's page; `SYS_RAWIO` by ticket.
const ADDABLE: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_RAWIO",
];

/// Kernel parameters that every pod may set.
const SAFE_SYSCTLS: &[&str] = &["net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"];

const NO_PARAMETER: &str = "has no effect: ECI has no parameter for it and applies its own default";

/// Which list of the pod a container is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `spec.containers`.
    Main,
    /// `spec.initContainers`, for which ECI has fewer parameters.
    Init,
}

/// What a container's security context comes to, in the places where the request wants it.
#[derive(Default)]
pub(crate) struct Security {
    pub(crate) context: Option<ContainerSecurityContext>,
    pub(crate) run_as_group: Option<i64>,
    pub(crate) run_as_non_root: Option<bool>,
    pub(crate) privileged: Option<bool>,
}

/// The security context of one container, with what it inherits from the pod.
pub(crate) fn of_container(
    own: Option<&corev1::SecurityContext>,
    pod: Option<&corev1::PodSecurityContext>,
    kind: Kind,
    path: &Path,
    report: &mut Report,
) -> Security {
    let unset = corev1::SecurityContext::default();
    let corev1::SecurityContext {
        allow_privilege_escalation,
        app_armor_profile,
        capabilities,
        privileged,
        proc_mount,
        read_only_root_filesystem,
        run_as_group,
        run_as_non_root,
        run_as_user,
        se_linux_options,
        seccomp_profile,
        windows_options,
    } = own.unwrap_or(&unset);
    if *allow_privilege_escalation == Some(false) {
        report.ignore(path.field("allowPrivilegeEscalation"), NO_PARAMETER);
    }
    app_armor(app_armor_profile.as_ref(), path, report);
    seccomp(seccomp_profile.as_ref(), path, report);
    se_linux(se_linux_options.as_ref(), path, report);
    report.reject_set(path, "windowsOptions", windows_options.as_ref(), "this node runs Linux");
    if proc_mount.as_deref().is_some_and(|mount| mount != "Default") {
        report.reject(&path.field("procMount"), "ECI has no parameter for it");
    }

    let pod_path = Path::spec().field("securityContext");
    let inherited = |own: bool| if own { path } else { &pod_path };
    let run_as_user = run_as_user.or(pod.and_then(|pod| pod.run_as_user));
    let group = run_as_group.or(pod.and_then(|pod| pod.run_as_group));
    let non_root = run_as_non_root.or(pod.and_then(|pod| pod.run_as_non_root)).filter(|non_root| *non_root);
    let privileged = privileged.filter(|privileged| *privileged);
    if kind == Kind::Init {
        report.reject_on(path, "privileged", privileged, "ECI cannot run an init container privileged");
        let no_group = "ECI cannot set the group of an init container";
        report.reject_set(inherited(run_as_group.is_some()), "runAsGroup", group.as_ref(), no_group);
        // A check, and one that a user id other than 0 has passed.
        if run_as_user.is_none_or(|user| user == 0) {
            let no_check = "ECI cannot check this for an init container; give the init container a runAsUser";
            report.reject_on(inherited(run_as_non_root.is_some()), "runAsNonRoot", non_root, no_check);
        }
    }
    let context = ContainerSecurityContext {
        capability: added(capabilities.as_ref(), path, report),
        read_only_root_filesystem: read_only_root_filesystem.filter(|read_only| *read_only),
        run_as_user,
    };
    Security {
        context: Some(context).filter(|context| *context != ContainerSecurityContext::default()),
        run_as_group: group,
        run_as_non_root: non_root,
        privileged,
    }
}

fn added(
    capabilities: Option<&corev1::Capabilities>,
    path: &Path,
    report: &mut Report,
) -> Option<Capability> {
    let corev1::Capabilities { add, drop } = capabilities?;
    let path = path.field("capabilities");
    if !items(drop.as_ref()).is_empty() {
        report.ignore(path.field("drop"), NO_PARAMETER);
    }
    let mut added = Vec::new();
    for (index, name) in items(add.as_ref()).iter().enumerate() {
        let name = name.strip_prefix("CAP_").unwrap_or(name);
        match ADDABLE.contains(&name) {
            true => added.push(name.to_owned()),
            false => {
                report.reject(&path.item("add", index), format!("ECI can add only {}", ADDABLE.join(", ")))
            }
        }
    }
    (!added.is_empty()).then_some(Capability { add: added })
}

fn seccomp(profile: Option<&corev1::SeccompProfile>, path: &Path, report: &mut Report) {
    let Some(corev1::SeccompProfile { localhost_profile: _, type_ }) = profile else { return };
    let path = path.field("seccompProfile");
    match type_.as_str() {
        "RuntimeDefault" | "Unconfined" => report.ignore(&path, NO_PARAMETER),
        _ => report.reject(&path, "a container group has no host to take a profile from; use RuntimeDefault"),
    }
}

fn app_armor(profile: Option<&corev1::AppArmorProfile>, path: &Path, report: &mut Report) {
    let Some(corev1::AppArmorProfile { localhost_profile: _, type_ }) = profile else { return };
    let path = path.field("appArmorProfile");
    match type_.as_str() {
        "RuntimeDefault" | "Unconfined" => report.ignore(&path, NO_PARAMETER),
        _ => report.reject(&path, "a container group has no host to take a profile from; use RuntimeDefault"),
    }
}

fn se_linux(options: Option<&corev1::SELinuxOptions>, path: &Path, report: &mut Report) {
    if options.is_some_and(|options| *options != corev1::SELinuxOptions::default()) {
        report.reject(&path.field("seLinuxOptions"), "ECI has no SELinux labels");
    }
}

/// The kernel parameters of a pod: safe ones, and others.
#[derive(Default)]
pub(crate) struct Sysctls {
    pub(crate) safe: Option<SecurityContext>,
    pub(crate) host: Option<SecurityContext>,
}

/// The security context of the pod itself; users and groups go to its containers.
pub(crate) fn of_pod(spec: &corev1::PodSpec, volumes: &Volumes, report: &mut Report) -> Sysctls {
    let Some(corev1::PodSecurityContext {
        app_armor_profile,
        fs_group,
        // Says how to do what is not done.
        fs_group_change_policy: _,
        run_as_group: _,
        run_as_non_root: _,
        run_as_user: _,
        // Says how to set labels, which are refused.
        se_linux_change_policy: _,
        se_linux_options,
        seccomp_profile,
        supplemental_groups,
        supplemental_groups_policy,
        sysctls,
        windows_options,
    }) = &spec.security_context
    else {
        return Sysctls::default();
    };
    let path = Path::spec().field("securityContext");
    app_armor(app_armor_profile.as_ref(), &path, report);
    seccomp(seccomp_profile.as_ref(), &path, report);
    se_linux(se_linux_options.as_ref(), &path, report);
    let no_groups = "ECI cannot give a process supplementary groups";
    report.reject_any(&path, "supplementalGroups", supplemental_groups.as_ref(), no_groups);
    if supplemental_groups_policy.as_deref().is_some_and(|policy| policy != "Merge") {
        report.reject(&path.field("supplementalGroupsPolicy"), "ECI keeps the groups of the image's user");
    }
    report.reject_set(&path, "windowsOptions", windows_options.as_ref(), "this node runs Linux");
    if fs_group.is_some() {
        ownership(spec, volumes, &path.field("fsGroup"), report);
    }
    self::sysctls(items(sysctls.as_ref()), &path, report)
}

/// `fsGroup` has no parameter. A pod does without where each process may read every file that comes with the request
/// (others may read them), and where those that share an empty directory (everybody may write to it) run as one user;
/// otherwise it is refused.
fn ownership(spec: &corev1::PodSpec, volumes: &Volumes, path: &Path, report: &mut Report) {
    let empty_dirs = items(spec.volumes.as_ref()).iter().filter(|volume| volume.empty_dir.is_some());
    let shared =
        empty_dirs.map(|volume| volume.name.as_str()).filter(|name| is_shared_among_users(spec, name));
    let shared: Vec<&str> = shared.collect();
    if !shared.is_empty() {
        let reason = format!(
            "ECI cannot set the group of a volume, and containers share {} that do not all set the same runAsUser",
            shared.join(", ")
        );
        report.reject(path, reason);
    }
    if !volumes.closed.is_empty() {
        let closed: Vec<String> = volumes.closed.iter().map(Path::to_string).collect();
        let reason = format!(
            "ECI cannot set the group of a volume, and files of {} are closed to others; \
             give them a mode that lets others read, or drop fsGroup",
            closed.join(", ")
        );
        report.reject(path, reason);
    }
    report.ignore(path, "has no effect: ECI cannot set the group of a volume; everybody may use its files");
}

fn is_shared_among_users(spec: &corev1::PodSpec, volume: &str) -> bool {
    let pod_user = spec.security_context.as_ref().and_then(|context| context.run_as_user);
    let user =
        |it: &corev1::Container| it.security_context.as_ref().and_then(|it| it.run_as_user).or(pod_user);
    let mounts =
        |it: &&corev1::Container| items(it.volume_mounts.as_ref()).iter().any(|it| it.name == volume);
    let containers = spec.containers.iter().chain(items(spec.init_containers.as_ref()));
    let users: Vec<Option<i64>> = containers.filter(mounts).map(user).collect();
    users.len() > 1 && users.iter().any(|user| user.is_none() || *user != users[0])
}

fn sysctls(list: &[corev1::Sysctl], path: &Path, report: &mut Report) -> Sysctls {
    let (mut safe, mut host) = (Vec::new(), Vec::new());
    for (index, corev1::Sysctl { name, value }) in list.iter().enumerate() {
        let sysctl = Sysctl { name: name.clone(), value: value.clone() };
        match name.as_str() {
            name if SAFE_SYSCTLS.contains(&name) => safe.push(sysctl),
            name if is_host_sysctl(name) => host.push(sysctl),
            _ => report.reject(&path.item("sysctls", index), "ECI lets nobody set this kernel parameter"),
        }
    }
    if safe.len().max(host.len()) > limits::SYSCTLS {
        report.reject(&path.field("sysctls"), format!("ECI takes at most {}", limits::SYSCTLS));
    }
    let some = |sysctl: Vec<Sysctl>| (!sysctl.is_empty()).then_some(SecurityContext { sysctl });
    Sysctls { safe: some(safe), host: some(host) }
}

/// Per the API's text on `HostSecurityContext`.
fn is_host_sysctl(name: &str) -> bool {
    let families = ["fs.mqueue.", "kernel.msg", "kernel.shm", "net."];
    let closed = ["kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies"];
    let single = ["kernel.sem", "vm.min_free_kbytes"];
    single.contains(&name)
        || families.iter().any(|family| name.starts_with(family)) && !closed.contains(&name)
}
