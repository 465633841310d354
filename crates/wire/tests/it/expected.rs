//! What a request means, computed from the official messages without the decoder under test.

use foundation::UnixNanos;
use model::trace::{Event, Link, Resource, Scope, Status};
use model::{Attributes, LogRecord, Span, SpanId, TraceId, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::logs::v1 as logs_v1;
use opentelemetry_proto::tonic::metrics::v1::{self as metrics_v1, exemplar, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1 as resource_v1;
use opentelemetry_proto::tonic::trace::v1 as trace_v1;
use wire::rows::{BucketsRow, ExemplarRow, MetricPoint, PointRow};
use wire::sink::{MetricKind, Number, Temporality};

/// When the requests of the tests arrive.
pub(crate) const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_123);

/// Rows to be stored, and how many records are not.
pub(crate) type Expected<T> = (Vec<T>, u64);

fn value(v: Option<&common::AnyValue>) -> Value {
    use common::any_value::Value as V;
    match v.and_then(|v| v.value.as_ref()) {
        Some(V::StringValue(s)) => Value::Str(s.clone()),
        Some(V::BoolValue(b)) => Value::Bool(*b),
        Some(V::IntValue(i)) => Value::Int(*i),
        Some(V::DoubleValue(d)) => Value::Double(*d),
        Some(V::BytesValue(b)) => Value::Bytes(b.clone()),
        Some(V::ArrayValue(a)) => Value::Array(a.values.iter().map(|v| value(Some(v))).collect()),
        Some(V::KvlistValue(m)) => Value::Map(attributes(&m.values)),
        Some(V::StringValueStrindex(_)) | None => Value::Empty,
    }
}

fn attributes(from: &[common::KeyValue]) -> Attributes {
    let mut out = Attributes::new();
    for kv in from {
        let v = value(kv.value.as_ref());
        match out.iter().position(|(k, _)| *k == kv.key) {
            Some(at) => out[at].1 = v,
            None => out.push((kv.key.clone(), v)),
        }
    }
    out
}

fn resource(r: Option<&resource_v1::Resource>, schema_url: &str) -> Resource {
    let r = r.cloned().unwrap_or_default();
    Resource {
        attributes: attributes(&r.attributes),
        dropped_attributes_count: r.dropped_attributes_count,
        schema_url: schema_url.into(),
    }
}

fn scope(s: Option<&common::InstrumentationScope>, schema_url: &str) -> Scope {
    let s = s.cloned().unwrap_or_default();
    Scope {
        attributes: attributes(&s.attributes),
        name: s.name,
        version: s.version,
        dropped_attributes_count: s.dropped_attributes_count,
        schema_url: schema_url.into(),
    }
}

/// An id, zero if there is none, nothing if its length is wrong.
fn id<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    if bytes.is_empty() { Some([0; N]) } else { bytes.try_into().ok() }
}

/// An id that must be there.
fn own_id<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    id(bytes).filter(|id| *id != [0; N])
}

/// A time that can be stored.
fn time(t: u64) -> Option<UnixNanos> {
    i64::try_from(t).ok().map(UnixNanos)
}

fn enumeration(v: i32, max: u8) -> u8 {
    u8::try_from(v).ok().filter(|v| *v <= max).unwrap_or(0)
}

fn span(s: &trace_v1::Span) -> Option<Span> {
    let (start, end) = (time(s.start_time_unix_nano)?, time(s.end_time_unix_nano)?);
    let event = |e: &trace_v1::span::Event| Event {
        time: UnixNanos::from_u64(e.time_unix_nano),
        name: e.name.clone(),
        attributes: attributes(&e.attributes),
        dropped_attributes_count: e.dropped_attributes_count,
    };
    let link = |l: &trace_v1::span::Link| {
        Some(Link {
            trace_id: TraceId(id(&l.trace_id)?),
            span_id: SpanId(id(&l.span_id)?),
            trace_state: l.trace_state.clone(),
            attributes: attributes(&l.attributes),
            dropped_attributes_count: l.dropped_attributes_count,
            flags: l.flags,
        })
    };
    let status = s.status.clone().unwrap_or_default();
    (start <= end).then_some(())?;
    Some(Span {
        trace_id: TraceId(own_id(&s.trace_id)?),
        span_id: SpanId(own_id(&s.span_id)?),
        parent_span_id: SpanId(id(&s.parent_span_id)?),
        trace_state: s.trace_state.clone(),
        flags: s.flags,
        name: s.name.clone(),
        kind: enumeration(s.kind, 5),
        start,
        end,
        attributes: attributes(&s.attributes),
        dropped_attributes_count: s.dropped_attributes_count,
        events: s.events.iter().map(event).collect(),
        dropped_events_count: s.dropped_events_count,
        links: s.links.iter().map(link).collect::<Option<_>>()?,
        dropped_links_count: s.dropped_links_count,
        status: Status { code: enumeration(status.code, 2), message: status.message },
        ..Span::default()
    })
}

/// The spans of a request.
pub(crate) fn spans(request: &ExportTraceServiceRequest) -> Expected<Span> {
    let (mut rows, mut refused) = (vec![], 0);
    for r in &request.resource_spans {
        let resource = resource(r.resource.as_ref(), &r.schema_url);
        for s in &r.scope_spans {
            let scope = scope(s.scope.as_ref(), &s.schema_url);
            for record in &s.spans {
                match span(record) {
                    Some(span) => rows.push(Span { resource: resource.clone(), scope: scope.clone(), ..span }),
                    None => refused += 1,
                }
            }
        }
    }
    (rows, refused)
}

fn log_record(r: &logs_v1::LogRecord) -> Option<LogRecord> {
    let sent = [r.time_unix_nano, r.observed_time_unix_nano].map(UnixNanos::from_u64);
    let (time, observed_time) = match sent {
        [UnixNanos(0), UnixNanos(0)] => (NOW, NOW),
        [UnixNanos(0), o] => (o, o),
        [t, UnixNanos(0)] => (t, t),
        [t, o] => (t, o),
    };
    (time < UnixNanos::MAX).then_some(())?;
    Some(LogRecord {
        time,
        observed_time,
        severity_number: enumeration(r.severity_number, 24),
        severity_text: r.severity_text.clone(),
        body: value(r.body.as_ref()),
        attributes: attributes(&r.attributes),
        event_name: r.event_name.clone(),
        trace_id: TraceId(id(&r.trace_id)?),
        span_id: SpanId(id(&r.span_id)?),
        flags: r.flags,
        dropped_attributes_count: r.dropped_attributes_count,
        ..LogRecord::default()
    })
}

/// The log records of a request.
pub(crate) fn log_records(request: &ExportLogsServiceRequest) -> Expected<LogRecord> {
    let (mut rows, mut refused) = (vec![], 0);
    for r in &request.resource_logs {
        let resource = resource(r.resource.as_ref(), &r.schema_url);
        for s in &r.scope_logs {
            let scope = scope(s.scope.as_ref(), &s.schema_url);
            for record in &s.log_records {
                match log_record(record) {
                    Some(row) => rows.push(LogRecord { resource: resource.clone(), scope: scope.clone(), ..row }),
                    None => refused += 1,
                }
            }
        }
    }
    (rows, refused)
}

/// What every point has; the rest is filled in by its kind.
struct Common<'a> {
    attributes: &'a [common::KeyValue],
    start: u64,
    time: u64,
    flags: u32,
    exemplars: &'a [metrics_v1::Exemplar],
}

macro_rules! common {
    ($p:expr, $exemplars:expr) => {
        Common {
            attributes: &$p.attributes,
            start: $p.start_time_unix_nano,
            time: $p.time_unix_nano,
            flags: $p.flags,
            exemplars: $exemplars,
        }
    };
}

fn exemplar(e: &metrics_v1::Exemplar) -> Option<ExemplarRow> {
    Some(ExemplarRow {
        time: UnixNanos::from_u64(e.time_unix_nano),
        value: match e.value {
            Some(exemplar::Value::AsDouble(d)) => d,
            Some(exemplar::Value::AsInt(i)) => i as f64,
            None => 0.0,
        },
        trace_id: TraceId(id(&e.trace_id)?),
        span_id: SpanId(id(&e.span_id)?),
        filtered_attributes: attributes(&e.filtered_attributes),
    })
}

fn number(p: &metrics_v1::NumberDataPoint) -> Option<PointRow> {
    match p.value {
        Some(number_data_point::Value::AsDouble(d)) => Some(PointRow::Number(Number::Double(d))),
        Some(number_data_point::Value::AsInt(i)) => Some(PointRow::Number(Number::Int(i))),
        None if p.flags & 1 == 1 => Some(PointRow::Number(Number::Double(f64::NAN))),
        None => None,
    }
}

fn histogram(p: &metrics_v1::HistogramDataPoint) -> Option<PointRow> {
    let (bounds, counts) = (p.explicit_bounds.clone(), p.bucket_counts.clone());
    let fits = counts.len() == bounds.len() + 1 || counts.is_empty() && bounds.is_empty();
    let rises = bounds.windows(2).all(|w| w[0] < w[1]);
    (fits && rises).then_some(PointRow::Histogram {
        count: p.count,
        sum: p.sum,
        min: p.min,
        max: p.max,
        bucket_counts: counts,
        bounds,
    })
}

fn exponential(p: &metrics_v1::ExponentialHistogramDataPoint) -> Option<PointRow> {
    let buckets = |b: &Option<metrics_v1::exponential_histogram_data_point::Buckets>| {
        let b = b.clone().unwrap_or_default();
        b.offset.checked_add(b.bucket_counts.len() as i32)?;
        Some(BucketsRow { offset: b.offset, counts: b.bucket_counts })
    };
    Some(PointRow::ExponentialHistogram {
        count: p.count,
        sum: p.sum,
        min: p.min,
        max: p.max,
        scale: p.scale,
        zero_count: p.zero_count,
        zero_threshold: p.zero_threshold,
        positive: buckets(&p.positive)?,
        negative: buckets(&p.negative)?,
    })
}

fn summary(p: &metrics_v1::SummaryDataPoint) -> Option<PointRow> {
    let quantiles: Vec<_> = p.quantile_values.iter().map(|q| (q.quantile, q.value)).collect();
    let valid = quantiles.iter().all(|(q, _)| (0.0..=1.0).contains(q));
    valid.then_some(PointRow::Summary { count: p.count, sum: p.sum, quantiles })
}

fn temporality(t: i32) -> Temporality {
    [Temporality::Unspecified, Temporality::Delta, Temporality::Cumulative][t as usize]
}

fn points(data: &metric::Data) -> (MetricKind, Vec<(Common<'_>, Option<PointRow>)>) {
    match data {
        metric::Data::Gauge(d) => {
            (MetricKind::Gauge, d.data_points.iter().map(|p| (common!(p, &p.exemplars), number(p))).collect())
        }
        metric::Data::Sum(d) => (
            MetricKind::Sum { temporality: temporality(d.aggregation_temporality), monotonic: d.is_monotonic },
            d.data_points.iter().map(|p| (common!(p, &p.exemplars), number(p))).collect(),
        ),
        metric::Data::Histogram(d) => (
            MetricKind::Histogram { temporality: temporality(d.aggregation_temporality) },
            d.data_points.iter().map(|p| (common!(p, &p.exemplars), histogram(p))).collect(),
        ),
        metric::Data::ExponentialHistogram(d) => (
            MetricKind::ExponentialHistogram { temporality: temporality(d.aggregation_temporality) },
            d.data_points.iter().map(|p| (common!(p, &p.exemplars), exponential(p))).collect(),
        ),
        metric::Data::Summary(d) => {
            (MetricKind::Summary, d.data_points.iter().map(|p| (common!(p, &[]), summary(p))).collect())
        }
    }
}

fn unspecified(kind: MetricKind) -> bool {
    match kind {
        MetricKind::Sum { temporality, .. }
        | MetricKind::Histogram { temporality }
        | MetricKind::ExponentialHistogram { temporality } => temporality == Temporality::Unspecified,
        MetricKind::Gauge | MetricKind::Summary => false,
    }
}

/// The points of a request.
pub(crate) fn metric_points(request: &ExportMetricsServiceRequest) -> Expected<MetricPoint> {
    let (mut rows, mut refused) = (vec![], 0);
    for r in &request.resource_metrics {
        let resource = resource(r.resource.as_ref(), &r.schema_url);
        for s in &r.scope_metrics {
            let scope = scope(s.scope.as_ref(), &s.schema_url);
            for (m, data) in s.metrics.iter().filter_map(|m| Some((m, m.data.as_ref()?))) {
                let (kind, points) = points(data);
                for (common, point) in points {
                    let row = (|| {
                        (!m.name.is_empty() && !unspecified(kind)).then_some(())?;
                        Some(MetricPoint {
                            resource: resource.clone(),
                            scope: scope.clone(),
                            name: m.name.clone(),
                            description: m.description.clone(),
                            unit: m.unit.clone(),
                            kind,
                            attributes: attributes(common.attributes),
                            start: UnixNanos::from_u64(common.start),
                            time: time(common.time)?,
                            flags: common.flags,
                            exemplars: common.exemplars.iter().map(exemplar).collect::<Option<_>>()?,
                            point: point?,
                        })
                    })();
                    match row {
                        Some(row) => rows.push(row),
                        None => refused += 1,
                    }
                }
            }
        }
    }
    (rows, refused)
}
