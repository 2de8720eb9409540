//! The server over real TLS on loopback, with a scripted API server behind it.

#![allow(clippy::unwrap_used, reason = "all of this is test, also what clippy does not see as one")]

mod access;
mod certificates;
mod connections;
mod secrets;
mod support;
