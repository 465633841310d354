//! The section `derived`: what is derived from spans. Field names follow the Collector's connectors where they have one.

use std::time::Duration;

use derived::{Settings, Unit};
use foundation::units::format_duration;
use serde::Deserialize;

use super::Problems;

/// As it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    step: Option<String>,
    expiration: Option<String>,
    span_metrics: SpanMetrics,
    service_graph: ServiceGraph,
    errors: Errors,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SpanMetrics {
    enabled: Option<bool>,
    unit: Option<String>,
    buckets: Option<Vec<String>>,
    dimensions: Option<Vec<Dimension>>,
    exemplars: Option<bool>,
    series_per_service_max: Option<usize>,
    series_max: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dimension {
    name: String,
    #[serde(default)]
    default: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServiceGraph {
    enabled: Option<bool>,
    buckets: Option<Vec<String>>,
    store_ttl: Option<String>,
    store_items_max: Option<usize>,
    edges_max: Option<usize>,
    virtual_node_peer_attributes: Option<Vec<String>>,
    database_name_attributes: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Errors {
    enabled: Option<bool>,
    groups_per_service_max: Option<usize>,
    groups_max: Option<usize>,
    expiration: Option<String>,
}

/// Histograms with more buckets cost more than they tell.
const BUCKETS_MAX: usize = 100;
const DIMENSIONS_MAX: usize = 16;

fn buckets(p: &mut Problems, setting: &str, given: Option<Vec<String>>, default: Vec<Duration>) -> Vec<Duration> {
    let Some(texts) = given else { return default };
    let bounds: Vec<Duration> = texts.iter().map(|t| p.duration(setting, Some(t), Duration::from_secs(1))).collect();
    if bounds.is_empty() || bounds.len() > BUCKETS_MAX || !bounds.is_sorted_by(|a, b| a < b) {
        p.say(format!("{setting}: write 1 to {BUCKETS_MAX} rising durations, as [10ms, 100ms, 1s]"));
    }
    bounds
}

pub(super) fn validate(p: &mut Problems, raw: Raw) -> Settings {
    let d = Settings::default();
    let mut settings = Settings {
        step: p.duration("derived.step", raw.step.as_deref(), d.step),
        expiration: p.duration("derived.expiration", raw.expiration.as_deref(), d.expiration),
        ..d
    };
    if settings.step < Duration::from_secs(1) || settings.step > Duration::from_secs(300) {
        p.say("derived.step: must lie between 1s and 5m".to_owned());
    }
    let (s, raw_s) = (&mut settings.span_metrics, raw.span_metrics);
    s.enabled = raw_s.enabled.unwrap_or(s.enabled);
    s.unit = match raw_s.unit.as_deref() {
        None | Some("ms") => Unit::Milliseconds,
        Some("s") => Unit::Seconds,
        Some(other) => {
            p.say(format!("derived.span_metrics.unit: `{other}` is not a unit; write `ms` or `s`"));
            s.unit
        }
    };
    s.buckets = buckets(p, "derived.span_metrics.buckets", raw_s.buckets, s.buckets.clone());
    s.dimensions = raw_s.dimensions.unwrap_or_default().into_iter().map(|d| (d.name, d.default)).collect();
    if s.dimensions.len() > DIMENSIONS_MAX || s.dimensions.iter().any(|(name, _)| name.is_empty()) {
        p.say(format!(
            "derived.span_metrics.dimensions: write up to {DIMENSIONS_MAX} attribute keys, as [{{name: http.route}}]"
        ));
    }
    s.exemplars = raw_s.exemplars.unwrap_or(s.exemplars);
    s.series_per_service_max = raw_s.series_per_service_max.unwrap_or(s.series_per_service_max);
    s.series_max = raw_s.series_max.unwrap_or(s.series_max);

    let (g, raw_g) = (&mut settings.service_graph, raw.service_graph);
    g.enabled = raw_g.enabled.unwrap_or(g.enabled);
    g.buckets = buckets(p, "derived.service_graph.buckets", raw_g.buckets, g.buckets.clone());
    g.store_ttl = p.duration("derived.service_graph.store_ttl", raw_g.store_ttl.as_deref(), g.store_ttl);
    g.store_items_max = raw_g.store_items_max.unwrap_or(g.store_items_max);
    g.edges_max = raw_g.edges_max.unwrap_or(g.edges_max);
    if let Some(keys) = raw_g.virtual_node_peer_attributes {
        g.virtual_node_peer_attributes = keys;
    }
    if let Some(keys) = raw_g.database_name_attributes {
        g.database_name_attributes = keys;
    }

    let (e, raw_e) = (&mut settings.errors, raw.errors);
    e.enabled = raw_e.enabled.unwrap_or(e.enabled);
    e.groups_per_service_max = raw_e.groups_per_service_max.unwrap_or(e.groups_per_service_max);
    e.groups_max = raw_e.groups_max.unwrap_or(e.groups_max);
    e.expiration = p.duration("derived.errors.expiration", raw_e.expiration.as_deref(), e.expiration);
    settings
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The section, every setting with a word on what it does.
pub(super) fn print(s: &Settings) -> String {
    let durations = |d: &[Duration]| d.iter().map(|d| format_duration(*d)).collect::<Vec<_>>().join(", ");
    let texts = |t: &[String]| t.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", ");
    let dimension =
        |(name, default): &(String, String)| format!("{{name: {}, default: {}}}", quoted(name), quoted(default));
    let dimensions: Vec<String> = s.span_metrics.dimensions.iter().map(dimension).collect();
    format!(
        "\
# What is derived from every span, before any sampling.
derived:
  # How often totals become samples.
  step: {step}
  # A series that no span touched for this long ends.
  expiration: {expiration}
  # traces_span_metrics_*: rate, errors, durations.
  span_metrics:
    enabled: {s_enabled}
    # `ms` or `s`
    unit: {unit}
    buckets: [{s_buckets}]
    # Span attributes that become labels, as [{{name: http.route, default: none}}].
    dimensions: [{dimensions}]
    exemplars: {exemplars}
    # Beyond these a service's spans are counted in one series with otel_metric_overflow=\"true\".
    series_per_service_max: {per_service}
    series_max: {series_max}
  # traces_service_graph_*: who calls whom.
  service_graph:
    enabled: {g_enabled}
    buckets: [{g_buckets}]
    # How long one side of a call waits for the other.
    store_ttl: {ttl}
    store_items_max: {items}
    edges_max: {edges}
    # What names the other side of a call that is not traced, best first.
    virtual_node_peer_attributes: [{peers}]
    # What makes a call one of a database and names it, best first.
    database_name_attributes: [{databases}]
  # Groups of exceptions, and traces_exceptions_total.
  errors:
    enabled: {e_enabled}
    groups_per_service_max: {groups_per_service}
    groups_max: {groups}
    # A group that is not seen for this long is forgotten.
    expiration: {e_expiration}
",
        step = format_duration(s.step),
        expiration = format_duration(s.expiration),
        s_enabled = s.span_metrics.enabled,
        unit = match s.span_metrics.unit {
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
        },
        s_buckets = durations(&s.span_metrics.buckets),
        dimensions = dimensions.join(", "),
        exemplars = s.span_metrics.exemplars,
        per_service = s.span_metrics.series_per_service_max,
        series_max = s.span_metrics.series_max,
        g_enabled = s.service_graph.enabled,
        g_buckets = durations(&s.service_graph.buckets),
        ttl = format_duration(s.service_graph.store_ttl),
        items = s.service_graph.store_items_max,
        edges = s.service_graph.edges_max,
        peers = texts(&s.service_graph.virtual_node_peer_attributes),
        databases = texts(&s.service_graph.database_name_attributes),
        e_enabled = s.errors.enabled,
        groups_per_service = s.errors.groups_per_service_max,
        groups = s.errors.groups_max,
        e_expiration = format_duration(s.errors.expiration),
    )
}
