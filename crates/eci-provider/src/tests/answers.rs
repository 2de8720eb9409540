//! Makes answers, and a provider that gets them.

use std::sync::{Arc, Mutex};

use eci_client::model::{ContainerGroup, ContainerGroupStatus};
use eci_translate::marks::{self, Marks};
use jiff::Timestamp;
use k8s_openapi::api::core::v1 as corev1;
use serde_json::{Value, json};
use vk_core::{Attempt, ErrorKind, GroupId, Placement, PodKey, ProviderError};

use crate::cloud::MockCloud;
use crate::{CallObserver, EciProvider, Options};

/// The second in which every test begins.
pub(super) const BEGIN: i64 = 1_800_000_000;

/// A clock that a test sets.
#[derive(Clone)]
pub(super) struct Hands(Arc<Mutex<Timestamp>>);

impl Hands {
    pub(super) fn turn(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now = Timestamp::from_second(now.as_second() + seconds).unwrap();
    }
}

/// Counts skipped groups.
#[derive(Default)]
pub(super) struct Skipped(Mutex<usize>);

impl Skipped {
    pub(super) fn count(&self) -> usize {
        *self.0.lock().unwrap()
    }
}

impl CallObserver for Skipped {
    fn group_skipped(&self) {
        *self.0.lock().unwrap() += 1;
    }
}

pub(super) struct Bench {
    pub(super) provider: EciProvider,
    pub(super) clock: Hands,
    pub(super) skipped: Arc<Skipped>,
}

/// A provider of the node `node-1` in the cluster `cluster-1`.
pub(super) fn bench(cloud: MockCloud) -> Bench {
    let clock = Hands(Arc::new(Mutex::new(Timestamp::from_second(BEGIN).unwrap())));
    let hands = clock.clone();
    let skipped = Arc::new(Skipped::default());
    let observer = Arc::clone(&skipped);
    let options = Options { observer, ..Options::default() };
    let placement = Placement {
        cluster_id: "cluster-1".to_owned(),
        node_name: "node-1".to_owned(),
        ..Placement::default()
    };
    let now = move || *hands.0.lock().unwrap();
    let provider = EciProvider::over(Arc::new(cloud), placement, Arc::new(now), options);
    Bench { provider, clock, skipped }
}

pub(super) fn id(name: &str) -> GroupId {
    GroupId::new(format!("eci-{name}"))
}

/// The group `eci-NAME` of the pod `NAME`.
pub(super) fn group_of(cluster: &str, node: &str, name: &str) -> ContainerGroup {
    let marks = Marks {
        cluster_id: cluster.to_owned(),
        node_name: node.to_owned(),
        key: PodKey { namespace: "shop".to_owned(), name: name.to_owned(), uid: format!("uid-{name}") },
        attempt: Attempt(0),
    };
    let tags = marks::to_tags(&marks, &corev1::Pod::default());
    let tags: Vec<_> = tags.iter().map(|tag| json!({"Key": tag.key, "Value": tag.value})).collect();
    tagged(name, json!(tags))
}

/// A running group with these tags.
pub(super) fn tagged(name: &str, tags: Value) -> ContainerGroup {
    serde_json::from_value(json!({
        "ContainerGroupId": id(name).as_str(),
        "Status": "Running",
        "Tags": tags,
        "Containers": [{
            "Name": "app", "Ready": true, "CurrentState": {"State": "Running", "StartTime": "2026-01-02T03:04:05Z"},
        }],
    }))
    .unwrap()
}

/// The group `eci-NAME` of this node.
pub(super) fn group(name: &str) -> ContainerGroup {
    group_of("cluster-1", "node-1", name)
}

/// The light status of the running group `eci-NAME`.
pub(super) fn status(name: &str) -> ContainerGroupStatus {
    serde_json::from_value(json!({
        "ContainerGroupId": id(name).as_str(),
        "Status": "Running",
        "PodStatus": {"ContainerStatuses": [{"Name": "app", "Ready": true, "State": {"Running": {}}}]},
    }))
    .unwrap()
}

pub(super) fn error(kind: ErrorKind) -> ProviderError {
    ProviderError::new(kind, "an answer of the test")
}
