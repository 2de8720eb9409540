//! Registers the Node and keeps it true: labels, addresses, capacity, conditions and our own taint.
//!
//! ```text
//!   NodeSettings ──┐
//!   CloudHealth ───┼──▶ object (pure) ──▶ NodeController ──CREATE, PATCH──▶ API server
//!   Node observed ─┘                            ▲                               │
//!                                               └────────────watch──────────────┘
//! ```
//!
//! `Ready` stays True whatever the cloud does: `Ready=False` would make the life-cycle controller taint the node
//! NoExecute and delete every pod on it after 300 s. A cloud that fails shows as the condition [`CLOUD_REACHABLE`] and as
//! the taint [`CLOUD_UNREACHABLE_TAINT`], which keeps new pods away and touches none that runs.

mod controller;
mod object;
mod settings;

pub use controller::NodeController;
pub use settings::{Capacity, NodeSettings, NodeTaint};

/// Type of the condition that says whether the cloud answers us.
pub const CLOUD_REACHABLE: &str = "CloudReachable";

/// Key of the taint (effect `NoSchedule`, no value) that the node carries while the cloud does not answer.
pub const CLOUD_UNREACHABLE_TAINT: &str = "virtual-node.eci/cloud-unreachable";

/// What is known of the way to the cloud. Whoever decides it also damps it; here it is only published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CloudHealth {
    /// Not known yet: what the node says of it already stays as it is.
    #[default]
    Unknown,
    /// Calls succeed.
    Reachable,
    /// Calls fail for a reason that lies with the cloud, with the way to it or with our credentials.
    Unreachable {
        /// A CamelCase word.
        reason: String,
        /// A sentence for people, the same for as long as the trouble is the same: each change is a write.
        message: String,
    },
}

/// The Node as the API server last knew it, for owner references and events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRef {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`. Another one after somebody deleted the Node and it was made again.
    pub uid: String,
}
