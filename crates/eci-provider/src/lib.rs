//! Runs the pods of a virtual node as ECI container groups.
//!
//! ```text
//!   vk_core::Provider ──▶ EciProvider ──┬─ eci_translate: Pod ─▶ request, group ─▶ ObservedPod
//!                                       ├─ Index: what full readings told, what is proven gone
//!                                       └─ Cloud ──▶ eci_client
//! ```
//!
//! Start reading at [`EciProvider`]. What is subtle is absence: [`mod@absence`] says when a group that an answer lacks
//! may be called gone, and [`mod@sweep`] when a list may be called complete.

mod absence;
mod calls;
mod cloud;
mod error;
mod index;
mod log;
mod ownership;
mod provider;
mod reading;
mod sweep;
#[cfg(test)]
mod tests;

pub use calls::CallObserver;
pub use provider::{EciProvider, Options};
