//! Forms requests that a bearer token stands for: nothing is signed, only the request's form is that of a version.
//!
//! It is what the vendor's own SDKs send: by version 3 the token as a header, by version 1 as a parameter, and
//! `SignatureType=BEARERTOKEN` as a parameter by both.

use jiff::Timestamp;

use super::encoding::{encode, time};
use super::{FORM, Outgoing, Unsigned, v3};
use crate::credentials::AccessKey;
use crate::model::Parameters;

const SIGNATURE_TYPE: (&str, &str) = ("SignatureType", "BEARERTOKEN");

/// By version 3.
pub(super) fn in_headers(
    request: &Unsigned<'_>,
    key: &AccessKey,
    token: &str,
    at: Timestamp,
    nonce: &str,
) -> Outgoing {
    let body = encode(request.form);
    let mut headers = v3::headers(request, key, at, nonce, &v3::hashed(&body));
    headers.insert("x-acs-bearer-token".to_owned(), token.to_owned());
    let mut query = request.query.clone();
    query.insert(SIGNATURE_TYPE.0, SIGNATURE_TYPE.1);
    Outgoing { query: encode(&query), headers, body }
}

/// By version 1. What is added travels where the request's own parameters do, beside none in the body: it holds the token.
pub(super) fn in_parameters(request: &Unsigned<'_>, token: &str, at: Timestamp, nonce: &str) -> Outgoing {
    let mut added = Parameters::from_iter([
        SIGNATURE_TYPE,
        ("Action", request.action),
        ("BearerToken", token),
        ("SignatureNonce", nonce),
        ("Timestamp", &time(at)),
        ("Version", request.version),
    ]);
    if request.query.get("Format").is_none() {
        added.insert("Format", "JSON");
    }
    let (mut query, mut form) = (request.query.clone(), request.form.clone());
    let in_body = request.adds_to_body(true);
    let place = if in_body { &mut form } else { &mut query };
    added.iter().for_each(|(name, value)| place.insert(name, value));
    let mut headers = request.headers.clone();
    headers.insert("host".to_owned(), request.host.to_owned());
    if in_body {
        headers.insert("content-type".to_owned(), FORM.to_owned());
    }
    Outgoing { query: encode(&query), headers, body: encode(&form) }
}
