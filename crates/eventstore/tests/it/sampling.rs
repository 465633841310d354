//! Spans that a sampler rejected: seen by the observer, in no answer, and gone from the log with the next flush.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{ingest_spans, limits};
use eventstore::query::*;
use eventstore::{Config, EventStore, SpanColumns, SpanObserver};
use foundation::UnixNanos;
use foundation::disk::Disk as _;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Span, SpanId, TimeRange, TraceId, Value};

#[derive(Default)]
struct Counting {
    seen: AtomicUsize,
}

impl SpanObserver for Counting {
    fn spans(&self, _: u64, spans: SpanColumns) {
        self.seen.fetch_add(spans.len(), Ordering::Relaxed);
    }

    fn ended(&self, _: u64) {}

    fn checkpoint(&self, _: u64) -> std::io::Result<()> {
        Ok(())
    }

    fn opened(&self, _: u64) {}
}

/// Span `n`; one in three is rejected, the others stand for four.
fn span(n: u8) -> Span {
    let kind = if n.is_multiple_of(3) { "rejected" } else { "kept" };
    Span {
        trace_id: TraceId([n; 16]),
        span_id: SpanId([n; 8]),
        name: kind.to_owned(),
        start: UnixNanos(i64::from(n) + 1),
        end: UnixNanos(i64::from(n) + 11),
        trace_state: if kind == "kept" { "ot=th:c" } else { "ot=th:c,bellrock=rejected" }.to_owned(),
        attributes: vec![(format!("of.{kind}"), Value::Int(i64::from(n)))],
        ..Span::default()
    }
}

fn open(disk: &SimDisk, observer: &Arc<Counting>) -> EventStore {
    EventStore::open_observed(Arc::new(disk.clone()), Config::new("/store"), Some(observer.clone())).unwrap()
}

fn check(store: &EventStore, at: &str) {
    let all = Select::all(TimeRange::ALL, limits());
    let spans = store.spans();
    let page = spans.latest(&all, &Page::newest(100)).unwrap().value.rows;
    assert_eq!(page.len(), 20, "{at}");
    assert!(page.iter().all(|r| r.record.name == "kept" && r.record.trace_state == "ot=th:c"), "{at}");
    assert_eq!(spans.find_traces(&all, 100, None).unwrap().value.traces.len(), 20, "{at}");
    assert!(spans.trace(TraceId([3; 16]), None, &AccessScope::ALL, &limits()).unwrap().value.is_empty(), "{at}");
    let keys: Vec<String> = spans.field_keys(&all).unwrap().value.into_iter().map(|k| k.name).collect();
    assert!(!keys.iter().any(|k| k.contains("rejected")), "{at}: {keys:?}");
    assert!(!spans.catalogue(TimeRange::ALL).iter().any(|u| u.key.contains("rejected")), "{at}");
    let by_name = Aggregation::top(vec![GroupBy::Field(Field::Name)], Measure::Rows, 10);
    let table = spans.aggregate(&all, &by_name).unwrap().value;
    let groups: Vec<_> = table.rows.iter().map(|r| (r.key[0].as_deref(), r.cells[0].clone())).collect();
    assert_eq!(groups, [(Some("kept"), Cell::Count(20))], "{at}");
    let weighed = Aggregation {
        measures: vec![Measure::Adjusted, Measure::SumAdjusted(Field::Duration)],
        ..Aggregation::top(Vec::new(), Measure::Rows, 1)
    };
    let table = spans.aggregate(&all, &weighed).unwrap().value;
    assert_eq!(table.rows[0].cells, [Cell::Number(80.0), Cell::Number(800.0)], "{at}");
    assert_eq!(table.stands_for, Some((20, 80.0)), "{at}");
    let stats = spans.stats();
    assert_eq!(stats.memory_rows + stats.segment_rows, 20, "{at}");
}

#[test]
fn rejected_spans_are_seen_and_not_stored() {
    let disk = SimDisk::new(1);
    let observer = Arc::new(Counting::default());
    let store = open(&disk, &observer);
    for n in 1..=30 {
        ingest_spans(&store, &[span(n)]).unwrap();
    }
    assert_eq!(observer.seen.load(Ordering::Relaxed), 30);
    assert_eq!(store.spans().stats().rejected_rows, 10);
    check(&store, "in memory");
    check(&store, "in pieces");
    let crashed = disk.crash();
    drop(store);
    let observer = Arc::new(Counting::default());
    let store = open(&crashed, &observer);
    assert_eq!(observer.seen.load(Ordering::Relaxed), 30, "replay shows all again");
    check(&store, "replayed");
    store.spans().flush();
    check(&store, "in segments");
    drop(store);
    let store = open(&crashed, &observer);
    assert_eq!(observer.seen.load(Ordering::Relaxed), 30, "the log is gone");
    check(&store, "opened again");
}

#[test]
fn a_log_of_rejected_spans_only_is_flushed_too() {
    let disk = SimDisk::new(2);
    let observer = Arc::new(Counting::default());
    let store = open(&disk, &observer);
    let files = || disk.list(Path::new("/store/spans/wal")).unwrap().into_iter().map(|p| disk.read(&p).unwrap().len());
    let empty: usize = files().sum();
    for n in (3..=30).step_by(3) {
        ingest_spans(&store, &[span(n)]).unwrap();
    }
    assert!(files().sum::<usize>() > empty);
    store.spans().flush();
    assert_eq!(files().sum::<usize>(), empty, "nothing of the generation is left");
    assert_eq!((store.spans().stats().segments, store.spans().stats().memory_bytes), (0, 0));
    drop(store);
    let observer = Arc::new(Counting::default());
    drop(open(&disk, &observer));
    assert_eq!(observer.seen.load(Ordering::Relaxed), 0);
}

#[test]
fn many_rejected_spans_are_flushed_before_their_time() {
    let disk = SimDisk::new(3);
    let mut config = Config::new("/store");
    config.memory_bytes_max = 100_000;
    let store = EventStore::open(Arc::new(disk), config).unwrap();
    let rejected = Span { name: "x".repeat(1000), ..span(3) };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while store.spans().stats().wal.generation < 3 {
        // A batch is refused while memory is full, and taken again later.
        drop(ingest_spans(&store, &vec![rejected.clone(); 10]));
        assert!(std::time::Instant::now() < deadline, "{:?}", store.spans().stats());
    }
}
