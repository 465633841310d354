//! What is derived, and within which limits.

use std::time::Duration;

use crate::rejected::SpanCount;

/// Histogram bounds of the OpenTelemetry Collector's `spanmetrics` and `servicegraph` connectors, in milliseconds.
const BUCKETS_MS: [u64; 16] = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1_000, 1_400, 2_000, 5_000, 10_000, 15_000];

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How often totals are written to the metrics engine.
    pub step: Duration,
    /// A series that no span touched for this long ends; when it comes back it counts from zero.
    pub expiration: Duration,
    /// RED metrics.
    pub span_metrics: SpanMetricsSettings,
    /// The service graph.
    pub service_graph: ServiceGraphSettings,
    /// Error groups.
    pub errors: ErrorSettings,
    /// What is counted of rejected spans before others are set: the log that is replayed is counted by it.
    pub span_counts: Vec<SpanCount>,
}

/// The unit of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `..._milliseconds`, the connector's default.
    Milliseconds,
    /// `..._seconds`.
    Seconds,
}

impl Unit {
    /// The last word of the metric's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
        }
    }

    pub(crate) const fn nanos(self) -> u64 {
        match self {
            Self::Milliseconds => 1_000_000,
            Self::Seconds => 1_000_000_000,
        }
    }
}

/// As the Collector's `spanmetrics` connector.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanMetricsSettings {
    /// Whether they are derived.
    pub enabled: bool,
    /// The unit of the duration histogram.
    pub unit: Unit,
    /// Its upper bounds, rising.
    pub buckets: Vec<Duration>,
    /// Span attributes that become labels, besides service, name, kind and status; the text where a span lacks it.
    pub dimensions: Vec<(String, String)>,
    /// Whether series carry examples of the spans they count.
    pub exemplars: bool,
    /// Series of one service beyond which its spans are counted in one series with `otel_metric_overflow="true"`.
    pub series_per_service_max: usize,
    /// The same over all services.
    pub series_max: usize,
}

/// As the Collector's `servicegraph` connector.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceGraphSettings {
    /// Whether it is derived.
    pub enabled: bool,
    /// Upper bounds of the latency histograms, rising.
    pub buckets: Vec<Duration>,
    /// How long one half of a request waits for the other. SDKs export every 5 s, so halves arrive that far apart.
    pub store_ttl: Duration,
    /// Halves that wait at the same time.
    pub store_items_max: usize,
    /// Edges.
    pub edges_max: usize,
    /// Attributes that name the other side of a call that nobody answered for, best first.
    pub virtual_node_peer_attributes: Vec<String>,
    /// Attributes that make a client's span a call of a database and name it, best first.
    pub database_name_attributes: Vec<String>,
}

/// Limits of error groups.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorSettings {
    /// Whether they are derived.
    pub enabled: bool,
    /// Groups of one service.
    pub groups_per_service_max: usize,
    /// Groups in all.
    pub groups_max: usize,
    /// A group that is not seen for this long is forgotten.
    pub expiration: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(15),
            expiration: Duration::from_secs(86_400),
            span_metrics: SpanMetricsSettings::default(),
            service_graph: ServiceGraphSettings::default(),
            errors: ErrorSettings::default(),
            span_counts: Vec::new(),
        }
    }
}

impl Default for SpanMetricsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            unit: Unit::Milliseconds,
            buckets: BUCKETS_MS.map(Duration::from_millis).to_vec(),
            dimensions: Vec::new(),
            exemplars: true,
            series_per_service_max: 2_000,
            series_max: 10_000,
        }
    }
}

impl Default for ServiceGraphSettings {
    fn default() -> Self {
        let texts = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self {
            enabled: true,
            buckets: BUCKETS_MS.map(Duration::from_millis).to_vec(),
            store_ttl: Duration::from_secs(15),
            store_items_max: 100_000,
            edges_max: 2_000,
            virtual_node_peer_attributes: texts(&["peer.service", "messaging.system", "rpc.service", "server.address"]),
            database_name_attributes: texts(&["db.namespace", "db.name", "db.system.name", "db.system"]),
        }
    }
}

impl Default for ErrorSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            groups_per_service_max: 500,
            groups_max: 5_000,
            expiration: Duration::from_secs(30 * 86_400),
        }
    }
}
