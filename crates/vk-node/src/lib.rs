//! A virtual node: registration, lease, the pod engine and the status writer.

pub mod events;
pub mod kube_call;
pub mod lease;
pub mod resolve;

pub mod engine;
pub mod facts;
pub mod metrics;
pub mod node;
pub mod pod_api;
mod pods_watch;
pub mod runner;
pub mod status;
pub mod virtual_node;
