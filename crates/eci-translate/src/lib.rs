//! Translates a Pod into a CreateContainerGroup request, and a container group into what a node reports.
//!
//! ```text
//!   Pod, Resolved, Placement ──container_group──▶ CreateContainerGroupRequest     pod_to_group
//!   ObservedPod ◀──observed_from_group/_status── ContainerGroup, …Status          group_to_observed
//!                                  marks: whose a group is, in its tags
//! ```
//!
//! Everything here is a pure function: no I/O, no clock, no chance. What ECI cannot do is refused with the path of the
//! field, or told of in a sentence; nothing is dropped in silence.
//!
//! The crate takes the structs of a Pod apart in full, for the Kubernetes version that the binary chooses (see the
//! workspace's manifest); it does not compile for another.

#![warn(missing_docs)]

mod annotations;
mod expansion;
mod group_to_observed;
mod limits;
pub mod marks;
mod pod_to_group;
mod quantity;
mod size;

pub use annotations::{
    ATTEMPT_ANNOTATION, COMPUTE_CATEGORY_ANNOTATION, EIP_ANNOTATION, INSTANCE_CPU_ANNOTATION,
    INSTANCE_ID_ANNOTATION, INSTANCE_MEMORY_ANNOTATION, INSTANCE_SPEC_ANNOTATION, INSTANCE_ZONE_ANNOTATION,
    IPV6_ANNOTATION, NETWORK_INTERFACE_ANNOTATION, VPC_ANNOTATION,
};
pub use group_to_observed::{Known, observed_from_group, observed_from_status};
pub use pod_to_group::{Translated, container_group};
