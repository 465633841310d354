//! Small requests, each with the one thing that it is about.

use foundation::UnixNanos;
use model::trace::{Event, Link, Resource, Scope, Status};
use model::{LogRecord, Span, SpanId, TraceId, Value};

use super::*;
use crate::points::{ExemplarRow, MetricPoint, PointRow};
use crate::protobuf::{Malformation, Malformed, Writer};
use crate::rows::{RowLogSink, RowMetricSink, RowSpanSink};
use crate::sink::{
    ExponentialHistogramFields, HistogramFields, MAX_NESTING, MetricKind, MetricRef, MetricSink, Number, PointFields,
    PointResult, ResourceRef, ScopeRef, SummaryFields, Temporality,
};

const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

fn limits() -> Limits {
    Limits::new(NOW)
}

fn a_span() -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        parent_span_id: SpanId([3; 8]),
        trace_state: "a=b".into(),
        flags: 0x301,
        name: "GET /v1/match".into(),
        kind: 2,
        start: NOW,
        end: UnixNanos(NOW.0 + 5),
        attributes: vec![
            ("http.route".into(), "/v1/match".into()),
            ("code".into(), Value::Int(-200)),
            ("ok".into(), Value::Bool(true)),
            ("ratio".into(), Value::Double(f64::INFINITY)),
            ("blob".into(), Value::Bytes(vec![0, 255])),
            ("long".into(), Value::Str("x".repeat(300))),
            ("z\u{fc}rich".into(), "\u{1f4a9}".into()),
            ("none".into(), Value::Empty),
            (
                "list".into(),
                Value::Array(vec![Value::Int(1), "x".into(), Value::Map(vec![("k".into(), Value::Empty)])]),
            ),
        ],
        dropped_attributes_count: 1,
        events: vec![Event {
            time: NOW,
            name: "retry".into(),
            attributes: vec![("n".into(), Value::Int(2))],
            dropped_attributes_count: 7,
        }],
        dropped_events_count: 2,
        links: vec![Link { trace_id: TraceId([9; 16]), span_id: SpanId([8; 8]), flags: 1, ..Link::default() }],
        dropped_links_count: 3,
        status: Status { code: 2, message: "deadline".into() },
        resource: Resource {
            attributes: vec![("service.name".into(), "api".into())],
            dropped_attributes_count: 4,
            schema_url: "https://a".into(),
        },
        scope: Scope {
            name: "lib".into(),
            version: "1".into(),
            attributes: vec![("s".into(), Value::Int(300))],
            dropped_attributes_count: 5,
            schema_url: "https://b".into(),
        },
    }
}

fn spans_of(request: &[u8], limits: &Limits) -> (Vec<Span>, Decoded) {
    let mut sink = RowSpanSink::default();
    let decoded = decode_traces(request, limits, &mut sink).unwrap();
    (sink.spans, decoded)
}

fn logs_of(request: &[u8], limits: &Limits) -> (Vec<LogRecord>, Decoded) {
    let mut sink = RowLogSink::default();
    let decoded = decode_logs(request, limits, &mut sink).unwrap();
    (sink.records, decoded)
}

/// Stores a good span before and after the one that `change` makes wrong; what is said about it.
fn refused(change: impl FnOnce(&mut Span)) -> String {
    refused_with(&limits(), change)
}

fn refused_with(limits: &Limits, change: impl FnOnce(&mut Span)) -> String {
    let mut bad = a_span();
    change(&mut bad);
    let (spans, decoded) = spans_of(&encode::traces_request(&[a_span(), bad, a_span()]), limits);
    assert_eq!(spans, [a_span(), a_span()]);
    assert_eq!((decoded.accepted, decoded.rejected), (2, 1));
    decoded.first_error.unwrap()
}

/// A request with one span whose fields are `fields`.
fn raw_span(fields: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    w.message(1, |w| w.message(2, |w| w.message(2, fields)));
    w.into_bytes()
}

#[test]
fn a_span_with_everything_comes_back() {
    let request = encode::traces_request(&[a_span(), a_span()]);
    assert_eq!(
        spans_of(&request, &limits()),
        (vec![a_span(), a_span()], Decoded { accepted: 2, ..Decoded::default() })
    );
}

#[test]
fn an_empty_request_is_a_success() {
    assert_eq!(spans_of(b"", &limits()), (vec![], Decoded::default()));
    assert_eq!(logs_of(b"", &limits()), (vec![], Decoded::default()));
}

#[test]
fn owners_are_found_behind_their_records() {
    let mut w = Writer::new();
    w.message(1, |w| {
        w.string(3, "https://a");
        w.message(2, |w| {
            w.message(2, |w| encode::span(w, &a_span()));
            w.string(3, "https://b");
            w.message(1, |w| encode::scope(w, &a_span().scope));
        });
        w.message(1, |w| encode::resource(w, &a_span().resource));
    });
    assert_eq!(spans_of(w.as_bytes(), &limits()).0, [a_span()]);
}

#[test]
fn unknown_fields_are_skipped_and_the_last_singular_field_counts() {
    let request = raw_span(|w| {
        w.string(5, "first");
        w.string(99, "unknown");
        encode::span(w, &a_span());
        w.fixed64(1000, 1);
    });
    let (spans, _) = spans_of(&request, &limits());
    assert_eq!(spans[0].name, a_span().name);
}

#[test]
fn a_wrong_record_is_refused_by_itself() {
    let place = "resource_spans[0].scope_spans[0].spans[1]";
    assert_eq!(refused(|s| s.trace_id = TraceId::ZERO), format!("{place}.trace_id: the id is missing or all zeroes"));
    assert_eq!(refused(|s| s.span_id = SpanId::ZERO), format!("{place}.span_id: the id is missing or all zeroes"));
    assert!(refused(|s| s.end = UnixNanos(5)).contains("end_time_unix_nano 5 is before"));
    let many = |s: &mut Span| s.attributes = (0..10_000).map(|i| (format!("k{i}"), Value::Int(i))).collect();
    assert_eq!(refused(many), format!("{place}: more than 1024 attributes"));
    let large = |s: &mut Span| s.attributes[1].1 = Value::Str("x".repeat(10_000_000));
    assert_eq!(
        refused(large),
        format!(
            "{place}.attributes[1].value.string_value: 10000000 bytes are more than the limit of 1048576 for one value"
        )
    );
    let deep = |s: &mut Span| s.attributes[0].1 = (0..=MAX_NESTING).fold(Value::Int(1), |v, _| Value::Array(vec![v]));
    assert!(refused(deep).ends_with("arrays and maps nest deeper than 32"));
}

#[test]
fn the_deepest_nesting_is_kept() {
    let mut span = a_span();
    span.attributes[0].1 = (0..MAX_NESTING).fold(Value::Int(1), |v, i| match i % 2 {
        0 => Value::Array(vec![v]),
        _ => Value::Map(vec![("k".into(), v)]),
    });
    assert_eq!(spans_of(&encode::traces_request(&[span.clone()]), &limits()).0, [span]);
}

#[test]
fn times_outside_the_window_are_refused() {
    let window = Limits::accepting(NOW, NOW, UnixNanos(NOW.0 + 100));
    assert!(
        refused_with(&window, |s| s.start = UnixNanos(NOW.0 - 1)).contains("is older than the oldest accepted time")
    );
    assert!(refused_with(&window, |s| s.end = UnixNanos(NOW.0 + 100)).contains("the end of the accepted times"));
    let request = raw_span(|w| {
        encode::span(w, &a_span());
        w.fixed64(8, u64::MAX);
    });
    assert_eq!(spans_of(&request, &limits()).1.rejected, 1);
}

#[test]
fn misshaped_ids_and_texts_are_refused() {
    for (field, bytes, expected) in [
        (1, &b"short"[..], "trace_id: the id has 5 bytes instead of 16"),
        (4, &[7; 16], "parent_span_id: the id has 16 bytes instead of 8"),
        (5, b"\xff", "name: the text is not valid UTF-8"),
        (9, b"\x0a\x01\xff\x12\x00", "attributes[9].key: the text is not valid UTF-8"),
        (9, b"\x0a\x01a\x12\x03\x0a\x01\xff", "attributes[9].value: the text is not valid UTF-8"),
        (13, b"\x0a\x01\x00", "links[1].trace_id: the id has 1 bytes instead of 16"),
        (11, b"\x12\x01\xff", "events[1].name: the text is not valid UTF-8"),
    ] {
        let request = raw_span(|w| {
            encode::span(w, &a_span());
            w.bytes(field, bytes);
        });
        let (spans, decoded) = spans_of(&request, &limits());
        assert!(spans.is_empty());
        assert_eq!(decoded.first_error.unwrap(), format!("resource_spans[0].scope_spans[0].spans[0].{expected}"));
    }
}

#[test]
fn a_wrong_resource_or_scope_refuses_its_records_only() {
    let good = a_span();
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(1, |w| w.message(1, |w| w.bytes(1, b"\xff")));
        for _ in 0..2 {
            w.message(2, |w| {
                w.message(2, |w| encode::span(w, &good));
                w.message(2, |w| encode::span(w, &good));
            });
        }
    });
    w.message(1, |w| {
        w.message(2, |w| {
            w.message(1, |w| w.bytes(1, b"\xff"));
            w.message(2, |w| encode::span(w, &good));
        });
    });
    w.raw(&encode::traces_request(std::slice::from_ref(&good)));
    let (spans, decoded) = spans_of(w.as_bytes(), &limits());
    assert_eq!(spans, [good]);
    assert_eq!((decoded.accepted, decoded.rejected), (1, 5));
    assert_eq!(
        decoded.first_error.unwrap(),
        "resource_spans[0].resource.attributes[0].key: the text is not valid UTF-8"
    );
}

#[test]
fn a_broken_message_refuses_the_request_and_says_where() {
    let request = raw_span(|w| {
        w.message(9, |w| w.string(1, "a"));
        w.message(9, |w| {
            w.string(1, "b");
            w.message(2, |w| w.raw(b"\x21\x00"));
        });
    });
    let e = decode_traces(&request, &limits(), &mut RowSpanSink::default()).unwrap_err();
    assert_eq!(e.source.what, Malformation::Truncated { missing: 7 });
    assert_eq!(e.source.offset, request.len() - 1);
    assert_eq!(e.path, "resource_spans[0].scope_spans[0].spans[0].attributes[1].value");
    let e = decode_logs(b"\x0a\x05\x12", &limits(), &mut RowLogSink::default()).unwrap_err();
    assert_eq!(e.to_string(), "the message ends inside a value (4 more bytes expected) at byte 2");
}

#[test]
fn a_broken_message_refuses_the_request_even_behind_a_wrong_field() {
    for (field, wrong) in [(1, &b"short"[..]), (5, b"\xff")] {
        let request = raw_span(|w| {
            w.bytes(field, wrong);
            w.message(11, |w| w.message(3, |w| w.message(2, |w| w.raw(b"\x21\x00"))));
        });
        let e = decode_traces(&request, &limits(), &mut RowSpanSink::default()).unwrap_err();
        assert_eq!(e.source, Malformed { what: Malformation::Truncated { missing: 7 }, offset: request.len() - 1 });
        assert_eq!(e.path, "resource_spans[0].scope_spans[0].spans[0]");
    }
    let mut w = Writer::new();
    w.message(1, |w| {
        w.message(1, |w| w.message(1, |w| w.bytes(1, b"\xff")));
        w.message(2, |w| w.message(2, |w| w.fixed64(1, 5)));
    });
    let e = decode_traces(w.as_bytes(), &limits(), &mut RowSpanSink::default()).unwrap_err();
    assert_eq!(e.source.what, Malformation::UnexpectedWireType { field: 1, found: 1 });
}

#[test]
fn a_request_of_another_signal_is_refused() {
    let record = LogRecord { time: NOW, severity_number: 9, body: "started".into(), ..LogRecord::default() };
    let e = decode_traces(&encode::logs_request(&[record]), &limits(), &mut RowSpanSink::default()).unwrap_err();
    assert_eq!(e.source.what, Malformation::UnexpectedWireType { field: 1, found: 1 });
}

#[test]
fn missing_log_times_stand_in_for_each_other() {
    let at = |time, observed_time| {
        let record =
            LogRecord { time: UnixNanos(time), observed_time: UnixNanos(observed_time), ..LogRecord::default() };
        let (records, _) = logs_of(&encode::logs_request(&[record]), &limits());
        (records[0].time.0, records[0].observed_time.0)
    };
    assert_eq!(at(5, 6), (5, 6));
    assert_eq!(at(0, 6), (6, 6));
    assert_eq!(at(5, 0), (5, 5));
    assert_eq!(at(0, 0), (NOW.0, NOW.0));
}

#[test]
fn a_repeated_key_keeps_its_place_and_last_value() {
    for n in [3i64, 300] {
        let mut span = a_span();
        span.attributes = (0..n).map(|i| (format!("k{i}"), Value::Int(i))).collect();
        span.attributes.push(("k1".into(), "last".into()));
        let (spans, _) = spans_of(&encode::traces_request(&[span.clone()]), &limits());
        span.attributes.pop();
        span.attributes[1].1 = "last".into();
        assert_eq!(spans[0].attributes, span.attributes);
    }
}

fn a_histogram() -> MetricPoint {
    MetricPoint {
        resource: a_span().resource,
        scope: a_span().scope,
        name: "http.server.request.duration".into(),
        description: "how long".into(),
        unit: "s".into(),
        kind: MetricKind::Histogram { temporality: Temporality::Cumulative },
        attributes: vec![("http.route".into(), "/v1/match".into())],
        start: NOW,
        time: UnixNanos(NOW.0 + 1),
        flags: 0,
        exemplars: vec![ExemplarRow {
            time: NOW,
            value: 0.7,
            trace_id: TraceId([1; 16]),
            span_id: SpanId([2; 8]),
            filtered_attributes: vec![("user".into(), Value::Int(7))],
        }],
        point: PointRow::Histogram {
            count: 6,
            sum: Some(2.5),
            min: None,
            max: Some(f64::INFINITY),
            bucket_counts: vec![1, 2, 3],
            bounds: vec![0.5, 1.0],
        },
    }
}

fn points_of(request: &[u8], limits: &Limits) -> (Vec<MetricPoint>, Decoded) {
    let mut sink = RowMetricSink::default();
    let decoded = decode_metrics(request, limits, &mut sink).unwrap();
    (sink.points, decoded)
}

/// Stores a good point before and after the one that `change` makes wrong; what is said about it.
fn refused_point(change: impl FnOnce(&mut MetricPoint)) -> String {
    let mut bad = a_histogram();
    change(&mut bad);
    let (points, decoded) = points_of(&encode::metrics_request(&[a_histogram(), bad, a_histogram()]), &limits());
    assert_eq!(points, [a_histogram(), a_histogram()]);
    assert_eq!((decoded.accepted, decoded.rejected), (2, 1));
    decoded.first_error.unwrap()
}

fn with_buckets(counts: &[u64], bounds: &[f64]) -> PointRow {
    let (bucket_counts, bounds) = (counts.to_vec(), bounds.to_vec());
    PointRow::Histogram { count: 6, sum: None, min: None, max: None, bucket_counts, bounds }
}

#[test]
fn a_point_with_everything_comes_back() {
    let (points, decoded) = points_of(&encode::metrics_request(&[a_histogram(), a_histogram()]), &limits());
    assert_eq!(points, [a_histogram(), a_histogram()]);
    assert_eq!(decoded, Decoded { accepted: 2, ..Decoded::default() });
}

#[test]
fn a_wrong_point_is_refused_by_itself() {
    let scope = "resource_metrics[0].scope_metrics[0]";
    let place = format!("{scope}.metrics[0].histogram.data_points[1]");
    assert_eq!(
        refused_point(|p| p.point = with_buckets(&[1, 2], &[0.5, 1.0])),
        format!("{place}: 2 bucket counts do not fit 2 bounds: there must be one more, or none of both")
    );
    for bounds in [[1.0, 1.0], [2.0, 1.0], [f64::NAN, 1.0], [1.0, f64::NAN]] {
        assert_eq!(
            refused_point(|p| p.point = with_buckets(&[1, 2, 3], &bounds)),
            format!("{place}.explicit_bounds: the bounds are not strictly increasing")
        );
    }
    let many = |p: &mut MetricPoint| p.attributes = (0..2000).map(|i| (format!("k{i}"), Value::Empty)).collect();
    assert_eq!(refused_point(many), format!("{place}: more than 1024 attributes"));
    let unspecified = MetricKind::Histogram { temporality: Temporality::Unspecified };
    assert_eq!(
        refused_point(|p| p.kind = unspecified),
        format!(
            "{scope}.metrics[1].histogram.data_points[0]: \
             the aggregation temporality is unspecified; sums and histograms need delta or cumulative"
        )
    );
    assert_eq!(refused_point(|p| p.name.clear()), format!("{scope}.metrics[1].name: the metric has no name"));
}

#[test]
fn histograms_without_buckets_are_kept() {
    let point = MetricPoint { point: with_buckets(&[], &[]), ..a_histogram() };
    assert_eq!(points_of(&encode::metrics_request(std::slice::from_ref(&point)), &limits()).0, [point]);
}

#[test]
fn a_point_without_a_value_needs_the_flag_that_says_so() {
    let gauge = |flags: u64| {
        let mut w = Writer::new();
        w.message(1, |w| {
            w.message(2, |w| {
                w.message(2, |w| {
                    w.message(5, |w| w.message(1, |w| w.uint(8, flags)));
                    w.string(1, "up");
                })
            })
        });
        points_of(w.as_bytes(), &limits())
    };
    assert_eq!(gauge(1).0.len(), 1);
    assert_eq!(
        gauge(0).1.first_error.unwrap(),
        "resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]: the point has no value"
    );
}

#[test]
fn what_a_sink_cannot_take_is_reported() {
    struct Refusing;
    impl MetricSink for Refusing {
        fn resource(&mut self, _: ResourceRef<'_>) {}
        fn scope(&mut self, _: ScopeRef<'_>) {}
        fn metric(&mut self, _: MetricRef<'_>) {}
        fn number(&mut self, _: &PointFields<'_>, _: Number) -> PointResult {
            Ok(())
        }
        fn histogram(&mut self, _: &PointFields<'_>, _: &HistogramFields<'_>) -> PointResult {
            Err("too many series".into())
        }
        fn exponential_histogram(&mut self, _: &PointFields<'_>, _: &ExponentialHistogramFields<'_>) -> PointResult {
            Ok(())
        }
        fn summary(&mut self, _: &PointFields<'_>, _: &SummaryFields<'_>) -> PointResult {
            Ok(())
        }
    }
    let decoded = decode_metrics(&encode::metrics_request(&[a_histogram()]), &limits(), &mut Refusing).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (0, 1));
    assert!(decoded.first_error.unwrap().ends_with("histogram.data_points[0]: too many series"));
}
