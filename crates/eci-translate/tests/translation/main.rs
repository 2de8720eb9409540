//! Translations as folders: what goes in, and what must come out.
//!
//! ```text
//!   tests/cases/<name>/         pod.yaml, objects.yaml?, placement.yaml?  →  request.json, ignored.yaml? | rejected.yaml
//!   tests/observations/<name>/  group.json | status.json + known.yaml?    →  observed.yaml
//! ```
//!
//! `UPDATE=1 cargo test -p eci-translate` writes what comes out; a person reviews the difference.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

mod cases;
mod expectation;
mod input;
mod limits;
mod observations;
mod properties;
mod silence;
