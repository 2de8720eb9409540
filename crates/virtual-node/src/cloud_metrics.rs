//! Counts the calls to the cloud: by action and outcome, and how long they took.

use std::time::Duration;

use eci_provider::CallObserver;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds: a reading takes some tens of milliseconds, a deadline ends a call after 15 s.
const BUCKETS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

/// Learns of every call of the provider.
#[derive(Clone)]
pub(crate) struct CloudMetrics {
    calls: Family<CallLabels, Counter>,
    durations: Family<ActionLabels, Histogram, fn() -> Histogram>,
    skipped: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    action: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

impl CloudMetrics {
    /// Registers what is counted.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            calls: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            skipped: Counter::default(),
        };
        let help = "Calls to the ECI API by action and outcome: ok, or the kind of the error";
        registry.register("eci_calls", help, metrics.calls.clone());
        let help = "How long calls to the ECI API took, by action";
        registry.register_with_unit("eci_call_duration", help, Unit::Seconds, metrics.durations.clone());
        let help = "Container groups that a list held although they are not this node's";
        registry.register("eci_groups_skipped", help, metrics.skipped.clone());
        metrics
    }
}

impl CallObserver for CloudMetrics {
    fn call_ended(&self, action: &'static str, outcome: &'static str, took: Duration) {
        self.calls.get_or_create(&CallLabels { action, outcome }).inc();
        self.durations.get_or_create(&ActionLabels { action }).observe(took.as_secs_f64());
    }

    fn group_skipped(&self) {
        self.skipped.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_under_its_action_and_outcome() {
        let mut registry = Registry::default();
        let metrics = CloudMetrics::register(&mut registry);
        metrics.call_ended("DeleteContainerGroup", "Throttled", Duration::from_millis(30));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        let line = "eci_calls_total{action=\"DeleteContainerGroup\",outcome=\"Throttled\"} 1";
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains("eci_call_duration_seconds_sum{action=\"DeleteContainerGroup\"} 0.03"),
            "{text}"
        );
    }
}
