//! Signs any request by both versions and holds the result against what a server can recompute from it.
//!
//! The canonical query is decoded again by another crate and must give the parameters back; the order in which they
//! were set must not matter; everything that becomes part of a URL or a body is ASCII.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use eci_client::AccessKey;
use eci_client::model::Parameters;
use eci_client::sign::{Unsigned, encode, v1, v3};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;

/// What a request is made of. Every text is whatever the fuzzer likes.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    get: bool,
    host: &'a str,
    action: &'a str,
    key: [&'a str; 3],
    nonce: &'a str,
    second: i64,
    query: Vec<(&'a str, &'a str)>,
    form: Vec<(&'a str, &'a str)>,
    headers: Vec<(&'a str, &'a str)>,
}

/// From year -9999 to 9999, as far as timestamps reach.
const SECONDS: std::ops::Range<i64> = -377_705_023_201..253_402_207_200;

/// The later of two equal names wins, as it does when a request is filled in.
fn distinct<'a>(pairs: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, &'a str> {
    pairs.iter().copied().collect()
}

fn decoded(encoded: &str) -> BTreeMap<String, String> {
    let text = |part: &str| percent_decode_str(part).decode_utf8().expect("UTF-8 comes back").into_owned();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("a name, = and a value");
        (text(name), text(value))
    };
    if encoded.is_empty() { BTreeMap::new() } else { encoded.split('&').map(pair).collect() }
}

fn check_encoding(pairs: &[(&str, &str)]) {
    let pairs = distinct(pairs);
    let (forwards, backwards): (Parameters, Parameters) =
        (pairs.clone().into_iter().collect(), pairs.clone().into_iter().rev().collect());
    let encoded = encode(&forwards);
    assert_eq!(encoded, encode(&backwards), "the order must not matter");
    assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%&=".contains(&byte)));
    let back = decoded(&encoded);
    assert!(back.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(pairs));
}

fuzz_target!(|input: Input<'_>| {
    check_encoding(&input.query);
    check_encoding(&input.form);

    let (query, form): (Parameters, Parameters) =
        (distinct(&input.query).into_iter().collect(), distinct(&input.form).into_iter().collect());
    let headers: BTreeMap<String, String> =
        input.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let unsigned = Unsigned {
        method: if input.get { "GET" } else { "POST" },
        host: input.host,
        action: input.action,
        version: "2018-08-08",
        query: &query,
        form: &form,
        headers: &headers,
    };
    let [id, secret, token] = input.key;
    let key = AccessKey::new(id, secret).with_security_token(token);
    let second = SECONDS.start + input.second.rem_euclid(SECONDS.end - SECONDS.start);
    let at = Timestamp::from_second(second).expect("in range");

    let new = v3::sign(&unsigned, &key, at, input.nonce);
    assert_eq!(new.outgoing.query, encode(&query));
    assert_eq!(new.outgoing.body, encode(&form));
    assert_eq!(new.authorization.signature.len(), 64);
    assert_eq!(new.outgoing, v3::sign(&unsigned, &key, at, input.nonce).outgoing, "signing is a function");

    let old = v1::sign(&unsigned, &key, at, input.nonce);
    assert_eq!(old.signature.to_string().len(), 28);
    assert!(old.outgoing.query.is_ascii() && old.outgoing.body.is_ascii());
    // A token beside no parameters at all goes into the body, where no log of URLs shows it.
    let hides = !token.is_empty() && query.is_empty() && !input.get;
    let travels = if form.is_empty() && !hides { &old.outgoing.query } else { &old.outgoing.body };
    assert_eq!(decoded(travels).get("Signature"), Some(&old.signature.to_string()));
});
