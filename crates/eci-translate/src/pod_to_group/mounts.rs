//! Turns the mounts of a container into those of the request.

use k8s_openapi::api::core::v1 as corev1;

use eci_client::model::MountPropagation;
use eci_client::model::request::VolumeMount;

use super::env::Environment;
use super::report::{Path, Report, items};
use super::volumes::Volumes;
use crate::limits;

/// The mounts of one container.
pub(crate) fn mounts(
    container: &corev1::Container,
    environment: &Environment<'_>,
    volumes: &Volumes,
    path: &Path,
    report: &mut Report,
) -> Vec<VolumeMount> {
    let list = items(container.volume_mounts.as_ref());
    if list.len() > limits::MOUNTS {
        let reason = format!("ECI takes at most {} mounts a container", limits::MOUNTS);
        report.reject(&path.field("volumeMounts"), reason);
    }
    let paths = (0..).map(|index| path.item("volumeMounts", index));
    list.iter().zip(paths).map(|(it, path)| mount(it, environment, volumes, &path, report)).collect()
}

fn mount(
    mount: &corev1::VolumeMount,
    environment: &Environment<'_>,
    volumes: &Volumes,
    path: &Path,
    report: &mut Report,
) -> VolumeMount {
    let corev1::VolumeMount {
        bind_mount_options,
        mount_path,
        mount_propagation,
        name,
        read_only,
        recursive_read_only,
        sub_path,
        sub_path_expr,
    } = mount;
    let no_options = "ECI takes no mount options";
    report.reject_any(path, "bindMountOptions", bind_mount_options.as_ref(), no_options);
    // `IfPossible` may be declined, and `Disabled` asks for nothing.
    if recursive_read_only.as_deref() == Some("Enabled") {
        report.reject(
            &path.field("recursiveReadOnly"),
            "ECI cannot make what is mounted below read-only as well",
        );
    }
    let sub_path = match sub_path_expr.as_deref().filter(|expression| !expression.is_empty()) {
        Some(expression) => expanded(expression, environment, &path.field("subPathExpr"), report),
        None => sub_path.clone().filter(|sub_path| !sub_path.is_empty()),
    };
    let read_only = *read_only == Some(true) || volumes.read_only.contains(name);
    VolumeMount {
        name: name.clone(),
        mount_path: mount_path.clone(),
        sub_path,
        read_only: read_only.then_some(true),
        mount_propagation: propagation(mount_propagation.as_deref(), path, report),
    }
}

/// The kubelet's rules: every name known, nothing outside the volume.
fn expanded(
    expression: &str,
    environment: &Environment<'_>,
    path: &Path,
    report: &mut Report,
) -> Option<String> {
    let expanded = environment.expand_strictly(expression).and_then(|expanded| {
        let leaves = expanded.starts_with('/') || expanded.split('/').any(|part| part == "..");
        match leaves || expanded.contains('`') {
            true => Err("must become a relative path without .. and backticks".to_owned()),
            false => Ok(expanded),
        }
    });
    expanded.map_err(|reason| report.reject(path, reason)).ok().filter(|sub_path| !sub_path.is_empty())
}

fn propagation(word: Option<&str>, path: &Path, report: &mut Report) -> Option<MountPropagation> {
    match word.unwrap_or_default() {
        "" | "None" => None,
        "HostToContainer" => Some(MountPropagation::HostToContainer),
        "Bidirectional" => Some(MountPropagation::Bidirectional),
        _ => {
            report
                .reject(&path.field("mountPropagation"), "ECI knows None, HostToContainer and Bidirectional");
            None
        }
    }
}
