//! Calls the Security Token Service, which hands out temporary keys.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::surroundings::{Surroundings, send};
use super::{AccessKey, CredentialsError};
use crate::client::{Skew, http_request};
use crate::endpoint::Endpoint;
use crate::error::{Answer, Error, ErrorKind, Refusal};
use crate::model::{Effect, Parameters};
use crate::sign::{FORM, Outgoing, SignatureVersion, Unsigned, encode, time};

/// The version of the STS API.
const VERSION: &str = "2015-04-01";
const TIMEOUT: Duration = Duration::from_secs(10);

/// The four fields that every source of temporary keys answers with.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TemporaryKey {
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    security_token: Option<String>,
    expiration: Option<String>,
}

impl TemporaryKey {
    pub(super) fn into_key(self) -> Result<AccessKey, CredentialsError> {
        let text = |value: Option<String>| value.filter(|text| !text.is_empty());
        let (Some(id), Some(secret)) = (text(self.access_key_id), text(self.access_key_secret)) else {
            return Err(CredentialsError::refused("the answer lacks the key"));
        };
        let key = AccessKey::new(id, secret).with_security_token(self.security_token.unwrap_or_default());
        let Some(end) = text(self.expiration) else { return Ok(key) };
        let end = end.parse::<Timestamp>();
        let end = end.map_err(|_| CredentialsError::refused("the answer's expiration is not a time"))?;
        Ok(key.expiring_at(end))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    credentials: TemporaryKey,
}

/// Where and how STS is called.
pub(super) struct Sts {
    pub(super) endpoint: String,
    pub(super) signature: SignatureVersion,
    pub(super) surroundings: Surroundings,
    pub(super) skew: Skew,
}

/// Why STS gave no key.
pub(super) struct Failure {
    pub(super) error: CredentialsError,
    /// The key that signed is not, or no longer, a good one.
    pub(super) key_is_refused: bool,
}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        Self { error, key_is_refused: false }
    }
}

impl From<Failure> for CredentialsError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl Sts {
    /// Calls an action, signed if there is a key to sign with. A wrong clock is corrected once.
    pub(super) async fn call(
        &self,
        action: &'static str,
        parameters: &Parameters,
        key: Option<&AccessKey>,
    ) -> Result<AccessKey, Failure> {
        let response = self.attempt(action, parameters, key).await?;
        match read(action, parameters, &response) {
            Err(error) if error.kind() == ErrorKind::ClockSkew => {
                let now = self.surroundings.clock.now();
                if !self.skew.learn(response.headers(), now) {
                    return Err(CredentialsError::refused(error).into());
                }
                let response = self.attempt(action, parameters, key).await?;
                Ok(read(action, parameters, &response).map_err(classified)?.into_key()?)
            }
            result => Ok(result.map_err(classified)?.into_key()?),
        }
    }

    async fn attempt(
        &self,
        action: &'static str,
        parameters: &Parameters,
        key: Option<&AccessKey>,
    ) -> Result<Response<Bytes>, CredentialsError> {
        let endpoint = Endpoint::parse(&self.endpoint).ok_or_else(|| {
            CredentialsError::refused("the endpoint of STS is not of the form https://host[:port]")
        })?;
        let outgoing = self.outgoing(endpoint.host(), action, parameters, key);
        let request = http_request(&endpoint, "POST", outgoing)
            .map_err(|_| CredentialsError::refused("the key to sign with cannot travel in a header"))?;
        send(&*self.surroundings.transport, request, TIMEOUT).await
    }

    fn outgoing(&self, host: &str, action: &str, form: &Parameters, key: Option<&AccessKey>) -> Outgoing {
        let now = self.skew.corrected(self.surroundings.clock.now());
        let nonce = self.surroundings.nonces.next();
        if let Some(key) = key {
            let (query, headers) = (&Parameters::default(), &BTreeMap::new());
            let unsigned = Unsigned { method: "POST", host, action, version: VERSION, query, form, headers };
            return self.signature.sign(&unsigned, key, now, &nonce);
        }
        let common = [
            ("Action", action),
            ("Format", "JSON"),
            ("SignatureNonce", &nonce),
            ("Timestamp", &time(now)),
            ("Version", VERSION),
        ];
        let headers =
            [("host", host), ("content-type", FORM)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let body = encode(&form.iter().chain(common).collect());
        Outgoing { query: String::new(), headers: BTreeMap::from(headers), body }
    }
}

fn read(action: &'static str, sent: &Parameters, response: &Response<Bytes>) -> Result<TemporaryKey, Error> {
    let http_status = response.status().as_u16();
    let answer = Answer { action, effect: Effect::Read, http_status, retry_after: None, sent };
    if let Some(refusal) = Refusal::read(response.body()) {
        return Err(answer.refused(refusal));
    }
    if !response.status().is_success() {
        return Err(answer.not_understood("the answer is not the API's"));
    }
    // What is wrong with it is not said: serde quotes values.
    let reply: Result<Reply, _> = serde_json::from_slice(response.body());
    reply.map(|reply| reply.credentials).map_err(|_| answer.nonsense("the reply holds no credentials"))
}

/// Whether the next call may fare better, or a person must act.
fn classified(error: Error) -> Failure {
    let key_is_refused = error.kind() == ErrorKind::InvalidCredentials;
    let error = match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Throttled { .. } => CredentialsError::unreachable(error),
        _ => CredentialsError::refused(error),
    };
    Failure { error, key_is_refused }
}
