//! An identity as it is written in a file or in a call of the control API.

use jiff::SignedDuration;
use serde::Deserialize;

use super::{AccessKey, Permissions, Policy};
use crate::document::Item;
use crate::settings::seconds;

/// An access key, whose it is, how long it lasts and what it may do.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    #[serde(default)]
    security_token: Option<String>,
    #[serde(default)]
    account: Option<String>,
    /// Temporary credentials last so long, by the simulator's time.
    #[serde(default)]
    expires_in_s: Option<u64>,
    #[serde(default)]
    allow: Option<Vec<String>>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    policy: Option<Policy>,
}

impl Item for Identity {
    fn check(&self) -> Result<(), String> {
        if self.access_key_id.is_empty() || self.secret.is_empty() {
            return Err("access_key_id, secret: neither may be empty".to_owned());
        }
        if self.expires_in_s.is_some() && self.security_token.is_none() {
            return Err("expires_in_s: only credentials with a security_token expire".to_owned());
        }
        Ok(())
    }
}

impl Identity {
    /// Its id, and how long it lasts where that is limited.
    pub(crate) fn lifetime(&self) -> Option<(String, SignedDuration)> {
        self.expires_in_s.map(|lifetime| (self.access_key_id.clone(), seconds(lifetime)))
    }

    /// The key; it lasts until [`super::Keyring::limit`] says otherwise.
    pub(crate) fn into_key(self) -> AccessKey {
        let mut key = AccessKey::new(self.access_key_id, self.secret);
        key.account = self.account.unwrap_or(key.account);
        key.security_token = self.security_token;
        key.permissions = Permissions { allow: self.allow, deny: self.deny, policy: self.policy };
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn a_file_of_identities_is_read() {
        let text = "
- {access_key_id: admin, secret: hush}
- access_key_id: reader
  secret: hush
  security_token: token
  expires_in_s: 900
  account: other
  allow: ['eci:Describe*']
";
        let identities: Vec<Identity> = document::read(text).unwrap();
        assert_eq!(identities[0].lifetime(), None);
        assert_eq!(identities[1].lifetime(), Some(("reader".to_owned(), SignedDuration::from_mins(15))));
        let keys: Vec<AccessKey> = identities.into_iter().map(Identity::into_key).collect();
        assert_eq!(keys[0].account, "default");
        assert_eq!(keys[1].account, "other");
        assert!(!keys[1].permissions.permit("CreateContainerGroup", "*"));
    }

    #[test]
    fn a_mistake_is_told_without_the_secret() {
        for (text, told) in [
            ("- {access_key_id: a, secret: hush, expires_in_s: 9}", "line 1: expires_in_s: "),
            ("- {access_key_id: a, secret: [hush]}", "line 1: "),
            ("- access_key_id: a\n  secrt: hush", "secrt"),
        ] {
            let Err(problem) = document::read::<Identity>(text) else { panic!("{text}") };
            assert!(problem.contains(told) && !problem.contains("hush"), "{problem}");
        }
    }
}
