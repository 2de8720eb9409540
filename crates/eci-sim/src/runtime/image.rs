//! The images of an instance: found by name in OCI layouts, each unpacked once, when it is first pulled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::busybox;
use super::layout::{ImageConfig, find};

/// An image whose files are there.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) digest: String,
    pub(super) root: PathBuf,
    pub(super) config: ImageConfig,
}

#[derive(Debug)]
pub(super) struct Images {
    instance: String,
    layouts: PathBuf,
    unpacked: PathBuf,
    /// By digest. Held while one is unpacked, so that no image is unpacked twice.
    ready: Mutex<BTreeMap<String, Arc<Image>>>,
}

impl Images {
    /// Without a folder of layouts, one with a busybox is made.
    pub(super) async fn open(layouts: Option<PathBuf>, directory: &Path) -> Result<Self, String> {
        let instance = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let layouts = match layouts {
            Some(given) if given.is_dir() => given,
            Some(given) => return Err(format!("--images {}: there is no such folder", given.display())),
            None => {
                let made = directory.join("layouts");
                busybox::make(&instance, &made).await?;
                made
            }
        };
        Ok(Self { instance, layouts, unpacked: directory.join("images"), ready: Mutex::default() })
    }

    /// The image that a reference names, unpacked.
    pub(super) async fn pull(&self, reference: &str) -> Result<Arc<Image>, String> {
        let found = find(&self.layouts, reference)?;
        let mut ready = self.ready.lock().await;
        if let Some(image) = ready.get(&found.digest) {
            return Ok(Arc::clone(image));
        }
        let root = self.unpacked.join(&found.digest);
        // What an earlier attempt left may be half of it.
        let _ = std::fs::remove_dir_all(&root);
        found.unpack(&self.instance, &root).await?;
        let image = Arc::new(Image { digest: found.digest.clone(), root, config: found.config()? });
        ready.insert(found.digest, Arc::clone(&image));
        Ok(image)
    }
}
