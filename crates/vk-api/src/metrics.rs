//! Counts what the port is asked and how it answers.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The counters of one or more servers. Registered once for a process, then cloned.
#[derive(Clone, Default)]
pub struct Metrics {
    pub(crate) requests: Family<RequestLabels, Counter>,
    pub(crate) authentications: Family<AuthenticationLabels, Counter>,
    pub(crate) authorizations: Family<AuthorizationLabels, Counter>,
    pub(crate) connections: Gauge,
    pub(crate) open_streams: Gauge,
    pub(crate) log_reads: Family<LogReadLabels, Counter>,
    pub(crate) log_gaps: Counter,
}

/// The path is a template and the method one of the known: a client cannot add time series.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
    pub(crate) code: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct AuthenticationLabels {
    pub(crate) method: &'static str,
    pub(crate) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct AuthorizationLabels {
    pub(crate) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct LogReadLabels {
    pub(crate) outcome: &'static str,
}

impl Metrics {
    /// Makes the metrics known to a registry. Their names are short: hand in a sub-registry with a prefix.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("http_requests", "Requests to the kubelet port", metrics.requests.clone());
        registry.register(
            "authentications",
            "Checks of credentials by method and outcome",
            metrics.authentications.clone(),
        );
        registry.register(
            "authorizations",
            "Decisions on an access by outcome",
            metrics.authorizations.clone(),
        );
        registry.register("connections", "Open connections to the kubelet port", metrics.connections.clone());
        registry.register("open_streams", "Logs being followed", metrics.open_streams.clone());
        registry.register("log_reads", "Reads of a container's log by outcome", metrics.log_reads.clone());
        registry.register(
            "log_gaps",
            "Places in followed logs where lines may be missing",
            metrics.log_gaps.clone(),
        );
        metrics
    }
}

/// A gauge that counts what lives.
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
