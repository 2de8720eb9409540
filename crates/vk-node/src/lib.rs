//! A virtual node: registration, lease, the pod engine and the status writer.

pub mod kube_call;
pub mod lease;
pub mod resolve;

pub mod engine;
pub mod facts;
pub mod node;
pub mod pod_api;
mod pods_watch;
pub mod status;
