//! Keeps calls within the cloud's limits: a bucket of tokens for each action, smaller while the cloud says that it is
//! too much, and a queue by lanes in front of each.
//!
//! ```text
//!   call ─▶ queue of its action (by lane, then arrival) ─▶ token ─▶ attempt ─▶ throttled? ─▶ the bucket shrinks
//! ```

mod bucket;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use self::bucket::Bucket;
use super::lanes::{Lane, Queue, Ticket};

/// Calls per minute and account, as far as the vendor
/// [publishes them](https://help.aliyun.com/zh/eci/product-overview/limits). Other actions have limits too, unknown ones.
const PUBLISHED: [(&str, u32); 11] = [
    ("DescribeContainerGroups", 2000),
    ("DescribeContainerGroupMetric", 2000),
    ("CreateContainerGroup", 1000),
    ("DeleteContainerGroup", 1000),
    ("DescribeContainerGroupPrice", 1000),
    ("ExecContainerCommand", 500),
    ("DescribeContainerLog", 500),
    ("RestartContainerGroup", 500),
    ("UpdateContainerGroup", 500),
    ("DescribeMultiContainerGroupMetric", 500),
    ("CreateImageCache", 200),
];

/// Limits on the rate of calls. Clones share their buckets: since the cloud counts by account, all clients of an
/// account should be given clones of one value.
///
/// An action is held back while the cloud throttles it, also one without a limit of its own, and comes back to its
/// full rate within a minute after.
#[derive(Clone)]
pub struct Limits {
    quotas: Arc<BTreeMap<String, u32>>,
    gates: Arc<Mutex<BTreeMap<&'static str, Arc<Gate>>>>,
}

impl Limits {
    /// No limit until the cloud throttles.
    pub fn adaptive() -> Self {
        Self { quotas: Arc::default(), gates: Arc::default() }
    }

    /// The limits that the vendor publishes.
    pub fn published() -> Self {
        PUBLISHED
            .iter()
            .fold(Self::adaptive(), |limits, (action, per_minute)| limits.per_minute(*action, *per_minute))
    }

    /// The same limits, with this one for an action, for example after the vendor has raised it, or for one's share
    /// of an account that others use too. 0 means none. The buckets are new ones.
    #[must_use]
    pub fn per_minute(&self, action: impl Into<String>, calls: u32) -> Self {
        let mut quotas = BTreeMap::clone(&self.quotas);
        quotas.insert(action.into(), calls);
        Self { quotas: Arc::new(quotas), gates: Arc::default() }
    }

    /// Waits for a turn. A future that is dropped gives its place up.
    pub(super) async fn admit(&self, action: &'static str, lane: Lane) {
        self.gate(action).pass(lane).await;
    }

    /// Notes that the cloud throttled a call.
    pub(super) fn throttled(&self, action: &'static str, retry_after: Option<Duration>) {
        self.gate(action).lock().bucket.throttled(Instant::now(), retry_after);
    }

    fn gate(&self, action: &'static str) -> Arc<Gate> {
        let quota = self.quotas.get(action).copied().filter(|calls| *calls > 0);
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Gate::new(Bucket::new(quota, Instant::now())));
        Arc::clone(gates.entry(action).or_insert_with(new))
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").field("per_minute", &self.quotas).finish_non_exhaustive()
    }
}

/// What the calls of one action pass.
struct Gate(Mutex<Passage>);

struct Passage {
    bucket: Bucket,
    queue: Queue,
}

impl Gate {
    fn new(bucket: Bucket) -> Self {
        Self(Mutex::new(Passage { bucket, queue: Queue::default() }))
    }

    /// A panic elsewhere leaves numbers behind that are still numbers.
    fn lock(&self) -> MutexGuard<'_, Passage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, lane: Lane) {
        let place = Place::join(self, lane);
        loop {
            match place.try_pass() {
                Step::Passed => return,
                Step::TokenIn(wait) => sleep(wait).await,
                Step::Behind => place.wake.notified().await,
            }
        }
    }
}

enum Step {
    Passed,
    /// It is this call's turn, and there will be a token.
    TokenIn(Duration),
    /// Others go first.
    Behind,
}

/// A place in the queue, given up when dropped.
struct Place<'a> {
    gate: &'a Gate,
    ticket: Ticket,
    wake: Arc<Notify>,
}

impl<'a> Place<'a> {
    fn join(gate: &'a Gate, lane: Lane) -> Self {
        let (ticket, wake) = gate.lock().queue.join(lane);
        Self { gate, ticket, wake }
    }

    fn try_pass(&self) -> Step {
        let mut passage = self.gate.lock();
        if !passage.queue.is_first(self.ticket) {
            return Step::Behind;
        }
        passage.bucket.take(Instant::now()).map_or_else(Step::TokenIn, |()| Step::Passed)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.lock().queue.leave(self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_limited_action_waits_and_others_do_not() {
        let (limits, started) = (Limits::adaptive().per_minute("A", 60), Instant::now());
        for _ in 0..16 {
            limits.admit("A", Lane::Normal).await;
        }
        // 60 a minute are 6 at once, and then one in 60/54 s.
        let waited = started.elapsed();
        assert!(waited >= Duration::from_secs(11) && waited < Duration::from_secs(12), "{waited:?}");
        let free = Instant::now();
        for _ in 0..1000 {
            limits.admit("B", Lane::Normal).await;
        }
        assert_eq!(free.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn clones_share_their_buckets() {
        let one = Limits::adaptive().per_minute("A", 60);
        let (other, started) = (one.clone(), Instant::now());
        for _ in 0..6 {
            one.admit("A", Lane::Normal).await;
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        other.admit("A", Lane::Normal).await;
        assert!(started.elapsed() >= Duration::from_secs(1));
    }

    /// Which lanes pass, in order, when they come in this order while there is no token.
    async fn passing_order(lanes: &[Lane]) -> Vec<Lane> {
        let limits = Limits::adaptive().per_minute("A", 10);
        limits.admit("A", Lane::Normal).await;
        let passed = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for &lane in lanes {
            let (limits, passed) = (limits.clone(), Arc::clone(&passed));
            tasks.push(tokio::spawn(async move {
                limits.admit("A", lane).await;
                passed.lock().expect("no panic").push(lane);
            }));
            // The clock stands still until all tasks wait, so this orders their arrival.
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        for task in tasks {
            task.await.expect("no panic");
        }
        Arc::try_unwrap(passed).expect("all are done").into_inner().expect("no panic")
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_higher_lane_goes_first() {
        use Lane::{Background, Normal, Urgent};
        let order = passing_order(&[Background, Normal, Background, Urgent, Normal]).await;
        assert_eq!(order, [Urgent, Normal, Normal, Background, Background]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_gives_up_leaves_its_place() {
        let limits = Limits::adaptive().per_minute("A", 10);
        limits.admit("A", Lane::Normal).await;
        let gone = tokio::time::timeout(Duration::from_millis(5), limits.admit("A", Lane::Urgent)).await;
        assert!(gone.is_err());
        tokio::time::timeout(Duration::from_secs(10), limits.admit("A", Lane::Background))
            .await
            .expect("the token that the other one did not take");
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_holds_back_its_action_only() {
        let (limits, started) = (Limits::adaptive(), Instant::now());
        limits.throttled("A", Some(Duration::from_secs(20)));
        limits.admit("B", Lane::Normal).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        limits.admit("A", Lane::Normal).await;
        assert!(started.elapsed() >= Duration::from_secs(20));
    }

    #[test]
    fn the_published_limits_can_be_changed() {
        let limits = Limits::published().per_minute("CreateContainerGroup", 7);
        let shown = format!("{limits:?}");
        assert!(shown.contains("\"CreateContainerGroup\": 7"), "{shown}");
        assert!(shown.contains("\"DescribeContainerGroups\": 2000"), "{shown}");
    }
}
