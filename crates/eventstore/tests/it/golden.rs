//! Stores as earlier versions wrote them must open for ever, and today's build must write the bytes of the newest.
//!
//! `cargo test -p eventstore --test it golden -- --ignored` writes the files of a *new* format version
//! ([`NEWEST`]); the files of a version that was released are never written again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::{ingest_logs, ingest_spans, limits, sorted};
use eventstore::query::*;
use eventstore::{Config, EventStore};
use foundation::UnixNanos;
use foundation::disk::RealDisk;
use model::trace::{Event, Link, Resource, Scope, Status};
use model::{LogRecord, Span, SpanId, TimeRange, TraceId, Value};

const FILES: [&str; 4] =
    ["logs/MANIFEST", "logs/20261122/seg-000000000000.evt", "spans/MANIFEST", "spans/20261122/seg-000000000000.evt"];
const START: i64 = 1_795_305_600_000_000_000;

/// Not released yet: its files change with the format.
const NEWEST: &str = "v3";
/// The same, of so many rows that segments have summaries.
const NEWEST_WITH_SUMMARIES: &str = "v3-with-summaries";
/// So many times the rows.
const MANY: i64 = 50;

fn golden(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}

fn resource(service: &str) -> Resource {
    Resource {
        attributes: vec![("service.name".into(), service.into()), ("host.id".into(), Value::Int(7))],
        dropped_attributes_count: 1,
        schema_url: "https://opentelemetry.io/schemas/1.30.0".into(),
    }
}

fn logs() -> Vec<LogRecord> {
    let every_type = vec![
        ("s".into(), Value::Str("text".into())),
        ("i".into(), Value::Int(-5)),
        ("d".into(), Value::Double(0.5)),
        ("b".into(), Value::Bool(true)),
        ("x".into(), Value::Bytes(vec![0, 255])),
        ("a".into(), Value::Array(vec![Value::Int(1), Value::Str("two".into())])),
        ("m".into(), Value::Map(vec![("k".into(), Value::Bool(false))])),
        ("e".into(), Value::Empty),
    ];
    (0..40)
        .map(|i| LogRecord {
            time: UnixNanos(START + i * 1_000_003),
            observed_time: UnixNanos(START + i * 1_000_003 + 500),
            severity_number: (i % 25) as u8,
            severity_text: if i % 2 == 0 { "INFO".into() } else { String::new() },
            body: if i % 7 == 3 {
                Value::Int(i)
            } else {
                Value::Str(format!("request {i} of user {} took {} ms", i * 37, i * 11))
            },
            attributes: if i % 5 == 0 { every_type.clone() } else { vec![("i".into(), Value::Int(i))] },
            event_name: if i == 9 { "login".into() } else { String::new() },
            trace_id: if i % 3 == 0 { TraceId([i as u8 + 1; 16]) } else { TraceId::ZERO },
            span_id: if i % 3 == 0 { SpanId([i as u8 + 1; 8]) } else { SpanId::ZERO },
            flags: 1,
            dropped_attributes_count: (i % 2) as u32,
            resource: resource(if i < 30 { "api" } else { "bot" }),
            scope: Scope { name: "lib".into(), version: "1".into(), ..Scope::default() },
        })
        .collect()
}

fn spans() -> Vec<Span> {
    (0..20u8)
        .map(|i| Span {
            trace_id: TraceId([i / 5 + 1; 16]),
            span_id: SpanId([i + 1; 8]),
            parent_span_id: match i % 5 {
                0 => SpanId::ZERO,
                4 => SpanId([200 + i; 8]),
                _ => SpanId([i; 8]),
            },
            trace_state: if i == 3 { "a=1".into() } else { String::new() },
            flags: 0x101,
            name: ["GET /", "SELECT", "POST /login"][usize::from(i % 3)].into(),
            kind: i % 6,
            start: UnixNanos(START + i64::from(i) * 1_000_000),
            end: UnixNanos(START + i64::from(i) * 1_000_000 + 750_123),
            attributes: vec![("http.response.status_code".into(), Value::Int(200 + i64::from(i % 2) * 300))],
            events: if i % 4 == 0 {
                vec![Event {
                    time: UnixNanos(START + 5),
                    name: "exception".into(),
                    attributes: vec![("n".into(), Value::Int(1))],
                    dropped_attributes_count: 2,
                }]
            } else {
                vec![]
            },
            links: if i == 7 {
                vec![Link { trace_id: TraceId([9; 16]), span_id: SpanId([9; 8]), flags: 1, ..Link::default() }]
            } else {
                vec![]
            },
            status: Status { code: i % 3, message: if i % 3 == 2 { "failed".into() } else { String::new() } },
            resource: resource("api"),
            ..Span::default()
        })
        .collect()
}

/// The records of a version.
fn records(version: &str) -> (Vec<LogRecord>, Vec<Span>) {
    let times = if version == NEWEST_WITH_SUMMARIES { MANY } else { 1 };
    let later = |time: UnixNanos, n: i64| UnixNanos(time.0 + n * 40_000_000);
    let log =
        |n, log: LogRecord| LogRecord { time: later(log.time, n), observed_time: later(log.observed_time, n), ..log };
    let span = |n, span: Span| Span { start: later(span.start, n), end: later(span.end, n), ..span };
    (
        (0..times).flat_map(|n| logs().into_iter().map(move |r| log(n, r))).collect(),
        (0..times).flat_map(|n| spans().into_iter().map(move |s| span(n, s))).collect(),
    )
}

/// Writes the store into `dir`.
fn write(dir: &Path, version: &str) {
    let store = EventStore::open(Arc::new(RealDisk), Config::new(dir)).unwrap();
    let (logs, spans) = records(version);
    ingest_logs(&store, &logs).unwrap();
    ingest_spans(&store, &spans).unwrap();
    store.logs().flush();
    store.spans().flush();
}

#[test]
fn every_version_opens_and_has_everything() {
    for version in ["v1", "v2-without-catalogue", "v2", "v3-with-services", NEWEST, NEWEST_WITH_SUMMARIES] {
        opens_and_has_everything(version);
    }
}

fn opens_and_has_everything(version: &str) {
    let dir = tempfile::tempdir().unwrap();
    for file in FILES {
        let to = dir.path().join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(golden(version).join(file), to).unwrap();
    }
    let store = EventStore::open(Arc::new(RealDisk), Config::new(dir.path())).unwrap();
    let (logs, spans) = records(version);
    let all = Select::all(TimeRange::ALL, limits());
    let oldest = Page { order: Order::Ascending, limit: 10_000, after: None };
    let found = store.logs().latest(&all, &oldest).unwrap();
    assert_eq!(found.partial, None);
    let rows: Vec<LogRecord> = found.value.rows.iter().map(|r| sorted::log(&r.record)).collect();
    assert_eq!(rows, logs.iter().map(sorted::log).collect::<Vec<_>>());
    let keys = store.logs().field_keys(&all).unwrap().value;
    let of = |owner, name: &str| keys.iter().find(|k| k.scope == owner && k.name == name).map(|k| k.count);
    let of_logs = Some(logs.len() as u64);
    assert_eq!((of(AttributeOwner::Record, "i"), of(AttributeOwner::Resource, "host.id")), (of_logs, of_logs));
    assert_eq!(store.logs().catalogue(TimeRange::ALL).is_empty(), ["v1", "v2-without-catalogue"].contains(&version));
    let found = store.spans().latest(&all, &oldest).unwrap();
    let rows: Vec<Span> = found.value.rows.iter().map(|r| sorted::span(&r.record)).collect();
    assert_eq!(rows, spans.iter().map(sorted::span).collect::<Vec<_>>());
    let trace = store.spans().trace(TraceId([2; 16]), None, &model::AccessScope::ALL, &limits()).unwrap();
    assert_eq!(trace.value.len(), spans.len() / 4);
    // By name and severity; of these, blocks are looked into only where there are no summaries.
    let by = vec![GroupBy::Field(Field::Name)];
    let names = store.spans().aggregate(&all, &Aggregation::top(by, Measure::Max(Field::Duration), 10)).unwrap();
    assert!(names.value.rows.len() == 3 && names.value.rows.iter().all(|r| r.cells == [Cell::Number(750_123.0)]));
    let buckets = Some(Buckets { start: UnixNanos(START), step_nanos: 60_000_000_000, count: 10 });
    let by = vec![GroupBy::Field(Field::Severity), GroupBy::Field(Field::Service)];
    let severities = Aggregation { buckets, ..Aggregation::top(by, Measure::Rows, 100) };
    let severities = store.logs().aggregate(&all, &severities).unwrap();
    let counted: f64 = severities.value.rows.iter().filter_map(|r| r.cells[0].number()).sum();
    assert_eq!(counted as usize, logs.len());
    let read = names.stats.blocks_scanned > 0 && severities.stats.blocks_scanned > 0;
    assert_eq!(read, version != NEWEST_WITH_SUMMARIES, "{version}");
}

#[test]
fn todays_build_writes_the_same_bytes() {
    for version in [NEWEST, NEWEST_WITH_SUMMARIES] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), version);
        for file in FILES {
            // After an upgrade of the compressor the bytes may differ where the format does not.
            assert!(
                std::fs::read(dir.path().join(file)).unwrap() == std::fs::read(golden(version).join(file)).unwrap(),
                "{version}/{file} differs: the format has changed, which needs a new version number and a reader for the old one"
            );
        }
    }
}

#[test]
#[ignore = "writes the files of a new format version"]
fn write_golden_files() {
    for version in [NEWEST, NEWEST_WITH_SUMMARIES] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), version);
        for file in FILES {
            let to = golden(version).join(file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(dir.path().join(file), to).unwrap();
        }
    }
}
