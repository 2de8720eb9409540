//! Asks the metadata service for the key of the role that this instance, or container group, runs under.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;

use super::cache::Cache;
use super::sts::TemporaryKey;
use super::surroundings::{Surroundings, send};
use super::{AccessKey, CredentialsError, ProvideCredentials};

/// The service is next door: what does not answer at once is not there.
const TIMEOUT: Duration = Duration::from_secs(1);
const ROLES: &str = "/latest/meta-data/ram/security-credentials/";

/// The role of this instance. Asks with a session token (version 2 of the service), and without one where it gives
/// none.
pub struct InstanceRole {
    metadata: Arc<Metadata>,
    cache: Cache,
}

/// How the metadata service is asked.
#[derive(Clone)]
struct Metadata {
    name: Option<String>,
    v1_allowed: bool,
    /// Who said that there is such a role.
    wanted_by: Option<String>,
    surroundings: Surroundings,
}

impl InstanceRole {
    /// The one role the instance has, found by asking.
    ///
    /// Where no metadata service answers, or it knows of no role, this source counts as not configured; once it has given a
    /// key that is a failure.
    pub fn new(surroundings: &Surroundings) -> Self {
        let cache = Cache::new(&surroundings.clock);
        let surroundings = surroundings.clone();
        let metadata = Metadata { name: None, v1_allowed: true, wanted_by: None, surroundings };
        Self { metadata: Arc::new(metadata), cache }
    }

    /// Names the role. If it cannot be had, that is a failure.
    #[must_use]
    pub fn role_name(mut self, name: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.metadata).name = Some(name.into());
        self
    }

    /// Says who wants the role, for example a profile. If it cannot be had, that is a failure.
    pub(super) fn wanted_by(mut self, whom: String) -> Self {
        Arc::make_mut(&mut self.metadata).wanted_by = Some(whom);
        self
    }

    /// Never asks without a session token.
    #[must_use]
    pub fn without_v1(mut self) -> Self {
        Arc::make_mut(&mut self.metadata).v1_allowed = false;
        self
    }

    /// As `ALIBABA_CLOUD_ECS_METADATA` (the role) and `ALIBABA_CLOUD_IMDSV1_DISABLED` say; `None` where
    /// `ALIBABA_CLOUD_ECS_METADATA_DISABLED` is `true`.
    pub fn from_environment(surroundings: &Surroundings) -> Option<Self> {
        if surroundings.is_true("ALIBABA_CLOUD_ECS_METADATA_DISABLED") {
            return None;
        }
        let role = Self::new(surroundings);
        let role = match surroundings.var("ALIBABA_CLOUD_ECS_METADATA") {
            Some(name) => role.role_name(name),
            None => role,
        };
        Some(if surroundings.is_true("ALIBABA_CLOUD_IMDSV1_DISABLED") { role.without_v1() } else { role })
    }
}

impl Metadata {
    async fn fetch(self: Arc<Self>) -> Result<Option<AccessKey>, CredentialsError> {
        match (self.fetch_named().await, &self.wanted_by) {
            (Err(CredentialsError::Unreachable(why)), Some(whom)) => {
                Err(CredentialsError::unreachable(format!(
                    "{whom} wants the role of this instance, and the metadata service does not answer: {why}"
                )))
            }
            (Ok(None), Some(whom)) => Err(CredentialsError::refused(format!(
                "{whom} wants the role of this instance, which has none: attach a RAM role to it"
            ))),
            // A machine of another vendor has no such service, and nobody said that there is one.
            (Err(CredentialsError::Unreachable(_)), None) if self.name.is_none() => Ok(None),
            (result, _) => result,
        }
    }

    async fn fetch_named(&self) -> Result<Option<AccessKey>, CredentialsError> {
        let token = match self.token().await {
            Ok(token) => Some(token),
            Err(_) if self.v1_allowed => None,
            Err(error) => return Err(error),
        };
        let name = match &self.name {
            Some(name) => name.clone(),
            None => match self.discovered(token.as_deref()).await? {
                Some(name) => name,
                None => return Ok(None),
            },
        };
        let response = self.get(&format!("{ROLES}{name}"), token.as_deref()).await?;
        read(&success(response)?).map(Some)
    }

    async fn token(&self) -> Result<String, CredentialsError> {
        let lifetime = ("x-aliyun-ecs-metadata-token-ttl-seconds", "21600");
        let response = self.request(Method::PUT, "/latest/api/token", Some(lifetime)).await?;
        text(&success(response)?)
    }

    /// The name of the instance's role; `None` if it has none.
    async fn discovered(&self, token: Option<&str>) -> Result<Option<String>, CredentialsError> {
        let response = self.get(ROLES, token).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let names = text(&success(response)?)?;
        Ok(names.lines().map(str::trim).find(|name| !name.is_empty()).map(str::to_owned))
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Result<Response<Bytes>, CredentialsError> {
        self.request(Method::GET, path, token.map(|token| ("x-aliyun-ecs-metadata-token", token))).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Result<Response<Bytes>, CredentialsError> {
        let url = format!("{}{path}", self.surroundings.metadata_endpoint);
        let mut request = Request::builder().method(method).uri(url).header("content-length", 0);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request
            .body(Bytes::new())
            .map_err(|_| CredentialsError::refused("the metadata service cannot be asked for this role"))?;
        send(&*self.surroundings.metadata_transport, request, TIMEOUT).await
    }
}

/// The body of a good answer.
fn success(response: Response<Bytes>) -> Result<Bytes, CredentialsError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.into_body());
    }
    let message = format!("the metadata service answers with HTTP {}", status.as_u16());
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Err(CredentialsError::unreachable(message))
    } else {
        Err(CredentialsError::refused(message))
    }
}

fn text(body: &[u8]) -> Result<String, CredentialsError> {
    let text = std::str::from_utf8(body).ok().filter(|text| text.trim().len() < 4096);
    text.map(|text| text.trim().to_owned()).ok_or_else(|| CredentialsError::refused("the answer is not text"))
}

/// Reads an answer `{"Code":"Success", …}` with the four fields of a temporary key.
pub(super) fn read(body: &[u8]) -> Result<AccessKey, CredentialsError> {
    #[derive(Deserialize)]
    struct Coded {
        #[serde(rename = "Code")]
        code: Option<String>,
        #[serde(flatten)]
        key: TemporaryKey,
    }
    let answer: Coded = serde_json::from_slice(body)
        .map_err(|_| CredentialsError::refused("the answer holds no credentials"))?;
    match answer.code.as_deref() {
        Some("Success") => answer.key.into_key(),
        Some(code) => {
            let code: String = code.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
            Err(CredentialsError::refused(format!("the answer's code is {code:?}")))
        }
        None => Err(CredentialsError::refused("the answer has no code")),
    }
}

#[async_trait]
impl ProvideCredentials for InstanceRole {
    async fn provide(&self) -> Result<Option<AccessKey>, CredentialsError> {
        self.cache.key(Arc::clone(&self.metadata).fetch()).await
    }

    fn refused(&self, key: &AccessKey) {
        self.cache.forget(key);
    }
}
