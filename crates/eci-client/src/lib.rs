//! Calls Alibaba Cloud's Elastic Container Instance (ECI) OpenAPI, version 2018-08-08.
//!
//! Three rings: [`model`], requests and replies as plain data, is always there and needs next to nothing; everything
//! else, from signing to the [`Client`], sits behind `ring` or `aws-lc-rs`, which do the cryptography; and
//! [`HyperTransport`] behind `hyper`. The default feature `client` is all of it. Time, nonces, credentials and the
//! transport are handed in. Nothing here knows Kubernetes.
//!
//! Foreign types in the public API: `jiff::Timestamp`, `http::{Request, Response}`, `bytes::Bytes`,
//! `futures_core::Stream`, serde's traits.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]

pub mod model;

#[cfg(all(feature = "client-core", not(any(feature = "ring", feature = "aws-lc-rs"))))]
compile_error!("eci-client signs with `ring` or with `aws-lc-rs`: choose one of these features");

// The one place that names the library: both have the same modules. Where both are chosen the one that somebody has
// asked for wins, since `ring` is a default.
#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs as cryptography;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring as cryptography;

#[cfg(feature = "client-core")]
mod client;
#[cfg(feature = "client-core")]
mod clock;
#[cfg(feature = "client-core")]
pub mod credentials;
#[cfg(feature = "client-core")]
pub mod endpoint;
#[cfg(feature = "client-core")]
mod error;
#[cfg(feature = "client-core")]
pub mod sign;
#[cfg(feature = "client-core")]
mod stream;
#[cfg(feature = "test-util")]
pub mod test_util;
#[cfg(feature = "client-core")]
pub mod transport;

#[cfg(feature = "exec")]
pub use self::stream::{
    Exec, ExecEncoding, ExecLayout, ExecOptions, ExecOutcome, ExecOutput, ExecResizer, ExecStatus, ExecStdin,
    TerminalSize,
};
#[cfg(feature = "hyper")]
pub use self::transport::HyperTransport;
#[cfg(feature = "client-core")]
pub use self::{
    client::{
        API_VERSION, Client, ClientBuilder, Items, Jitter, Lane, Limits, Pages, RandomJitter, RetryPolicy,
    },
    clock::{Clock, Nonces, RandomNonces, SystemClock},
    credentials::{AccessKey, CredentialsError, ProvideCredentials},
    error::{Error, ErrorKind, ErrorOrigin, codes},
    sign::SignatureVersion,
    stream::{FollowLog, LogFollower, LogGap, LogItem, LogLine, LogStream},
    transport::{Transport, TransportError},
};

#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;
