//! Reads OCI image layouts: which manifest a name means, what its config says, and its files.

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::busybox::architecture;
use super::command::run;

/// What an image says about the containers made of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ImageConfig {
    pub(super) env: Option<Vec<String>>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) working_dir: String,
    pub(super) user: String,
    pub(super) stop_signal: String,
}

/// An image's manifest and where its blobs are.
#[derive(Debug)]
pub(super) struct Found {
    layout: PathBuf,
    pub(super) digest: String,
    manifest: Manifest,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
    platform: Option<Platform>,
}

#[derive(Debug, Deserialize)]
struct Platform {
    architecture: String,
}

/// A manifest has a config and layers, an index has manifests.
#[derive(Debug, Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
struct ImageFile {
    #[serde(default)]
    config: ImageConfig,
}

const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The image that a reference names below `images`; a failure reads as a registry's would.
pub(super) fn find(images: &Path, reference: &str) -> Result<Found, String> {
    let (name, tag, digest) = split(reference);
    let layout = names(reference, name).into_iter().map(|name| images.join(name));
    let layout = layout.filter(|layout| is_inside(images, layout)).find(|at| at.join("oci-layout").is_file());
    let layout = layout.ok_or_else(|| format!("{reference}: not found"))?;
    let index: Manifest = read(&layout.join("index.json"))?;
    let mut chosen = match (digest, index.manifests.as_slice()) {
        (Some(digest), all) => all.iter().find(|one| one.digest == digest),
        (None, [only]) if !only.annotations.contains_key(REF_NAME) => Some(only),
        (None, all) => all.iter().find(|one| is_named(one, tag)),
    }
    .ok_or_else(|| format!("{reference}: manifest unknown: not found"))?
    .digest
    .clone();
    let mut manifest: Manifest = blob(&layout, &chosen)?;
    if manifest.config.is_none() {
        let fits = |one: &&Descriptor| one.platform.as_ref().is_none_or(|p| p.architecture == architecture());
        let fitting = manifest.manifests.iter().find(fits);
        let fitting = fitting.ok_or_else(|| format!("{reference}: no match for platform: not found"))?;
        chosen.clone_from(&fitting.digest);
        manifest = blob(&layout, &chosen)?;
    }
    Ok(Found { layout, digest: chosen.trim_start_matches("sha256:").to_owned(), manifest })
}

impl Found {
    pub(super) fn config(&self) -> Result<ImageConfig, String> {
        let config = self.manifest.config.as_ref().ok_or("the manifest names no config")?;
        Ok(blob::<ImageFile>(&self.layout, &config.digest)?.config)
    }

    /// Writes the image's files below `root`, layer by layer.
    pub(super) async fn unpack(&self, instance: &str, root: &Path) -> Result<(), String> {
        fs::create_dir_all(root).map_err(|error| format!("{}: {error}", root.display()))?;
        for layer in &self.manifest.layers {
            let blob = blob_path(&self.layout, &layer.digest)?;
            let list: [&std::ffi::OsStr; 3] = ["--list".as_ref(), "--file".as_ref(), blob.as_os_str()];
            for name in run(instance, Path::new("tar"), &list).await?.lines() {
                white_out(root, Path::new(name));
            }
            let arguments = ["--extract", "--same-owner", "--same-permissions", "--numeric-owner"];
            let mut arguments: Vec<PathBuf> = arguments.iter().map(PathBuf::from).collect();
            arguments.extend(["--exclude=.wh.*".into(), "--file".into(), blob, "--directory".into()]);
            arguments.push(root.to_owned());
            run(instance, Path::new("tar"), &arguments).await?;
        }
        Ok(())
    }
}

/// `NAME[:TAG][@DIGEST]`; the tag is `latest` when there is none.
fn split(reference: &str) -> (&str, &str, Option<&str>) {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    match rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((name, tag)) => (name, tag, digest),
        None => (rest, "latest", digest),
    }
}

/// The folders that may hold an image: its reference, its name, its name without the default registry.
fn names<'a>(reference: &'a str, name: &'a str) -> Vec<&'a str> {
    let short = name.strip_prefix("docker.io/").unwrap_or(name);
    let short = short.strip_prefix("library/").unwrap_or(short);
    vec![reference, name, short]
}

fn is_named(descriptor: &Descriptor, tag: &str) -> bool {
    let name = descriptor.annotations.get(REF_NAME);
    name.is_some_and(|name| name == tag || name.rsplit_once(':').is_some_and(|(_, last)| last == tag))
}

/// Whether a path made of a request's text stays below the folder.
fn is_inside(images: &Path, layout: &Path) -> bool {
    let below = layout.strip_prefix(images).ok();
    below.is_some_and(|below| below.components().all(|part| matches!(part, Component::Normal(_))))
}

fn blob_path(layout: &Path, digest: &str) -> Result<PathBuf, String> {
    let (kind, hex) = digest.split_once(':').ok_or_else(|| format!("{digest:?} is no digest"))?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain(kind) || !plain(hex) {
        return Err(format!("{digest:?} is no digest"));
    }
    Ok(layout.join("blobs").join(kind).join(hex))
}

fn blob<T: DeserializeOwned>(layout: &Path, digest: &str) -> Result<T, String> {
    read(&blob_path(layout, digest)?)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// Removes what a layer's entry `DIR/.wh.NAME` hides of the layers below, `.wh..wh..opq` the whole folder.
fn white_out(root: &Path, entry: &Path) {
    let Some(hidden) = entry.file_name().and_then(|name| name.to_str()?.strip_prefix(".wh.")) else { return };
    let Some(folder) = real_folder(root, entry.parent().unwrap_or(Path::new(""))) else { return };
    if hidden == ".wh..opq" {
        for inside in fs::read_dir(folder).into_iter().flatten().flatten() {
            remove(&inside.path());
        }
    } else if !hidden.is_empty() && hidden != "." && hidden != ".." {
        remove(&folder.join(hidden));
    }
}

/// A folder below `root` that is reached without any link.
fn real_folder(root: &Path, below: &Path) -> Option<PathBuf> {
    let mut folder = root.to_owned();
    for part in below.components() {
        match part {
            Component::CurDir => continue,
            Component::Normal(name) => folder.push(name),
            _ => return None,
        }
        if !fs::symlink_metadata(&folder).ok()?.is_dir() {
            return None;
        }
    }
    Some(folder)
}

fn remove(path: &Path) {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    // A name that hides nothing is allowed.
    let _ = if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_apart() {
        assert_eq!(split("busybox"), ("busybox", "latest", None));
        assert_eq!(split("reg.example:5000/a/b:1.2"), ("reg.example:5000/a/b", "1.2", None));
        assert_eq!(
            split("reg.example:5000/a@sha256:00"),
            ("reg.example:5000/a", "latest", Some("sha256:00"))
        );
        assert!(names("docker.io/library/busybox:1", "docker.io/library/busybox").contains(&"busybox"));
    }

    #[test]
    fn a_reference_never_leaves_the_folder() {
        let images = Path::new("/images");
        assert!(is_inside(images, &images.join("a/b:1")));
        assert!(!is_inside(images, &images.join("../etc")));
        assert!(!is_inside(images, Path::new("/etc")));
        assert!(blob_path(images, "sha256:../../x").is_err());
    }

    #[test]
    fn an_image_that_is_not_there_is_not_found() {
        assert!(find(Path::new("/nowhere"), "busybox").unwrap_err().contains("not found"));
    }
}
