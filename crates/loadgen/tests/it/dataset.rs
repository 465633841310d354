//! The bench data set, read back with the OpenTelemetry project's own protobuf types.

use std::collections::{BTreeMap, BTreeSet};

use foundation::UnixNanos;
use loadgen::dataset::{self, BATCH, PHRASE, RARE_TOKEN, SERVICES, WINDOW};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

const END: UnixNanos = UnixNanos::from_secs(1_800_000_000);
const N: u64 = 60_000;

fn spans() -> Vec<Span> {
    let mut out = vec![];
    for request in dataset::spans(3, N, END) {
        let decoded = ExportTraceServiceRequest::decode(request.bytes.as_slice()).expect("decodes");
        let before = out.len();
        out.extend(decoded.resource_spans.into_iter().flat_map(|r| r.scope_spans).flat_map(|s| s.spans));
        assert_eq!(out.len() - before, request.records);
        assert!(request.records < BATCH + 400);
    }
    out
}

fn logs() -> (Vec<LogRecord>, BTreeSet<String>) {
    let (mut out, mut pods) = (vec![], BTreeSet::new());
    for request in dataset::logs(3, N, END) {
        let decoded = ExportLogsServiceRequest::decode(request.bytes.as_slice()).expect("decodes");
        for group in decoded.resource_logs {
            let resource = group.resource.expect("resource").attributes;
            assert_eq!(resource.len(), 12);
            let pod = resource.iter().find(|kv| kv.key == "k8s.pod.name").expect("pod");
            pods.insert(format!("{pod:?}"));
            out.extend(group.scope_logs.into_iter().flat_map(|s| s.log_records));
        }
    }
    (out, pods)
}

fn body(log: &LogRecord) -> &str {
    match log.body.as_ref().and_then(|b| b.value.as_ref()) {
        Some(Value::StringValue(s)) => s,
        other => panic!("{other:?}"),
    }
}

#[test]
fn streams_repeat_and_depend_on_the_seed() {
    let bytes = |seed| -> Vec<Vec<u8>> {
        let all = dataset::spans(seed, 3_000, END).chain(dataset::logs(seed, 3_000, END));
        all.chain(dataset::points(seed, 3_000, END)).map(|r| r.bytes).collect()
    };
    assert_eq!(bytes(1), bytes(1));
    assert!(bytes(1).iter().zip(bytes(2)).all(|(a, b)| *a != b));
}

#[test]
fn spans_form_whole_traces_over_the_window() {
    let spans = spans();
    assert!((N as usize..N as usize + 400).contains(&spans.len()));
    let ids: BTreeMap<&[u8], &Span> = spans.iter().map(|s| (s.span_id.as_slice(), s)).collect();
    assert_eq!(ids.len(), spans.len());
    for span in spans.iter().filter(|s| !s.parent_span_id.is_empty()) {
        let parent = ids[span.parent_span_id.as_slice()];
        assert_eq!(parent.trace_id, span.trace_id);
        assert!(parent.start_time_unix_nano <= span.start_time_unix_nano);
        assert!(parent.end_time_unix_nano >= span.end_time_unix_nano);
    }
    let roots = spans.iter().filter(|s| s.parent_span_id.is_empty()).count();
    let mean = spans.len() / roots;
    assert!((20..50).contains(&mean), "{mean} spans per trace");
    let first = spans.iter().map(|s| s.start_time_unix_nano).min().expect("spans");
    let last = spans.iter().map(|s| s.start_time_unix_nano).max().expect("spans");
    let window = WINDOW.as_nanos() as u64;
    assert!(first >= END.0 as u64 - window && last - first > window * 99 / 100);
    let attributes = spans.iter().map(|s| s.attributes.len()).sum::<usize>() / spans.len();
    assert!((5..=10).contains(&attributes), "{attributes}");
    let failed = spans.iter().filter(|s| s.status.as_ref().is_some_and(|s| s.code == 2)).count();
    assert!((0.003..0.03).contains(&(failed as f64 / spans.len() as f64)), "{failed}");
    let rare = spans.iter().filter(|s| s.attributes.iter().any(|kv| format!("{kv:?}").contains(RARE_TOKEN))).count();
    assert_eq!(rare, 1);
}

#[test]
fn logs_have_the_shape_of_production() {
    let (logs, pods) = logs();
    assert_eq!(logs.len() as u64, N);
    assert_eq!(pods.len(), dataset::PODS);
    let mean = logs.iter().map(|l| body(l).len()).sum::<usize>() / logs.len();
    assert!((50..80).contains(&mean), "mean body of {mean} bytes");
    let share = |p: &dyn Fn(&LogRecord) -> bool| logs.iter().filter(|l| p(l)).count() as f64 / logs.len() as f64;
    assert!((0.48..0.54).contains(&share(&|l| !l.trace_id.is_empty())));
    assert!((0.015..0.025).contains(&share(&|l| l.severity_number == 17)));
    assert!((0.70..0.78).contains(&share(&|l| l.severity_number == 9)));
    let phrase = share(&|l| body(l).contains(PHRASE));
    assert!((0.005..0.04).contains(&phrase), "{phrase}");
    assert_eq!(logs.iter().filter(|l| body(l).contains(RARE_TOKEN)).count(), 1);
    let with_trace: BTreeSet<_> = logs.iter().map(|l| l.trace_id.clone()).collect();
    let traces: BTreeSet<_> = spans().into_iter().map(|s| s.trace_id).collect();
    let known = traces.iter().filter(|t| with_trace.contains(*t)).count();
    assert!(known * 10 > traces.len() * 8, "{known} of {} traces have logs", traces.len());
}

#[test]
fn points_repeat_their_series_in_time_order() {
    let mut last = BTreeMap::<String, (u64, f64)>::new();
    let mut services = BTreeSet::<&str>::new();
    let mut points = 0u64;
    for request in dataset::points(3, N, END) {
        let decoded = ExportMetricsServiceRequest::decode(request.bytes.as_slice()).expect("decodes");
        let before = points;
        for group in decoded.resource_metrics {
            let resource = format!("{:?}", group.resource);
            services.extend(SERVICES.iter().copied().filter(|s| resource.contains(&format!("\"{s}\""))));
            for metric in group.scope_metrics.into_iter().flat_map(|s| s.metrics) {
                let list: Vec<(String, u64, f64)> = match metric.data.expect("data") {
                    Data::Gauge(g) => {
                        g.data_points.iter().map(|p| (format!("{:?}", p.attributes), p.time_unix_nano, 0.0)).collect()
                    }
                    Data::Sum(s) => s
                        .data_points
                        .iter()
                        .map(|p| {
                            (format!("{:?}", p.attributes), p.time_unix_nano, format!("{:?}", p.value).len() as f64)
                        })
                        .collect(),
                    Data::Histogram(h) => h
                        .data_points
                        .iter()
                        .map(|p| {
                            assert_eq!(p.bucket_counts.iter().sum::<u64>(), p.count);
                            (format!("{:?}", p.attributes), p.time_unix_nano, p.count as f64)
                        })
                        .collect(),
                    other => panic!("{other:?}"),
                };
                for (labels, time, value) in list {
                    points += 1;
                    assert!(time < END.0 as u64);
                    if let Some((before, was)) =
                        last.insert(format!("{resource} {} {labels}", metric.name), (time, value))
                    {
                        assert!(time > before && value >= was);
                    }
                }
            }
        }
        assert_eq!((points - before) as usize, request.records);
    }
    assert!((N..N + 100).contains(&points));
    assert_eq!(last.len(), dataset::SERIES);
    assert_eq!(services.len(), SERVICES.len());
}
