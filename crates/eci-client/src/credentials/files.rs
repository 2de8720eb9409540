//! Reads keys from mounted files, such as those of a Kubernetes secret, and follows their rotation.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{AccessKey, CredentialsError, ProvideCredentials, Surroundings};

/// Readings until two in a row agree. A rotation takes an instant; who needs more than this reads something else.
const READINGS: usize = 4;

/// A folder with the files `access-key-id`, `access-key-secret` and, for temporary keys, `security-token`.
///
/// They are read for each request, which costs little beside the request. Files may be replaced one after another, so a
/// key that differs from the last one counts only when it is read twice in a row. That makes half of the old and half of
/// the new one a key only where the writer pauses between the two files for longer than two readings take (Kubernetes
/// replaces all of them at once). The cloud refuses such a half, and the call is repeated once the files say otherwise.
pub struct MountedFiles {
    folder: PathBuf,
    surroundings: Surroundings,
    last: Mutex<Option<AccessKey>>,
}

impl MountedFiles {
    /// Reads the files in this folder. Without the folder, or with neither id nor secret in it, this source counts as
    /// not configured.
    pub fn new(folder: impl Into<PathBuf>, surroundings: &Surroundings) -> Self {
        Self { folder: folder.into(), surroundings: surroundings.clone(), last: Mutex::default() }
    }

    async fn reading(&self) -> Result<Option<AccessKey>, CredentialsError> {
        let id = self.text("access-key-id").await?;
        let secret = self.text("access-key-secret").await?;
        let token = self.text("security-token").await?;
        match (id, secret) {
            (Some(id), Some(secret)) => {
                Ok(Some(AccessKey::new(id, secret).with_security_token(token.unwrap_or_default())))
            }
            (None, None) => Ok(None),
            _ => Err(CredentialsError::refused(format!("{} holds half a key", self.folder.display()))),
        }
    }

    /// The content of one file without the white space around it; `None` if there is none.
    async fn text(&self, name: &str) -> Result<Option<String>, CredentialsError> {
        let path: &Path = &self.folder.join(name);
        let Some(content) = self.surroundings.read(path).await? else { return Ok(None) };
        let text = std::str::from_utf8(&content)
            .map_err(|_| CredentialsError::refused(format!("{} is not text", path.display())))?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    fn is_last(&self, key: Option<&AccessKey>) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        key.is_some() && key == last.as_ref()
    }
}

#[async_trait]
impl ProvideCredentials for MountedFiles {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        let mut previous: Option<Result<Option<AccessKey>, CredentialsError>> = None;
        for _ in 0..READINGS {
            let reading = self.reading().await;
            if let Ok(key) = &reading
                && (self.is_last(key.as_ref()) || matches!(&previous, Some(Ok(earlier)) if earlier == key))
            {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = key.clone();
                return reading;
            }
            previous = Some(reading);
        }
        match previous {
            Some(Err(error)) => Err(error),
            _ => Err(CredentialsError::unreachable("the files change while they are read")),
        }
    }
}
