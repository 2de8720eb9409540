//! A local ECI: the cloud's OpenAPI over HTTP, for tests and demonstrations.

mod auth;
mod clock;
mod error;
mod group;
mod params;
mod rng;
mod schema;
mod script;
mod settings;
mod size;
mod validate;
mod wire;

pub use auth::AccessKey;
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::Error;
pub use params::Parameters;
pub use settings::*;
pub use size::Size;
pub use validate::{Problem, validate_parameters};
