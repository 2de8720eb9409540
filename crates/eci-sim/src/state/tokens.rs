//! Remembers client tokens: the same request again gets the same answer, another one is told so.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::params::Parameters;

/// Whose token, for which action, and the token.
type Key = (String, String, String);

#[derive(Debug)]
struct Remembered {
    fingerprint: [u8; 32],
    at: Timestamp,
    /// The id that the first request was answered with.
    container_group_id: String,
}

/// What is known of a request that carries a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Never,
    /// The same parameters were answered with this id.
    Same(String),
    /// The token was used with other parameters.
    Other,
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    remembered: HashMap<Key, Remembered>,
    by_age: VecDeque<(Timestamp, Key)>,
}

impl Tokens {
    pub(crate) fn look_up(
        &mut self,
        account: &str,
        action: &str,
        parameters: &Parameters,
        now: Timestamp,
        window: SignedDuration,
    ) -> Seen {
        self.forget(now, window);
        let Some(key) = key(account, action, parameters) else { return Seen::Never };
        match self.remembered.get(&key) {
            None => Seen::Never,
            Some(known) if known.fingerprint == fingerprint(parameters) => {
                Seen::Same(known.container_group_id.clone())
            }
            Some(_) => Seen::Other,
        }
    }

    pub(crate) fn remember(
        &mut self,
        account: &str,
        action: &str,
        parameters: &Parameters,
        now: Timestamp,
        id: &str,
    ) {
        let Some(key) = key(account, action, parameters) else { return };
        let known =
            Remembered { fingerprint: fingerprint(parameters), at: now, container_group_id: id.to_owned() };
        self.remembered.insert(key.clone(), known);
        self.by_age.push_back((now, key));
    }

    /// Whether the token of this request, if it has one, is still remembered.
    pub(crate) fn holds(
        &self,
        account: &str,
        action: &str,
        parameters: &Parameters,
        now: Timestamp,
        window: SignedDuration,
    ) -> bool {
        let known = key(account, action, parameters).and_then(|key| self.remembered.get(&key));
        known.is_some_and(|known| now.duration_since(known.at) < window)
    }

    /// Forgets the token of this request, as if nobody had ever sent it.
    pub(crate) fn forget_one(&mut self, account: &str, action: &str, parameters: &Parameters) {
        if let Some(key) = key(account, action, parameters) {
            self.remembered.remove(&key);
        }
    }

    fn forget(&mut self, now: Timestamp, window: SignedDuration) {
        while let Some((at, key)) = self.by_age.front().filter(|(at, _)| now.duration_since(*at) >= window) {
            // A token that was used again since has a younger entry of its own.
            if self.remembered.get(key).is_some_and(|known| known.at == *at) {
                self.remembered.remove(key);
            }
            self.by_age.pop_front();
        }
    }
}

fn key(account: &str, action: &str, parameters: &Parameters) -> Option<Key> {
    let token = parameters.get("ClientToken").filter(|token| !token.is_empty())?;
    Some((account.to_owned(), action.to_owned(), token.clone()))
}

/// A digest of all parameters; lengths keep neighbours apart.
fn fingerprint(parameters: &Parameters) -> [u8; 32] {
    let mut digest = Sha256::new();
    for text in parameters.iter().flat_map(|(name, value)| [name, value]) {
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(name: &str) -> Parameters {
        [("ClientToken", "t"), ("ContainerGroupName", name)].map(|(n, v)| (n.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn a_token_is_bound_to_account_action_and_parameters_for_its_window() {
        let (now, day) = (Timestamp::UNIX_EPOCH, SignedDuration::from_hours(24));
        let mut tokens = Tokens::default();
        tokens.remember("a", "Create", &parameters("x"), now, "eci-1");
        let mut seen =
            |account, action, name, at| tokens.look_up(account, action, &parameters(name), at, day);
        assert_eq!(seen("a", "Create", "x", now), Seen::Same("eci-1".into()));
        assert_eq!(seen("a", "Create", "y", now), Seen::Other);
        assert_eq!(seen("b", "Create", "y", now), Seen::Never);
        assert_eq!(seen("a", "Delete", "y", now), Seen::Never);
        assert_eq!(seen("a", "Create", "x", now + day), Seen::Never);
    }

    #[test]
    fn a_window_of_zero_forgets_at_once() {
        let mut tokens = Tokens::default();
        tokens.remember("a", "Create", &parameters("x"), Timestamp::UNIX_EPOCH, "eci-1");
        let seen =
            tokens.look_up("a", "Create", &parameters("x"), Timestamp::UNIX_EPOCH, SignedDuration::ZERO);
        assert_eq!(seen, Seen::Never);
    }
}
