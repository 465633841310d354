//! What a search of traces costs, and that it sees every span once while memory moves.

use std::path::Path;
use std::sync::Arc;

use crate::support::{ingest_spans, limits, open};
use eventstore::query::*;
use foundation::UnixNanos;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, Span, SpanId, TimeRange, TraceId};

/// Spans of a trace in a row.
const SPANS: u64 = 8;

fn trace_id(n: u64) -> TraceId {
    TraceId(u128::from(n + 1).to_be_bytes())
}

/// The spans of the traces `from..to`, each later than those before.
fn spans(from: u64, to: u64) -> Vec<Span> {
    (from * SPANS..to * SPANS)
        .map(|i| Span {
            trace_id: trace_id(i / SPANS),
            span_id: SpanId((i + 1).to_be_bytes()),
            name: "work".to_owned(),
            start: UnixNanos(i as i64 + 1),
            end: UnixNanos(i as i64 + 2),
            ..Span::default()
        })
        .collect()
}

#[test]
fn pages_of_traces_and_single_traces_do_not_read_all_of_memory() {
    let store = open(Arc::new(SimDisk::new(30)), Path::new("/store"));
    let block = 8_192;
    for i in 0..4 {
        ingest_spans(&store, &spans(i * block / SPANS, (i + 1) * block / SPANS)).unwrap();
    }
    let select = Select::all(TimeRange::ALL, limits());
    let mut after = None;
    let mut found = Vec::new();
    for _ in 0..3 {
        let page = store.spans().find_traces(&select, 5, after).unwrap();
        // At most one block for what was shown before, one for the search and one for the summaries.
        assert!(page.stats.rows_scanned <= 3 * block, "{:?}", page.stats);
        found.extend(page.value.traces.iter().map(|t| (t.trace_id, t.span_count)));
        after = page.value.next;
    }
    let newest: Vec<_> = (0..15).map(|i| (trace_id(4 * block / SPANS - 1 - i), SPANS)).collect();
    assert_eq!(found, newest);
    let one = store.spans().trace(trace_id(7), None, &AccessScope::ALL, &limits()).unwrap();
    assert_eq!((one.value.len() as u64, one.stats.rows_scanned), (SPANS, block));
}

#[test]
fn a_search_sees_every_span_once_while_memory_moves() {
    let store = open(Arc::new(SimDisk::new(31)), Path::new("/store"));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..200 {
                // A request has all spans of its traces, and is seen as a whole.
                ingest_spans(&store, &spans(i * 4, (i + 1) * 4)).unwrap();
                if i % 4 == 0 {
                    store.spans().flush();
                }
            }
        });
        let select = Select::all(TimeRange::ALL, limits());
        while !writer.is_finished() {
            let page = store.spans().find_traces(&select, 50, None).unwrap();
            let counts: Vec<u64> = page.value.traces.iter().map(|t| t.span_count).collect();
            assert!(counts.iter().all(|n| *n == SPANS), "{counts:?}");
        }
    });
}

#[test]
fn what_is_near_the_named_time_is_read_first_and_nothing_is_left_out() {
    let store = open(Arc::new(SimDisk::new(33)), Path::new("/store"));
    let day = 86_400_000_000_000;
    let span = |day_of: i64| Span {
        trace_id: trace_id(1),
        span_id: SpanId((day_of as u64 + 1).to_be_bytes()),
        name: "x".repeat(40_000),
        start: UnixNanos(day_of * day + 5),
        end: UnixNanos(day_of * day + 6),
        ..Span::default()
    };
    for day in 0..5 {
        ingest_spans(&store, &[span(day)]).unwrap();
        store.spans().flush();
    }
    for near in 0..5 {
        let around = Some(TimeRange::new(UnixNanos(near * day), UnixNanos(near * day)));
        let whole = store.spans().trace(trace_id(1), around, &AccessScope::ALL, &limits()).unwrap();
        assert_eq!((whole.value.len(), whole.partial), (5, None));
        // Room for one span and not for two.
        let small = Limits::new(std::time::Duration::from_secs(600), 100_000);
        let cut = store.spans().trace(trace_id(1), around, &AccessScope::ALL, &small).unwrap();
        assert_eq!(cut.partial, Some(Partial::Memory));
        assert!(cut.value.iter().any(|s| s.start == span(near).start) && cut.value.len() < 5, "{}", cut.value.len());
    }
}

#[test]
fn conditions_on_several_spans_end_when_a_page_is_full() {
    let store = open(Arc::new(SimDisk::new(32)), Path::new("/store"));
    let block = 8_192;
    for i in 0..40 {
        ingest_spans(&store, &spans(i * block / SPANS, (i + 1) * block / SPANS)).unwrap();
    }
    store.spans().flush();
    let select = Select::all(TimeRange::ALL, limits());
    let on_name = |name: &str| TraceFilter::Span(Filter::eq(Field::Name, name));
    let both = TraceFilter::And(vec![on_name("work"), TraceFilter::Not(Box::new(on_name("rest")))]);
    let mut after = None;
    let mut found = Vec::new();
    for _ in 0..4 {
        let page = store.spans().find_traces_by(&select, &both, 300, after).unwrap();
        assert!(page.stats.rows_scanned < 20 * block, "{:?}", page.stats);
        found.extend(page.value.traces.iter().map(|t| t.trace_id));
        after = page.value.next;
    }
    let newest: Vec<_> = (0..1200).map(|i| trace_id(40 * block / SPANS - 1 - i)).collect();
    assert_eq!(found, newest);
}
