//! How fast one core turns records into blocks, and how many bytes they take.
//!
//! `cargo run --release -p eventstore --example ingest_speed [records]`: pushes synthetic spans and
//! logs into batches as a decoder would (without decoding), encodes and flushes them into a store on
//! the real disk, and prints the rates and sizes.
//! Not a benchmark of the product: no wire format, no network; the log's sync is measured apart.

#![allow(clippy::print_stdout, reason = "a tool that prints its figures")]

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use eventstore::query::*;
use eventstore::{Config, EventStore, LogBatch, SpanBatch};
use foundation::UnixNanos;
use foundation::disk::RealDisk;
use model::{AccessScope, SpanId, TimeRange, TraceId};
use wire::protobuf::Writer;
use wire::sink::{LogFields, LogSink, ResourceRef, ScopeRef, SpanFields, SpanSink, ValueRef};

/// Records of one request.
const BATCH: usize = 200;
const SERVICES: usize = 20;
const PODS: usize = 116;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn attribute(w: &mut Writer, key: &str, value: &str) {
    w.message(1, |w| {
        w.string(1, key);
        w.message(2, |w| w.string(1, value));
    });
}

fn resource(pod: usize) -> Vec<u8> {
    let mut w = Writer::new();
    attribute(&mut w, "service.name", &format!("service-{}", pod % SERVICES));
    attribute(&mut w, "service.version", "1.42.0");
    attribute(&mut w, "k8s.pod.name", &format!("service-{}-{pod:08x}-x2k9p", pod % SERVICES));
    attribute(&mut w, "k8s.pod.uid", &format!("7c1a{pod:04x}-53b1-4f0e-9d8e-2a61b2c3d4e5"));
    for (k, v) in [
        ("k8s.namespace.name", "production"),
        ("k8s.cluster.name", "eu-1"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "0.31.0"),
        ("deployment.environment.name", "production"),
        ("cloud.region", "eu-central-1"),
        ("host.name", "ip-10-0-3-17"),
    ] {
        attribute(&mut w, k, v);
    }
    w.into_bytes()
}

fn spans(rng: &mut Rng, resources: &[Vec<u8>], now: &mut i64, limits: &wire::otlp::Limits) -> SpanBatch {
    let mut b = SpanBatch::new(limits);
    let mut scope = Writer::new();
    scope.string(1, "http");
    scope.string(2, "0.31.0");
    b.resource(ResourceRef { raw: &resources[rng.below(PODS as u64) as usize], schema_url: "" });
    b.scope(ScopeRef { raw: scope.as_bytes(), schema_url: "" });
    let (mut trace, mut parent) = ([0; 16], [0; 8]);
    for i in 0..BATCH {
        if i % 20 == 0 {
            trace[..8].copy_from_slice(&rng.next().to_le_bytes());
            trace[8..].copy_from_slice(&rng.next().to_le_bytes());
            parent = [0; 8];
        }
        *now += 20_000 + rng.below(60_000) as i64;
        let route = ["/v1/match", "/v1/users/{id}", "/v1/search", "/healthz"][rng.below(4) as usize];
        let status = if rng.below(50) == 0 { 500 } else { 200 };
        b.attribute("http.request.method", ValueRef::Str(["GET", "GET", "POST"][rng.below(3) as usize]));
        b.attribute("http.route", ValueRef::Str(route));
        b.attribute("http.response.status_code", ValueRef::Int(status));
        b.attribute("url.path", ValueRef::Str(&format!("/v1/users/{}", rng.below(50_000))));
        b.attribute("server.address", ValueRef::Str("api.internal"));
        b.attribute("network.protocol.version", ValueRef::Str("1.1"));
        b.attribute("user_agent.original", ValueRef::Str("Mozilla/5.0 (X11; Linux x86_64)"));
        b.attribute("thread.id", ValueRef::Int(rng.below(32) as i64));
        let span = rng.next().to_le_bytes();
        let duration = (1 << (10 + rng.below(16))) + rng.below(1 << 20) as i64;
        b.end_span(&SpanFields {
            trace_id: TraceId(trace),
            span_id: SpanId(span),
            parent_span_id: SpanId(parent),
            name: route,
            kind: [2, 3, 1][rng.below(3) as usize],
            start: UnixNanos(*now),
            end: UnixNanos(*now + duration),
            status_code: if status == 500 { 2 } else { 0 },
            flags: 0x101,
            ..SpanFields::default()
        });
        if i % 3 == 0 {
            parent = span;
        }
    }
    b
}

fn logs(rng: &mut Rng, resources: &[Vec<u8>], now: &mut i64, limits: &wire::otlp::Limits) -> LogBatch {
    let mut b = LogBatch::new(limits);
    b.resource(ResourceRef { raw: &resources[rng.below(PODS as u64) as usize], schema_url: "" });
    b.scope(ScopeRef { raw: b"\x0a\x03app", schema_url: "" });
    for _ in 0..BATCH {
        *now += 20_000 + rng.below(60_000) as i64;
        let user = rng.below(50_000);
        let (severity, text) =
            [(9, "INFO"), (9, "INFO"), (9, "INFO"), (5, "DEBUG"), (13, "WARN"), (17, "ERROR")][rng.below(6) as usize];
        let body = match rng.below(4) {
            0 => format!("user {user} matched with {} candidates in {} ms", rng.below(100), rng.below(900)),
            1 => format!("GET /v1/users/{user} completed with status 200 in {} ms", rng.below(900)),
            2 => format!("cache miss for key profile:{user}, loading from the database"),
            _ => format!("connection to postgres-{} took {} ms, pool size 32", rng.below(4), rng.below(90)),
        };
        b.attribute("user.id", ValueRef::Str(&user.to_string()));
        b.attribute(
            "code.function.name",
            ValueRef::Str(["match::run", "db::load", "http::serve"][rng.below(3) as usize]),
        );
        b.attribute("thread.id", ValueRef::Int(rng.below(32) as i64));
        b.attribute("code.line.number", ValueRef::Int(rng.below(400) as i64));
        let traced = rng.below(2) == 0;
        let mut trace = [0; 16];
        if traced {
            trace[..8].copy_from_slice(&(*now as u64 >> 20).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
            trace[8] = 1;
        }
        b.end_record(&LogFields {
            time: UnixNanos(*now),
            observed_time: UnixNanos(*now + 1_000_000 + rng.below(1_000_000) as i64),
            severity_number: severity,
            severity_text: text,
            body: ValueRef::Str(&body),
            event_name: "",
            trace_id: TraceId(trace),
            span_id: if traced { SpanId(rng.next().to_le_bytes()) } else { SpanId::ZERO },
            flags: u32::from(traced),
            dropped_attributes_count: 0,
        });
    }
    b
}

fn main() {
    let records: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1_000_000);
    let resources: Vec<Vec<u8>> = (0..PODS).map(resource).collect();
    let limits = wire::otlp::Limits::new(UnixNanos(0));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut config = Config::new(dir.path());
    config.memory_bytes_max = 4 << 30;
    config.flush_bytes = 4 << 30;
    config.flush_rows = usize::MAX;
    let store = EventStore::open(Arc::new(RealDisk), config).expect("a store");
    let rng = &mut Rng(42);
    let mut now = 1_795_305_600_000_000_000;

    let cpu = cpu_time();
    let mut build = Duration::ZERO;
    let (tx, rx) = mpsc::channel();
    for _ in 0..records / BATCH {
        let began = Instant::now();
        let batch = spans(rng, &resources, &mut now, &limits);
        build += began.elapsed();
        let tx = tx.clone();
        store.spans().ingest(Vec::new(), batch, Box::new(move |r| drop(tx.send(r))));
    }
    report("spans", records, (cpu, build), &rx, || {
        store.spans().flush();
        store.spans().stats()
    });

    let cpu = cpu_time();
    let mut build = Duration::ZERO;
    let (tx, rx) = mpsc::channel();
    for _ in 0..records / BATCH {
        let began = Instant::now();
        let batch = logs(rng, &resources, &mut now, &limits);
        build += began.elapsed();
        let tx = tx.clone();
        store.logs().ingest(Vec::new(), batch, Box::new(move |r| drop(tx.send(r))));
    }
    report("logs", records, (cpu, build), &rx, || {
        store.logs().flush();
        store.logs().stats()
    });
    queries(&store);
}

/// Times some queries over everything, warm.
fn queries(store: &EventStore) {
    let all = || Select::all(TimeRange::ALL, Limits::new(Duration::from_secs(60), 1 << 30));
    let some = store.spans().latest(&all(), &Page::newest(1)).expect("a query").value.rows;
    let trace = some.first().map(|r| r.record.trace_id).unwrap_or_default();
    let buckets = Buckets { start: UnixNanos(1_795_305_600_000_000_000), step_nanos: 60_000_000_000, count: 60 * 24 };
    let errors = Filter::compare(Field::Severity, CompareOp::Ge, 17.into());
    let phrase = Filter::Is(Predicate::Text { text: "cache miss".into(), mode: TextMatch::Phrase });
    let slow = Filter::compare(Field::Duration, CompareOp::Gt, 30_000_000.into());
    time("latest 100 logs", || rows(store.logs().latest(&all(), &Page::newest(100))));
    time("latest 100 errors", || rows(store.logs().latest(&all().filter(errors.clone()), &Page::newest(100))));
    time("logs by severity and minute", || {
        store.logs().count_over_time(&all(), buckets, Some(&GroupBy::SeverityRange)).map_or(0, |o| o.value.groups.len())
    });
    time("logs with a phrase by minute", || {
        let found = store.logs().count_over_time(&all().filter(phrase.clone()), buckets, None);
        found.map_or(0, |o| o.value.groups.iter().flat_map(|g| &g.counts).sum::<u64>() as usize)
    });
    time("trace by id", || {
        store.spans().trace(trace, None, &AccessScope::ALL, &all().limits).map_or(0, |o| o.value.len())
    });
    time("20 slow traces", || {
        store.spans().find_traces(&all().filter(slow.clone()), 20, None).map_or(0, |o| o.value.traces.len())
    });
    time("quantiles by operation", || store.spans().red(&all(), RedBy::Operation).map_or(0, |o| o.value.len()));
    time("top values of user.id", || {
        store.logs().field_values(&all(), &Field::attribute("user.id"), 10).map_or(0, |o| o.value.values.len())
    });
}

fn rows<T>(found: Result<Outcome<Rows<T>>, eventstore::QueryError>) -> usize {
    found.map_or(0, |o| o.value.rows.len())
}

/// Runs of each query.
const RUNS: u32 = 20;

fn time(what: &str, query: impl Fn() -> usize) {
    query();
    let (cpu, began) = (cpu_time(), Instant::now());
    let n = (0..RUNS).map(|_| query()).last().unwrap_or_default();
    let ms = |d: Duration| d.as_secs_f64() * 1e3 / f64::from(RUNS);
    println!("{what}: {:.2} ms wall, {:.1} ms CPU ({n})", ms(began.elapsed()), ms(cpu_time() - cpu));
}

fn report(
    what: &str,
    records: usize,
    (cpu, build): (Duration, Duration),
    done: &mpsc::Receiver<Result<(), eventstore::IngestError>>,
    flush: impl FnOnce() -> eventstore::StoreStats,
) {
    for _ in 0..records / BATCH {
        done.recv().expect("a completion").expect("accepted");
    }
    let stats = flush();
    let (cpu, n) = (cpu_time() - cpu, records as f64);
    println!(
        "{what}: {records} records; generate and build {:.0} ns, encode {:.0} ns a record (wall); CPU of all threads {:.0} ns a record = {:.0} records/s/core; {:.1} bytes a record in {} segments",
        build.as_nanos() as f64 / n,
        stats.encode_nanos as f64 / n,
        cpu.as_nanos() as f64 / n,
        n / cpu.as_secs_f64(),
        stats.segment_bytes as f64 / n,
        stats.segments,
    );
}

/// User and system time of the process (proc(5), `/proc/pid/stat`, fields 14 and 15, in ticks of 10 ms).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let ticks: u64 = fields.take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
