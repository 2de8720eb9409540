//! Decides who calls: finds the access key, checks time, signature and nonce, as the cloud's gateway does.
//!
//! Written from the published description of both signature versions, not shared with any client, so that a
//! client's mistake cannot agree with itself.

mod identity;
mod nonces;
mod policy;
mod v1;
mod v3;
#[cfg(test)]
mod vectors;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::clock::later;
use crate::error::{ApiError, Error};
use crate::wire::Call;
pub(crate) use identity::Identity;
use nonces::Nonces;
pub(crate) use policy::one_or_several;
pub use policy::{Effect, Permissions, Policy, Statement};

/// How far a request's time may be from the simulator's.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(15);

/// An access key that the simulator accepts.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Keys of one account see the same groups and share client tokens.
    pub account: String,
    pub id: String,
    pub secret: String,
    /// The security token that temporary credentials must send.
    pub security_token: Option<String>,
    /// When temporary credentials expire, by the simulator's time.
    pub expires_at: Option<Timestamp>,
    /// What RAM permits.
    pub permissions: Permissions,
    pub(crate) inactive: bool,
    pub(crate) token_expired: bool,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey")
            .field("account", &self.account)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl AccessKey {
    /// A permanent key of the account `default`.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            account: "default".to_owned(),
            id: id.into(),
            secret: secret.into(),
            security_token: None,
            expires_at: None,
            permissions: Permissions::default(),
            inactive: false,
            token_expired: false,
        }
    }
}

impl std::str::FromStr for AccessKey {
    type Err = Error;

    /// `[ACCOUNT/]ID:SECRET[:TOKEN]`
    fn from_str(text: &str) -> Result<Self, Error> {
        let (id, rest) = text.split_once(':').ok_or(Error::AccessKey)?;
        let (account, id) = id.split_once('/').unwrap_or(("default", id));
        let (secret, token) =
            rest.split_once(':').map_or((rest, None), |(secret, token)| (secret, Some(token)));
        if account.is_empty() || id.is_empty() || secret.is_empty() {
            return Err(Error::AccessKey);
        }
        let mut key = Self::new(id, secret);
        key.account = account.to_owned();
        key.security_token = token.map(str::to_owned);
        Ok(key)
    }
}

/// What a request says about its own signature, whichever version it uses.
struct Claim {
    access_key_id: String,
    security_token: Option<String>,
    time: String,
    nonce: String,
    signature: String,
}

/// A signature as the server computes it.
#[derive(Debug)]
struct Computed {
    string_to_sign: String,
    signature: String,
}

/// The access keys, and the nonces they have used.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    pub(crate) keys: BTreeMap<String, AccessKey>,
    nonces: Nonces,
}

impl Keyring {
    pub(crate) fn new(keys: Vec<AccessKey>) -> Self {
        let keys = keys.into_iter().map(|key| (key.id.clone(), key)).collect();
        Self { keys, nonces: Nonces::default() }
    }

    /// The same keys, none of them used yet.
    pub(crate) fn unused(&self) -> Self {
        Self { keys: self.keys.clone(), nonces: Nonces::default() }
    }

    /// Adds a key, or replaces the one of its id.
    pub(crate) fn add(&mut self, key: AccessKey) {
        self.keys.insert(key.id.clone(), key);
    }

    /// Lets a key expire after a while.
    pub(crate) fn limit(&mut self, id: &str, now: Timestamp, lifetime: SignedDuration) {
        if let Some(key) = self.keys.get_mut(id) {
            key.expires_at = Some(later(now, lifetime));
        }
    }

    /// The key that signed the call, which arrives at `now` by the gateway's clock and at `present` by the simulator's.
    pub(crate) fn authenticate(
        &mut self,
        call: &Call,
        now: Timestamp,
        present: Timestamp,
    ) -> Result<AccessKey, ApiError> {
        let is_v3 = call.headers.contains_key("authorization");
        let claim = if is_v3 { v3::claim(call)? } else { v1::claim(call)? };
        check_time(&claim.time, now)?;
        let key = self.active_key(&claim, present)?;
        let computed = if is_v3 { v3::compute(call, &key.secret)? } else { v1::compute(call, &key.secret) };
        if !computed.iter().any(|computed| computed.signature == claim.signature) {
            return Err(mismatch(&computed[0]));
        }
        if !self.nonces.is_new(&claim.access_key_id, &claim.nonce, now) {
            return Err(ApiError::new(
                400,
                "SignatureNonceUsed",
                "Specified signature nonce was used already.",
            ));
        }
        Ok(key)
    }

    fn active_key(&self, claim: &Claim, present: Timestamp) -> Result<AccessKey, ApiError> {
        let key = self.keys.get(&claim.access_key_id).ok_or_else(|| {
            ApiError::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        })?;
        if key.inactive {
            return Err(ApiError::new(
                400,
                "InvalidAccessKeyId.Inactive",
                "Specified access key is disabled.",
            ));
        }
        match (&key.security_token, &claim.security_token) {
            (None, None) => {}
            (Some(expected), Some(given)) if expected == given => {
                if key.token_expired || key.expires_at.is_some_and(|end| end <= present) {
                    let message = "Specified SecurityToken is expired.";
                    return Err(ApiError::new(400, "InvalidSecurityToken.Expired", message));
                }
            }
            (Some(_), None) => {
                let message = "SecurityToken is mandatory for this access key.";
                return Err(ApiError::new(400, "MissingSecurityToken", message));
            }
            _ => {
                let message = "Specified SecurityToken does not belong to the access key.";
                return Err(ApiError::new(400, "InvalidSecurityToken.MismatchWithAccessKey", message));
            }
        }
        Ok(key.clone())
    }
}

fn mismatch(computed: &Computed) -> ApiError {
    // The legacy core compares the text after the colon with its own to tell a wrong secret from a wrong
    // canonicalisation, so nothing may follow it.
    let message = format!(
        "Specified signature is not matched with our calculation. server string to sign is:{}",
        computed.string_to_sign
    );
    ApiError::new(400, "SignatureDoesNotMatch", message)
}

fn check_time(text: &str, now: Timestamp) -> Result<(), ApiError> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 20 && bytes[10] == b'T' && bytes[19] == b'Z';
    let time = text.parse::<Timestamp>().ok().filter(|_| shaped);
    let Some(time) = time else {
        let message = "Specified time stamp or date value is not well formatted.";
        return Err(ApiError::new(400, "InvalidTimeStamp.Format", message));
    };
    if time.duration_since(now).abs() > TOLERANCE {
        let message = "Specified time stamp or date value is expired.";
        return Err(ApiError::new(400, "InvalidTimeStamp.Expired", message));
    }
    Ok(())
}

/// The error for a mandatory part of the signature, `Timestamp` → `MissingTimestamp`.
fn missing(name: &str) -> ApiError {
    ApiError::new(400, format!("Missing{name}"), format!("{name} is mandatory for this action."))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_its_text() {
        let key: AccessKey = "test-id:test-secret".parse().unwrap();
        assert_eq!(key, AccessKey::new("test-id", "test-secret"));
        let key: AccessKey = "other/sts:secret:token:with:colons".parse().unwrap();
        assert_eq!(
            (key.account.as_str(), key.security_token.as_deref()),
            ("other", Some("token:with:colons"))
        );
        for bad in ["", "id", "id:", ":secret", "/id:secret"] {
            assert!(bad.parse::<AccessKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_are_not_in_the_debug_text() {
        let key: AccessKey = "id:hush:hush-token".parse().unwrap();
        assert!(!format!("{key:?}").contains("hush"));
    }

    #[test]
    fn times_are_in_the_one_documented_form_and_within_fifteen_minutes() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let code = |text: &str| check_time(text, now).map_err(|error| error.code);
        assert_eq!(code("2026-01-02T03:19:05Z"), Ok(()));
        assert_eq!(code("2026-01-02T02:49:05Z"), Ok(()));
        assert_eq!(code("2026-01-02T03:19:06Z"), Err("InvalidTimeStamp.Expired".to_owned()));
        assert_eq!(code("2026-01-02T02:49:04Z"), Err("InvalidTimeStamp.Expired".to_owned()));
        for bad in ["", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.5Z"] {
            assert_eq!(code(bad), Err("InvalidTimeStamp.Format".to_owned()), "{bad}");
        }
    }
}
