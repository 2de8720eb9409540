//! The provider against a simulated cloud, over HTTP, with signed requests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod absence;
mod deleting;
mod failing;
mod logs;
mod observing;
mod starting;
mod world;
