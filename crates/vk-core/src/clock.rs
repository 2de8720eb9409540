//! The wall clock as a value handed in, so that tests decide what time it is.

use k8s_openapi::jiff::Timestamp;

/// Tells the time. Every `Fn() -> Timestamp` is one.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync + 'static> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}
