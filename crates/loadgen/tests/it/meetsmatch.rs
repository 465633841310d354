//! The demo stack, read back with the OpenTelemetry project's own protobuf types.

use std::collections::{BTreeMap, BTreeSet};

use foundation::UnixNanos;
use loadgen::Request;
use loadgen::meetsmatch::Stack;
use model::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// A multiple of the incident period, so that the minutes 5 to 6.5 after it are ill.
const START: UnixNanos = UnixNanos::from_secs(1_800_000_000);

fn played(minutes: i64) -> Vec<Request> {
    let mut stack = Stack::new(7, START);
    (1..=minutes * 60).flat_map(|s| stack.tick(UnixNanos(START.0 + s * 1_000_000_000))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|v| v.value.as_ref()) {
        Some(any_value::Value::StringValue(s)) => s.clone(),
        Some(any_value::Value::IntValue(n)) => n.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(list: &[KeyValue], key: &str) -> Option<String> {
    list.iter().find(|kv| kv.key == key).map(|kv| text(kv.value.as_ref()))
}

fn service(resource: Option<&Resource>) -> String {
    attribute(&resource.expect("resource").attributes, "service.name").expect("service.name")
}

fn spans(requests: &[Request]) -> Vec<(String, Span)> {
    let mut out = vec![];
    for request in requests.iter().filter(|r| r.signal == Signal::Traces) {
        let decoded = ExportTraceServiceRequest::decode(request.bytes.as_slice()).expect("decodes");
        let before = out.len();
        for group in decoded.resource_spans {
            let service = service(group.resource.as_ref());
            assert_eq!(service, request.service);
            out.extend(group.scope_spans.into_iter().flat_map(|s| s.spans).map(|s| (service.clone(), s)));
        }
        assert_eq!(out.len() - before, request.records);
        assert!(request.records <= 512);
    }
    out
}

fn logs(requests: &[Request]) -> Vec<(String, LogRecord)> {
    let mut out = vec![];
    for request in requests.iter().filter(|r| r.signal == Signal::Logs) {
        let decoded = ExportLogsServiceRequest::decode(request.bytes.as_slice()).expect("decodes");
        let before = out.len();
        for group in decoded.resource_logs {
            let service = service(group.resource.as_ref());
            out.extend(group.scope_logs.into_iter().flat_map(|s| s.log_records).map(|l| (service.clone(), l)));
        }
        assert_eq!(out.len() - before, request.records);
    }
    out
}

fn metrics(requests: &[Request]) -> Vec<(String, Metric)> {
    let mut out = vec![];
    for request in requests.iter().filter(|r| r.signal == Signal::Metrics) {
        let decoded = ExportMetricsServiceRequest::decode(request.bytes.as_slice()).expect("decodes");
        let mut points = 0;
        for group in decoded.resource_metrics {
            let service = service(group.resource.as_ref());
            for metric in group.scope_metrics.into_iter().flat_map(|s| s.metrics) {
                points += numbers(&metric).len() + histograms(&metric).len();
                out.push((service.clone(), metric));
            }
        }
        assert_eq!(points, request.records);
    }
    out
}

fn numbers(metric: &Metric) -> Vec<&NumberDataPoint> {
    match metric.data.as_ref() {
        Some(metric::Data::Gauge(g)) => g.data_points.iter().collect(),
        Some(metric::Data::Sum(s)) => s.data_points.iter().collect(),
        _ => vec![],
    }
}

fn histograms(metric: &Metric) -> Vec<&HistogramDataPoint> {
    match metric.data.as_ref() {
        Some(metric::Data::Histogram(h)) => h.data_points.iter().collect(),
        _ => vec![],
    }
}

fn value(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(number_data_point::Value::AsDouble(v)) => v,
        Some(number_data_point::Value::AsInt(v)) => v as f64,
        None => panic!("a point without a value"),
    }
}

#[test]
fn the_same_seed_and_times_give_the_same_bytes() {
    let (a, b) = (played(2), played(2));
    assert_eq!(a, b);
    let mut other = Stack::new(8, START);
    assert_ne!(other.tick(UnixNanos(START.0 + 120_000_000_000)).concat_bytes(), a.concat_bytes());
}

trait ConcatBytes {
    fn concat_bytes(&self) -> Vec<u8>;
}
impl ConcatBytes for Vec<Request> {
    fn concat_bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|r| r.bytes.clone()).collect()
    }
}

#[test]
fn ticks_of_any_length_give_the_same_records() {
    let fine = played(1);
    let coarse = Stack::new(7, START).tick(UnixNanos(START.0 + 60_000_000_000));
    let ids = |r: &[Request]| spans(r).into_iter().map(|(_, s)| s.span_id).collect::<BTreeSet<_>>();
    assert_eq!(ids(&fine), ids(&coarse));
    assert_eq!(logs(&fine).len(), logs(&coarse).len());
    assert!(coarse.len() < fine.len() / 4);
}

#[test]
fn parents_exist_and_contain_their_children() {
    let spans = spans(&played(3));
    let by_id: BTreeMap<&[u8], &(String, Span)> = spans.iter().map(|s| (s.1.span_id.as_slice(), s)).collect();
    assert_eq!(by_id.len(), spans.len(), "span ids are unique");
    let end = (START.0 + 3 * 60_000_000_000) as u64;
    let (mut children, mut remote, mut linked, mut roots) = (0, 0, 0, 0);
    for (service, span) in &spans {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        for event in &span.events {
            assert!((span.start_time_unix_nano..=span.end_time_unix_nano).contains(&event.time_unix_nano), "{span:?}");
        }
        for link in &span.links {
            linked += 1;
            let (_, producer) = by_id[link.span_id.as_slice()];
            assert_eq!((producer.kind, producer.trace_id == link.trace_id), (4, true));
            assert_ne!(link.trace_id, span.trace_id);
        }
        if span.parent_span_id.is_empty() {
            roots += 1;
            continue;
        }
        // The parents of what was still running at the end have not been exported.
        let Some((parent_service, parent)) = by_id.get(span.parent_span_id.as_slice()).copied() else {
            assert!(span.end_time_unix_nano + 10_000_000_000 > end, "an orphan: {span:?}");
            continue;
        };
        children += 1;
        assert_eq!(parent.trace_id, span.trace_id);
        assert!(parent.start_time_unix_nano <= span.start_time_unix_nano, "{} in {}", span.name, parent.name);
        assert!(parent.end_time_unix_nano >= span.end_time_unix_nano, "{} in {}", span.name, parent.name);
        if parent_service != service {
            remote += 1;
            assert_eq!(span.kind, 2, "{} is called from another process", span.name);
            assert_ne!(span.flags & 0x200, 0);
        }
    }
    assert!(
        children > 15_000 && remote > 3_000 && linked > 100 && roots > 2_000,
        "{children} {remote} {linked} {roots}"
    );
}

#[test]
fn the_planted_problems_are_there() {
    let requests = played(7);
    let spans = spans(&requests);
    let served = |route: &str| -> Vec<&Span> {
        spans
            .iter()
            .filter(|(service, s)| {
                service == "meetsmatch-api"
                    && s.kind == 2
                    && attribute(&s.attributes, "http.route").as_deref() == Some(route)
            })
            .map(|(_, s)| s)
            .collect()
    };
    let median_ms = |mut list: Vec<&Span>| {
        list.sort_by_key(|s| s.end_time_unix_nano - s.start_time_unix_nano);
        let middle = list[list.len() / 2];
        (middle.end_time_unix_nano - middle.start_time_unix_nano) / 1_000_000
    };
    assert!(median_ms(served("/v1/matches/suggestions")) > 600);
    assert!(median_ms(served("/v1/matches")) < 40);

    let calm = |s: &&&Span| s.start_time_unix_nano < (START.0 + 290_000_000_000) as u64;
    let failed = |s: &&&Span| s.status.as_ref().is_some_and(|s| s.code == 2);
    let messages = served("/v1/messages");
    let ratio =
        messages.iter().filter(calm).filter(failed).count() as f64 / messages.iter().filter(calm).count() as f64;
    assert!((0.05..0.14).contains(&ratio), "{ratio}");
    let exception = &messages.iter().find(failed).expect("a failure").events[0];
    assert_eq!(exception.name, "exception");
    assert_eq!(attribute(&exception.attributes, "exception.type").as_deref(), Some("DatabaseError"));
    assert!(attribute(&exception.attributes, "exception.stacktrace").expect("stack").contains("sendMessage"));

    let all = spans.iter().map(|(_, s)| s).filter(|s| s.name == "GET /v1/matches").collect::<Vec<_>>();
    let errors = |ill: bool| all.iter().filter(|s| calm(s) != ill).filter(failed).count();
    assert!(errors(true) > errors(false) + 5, "{} {}", errors(true), errors(false));
}

#[test]
fn logs_point_to_spans_of_their_trace() {
    let requests = played(2);
    let spans: BTreeMap<Vec<u8>, Vec<u8>> =
        spans(&requests).into_iter().map(|(_, s)| (s.span_id, s.trace_id)).collect();
    let logs = logs(&requests);
    let mut severities = BTreeMap::<i32, usize>::new();
    let mut linked = 0;
    for (_, log) in &logs {
        *severities.entry(log.severity_number).or_default() += 1;
        assert!(!text(log.body.as_ref()).is_empty());
        assert!(log.time_unix_nano >= START.0 as u64);
        if log.span_id.is_empty() {
            assert!(log.trace_id.is_empty());
        } else if let Some(trace) = spans.get(&log.span_id) {
            linked += 1;
            assert_eq!(trace, &log.trace_id);
        }
    }
    assert_eq!(severities.keys().copied().collect::<Vec<_>>(), [5, 9, 13, 17], "{severities:?}");
    assert!(linked > logs.len() * 9 / 10, "{linked} of {}", logs.len());
    let services: BTreeSet<_> = logs.iter().map(|(s, _)| s.as_str()).collect();
    assert!(services.is_superset(&BTreeSet::from(["nginx", "meetsmatch-api", "meetsmatch-bot", "postgresql"])));
}

/// Every series name in the expressions of the alert rules and dashboards, with the labels that the expressions use;
/// the availability series are what the SLOs stand on. `service` and `le` are added by the platform.
const EXPRESSIONS_NEED: &[(&str, &[&str])] = &[
    ("http_requests_total", &["method", "route", "status", "status_code"]),
    ("http_request_duration_seconds", &["method", "route", "status"]),
    ("db_connections_active", &[]),
    ("db_connections_idle", &[]),
    ("db_queries_total", &["operation"]),
    ("db_query_duration_seconds", &["operation"]),
    ("db_connection_errors_total", &[]),
    ("redis_memory_usage_bytes", &[]),
    ("redis_cache_hits_total", &[]),
    ("redis_cache_misses_total", &[]),
    ("redis_operations_total", &["operation"]),
    ("redis_operation_duration_seconds", &["operation"]),
    ("redis_connections_active", &[]),
    ("go_memstats_alloc_bytes", &[]),
    ("go_goroutines", &[]),
    ("telegram_messages_total", &["type", "status"]),
    ("telegram_message_processing_duration_seconds", &["type", "status"]),
    ("telegram_active_users", &[]),
    ("postgresql_up", &[]),
    ("redis_up", &[]),
    ("nginx_up", &[]),
];

#[test]
fn the_series_of_all_alert_rules_and_dashboards_are_emitted() {
    let metrics = metrics(&played(7));
    let mut labels = BTreeMap::<&str, BTreeSet<&str>>::new();
    let mut statuses = BTreeSet::new();
    for (_, metric) in &metrics {
        let known = labels.entry(&metric.name).or_default();
        let lists = numbers(metric).into_iter().map(|p| &p.attributes);
        for list in lists.chain(histograms(metric).into_iter().map(|p| &p.attributes)) {
            known.extend(list.iter().map(|kv| kv.key.as_str()));
            if metric.name == "http_requests_total" {
                statuses.extend(attribute(list, "status"));
            }
        }
    }
    for (name, needed) in EXPRESSIONS_NEED {
        let known = labels.get(name).unwrap_or_else(|| panic!("{name} is not emitted"));
        assert!(known.is_superset(&needed.iter().copied().collect()), "{name} has {known:?}");
    }
    assert!(statuses.iter().any(|s| s.starts_with('5')) && statuses.contains("200"), "{statuses:?}");
    for instrument in loadgen::meetsmatch::instruments::ALL {
        assert!(labels.contains_key(instrument.name), "{} is never used", instrument.name);
    }
    let all: BTreeSet<u64> = metrics
        .iter()
        .filter(|(_, m)| m.name == "telegram_messages_total")
        .flat_map(|(_, m)| numbers(m))
        .filter(|p| attribute(&p.attributes, "status").as_deref() == Some("error"))
        .map(|p| value(p) as u64)
        .collect();
    assert!(all.contains(&0) && all.len() > 1, "errors begin at zero and then happen");
}

#[test]
fn sums_and_histograms_follow_their_temporality() {
    let metrics = metrics(&played(2));
    let mut last = BTreeMap::<String, (u64, f64)>::new();
    let (mut delta, mut cumulative, mut exemplars) = (0, 0, 0);
    for (service, metric) in &metrics {
        let temporality = match metric.data.as_ref() {
            Some(metric::Data::Sum(s)) if s.is_monotonic => s.aggregation_temporality,
            Some(metric::Data::Histogram(h)) => h.aggregation_temporality,
            _ => continue,
        };
        assert_eq!(temporality, if service == "meetsmatch-frontend" { 1 } else { 2 }, "{service} {}", metric.name);
        for point in histograms(metric) {
            assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
            assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
            assert!(point.explicit_bounds.contains(&2.0) && point.explicit_bounds.contains(&0.5));
            for exemplar in &point.exemplars {
                exemplars += 1;
                assert_eq!((exemplar.trace_id.len(), exemplar.span_id.len()), (16, 8));
                assert!((point.start_time_unix_nano..=point.time_unix_nano).contains(&exemplar.time_unix_nano));
            }
        }
        if temporality == 1 {
            delta += 1;
            continue;
        }
        cumulative += 1;
        let points =
            numbers(metric).into_iter().map(|p| (&p.attributes, p.start_time_unix_nano, p.time_unix_nano, value(p)));
        let counts = histograms(metric).into_iter();
        let counts = counts.map(|p| (&p.attributes, p.start_time_unix_nano, p.time_unix_nano, p.count as f64));
        for (labels, start, time, value) in points.chain(counts) {
            assert_eq!(start, START.0 as u64);
            // Two API processes share a service; only one series per process is compared here.
            if service == "meetsmatch-api" {
                continue;
            }
            let key = format!("{service} {} {labels:?}", metric.name);
            if let Some((before, was)) = last.insert(key, (time, value)) {
                assert!(time > before && value >= was, "{} {labels:?}: {was} then {value}", metric.name);
            }
        }
    }
    assert!(delta > 10 && cumulative > 100 && exemplars > 100, "{delta} {cumulative} {exemplars}");
}
