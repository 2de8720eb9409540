//! Asks one source after another.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::{
    AccessKey, CliProfile, CredentialsError, CredentialsUri, IniProfile, InstanceRole, OidcRole,
    ProvideCredentials, Surroundings,
};

/// Sources in the order in which they are asked. The first that is configured decides: its key is the answer, and so
/// is its failure. The one that gave the last key is asked first from then on.
pub struct Chain {
    sources: Vec<Box<dyn ProvideCredentials>>,
    last: AtomicUsize,
}

impl Chain {
    /// Asks these sources in this order.
    pub fn new(sources: impl IntoIterator<Item = Box<dyn ProvideCredentials>>) -> Self {
        Self { sources: sources.into_iter().collect(), last: AtomicUsize::new(0) }
    }

    /// The sources of the vendor's own clients, in their order: environment, OIDC, profile of the command line tool,
    /// INI profile, instance role, credentials URI. Which of them there are is read from the environment now.
    pub fn official(surroundings: &Surroundings) -> Self {
        let mut sources: Vec<Box<dyn ProvideCredentials>> = Vec::new();
        let mut add = |source: Option<Box<dyn ProvideCredentials>>| sources.extend(source);
        add(boxed(environment(surroundings)));
        add(boxed(OidcRole::from_environment(surroundings)));
        add(boxed(CliProfile::from_environment(surroundings)));
        add(boxed(IniProfile::from_environment(surroundings)));
        add(boxed(InstanceRole::from_environment(surroundings)));
        add(boxed(CredentialsUri::from_environment(surroundings)));
        Self::new(sources)
    }
}

fn boxed(source: Option<impl ProvideCredentials>) -> Option<Box<dyn ProvideCredentials>> {
    source.map(|source| Box::new(source) as Box<dyn ProvideCredentials>)
}

/// The key in the environment.
fn environment(surroundings: &Surroundings) -> Option<AccessKey> {
    let id = surroundings.var("ALIBABA_CLOUD_ACCESS_KEY_ID")?;
    let secret = surroundings.var("ALIBABA_CLOUD_ACCESS_KEY_SECRET")?;
    let token = surroundings.var("ALIBABA_CLOUD_SECURITY_TOKEN").unwrap_or_default();
    Some(AccessKey::new(id, secret).with_security_token(token))
}

#[async_trait]
impl ProvideCredentials for Chain {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        let last = self.last.load(Ordering::Relaxed);
        let others = (0..self.sources.len()).filter(|index| *index != last);
        for index in std::iter::once(last).chain(others) {
            let Some(source) = self.sources.get(index) else { continue };
            if let Some(key) = source.provide().await? {
                self.last.store(index, Ordering::Relaxed);
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    fn refused(&self, key: &AccessKey) {
        for source in &self.sources {
            source.refused(key);
        }
    }
}
