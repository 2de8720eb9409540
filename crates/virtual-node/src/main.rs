//! Joins a Kubernetes cluster as a node and runs its pods as Elastic Container Instances.
fn main() {}
