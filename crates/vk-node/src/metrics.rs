//! Numbers about the node's work, registered where the process serves its metrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counts the engine's actions by kind and by whether they succeeded.
#[derive(Clone, Default)]
pub struct Calls(Family<CallLabels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    action: &'static str,
    outcome: &'static str,
}

impl Calls {
    /// Registers the counter.
    pub fn register(registry: &mut Registry) -> Self {
        let calls = Self::default();
        let help = "Actions of the pod engine by kind and outcome";
        registry.register("virtual_node_actions", help, calls.0.clone());
        calls
    }

    pub(crate) fn count(&self, action: &'static str, succeeded: bool) {
        let outcome = if succeeded { "success" } else { "failure" };
        self.0.get_or_create(&CallLabels { action, outcome }).inc();
    }
}

/// How many pods are in which state of their run, and whether the cloud can be worked with.
#[derive(Clone, Default)]
pub struct Gauges {
    pods: Family<StateLabels, Gauge>,
    cloud: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// Every state, so that one that empties falls to 0 instead of keeping its last value.
const STATES: [&str; 7] = ["waiting", "unsettled", "accepted", "started", "refused", "ended", "orphan"];

impl Gauges {
    /// Registers the gauges.
    pub fn register(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        let help = "Pods of the node by the state of their run; orphan counts container groups without a pod";
        registry.register("virtual_node_pods", help, gauges.pods.clone());
        let help = "1 while the cloud can be worked with, 0 while it cannot";
        registry.register("virtual_node_cloud_reachable", help, gauges.cloud.clone());
        gauges
    }

    pub(crate) fn set(&self, census: &std::collections::BTreeMap<&'static str, usize>, reachable: bool) {
        for state in STATES {
            let count = census.get(state).copied().unwrap_or(0);
            self.pods.get_or_create(&StateLabels { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.cloud.set(i64::from(reachable));
    }
}
