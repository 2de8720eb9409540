//! Reads single objects, one request at a time for each, however many ask.
//!
//! A thousand pods that wait for one ConfigMap then cost one GET a second, and its arrival is seen a second later at
//! most. An answer is given out for [`FRESH`] and dropped by [`ObjectCache::sweep`] soon after: nothing is kept for
//! which a watch would be needed, and no Secret stays in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

use crate::kube_call::{CALL_TIMEOUT, KubeError};

/// How old an answer may be that is given out again.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// An object, or `None` where there is none.
pub(super) type Answer<K> = Result<Option<Arc<K>>, KubeError>;

type Name = (String, String);

/// Answers by namespace and name.
pub(super) struct ObjectCache<K> {
    entries: Mutex<BTreeMap<Name, Entry<K>>>,
}

pub(super) struct Entry<K> {
    asked_at: Instant,
    answer: Shared<BoxFuture<'static, Answer<K>>>,
}

impl<K> Entry<K> {
    /// A request that nobody waits for any more makes no progress, so one beyond its deadline counts as gone.
    fn is_usable(&self) -> bool {
        let limit = if self.answer.peek().is_some() { FRESH } else { CALL_TIMEOUT };
        self.asked_at.elapsed() < limit
    }
}

impl<K: Send + Sync + 'static> ObjectCache<K> {
    pub(super) fn new() -> Self {
        Self { entries: Mutex::new(BTreeMap::new()) }
    }

    /// The object, read by `fetch` unless an answer is under way or fresh. An error is shared as an answer is.
    pub(super) async fn get(
        &self,
        namespace: &str,
        name: &str,
        fetch: impl FnOnce() -> BoxFuture<'static, Answer<K>>,
    ) -> Answer<K> {
        let key = (namespace.to_owned(), name.to_owned());
        let answer = {
            let mut entries = self.lock();
            match entries.get(&key).filter(|entry| entry.is_usable()) {
                Some(entry) => entry.answer.clone(),
                None => {
                    let answer = fetch().shared();
                    let asked_at = Instant::now();
                    entries.insert(key, Entry { asked_at, answer: answer.clone() });
                    answer
                }
            }
        };
        answer.await
    }

    /// Drops what is no longer given out.
    pub(super) fn sweep(&self) {
        self.lock().retain(|_, entry| entry.is_usable());
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Name, Entry<K>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Clone, Default)]
    struct Source(Arc<AtomicUsize>);

    impl Source {
        /// Takes 100 ms; answers with the number of the call.
        fn fetch(&self) -> BoxFuture<'static, Answer<usize>> {
            let call = self.0.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(Some(Arc::new(call)))
            }
            .boxed()
        }

        fn calls(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_readers_of_one_object_share_one_request() {
        let (cache, source) = (ObjectCache::new(), Source::default());
        let readers = (0..1000).map(|_| cache.get("ns", "c", || source.fetch()));
        let answers = futures::future::join_all(readers).await;
        assert!(answers.into_iter().all(|answer| *answer.unwrap().unwrap() == 0));
        assert_eq!(source.calls(), 1);
        cache.get("ns", "other", || source.fetch()).await.unwrap();
        assert_eq!(source.calls(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_given_out_for_a_second_and_then_dropped() {
        let (cache, source) = (ObjectCache::new(), Source::default());
        cache.get("ns", "c", || source.fetch()).await.unwrap();
        tokio::time::advance(FRESH - Duration::from_millis(101)).await;
        cache.get("ns", "c", || source.fetch()).await.unwrap();
        assert_eq!(source.calls(), 1);
        cache.sweep();
        assert_eq!(cache.lock().len(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        cache.sweep();
        assert!(cache.lock().is_empty());
        cache.get("ns", "c", || source.fetch()).await.unwrap();
        assert_eq!(source.calls(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_its_readers_gave_up_is_made_again() {
        let (cache, source) = (ObjectCache::new(), Source::default());
        let hung = cache.get("ns", "c", || futures::future::pending().boxed());
        assert!(tokio::time::timeout(Duration::from_secs(1), hung).await.is_err());
        tokio::time::advance(CALL_TIMEOUT).await;
        assert_eq!(*cache.get("ns", "c", || source.fetch()).await.unwrap().unwrap(), 0);
    }
}
