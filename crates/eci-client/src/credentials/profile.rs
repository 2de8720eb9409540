//! Reads profiles, which say in a file how to come by a key.

mod cli;
mod ini;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

pub use self::cli::CliProfile;
pub use self::ini::IniProfile;
use super::{
    AccessKey, AssumeRole, CredentialsError, ExternalCommand, InstanceRole, OidcRole, ProvideCredentials,
    Role, Surroundings,
};

/// What a profile may say, under the names of the command line tool. What is empty counts as not said.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Profile {
    name: Option<String>,
    mode: Option<String>,
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    sts_token: Option<String>,
    ram_role_arn: Option<String>,
    ram_session_name: Option<String>,
    role_session_name: Option<String>,
    expired_seconds: Option<u64>,
    policy: Option<String>,
    external_id: Option<String>,
    sts_region: Option<String>,
    enable_vpc: Option<bool>,
    ram_role_name: Option<String>,
    oidc_provider_arn: Option<String>,
    oidc_token_file: Option<String>,
    source_profile: Option<String>,
    process_command: Option<String>,
}

type Source = Arc<dyn ProvideCredentials>;

fn said(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

impl Profile {
    /// A value without which the profile's mode makes no sense.
    fn required<'a>(&self, name: &str, value: Option<&'a String>) -> Result<&'a str, CredentialsError> {
        said(value).ok_or_else(|| self.broken(&format!("lacks {name}")))
    }

    fn broken(&self, what: &str) -> CredentialsError {
        CredentialsError::refused(format!(
            "the profile {:?} {what}",
            self.name.as_deref().unwrap_or_default()
        ))
    }

    /// The key that is written in the profile; `None` if there is none, as in one that was never filled in. A token that
    /// is left over from another mode is none of this key's.
    fn key(&self) -> Result<Option<AccessKey>, CredentialsError> {
        let token = self.sts_token.as_deref().filter(|_| self.mode.as_deref() == Some("StsToken"));
        match (said(self.access_key_id.as_ref()), said(self.access_key_secret.as_ref())) {
            (Some(id), Some(secret)) => {
                Ok(Some(AccessKey::new(id, secret).with_security_token(token.unwrap_or_default())))
            }
            (None, None) => Ok(None),
            _ => Err(self.broken("holds half a key")),
        }
    }

    fn role(&self, surroundings: &Surroundings) -> Result<Role, CredentialsError> {
        let arn = self.required("ram_role_arn", self.ram_role_arn.as_ref())?;
        let mut role = Role::new(arn).with_environment(surroundings);
        if let Some(name) = said(self.ram_session_name.as_ref()).or(said(self.role_session_name.as_ref())) {
            role = role.session_name(name);
        }
        if let Some(seconds) = self.expired_seconds.filter(|seconds| *seconds > 0) {
            role = role.duration(Duration::from_secs(seconds));
        }
        if let Some(policy) = said(self.policy.as_ref()) {
            role = role.policy(policy);
        }
        if let Some(id) = said(self.external_id.as_ref()) {
            role = role.external_id(id);
        }
        if let Some(region) = said(self.sts_region.as_ref()) {
            role = role.sts_region(region, self.enable_vpc == Some(true));
        }
        Ok(role)
    }

    /// The source that the profile describes; `None` if it was never filled in. `named` finds the source of another
    /// profile.
    fn source(
        &self,
        surroundings: &Surroundings,
        named: impl FnOnce(&str) -> Result<Option<Source>, CredentialsError>,
    ) -> Result<Option<Source>, CredentialsError> {
        let assumed = |source: Option<Source>| -> Result<Option<Source>, CredentialsError> {
            let source = source.ok_or_else(|| self.broken("has no key to take its role on with"))?;
            Ok(Some(Arc::new(AssumeRole::new(source, self.role(surroundings)?, surroundings))))
        };
        let written = || Ok::<_, CredentialsError>(self.key()?.map(|key| Arc::new(key) as Source));
        match self.mode.as_deref().unwrap_or_default() {
            "AK" | "" => written(),
            "StsToken" => {
                self.required("sts_token", self.sts_token.as_ref())?;
                written()
            }
            "RamRoleArn" => assumed(written()?),
            "EcsRamRole" => Ok(Some(Arc::new(self.instance(surroundings)))),
            "RamRoleArnWithRoleName" => assumed(Some(Arc::new(self.instance(surroundings)))),
            "ChainableRamRoleArn" => {
                assumed(named(self.required("source_profile", self.source_profile.as_ref())?)?)
            }
            "OIDC" => {
                let provider = self.required("oidc_provider_arn", self.oidc_provider_arn.as_ref())?;
                let file = self.required("oidc_token_file", self.oidc_token_file.as_ref())?;
                Ok(Some(Arc::new(OidcRole::new(self.role(surroundings)?, provider, file, surroundings))))
            }
            "External" => {
                let command = self.required("process_command", self.process_command.as_ref())?;
                Ok(Some(Arc::new(ExternalCommand::new(command, surroundings))))
            }
            mode => {
                Err(self.broken(&format!("has the mode {mode:?}, which needs a browser or is not known")))
            }
        }
    }

    fn instance(&self, surroundings: &Surroundings) -> InstanceRole {
        let role = InstanceRole::new(surroundings)
            .wanted_by(format!("the profile {:?}", self.name.as_deref().unwrap_or_default()));
        match said(self.ram_role_name.as_ref()) {
            Some(name) => role.role_name(name),
            None => role,
        }
    }
}

/// The source a file describes, made anew when the file changes, so that the source's own cache lasts as long as it may.
#[derive(Default)]
struct Described(Mutex<Option<(Vec<u8>, Option<Source>)>>);

impl Described {
    /// The key of the source that the file describes; `None` where there is no file, or it describes none.
    async fn provide(
        &self,
        path: &Path,
        surroundings: &Surroundings,
        describe: impl FnOnce(&str) -> Result<Option<Source>, CredentialsError>,
    ) -> Result<Option<AccessKey>, CredentialsError> {
        match self.source(path, surroundings, describe).await? {
            Some(source) => source.provide().await,
            None => Ok(None),
        }
    }

    async fn source(
        &self,
        path: &Path,
        surroundings: &Surroundings,
        describe: impl FnOnce(&str) -> Result<Option<Source>, CredentialsError>,
    ) -> Result<Option<Source>, CredentialsError> {
        let Some(content) = surroundings.read(path).await? else { return Ok(None) };
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, source)) = last.as_ref().filter(|(known, _)| *known == content) {
            return Ok(source.clone());
        }
        let text = std::str::from_utf8(&content)
            .map_err(|_| CredentialsError::refused(format!("{} is not text", path.display())))?;
        let source = describe(text)?;
        *last = Some((content, source.clone()));
        Ok(source)
    }

    fn refused(&self, key: &AccessKey) {
        if let Some((_, Some(source))) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            source.refused(key);
        }
    }
}
