//! Reads the profiles of the vendor's libraries, `~/.alibabacloud/credentials.ini`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;

use super::{Described, Profile, Source};
use crate::credentials::{AccessKey, CredentialsError, ProvideCredentials, Surroundings};

/// A section of an INI file. The file is read for each request; a change counts at once.
///
/// Without the file or the section this source counts as not configured. The type `rsa_key_pair` is refused.
pub struct IniProfile {
    path: PathBuf,
    section: String,
    surroundings: Surroundings,
    described: Described,
}

impl IniProfile {
    /// The section `default` of this file.
    pub fn new(path: impl Into<PathBuf>, surroundings: &Surroundings) -> Self {
        let (surroundings, described) = (surroundings.clone(), Described::default());
        Self { path: path.into(), section: "default".to_owned(), surroundings, described }
    }

    /// This section in place of `default`.
    #[must_use]
    pub fn section(mut self, section: impl Into<String>) -> Self {
        self.section = section.into();
        self
    }

    /// The section `ALIBABA_CLOUD_PROFILE`, or `default`, of the file `ALIBABA_CLOUD_CREDENTIALS_FILE`, or the one
    /// below the home folder; `None` where there is no home either.
    pub fn from_environment(surroundings: &Surroundings) -> Option<Self> {
        let path = match surroundings.var("ALIBABA_CLOUD_CREDENTIALS_FILE") {
            Some(path) => PathBuf::from(path),
            None => surroundings.at_home(".alibabacloud/credentials.ini")?,
        };
        let profile = Self::new(path, surroundings);
        Some(match surroundings.var("ALIBABA_CLOUD_PROFILE") {
            Some(section) => profile.section(section),
            None => profile,
        })
    }

    fn describe(&self, text: &str) -> Result<Option<Source>, CredentialsError> {
        let Some(values) = section(text, &self.section) else { return Ok(None) };
        let profile = profile(&self.section, values)?;
        profile.source(&self.surroundings, |_| Err(profile.broken("cannot name another one")))
    }
}

/// The values of one section; keys in lower case, `#` and `;` begin comments.
fn section(text: &str, wanted: &str) -> Option<BTreeMap<String, String>> {
    let (mut found, mut inside) = (None::<BTreeMap<String, String>>, false);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with([';', '#'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = name.trim() == wanted;
            if inside {
                found.get_or_insert_default();
            }
        } else if let (true, Some((key, value))) = (inside, line.split_once('=')) {
            let value = value.split('#').next().unwrap_or_default().trim();
            found.get_or_insert_default().insert(key.trim().to_ascii_lowercase(), value.to_owned());
        }
    }
    found
}

/// The same in the words of the command line tool.
fn profile(section: &str, mut values: BTreeMap<String, String>) -> Result<Profile, CredentialsError> {
    let kind = values.remove("type").unwrap_or_default();
    let mode = match kind.as_str() {
        "access_key" => "AK",
        "sts" => "StsToken",
        "ram_role_arn" => "RamRoleArn",
        "oidc_role_arn" => "OIDC",
        "ecs_ram_role" => "EcsRamRole",
        _ => {
            let message = format!("the section {section:?} has the type {kind:?}, which is not supported");
            return Err(CredentialsError::refused(message));
        }
    };
    let mut take = |name: &str| values.remove(name);
    Ok(Profile {
        name: Some(section.to_owned()),
        mode: Some(mode.to_owned()),
        access_key_id: take("access_key_id"),
        access_key_secret: take("access_key_secret"),
        sts_token: take("security_token"),
        ram_role_arn: take("role_arn"),
        role_session_name: take("role_session_name").or_else(|| take("session_name")),
        policy: take("policy"),
        external_id: take("external_id"),
        ram_role_name: take("role_name"),
        oidc_provider_arn: take("oidc_provider_arn"),
        oidc_token_file: take("oidc_token_file_path"),
        ..Profile::default()
    })
}

#[async_trait]
impl ProvideCredentials for IniProfile {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        self.described.provide(&self.path, &self.surroundings, |text| self.describe(text)).await
    }

    fn refused(&self, key: &AccessKey) {
        self.described.refused(key);
    }
}
