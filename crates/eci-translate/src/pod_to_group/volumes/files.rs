//! Gathers the files of one volume from ConfigMaps, Secrets, tokens and the pod itself.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as corev1;
use vk_core::TokenKey;

use super::super::Context;
use super::super::fields;
use super::super::report::{Path, Report, items};
use crate::limits;

/// The mode of files that no mode is given for, in Kubernetes and in ECI.
pub(super) const USUAL_MODE: u32 = 0o644;

/// A file of a volume.
pub(super) struct File {
    /// Relative to the volume.
    pub(super) path: String,
    /// Its bytes.
    pub(super) content: Vec<u8>,
    /// Its permission bits.
    pub(super) mode: u32,
}

/// The files of a volume, in the order they were declared; a later one takes the place of an earlier one.
pub(super) struct Files {
    list: Vec<File>,
    pub(super) default_mode: u32,
}

impl Files {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.list.iter().map(|file| file.content.len()).sum()
    }

    pub(super) fn readable_by_others(&self) -> bool {
        self.list.iter().all(|file| file.mode & 0o004 != 0)
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = File> {
        self.list.into_iter()
    }
}

/// The volume under construction.
pub(super) struct Folder<'a> {
    context: &'a Context<'a>,
    volume: &'a str,
    report: &'a mut Report,
    files: Files,
}

/// The keys and bytes of a ConfigMap or a Secret.
type Entries<'a> = BTreeMap<&'a str, &'a [u8]>;

/// Which keys of an object become files; none named means all.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    keys: &'a [corev1::KeyToPath],
    required: bool,
}

impl<'a> Wanted<'a> {
    fn new(keys: Option<&'a Vec<corev1::KeyToPath>>, optional: Option<bool>) -> Self {
        Self { keys: items(keys), required: optional != Some(true) }
    }
}

impl<'a> Folder<'a> {
    pub(super) fn new(context: &'a Context<'a>, volume: &'a str, report: &'a mut Report) -> Self {
        let files = Files { list: Vec::new(), default_mode: USUAL_MODE };
        Self { context, volume, report, files }
    }

    pub(super) fn config_map_volume(mut self, source: &corev1::ConfigMapVolumeSource, path: &Path) -> Files {
        let corev1::ConfigMapVolumeSource { default_mode, default_user, items, name, optional } = source;
        self.defaults(*default_mode, *default_user, path);
        self.config_map(name, Wanted::new(items.as_ref(), *optional), path);
        self.finished(path)
    }

    pub(super) fn secret_volume(mut self, source: &corev1::SecretVolumeSource, path: &Path) -> Files {
        let corev1::SecretVolumeSource { default_mode, default_user, items, optional, secret_name } = source;
        self.defaults(*default_mode, *default_user, path);
        let name = secret_name.as_deref().unwrap_or_default();
        self.secret(name, Wanted::new(items.as_ref(), *optional), path);
        self.finished(path)
    }

    pub(super) fn downward_api_volume(
        mut self,
        source: &corev1::DownwardAPIVolumeSource,
        path: &Path,
    ) -> Files {
        let corev1::DownwardAPIVolumeSource { default_mode, default_user, items } = source;
        self.defaults(*default_mode, *default_user, path);
        self.downward_api(items.as_ref(), path);
        self.finished(path)
    }

    pub(super) fn projected_volume(mut self, source: &corev1::ProjectedVolumeSource, path: &Path) -> Files {
        let corev1::ProjectedVolumeSource { default_mode, default_user, sources } = source;
        self.defaults(*default_mode, *default_user, path);
        for (index, source) in items(sources.as_ref()).iter().enumerate() {
            self.projection(source, &path.item("sources", index));
        }
        self.finished(path)
    }

    fn projection(&mut self, source: &corev1::VolumeProjection, path: &Path) {
        let corev1::VolumeProjection {
            cluster_trust_bundle,
            config_map,
            downward_api,
            pod_certificate,
            secret,
            service_account_token,
        } = source;
        if let Some(corev1::ConfigMapProjection { items, name, optional }) = config_map {
            self.config_map(name, Wanted::new(items.as_ref(), *optional), &path.field("configMap"));
        }
        if let Some(corev1::SecretProjection { items, name, optional }) = secret {
            self.secret(name, Wanted::new(items.as_ref(), *optional), &path.field("secret"));
        }
        if let Some(corev1::DownwardAPIProjection { items }) = downward_api {
            self.downward_api(items.as_ref(), &path.field("downwardAPI"));
        }
        if let Some(source) = service_account_token {
            self.token(source, &path.field("serviceAccountToken"));
        }
        let nobody = "the virtual node does not provide these";
        self.report.reject_set(path, "clusterTrustBundle", cluster_trust_bundle.as_ref(), nobody);
        self.report.reject_set(path, "podCertificate", pod_certificate.as_ref(), nobody);
    }

    fn config_map(&mut self, name: &str, wanted: Wanted<'_>, path: &Path) {
        let inputs = self.context.inputs;
        let entries = inputs.config_maps.get(name).map(|config_map| {
            let texts = config_map.data.iter().flatten().map(|(key, text)| (key.as_str(), text.as_bytes()));
            let binaries =
                config_map.binary_data.iter().flatten().map(|(key, bytes)| (key.as_str(), &bytes.0[..]));
            texts.chain(binaries).collect()
        });
        self.object(&format!("ConfigMap {name:?}"), entries, wanted, path);
    }

    fn secret(&mut self, name: &str, wanted: Wanted<'_>, path: &Path) {
        let inputs = self.context.inputs;
        let entries = inputs.secrets.get(name).map(|secret| {
            secret.data.iter().flatten().map(|(key, bytes)| (key.as_str(), &bytes.0[..])).collect()
        });
        self.object(&format!("Secret {name:?}"), entries, wanted, path);
    }

    /// The wanted keys of an object. What is optional and absent leaves no file.
    fn object(&mut self, object: &str, entries: Option<Entries<'_>>, wanted: Wanted<'_>, path: &Path) {
        let Some(entries) = entries else {
            if wanted.required {
                self.report.reject(path, format!("there is no {object}"));
            }
            return;
        };
        if wanted.keys.is_empty() {
            for (key, content) in entries {
                self.add(key, content.to_vec(), None);
            }
            return;
        }
        for (index, key_to_path) in wanted.keys.iter().enumerate() {
            let corev1::KeyToPath { key, mode, path: file, user } = key_to_path;
            let place = path.item("items", index);
            self.report.reject_set(&place, "user", user.as_ref(), NO_OWNER);
            match entries.get(key.as_str()) {
                Some(content) => self.add(file, content.to_vec(), *mode),
                None if wanted.required => {
                    self.report.reject(&place, format!("there is no key {key:?} in the {object}"));
                }
                None => {}
            }
        }
    }

    fn downward_api(&mut self, files: Option<&Vec<corev1::DownwardAPIVolumeFile>>, path: &Path) {
        for (index, file) in items(files).iter().enumerate() {
            let corev1::DownwardAPIVolumeFile { field_ref, mode, path: name, resource_field_ref, user } =
                file;
            let place = path.item("items", index);
            self.report.reject_set(&place, "user", user.as_ref(), NO_OWNER);
            if let Some(corev1::ObjectFieldSelector { api_version: _, field_path }) = field_ref {
                match fields::of_file(self.context, field_path) {
                    Ok(text) => self.add(name, text.into_bytes(), *mode),
                    Err(reason) => self.report.reject(&place.field("fieldRef"), reason),
                }
            }
            if let Some(selector) = resource_field_ref {
                match self.resource(selector) {
                    Ok(text) => self.add(name, text.into_bytes(), *mode),
                    Err(reason) => self.report.reject(&place.field("resourceFieldRef"), reason),
                }
            }
        }
    }

    fn resource(&self, selector: &corev1::ResourceFieldSelector) -> Result<String, String> {
        let name = selector.container_name.as_deref().unwrap_or_default();
        let container =
            self.context.container(name).ok_or_else(|| format!("there is no container {name:?}"))?;
        fields::of_resources(self.context, container, selector)
    }

    fn token(&mut self, source: &corev1::ServiceAccountTokenProjection, path: &Path) {
        let corev1::ServiceAccountTokenProjection { audience, expiration_seconds, path: file, user } = source;
        self.report.reject_set(path, "user", user.as_ref(), NO_OWNER);
        let key = TokenKey { audience: audience.clone(), expiration_seconds: *expiration_seconds };
        match self.context.inputs.tokens.get(&key) {
            Some(token) => self.add(file, token.expose().as_bytes().to_vec(), None),
            None => self.report.reject(path, "no token was issued for it"),
        }
    }

    fn defaults(&mut self, mode: Option<i32>, user: Option<i64>, path: &Path) {
        self.report.reject_set(path, "defaultUser", user.as_ref(), NO_OWNER);
        self.files.default_mode = mode.map_or(USUAL_MODE, permissions);
    }

    fn add(&mut self, path: &str, content: Vec<u8>, mode: Option<i32>) {
        let mode = mode.map_or(self.files.default_mode, permissions);
        let file = File { path: path.to_owned(), content, mode };
        match self.files.list.iter_mut().find(|earlier| earlier.path == file.path) {
            Some(earlier) => *earlier = file,
            None => self.files.list.push(file),
        }
    }

    /// The files, after a look at their limits.
    fn finished(self, path: &Path) -> Files {
        let Self { volume, report, files, .. } = self;
        if files.list.len() > limits::FILES {
            let reason = format!("the volume {volume:?} has more files than the {} ECI takes", limits::FILES);
            report.reject(path, reason);
        }
        for file in files.list.iter().filter(|file| file.content.len() > limits::FILE_BYTES) {
            let (name, most) = (&file.path, limits::FILE_BYTES);
            let reason = format!(
                "the file {name:?} of the volume {volume:?} has more than the {most} bytes ECI takes"
            );
            report.reject(path, reason);
        }
        files
    }
}

const NO_OWNER: &str = "ECI cannot set the owner of a file";

/// The permission bits of a mode as Kubernetes stores it, a plain number.
fn permissions(mode: i32) -> u32 {
    mode.cast_unsigned() & 0o7777
}
