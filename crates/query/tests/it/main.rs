//! The reads of this crate over a real store on a simulated disk.
//!
//! Each test has the records in view and says what a question answers. What
//! the engine itself promises (durability, segments, merges) is tested there.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod algebra;
mod analyse;
mod arrivals;
mod explain;
mod logs;
mod traces;
mod why_empty;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use eventstore::query::Limits;
use eventstore::{Config, EventStore, LogBatch, SpanBatch};
use foundation::UnixNanos;
use foundation::disk::sim::SimDisk;
use model::trace::Resource;
use model::{AccessScope, LogRecord, Span, TimeRange, Value};
use query::Request;

/// Unix seconds of the beginning of the records' hour.
const T0: i64 = 1_795_357_800;

fn at(seconds: i64) -> UnixNanos {
    UnixNanos::from_secs(T0 + seconds)
}

/// An empty store.
fn store() -> EventStore {
    EventStore::open(Arc::new(SimDisk::new(1)), Config::new("events")).unwrap()
}

fn put_logs(store: &EventStore, records: &[LogRecord]) {
    let request = wire::otlp::encode::logs_request(records);
    let (batch, decoded) = LogBatch::decode(&request, &wire::otlp::Limits::new(at(3600))).unwrap();
    assert_eq!(batch.len(), records.len(), "{decoded:?}");
    let (tx, rx) = sync_channel(1);
    store.logs().ingest(request, batch, Box::new(move |result| drop(tx.send(result))));
    rx.recv().unwrap().unwrap();
}

fn put_spans(store: &EventStore, spans: &[Span]) {
    let request = wire::otlp::encode::traces_request(spans);
    let (batch, decoded) = SpanBatch::decode(&request, &wire::otlp::Limits::new(at(3600))).unwrap();
    assert_eq!(batch.len(), spans.len(), "{decoded:?}");
    let (tx, rx) = sync_channel(1);
    store.spans().ingest(request, batch, Box::new(move |result| drop(tx.send(result))));
    rx.recv().unwrap().unwrap();
}

fn service(name: &str) -> Resource {
    Resource {
        attributes: vec![("service.name".into(), name.into()), ("host.name".into(), Value::Str(format!("{name}-1")))],
        ..Resource::default()
    }
}

fn limits() -> Limits {
    Limits::new(Duration::from_secs(60), 256 << 20)
}

/// Everything of the hour, for everyone.
fn ask(filter: &str) -> Request {
    Request {
        access: AccessScope::ALL,
        range: TimeRange::new(at(0), at(3600)),
        filter: filter.to_owned(),
        limits: limits(),
    }
}
