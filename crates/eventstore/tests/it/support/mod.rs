//! What the tests of the store share: opening, ingest, and random data.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

pub(crate) mod memory;
pub(crate) mod model_aggregate;
pub(crate) mod model_filter;
pub(crate) mod model_traces;
pub(crate) mod random;
pub(crate) mod sorted;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use eventstore::query::{Limits, Page, Row, Select};
use eventstore::{Config, EventStore, IngestError, LogBatch, SpanBatch};
use foundation::UnixNanos;
use foundation::disk::SharedDisk;
use model::{LogRecord, Span, TimeRange, Value};
use wire::rows::{RowLogSink, RowSpanSink};

/// Limits that no test hits.
pub(crate) fn limits() -> Limits {
    Limits::new(Duration::from_secs(600), 1 << 30)
}

/// Decoding limits at a fixed time.
pub(crate) fn decode_limits() -> wire::otlp::Limits {
    wire::otlp::Limits::new(UnixNanos::from_secs(1_000))
}

/// Opens a store that flushes only when told.
pub(crate) fn open(disk: SharedDisk, dir: &Path) -> EventStore {
    EventStore::open(disk, Config::new(dir)).unwrap()
}

/// Stores log records as a request and waits; what a reader should see of them.
pub(crate) fn ingest_logs(store: &EventStore, records: &[LogRecord]) -> Result<Vec<LogRecord>, IngestError> {
    let request = wire::otlp::encode::logs_request(records);
    let mut rows = RowLogSink::default();
    wire::otlp::decode_logs(&request, &decode_limits(), &mut rows).unwrap();
    let (batch, _) = LogBatch::decode(&request, &decode_limits()).unwrap();
    let (tx, rx) = mpsc::channel();
    store.logs().ingest(request, batch, Box::new(move |result| tx.send(result).unwrap()));
    rx.recv().unwrap().map(|()| rows.records)
}

/// Stores spans as a request and waits; what a reader should see of them.
pub(crate) fn ingest_spans(store: &EventStore, spans: &[Span]) -> Result<Vec<Span>, IngestError> {
    let request = wire::otlp::encode::traces_request(spans);
    let mut rows = RowSpanSink::default();
    wire::otlp::decode_traces(&request, &decode_limits(), &mut rows).unwrap();
    let (batch, _) = SpanBatch::decode(&request, &decode_limits()).unwrap();
    let (tx, rx) = mpsc::channel();
    store.spans().ingest(request, batch, Box::new(move |result| tx.send(result).unwrap()));
    rx.recv().unwrap().map(|()| rows.spans)
}

/// Nanoseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000_000;

/// Stores a record that is its number, on a day; whether it was acknowledged.
pub(crate) fn store_number(store: &EventStore, id: i64, day: i64) -> bool {
    let time = UnixNanos(day * DAY + id);
    let record = LogRecord { time, observed_time: time, body: Value::Int(id), ..LogRecord::default() };
    ingest_logs(store, &[record]).is_ok()
}

/// The numbers that are stored, each of them once.
pub(crate) fn numbers(store: &EventStore) -> BTreeSet<i64> {
    let found = store.logs().latest(&Select::all(TimeRange::ALL, limits()), &Page::newest(100_000)).unwrap();
    assert_eq!(found.partial, None);
    let rows = found.value.rows.len();
    let number = |row: Row<LogRecord>| match row.record.body {
        Value::Int(id) => id,
        _ => panic!("a body that was never sent"),
    };
    let numbers: BTreeSet<i64> = found.value.rows.into_iter().map(number).collect();
    assert_eq!(numbers.len(), rows, "a record is there twice");
    numbers
}
