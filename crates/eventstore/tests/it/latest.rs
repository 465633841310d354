//! The newest and the oldest N: few blocks are read for them, and pages in both directions stay where they are while records arrive.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::support::random::Rng;
use crate::support::{DAY, ingest_logs, ingest_spans, limits, open};
use eventstore::EventStore;
use eventstore::query::*;
use foundation::UnixNanos;
use foundation::disk::sim::SimDisk;
use model::{LogRecord, Span, SpanId, TimeRange, TraceId, Value};

/// Records of one block.
const BLOCK: i64 = 100;
const BLOCKS: i64 = 40;

fn log(time: i64) -> LogRecord {
    let severity_number = if time % 10 == 0 { 17 } else { 9 };
    LogRecord {
        time: UnixNanos(time),
        observed_time: UnixNanos(time),
        severity_number,
        body: Value::Int(time),
        ..LogRecord::default()
    }
}

fn span(time: i64) -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId((time as u64 + 1).to_be_bytes()),
        name: "work".to_owned(),
        start: UnixNanos(time),
        end: UnixNanos(time + 1),
        ..Span::default()
    }
}

fn all() -> Select {
    Select::all(TimeRange::ALL, limits())
}

/// Times of a page of logs, and what it cost.
fn page(store: &EventStore, select: &Select, page: &Page) -> (Vec<i64>, Option<RowId>, QueryStats) {
    let found = store.logs().latest(select, page).unwrap();
    assert_eq!(found.partial, None);
    (found.value.rows.iter().map(|r| r.record.time.0).collect(), found.value.next, found.stats)
}

#[test]
fn few_blocks_are_read_for_a_page_from_either_end() {
    let store = open(Arc::new(SimDisk::new(80)), Path::new("/store"));
    // A day each, so that merges leave them alone.
    for block in 0..BLOCKS {
        let times = (0..BLOCK).map(|i| block * DAY + 1 + i);
        ingest_logs(&store, &times.clone().map(log).collect::<Vec<_>>()).unwrap();
        ingest_spans(&store, &times.map(span).collect::<Vec<_>>()).unwrap();
        store.logs().flush();
        store.spans().flush();
    }
    assert_eq!(store.logs().stats().segments as i64, BLOCKS);
    let newest: Vec<i64> = (0..20).map(|i| (BLOCKS - 1) * DAY + BLOCK - i).collect();
    let oldest: Vec<i64> = (1..21).collect();
    let errors = Filter::compare(Field::Severity, CompareOp::Ge, Operand::Int(17));
    for (order, expected) in [(Order::Descending, newest), (Order::Ascending, oldest)] {
        let asked = Page { order, limit: 20, after: None };
        let (times, _, stats) = page(&store, &all(), &asked);
        assert_eq!(times, expected);
        // Once to find the rows and once to make records of them.
        assert_eq!((stats.blocks_scanned, stats.rows_scanned), (2, 2 * BLOCK as u64), "{order:?}");
        assert!(stats.blocks_skipped as i64 >= BLOCKS - 1, "{stats:?}");
        let spans = store.spans().latest(&all(), &asked).unwrap();
        assert_eq!(spans.value.rows.iter().map(|r| r.record.start.0).collect::<Vec<_>>(), expected);
        assert_eq!(spans.stats.blocks_scanned, 2, "{order:?}");

        // One in ten matches: ten in a block.
        let (times, next, stats) = page(&store, &all().filter(errors.clone()), &asked);
        assert!(times.len() == 20 && times.iter().all(|t| (t % DAY) % 10 == 0), "{times:?}");
        assert!(stats.blocks_scanned <= 6, "{order:?} {stats:?}");
        // What lies before a cursor is not read.
        let (_, _, stats) = page(&store, &all(), &Page { order, limit: 20, after: next });
        assert!(stats.blocks_scanned <= 4, "{order:?} {stats:?}");
    }
}

#[test]
fn pages_in_both_directions_stay_where_they_are_while_records_arrive() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let store = open(Arc::new(SimDisk::new(seed)), Path::new("/store"));
        // Few times: many records have the same one, and the order of arrival decides.
        let arrive = |rng: &mut Rng| {
            let records: Vec<LogRecord> = (0..1 + rng.below(8)).map(|_| log(1 + rng.below(30) as i64)).collect();
            ingest_logs(&store, &records).unwrap();
            if rng.below(3) == 0 {
                store.logs().flush();
            }
        };
        (0..20).for_each(|_| arrive(&mut rng));
        let ids = |order, limit, after| -> (Vec<RowId>, Option<RowId>) {
            let found = store.logs().latest(&all(), &Page { order, limit, after }).unwrap().value;
            (found.rows.iter().map(|r| r.id).collect(), found.next)
        };
        for order in [Order::Descending, Order::Ascending] {
            let there_before = ids(order, 10_000, None).0;
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let (rows, next) = ids(order, 7, after);
                seen.extend(rows);
                if next.is_none() {
                    break;
                }
                after = next;
                arrive(&mut rng);
                // Back from where the page began: what was seen before it, nearest first, and what arrived among that.
                let back = match order {
                    Order::Descending => Order::Ascending,
                    Order::Ascending => Order::Descending,
                };
                let before_it = ids(back, 10_000, after).0;
                let known: Vec<RowId> = before_it.iter().rev().filter(|id| seen.contains(id)).copied().collect();
                // The last one seen is where it goes on, and is not there itself.
                assert_eq!(known, seen[..seen.len() - 1], "{order:?}, seed {seed}");
            }
            let rising = seen.windows(2).all(|w| match order {
                Order::Descending => w[0] > w[1],
                Order::Ascending => w[0] < w[1],
            });
            assert!(rising, "no row is there twice, and all are in order: {order:?}, seed {seed}");
            let seen: BTreeSet<RowId> = seen.into_iter().collect();
            assert!(there_before.iter().all(|id| seen.contains(id)), "a row was jumped over: {order:?}, seed {seed}");
        }
    }
}
