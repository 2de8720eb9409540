//! Follows what goes on inside a container: its log, line by line, and commands run in it.
//!
//! The API has neither a log that is pushed nor a documented protocol for commands; what has to be done about that is
//! here, built on [`Client`](crate::Client) alone.

mod log;

pub use self::log::{FollowLog, LogFollower, LogGap, LogItem, LogLine};
