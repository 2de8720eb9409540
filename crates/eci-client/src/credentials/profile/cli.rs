//! Reads the profiles of the vendor's command line tool, `~/.aliyun/config.json`.

use std::path::PathBuf;

use async_trait::async_trait;
use serde::Deserialize;

use super::{Described, Profile, Source};
use crate::credentials::{AccessKey, CredentialsError, ProvideCredentials, Surroundings};

/// A profile of the command line tool, in any mode that needs no browser. The file is read for each request; a change
/// counts at once.
///
/// Without the file, without a profile of that name, or with one that was never filled in, this source counts as not
/// configured.
pub struct CliProfile {
    path: PathBuf,
    /// `None` for the file's current one.
    name: Option<String>,
    surroundings: Surroundings,
    described: Described,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    current: Option<String>,
    profiles: Vec<Profile>,
}

impl CliProfile {
    /// The current profile of this file.
    pub fn new(path: impl Into<PathBuf>, surroundings: &Surroundings) -> Self {
        let (surroundings, described) = (surroundings.clone(), Described::default());
        Self { path: path.into(), name: None, surroundings, described }
    }

    /// The profile of this name in place of the current one.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The profile `ALIBABA_CLOUD_PROFILE`, or the current one, of the file below the home folder; `None` where
    /// `ALIBABA_CLOUD_CLI_PROFILE_DISABLED` is `true` or there is no home.
    pub fn from_environment(surroundings: &Surroundings) -> Option<Self> {
        if surroundings.is_true("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") {
            return None;
        }
        let profile = Self::new(surroundings.at_home(".aliyun/config.json")?, surroundings);
        Some(Self { name: surroundings.var("ALIBABA_CLOUD_PROFILE"), ..profile })
    }

    fn describe(&self, text: &str) -> Result<Option<Source>, CredentialsError> {
        let config: Config = serde_json::from_str(text).map_err(|_| {
            CredentialsError::refused(format!("{} is not as the tool writes it", self.path.display()))
        })?;
        let name = self.name.as_deref().or(config.current.as_deref()).filter(|name| !name.is_empty());
        name.map_or(Ok(None), |name| config.source(name, &self.surroundings, config.profiles.len()))
    }
}

impl Config {
    /// The source of a profile, which may name others, at most `links` of them in a row.
    fn source(
        &self,
        name: &str,
        surroundings: &Surroundings,
        links: usize,
    ) -> Result<Option<Source>, CredentialsError> {
        let Some(profile) = self.profiles.iter().find(|profile| profile.name.as_deref() == Some(name)) else {
            return Ok(None);
        };
        let Some(links) = links.checked_sub(1) else {
            return Err(profile.broken("names itself as its source, by way of others"));
        };
        profile.source(surroundings, |name| self.source(name, surroundings, links))
    }
}

#[async_trait]
impl ProvideCredentials for CliProfile {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        self.described.provide(&self.path, &self.surroundings, |text| self.describe(text)).await
    }

    fn refused(&self, key: &AccessKey) {
        self.described.refused(key);
    }
}
