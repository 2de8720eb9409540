//! Remembers answers for a while, never more than a fixed number of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A bounded map whose entries expire. Safe to share; no lock is held across an `.await`.
pub(crate) struct ExpiringCache<K, V> {
    capacity: usize,
    entries: Mutex<HashMap<K, Entry<V>>>,
}

struct Entry<V> {
    value: V,
    expires_at: Instant,
}

impl<K: Eq + Hash + Clone, V: Clone> ExpiringCache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::new(HashMap::new()) }
    }

    /// The answer, unless it is unknown or too old.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(key)?;
        (Instant::now() < entry.expires_at).then(|| entry.value.clone())
    }

    /// Remembers an answer. A full cache gives up what has expired, else what would expire next.
    pub(crate) fn insert(&self, key: K, value: V, lifetime: Duration) {
        let now = Instant::now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            entries.retain(|_, entry| now < entry.expires_at);
        }
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            let next = entries.iter().min_by_key(|(_, entry)| entry.expires_at);
            if let Some(next) = next.map(|(key, _)| key.clone()) {
                entries.remove(&next);
            }
        }
        let expires_at = now + lifetime;
        entries.insert(key, Entry { value, expires_at });
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.entries.lock().unwrap().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_forgotten_when_its_time_is_over() {
        let cache = ExpiringCache::new(8);
        cache.insert("a", 1, MINUTE);
        tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
        assert_eq!(cache.get(&"a"), Some(1));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(cache.get(&"a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_cache_gives_up_what_would_expire_next() {
        let cache = ExpiringCache::new(2);
        cache.insert("long", 1, 5 * MINUTE);
        cache.insert("short", 2, MINUTE);
        cache.insert("new", 3, MINUTE);
        assert_eq!((cache.get(&"long"), cache.get(&"short"), cache.get(&"new")), (Some(1), None, Some(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_entries_is_bounded() {
        let cache = ExpiringCache::new(16);
        for key in 0..1000 {
            cache.insert(key, (), MINUTE);
        }
        assert_eq!(cache.len(), 16);
    }
}
