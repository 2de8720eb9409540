//! Reading a container's log. A trait of its own: a provider that has no logs says so in its type.

use async_trait::async_trait;
use k8s_openapi::jiff::Timestamp;

use crate::{GroupId, ProviderError};

/// Which part of a log is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The last so many lines; `None` means as many as the provider gives.
    pub tail_lines: Option<u32>,
    /// Only lines from then on.
    pub since: Option<LogSince>,
    /// The container's previous incarnation.
    pub previous: bool,
    /// Each line begins with its RFC 3339 time with nanoseconds and a blank.
    pub timestamps: bool,
    /// At most so many bytes.
    pub limit_bytes: Option<u64>,
}

/// From when on lines are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSince {
    /// The last so many seconds.
    Seconds(u32),
    /// That instant and later.
    Time(Timestamp),
}

/// Reads logs. Following is the caller's: it reads again from the last line's time.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LogProvider: Send + Sync + 'static {
    /// The wanted part of a container's log, whole lines, oldest first.
    ///
    /// May be repeated and called concurrently; the future may be dropped.
    ///
    /// # Errors
    /// `NotFound`: no such group or container, or it has not started. Others as their kind says.
    async fn read_log(
        &self,
        group: &GroupId,
        container: &str,
        query: &LogQuery,
    ) -> Result<String, ProviderError>;
}
