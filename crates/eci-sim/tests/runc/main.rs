//! Containers that really run: needs root, `runc`, `ip` and a static busybox.

#![allow(clippy::unwrap_used, reason = "clippy only knows functions marked as tests, not what they call")]

#[path = "../http/caller.rs"]
#[allow(dead_code, reason = "these tests need a part of it")]
mod caller;
mod exec;
mod images;
mod machine;
mod pods;
mod probes;
mod sweep;
mod volumes;
