//! The seam between a virtual node and what runs its pods: traits, and the types that cross them.
//!
//! ```text
//!   vk-node, vk-api ──▶ vk-core ◀── eci-translate, eci-provider
//! ```
//!
//! The half that talks to Kubernetes and the half that talks to a cloud meet here and nowhere else. This crate
//! does nothing by itself: it holds no I/O, no clock and no cloud's vocabulary.

mod clock;
mod error;
mod key;
mod logs;
mod observed;
mod placement;
mod provider;
mod resolved;

pub use clock::Clock;
pub use error::{ErrorKind, ProviderError, Rejection};
pub use key::{Attempt, GroupId, PodKey};
#[cfg(feature = "mock")]
pub use logs::MockLogProvider;
pub use logs::{LogProvider, LogQuery, LogSince};
pub use observed::{ContainerState, GroupState, Observation, ObservedContainer, ObservedPod, Terminated};
pub use placement::Placement;
#[cfg(feature = "mock")]
pub use provider::MockProvider;
pub use provider::{Cursor, Fetched, Provider, Started};
pub use resolved::{Resolved, TokenKey, TokenValue};
