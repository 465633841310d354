//! Scraped samples as metrics of OTLP, so that the way back gives the series that were scraped.
//!
//! `job` and `instance` become `service.name` and `service.instance.id` of a resource; the other labels are attributes. The series of
//! a classic histogram or summary become one point. A stale marker is a point without a value (`NO_RECORDED_VALUE`).
//! Source: OpenTelemetry, "Prometheus and OpenMetrics Compatibility"; prometheusreceiver (attributes of the resource).
//! *Invariant:* knows no HTTP and no engine.

use std::collections::{BTreeMap, HashMap};

use model::Histogram;
use model::histogram::BucketSpan;
use tsdb::{Metadata, MetricType, STALE_NAN, key};
use wire::otlp::tree::{
    Attributes, Buckets, Data, Exemplar, ExponentialPoint, HistogramPoint, Metric, Metrics, Number, NumberPoint,
    OfResource, OfScope, Quantile, Resource, SpanId, SummaryPoint, Temporality, TraceId, Value,
};

use super::samples::{Row, RowExemplar, RowValue};
use super::target::Target;

/// Bit 0 of the flags of a point: the series is there, but has no value.
const NO_RECORDED_VALUE: u32 = 1;

/// The metrics of one scrape of `target`.
pub(super) fn metrics(rows: Vec<Row>, target: &Target, families: &BTreeMap<String, Metadata>) -> Metrics {
    let mut owners: Vec<((String, String), Owner)> = Vec::new();
    for row in rows {
        let Some(series) = Series::of(&row.key, families) else { continue };
        let owner = (series.job.to_owned(), series.instance.to_owned());
        let at = owners.iter().position(|(other, _)| *other == owner).unwrap_or_else(|| {
            owners.push((owner, Owner::default()));
            owners.len() - 1
        });
        owners[at].1.take(&series, row.t, row.start, row.value, &row.exemplars);
    }
    let resources = owners.into_iter().map(|((job, instance), owner)| OfResource {
        resource: resource(&job, &instance, target),
        scopes: vec![OfScope { records: owner.metrics(families), ..OfScope::default() }],
        ..OfResource::default()
    });
    Metrics { resources: resources.collect() }
}

fn resource(job: &str, instance: &str, target: &Target) -> Resource {
    let mut attributes = Attributes::default();
    attributes.set("service.name", Value::Str(job.into()));
    attributes.set("service.instance.id", Value::Str(instance.into()));
    if let Some((host, port)) = target.authority.rsplit_once(':') {
        attributes.set("server.address", Value::Str(host.into()));
        attributes.set("server.port", Value::Str(port.into()));
    }
    attributes.set("url.scheme", Value::Str(target.scheme.name().into()));
    Resource { attributes, ..Resource::default() }
}

/// What a series is part of.
struct Series<'a> {
    /// The metric that it becomes, or becomes a part of.
    metric: &'a str,
    family: &'a str,
    part: Part<'a>,
    job: &'a str,
    instance: &'a str,
    labels: Vec<(&'a str, &'a str)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part<'a> {
    Gauge,
    Counter,
    /// A sum that may fall: information and states.
    State,
    Bucket(&'a str),
    Quantile(&'a str),
    Sum(Kind),
    Count(Kind),
}

/// What a sum and a count belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Histogram,
    Summary,
}

impl<'a> Series<'a> {
    fn of(key: &'a [u8], families: &'a BTreeMap<String, Metadata>) -> Option<Self> {
        let name = key::get(key, "__name__");
        if name.is_empty() {
            return None;
        }
        let le = key::iter(key).find(|(label, _)| *label == "le").map(|(_, value)| value);
        let quantile = key::iter(key).find(|(label, _)| *label == "quantile").map(|(_, value)| value);
        let (metric, family, part) = part(name, le, quantile, families);
        let own = match part {
            Part::Bucket(_) => "le",
            Part::Quantile(_) => "quantile",
            _ => "",
        };
        let labels = key::iter(key).filter(|(label, _)| !["__name__", "job", "instance", own].contains(label));
        let (job, instance) = (key::get(key, "job"), key::get(key, "instance"));
        Some(Self { metric, family, part, job, instance, labels: labels.collect() })
    }
}

/// The metric, the family and the part that a name stands for.
fn part<'a>(
    name: &'a str,
    le: Option<&'a str>,
    quantile: Option<&'a str>,
    families: &BTreeMap<String, Metadata>,
) -> (&'a str, &'a str, Part<'a>) {
    let kind = |family: &str| families.get(family).map(|m| m.kind);
    match (kind(name), quantile) {
        (Some(MetricType::Counter), _) => return (name, name, Part::Counter),
        (Some(MetricType::Info | MetricType::StateSet), _) => return (name, name, Part::State),
        (Some(MetricType::Summary), Some(quantile)) => return (name, name, Part::Quantile(quantile)),
        (Some(MetricType::Gauge | MetricType::Unknown), _) => return (name, name, Part::Gauge),
        _ => {}
    }
    for (suffix, wanted) in [("_total", MetricType::Counter), ("_info", MetricType::Info)] {
        if let Some(family) = name.strip_suffix(suffix).filter(|family| kind(family) == Some(wanted)) {
            let part = if wanted == MetricType::Counter { Part::Counter } else { Part::State };
            return (name, family, part);
        }
    }
    if let (Some(family), Some(le)) = (name.strip_suffix("_bucket"), le)
        && kind(family) == Some(MetricType::Histogram)
    {
        return (family, family, Part::Bucket(le));
    }
    for (suffix, part) in [("_sum", Part::Sum as fn(Kind) -> Part<'a>), ("_count", Part::Count)] {
        let Some(family) = name.strip_suffix(suffix) else { continue };
        match kind(family) {
            Some(MetricType::Histogram) => return (family, family, part(Kind::Histogram)),
            Some(MetricType::Summary) => return (family, family, part(Kind::Summary)),
            _ => {}
        }
    }
    (name, name, Part::Gauge)
}

/// The metrics of one resource, while they are put together.
#[derive(Default)]
struct Owner {
    metrics: Vec<Metric>,
    /// By name and the kind of data.
    known: HashMap<(String, u8), usize>,
    /// Families of `metrics`, at the same places.
    families: Vec<String>,
    /// Histograms and summaries by their name and labels.
    parts: HashMap<(String, Vec<(String, String)>), Parts>,
    /// Their order.
    order: Vec<(String, Vec<(String, String)>)>,
}

/// What came of a classic histogram or a summary.
struct Parts {
    kind: Kind,
    family: String,
    t: i64,
    start: i64,
    count: Option<f64>,
    sum: Option<f64>,
    /// Bound or quantile, and what is at it.
    at: Vec<(f64, f64)>,
    exemplars: Vec<Exemplar>,
}

impl Owner {
    fn take(&mut self, series: &Series<'_>, t: i64, start: i64, value: RowValue, exemplars: &[RowExemplar]) {
        let exemplars = exemplars.iter().map(exemplar);
        let value = match value {
            RowValue::Float(v) => v,
            RowValue::Histogram(h) => return self.native(series, t, start, &h, exemplars.collect()),
        };
        let (kind, at) = match series.part {
            Part::Gauge | Part::Counter | Part::State => {
                let mut point = number(t, start, value);
                point.attributes = attributes(&series.labels);
                point.exemplars = exemplars.collect();
                return self.number(series, point);
            }
            Part::Bucket(le) => (Kind::Histogram, Some(bound(le))),
            Part::Quantile(quantile) => (Kind::Summary, Some(bound(quantile))),
            Part::Sum(kind) | Part::Count(kind) => (kind, None),
        };
        let parts = self.parts_of(series, kind, t);
        parts.start = parts.start.max(start);
        parts.exemplars.extend(exemplars);
        match (series.part, at) {
            (Part::Sum(_), _) => parts.sum = Some(value),
            (Part::Count(_), _) => parts.count = Some(value),
            (_, Some(at)) => parts.at.push((at, value)),
            _ => {}
        }
    }

    fn parts_of(&mut self, series: &Series<'_>, kind: Kind, t: i64) -> &mut Parts {
        let labels = series.labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let key = (series.metric.to_owned(), labels);
        let order = &mut self.order;
        self.parts.entry(key).or_insert_with_key(|key| {
            order.push(key.clone());
            let family = series.family.to_owned();
            Parts { kind, family, t, start: 0, count: None, sum: None, at: Vec::new(), exemplars: Vec::new() }
        })
    }

    /// The metric of this name and kind; `data` is what it begins with.
    fn metric(&mut self, name: &str, family: &str, kind: u8, data: Data) -> &mut Metric {
        let at = *self.known.entry((name.to_owned(), kind)).or_insert_with(|| {
            self.metrics.push(Metric { name: name.into(), data, ..Metric::default() });
            self.families.push(family.to_owned());
            self.metrics.len() - 1
        });
        &mut self.metrics[at]
    }

    fn number(&mut self, series: &Series<'_>, point: NumberPoint) {
        let sum = |monotonic| Data::Sum { points: Vec::new(), temporality: Temporality::CUMULATIVE, monotonic };
        let (kind, data) = match series.part {
            Part::Counter => (1, sum(true)),
            Part::State => (2, sum(false)),
            _ => (0, Data::Gauge(Vec::new())),
        };
        if let Data::Gauge(points) | Data::Sum { points, .. } =
            &mut self.metric(series.metric, series.family, kind, data).data
        {
            points.push(point);
        }
    }

    fn native(&mut self, series: &Series<'_>, t: i64, start: i64, h: &Histogram<f64>, exemplars: Vec<Exemplar>) {
        let attributes = attributes(&series.labels);
        let temporality = Temporality::CUMULATIVE;
        if h.has_custom_bounds() {
            let counts = dense(&h.positive_spans, &h.positive, h.custom_bounds.len() + 1);
            let point = HistogramPoint {
                attributes,
                bucket_counts: counts,
                explicit_bounds: h.custom_bounds.clone(),
                exemplars,
                ..histogram(t, start, Some(h.count), Some(h.sum))
            };
            let data = Data::Histogram { points: Vec::new(), temporality };
            if let Data::Histogram { points, .. } = &mut self.metric(series.metric, series.family, 3, data).data {
                points.push(point);
            }
            return;
        }
        let stale = h.is_stale();
        let point = ExponentialPoint {
            attributes,
            start_time_unix_nano: nanos(start),
            time_unix_nano: nanos(t),
            count: whole(h.count),
            sum: (!stale).then_some(h.sum),
            scale: h.schema,
            zero_count: whole(h.zero_count),
            zero_threshold: h.zero_threshold,
            positive: buckets(&h.positive_spans, &h.positive),
            negative: buckets(&h.negative_spans, &h.negative),
            flags: if stale { NO_RECORDED_VALUE } else { 0 },
            exemplars,
            ..ExponentialPoint::default()
        };
        let data = Data::Exponential { points: Vec::new(), temporality };
        if let Data::Exponential { points, .. } = &mut self.metric(series.metric, series.family, 4, data).data {
            points.push(point);
        }
    }

    /// All of them, with what is known of their families.
    fn metrics(mut self, families: &BTreeMap<String, Metadata>) -> Vec<Metric> {
        for key in std::mem::take(&mut self.order) {
            let Some(parts) = self.parts.remove(&key) else { continue };
            let (name, labels) = key;
            let labels: Vec<(&str, &str)> = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let family = parts.family.clone();
            match parts.kind {
                Kind::Histogram => {
                    let point = parts.histogram(attributes(&labels));
                    let data = Data::Histogram { points: Vec::new(), temporality: Temporality::CUMULATIVE };
                    if let Data::Histogram { points, .. } = &mut self.metric(&name, &family, 3, data).data {
                        points.push(point);
                    }
                }
                Kind::Summary => {
                    let point = parts.summary(attributes(&labels));
                    if let Data::Summary(points) = &mut self.metric(&name, &family, 5, Data::Summary(vec![])).data {
                        points.push(point);
                    }
                }
            }
        }
        for (metric, family) in self.metrics.iter_mut().zip(&self.families) {
            if let Some(known) = families.get(family) {
                metric.description = known.help.as_str().into();
                metric.unit = known.unit.as_str().into();
            }
        }
        self.metrics
    }
}

impl Parts {
    fn histogram(mut self, attributes: Attributes) -> HistogramPoint {
        self.at.sort_by(|a, b| a.0.total_cmp(&b.0));
        let infinite = self.at.iter().find(|(bound, _)| *bound == f64::INFINITY).map(|(_, count)| *count);
        let count = self.count.or(infinite);
        let mut point = HistogramPoint { attributes, ..histogram(self.t, self.start, count, self.sum) };
        let finite: Vec<(f64, f64)> = self.at.into_iter().filter(|(bound, _)| bound.is_finite()).collect();
        if point.flags != 0 {
            // Bounds and sum are there all the same: they are series that end.
            point.bucket_counts = vec![0; finite.len() + 1];
            point.explicit_bounds = finite.into_iter().map(|(bound, _)| bound).collect();
            return point;
        }
        // Buckets of Prometheus hold what lies in those before them, too.
        let cumulative = finite.iter().map(|(_, count)| *count).chain([infinite.or(count).unwrap_or_default()]);
        let mut before = 0.0;
        point.bucket_counts = cumulative
            .map(|count| {
                let own = whole(count - before);
                before = count;
                own
            })
            .collect();
        point.explicit_bounds = finite.into_iter().map(|(bound, _)| bound).collect();
        point.exemplars = self.exemplars;
        point
    }

    fn summary(mut self, attributes: Attributes) -> SummaryPoint {
        self.at.sort_by(|a, b| a.0.total_cmp(&b.0));
        let stale = self.count.into_iter().chain(self.sum).any(is_stale) || self.at.iter().any(|(_, v)| is_stale(*v));
        let mut point = SummaryPoint {
            attributes,
            start_time_unix_nano: nanos(self.start),
            time_unix_nano: nanos(self.t),
            quantile_values: self.at.into_iter().map(|(quantile, value)| Quantile { quantile, value }).collect(),
            ..SummaryPoint::default()
        };
        if stale {
            point.flags = NO_RECORDED_VALUE;
        } else {
            point.count = whole(self.count.unwrap_or_default());
            point.sum = self.sum.unwrap_or_default();
        }
        point
    }
}

fn is_stale(v: f64) -> bool {
    v.to_bits() == STALE_NAN
}

fn number(t: i64, start: i64, value: f64) -> NumberPoint {
    let stale = is_stale(value);
    NumberPoint {
        start_time_unix_nano: nanos(start),
        time_unix_nano: nanos(t),
        value: (!stale).then_some(Number::Double(value)),
        flags: if stale { NO_RECORDED_VALUE } else { 0 },
        ..NumberPoint::default()
    }
}

fn histogram(t: i64, start: i64, count: Option<f64>, sum: Option<f64>) -> HistogramPoint {
    let stale = count.into_iter().chain(sum).any(is_stale);
    HistogramPoint {
        start_time_unix_nano: nanos(start),
        time_unix_nano: nanos(t),
        count: if stale { 0 } else { whole(count.unwrap_or_default()) },
        sum: sum.map(|sum| if stale { 0.0 } else { sum }),
        flags: if stale { NO_RECORDED_VALUE } else { 0 },
        ..HistogramPoint::default()
    }
}

fn attributes(labels: &[(&str, &str)]) -> Attributes {
    labels.iter().map(|(name, value)| (*name, Value::Str((*value).into()))).collect()
}

/// The ids of its trace and span are fields of an exemplar; its other labels are attributes.
fn exemplar(e: &RowExemplar) -> Exemplar {
    let mut out = Exemplar { time_unix_nano: nanos(e.t), value: Some(Number::Double(e.value)), ..Exemplar::default() };
    for (name, value) in &e.labels {
        match (name.as_str(), TraceId::from_hex(value), SpanId::from_hex(value)) {
            ("trace_id", Some(id), _) => out.trace_id = id,
            ("span_id", _, Some(id)) => out.span_id = id,
            _ => out.filtered_attributes.set(name, Value::Str(value.as_str().into())),
        }
    }
    out
}

/// `le` and `quantile` as numbers; what is none is behind all.
fn bound(text: &str) -> f64 {
    match text {
        "+Inf" | "Inf" => f64::INFINITY,
        text => text.parse().unwrap_or(f64::INFINITY),
    }
}

fn nanos(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or_default().saturating_mul(1_000_000)
}

/// Counts are whole and never negative.
fn whole(v: f64) -> u64 {
    v.round().max(0.0) as u64
}

/// The buckets of spans one behind the other, with those between them.
fn dense(spans: &[BucketSpan], counts: &[f64], len_max: usize) -> Vec<u64> {
    let mut out = Vec::new();
    let mut counts = counts.iter();
    for span in spans {
        let gap = usize::try_from(span.offset).unwrap_or_default();
        out.resize((out.len() + gap).min(len_max), 0);
        out.extend(counts.by_ref().take(span.length as usize).map(|count| whole(*count)));
    }
    out.resize(len_max, 0);
    out
}

/// Buckets wider apart than this are not put one behind the other: a gap costs memory.
const BUCKETS_MAX: usize = 4096;

/// Prometheus counts buckets by their upper bounds, OTLP by their lower ones.
fn buckets(spans: &[BucketSpan], counts: &[f64]) -> Option<Buckets> {
    let first = spans.first()?;
    let len = first.length as usize
        + spans.iter().skip(1).map(|s| s.offset.max(0) as usize + s.length as usize).sum::<usize>();
    if len > BUCKETS_MAX {
        return None;
    }
    let from_zero = [&[BucketSpan { offset: 0, ..*first }], spans.get(1..).unwrap_or_default()].concat();
    Some(Buckets { offset: first.offset.saturating_sub(1), bucket_counts: dense(&from_zero, counts, len) })
}
