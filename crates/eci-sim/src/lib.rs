//! A local ECI: the cloud's OpenAPI over HTTP, for tests and demonstrations.

mod params;
mod schema;
mod settings;
mod size;
mod validate;

pub use params::Parameters;
pub use settings::*;
pub use size::Size;
pub use validate::{Problem, validate_parameters};
