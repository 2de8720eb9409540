//! Calls Alibaba Cloud's Elastic Container Instance (ECI) OpenAPI, version 2018-08-08.
//!
//! Two rings: [`model`], requests and replies as plain data, is always there and needs next to nothing; everything
//! else, from signing to the [`Client`], sits behind the default feature `client`. Time, nonces, credentials and the
//! transport are handed in. Nothing here knows Kubernetes.
//!
//! Foreign types in the public API: `jiff::Timestamp`, `http::{Request, Response}`, `bytes::Bytes`,
//! `futures_core::Stream`, serde's traits.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]

pub mod model;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod clock;
#[cfg(feature = "client")]
pub mod credentials;
#[cfg(feature = "client")]
pub mod endpoint;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
pub mod sign;
#[cfg(feature = "client")]
mod stream;
#[cfg(feature = "client")]
pub mod transport;

#[cfg(feature = "client")]
pub use self::{
    client::{API_VERSION, Client, ClientBuilder, Items, Pages},
    clock::{Clock, Nonces, RandomNonces, SystemClock},
    credentials::{AccessKey, CredentialsError, ProvideCredentials},
    error::{Error, ErrorKind, codes},
    sign::SignatureVersion,
    stream::{FollowLog, LogFollower, LogGap, LogItem, LogLine},
    transport::{HyperTransport, Transport, TransportError},
};

#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;
