//! Serves the kubelet's HTTPS API of a virtual node: authentication, authorization, pods, logs, metrics.
//!
//! ```text
//!  API server, metrics-server, ...
//!      │ TLS, client certificate or bearer token
//!      ▼
//!  server ─▶ connection ─▶ service ─▶ authn ─▶ authz ─▶ endpoint: healthz, pods, logs, metrics
//!                                      │        │                   │
//!                      client CAs, TokenReview, SubjectAccessReview  Pods, LogProvider
//! ```
//!
//! Every route asks who and may they, those that do not exist included; there is no switch that turns it off. The
//! decisions are the API server's: where it is not reached, and nothing recent is remembered, the answer is 503.
//! Deliberately missing: exec, attach, port-forward and measurements are answered 501 until they are built.
//!
//! The crate knows neither a cloud nor the pod engine: [`Pods`] and [`vk_core::LogProvider`] are its two seams.

mod authn;
mod authz;
mod cache;
mod client_ca;
mod connection;
mod delegated;
mod error;
mod io;
mod logs;
mod metrics;
mod pods;
mod respond;
mod route;
mod server;
mod service;
mod tls;
mod user;

pub use authn::TokenReviewer;
pub use authz::{Access, AccessReviewer};
pub use client_ca::ClientCaSource;
pub use connection::Limits;
pub use delegated::DelegatedAuth;
pub use error::{BoxError, Error};
pub use logs::FollowConfig;
pub use metrics::Metrics;
pub use pods::{Located, Pods};
pub use server::{ApiServer, Config, Dependencies};
pub use service::Exposition;
pub use tls::ServingCertificate;
pub use user::User;
