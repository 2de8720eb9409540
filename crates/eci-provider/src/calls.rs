//! Tells whoever counts how each call to the cloud ended.

use std::time::Duration;

/// Learns of every call, for metrics. Every method does nothing by itself.
///
/// Called on the path of each call: an implementation counts and returns.
pub trait CallObserver: Send + Sync + 'static {
    /// A call of `action` (as the API spells it) ended after `took`: `ok`, or the error's
    /// [reason](vk_core::ErrorKind::reason).
    fn call_ended(&self, action: &'static str, outcome: &'static str, took: Duration) {
        let _ = (action, outcome, took);
    }

    /// A list held a group that is not this node's, although its filter asked for this node's only. Counted once
    /// for each group.
    fn group_skipped(&self) {}
}

/// Counts nothing.
impl CallObserver for () {}
