//! Takes on roles: with a key of one's own ([`AssumeRole`]), or with a token of an identity provider such as a
//! Kubernetes cluster ([`OidcRole`], which the vendor calls RRSA there).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::cache::Cache;
use super::sts::{Failure, Sts};
use super::{AccessKey, CredentialsError, ProvideCredentials, Surroundings};
use crate::client::Skew;
use crate::model::Parameters;
use crate::sign::SignatureVersion;

/// As long as a role allows unless it is told otherwise.
const HOUR: Duration = Duration::from_secs(3600);
/// The least that STS grants.
const SHORTEST: Duration = Duration::from_secs(900);

/// A role to take on, and where to ask for it.
#[derive(Clone, Debug)]
pub struct Role {
    arn: String,
    session_name: String,
    duration: Duration,
    policy: Option<String>,
    external_id: Option<String>,
    endpoint: String,
    signature: SignatureVersion,
}

impl Role {
    /// The role with this ARN, `acs:ram::<account>:role/<name>`, for an hour at a time.
    pub fn new(arn: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            session_name: "eci-client".to_owned(),
            duration: HOUR,
            policy: None,
            external_id: None,
            endpoint: "https://sts.aliyuncs.com".to_owned(),
            signature: SignatureVersion::default(),
        }
    }

    /// The name under which the session shows in the vendor's audit log; 2 to 64 of letters, digits and `.@-_`.
    #[must_use]
    pub fn session_name(mut self, name: impl Into<String>) -> Self {
        self.session_name = name.into();
        self
    }

    /// How long each key lasts: 15 minutes at least, at most what the role allows.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = duration.max(SHORTEST);
        self
    }

    /// A policy (JSON) that takes permissions away from those of the role.
    #[must_use]
    pub fn policy(mut self, policy: impl Into<String>) -> Self {
        self.policy = Some(policy.into());
        self
    }

    /// The id that the owner of a role in another account has asked for.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// Asks STS of a region, inside the VPC or not, in place of the central one.
    #[must_use]
    pub fn sts_region(mut self, region_id: &str, vpc: bool) -> Self {
        let host = if vpc { "sts-vpc" } else { "sts" };
        self.endpoint = format!("https://{host}.{region_id}.aliyuncs.com");
        self
    }

    /// Asks STS here: `https://host[:port]`, or `http://…` for simulators.
    #[must_use]
    pub fn sts_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into();
        self
    }

    /// How the request is signed; version 3 unless set.
    #[must_use]
    pub fn signature(mut self, version: SignatureVersion) -> Self {
        self.signature = version;
        self
    }

    /// The same with the region, the VPC and the session name that the environment names.
    pub(super) fn with_environment(self, surroundings: &Surroundings) -> Self {
        let role = match surroundings.var("ALIBABA_CLOUD_STS_REGION") {
            Some(region) => {
                self.sts_region(&region, surroundings.is_true("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"))
            }
            None => self,
        };
        match surroundings.var("ALIBABA_CLOUD_ROLE_SESSION_NAME") {
            Some(name) => role.session_name(name),
            None => role,
        }
    }

    fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::from_iter([
            ("RoleArn", self.arn.clone()),
            ("RoleSessionName", self.session_name.clone()),
            ("DurationSeconds", self.duration.as_secs().to_string()),
        ]);
        if let Some(policy) = &self.policy {
            parameters.insert("Policy", policy);
        }
        parameters
    }

    fn sts(&self, surroundings: &Surroundings) -> Sts {
        Sts {
            endpoint: self.endpoint.clone(),
            signature: self.signature,
            surroundings: surroundings.clone(),
            skew: Skew::default(),
        }
    }
}

/// Takes a role on with the key of another source, which may itself be a role.
pub struct AssumeRole {
    assuming: Arc<Assuming>,
    cache: Cache,
}

struct Assuming {
    source: Arc<dyn ProvideCredentials>,
    role: Role,
    sts: Sts,
}

impl AssumeRole {
    /// Takes the role on with the keys of this source.
    pub fn new(source: impl ProvideCredentials, role: Role, surroundings: &Surroundings) -> Self {
        let (sts, cache) = (role.sts(surroundings), Cache::new(&surroundings.clock));
        Self { assuming: Arc::new(Assuming { source: Arc::new(source), role, sts }), cache }
    }
}

impl Assuming {
    /// A key that STS does not take is told to its source, and where that has another one it is tried too.
    async fn fetch(self: Arc<Self>) -> Result<Option<AccessKey>, CredentialsError> {
        let Some(key) = self.source.provide().await? else { return Ok(None) };
        let refused = match self.assume(&key).await {
            Err(failure) if failure.key_is_refused => failure.error,
            result => return Ok(Some(result?)),
        };
        self.source.refused(&key);
        match self.source.provide().await {
            Ok(Some(other)) if other != key => Ok(Some(self.assume(&other).await?)),
            _ => Err(refused),
        }
    }

    async fn assume(&self, key: &AccessKey) -> Result<AccessKey, Failure> {
        let mut parameters = self.role.parameters();
        if let Some(id) = &self.role.external_id {
            parameters.insert_secret("ExternalId", id);
        }
        self.sts.call("AssumeRole", &parameters, Some(key)).await
    }
}

#[async_trait]
impl ProvideCredentials for AssumeRole {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        self.cache.key(Arc::clone(&self.assuming).fetch()).await
    }

    fn refused(&self, key: &AccessKey) {
        self.cache.forget(key);
    }
}

/// Takes a role on with a token that is mounted as a file. The file is read anew for each key.
pub struct OidcRole {
    assuming: Arc<AssumingByToken>,
    cache: Cache,
}

struct AssumingByToken {
    role: Role,
    provider_arn: String,
    token_file: PathBuf,
    sts: Sts,
}

impl OidcRole {
    /// Takes the role on with the token in this file, issued by this provider.
    pub fn new(
        role: Role,
        provider_arn: impl Into<String>,
        token_file: impl Into<PathBuf>,
        surroundings: &Surroundings,
    ) -> Self {
        let (sts, cache) = (role.sts(surroundings), Cache::new(&surroundings.clock));
        let (provider_arn, token_file) = (provider_arn.into(), token_file.into());
        Self { assuming: Arc::new(AssumingByToken { role, provider_arn, token_file, sts }), cache }
    }

    /// What `ALIBABA_CLOUD_ROLE_ARN`, `ALIBABA_CLOUD_OIDC_PROVIDER_ARN` and `ALIBABA_CLOUD_OIDC_TOKEN_FILE` name;
    /// `None` unless all three are set.
    pub fn from_environment(surroundings: &Surroundings) -> Option<Self> {
        let role = Role::new(surroundings.var("ALIBABA_CLOUD_ROLE_ARN")?).with_environment(surroundings);
        let provider_arn = surroundings.var("ALIBABA_CLOUD_OIDC_PROVIDER_ARN")?;
        let token_file = surroundings.var("ALIBABA_CLOUD_OIDC_TOKEN_FILE")?;
        Some(Self::new(role, provider_arn, token_file, surroundings))
    }
}

impl AssumingByToken {
    async fn fetch(self: Arc<Self>) -> Result<Option<AccessKey>, CredentialsError> {
        let token = self.sts.surroundings.read(&self.token_file).await?;
        let token = token.ok_or_else(|| CredentialsError::refused("there is no token file"))?;
        let token =
            String::from_utf8(token).map_err(|_| CredentialsError::refused("the token file is not text"))?;
        let mut parameters = self.role.parameters();
        parameters.insert("OIDCProviderArn", &self.provider_arn);
        parameters.insert_secret("OIDCToken", token.trim());
        Ok(Some(self.sts.call("AssumeRoleWithOIDC", &parameters, None).await?))
    }
}

#[async_trait]
impl ProvideCredentials for OidcRole {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        self.cache.key(Arc::clone(&self.assuming).fetch()).await
    }

    fn refused(&self, key: &AccessKey) {
        self.cache.forget(key);
    }
}
