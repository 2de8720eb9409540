//! Follows what goes on inside a container: its log, line by line, and commands run in it.
//!
//! The API has neither a log that is pushed nor a documented protocol for commands; what has to be done about that is
//! here, built on [`Client`](crate::Client) alone.

#[cfg(feature = "exec")]
pub(crate) mod exec;
mod log;

#[cfg(feature = "exec")]
pub use self::exec::{
    Exec, ExecEncoding, ExecLayout, ExecOptions, ExecOutcome, ExecOutput, ExecResizer, ExecStatus, ExecStdin,
    TerminalSize,
};
pub use self::log::{FollowLog, LogFollower, LogGap, LogItem, LogLine, LogStream};
