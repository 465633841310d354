//! Prints what decoding costs per record: `cargo run --release -p wire --example decode_speed`.
//!
//! The request is what services send: 10 resources of 13 attributes, 1000 spans of
//! 15 attributes (some 650 bytes a span), or as many log records of 10. The
//! sink counts and adds up, so that the figure is the decoder's own.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use foundation::UnixNanos;
use model::trace::{Event, Resource, Scope, Status};
use model::{Attributes, LogRecord, Signal, Span, SpanId, TraceId, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use wire::otlp::tree::{Logs, Traces};
use wire::otlp::{self, Limits, encode, json};
use wire::sink::{LogFields, LogSink, ResourceRef, ScopeRef, SpanFields, SpanSink, ValueRef};

const RECORDS: u64 = 1000;
const SERVICES: u64 = 10;
const START: i64 = 1_700_000_000_000_000_000;
/// How long each decoder runs.
const RUN: Duration = Duration::from_secs(2);

/// Takes everything and keeps sums.
#[derive(Default)]
struct Counter {
    records: u64,
    sum: u64,
}

impl Counter {
    #[inline]
    fn value(&mut self, key: &str, value: ValueRef<'_>) {
        self.sum += key.len() as u64;
        self.sum = self.sum.wrapping_add(match value {
            ValueRef::Empty => 0,
            ValueRef::Str(s) => s.len() as u64,
            ValueRef::Bool(b) => u64::from(b),
            ValueRef::Int(i) => i as u64,
            ValueRef::Double(d) => d.to_bits(),
            ValueRef::Bytes(b) | ValueRef::Array(b) | ValueRef::Map(b) => b.len() as u64,
        });
    }
}

impl SpanSink for Counter {
    fn resource(&mut self, resource: ResourceRef<'_>) {
        self.sum += resource.raw.len() as u64;
    }
    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.sum += scope.raw.len() as u64;
    }
    #[inline]
    fn attribute(&mut self, key: &str, value: ValueRef<'_>) {
        self.value(key, value);
    }
    fn event(&mut self, raw: &[u8]) {
        self.sum += raw.len() as u64;
    }
    fn link(&mut self, raw: &[u8]) {
        self.sum += raw.len() as u64;
    }
    fn end_span(&mut self, span: &SpanFields<'_>) {
        self.records += 1;
        self.sum += black_box(span).name.len() as u64;
    }
    fn abandon(&mut self) {}
}

impl LogSink for Counter {
    fn resource(&mut self, resource: ResourceRef<'_>) {
        self.sum += resource.raw.len() as u64;
    }
    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.sum += scope.raw.len() as u64;
    }
    #[inline]
    fn attribute(&mut self, key: &str, value: ValueRef<'_>) {
        self.value(key, value);
    }
    fn end_record(&mut self, record: &LogFields<'_>) {
        self.records += 1;
        self.value("", black_box(record).body);
    }
    fn abandon(&mut self) {}
}

fn resource(i: u64) -> Resource {
    let text = |k: &str, v: String| (k.to_owned(), Value::Str(v));
    let service = i * SERVICES / RECORDS;
    let attributes = vec![
        text("service.name", format!("checkout-{service}")),
        text("service.version", "1.42.0".into()),
        text("service.namespace", "shop".into()),
        text("service.instance.id", format!("627cc493-f310-47de-96bd-71410b7dec{service:02}")),
        text("deployment.environment.name", "production".into()),
        text("host.name", format!("ip-10-0-3-{service}.eu-central-1.compute.internal")),
        text("k8s.pod.name", format!("checkout-{service}-7d4b9c6f5-x2x9k")),
        text("k8s.namespace.name", "shop".into()),
        text("cloud.provider", "aws".into()),
        text("cloud.region", "eu-central-1".into()),
        text("telemetry.sdk.name", "opentelemetry".into()),
        text("telemetry.sdk.language", "java".into()),
        ("process.pid".into(), Value::Int(4242)),
    ];
    Resource { attributes, ..Resource::default() }
}

fn scope() -> Scope {
    Scope { name: "io.opentelemetry.tomcat-10.0".into(), version: "2.8.0-alpha".into(), ..Scope::default() }
}

fn span_attributes(i: u64) -> Attributes {
    let text = |k: &str, v: String| (k.to_owned(), Value::Str(v));
    vec![
        text("http.request.method", "GET".into()),
        text("http.route", "/api/v1/products/{id}".into()),
        text("url.path", format!("/api/v1/products/{}", i % 97)),
        text("url.scheme", "https".into()),
        ("http.response.status_code".into(), Value::Int(200 + (i % 7) as i64 * 50)),
        text("server.address", "shop.example.com".into()),
        ("server.port".into(), Value::Int(8443)),
        text("client.address", format!("203.0.113.{}", i % 250)),
        text(
            "user_agent.original",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36".into(),
        ),
        text("network.protocol.version", "1.1".into()),
        ("thread.id".into(), Value::Int((i % 64) as i64)),
        text("thread.name", format!("http-nio-8443-exec-{}", i % 64)),
        ("app.cache.hit".into(), Value::Bool(i.is_multiple_of(3))),
        ("app.price".into(), Value::Double(i as f64 * 0.25)),
        text("app.user.id", format!("user-{:06}", i * 7919 % 100_000)),
    ]
}

fn span(i: u64) -> Span {
    let start = START + i as i64 * 1_000_003;
    let failed = i.is_multiple_of(20);
    let events = if failed {
        let attributes = vec![("exception.type".to_owned(), "java.net.SocketTimeoutException".into())];
        vec![Event { time: UnixNanos(start + 9), name: "exception".into(), attributes, ..Event::default() }]
    } else {
        vec![]
    };
    Span {
        trace_id: TraceId((u128::from(i / 8 + 1) * 0x9e37_79b9_7f4a_7c15_f39c).to_be_bytes()),
        span_id: SpanId((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()),
        parent_span_id: SpanId(i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()),
        flags: 0x101,
        name: "GET /api/v1/products/{id}".into(),
        kind: 2,
        start: UnixNanos(start),
        end: UnixNanos(start + 12_345_678),
        attributes: span_attributes(i),
        events,
        status: Status { code: if failed { 2 } else { 0 }, ..Status::default() },
        resource: resource(i),
        scope: scope(),
        ..Span::default()
    }
}

fn log(i: u64) -> LogRecord {
    LogRecord {
        time: UnixNanos(START + i as i64 * 1_000_003),
        observed_time: UnixNanos(START + i as i64 * 1_000_003 + 50),
        severity_number: 9,
        severity_text: "INFO".into(),
        body: Value::Str(format!(
            "order {i} of customer {} was accepted, 3 items, payment by card, delivery tomorrow",
            i % 97
        )),
        attributes: span_attributes(i).into_iter().take(10).collect(),
        trace_id: TraceId((u128::from(i / 8 + 1) * 0x9e37_79b9_7f4a_7c15_f39c).to_be_bytes()),
        span_id: SpanId((i + 1).to_be_bytes()),
        flags: 1,
        resource: resource(i),
        scope: scope(),
        ..LogRecord::default()
    }
}

/// Nanoseconds per record. Of the times of single requests the tenth percentile counts: a request is shorter than
/// what the scheduler gives at once, so that other programs add noise to some of them only.
fn measure(mut decode: impl FnMut() -> u64) -> f64 {
    let end = Instant::now() + RUN;
    let mut times = Vec::new();
    while Instant::now() < end {
        let begin = Instant::now();
        let records = decode();
        times.push(begin.elapsed().as_nanos() as f64 / records as f64);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 10]
}

fn report(what: &str, request: &[u8], ns: f64) {
    let bytes = request.len() as f64 / RECORDS as f64;
    println!(
        "{what:<22} {bytes:>6.0} B/record {ns:>7.1} ns/record {:>6.2} M records/s {:>7.0} MiB/s",
        1e3 / ns,
        bytes / ns * 1e9 / f64::from(1 << 20)
    );
}

fn main() {
    let limits = Limits::new(UnixNanos(START));
    let traces = encode::traces_request(&(0..RECORDS).map(span).collect::<Vec<_>>());
    let logs = encode::logs_request(&(0..RECORDS).map(log).collect::<Vec<_>>());
    let mut sink = Counter::default();
    let ns = measure(|| otlp::decode_traces(black_box(&traces), &limits, &mut sink).map_or(0, |d| d.accepted));
    report("spans, protobuf", &traces, ns);
    let ns = measure(|| otlp::decode_logs(black_box(&logs), &limits, &mut sink).map_or(0, |d| d.accepted));
    report("logs, protobuf", &logs, ns);
    let ns = measure(|| Traces::decode(black_box(&traces)).map_or(0, |t| t.records().count() as u64));
    report("spans, tree", &traces, ns);
    let ns = measure(|| {
        Traces::decode(black_box(&traces)).map_or(0, |t| {
            black_box(t.encode());
            RECORDS
        })
    });
    report("spans, tree and back", &traces, ns);
    let ns = measure(|| {
        ExportTraceServiceRequest::decode(black_box(&traces[..]))
            .map_or(0, |t| t.resource_spans.len() as u64 / SERVICES * RECORDS)
    });
    report("spans, prost", &traces, ns);
    let ns = measure(|| {
        ExportTraceServiceRequest::decode(black_box(&traces[..])).map_or(0, |t| {
            black_box(t.encode_to_vec());
            RECORDS
        })
    });
    report("spans, prost and back", &traces, ns);
    let ns = measure(|| {
        Logs::decode(black_box(&logs)).map_or(0, |t| {
            black_box(t.encode());
            RECORDS
        })
    });
    report("logs, tree and back", &logs, ns);
    let ns = measure(|| {
        ExportLogsServiceRequest::decode(black_box(&logs[..])).map_or(0, |t| {
            black_box(t.encode_to_vec());
            RECORDS
        })
    });
    report("logs, prost and back", &logs, ns);
    let text = trace_json();
    let ns = measure(|| json::to_protobuf(Signal::Traces, black_box(text.as_bytes())).map_or(0, |_| RECORDS));
    report("spans, JSON to protobuf", text.as_bytes(), ns);
    println!("({} records, checksum {:x})", sink.records, sink.sum);
}

/// The same spans as JSON, as far as JSON's cost depends on them.
fn trace_json() -> String {
    let spans: Vec<String> = (0..RECORDS).map(|i| {
        let s = span(i);
        format!(
            r#"{{"traceId":"{}","spanId":"{}","parentSpanId":"{}","name":"{}","kind":2,"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":{}}}"#,
            s.trace_id, s.span_id, s.parent_span_id, s.name, s.start.0, s.end.0, json::attributes_to_json(&s.attributes)
        )
    }).collect();
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
}
