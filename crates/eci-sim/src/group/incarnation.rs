//! One run of a container, and how it ended.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::facts::Facts;
use crate::script::Line;

/// One run of a container.
#[derive(Clone, Debug)]
pub(crate) struct Incarnation {
    pub(crate) id: String,
    pub(crate) started_at: Timestamp,
    pub(crate) ready: bool,
    /// What the readiness probe will say, and when.
    pub(super) turns: VecDeque<(Timestamp, bool)>,
    /// How the script says that it ends.
    pub(super) planned: Option<(Timestamp, Exit)>,
    /// When the liveness probe gives it up.
    pub(super) death: Option<Timestamp>,
    /// When its postStart hook fails.
    pub(super) hook_failure: Option<Timestamp>,
    pub(crate) ended: Option<(Timestamp, Exit)>,
    /// What the group was when this run began, and the place of its container, where that has changed since.
    pub(crate) origin: Option<(Arc<Facts>, usize)>,
    /// Lines written from outside, in order.
    pub(crate) injected: Vec<Line>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) code: i32,
    pub(crate) signal: i32,
    pub(crate) reason: String,
    pub(crate) message: String,
}

impl Exit {
    /// An exit with the reason a kubelet would give.
    pub(crate) fn of_code(code: i32, message: String) -> Self {
        let reason = if code == 0 { "Completed" } else { "Error" };
        let signal = if code > 128 && code < 160 { code - 128 } else { 0 };
        Self { code, signal, reason: reason.to_owned(), message }
    }
}

impl Incarnation {
    pub(crate) fn exit(&self) -> Option<&Exit> {
        self.ended.as_ref().map(|(_, exit)| exit)
    }
}

/// The id of a run: the same run has the same id whenever it is asked for.
pub(super) fn container_id(group: &str, name: &str, restart: u32) -> String {
    format!("containerd://{}", hex_digest(&format!("{group}/{name}/{restart}")))
}

/// Hexadecimal SHA-256.
pub(super) fn hex_digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
