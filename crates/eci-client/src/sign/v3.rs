//! Signs by version 3, `ACS3-HMAC-SHA256`: the vendor's current default.
//!
//! The action, the time, the nonce and a digest of the body travel as `x-acs-*` headers; host, content type, all of
//! `x-acs-*` and the extra headers of the request are signed.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::digest::{hmac_sha256, sha256};
use super::encoding::{encode, hex, time};
use super::{FORM, Outgoing, Unsigned};
use crate::credentials::AccessKey;

/// The name of the algorithm.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// A signed request with the stages that led to it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The request in canonical form.
    pub canonical_request: CanonicalRequest,
    /// What the key signs.
    pub string_to_sign: StringToSign,
    /// The header that proves the key.
    pub authorization: Authorization,
    /// The request as it travels, `authorization` among its headers.
    pub outgoing: Outgoing,
}

/// The request in canonical form; prints as the text that is hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct CanonicalRequest {
    /// The HTTP method.
    pub method: String,
    /// The query, sorted and encoded.
    pub query: String,
    /// `name:value` lines of the signed headers, each ended by a newline.
    pub headers: String,
    /// The names of the signed headers, joined by `;`.
    pub signed_headers: String,
    /// The SHA-256 of the body, hex.
    pub hashed_payload: String,
}

/// What the key signs: the algorithm and the hash of the canonical request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringToSign(String);

/// The `Authorization` header; prints as its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The id of the access key.
    pub access_key_id: String,
    /// The names of the signed headers, joined by `;`.
    pub signed_headers: String,
    /// The signature, hex.
    pub signature: String,
}

/// Signs a request. `at` is cut to whole seconds; `nonce` must not have been used in the last quarter of an hour.
pub fn sign(request: &Unsigned<'_>, key: &AccessKey, at: Timestamp, nonce: &str) -> Signed {
    let body = encode(request.form);
    let hashed_payload = hashed(&body);
    let mut headers = headers(request, key, at, nonce, &hashed_payload);
    let canonical_request = CanonicalRequest::new(request, &headers, hashed_payload);
    let string_to_sign = StringToSign::new(&canonical_request);
    let authorization = Authorization {
        access_key_id: key.id().to_owned(),
        signed_headers: canonical_request.signed_headers.clone(),
        signature: string_to_sign.signature(key),
    };
    headers.insert("authorization".to_owned(), authorization.to_string());
    let outgoing = Outgoing { query: canonical_request.query.clone(), headers, body };
    Signed { canonical_request, string_to_sign, authorization, outgoing }
}

pub(super) fn hashed(body: &str) -> String {
    hex(sha256(body.as_bytes()).as_ref())
}

/// All headers but the one that proves the key.
pub(super) fn headers(
    request: &Unsigned<'_>,
    key: &AccessKey,
    at: Timestamp,
    nonce: &str,
    hashed_payload: &str,
) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut set = |name: &str, value: String| headers.insert(name.to_owned(), value);
    set("host", request.host.to_owned());
    set("x-acs-action", request.action.to_owned());
    set("x-acs-version", request.version.to_owned());
    set("x-acs-date", time(at));
    set("x-acs-signature-nonce", nonce.to_owned());
    set("x-acs-content-sha256", hashed_payload.to_owned());
    if !request.form.is_empty() {
        set("content-type", FORM.to_owned());
    }
    if let Some(token) = key.security_token() {
        set("x-acs-security-token", token.to_owned());
        set("x-acs-accesskey-id", key.id().to_owned());
    }
    headers
}

impl CanonicalRequest {
    fn new(request: &Unsigned<'_>, headers: &BTreeMap<String, String>, hashed_payload: String) -> Self {
        let (mut lines, mut names) = (String::with_capacity(512), String::with_capacity(128));
        for (name, value) in headers {
            lines.extend([name, ":", value.trim(), "\n"]);
            names.extend([if names.is_empty() { "" } else { ";" }, name]);
        }
        let (method, query) = (request.method.to_owned(), encode(request.query));
        Self { method, query, headers: lines, signed_headers: names, hashed_payload }
    }

    /// The text that is hashed.
    fn text(&self) -> String {
        let Self { method, query, headers, signed_headers, hashed_payload } = self;
        [method, "/", query, headers, signed_headers, hashed_payload].join("\n")
    }
}

impl StringToSign {
    fn new(canonical_request: &CanonicalRequest) -> Self {
        let hash = sha256(canonical_request.text().as_bytes());
        Self([ALGORITHM, &hex(hash.as_ref())].join("\n"))
    }

    fn signature(&self, key: &AccessKey) -> String {
        hex(hmac_sha256(key.secret().as_bytes(), self.0.as_bytes()).as_ref())
    }
}

impl fmt::Display for CanonicalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for CanonicalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CanonicalRequest")
            .field("method", &self.method)
            .field("signed_headers", &self.signed_headers)
            .field("hashed_payload", &self.hashed_payload)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for StringToSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access_key_id, signed_headers, signature } = self;
        let parts =
            [" Credential=", access_key_id, ",SignedHeaders=", signed_headers, ",Signature=", signature];
        f.write_str(ALGORITHM)?;
        parts.into_iter().try_for_each(|part| f.write_str(part))
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").field("signed_headers", &self.signed_headers).finish_non_exhaustive()
    }
}
