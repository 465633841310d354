//! What was counted: series of calls, durations and events, by resource.

use std::collections::VecDeque;

use glob::Pattern;
use rustc_hash::{FxHashMap, FxHashSet};
use wire::otlp::sampling::count_of;
use wire::otlp::tree::{
    Attributes, Event, Exemplar, Metric, Metrics, Number, OfResource, OfScope, Resource, Scope, Span, Temporality,
    Traces, Value,
};

use super::super::buckets::{Durations, Shape, count, sum_metric};
use super::super::periodic::Counts;
use super::settings::{BASE, Config, Dimension};
use crate::processors::series::SeriesKey;

/// Series of a metric when no limit is set.
const SERIES_MAX: usize = 100_000;

/// Deltas that are kept while they are refused; beyond, the oldest are lost.
const DELTAS_MAX: usize = 32;

/// Where a label comes from.
enum Label {
    Name(String, Option<String>),
    Glob(Pattern),
}

/// The labels of `dimensions`; patterns were checked when the settings were read.
fn labels_of(dimensions: &[Dimension]) -> Vec<Label> {
    let label = |d: &Dimension| match &*d.glob {
        "" => Some(Label::Name(d.name.clone(), d.default.clone())),
        pattern => Pattern::new(pattern).ok().map(Label::Glob),
    };
    dimensions.iter().filter_map(label).collect()
}

/// One series.
struct Series {
    resource: SeriesKey,
    labels: Attributes,
    count: f64,
    durations: Option<Durations>,
    exemplars: Vec<Exemplar>,
    touched: i64,
}

/// The series of one metric.
#[derive(Default)]
struct Family {
    /// Labels that the others do not have.
    own: Vec<Label>,
    series: FxHashMap<SeriesKey, Series>,
}

impl Family {
    /// The series of these labels, or the one of all that there is no room for.
    fn entry(&mut self, resource: (SeriesKey, &Resource), labels: Attributes, max: usize, now: i64) -> &mut Series {
        let plain = Scope::default();
        let (mut of, mut labels) = (resource.0, labels);
        let mut key = SeriesKey::of(resource.1, &plain, "", 0, &labels);
        if !self.series.contains_key(&key) && self.series.len() >= max {
            labels = [("otel.metric.overflow", Value::Bool(true))].into_iter().collect();
            of = SeriesKey::of(&Resource::default(), &plain, "", 0, &Attributes::new());
            key = SeriesKey::of(&Resource::default(), &plain, "", 0, &labels);
        }
        let series = self.series.entry(key).or_insert_with(|| Series {
            resource: of,
            labels,
            count: 0.0,
            durations: None,
            exemplars: vec![],
            touched: now,
        });
        series.touched = now;
        series
    }

    fn of(&self, resource: SeriesKey) -> impl Iterator<Item = &Series> {
        self.series.values().filter(move |s| s.resource == resource)
    }
}

/// A resource that metrics are sent under.
struct Known {
    resource: Resource,
    touched: i64,
}

/// Counts spans.
pub(super) struct Counted {
    config: Config,
    shape: Shape,
    dimensions: Vec<Label>,
    calls: Family,
    durations: Family,
    events: Family,
    resources: FxHashMap<SeriesKey, Known>,
    start: i64,
    /// Deltas that nobody has taken yet, oldest first: what comes meanwhile counts into the next ones.
    deltas: VecDeque<Metrics>,
}

impl Counted {
    pub(super) fn new(config: Config, shape: Shape, now: i64) -> Self {
        let family = |dimensions: &[Dimension]| Family { own: labels_of(dimensions), ..Family::default() };
        Self {
            dimensions: labels_of(&config.dimensions),
            calls: family(&config.calls_dimensions),
            durations: family(&config.histogram.dimensions),
            events: family(&config.events.dimensions),
            config,
            shape,
            resources: FxHashMap::default(),
            start: now,
            deltas: VecDeque::new(),
        }
    }

    /// The labels that calls, durations and events have in common.
    fn common(&self, resource: &Resource, scope: &Scope, span: &Span) -> Attributes {
        const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
        const STATUS: [&str; 3] = ["UNSET", "OK", "ERROR"];
        let name_of = |names: &[&'static str], n: i32| usize::try_from(n).ok().and_then(|n| names.get(n)).copied();
        let values = [
            resource.service_name().to_owned(),
            span.name.to_string(),
            format!("SPAN_KIND_{}", name_of(&KINDS, span.kind).unwrap_or("UNSPECIFIED")),
            format!("STATUS_CODE_{}", name_of(&STATUS, span.status.code).unwrap_or("UNSET")),
        ];
        let mut out = Attributes::new();
        for (key, value) in BASE.into_iter().zip(values) {
            if !self.config.exclude_dimensions.iter().any(|e| e == key) {
                out.push(key, value);
            }
        }
        if !scope.name.is_empty() && self.config.include_instrumentation_scope.iter().any(|s| **s == *scope.name) {
            out.push("span.instrumentation.scope.name", scope.name.clone());
            if !scope.version.is_empty() {
                out.push("span.instrumentation.scope.version", scope.version.clone());
            }
        }
        add(&mut out, &self.dimensions, &span.attributes, None, resource);
        out
    }

    /// The resource that metrics are sent under.
    fn key_resource(&self, resource: &Resource) -> Resource {
        if !self.config.add_resource_attributes {
            return Resource::default();
        }
        let keys = &self.config.resource_metrics_key_attributes;
        let mut resource = resource.clone();
        if !keys.is_empty() {
            resource.attributes.retain(|k, _| keys.iter().any(|key| key == k));
        }
        resource
    }

    fn span(&mut self, of: (SeriesKey, &Resource), resource: &Resource, scope: &Scope, span: &Span, now: i64) {
        let max = match self.config.aggregation_cardinality_limit {
            0 => SERIES_MAX,
            max => max,
        };
        let common = self.common(resource, scope, span);
        let labels = |family: &Family, event: Option<&Event>| {
            let mut labels = common.clone();
            add(&mut labels, &family.own, &span.attributes, event, resource);
            labels
        };
        let (n, duration) = (count_of(span), span.duration_nanos() as f64 * self.config.per_nano());
        let exemplar = |series: &mut Series, config: &Config| {
            if config.exemplars.enabled && series.exemplars.len() < config.exemplars.max_per_data_point {
                series.exemplars.push(Exemplar {
                    time_unix_nano: span.end_time_unix_nano,
                    value: Some(Number::Double(duration)),
                    span_id: span.span_id.clone(),
                    trace_id: span.trace_id.clone(),
                    ..Exemplar::default()
                });
            }
        };
        let own = labels(&self.calls, None);
        let series = self.calls.entry(of, own, max, now);
        series.count += n;
        exemplar(series, &self.config);
        if !self.config.histogram.disable {
            let own = labels(&self.durations, None);
            let series = self.durations.entry(of, own, max, now);
            self.shape.observe(series.durations.get_or_insert_with(|| self.shape.empty()), duration, n);
            exemplar(series, &self.config);
        }
        if self.config.events.enabled {
            for event in &span.events {
                let own = labels(&self.events, Some(event));
                self.events.entry(of, own, max, now).count += n;
            }
        }
    }

    /// Forgets what nothing came for.
    fn expire(&mut self, now: i64) {
        let nanos = |interval: crate::config::Interval| i64::try_from(interval.0.as_nanos()).unwrap_or(i64::MAX);
        let (of_resources, of_series) = (nanos(self.config.metrics_expiration), nanos(self.config.series_expiration));
        if of_resources > 0 {
            self.resources.retain(|_, known| now - known.touched <= of_resources);
        }
        let known = &self.resources;
        let families = [&mut self.calls, &mut self.durations, &mut self.events];
        for family in families {
            family.series.retain(|_, s| {
                (of_series == 0 || now - s.touched <= of_series)
                    && (of_resources == 0 || known.contains_key(&s.resource))
            });
        }
        if of_series > 0 {
            let families = [&self.calls, &self.durations, &self.events];
            let used: FxHashSet<SeriesKey> =
                families.iter().flat_map(|f| f.series.values()).map(|s| s.resource).collect();
            self.resources.retain(|key, _| used.contains(key));
        }
    }

    /// The metrics of one resource.
    fn of_resource(&self, key: SeriesKey, times: (u64, u64)) -> Vec<Metric> {
        let temporality = if self.config.delta() { Temporality::DELTA } else { Temporality::CUMULATIVE };
        let name = |what: &str| match &*self.config.namespace {
            "" => what.to_owned(),
            namespace => format!("{namespace}.{what}"),
        };
        let counts = |family: &Family| {
            let point = |s: &Series| {
                let mut point = count(s.count, s.labels.clone(), times);
                point.exemplars.clone_from(&s.exemplars);
                point
            };
            family.of(key).map(point).collect::<Vec<_>>()
        };
        let durations = self.durations.of(key).filter_map(|s| Some((&s.labels, s.durations.as_ref()?, &*s.exemplars)));
        let head = (&*name("duration"), "Durations of spans", &*self.config.histogram.unit);
        let mut metrics = vec![
            sum_metric(&name("calls"), "Spans", counts(&self.calls), temporality),
            self.shape.metric(head, durations, times, temporality),
            sum_metric(&name("events"), "Events of spans", counts(&self.events), temporality),
        ];
        metrics.retain(|m| !m.data.is_empty());
        metrics
    }
}

/// Adds labels: of the span before those of the event, and of the resource; else what is said to stand for it.
fn add(out: &mut Attributes, labels: &[Label], span: &Attributes, event: Option<&Event>, resource: &Resource) {
    for label in labels {
        match label {
            Label::Name(name, default) => {
                let of_event = || event.and_then(|e| e.attributes.get(name));
                let found = span.get(name).or_else(of_event).or_else(|| resource.attributes.get(name));
                match (found, default) {
                    (Some(v), _) => out.set(name, v.clone()),
                    (None, Some(default)) => out.set(name, default.as_str()),
                    (None, None) => {}
                }
            }
            Label::Glob(pattern) => {
                let of_event = event.into_iter().flat_map(|e| e.attributes.iter());
                for (k, v) in span.iter().chain(of_event).filter(|(k, _)| pattern.matches(k)) {
                    if !out.contains(k) {
                        out.push(k, v.clone());
                    }
                }
            }
        }
    }
}

impl Counts for Counted {
    fn add(&mut self, traces: &Traces, now: i64) {
        for r in &traces.resources {
            let resource = self.key_resource(&r.resource);
            let key = SeriesKey::of(&resource, &Scope::default(), "", 0, &Attributes::new());
            for OfScope { scope, records, .. } in &r.scopes {
                for span in records {
                    self.span((key, &resource), &r.resource, scope, span, now);
                }
            }
            self.resources.entry(key).or_insert(Known { resource, touched: now }).touched = now;
        }
    }

    fn metrics(&mut self, now: i64) -> Metrics {
        self.expire(now);
        let counted = self.counted(now);
        if !self.config.delta() {
            return counted;
        }
        for family in [&mut self.calls, &mut self.durations, &mut self.events] {
            family.series.clear();
        }
        self.resources.clear();
        self.start = now;
        if !counted.is_empty() {
            self.deltas.push_back(counted);
        }
        if self.deltas.len() > DELTAS_MAX {
            self.deltas.pop_front();
            tracing::warn!("deltas of `spanmetrics` were refused {DELTAS_MAX} times; the oldest are lost");
        }
        self.deltas.iter().fold(Metrics::default(), |mut all, deltas| {
            all.append(deltas.clone());
            all
        })
    }

    fn sent(&mut self) {
        self.deltas.clear();
        for family in [&mut self.calls, &mut self.durations, &mut self.events] {
            family.series.values_mut().for_each(|s| s.exemplars.clear());
        }
    }
}

impl Counted {
    /// What was counted since the start.
    fn counted(&self, now: i64) -> Metrics {
        let at = |t: i64| u64::try_from(t).unwrap_or(0);
        let times = (at(self.start), at(now));
        let mut out = Metrics::default();
        // What there was no room for has no resource.
        let none = Resource::default();
        let nobody = SeriesKey::of(&none, &Scope::default(), "", 0, &Attributes::new());
        let overflow = (!self.resources.contains_key(&nobody)).then_some((nobody, &none));
        let known = self.resources.iter().map(|(key, known)| (*key, &known.resource));
        for (key, resource) in known.chain(overflow) {
            let records = self.of_resource(key, times);
            if !records.is_empty() {
                let scope = Scope { name: "spanmetricsconnector".into(), ..Scope::default() };
                let scopes = vec![OfScope { scope, records, ..OfScope::default() }];
                out.resources.push(OfResource { resource: resource.clone(), scopes, ..OfResource::default() });
            }
        }
        out
    }
}
