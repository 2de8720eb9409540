//! No field is dropped in silence: whatever a pod that is not refused sets makes a difference, or is on the list below.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::expectation::folders;
use crate::input::Case;

/// Fields that may be set without any effect on request and sentences, in order. Of three kinds: what others act on
/// (scheduler, API server, controllers, the node), what says the same as its absence (`hostNetwork: false`, empty
/// structs, `procMount: Default`, the pod's own restart policy), and what only says how to do a thing that is not done.
const WITHOUT_EFFECT: &[&str] = &[
    "affinity.nodeAffinity",
    "automountServiceAccountToken",
    "containers[].env[].valueFrom.fieldRef.apiVersion",
    "containers[].ports[].hostPort",
    "containers[].resizePolicy[].resourceName",
    "containers[].resources",
    "containers[].restartPolicy",
    "containers[].securityContext.capabilities",
    "containers[].securityContext.procMount",
    "containers[].securityContext.seLinuxOptions",
    "containers[].volumeMounts[].recursiveReadOnly",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "initContainers[].resources",
    "initContainers[].volumeMounts[].readOnly",
    "nodeName",
    "nodeSelector{}",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates[].conditionType",
    "schedulerName",
    "securityContext",
    "securityContext.fsGroupChangePolicy",
    "serviceAccount",
    "setHostnameAsFQDN",
    "tolerations[].effect",
    "tolerations[].key",
    "tolerations[].operator",
    "tolerations[].tolerationSeconds",
    "topologySpreadConstraints[].maxSkew",
    "topologySpreadConstraints[].topologyKey",
    "topologySpreadConstraints[].whenUnsatisfiable",
    "volumes[].downwardAPI.items[].fieldRef.apiVersion",
    "volumes[].projected.sources[].downwardAPI.items[].fieldRef.apiVersion",
];

/// Everything that comes out of a translation, as text; `None` for a refused pod.
fn outcome(case: &Case) -> Option<String> {
    let translated = case.translated().ok()?;
    let parameters = serde_json::to_string(&translated.request.parameters()).unwrap();
    Some(format!("{parameters} {:?}", translated.ignored))
}

/// The places of all leaves of a value, as steps from its root.
fn places(value: &Value) -> Vec<Vec<String>> {
    let below = |step: String, inner: &Value| -> Vec<Vec<String>> {
        let prefixed = places(inner).into_iter().map(|rest| [vec![step.clone()], rest].concat());
        prefixed.collect()
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().flat_map(|(index, inner)| below(index.to_string(), inner)).collect()
        }
        Value::Object(members) if !members.is_empty() => {
            members.iter().flat_map(|(name, inner)| below(name.clone(), inner)).collect()
        }
        _ => vec![vec![]],
    }
}

/// The value without the member or the element at the place.
fn without(value: &Value, place: &[String]) -> Value {
    let mut value = value.clone();
    let (last, parents) = place.split_last().unwrap();
    let parent = parents.iter().fold(&mut value, |inner, step| match inner {
        Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        inner => &mut inner[step],
    });
    match parent {
        Value::Array(items) => drop(items.remove(last.parse::<usize>().unwrap())),
        Value::Object(members) => drop(members.remove(last)),
        leaf => panic!("{leaf} has no members"),
    }
    value
}

/// The place as one writes it, without indices, and without the keys of maps that are the pod's own.
fn written(place: &[String]) -> String {
    const MAPS: [&str; 4] = ["nodeSelector", "limits", "requests", "overhead"];
    let mut path = String::new();
    for (index, step) in place.iter().enumerate() {
        match step.parse::<usize>() {
            Ok(_) => path.push_str("[]"),
            Err(_) if index > 0 && MAPS.contains(&place[index - 1].as_str()) => path.push_str("{}"),
            Err(_) => path.push_str(&format!(".{step}")),
        }
    }
    path.trim_start_matches('.').to_owned()
}

#[test]
fn every_field_that_a_pod_sets_makes_a_difference_or_is_known_not_to() {
    let mut made_difference: BTreeMap<String, bool> = BTreeMap::new();
    for folder in folders("cases") {
        let mut case = Case::read(&folder);
        let Some(whole) = outcome(&case) else { continue };
        let spec = serde_json::to_value(case.pod.spec.as_ref().unwrap()).unwrap();
        for place in places(&spec) {
            case.pod.spec = Some(serde_json::from_value(without(&spec, &place)).unwrap());
            *made_difference.entry(written(&place)).or_default() |= outcome(&case).as_ref() != Some(&whole);
        }
    }
    let silent: Vec<String> =
        made_difference.into_iter().filter(|(_, made)| !made).map(|(path, _)| path).collect();
    assert_eq!(silent, WITHOUT_EFFECT);
}
