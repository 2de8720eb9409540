//! Pods on a virtual node, end to end: a real API server and scheduler, the program as users run it, a simulated cloud
//! in a process of its own that takes nothing on trust.
//!
//! ```text
//!   kubectl ──▶ control plane ◀──── virtual-node ────signed calls────▶ eci-sim
//!      ▲              │  (its own service account, examples/rbac.yaml)     ▲
//!      └── a test ────┴── watches through the API server ── faults, counts ┘
//! ```
//!
//! Most tests share one control plane, each with a namespace, a node, a cloud of its own; those that break the control
//! plane, or need the scheduler, start one for themselves. Nothing outlives the test process. What a test waits for is a
//! state, with a bound; a failure shows the last state seen and the end of the logs.
//!
//! The first run builds the control plane (minutes), see `vk_testkit::control_plane`.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as the tests themselves")]
#![allow(clippy::print_stderr, reason = "a failed test shows the ends of the logs")]

mod bed;
mod cloud;
mod cluster;
mod manifests;
mod waits;

mod api_server;
mod cost;
mod deletion;
mod inputs;
mod install_guide;
mod logs;
mod lost_answers;
mod node_object;
mod node_port;
mod outage;
mod process;
mod refusal;
mod rights;
mod workloads;
