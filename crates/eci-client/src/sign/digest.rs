//! Computes the digests and authentication codes of signing, with the library that TLS stands on already.

use crate::cryptography::{digest, hmac};

/// The SHA-256 of the bytes.
pub(super) fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

/// The HMAC-SHA256 of the bytes under a key of any length.
pub(super) fn hmac_sha256(key: &[u8], bytes: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes)
}

/// The HMAC-SHA1 of the bytes under a key of any length. SHA-1 is broken as a digest, not as an authentication code,
/// and version 1 of the protocol knows no other.
pub(super) fn hmac_sha1(key: &[u8], bytes: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), bytes)
}
