//! Signs by version 1, HMAC-SHA1 over all parameters: what old gateways and old SDKs speak.
//!
//! Action, time, nonce and key id are parameters like any other, and so is the signature; headers are not signed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::digest::hmac_sha1;
use super::encoding::{encode, encode_text, time};
use super::{FORM, Outgoing, Unsigned};
use crate::credentials::AccessKey;
use crate::model::Parameters;

/// The name of the algorithm.
pub const ALGORITHM: &str = "HMAC-SHA1";

/// A signed request with the stages that led to it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// All parameters but the signature, of URL and body, sorted and encoded.
    pub canonical_query: CanonicalQuery,
    /// What the key signs.
    pub string_to_sign: StringToSign,
    /// The signature, base64.
    pub signature: Signature,
    /// The request as it travels.
    pub outgoing: Outgoing,
}

macro_rules! stages {
    ($( $(#[$meta:meta])* $name:ident )*) => { $(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )* };
}

stages! {
    /// All parameters but the signature, sorted and encoded. Prints them all; `Debug` does not.
    CanonicalQuery
    /// The method, the path and, encoded once more, the canonical query. Prints it all; `Debug` does not.
    StringToSign
    /// The signature. Prints it; `Debug` does not.
    Signature
}

/// Signs a request. `at` is cut to whole seconds; `nonce` must not have been used in the last quarter of an hour.
/// What the protocol adds travels where the request's own parameters do, in the body if there are any; beside none at all
/// a security token goes into the body too, because URLs are logged on their way. `Format` is JSON unless the query names
/// one.
pub fn sign(request: &Unsigned<'_>, key: &AccessKey, at: Timestamp, nonce: &str) -> Signed {
    let common = common(request, key, at, nonce);
    let all: Parameters = request.query.iter().chain(request.form.iter()).chain(common.iter()).collect();
    let canonical_query = CanonicalQuery(encode(&all));
    let string_to_sign =
        StringToSign(format!("{}&{}&{}", request.method, encode_text("/"), encode_text(&canonical_query.0)));
    let signature = string_to_sign.signature(key);
    let outgoing = outgoing(request, &common, &signature, key.security_token().is_some());
    Signed { canonical_query, string_to_sign, signature, outgoing }
}

fn common(request: &Unsigned<'_>, key: &AccessKey, at: Timestamp, nonce: &str) -> Parameters {
    let mut common = Parameters::from_iter([
        ("AccessKeyId", key.id()),
        ("Action", request.action),
        ("SignatureMethod", ALGORITHM),
        ("SignatureNonce", nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &time(at)),
        ("Version", request.version),
    ]);
    if request.query.get("Format").is_none() {
        common.insert("Format", "JSON");
    }
    if let Some(token) = key.security_token() {
        common.insert("SecurityToken", token);
    }
    common
}

impl StringToSign {
    fn signature(&self, key: &AccessKey) -> Signature {
        let key = format!("{}&", key.secret());
        Signature(STANDARD.encode(hmac_sha1(key.as_bytes(), self.0.as_bytes())))
    }
}

fn outgoing(
    request: &Unsigned<'_>,
    common: &Parameters,
    signature: &Signature,
    holds_secret: bool,
) -> Outgoing {
    let (mut query, mut form) = (request.query.clone(), request.form.clone());
    let in_body = request.adds_to_body(holds_secret);
    let place = if in_body { &mut form } else { &mut query };
    for (name, value) in common.iter().chain([("Signature", signature.0.as_str())]) {
        place.insert(name, value);
    }
    let mut headers = request.headers.clone();
    headers.insert("host".to_owned(), request.host.to_owned());
    if in_body {
        headers.insert("content-type".to_owned(), FORM.to_owned());
    }
    Outgoing { query: encode(&query), headers, body: encode(&form) }
}
