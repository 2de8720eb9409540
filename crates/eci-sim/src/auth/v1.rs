//! Signature version 1: HMAC-SHA1 over the sorted query and form parameters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{Claim, Computed, missing};
use crate::error::ApiError;
use crate::wire::{Call, percent_encode};

pub(super) fn claim(call: &Call) -> Result<Claim, ApiError> {
    let part = |name: &str| call.common(name).map(str::to_owned).ok_or_else(|| missing(name));
    let claim = Claim {
        access_key_id: part("AccessKeyId")?,
        security_token: call.common("SecurityToken").filter(|token| !token.is_empty()).map(str::to_owned),
        time: part("Timestamp")?,
        nonce: part("SignatureNonce")?,
        signature: part("Signature")?,
    };
    if part("SignatureMethod")? != "HMAC-SHA1" {
        let message = "Specified signature method is not supported.";
        return Err(ApiError::new(400, "InvalidSignatureMethod", message));
    }
    if part("SignatureVersion")? != "1.0" {
        return Err(ApiError::new(
            400,
            "InvalidSignatureVersion",
            "Specified signature version is not supported.",
        ));
    }
    Ok(claim)
}

pub(super) fn compute(call: &Call, secret: &str) -> Vec<Computed> {
    let string_to_sign = string_to_sign(call);
    let mut mac =
        Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).expect("HMAC takes keys of any length");
    mac.update(string_to_sign.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    vec![Computed { string_to_sign, signature }]
}

fn string_to_sign(call: &Call) -> String {
    let mut pairs: Vec<&(String, String)> =
        call.query.iter().chain(&call.form).filter(|(name, _)| name != "Signature").collect();
    pairs.sort();
    let canonical: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
        .collect();
    format!("{}&%2F&{}", call.method, percent_encode(&canonical.join("&")))
}
