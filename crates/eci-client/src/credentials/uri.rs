//! Asks a local service for temporary keys, by plain GET.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

use super::cache::Cache;
use super::instance;
use super::surroundings::{Surroundings, send};
use super::{AccessKey, CredentialsError, ProvideCredentials};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A URI that answers with temporary keys. It may hold a secret, so it is never shown.
pub struct CredentialsUri {
    uri: String,
    surroundings: Surroundings,
    cache: Cache,
}

impl CredentialsUri {
    /// Asks this URI, `http` or `https`.
    pub fn new(uri: impl Into<String>, surroundings: &Surroundings) -> Self {
        Self { uri: uri.into(), surroundings: surroundings.clone(), cache: Cache::new(&surroundings.clock) }
    }

    /// The one that `ALIBABA_CLOUD_CREDENTIALS_URI` names; `None` if it is not set.
    pub fn from_environment(surroundings: &Surroundings) -> Option<Self> {
        Some(Self::new(surroundings.var("ALIBABA_CLOUD_CREDENTIALS_URI")?, surroundings))
    }

    async fn fetch(&self) -> Result<Option<AccessKey>, CredentialsError> {
        let request = Request::get(&self.uri).header("accept", "application/json").body(Bytes::new());
        let request = request.map_err(|_| CredentialsError::refused("the credentials URI is not a URI"))?;
        let response = send(&*self.surroundings.transport, request, TIMEOUT).await?;
        let status = response.status();
        if status.is_success() {
            return instance::read(response.body()).map(Some);
        }
        let message = format!("the credentials URI answers with HTTP {}", status.as_u16());
        if status.is_server_error() {
            Err(CredentialsError::unreachable(message))
        } else {
            Err(CredentialsError::refused(message))
        }
    }
}

#[async_trait]
impl ProvideCredentials for CredentialsUri {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        self.cache.key(self.fetch()).await
    }

    fn refused(&self, key: &AccessKey) {
        self.cache.forget(key);
    }
}
