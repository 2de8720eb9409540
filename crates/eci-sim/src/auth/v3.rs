//! Signature version 3: ACS3-HMAC-SHA256 over method, query, the headers the client chose, and the body.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Claim, Computed, hex, missing};
use crate::error::ApiError;
use crate::wire::{Call, percent_encode};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Headers without which a signature would not bind what it must.
const MUST_BE_SIGNED: &[&str] =
    &["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"];

pub(super) fn claim(call: &Call) -> Result<Claim, ApiError> {
    let authorization = Authorization::read(call)?;
    for name in MUST_BE_SIGNED {
        if call.header(name).is_none() {
            return Err(missing_header(name));
        }
        if !authorization.signed_headers().any(|signed| signed == *name) {
            let message = format!("The header {name} must be among the signed headers.");
            return Err(ApiError::new(400, "IncompleteSignature", message));
        }
    }
    let header = |name: &str| call.header(name).unwrap_or_default().trim().to_owned();
    Ok(Claim {
        access_key_id: authorization.credential,
        security_token: call.header("x-acs-security-token").map(|token| token.trim().to_owned()),
        time: header("x-acs-date"),
        nonce: header("x-acs-signature-nonce"),
        signature: authorization.signature,
    })
}

fn missing_header(name: &str) -> ApiError {
    match name {
        "x-acs-date" => missing("Timestamp"),
        "x-acs-signature-nonce" => missing("SignatureNonce"),
        "x-acs-action" => missing("Action"),
        "x-acs-version" => missing("Version"),
        _ => ApiError::new(400, "IncompleteSignature", format!("The header {name} is mandatory.")),
    }
}

/// The signatures that are right: documentation and Python clients differ in the encoding of query keys.
pub(super) fn compute(call: &Call, secret: &str) -> Result<Vec<Computed>, ApiError> {
    let authorization = Authorization::read(call)?;
    let sign = |encode_keys| {
        let canonical = canonical_request(call, &authorization, encode_keys);
        let string_to_sign = format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical)));
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(string_to_sign.as_bytes());
        Computed { string_to_sign, signature: hex(&mac.finalize().into_bytes()) }
    };
    Ok(vec![sign(true), sign(false)])
}

/// The header `Authorization: ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`.
struct Authorization {
    credential: String,
    signed_headers: String,
    signature: String,
}

impl Authorization {
    fn read(call: &Call) -> Result<Self, ApiError> {
        let incomplete = || {
            let message = "The Authorization header needs Credential, SignedHeaders and Signature.";
            ApiError::new(400, "IncompleteSignature", message)
        };
        let text = call.header("authorization").unwrap_or_default().trim();
        let Some(fields) = text.strip_prefix(ALGORITHM) else {
            let message = "Specified signature method is not supported.";
            return Err(ApiError::new(400, "InvalidSignatureMethod", message));
        };
        let field = |name: &str| {
            let value =
                fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
            value.filter(|value| !value.is_empty()).map(str::to_owned).ok_or_else(incomplete)
        };
        Ok(Self {
            credential: field("Credential")?,
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }

    fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.signed_headers.split(';')
    }
}

fn canonical_request(call: &Call, authorization: &Authorization, encode_keys: bool) -> String {
    let mut pairs: Vec<&(String, String)> = call.query.iter().collect();
    pairs.sort();
    let key = |name: &str| {
        if encode_keys { percent_encode(name) } else { name.to_owned() }
    };
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", key(name), percent_encode(value))).collect();
    let mut names: Vec<String> = authorization.signed_headers().map(str::to_ascii_lowercase).collect();
    names.sort();
    let headers: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", call.header(name).unwrap_or_default().trim()))
        .collect();
    [
        &call.method,
        &call.path,
        &query.join("&"),
        &headers,
        &authorization.signed_headers,
        &hex(&Sha256::digest(&call.body)),
    ]
    .map(String::as_str)
    .join("\n")
}
