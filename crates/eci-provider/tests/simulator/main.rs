//! The provider against a simulated cloud, over HTTP, with signed requests.

mod absence;
mod deleting;
mod failing;
mod logs;
mod observing;
mod starting;
mod world;
