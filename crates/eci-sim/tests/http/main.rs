//! The simulator over real HTTP, called by a signer written for these tests alone.

#![allow(clippy::unwrap_used, reason = "clippy only knows functions marked as tests, not what they call")]

mod binary;
mod caller;
mod containers;
mod faults;
mod identities;
mod life;
mod limits;
mod page;
mod requests;
mod signatures;
mod spoilt;
mod state;
