//! Remembers which nonces were used, as long as a replay could still pass the check of its time.

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;

use super::TOLERANCE;

#[derive(Debug, Default)]
pub(super) struct Nonces {
    used: HashSet<(String, String)>,
    by_age: VecDeque<(Timestamp, (String, String))>,
}

impl Nonces {
    /// Whether the key has not used the nonce before; it counts as used from now on.
    pub(super) fn is_new(&mut self, access_key_id: &str, nonce: &str, now: Timestamp) -> bool {
        self.forget(now);
        let entry = (access_key_id.to_owned(), nonce.to_owned());
        let is_new = self.used.insert(entry.clone());
        if is_new {
            self.by_age.push_back((now, entry));
        }
        is_new
    }

    /// A request dated at the far end of the tolerance passes for twice the tolerance after its first use.
    fn forget(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.by_age.front()
            && now.duration_since(*at) > TOLERANCE * 2
        {
            if let Some((_, entry)) = self.by_age.pop_front() {
                self.used.remove(&entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_nonce_is_used_once_per_key_until_it_is_too_old_to_matter() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut nonces = Nonces::default();
        assert!(nonces.is_new("a", "n", now));
        assert!(!nonces.is_new("a", "n", now + SignedDuration::from_mins(30)));
        assert!(nonces.is_new("b", "n", now));
        assert!(nonces.is_new("a", "n", now + SignedDuration::from_mins(31)));
        assert_eq!(nonces.used.len(), 1);
    }
}
