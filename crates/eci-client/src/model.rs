//! Declares the requests and replies of the ECI OpenAPI as plain data, without any transport.
//!
//! The API names things differently on the way in and on the way out (`Container.1.Command.1` goes in,
//! `Containers[0].Commands[0]` comes back), so there are two sets of types:
//!
//! ```text
//!   request::*  ──parameters()──▶ Parameters      "Container.1.EnvironmentVar.2.Key" = "LANG"
//!   reply::*    ◀──Deserialize─── JSON text       lenient: missing, null, empty and zero are alike
//! ```
//!
//! This module is always compiled; everything that talks to the network sits behind the feature `client`.
//! All request types, and those reply types whose name no request uses, are re-exported here.

mod action;
mod parameters;
pub(crate) mod read;
pub mod reply;
pub mod request;
mod scalars;
mod words;

pub use self::action::{Action, Effect, Paged};
pub use self::parameters::Parameters;
pub use self::reply::{
    Condition, Container, ContainerGroup, ContainerGroupStatus, ContainerRun, ContainerStatus,
    CreateContainerGroupReply, DeleteContainerGroupReply, DescribeContainerGroupStatusReply,
    DescribeContainerGroupsReply, DescribeContainerLogReply, DescribeRegionsReply, Event, InitContainer,
    PodStatus, Region,
};
pub use self::request::*;
pub use self::scalars::{ContainerGroupId, FileMode, Secret};
pub use self::words::*;
