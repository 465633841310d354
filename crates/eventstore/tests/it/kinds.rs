//! Services, failures and slow spans that are rare: they are read from the blocks that have some.

use std::path::Path;
use std::sync::Arc;

use crate::support::{ingest_logs, ingest_spans, limits, open};
use eventstore::EventStore;
use eventstore::query::*;
use foundation::UnixNanos;
use foundation::disk::sim::SimDisk;
use model::trace::{Resource, Status};
use model::{LogRecord, Span, SpanId, TimeRange, TraceId};

const DAY: i64 = 86_400_000_000_000;
const DAYS: i64 = 6;
const FLUSHES: i64 = 10;

fn resource(service: &str) -> Resource {
    Resource { attributes: vec![("service.name".into(), service.into())], ..Resource::default() }
}

/// Ten flushes a day, each a block at least; `nightly` has one record in the first of them.
fn filled(disk: &SimDisk) -> EventStore {
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    for day in 0..DAYS {
        for flush in 0..FLUSHES {
            let at = |i: i64| UnixNanos(day * DAY + flush * 1_000 + i);
            let service = |i: i64| if flush == 0 && i == 7 { "nightly" } else { ["api", "bot"][i as usize % 2] };
            let log = |i: i64| LogRecord { time: at(i), resource: resource(service(i)), ..LogRecord::default() };
            ingest_logs(&store, &(0..40).map(log).collect::<Vec<_>>()).unwrap();
            let span = |i: i64| Span {
                trace_id: TraceId(((day * FLUSHES + flush) as u128 + 1).to_be_bytes()),
                span_id: SpanId((i as u64 + 1).to_be_bytes()),
                start: at(i),
                end: at(i + 1),
                resource: resource(service(i)),
                ..Span::default()
            };
            ingest_spans(&store, &(0..40).map(span).collect::<Vec<_>>()).unwrap();
            store.logs().flush();
            store.spans().flush();
        }
    }
    store
}

#[test]
fn the_newest_records_of_a_rare_service_are_read_from_their_blocks() {
    let disk = SimDisk::new(70);
    let mut store = filled(&disk);
    // As written, and as opened again.
    for _ in 0..2 {
        let all = || Select::all(TimeRange::ALL, limits());
        // The same question in words that no index knows.
        let key = Field::Attribute { scope: AttributeScope::Resource, key: "service.name".into() };
        let (by_index, by_reading) = (Filter::eq(Field::Service, "nightly"), Filter::eq(key, "nightly"));
        let ask = |filter: &Filter| store.logs().latest(&all().filter(filter.clone()), &Page::newest(100)).unwrap();
        let (found, read) = (ask(&by_index), ask(&by_reading));
        assert_eq!((found.value.rows.len() as i64, &found.value.rows), (DAYS, &read.value.rows));
        // Once to find the rows and once to read them.
        let (blocks, all_blocks) = (found.stats.blocks_scanned as i64, read.stats.blocks_scanned as i64);
        assert!(blocks <= 2 * DAYS && all_blocks >= DAYS * FLUSHES, "{blocks} of {all_blocks} blocks");
        let pages = |filter: &Filter| {
            let (mut rows, mut after) = (Vec::new(), None);
            loop {
                let page = Page { order: Order::Ascending, limit: 2, after };
                let found = store.logs().latest(&all().filter(filter.clone()), &page).unwrap().value;
                rows.extend(found.rows);
                after = found.next;
                if after.is_none() {
                    return rows;
                }
            }
        };
        assert_eq!(pages(&by_index), pages(&by_reading));
        let count = |filter: Filter| {
            let asked = Aggregation::top(Vec::new(), Measure::Rows, 1);
            let found = store.logs().aggregate(&all().filter(filter), &asked).unwrap();
            (found.value.rows[0].cells[0].number(), found.stats.blocks_scanned as i64)
        };
        let (n, blocks) = count(by_index.clone());
        assert!(n == Some(DAYS as f64) && blocks <= DAYS, "{n:?} of {blocks} blocks");
        let (n, _) = count(Filter::Not(Box::new(by_index.clone())));
        assert_eq!(n, Some((DAYS * FLUSHES * 40 - DAYS) as f64));
        assert_eq!(count(Filter::eq(Field::Service, "nobody")), (Some(0.0), 0));
        let traces = store.spans().find_traces(&all().filter(by_index.clone()), 100, None).unwrap();
        let newest: Vec<TraceId> =
            (0..DAYS).rev().map(|d| TraceId(((d * FLUSHES) as u128 + 1).to_be_bytes())).collect();
        assert_eq!(traces.value.traces.iter().map(|t| t.trace_id).collect::<Vec<_>>(), newest);
        assert!(traces.stats.blocks_scanned as i64 <= 2 * DAYS, "{:?}", traces.stats);
        drop(store);
        store = open(Arc::new(disk.clone()), Path::new("/store"));
    }
}

/// Ten flushes a day, each a block; of three of them one span failed: a fast one, a slow one of another service, a slow one.
fn failing(disk: &SimDisk) -> EventStore {
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    for day in 0..DAYS {
        for flush in 0..FLUSHES {
            let span = |i: i64| {
                let failed = match flush {
                    3 => Some(("api", 10)),
                    5 => Some(("bot", 1_000_000)),
                    7 => Some(("api", 1_000_000)),
                    _ => None,
                };
                let (service, nanos) =
                    failed.filter(|_| i == 20).unwrap_or((["api", "bot"][i as usize % 2], 2_000_000));
                let start = UnixNanos(day * DAY + flush * 10_000_000 + i);
                Span {
                    trace_id: TraceId(((day * FLUSHES + flush) as u128 + 1).to_be_bytes()),
                    span_id: SpanId((i as u64 + 1).to_be_bytes()),
                    start,
                    end: UnixNanos(start.0 + nanos),
                    status: Status { code: if failed.is_some() && i == 20 { 2 } else { 0 }, ..Status::default() },
                    resource: resource(service),
                    ..Span::default()
                }
            };
            ingest_spans(&store, &(0..40).map(span).collect::<Vec<_>>()).unwrap();
            store.spans().flush();
        }
    }
    store
}

#[test]
fn slow_failing_spans_of_a_service_are_read_from_their_blocks() {
    let disk = SimDisk::new(71);
    drop(failing(&disk));
    let store = open(Arc::new(disk), Path::new("/store"));
    let is = |field, op, value: i64| Filter::Is(Predicate::Compare { field, op, value: Operand::Int(value) });
    let slow = |nanos| {
        Filter::And(vec![
            Filter::eq(Field::Service, "api"),
            is(Field::Status, CompareOp::Eq, 2),
            is(Field::Duration, CompareOp::Gt, nanos),
        ])
    };
    // The same question, in which the index decides nothing.
    let text = Predicate::Text { text: "nowhere".into(), mode: TextMatch::Token };
    let by_reading = |filter| Filter::Or(vec![filter, Filter::Is(text.clone())]);
    let ask = |filter| {
        let found =
            store.spans().find_traces(&Select::all(TimeRange::ALL, limits()).filter(filter), 100, None).unwrap();
        let traces: Vec<TraceId> = found.value.traces.iter().map(|t| t.trace_id).collect();
        (traces, found.stats.blocks_scanned as i64)
    };
    let (found, blocks) = ask(slow(1_000));
    let (read, all_blocks) = ask(by_reading(slow(1_000)));
    assert_eq!((found.len() as i64, &found), (DAYS, &read));
    // Once to find the traces and once to tell what is in them.
    assert!(blocks == 2 * DAYS && all_blocks >= DAYS * FLUSHES, "{blocks} of {all_blocks} blocks");
    let (found, blocks) = ask(slow(0));
    assert_eq!((found.len() as i64, blocks), (2 * DAYS, 4 * DAYS));
    // As long as the longest that failed, about: none takes longer than an eighth more.
    assert_eq!(ask(slow(1_130_000)), (vec![], 0));
    assert_eq!(ask(is(Field::Duration, CompareOp::Gt, 2_300_000)), (vec![], 0));
}
