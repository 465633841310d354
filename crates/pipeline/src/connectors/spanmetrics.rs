//! `spanmetrics`: counts spans and their durations by service, name, kind and status.
//!
//! A span that was sampled counts as many as it stands for. Source of names and defaults: opentelemetry-collector-contrib,
//! `spanmetricsconnector`. The engines make the same of every span without it; this is for other back ends.
//! Limit: `aggregation_cardinality_limit` series; beyond, spans count in one with `otel.metric.overflow`.

use std::sync::Arc;

use model::Signal;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{
    Attributes, Exemplar, Metrics, Number, OfResource, OfScope, Resource, Scope, Span, Temporality, Traces, Value,
};

use super::buckets::{Histogram, count, histogram_metric, sum_metric};
use super::periodic::{Counts, begin};
use crate::component::{Connector, ConnectorFactory, Host, Outputs, Refused, Run, Setup};
use crate::config::Interval;
use crate::consumer::Consumer;
use crate::processors::series::SeriesKey;
use wire::otlp::sampling::count_of;

pub(super) const FACTORY: ConnectorFactory =
    ConnectorFactory { names: &["spanmetrics", "span_metrics"], routes: &[(Signal::Traces, Signal::Metrics)], build };

/// Series when no limit is set.
const SERIES_MAX: usize = 100_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    histogram: HistogramConfig,
    dimensions: Vec<Dimension>,
    calls_dimensions: Vec<Dimension>,
    exclude_dimensions: Vec<String>,
    aggregation_temporality: String,
    namespace: String,
    metrics_flush_interval: Interval,
    /// Series that no span touched for so long are forgotten; 0: never.
    metrics_expiration: Interval,
    exemplars: ExemplarConfig,
    resource_metrics_key_attributes: Vec<String>,
    aggregation_cardinality_limit: usize,
    /// Taken and not used: of Collectors before v0.109.
    dimensions_cache_size: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct HistogramConfig {
    disable: bool,
    unit: String,
    explicit: Explicit,
    dimensions: Vec<Dimension>,
    /// Not in this build.
    #[serde(skip_serializing_if = "Option::is_none")]
    exponential: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Explicit {
    buckets: Vec<Interval>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Dimension {
    name: String,
    default: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct ExemplarConfig {
    enabled: bool,
    max_per_data_point: usize,
}

impl Default for ExemplarConfig {
    fn default() -> Self {
        Self { enabled: false, max_per_data_point: 5 }
    }
}

impl Default for HistogramConfig {
    fn default() -> Self {
        let (disable, explicit, dimensions) = (false, Explicit::default(), vec![]);
        Self { disable, unit: "ms".to_owned(), explicit, dimensions, exponential: None }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            histogram: HistogramConfig::default(),
            dimensions: vec![],
            calls_dimensions: vec![],
            exclude_dimensions: vec![],
            aggregation_temporality: "AGGREGATION_TEMPORALITY_CUMULATIVE".to_owned(),
            namespace: "traces.span.metrics".to_owned(),
            metrics_flush_interval: Interval::secs(60),
            metrics_expiration: Interval::default(),
            exemplars: ExemplarConfig::default(),
            resource_metrics_key_attributes: vec![],
            aggregation_cardinality_limit: 0,
            dimensions_cache_size: 0,
        }
    }
}

/// In milliseconds.
const BUCKETS_MS: [f64; 16] =
    [2.0, 4.0, 6.0, 8.0, 10.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1000.0, 1400.0, 2000.0, 5000.0, 10_000.0, 15_000.0];

fn build(setup: &mut Setup<'_>) -> Result<Box<dyn Connector>, Refused> {
    read(setup).map(|c| Box::new(SpanMetrics(c)) as Box<dyn Connector>)
}

fn read(setup: &mut Setup<'_>) -> Result<Config, Refused> {
    let c: Config = setup.read()?;
    if !["ms", "s"].contains(&&*c.histogram.unit) {
        return Err(setup.error("histogram.unit", format!("`{}` is not known; write `ms` or `s`", c.histogram.unit)));
    }
    if c.histogram.exponential.is_some() {
        return Err(setup.error(
            "histogram.exponential",
            "exponential buckets are not in this build; write `explicit: {buckets: [...]}`",
        ));
    }
    if !c.histogram.explicit.buckets.is_sorted() {
        return Err(setup.error("histogram.explicit.buckets", "the bounds must rise"));
    }
    if !c.aggregation_temporality.ends_with("CUMULATIVE") && !c.aggregation_temporality.ends_with("DELTA") {
        let message = "write AGGREGATION_TEMPORALITY_CUMULATIVE or AGGREGATION_TEMPORALITY_DELTA";
        return Err(setup.error("aggregation_temporality", message));
    }
    if c.metrics_flush_interval == Interval::default() {
        return Err(setup.error("metrics_flush_interval", "it must be above zero"));
    }
    Ok(c)
}

struct SpanMetrics(Config);

impl Connector for SpanMetrics {
    fn start(self: Box<Self>, outputs: Outputs, host: &Host, run: &mut Run) -> Arc<dyn Consumer> {
        let interval = self.0.metrics_flush_interval.0;
        let counts = Counted::new(self.0, host.clock.now().0);
        begin(counts, interval, host.clock.clone(), outputs.of(Signal::Metrics), run)
    }
}

struct Series {
    resource: SeriesKey,
    attributes: Attributes,
    calls: f64,
    durations: Histogram,
    exemplars: Vec<Exemplar>,
    touched: i64,
}

struct Counted {
    config: Config,
    bounds: Vec<f64>,
    delta: bool,
    resources: FxHashMap<SeriesKey, Resource>,
    series: FxHashMap<SeriesKey, Series>,
    start: i64,
    /// The time of the metrics that are on their way.
    sending: i64,
}

impl Counted {
    fn new(config: Config, now: i64) -> Self {
        let unit = if config.histogram.unit == "s" { 1.0 } else { 1e3 };
        let own: Vec<f64> = config.histogram.explicit.buckets.iter().map(|b| b.0.as_secs_f64() * unit).collect();
        let usual = || BUCKETS_MS.iter().map(|b| b * unit / 1e3).collect();
        let bounds = if own.is_empty() { usual() } else { own };
        let delta = config.aggregation_temporality.ends_with("DELTA");
        Self {
            config,
            bounds,
            delta,
            resources: FxHashMap::default(),
            series: FxHashMap::default(),
            start: now,
            sending: now,
        }
    }

    fn labels(&self, resource: &Resource, span: &Span) -> Attributes {
        const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
        const STATUS: [&str; 3] = ["UNSET", "OK", "ERROR"];
        let name_of = |names: &[&'static str], n: i32| usize::try_from(n).ok().and_then(|n| names.get(n)).copied();
        let base = [
            ("service.name", resource.service_name().to_owned()),
            ("span.name", span.name.to_string()),
            ("span.kind", format!("SPAN_KIND_{}", name_of(&KINDS, span.kind).unwrap_or("UNSPECIFIED"))),
            ("status.code", format!("STATUS_CODE_{}", name_of(&STATUS, span.status.code).unwrap_or("UNSET"))),
        ];
        let mut out = Attributes::new();
        for (key, value) in base {
            if !self.config.exclude_dimensions.iter().any(|e| e == key) {
                out.push(key, value);
            }
        }
        let own =
            self.config.dimensions.iter().chain(&self.config.calls_dimensions).chain(&self.config.histogram.dimensions);
        for d in own {
            let found = span.attributes.get(&d.name).or_else(|| resource.attributes.get(&d.name));
            match (found, &d.default) {
                (Some(v), _) => out.set(&d.name, v.clone()),
                (None, Some(default)) => out.set(&d.name, default.as_str()),
                (None, None) => {}
            }
        }
        out
    }

    /// The resource that metrics are sent under.
    fn key_resource(&self, resource: &Resource) -> Resource {
        let keys = &self.config.resource_metrics_key_attributes;
        let mut resource = resource.clone();
        if !keys.is_empty() {
            resource.attributes.retain(|k, _| keys.iter().any(|key| key == k));
        }
        resource
    }
}

impl Counts for Counted {
    fn add(&mut self, traces: &Traces, now: i64) {
        let max = if self.config.aggregation_cardinality_limit == 0 {
            SERIES_MAX
        } else {
            self.config.aggregation_cardinality_limit
        };
        let unit = if self.config.histogram.unit == "s" { 1e-9 } else { 1e-6 };
        let plain = Scope::default();
        for r in &traces.resources {
            let resource = self.key_resource(&r.resource);
            let of = SeriesKey::of(&resource, &plain, "", 0, &Attributes::new());
            for span in r.scopes.iter().flat_map(|s| &s.records) {
                let mut labels = self.labels(&r.resource, span);
                let mut key = SeriesKey::of(&resource, &plain, "", 0, &labels);
                if !self.series.contains_key(&key) && self.series.len() >= max {
                    labels = [("otel.metric.overflow", Value::Bool(true))].into_iter().collect();
                    key = SeriesKey::of(&Resource::default(), &plain, "", 0, &labels);
                }
                let series = self.series.entry(key).or_insert_with(|| Series {
                    resource: of,
                    attributes: labels,
                    calls: 0.0,
                    durations: Histogram::default(),
                    exemplars: vec![],
                    touched: now,
                });
                let (n, duration) = (count_of(span), span.duration_nanos() as f64 * unit);
                series.calls += n;
                series.touched = now;
                if !self.config.histogram.disable {
                    series.durations.observe(&self.bounds, duration, n);
                }
                if self.config.exemplars.enabled && series.exemplars.len() < self.config.exemplars.max_per_data_point {
                    series.exemplars.push(Exemplar {
                        time_unix_nano: span.end_time_unix_nano,
                        value: Some(Number::Double(duration)),
                        span_id: span.span_id.clone(),
                        trace_id: span.trace_id.clone(),
                        ..Exemplar::default()
                    });
                }
            }
            self.resources.entry(of).or_insert(resource);
        }
    }

    fn metrics(&mut self, now: i64) -> Metrics {
        let stale = i64::try_from(self.config.metrics_expiration.0.as_nanos()).unwrap_or(i64::MAX);
        if stale > 0 {
            self.series.retain(|_, s| now - s.touched <= stale);
            let used: std::collections::HashSet<SeriesKey> = self.series.values().map(|s| s.resource).collect();
            self.resources.retain(|key, _| used.contains(key));
        }
        self.sending = now;
        let at = |t: i64| u64::try_from(t).unwrap_or(0);
        let times = (at(self.start), at(now));
        let temporality = if self.delta { Temporality::DELTA } else { Temporality::CUMULATIVE };
        let name = |what: &str| match &*self.config.namespace {
            "" => what.to_owned(),
            namespace => format!("{namespace}.{what}"),
        };
        let mut out = Metrics::default();
        for (key, resource) in &self.resources {
            let (mut calls, mut durations) = (vec![], vec![]);
            for s in self.series.values().filter(|s| s.resource == *key) {
                calls.push(count(s.calls, s.attributes.clone(), times));
                if !self.config.histogram.disable {
                    let mut point = s.durations.point(&self.bounds, s.attributes.clone(), times);
                    point.exemplars.clone_from(&s.exemplars);
                    durations.push(point);
                }
            }
            if calls.is_empty() {
                continue;
            }
            let mut records = vec![sum_metric(&name("calls"), "Spans", calls, temporality)];
            if !durations.is_empty() {
                let unit = &self.config.histogram.unit;
                records.push(histogram_metric(&name("duration"), "Durations of spans", unit, durations, temporality));
            }
            let scope = OfScope {
                scope: Scope { name: "spanmetricsconnector".into(), ..Scope::default() },
                records,
                ..OfScope::default()
            };
            out.resources.push(OfResource { resource: resource.clone(), scopes: vec![scope], ..OfResource::default() });
        }
        out
    }

    fn sent(&mut self) {
        for s in self.series.values_mut() {
            s.exemplars.clear();
        }
        if self.delta {
            self.start = self.sending;
            self.series.clear();
            self.resources.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::otlp::tree::Data;

    use super::super::testing::with_setup;
    use super::*;
    use crate::processors::testing::{of_service, shown, span};

    fn counted(yaml: &str) -> Counted {
        Counted::new(with_setup(yaml, read).unwrap_or_else(|e| panic!("{e}")), 5)
    }

    fn told(metrics: &Metrics) -> Vec<String> {
        let mut out = vec![];
        for m in metrics.records() {
            match &m.data {
                Data::Sum { points, .. } => {
                    out.extend(
                        points.iter().map(|p| format!("{} {} {:?}", m.name, shown(&p.attributes), p.value.unwrap())),
                    );
                }
                Data::Histogram { points, .. } => {
                    out.extend(points.iter().map(|p| format!("{} {:?} {}", m.name, p.sum.unwrap().round(), p.count)));
                }
                other => panic!("{other:?}"),
            }
        }
        out.sort();
        out
    }

    #[test]
    fn spans_are_counted_with_their_durations_and_what_they_stand_for() {
        let mut c = counted("{dimensions: [{name: http.route, default: none}], exemplars: {enabled: true}}");
        let mut failed = span(1, 2, "GET");
        failed.status.code = 2;
        failed.trace_state = "ot=th:c".into();
        c.add(&of_service("shop", vec![span(1, 1, "GET"), span(1, 3, "GET"), failed]), 10);
        let base = "service.name=shop span.name=GET span.kind=SPAN_KIND_SERVER status.code=STATUS_CODE";
        let expected = [
            format!("traces.span.metrics.calls {base}_ERROR http.route=none Int(4)"),
            format!("traces.span.metrics.calls {base}_UNSET http.route=none Int(2)"),
            "traces.span.metrics.duration 200.0 2".to_owned(),
            "traces.span.metrics.duration 400.0 4".to_owned(),
        ];
        assert_eq!(told(&c.metrics(20)), expected);
        c.sent();
        assert_eq!(told(&c.metrics(30)), expected, "cumulative");
    }

    #[test]
    fn deltas_begin_anew_when_they_were_taken_and_series_have_a_limit() {
        let mut c = counted(
            "{aggregation_temporality: DELTA, histogram: {disable: true}, aggregation_cardinality_limit: 1, exclude_dimensions: [span.kind, status.code], namespace: ''}",
        );
        c.add(&of_service("s", vec![span(1, 1, "a"), span(1, 2, "b"), span(1, 3, "c")]), 10);
        let expected = ["calls otel.metric.overflow=true Int(2)", "calls service.name=s span.name=a Int(1)"];
        assert_eq!(told(&c.metrics(20)), expected);
        assert_eq!(told(&c.metrics(21)), expected, "what was refused is sent again");
        c.sent();
        assert!(c.metrics(30).is_empty());
    }

    #[test]
    fn mistakes_are_told() {
        for (yaml, message) in [
            ("histogram: {unit: us}", "`ms` or `s`"),
            ("histogram: {explicit: {buckets: [2s, 1s]}}", "must rise"),
            ("aggregation_temporality: x", "AGGREGATION_TEMPORALITY_DELTA"),
            ("histogram: {exponential: {max_size: 10}}", "not in this build"),
        ] {
            let said = with_setup(yaml, read).err().unwrap();
            assert!(said.contains(message), "{said}");
        }
    }
}
