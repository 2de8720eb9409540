//! Says who calls: access keys, and where they come from.
//!
//! The client asks its source before every attempt, so a source that changes its mind (a rotated file, a refreshed
//! token) is followed at once. Caching, where fetching is dear, is the source's own business; those of this module
//! do it alike: one fetch at a time, well before the key ends, failures never kept.
//!
//! ```text
//!   Chain ─┬─▶ environment
//!          ├─▶ OidcRole ──────────────────▶ STS            Every source takes the environment, files, time, commands
//!          ├─▶ CliProfile ─┬─▶ AssumeRole ▶ STS            and the network from its `Surroundings`.
//!          ├─▶ IniProfile ─┘   …
//!          ├─▶ InstanceRole ──────────────▶ metadata       Not in the chain, because nothing tells it where they
//!          └─▶ CredentialsUri                              are: MountedFiles.
//! ```
//!
//! A source that is not configured is skipped; one that is configured and fails ends the chain with its error, so that
//! nobody acts under another identity than the one intended.

mod cache;
mod chain;
mod external;
mod files;
mod instance;
mod profile;
mod role;
mod sts;
mod surroundings;
mod uri;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

pub use self::chain::Chain;
pub use self::external::ExternalCommand;
pub use self::files::MountedFiles;
pub use self::instance::InstanceRole;
pub use self::profile::{CliProfile, IniProfile};
pub use self::role::{AssumeRole, OidcRole, Role};
pub use self::surroundings::{Commands, Environment, Files, Surroundings};
pub use self::uri::CredentialsUri;
use crate::model::Secret;

/// An access key: lasting, or temporary with a security token of STS; or a bearer token that stands in its place.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    id: String,
    secret: Secret,
    security_token: Option<Secret>,
    bearer_token: Option<Secret>,
    expires_at: Option<Timestamp>,
}

impl AccessKey {
    /// A lasting key.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: Secret::new(secret),
            security_token: None,
            bearer_token: None,
            expires_at: None,
        }
    }

    /// A bearer token, such as one that a service of the vendor's hands out. Requests then carry it and are not signed,
    /// so whoever reads one on its way can send others: use it over HTTPS only.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self { bearer_token: Some(Secret::new(token)), ..Self::new("", "") }
    }

    /// Makes it a temporary key. An empty token is none.
    #[must_use]
    pub fn with_security_token(mut self, token: impl Into<String>) -> Self {
        self.security_token = Some(Secret::new(token)).filter(|token| !token.is_empty());
        self
    }

    /// Notes when a temporary key ends, for sources that cache.
    #[must_use]
    pub fn expiring_at(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The id, which is no secret; empty for a bearer token.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it ends; `None` for a lasting key, or where the source did not say.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    pub(crate) fn secret(&self) -> &str {
        self.secret.expose()
    }

    pub(crate) fn security_token(&self) -> Option<&str> {
        self.security_token.as_ref().map(Secret::expose)
    }

    pub(crate) fn bearer_token(&self) -> Option<&str> {
        self.bearer_token.as_ref().map(Secret::expose)
    }

    /// Whether a token is part of it, so that its source may have a newer one.
    pub(crate) fn is_temporary(&self) -> bool {
        self.security_token.is_some() || self.bearer_token.is_some()
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("secret", &self.secret)
            .field("security_token", &self.security_token)
            .field("bearer_token", &self.bearer_token)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// A source of access keys.
///
/// # Guarantees
///
/// The client asks before each attempt, possibly from many tasks at once, under the deadline of the call; the future
/// may be dropped at any point.
#[async_trait]
pub trait ProvideCredentials: Send + Sync + 'static {
    /// The key to sign with now. `Ok(None)` means that this source is not configured, so another may be asked.
    ///
    /// # Errors
    ///
    /// The source is configured and failed. The call fails with it; the next call asks again.
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError>;

    /// Told when the cloud refuses a key that this source gave. A source that keeps keys forgets this one, so that
    /// the next caller gets another if there is one; must return at once.
    fn refused(&self, _key: &AccessKey) {}
}

#[async_trait]
impl ProvideCredentials for AccessKey {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        Ok(Some(self.clone()))
    }
}

#[async_trait]
impl<T: ProvideCredentials + ?Sized> ProvideCredentials for Arc<T> {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        (**self).provide().await
    }

    fn refused(&self, key: &AccessKey) {
        (**self).refused(key);
    }
}

/// Why a configured source gave no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The source did not answer; the next call may fare better.
    #[error("cannot reach the source of credentials")]
    Unreachable(#[source] Box<dyn StdError + Send + Sync>),
    /// The source answered, with a refusal or with nonsense; a person must act.
    #[error("the source of credentials gives none")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
}

impl CredentialsError {
    fn refused(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Refused(why.into())
    }

    fn unreachable(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unreachable(why.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_masks_secret_and_token() {
        let key = AccessKey::new("LTAIexample", "hunter2").with_security_token("tok3n");
        let shown = format!("{key:?} {key:#?} {:?}", AccessKey::bearer("tok3n"));
        assert!(shown.contains("LTAIexample"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("tok3n"), "{shown}");
    }

    #[test]
    fn an_empty_security_token_is_none() {
        assert_eq!(AccessKey::new("id", "secret").with_security_token(""), AccessKey::new("id", "secret"));
    }
}
