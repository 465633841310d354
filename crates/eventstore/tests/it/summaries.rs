//! Questions that segments answer by what they know of their rows as a whole, against the same asked of their blocks.

use std::path::Path;
use std::sync::Arc;

use crate::support::random::Rng;
use crate::support::{ingest_logs, ingest_spans, limits, open};
use eventstore::EventStore;
use eventstore::query::*;
use foundation::UnixNanos;
use foundation::disk::Disk as _;
use foundation::disk::sim::SimDisk;
use model::trace::{Resource, Status};
use model::{LogRecord, Span, SpanId, TimeRange, TraceId};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
/// Ten seconds before a minute and an hour begin, so that these are cut at both ends.
const START: i64 = 1_795_309_190 * SECOND;
const ROWS: usize = 2_000;
const FLUSHES: usize = 4;
/// Of one flush.
const LENGTH: i64 = 7 * MINUTE;

fn resource(rng: &mut Rng) -> Resource {
    let service = ["api", "bot", "web"][rng.below(3) as usize];
    Resource { attributes: vec![("service.name".into(), service.into())], ..Resource::default() }
}

/// Those of a flush, which overlap with those of the next.
fn time(rng: &mut Rng, flush: usize) -> UnixNanos {
    UnixNanos(START + flush as i64 * (LENGTH - MINUTE) + rng.below(LENGTH as u64) as i64)
}

fn logs(rng: &mut Rng, flush: usize) -> Vec<LogRecord> {
    let record = |_| LogRecord {
        time: time(rng, flush),
        severity_number: [0, 5, 9, 10, 17][rng.below(5) as usize],
        body: "something happened".into(),
        resource: resource(rng),
        ..LogRecord::default()
    };
    (0..ROWS).map(record).collect()
}

fn spans(rng: &mut Rng, flush: usize) -> Vec<Span> {
    let span = |i| {
        let start = time(rng, flush);
        // From none to a minute, most of them short; few values, so that groups are dense.
        let duration = [0, 40, 63, 64, 1_500_000, 1_500_001, 9 * SECOND, MINUTE][rng.below(8) as usize];
        // What kind of span it is depends on its name, so that there are few groups.
        let kind = rng.below(3) as usize;
        Span {
            trace_id: TraceId([rng.below(200) as u8 + 1; 16]),
            span_id: SpanId((i as u64 + 1).to_be_bytes()),
            parent_span_id: if kind == 1 { SpanId::ZERO } else { SpanId([9; 8]) },
            name: ["", "GET /", "SELECT"][kind].into(),
            kind: kind as u8 + 1,
            start,
            end: UnixNanos(start.0 + duration),
            status: Status { code: rng.below(2) as u8 * 2, ..Status::default() },
            resource: resource(rng),
            ..Span::default()
        }
    };
    (0..ROWS).map(span).collect()
}

/// A store with segments that overlap in time, and rows in memory.
fn store(disk: &SimDisk, rng: &mut Rng) -> EventStore {
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    for flush in 0..FLUSHES {
        drop(ingest_logs(&store, &logs(rng, flush)).unwrap());
        drop(ingest_spans(&store, &spans(rng, flush)).unwrap());
        if flush + 1 < FLUSHES {
            store.logs().flush();
            store.spans().flush();
        }
    }
    store
}

fn range(rng: &mut Rng) -> TimeRange {
    let end = START + FLUSHES as i64 * LENGTH;
    let mut at = || match rng.below(3) {
        0 => START / MINUTE * MINUTE + rng.below(30) as i64 * MINUTE,
        1 => START + rng.below((end - START) as u64) as i64,
        _ => [START - MINUTE, end][rng.below(2) as usize],
    };
    let (a, b) = (at(), at());
    TimeRange::new(UnixNanos(a.min(b)), UnixNanos(a.max(b)))
}

fn buckets(rng: &mut Rng, range: TimeRange) -> Option<Buckets> {
    let step_nanos = [30 * SECOND, MINUTE, 5 * MINUTE, 60 * MINUTE][rng.below(4) as usize];
    let late = [0, 0, 0, SECOND][rng.below(4) as usize];
    let start = UnixNanos(range.start.0.div_euclid(step_nanos) * step_nanos + late);
    (rng.below(3) > 0).then_some(Buckets { start, step_nanos, count: 200 })
}

fn some<T: Clone>(rng: &mut Rng, of: &[T]) -> Vec<T> {
    of.iter().filter(|_| rng.below(3) == 0).cloned().collect()
}

fn aggregation(rng: &mut Rng, by: &[GroupBy], measures: &[Measure], buckets: Option<Buckets>) -> Aggregation {
    let mut measures = some(rng, measures);
    if measures.is_empty() {
        measures.push(Measure::Rows);
    }
    let (by, limit) = (some(rng, by), GROUPS_MAX);
    Aggregation { by, buckets, measures, having: vec![], order: vec![], limit, groups_max: GROUPS_MAX, sample: None }
}

fn filter(rng: &mut Rng, of: &[Filter]) -> Filter {
    match rng.below(4) {
        0 | 1 => Filter::All,
        2 => Filter::Or(some(rng, of)),
        _ => Filter::Not(Box::new(Filter::And(some(rng, of)))),
    }
}

/// The same rows, found in a way of which no table knows.
fn of_blocks(filter: &Filter) -> Filter {
    let nowhere = Filter::Is(Predicate::Exists { field: Field::attribute("nowhere") });
    Filter::And(vec![filter.clone(), Filter::Not(Box::new(nowhere))])
}

fn log_fields() -> ([GroupBy; 3], [Filter; 3]) {
    (
        [GroupBy::SeverityRange, GroupBy::Field(Field::Severity), GroupBy::Field(Field::Service)],
        [
            Filter::eq(Field::Service, "api"),
            Filter::compare(Field::Severity, CompareOp::Ge, 10.into()),
            Filter::Is(Predicate::Exists { field: Field::Severity }),
        ],
    )
}

fn span_fields() -> ([GroupBy; 4], [Filter; 4], [Measure; 7]) {
    (
        [Field::Service, Field::Name, Field::Kind, Field::Status].map(GroupBy::Field),
        [
            Filter::eq(Field::Service, "web"),
            Filter::eq(Field::Name, "GET /"),
            Filter::eq(Field::Status, 2),
            Filter::compare(Field::Kind, CompareOp::Lt, 3.into()),
        ],
        [
            Measure::Rows,
            Measure::Quantile(Field::Duration, 0.5),
            Measure::Quantile(Field::Duration, 0.99),
            Measure::Histogram(Field::Duration),
            Measure::Min(Field::Duration),
            Measure::Max(Field::Duration),
            Measure::Sum(Field::Duration),
        ],
    )
}

/// Blocks that were looked into, when asked of tables where there are any, and when asked of blocks.
#[derive(Default)]
struct Scanned {
    tables: u64,
    blocks: u64,
}

fn logs_agree(store: &EventStore, rng: &mut Rng, scanned: &mut Scanned) {
    let (by, filters) = log_fields();
    let range = range(rng);
    let (filter, buckets) = (filter(rng, &filters), buckets(rng, range));
    let asked = aggregation(rng, &by, &[], buckets);
    let ask = |filter| store.logs().aggregate(&Select::all(range, limits()).filter(filter), &asked).unwrap();
    let (of_tables, of_blocks) = (ask(filter.clone()), ask(of_blocks(&filter)));
    assert_eq!((of_tables.partial, of_blocks.partial), (None, None));
    assert_eq!(of_tables.value, of_blocks.value, "{range:?} {asked:?} {filter:?}");
    scanned.tables += of_tables.stats.blocks_scanned;
    scanned.blocks += of_blocks.stats.blocks_scanned;
}

fn spans_agree(store: &EventStore, rng: &mut Rng, scanned: &mut Scanned) {
    let (by, filters, measures) = span_fields();
    let range = range(rng);
    let (filter, buckets) = (filter(rng, &filters), buckets(rng, range));
    let asked = aggregation(rng, &by, &measures, buckets);
    let ask = |filter| store.spans().aggregate(&Select::all(range, limits()).filter(filter), &asked).unwrap();
    let (of_tables, of_blocks) = (ask(filter.clone()), ask(of_blocks(&filter)));
    assert_eq!((of_tables.partial, of_blocks.partial), (None, None));
    assert_eq!(of_tables.value, of_blocks.value, "{range:?} {asked:?} {filter:?}");
    scanned.tables += of_tables.stats.blocks_scanned;
    scanned.blocks += of_blocks.stats.blocks_scanned;
    for by in [RedBy::Service, RedBy::Operation] {
        let red = |filter| store.spans().red(&Select::all(range, limits()).filter(filter), by).unwrap();
        assert_eq!(red(filter.clone()).value, red(self::of_blocks(&filter)).value, "{range:?} {by:?} {filter:?}");
    }
}

#[test]
fn tables_and_blocks_say_the_same() {
    let mut rng = Rng::new(41);
    let disk = SimDisk::new(41);
    let store = store(&disk, &mut rng);
    let (mut of_logs, mut of_spans) = (Scanned::default(), Scanned::default());
    for _ in 0..400 {
        logs_agree(&store, &mut rng, &mut of_logs);
        spans_agree(&store, &mut rng, &mut of_spans);
    }
    // Also of what a merge made, and after a restart.
    for flush in FLUSHES..FLUSHES + 8 {
        drop(ingest_logs(&store, &logs(&mut rng, flush % FLUSHES)).unwrap());
        drop(ingest_spans(&store, &spans(&mut rng, flush % FLUSHES)).unwrap());
        store.logs().flush();
        store.spans().flush();
    }
    let flushed = FLUSHES as u64 + 8;
    assert!(store.logs().stats().segments < flushed && store.spans().stats().segments < flushed);
    drop(store);
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    for _ in 0..100 {
        logs_agree(&store, &mut rng, &mut of_logs);
        spans_agree(&store, &mut rng, &mut of_spans);
    }
    assert!(of_logs.tables * 20 < of_logs.blocks * 19, "{} of {}", of_logs.tables, of_logs.blocks);
    assert!(of_spans.tables * 20 < of_spans.blocks * 19, "{} of {}", of_spans.tables, of_spans.blocks);
}

#[test]
fn whole_segments_are_not_read() {
    let mut rng = Rng::new(42);
    let store = store(&SimDisk::new(42), &mut rng);
    let memory_blocks = 1;
    let ask = |asked: &Aggregation| {
        let found = store.spans().aggregate(&Select::all(TimeRange::ALL, limits()), asked).unwrap();
        assert_eq!(found.value.rows.len(), 9);
        found.stats.blocks_scanned
    };
    let by = [Field::Service, Field::Name].map(GroupBy::Field).to_vec();
    let quantile = Aggregation::top(by.clone(), Measure::Quantile(Field::Duration, 0.9), 100);
    assert_eq!(ask(&quantile), memory_blocks);
    assert_eq!(ask(&Aggregation::top(by.clone(), Measure::Mean(Field::Duration), 100)), memory_blocks);
    // What is asked of a sample is asked of blocks.
    assert!(ask(&Aggregation { sample: std::num::NonZeroU32::new(1), ..quantile.clone() }) > memory_blocks);
    assert!(ask(&Aggregation::top(by, Measure::Distinct(Field::TraceId), 100)) > memory_blocks);
}

#[test]
fn a_damaged_table_is_done_without() {
    let mut rng = Rng::new(43);
    let disk = SimDisk::new(43);
    drop(store(&disk, &mut rng));
    // Tables lie right before the footer, whose length stands sixteen bytes before the end of the file.
    for half in ["logs", "spans"] {
        let folder = Path::new("/store").join(half).join("20261122");
        for file in disk.list(&folder).unwrap() {
            let bytes = disk.read(&file).unwrap();
            let at = bytes.len() - 16;
            let footer = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            disk.flip_bit(&file, at - footer - 1, 3).unwrap();
        }
    }
    let store = open(Arc::new(disk.clone()), Path::new("/store"));
    let mut scanned = Scanned::default();
    for _ in 0..100 {
        logs_agree(&store, &mut rng, &mut scanned);
        spans_agree(&store, &mut rng, &mut scanned);
    }
    assert_eq!(store.logs().stats().damaged_blocks + store.spans().stats().damaged_blocks, 0);
}
