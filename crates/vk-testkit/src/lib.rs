//! Starts the real parts that tests and the demo run against, and looks at what they did.
//!
//! ```text
//!   control_plane   etcd, kube-apiserver, kube-controller-manager, kube-scheduler of a cluster's own
//!   process         programs of ours that end with the test that started them
//!   audit           what was asked of the API server, by whom
//!   programs        the simulator and the virtual node, started as users start them
//!   plain_http      their control endpoints
//!   wait            until a state is reached, never for a time
//! ```
//!
//! Nothing here knows a crate of this workspace (programs are known by their command lines), and nothing reads an
//! ambient `KUBECONFIG`.

pub mod audit;
pub mod control_plane;
mod error;
pub mod plain_http;
pub mod process;
pub mod programs;
pub mod wait;

pub use error::Error;
