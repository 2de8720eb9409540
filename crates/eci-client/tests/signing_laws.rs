//! States the laws of signing: order never matters, no text makes it panic.
#![cfg(feature = "client-core")]

use std::collections::BTreeMap;

use eci_client::AccessKey;
use eci_client::model::Parameters;
use eci_client::sign::{SignatureVersion, Unsigned, encode, v1, v3};
use jiff::Timestamp;
use proptest::prelude::*;

fn unsigned<'a>(
    host: &'a str,
    query: &'a Parameters,
    form: &'a Parameters,
    headers: &'a BTreeMap<String, String>,
) -> Unsigned<'a> {
    Unsigned { method: "POST", host, action: "A", version: "V", query, form, headers }
}

type Pairs = Vec<(String, String)>;

/// Distinct names, as a request has them, in one order and in another.
fn shuffled() -> impl Strategy<Value = (Pairs, Pairs)> {
    prop::collection::btree_map(any::<String>(), any::<String>(), 0..12)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle()))
}

proptest! {
    #[test]
    fn the_order_of_parameters_never_matters((one, other) in shuffled(), in_body: bool, old: bool) {
        let version = if old { SignatureVersion::V1 } else { SignatureVersion::V3 };
        let (one, other): (Parameters, Parameters) = (one.into_iter().collect(), other.into_iter().collect());
        let (none, no_headers) = (Parameters::default(), BTreeMap::new());
        let sign = |parameters: &Parameters| {
            let (query, form) = if in_body { (&none, parameters) } else { (parameters, &none) };
            let key = AccessKey::new("id", "secret");
            version.sign(&unsigned("h", query, form, &no_headers), &key, Timestamp::UNIX_EPOCH, "n")
        };
        prop_assert_eq!(sign(&one), sign(&other));
    }

    #[test]
    fn no_text_makes_signing_panic(
        texts in prop::collection::vec(any::<String>(), 6),
        query in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        headers in prop::collection::btree_map(any::<String>(), any::<String>(), 0..4),
        second in -377_705_023_201_i64..253_402_207_200,
    ) {
        let parameters: Parameters = query.into_iter().collect();
        let key = AccessKey::new(&texts[0], &texts[1]).with_security_token(&texts[2]);
        let at = Timestamp::from_second(second).expect("in range");
        let signed = v3::sign(&unsigned(&texts[3], &parameters, &parameters, &headers), &key, at, &texts[4]);
        prop_assert_eq!(signed.authorization.signature.len(), 64);
        prop_assert!(signed.outgoing.body.is_ascii());
        let old = v1::sign(&unsigned(&texts[3], &parameters, &parameters, &headers), &key, at, &texts[4]);
        prop_assert_eq!(old.signature.to_string().len(), 28);
        let shown = format!("{signed:?}");
        prop_assert!(!shown.contains(&signed.authorization.signature));
    }

    #[test]
    fn encoding_keeps_every_text_apart(one: String, other: String) {
        let name_and_value = |text: &str| encode(&Parameters::from_iter([(text, text)]));
        prop_assert_eq!(name_and_value(&one) == name_and_value(&other), one == other);
    }

    #[test]
    fn another_secret_gives_another_signature(one in "[ -~]{1,40}", other in "[ -~]{1,40}") {
        prop_assume!(one != other);
        let (none, no_headers) = (Parameters::default(), BTreeMap::new());
        let sign = |secret: &str| {
            let key = AccessKey::new("id", secret);
            v3::sign(&unsigned("h", &none, &none, &no_headers), &key, Timestamp::UNIX_EPOCH, "n").authorization.signature
        };
        prop_assert_ne!(sign(&one), sign(&other));
    }
}
