//! The page at `/` in a real browser: needs Chromium.

#![allow(clippy::unwrap_used, reason = "clippy only knows functions marked as tests, not what they call")]

mod browser;
#[path = "../http/caller.rs"]
#[allow(dead_code, reason = "these tests need a part of it")]
mod caller;
mod people;
mod strangers;
