//! Laws of the translation, on arbitrary input.

use std::sync::LazyLock;

use k8s_openapi::api::core::v1 as corev1;
use proptest::prelude::*;
use serde_json::Value;

use eci_client::model::{ContainerGroup, ContainerGroupStatus};
use eci_translate::{observed_from_group, observed_from_status};

use crate::expectation::folders;
use crate::input::Case;
use crate::observations::known;

static CASES: LazyLock<Vec<Case>> =
    LazyLock::new(|| folders("cases").iter().map(|it| Case::read(it)).collect());

/// The replies of all observations.
static REPLIES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let files =
        folders("observations").into_iter().flat_map(|it| [it.join("group.json"), it.join("status.json")]);
    files
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .map(|it| serde_json::from_str(&it).unwrap())
        .collect()
});

/// The leaves of a JSON value.
fn leaves(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(items) => items.iter_mut().flat_map(leaves).collect(),
        Value::Object(members) => members.values_mut().flat_map(leaves).collect(),
        leaf => vec![leaf],
    }
}

/// Puts the text, or the number where there was one, in place of a leaf of the value.
fn disturb(value: &mut Value, at: prop::sample::Index, text: &str, number: i32) {
    let mut leaves = leaves(value);
    let Some(leaf) = (!leaves.is_empty()).then(|| at.index(leaves.len())) else { return };
    let leaf = &mut *leaves[leaf];
    *leaf = match leaf {
        Value::Number(_) => number.into(),
        Value::String(_) => text.into(),
        Value::Bool(on) => Value::Bool(!*on),
        _ => Value::Null,
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any case whose pod and objects hold something else in a few places.
    #[test]
    fn translating_never_panics(
        case in any::<prop::sample::Index>(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        text in prop_oneof!["\\PC*", "[$()/.:A-Z0-9-]{0,20}", "[0-9]{0,3}[a-zA-Z]{0,2}", Just(String::new())],
        number in any::<i32>(),
    ) {
        let mut case = CASES[case.index(CASES.len())].clone();
        let mut pod = serde_json::to_value(&case.pod).unwrap();
        for place in &places {
            disturb(&mut pod, *place, &text, number);
        }
        // Some places take no such value: the API server would not have stored such a pod either.
        if let Ok(pod) = serde_json::from_value::<corev1::Pod>(pod) {
            case.pod = pod;
        }
        for secret in case.inputs.secrets.values_mut() {
            for bytes in secret.data.iter_mut().flat_map(|data| data.values_mut()) {
                let keep = places[0].index(bytes.0.len() + 1);
                bytes.0.truncate(keep);
                bytes.0.extend_from_slice(text.as_bytes());
            }
        }
        let _ = case.translated();
    }

    /// Any reply that holds something else in a few places.
    #[test]
    fn reading_never_panics(
        reply in any::<prop::sample::Index>(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        text in prop_oneof!["\\PC*", Just(String::new()), Just("Terminated".to_owned())],
        number in any::<i32>(),
    ) {
        let mut reply = REPLIES[reply.index(REPLIES.len())].clone();
        for place in places {
            disturb(&mut reply, place, &text, number);
        }
        if let Ok(group) = serde_json::from_value::<ContainerGroup>(reply.clone()) {
            let _ = observed_from_group(&group);
        }
        if let Ok(status) = serde_json::from_value::<ContainerGroupStatus>(reply) {
            let _ = observed_from_status(&status, &known());
        }
    }
}
