//! Signs requests: pure functions of the request, the key, the time and the nonce.
//!
//! Every stage is a type that can be printed and compared, because a signature that is refused is understood only by
//! laying the stages beside the server's. Printing a stage (`Display`) shows parameters and tokens; `Debug` does not.
//!
//! ```text
//!   Unsigned ─┬─▶ canonical request ──▶ string to sign ──▶ signature ──▶ authorization
//!             └─▶ query, headers, body as they travel                     (one of the headers)
//! ```
//!
//! Version 3 (`ACS3-HMAC-SHA256`) is in [`v3`], version 1 (`HMAC-SHA1`) in [`v1`]; both have a function `sign` of the
//! same shape.

mod bearer;
mod digest;
mod encoding;
pub mod v1;
pub mod v3;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

pub use self::encoding::{encode, encode_text};
pub(crate) use self::encoding::{hex, time};
use crate::credentials::AccessKey;
use crate::model::Parameters;

/// The media type of parameters in a body.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A request before it is signed. Its path is always `/`.
#[derive(Clone, Debug)]
pub struct Unsigned<'a> {
    /// `POST` or `GET`.
    pub method: &'a str,
    /// The host as the `Host` header will have it, with a port that is not the scheme's own.
    pub host: &'a str,
    /// The action, e.g. `DescribeRegions`.
    pub action: &'a str,
    /// The version of the API, e.g. `2018-08-08`.
    pub version: &'a str,
    /// Parameters that travel in the URL.
    pub query: &'a Parameters,
    /// Parameters that travel in the body.
    pub form: &'a Parameters,
    /// More headers to sign, names in lower case.
    pub headers: &'a BTreeMap<String, String>,
}

impl Unsigned<'_> {
    /// Whether what a protocol adds as parameters travels in the body: beside the request's own, or, if it has none at
    /// all, where no log of URLs shows a secret.
    fn adds_to_body(&self, holds_secret: bool) -> bool {
        let is_bare = self.query.is_empty() && self.method == "POST";
        !self.form.is_empty() || (holds_secret && is_bare)
    }
}

/// What a signed request consists of on its way.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The query string, encoded, without `?`; empty for none.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("query_bytes", &self.query.len())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// How requests are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// `HMAC-SHA1`, for gateways that know nothing newer.
    V1,
    /// `ACS3-HMAC-SHA256`, the vendor's default and ours.
    #[default]
    V3,
}

impl SignatureVersion {
    /// Signs a request by this version. Where the key is a bearer token, forms it without a signature.
    pub fn sign(self, request: &Unsigned<'_>, key: &AccessKey, at: Timestamp, nonce: &str) -> Outgoing {
        match (self, key.bearer_token()) {
            (Self::V1, None) => v1::sign(request, key, at, nonce).outgoing,
            (Self::V3, None) => v3::sign(request, key, at, nonce).outgoing,
            (Self::V1, Some(token)) => bearer::in_parameters(request, token, at, nonce),
            (Self::V3, Some(token)) => bearer::in_headers(request, key, token, at, nonce),
        }
    }
}
