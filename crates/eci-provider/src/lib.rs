//! Runs the pods of a virtual node as ECI container groups.
