//! Turns the volumes of a pod into those of a container group: empty directories, and files whose content travels in
//! the request.
//!
//! The files are those of the moment of creation: a ConfigMap that changes later does not reach a running group.

mod files;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1 as corev1;

use eci_client::model::request::{ConfigFileToPath, ConfigFileVolume, EmptyDirVolume, Volume};
use eci_client::model::{EmptyDirMedium, FileMode, VolumeType};

use self::files::{Files, Folder};
use super::Context;
use super::report::{Path, Report, items};
use crate::limits;
use crate::quantity::Amount;

/// The volumes of a pod, translated.
#[derive(Default)]
pub(crate) struct Volumes {
    /// As the request wants them.
    pub(crate) parameters: Vec<Volume>,
    /// Names of those that hold files from the request: Kubernetes mounts them read-only.
    pub(crate) read_only: BTreeSet<String>,
    /// Places of files that users other than their owner may not read.
    pub(crate) closed: Vec<Path>,
}

impl Volumes {
    /// Translates all volumes of the pod.
    pub(crate) fn of(context: &Context<'_>, report: &mut Report) -> Self {
        let list = items(context.spec.volumes.as_ref());
        if list.len() > limits::VOLUMES {
            let reason = format!("ECI takes at most {} volumes", limits::VOLUMES);
            report.reject(&Path::spec().field("volumes"), reason);
        }
        let mut volumes = Self::default();
        let mut bytes = 0;
        for (index, volume) in list.iter().enumerate() {
            let path = Path::spec().item("volumes", index);
            match source(context, volume, &path, report) {
                Some(Source::EmptyDir(empty_dir)) => {
                    volumes.parameters.push(with_empty_dir(&volume.name, empty_dir))
                }
                Some(Source::Files(files)) => {
                    bytes += files.bytes();
                    if !files.readable_by_others() {
                        volumes.closed.push(path);
                    }
                    volumes.read_only.insert(volume.name.clone());
                    volumes.parameters.push(with_files(&volume.name, files));
                }
                None => {}
            }
        }
        if bytes > limits::ALL_FILES_BYTES {
            let names: Vec<&str> = volumes.read_only.iter().map(String::as_str).collect();
            let (names, most) = (names.join(", "), limits::ALL_FILES_BYTES);
            let reason =
                format!("the files of {names} have {bytes} bytes together, and ECI takes at most {most}");
            report.reject(&Path::spec().field("volumes"), reason);
        }
        volumes
    }
}

enum Source {
    EmptyDir(Option<EmptyDirVolume>),
    Files(Files),
}

/// Where the volume's content comes from. The list of members is complete on purpose: a kind of volume that
/// Kubernetes adds must not compile until somebody has decided about it.
fn source(
    context: &Context<'_>,
    volume: &corev1::Volume,
    path: &Path,
    report: &mut Report,
) -> Option<Source> {
    let corev1::Volume {
        name,
        config_map,
        downward_api,
        empty_dir,
        projected,
        secret,
        aws_elastic_block_store,
        azure_disk,
        azure_file,
        cephfs,
        cinder,
        csi,
        ephemeral,
        fc,
        flex_volume,
        flocker,
        gce_persistent_disk,
        git_repo,
        glusterfs,
        host_path,
        image,
        iscsi,
        nfs,
        persistent_volume_claim,
        photon_persistent_disk,
        portworx_volume,
        quobyte,
        rbd,
        scale_io,
        storageos,
        vsphere_volume,
    } = volume;

    let not_yet =
        "volumes of this kind are not translated to ECI yet; use emptyDir, configMap, secret or projected";
    report.reject_set(path, "csi", csi.as_ref(), not_yet);
    report.reject_set(path, "ephemeral", ephemeral.as_ref(), not_yet);
    report.reject_set(path, "flexVolume", flex_volume.as_ref(), not_yet);
    report.reject_set(path, "nfs", nfs.as_ref(), not_yet);
    report.reject_set(path, "persistentVolumeClaim", persistent_volume_claim.as_ref(), not_yet);
    let no_host = "a container group has no host whose files it could see";
    report.reject_set(path, "hostPath", host_path.as_ref(), no_host);
    let unknown = "ECI has no such volume";
    report.reject_set(path, "awsElasticBlockStore", aws_elastic_block_store.as_ref(), unknown);
    report.reject_set(path, "azureDisk", azure_disk.as_ref(), unknown);
    report.reject_set(path, "azureFile", azure_file.as_ref(), unknown);
    report.reject_set(path, "cephfs", cephfs.as_ref(), unknown);
    report.reject_set(path, "cinder", cinder.as_ref(), unknown);
    report.reject_set(path, "fc", fc.as_ref(), unknown);
    report.reject_set(path, "flocker", flocker.as_ref(), unknown);
    report.reject_set(path, "gcePersistentDisk", gce_persistent_disk.as_ref(), unknown);
    report.reject_set(path, "gitRepo", git_repo.as_ref(), unknown);
    report.reject_set(path, "glusterfs", glusterfs.as_ref(), unknown);
    report.reject_set(path, "image", image.as_ref(), unknown);
    report.reject_set(path, "iscsi", iscsi.as_ref(), unknown);
    report.reject_set(path, "photonPersistentDisk", photon_persistent_disk.as_ref(), unknown);
    report.reject_set(path, "portworxVolume", portworx_volume.as_ref(), unknown);
    report.reject_set(path, "quobyte", quobyte.as_ref(), unknown);
    report.reject_set(path, "rbd", rbd.as_ref(), unknown);
    report.reject_set(path, "scaleIO", scale_io.as_ref(), unknown);
    report.reject_set(path, "storageos", storageos.as_ref(), unknown);
    report.reject_set(path, "vsphereVolume", vsphere_volume.as_ref(), unknown);

    if let Some(source) = empty_dir {
        return Some(Source::EmptyDir(self::empty_dir(source, &path.field("emptyDir"), report)));
    }
    let folder = Folder::new(context, name, report);
    match (config_map, secret, projected, downward_api) {
        (Some(source), ..) => Some(folder.config_map_volume(source, &path.field("configMap"))),
        (_, Some(source), ..) => Some(folder.secret_volume(source, &path.field("secret"))),
        (_, _, Some(source), _) => Some(folder.projected_volume(source, &path.field("projected"))),
        (.., Some(source)) => Some(folder.downward_api_volume(source, &path.field("downwardAPI"))),
        _ => None,
    }
    .map(Source::Files)
}

fn empty_dir(
    source: &corev1::EmptyDirVolumeSource,
    path: &Path,
    report: &mut Report,
) -> Option<EmptyDirVolume> {
    let corev1::EmptyDirVolumeSource { medium, mode, size_limit } = source;
    report.reject_set(path, "mode", mode.as_ref(), "ECI cannot set the mode of an empty directory");
    let medium = match medium.as_deref().unwrap_or_default() {
        "" => None,
        "Memory" => Some(EmptyDirMedium::Memory),
        "LocalRaid0" => Some(EmptyDirMedium::LocalRaid0),
        _ => {
            report.reject(
                &path.field("medium"),
                "ECI keeps empty directories on disk, in Memory or on LocalRaid0",
            );
            None
        }
    };
    let size_limit = size_limit.as_ref().and_then(|quantity| {
        let amount = Amount::of(quantity);
        if amount.is_none() {
            report.reject(&path.field("sizeLimit"), "is not a quantity");
        }
        amount.filter(|amount| amount.is_positive())
    });
    // The API wants a unit, which a quantity of plain bytes lacks.
    let size_limit = size_limit.map(|amount| format!("{}Mi", amount.in_units_of(1 << 20)));
    (medium.is_some() || size_limit.is_some()).then_some(EmptyDirVolume { medium, size_limit })
}

fn with_empty_dir(name: &str, empty_dir_volume: Option<EmptyDirVolume>) -> Volume {
    Volume { name: name.to_owned(), r#type: VolumeType::EmptyDir, empty_dir_volume, ..Volume::default() }
}

fn with_files(name: &str, files: Files) -> Volume {
    // Optional and absent, or an object without keys: the directory is there, and nothing is in it.
    if files.is_empty() {
        return with_empty_dir(name, None);
    }
    let default_mode = files.default_mode;
    let parameter = |file: files::File| ConfigFileToPath {
        path: file.path,
        content: STANDARD.encode(&file.content).into(),
        mode: Some(file.mode).filter(|mode| *mode != default_mode).map(FileMode),
    };
    let config_file_volume = ConfigFileVolume {
        default_mode: Some(default_mode).filter(|mode| *mode != files::USUAL_MODE).map(FileMode),
        config_file_to_path: files.into_iter().map(parameter).collect(),
    };
    Volume {
        name: name.to_owned(),
        r#type: VolumeType::ConfigFile,
        config_file_volume: Some(config_file_volume),
        ..Volume::default()
    }
}
