//! From settings, cloud health and the Node as observed to what must be written. Pure.
//!
//! A Node has many owners: the life-cycle controller writes taints and `Ready=Unknown`, problem detectors add
//! conditions, administrators add labels, taints and resources. Each write therefore names only what is ours.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as corev1;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::{CLOUD_REACHABLE, CLOUD_UNREACHABLE_TAINT, CloudHealth, NodeSettings};

const NO_SCHEDULE: &str = "NoSchedule";

/// The Node for a CREATE, which takes the status along.
pub(super) fn node(settings: &NodeSettings, health: &CloudHealth, now: Timestamp) -> corev1::Node {
    let provider = settings.taint.iter().map(|taint| corev1::Taint {
        key: taint.key.clone(),
        value: Some(taint.value.clone()).filter(|value| !value.is_empty()),
        effect: taint.effect.clone(),
        time_added: None,
    });
    let taints: Vec<_> = provider.chain(wants_taint(health).unwrap_or_default().then(own_taint)).collect();
    corev1::Node {
        metadata: ObjectMeta {
            name: Some(settings.name.clone()),
            labels: Some(settings.all_labels()),
            ..Default::default()
        },
        spec: Some(corev1::NodeSpec {
            provider_id: settings.provider_id.clone(),
            taints: Some(taints).filter(|taints| !taints.is_empty()),
            ..Default::default()
        }),
        status: Some(status(settings, None, health, now)),
    }
}

/// No `declaredFeatures`: it lists what a node can do beyond every kubelet's duty, and this one can do none of it yet.
fn status(
    settings: &NodeSettings,
    observed: Option<&corev1::Node>,
    health: &CloudHealth,
    now: Timestamp,
) -> corev1::NodeStatus {
    let offered: BTreeMap<_, _> = settings
        .capacity
        .resources()
        .into_iter()
        .filter_map(|(name, amount)| Some((name, Quantity(amount?))))
        .collect();
    corev1::NodeStatus {
        addresses: Some(addresses(settings)),
        allocatable: Some(offered.clone()),
        capacity: Some(offered),
        conditions: Some(conditions(observed, health, now)),
        daemon_endpoints: Some(corev1::NodeDaemonEndpoints {
            kubelet_endpoint: Some(corev1::DaemonEndpoint { port: settings.kubelet_port.into() }),
        }),
        node_info: Some(corev1::NodeSystemInfo {
            architecture: settings.architecture.clone(),
            container_runtime_version: settings.runtime_version.clone(),
            kubelet_version: settings.kubelet_version.clone(),
            operating_system: "linux".to_owned(),
            os_image: settings.os_image.clone(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn addresses(settings: &NodeSettings) -> Vec<corev1::NodeAddress> {
    [("InternalIP", settings.internal_ip.to_string()), ("Hostname", settings.name.clone())]
        .map(|(type_, address)| corev1::NodeAddress { type_: type_.to_owned(), address })
        .into()
}

/// The body of a strategic merge patch to `/status`.
///
/// Conditions merge by `type`, so those of others stay. `addresses` has the merge key `type` too, which would keep an
/// address that is no longer ours: `$patch: replace` is what the kubelet sends there.
pub(super) fn status_patch(
    settings: &NodeSettings,
    observed: &corev1::Node,
    health: &CloudHealth,
    now: Timestamp,
) -> Value {
    let status = status(settings, Some(observed), health, now);
    let mut addresses = vec![json!({"$patch": "replace"})];
    addresses.extend(status.addresses.iter().flatten().map(|address| json!(address)));
    // A `null` takes back a resource that an earlier run offered.
    let resources = settings.capacity.resources();
    json!({"status": {
        "addresses": addresses,
        "allocatable": resources,
        "capacity": resources,
        "conditions": status.conditions,
        "daemonEndpoints": status.daemon_endpoints,
        "nodeInfo": status.node_info,
    }})
}

/// Our conditions, `Ready` last as the kubelet has it. The time of the last transition is kept where the status is.
fn conditions(
    observed: Option<&corev1::Node>,
    health: &CloudHealth,
    now: Timestamp,
) -> Vec<corev1::NodeCondition> {
    let before = observed
        .and_then(|node| node.status.as_ref()?.conditions.as_ref())
        .map(Vec::as_slice)
        .unwrap_or_default();
    wanted_conditions(before, health)
        .into_iter()
        .map(|wanted| {
            let since = before
                .iter()
                .find(|old| old.type_ == wanted.type_ && old.status == wanted.status)
                .and_then(|old| old.last_transition_time.clone());
            corev1::NodeCondition {
                last_heartbeat_time: Some(Time(now)),
                last_transition_time: Some(since.unwrap_or(Time(now))),
                ..wanted
            }
        })
        .collect()
}

fn wanted_conditions(before: &[corev1::NodeCondition], health: &CloudHealth) -> Vec<corev1::NodeCondition> {
    let cloud = match health {
        CloudHealth::Reachable => {
            Some(condition(CLOUD_REACHABLE, "True", "CloudAnswers", "the cloud answers"))
        }
        CloudHealth::Unreachable { reason, message } => {
            Some(condition(CLOUD_REACHABLE, "False", reason, message))
        }
        CloudHealth::Unknown if before.iter().any(|old| old.type_ == CLOUD_REACHABLE) => None,
        CloudHealth::Unknown => {
            Some(condition(CLOUD_REACHABLE, "Unknown", "NotAskedYet", "the cloud was not asked yet"))
        }
    };
    [
        condition(
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ]
    .into_iter()
    .chain(cloud)
    .chain([condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")])
    .collect()
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> corev1::NodeCondition {
    corev1::NodeCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        ..Default::default()
    }
}

/// A merge patch that sets our labels right; `None` where they are.
pub(super) fn label_patch(settings: &NodeSettings, observed: &corev1::Node) -> Option<Value> {
    let present = observed.metadata.labels.as_ref();
    let wrong: BTreeMap<_, _> = settings
        .all_labels()
        .into_iter()
        .filter(|(key, value)| present.and_then(|labels| labels.get(key)) != Some(value))
        .collect();
    (!wrong.is_empty()).then(|| json!({"metadata": {"labels": wrong}}))
}

/// A merge patch that adds or removes our own taint; `None` where nothing is to be done.
///
/// `spec.taints` has no merge key, so a patch replaces the whole list. It names the version it was made from: if
/// somebody else changed the Node meanwhile the server answers with a conflict and no taint of theirs is lost.
pub(super) fn taint_patch(health: &CloudHealth, observed: &corev1::Node) -> Option<Value> {
    let wanted = wants_taint(health)?;
    let present = observed.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    if present.iter().any(is_own_taint) == wanted {
        return None;
    }
    let mut taints: Vec<_> = present.into_iter().filter(|taint| !is_own_taint(taint)).collect();
    taints.extend(wanted.then(own_taint));
    Some(json!({
        "metadata": {"uid": observed.metadata.uid, "resourceVersion": observed.metadata.resource_version},
        "spec": {"taints": taints},
    }))
}

/// Whether the node must carry our taint; `None` where that is not known.
fn wants_taint(health: &CloudHealth) -> Option<bool> {
    match health {
        CloudHealth::Unknown => None,
        CloudHealth::Reachable => Some(false),
        CloudHealth::Unreachable { .. } => Some(true),
    }
}

fn own_taint() -> corev1::Taint {
    corev1::Taint {
        key: CLOUD_UNREACHABLE_TAINT.to_owned(),
        effect: NO_SCHEDULE.to_owned(),
        ..Default::default()
    }
}

fn is_own_taint(taint: &corev1::Taint) -> bool {
    taint.key == CLOUD_UNREACHABLE_TAINT && taint.effect == NO_SCHEDULE
}

/// Whether `Ready` is True.
pub(super) fn is_ready(node: &corev1::Node) -> bool {
    own_conditions(node).get("Ready").is_some_and(|(status, _, _)| status == "True")
}

/// What a Node shows of that which we write to its status, without times.
///
/// Compared with what the server answered to our last write, not with what we sent: it spells quantities anew (`1024Gi`
/// comes back as `1Ti`), and a difference of spelling must not become a write every ten seconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    capacity: BTreeMap<String, Option<Quantity>>,
    allocatable: BTreeMap<String, Option<Quantity>>,
    addresses: Vec<corev1::NodeAddress>,
    endpoints: Option<corev1::NodeDaemonEndpoints>,
    info: Option<corev1::NodeSystemInfo>,
    conditions: BTreeMap<String, (String, Option<String>, Option<String>)>,
}

impl Shown {
    pub(super) fn of(settings: &NodeSettings, node: &corev1::Node) -> Self {
        let status = node.status.clone().unwrap_or_default();
        let ours = |shown: Option<BTreeMap<String, Quantity>>| {
            let mut shown = shown.unwrap_or_default();
            let names = settings.capacity.resources().into_keys();
            names.map(|name| (name.clone(), shown.remove(&name))).collect()
        };
        Self {
            capacity: ours(status.capacity),
            allocatable: ours(status.allocatable),
            addresses: status.addresses.unwrap_or_default(),
            endpoints: status.daemon_endpoints,
            info: status.node_info,
            conditions: own_conditions(node),
        }
    }
}

fn own_conditions(node: &corev1::Node) -> BTreeMap<String, (String, Option<String>, Option<String>)> {
    const OWN: [&str; 5] = ["MemoryPressure", "DiskPressure", "PIDPressure", CLOUD_REACHABLE, "Ready"];
    node.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .filter(|condition| OWN.contains(&condition.type_.as_str()))
        .map(|condition| {
            let shown = (condition.status.clone(), condition.reason.clone(), condition.message.clone());
            (condition.type_.clone(), shown)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> NodeSettings {
        NodeSettings::new("vn", "10.0.0.7".parse().unwrap(), 10250)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn unreachable() -> CloudHealth {
        CloudHealth::Unreachable {
            reason: "InvalidCredentials".to_owned(),
            message: "the access key is disabled".to_owned(),
        }
    }

    fn taint_keys(patch: &Value) -> Vec<&str> {
        let taints = patch["spec"]["taints"].as_array().unwrap();
        taints.iter().map(|taint| taint["key"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_new_node_is_ready_and_tainted() {
        let node = node(&settings(), &CloudHealth::Unknown, at(0));
        assert!(is_ready(&node));
        let taint = &node.spec.unwrap().taints.unwrap()[0];
        assert_eq!(taint.key, "virtual-kubelet.io/provider");
        assert_eq!((taint.value.as_deref(), taint.effect.as_str()), (Some("alibabacloud"), "NoSchedule"));
        let status = node.status.unwrap();
        for resource in ["cpu", "memory", "pods", "ephemeral-storage", "nvidia.com/gpu"] {
            assert!(status.capacity.as_ref().unwrap().contains_key(resource), "{resource}");
        }
        let order: Vec<_> = status.conditions.unwrap().into_iter().map(|condition| condition.type_).collect();
        assert_eq!(order, ["MemoryPressure", "DiskPressure", "PIDPressure", "CloudReachable", "Ready"]);
    }

    #[test]
    fn a_new_node_never_asks_for_attached_volumes() {
        let node = node(&settings(), &CloudHealth::Reachable, at(0));
        assert_eq!(node.metadata.annotations, None);
    }

    #[test]
    fn the_provider_taint_can_be_left_out() {
        let mut settings = settings();
        settings.taint = None;
        assert_eq!(node(&settings, &CloudHealth::Reachable, at(0)).spec.unwrap().taints, None);
        let taints = node(&settings, &unreachable(), at(0)).spec.unwrap().taints.unwrap();
        assert_eq!(taints, [own_taint()]);
    }

    #[test]
    fn the_node_stays_ready_while_the_cloud_does_not_answer() {
        let node = node(&settings(), &unreachable(), at(0));
        assert!(is_ready(&node));
        let (status, reason, _) = own_conditions(&node).remove(CLOUD_REACHABLE).unwrap();
        assert_eq!((status.as_str(), reason.as_deref()), ("False", Some("InvalidCredentials")));
    }

    #[test]
    fn a_heartbeat_keeps_the_time_of_the_last_transition() {
        let observed = node(&settings(), &CloudHealth::Reachable, at(100));
        let patch = status_patch(&settings(), &observed, &unreachable(), at(900));
        let conditions = patch["status"]["conditions"].as_array().unwrap();
        let of = |wanted: &str| conditions.iter().find(|condition| condition["type"] == wanted).unwrap();
        assert_eq!(of("Ready")["lastTransitionTime"], "1970-01-01T00:01:40Z");
        assert_eq!(of("Ready")["lastHeartbeatTime"], "1970-01-01T00:15:00Z");
        assert_eq!(of("CloudReachable")["lastTransitionTime"], "1970-01-01T00:15:00Z");
    }

    #[test]
    fn a_status_patch_names_only_what_is_ours() {
        let mut observed = node(&settings(), &CloudHealth::Reachable, at(0));
        let status = observed.status.as_mut().unwrap();
        let foreign = condition("NetworkUnavailable", "False", "RouteCreated", "");
        status.conditions.as_mut().unwrap().push(foreign);
        let patch = status_patch(&settings(), &observed, &CloudHealth::Reachable, at(1));
        assert!(!patch.to_string().contains("NetworkUnavailable"));
        let fields: Vec<_> = patch["status"].as_object().unwrap().keys().collect();
        assert_eq!(
            fields,
            ["addresses", "allocatable", "capacity", "conditions", "daemonEndpoints", "nodeInfo"]
        );
        assert_eq!(patch["status"]["addresses"][0], json!({"$patch": "replace"}));
    }

    #[test]
    fn an_offer_that_ended_is_taken_back() {
        let mut settings = settings();
        settings.capacity.gpu = None;
        let observed = node(&self::settings(), &CloudHealth::Reachable, at(0));
        let patch = status_patch(&settings, &observed, &CloudHealth::Reachable, at(1));
        let capacity = patch["status"]["capacity"].as_object().unwrap();
        assert_eq!(capacity.get("nvidia.com/gpu"), Some(&Value::Null));
    }

    #[test]
    fn what_is_not_known_of_the_cloud_leaves_the_node_as_it_is() {
        let observed = node(&settings(), &unreachable(), at(0));
        assert_eq!(taint_patch(&CloudHealth::Unknown, &observed), None);
        let patch = status_patch(&settings(), &observed, &CloudHealth::Unknown, at(1));
        assert!(!patch.to_string().contains(CLOUD_REACHABLE));
    }

    #[test]
    fn our_taint_comes_and_goes_and_others_stay() {
        let mut observed = node(&settings(), &CloudHealth::Reachable, at(0));
        observed.metadata.resource_version = Some("17".to_owned());
        assert_eq!(taint_patch(&CloudHealth::Reachable, &observed), None);

        let added = taint_patch(&unreachable(), &observed).unwrap();
        assert_eq!(taint_keys(&added), ["virtual-kubelet.io/provider", CLOUD_UNREACHABLE_TAINT]);
        assert_eq!(added["metadata"]["resourceVersion"], "17");

        observed.spec.as_mut().unwrap().taints.as_mut().unwrap().push(own_taint());
        assert_eq!(taint_patch(&unreachable(), &observed), None);
        let removed = taint_patch(&CloudHealth::Reachable, &observed).unwrap();
        assert_eq!(taint_keys(&removed), ["virtual-kubelet.io/provider"]);
    }

    #[test]
    fn only_wrong_labels_are_patched() {
        let mut observed = node(&settings(), &CloudHealth::Reachable, at(0));
        assert_eq!(label_patch(&settings(), &observed), None);
        let labels = observed.metadata.labels.as_mut().unwrap();
        labels.insert("team".to_owned(), "a".to_owned());
        labels.insert("type".to_owned(), "other".to_owned());
        let patch = label_patch(&settings(), &observed).unwrap();
        assert_eq!(patch, json!({"metadata": {"labels": {"type": "virtual-kubelet"}}}));
    }

    #[test]
    fn times_do_not_count_as_a_change_but_a_foreign_not_ready_does() {
        let before = node(&settings(), &CloudHealth::Reachable, at(0));
        let later = node(&settings(), &CloudHealth::Reachable, at(500));
        assert_eq!(Shown::of(&settings(), &before), Shown::of(&settings(), &later));
        let mut unknown = before.clone();
        let conditions = unknown.status.as_mut().unwrap().conditions.as_mut().unwrap();
        conditions.last_mut().unwrap().status = "Unknown".to_owned();
        assert_ne!(Shown::of(&settings(), &before), Shown::of(&settings(), &unknown));
        assert!(!is_ready(&unknown));
    }
}
