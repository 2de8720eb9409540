//! A local ECI: the cloud's OpenAPI over HTTP, for tests and demonstrations.
//!
//! ```text
//! main ─▶ simulator ─▶ server (HTTP, connections, waiting)
//!                        └─▶ state: request + time ─▶ answer, no I/O
//!                              auth ─ validate ─ actions ─ group (life) ─ script (what containers do)
//!                        ├─▶ control: /_sim, for tests and people
//!                        └─▶ page: the same for a browser
//! ```
//!
//! It shares no code with any client: which parameters exist comes from the published table (`api.json`), how
//! signatures are computed from their published description. Whatever the real service leaves open is a switch
//! in [`Settings`]. A folder keeps its state over restarts (`Config::state`).

mod actions;
mod auth;
mod clock;
mod control;
mod document;
mod error;
mod exec;
mod group;
mod keep;
mod market;
mod offline;
mod page;
mod params;
mod reply;
mod rng;
mod runtime;
mod schema;
mod script;
mod server;
mod settings;
mod simulator;
mod size;
mod spelling;
mod state;
mod validate;
mod wildcard;
mod wire;

pub use auth::{AccessKey, Effect, Permissions, Policy, Statement};
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::Error;
pub use offline::Offline;
pub use params::Parameters;
pub use runtime::{RuntimeKind, RuntimeOptions};
pub use settings::*;
pub use simulator::{Config, Simulator, TEST_ACCESS_KEY_ID, TEST_ACCESS_KEY_SECRET};
pub use state::VSwitch;
pub use validate::{Problem, validate_parameters};

/// The program in the README is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
