//! Random requests in the official messages, with some records that must be refused.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, metric,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Empty, short, long and not ASCII.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z./ ]{0,20}", 1 => "[a-z\u{e4}\u{1f4a9}\\\\\"\n]{0,12}", 1 => "[A-Z]{120,300}"]
}

/// Keys repeat now and then.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-f]", 3 => "[a-z.]{3,20}", 1 => text()]
}

/// NaN is left out: it is not equal to itself, and JSON tests compare texts.
fn double() -> impl Strategy<Value = f64> {
    prop_oneof![3 => -1e9..1e9f64, 1 => prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        4 => text().prop_map(|s| Some(Value::StringValue(s))),
        1 => any::<bool>().prop_map(|b| Some(Value::BoolValue(b))),
        2 => any::<i64>().prop_map(|i| Some(Value::IntValue(i))),
        1 => (0i64..300).prop_map(|i| Some(Value::IntValue(i))),
        1 => double().prop_map(|d| Some(Value::DoubleValue(d))),
        1 => vec(any::<u8>(), 0..20).prop_map(|b| Some(Value::BytesValue(b))),
        1 => Just(None),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 12, 3, |inner| {
        let array = vec(inner.clone(), 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values }));
        let map = vec((key(), option::weighted(0.9, inner)), 0..4).prop_map(|entries| {
            let values =
                entries.into_iter().map(|(key, value)| KeyValue { key, value, ..Default::default() }).collect();
            Value::KvlistValue(KeyValueList { values })
        });
        prop_oneof![array, map].prop_map(|v| AnyValue { value: Some(v) })
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((key(), option::weighted(0.9, any_value())), 0..5)
        .prop_map(|a| a.into_iter().map(|(key, value)| KeyValue { key, value, ..Default::default() }).collect())
}

/// Mostly an id of `n` bytes; at times none, zeroes, or another length.
fn id(n: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![30 => vec(1..255u8, n), 1 => Just(vec![]), 1 => Just(vec![0; n]), 1 => vec(any::<u8>(), 1..20)]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), any::<u32>()]
}

/// Within the signed range, with the edges.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 1_700_000_000_000_000_000..1_700_000_000_000_001_000u64, 1 => Just(0), 1 => Just(u64::MAX)]
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    option::weighted(
        0.9,
        (attributes(), count()).prop_map(|(attributes, dropped_attributes_count)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs: vec![],
        }),
    )
}

fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    option::weighted(
        0.9,
        (text(), text(), attributes(), count()).prop_map(|(name, version, attributes, dropped)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count: dropped,
        }),
    )
}

fn event() -> impl Strategy<Value = Event> {
    (time(), text(), attributes(), count()).prop_map(|(time_unix_nano, name, attributes, dropped)| Event {
        time_unix_nano,
        name,
        attributes,
        dropped_attributes_count: dropped,
    })
}

fn link() -> impl Strategy<Value = Link> {
    (vec(any::<u8>(), 16), vec(any::<u8>(), 8), text(), attributes(), count(), count()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count: dropped,
            flags,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), prop_oneof![Just(vec![]), id(8)]);
    let nested = (attributes(), vec(event(), 0..3), vec(link(), 0..3));
    let status = option::of((text(), 0..4i32).prop_map(|(message, code)| Status { message, code }));
    (ids, nested, status, (text(), text(), -1..8i32, count()), (time(), time()), (count(), count(), count())).prop_map(
        |(ids, nested, status, (trace_state, name, kind, flags), (start, end), dropped)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state,
            flags,
            name,
            kind,
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes: nested.0,
            dropped_attributes_count: dropped.0,
            events: nested.1,
            dropped_events_count: dropped.1,
            links: nested.2,
            dropped_links_count: dropped.2,
            status,
        },
    )
}

/// Random trace requests.
pub(crate) fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scopes = (scope(), vec(span(), 0..4), text()).prop_map(|(scope, spans, schema_url)| ScopeSpans {
        scope,
        spans,
        schema_url,
    });
    let resources = (resource(), vec(scopes, 0..3), text())
        .prop_map(|(resource, scope_spans, schema_url)| ResourceSpans { resource, scope_spans, schema_url });
    vec(resources, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn log_record() -> impl Strategy<Value = LogRecord> {
    let ids = (prop_oneof![Just(vec![]), id(16)], prop_oneof![Just(vec![]), id(8)]);
    ((time(), time()), (-1..30i32, text(), text()), option::of(any_value()), attributes(), ids, (count(), count()))
        .prop_map(|(times, texts, body, attributes, ids, counts)| LogRecord {
            time_unix_nano: times.0,
            observed_time_unix_nano: times.1,
            severity_number: texts.0,
            severity_text: texts.1,
            event_name: texts.2,
            body,
            attributes,
            dropped_attributes_count: counts.0,
            flags: counts.1,
            trace_id: ids.0,
            span_id: ids.1,
        })
}

/// Random log requests.
pub(crate) fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scopes = (scope(), vec(log_record(), 0..4), text()).prop_map(|(scope, log_records, schema_url)| ScopeLogs {
        scope,
        log_records,
        schema_url,
    });
    let resources = (resource(), vec(scopes, 0..3), text())
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url });
    vec(resources, 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let value = option::of(prop_oneof![
        double().prop_map(exemplar::Value::AsDouble),
        any::<i32>().prop_map(|i| exemplar::Value::AsInt(i.into())),
    ]);
    let exemplar = (attributes(), time(), vec(any::<u8>(), 8), vec(any::<u8>(), 16), value).prop_map(
        |(filtered_attributes, time_unix_nano, span_id, trace_id, value)| Exemplar {
            filtered_attributes,
            time_unix_nano,
            span_id,
            trace_id,
            value,
        },
    );
    vec(exemplar, 0..3)
}

fn number_point() -> impl Strategy<Value = NumberDataPoint> {
    let value = option::weighted(
        0.9,
        prop_oneof![
            double().prop_map(number_data_point::Value::AsDouble),
            any::<i64>().prop_map(number_data_point::Value::AsInt),
        ],
    );
    (attributes(), time(), time(), exemplars(), 0..3u32, value).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, exemplars, flags, value)| NumberDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            exemplars,
            flags,
            value,
        },
    )
}

/// Bounds that rise, mostly, and as many counts as fit them, mostly.
fn buckets() -> impl Strategy<Value = (Vec<f64>, Vec<u64>)> {
    let fitting = vec(1..100u32, 0..6).prop_flat_map(|steps| {
        let bounds: Vec<f64> = steps
            .iter()
            .scan(0, |at, s| {
                *at += s;
                Some(f64::from(*at))
            })
            .collect();
        let counts = vec(any::<u64>(), bounds.len() + 1);
        (Just(bounds), counts)
    });
    let any_shape =
        (vec(-3..3i32, 0..4), vec(any::<u64>(), 0..4)).prop_map(|(b, c)| (b.into_iter().map(f64::from).collect(), c));
    prop_oneof![6 => fitting, 1 => Just((vec![], vec![])), 2 => any_shape]
}

fn histogram_point() -> impl Strategy<Value = HistogramDataPoint> {
    let totals = (any::<u64>(), option::of(double()), option::of(double()), option::of(double()));
    (attributes(), time(), time(), exemplars(), 0..3u32, totals, buckets()).prop_map(
        |(attributes, start, time, exemplars, flags, (count, sum, min, max), (bounds, counts))| HistogramDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            count,
            sum,
            bucket_counts: counts,
            explicit_bounds: bounds,
            exemplars,
            flags,
            min,
            max,
        },
    )
}

fn exponential_buckets() -> impl Strategy<Value = Option<Buckets>> {
    option::of(
        (any::<i32>(), vec(any::<u64>(), 0..5)).prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }),
    )
}

fn exponential_point() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let totals = (any::<u64>(), option::of(double()), option::of(double()), option::of(double()));
    let zero = (any::<i32>(), any::<u64>(), double());
    let signs = (exponential_buckets(), exponential_buckets());
    (attributes(), time(), time(), exemplars(), 0..3u32, totals, zero, signs).prop_map(
        |(attributes, start, time, exemplars, flags, (count, sum, min, max), zero, signs)| {
            ExponentialHistogramDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                count,
                sum,
                scale: zero.0,
                zero_count: zero.1,
                positive: signs.0,
                negative: signs.1,
                flags,
                exemplars,
                min,
                max,
                zero_threshold: zero.2,
            }
        },
    )
}

fn summary_point() -> impl Strategy<Value = SummaryDataPoint> {
    let quantiles =
        vec((0.0..1.05f64, double()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value }), 0..4);
    (attributes(), time(), time(), 0..3u32, (any::<u64>(), double()), quantiles).prop_map(
        |(attributes, start, time, flags, (count, sum), quantile_values)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            count,
            sum,
            quantile_values,
            flags,
        },
    )
}

fn data() -> impl Strategy<Value = Option<metric::Data>> {
    let temporality = || prop_oneof![1 => Just(0), 4 => Just(1), 4 => Just(2)];
    let gauge = vec(number_point(), 0..4).prop_map(|data_points| metric::Data::Gauge(Gauge { data_points }));
    let sum = (vec(number_point(), 0..4), temporality(), any::<bool>()).prop_map(|(data_points, t, is_monotonic)| {
        metric::Data::Sum(Sum { data_points, aggregation_temporality: t, is_monotonic })
    });
    let histogram = (vec(histogram_point(), 0..4), temporality())
        .prop_map(|(data_points, t)| metric::Data::Histogram(Histogram { data_points, aggregation_temporality: t }));
    let exponential = (vec(exponential_point(), 0..4), temporality()).prop_map(|(data_points, t)| {
        metric::Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality: t })
    });
    let summary = vec(summary_point(), 0..4).prop_map(|data_points| metric::Data::Summary(Summary { data_points }));
    option::weighted(0.95, prop_oneof![gauge, sum, histogram, exponential, summary])
}

fn metric() -> impl Strategy<Value = Metric> {
    (prop_oneof![9 => "[a-z.]{1,20}", 1 => Just(String::new())], text(), text(), data())
        .prop_map(|(name, description, unit, data)| Metric { name, description, unit, metadata: vec![], data })
}

/// Random metric requests.
pub(crate) fn metrics() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let scopes = (scope(), vec(metric(), 0..4), text()).prop_map(|(scope, metrics, schema_url)| ScopeMetrics {
        scope,
        metrics,
        schema_url,
    });
    let resources = (resource(), vec(scopes, 0..3), text())
        .prop_map(|(resource, scope_metrics, schema_url)| ResourceMetrics { resource, scope_metrics, schema_url });
    vec(resources, 0..3).prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}
