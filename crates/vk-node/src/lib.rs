//! A virtual node: registration, lease, the pod engine and the status writer.
