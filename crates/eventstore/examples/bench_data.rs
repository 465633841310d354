//! The bench data set through decoder and store: CPU per record, and bytes per column.
//!
//! `cargo run --release -p eventstore --example bench_data [records] [logs|spans]`. No network; the log is
//! written and synced. The same data as `make bench`, so its sizes can be compared with
//! `docs/benchmarks.md`; the rates leave out HTTP.

#![allow(clippy::print_stdout, reason = "a tool that prints its figures")]

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use eventstore::query::*;
use eventstore::{ColumnBytes, Config, EventStore, IngestError, LogBatch, SpanBatch, StoreStats};
use foundation::UnixNanos;
use foundation::disk::RealDisk;
use loadgen::{Request, dataset};
use model::TimeRange;

const END: UnixNanos = UnixNanos(1_795_348_800_000_000_000);
/// Requests that may wait for the log.
const IN_FLIGHT: usize = 16;

fn main() {
    let n: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1_000_000);
    let which = std::env::args().nth(2).unwrap_or_default();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = EventStore::open(Arc::new(RealDisk), Config::new(dir.path())).expect("a store");
    let limits = wire::otlp::Limits::new(END);
    if which != "spans" {
        send("logs", dataset::logs(1, n, END), |request, done| {
            let (batch, _) = LogBatch::decode(&request, &limits).expect("a request");
            store.logs().ingest(request, batch, done);
        });
        settle("logs", || store.logs().flush());
        report("logs", store.logs().stats(), &store.logs().column_bytes(None));
        log_queries(&store);
    }
    if which != "logs" {
        send("spans", dataset::spans(1, n, END), |request, done| {
            let (batch, _) = SpanBatch::decode(&request, &limits).expect("a request");
            store.spans().ingest(request, batch, done);
        });
        settle("spans", || store.spans().flush());
        report("spans", store.spans().stats(), &store.spans().column_bytes(None));
    }
}

/// Ingests all requests and prints the CPU time of decoding, storing and sealing.
fn send(what: &str, requests: impl Iterator<Item = Request>, mut ingest: impl FnMut(Vec<u8>, eventstore::Completion)) {
    let (tx, rx) = mpsc::channel::<Result<(), IngestError>>();
    let (mut records, mut waiting, mut generated) = (0usize, 0, Duration::ZERO);
    let (mut requests, began, cpu) = (requests, Instant::now(), cpu_time());
    loop {
        let from = thread_time();
        let Some(request) = requests.next() else { break };
        generated += thread_time().saturating_sub(from);
        records += request.records;
        let tx = tx.clone();
        ingest(request.bytes, Box::new(move |result| tx.send(result).unwrap_or_default()));
        waiting += 1;
        if waiting == IN_FLIGHT {
            rx.recv().expect("a completion").expect("accepted");
            waiting -= 1;
        }
    }
    (0..waiting).for_each(|_| rx.recv().expect("a completion").expect("accepted"));
    let cpu = cpu_time() - cpu - generated;
    println!(
        "{what}: {records} records in {:.1} s; {:.0} ns CPU a record without generating = {:.0} records/s/core",
        began.elapsed().as_secs_f64(),
        cpu.as_nanos() as f64 / records as f64,
        records as f64 / cpu.as_secs_f64(),
    );
}

fn settle(what: &str, flush: impl FnOnce()) {
    let cpu = cpu_time();
    flush();
    println!("{what}: last flush {:.0} ms CPU", (cpu_time() - cpu).as_secs_f64() * 1e3);
}

fn report(what: &str, stats: StoreStats, columns: &[ColumnBytes]) {
    let rows = stats.segment_rows as f64;
    println!(
        "{what}: {:.2} bytes a record in {} segments; encoding {:.0} ns a record (wall)",
        stats.segment_bytes as f64 / rows,
        stats.segments,
        stats.encode_nanos as f64 / rows,
    );
    for c in columns.iter().filter(|c| c.bytes as f64 / rows >= 0.005) {
        let per_row = c.bytes as f64 / rows;
        println!(
            "  {per_row:6.3}  {:.1} bits a value  {} {} {}",
            (c.bytes * 8) as f64 / c.values.max(1) as f64,
            c.column,
            c.key,
            c.value_type.name()
        );
    }
}

fn log_queries(store: &EventStore) {
    let all = || Select::all(TimeRange::ALL, Limits::new(Duration::from_secs(60), 1 << 30));
    let text = |text: &str, mode| Filter::Is(Predicate::Text { text: text.into(), mode });
    let rare = text(dataset::RARE_TOKEN, TextMatch::Token);
    let phrase = text(dataset::PHRASE, TextMatch::Phrase);
    let minutes = Buckets::split(TimeRange::new(UnixNanos(END.0 - 6 * 3_600_000_000_000), END), 360);
    time("rare token", || {
        store.logs().latest(&all().filter(rare.clone()), &Page::newest(100)).map_or(0, |o| o.value.rows.len())
    });
    time("phrase by minute", || {
        let found = store.logs().count_over_time(&all().filter(phrase.clone()), minutes, None);
        found.map_or(0, |o| o.value.groups.iter().flat_map(|g| &g.counts).sum::<u64>() as usize)
    });
    time("top 10 user.id", || {
        store.logs().field_values(&all(), &Field::attribute("user.id"), 10).map_or(0, |o| o.value.values.len())
    });
    time("top 10 log.logger", || {
        store.logs().field_values(&all(), &Field::attribute("log.logger"), 10).map_or(0, |o| o.value.values.len())
    });
}

fn time(what: &str, query: impl Fn() -> usize) {
    const RUNS: u32 = 5;
    query();
    let cpu = cpu_time();
    let n = (0..RUNS).map(|_| query()).last().unwrap_or_default();
    println!("{what}: {:.1} ms CPU ({n})", (cpu_time() - cpu).as_secs_f64() * 1e3 / f64::from(RUNS));
}

/// CPU time of all threads (proc(5), `/proc/pid/schedstat` counts the first thread only, so ticks of `stat`).
fn cpu_time() -> Duration {
    stat_time("/proc/self/stat")
}

/// CPU time of this thread in nanoseconds (proc(5), `schedstat`).
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_default())
}

fn stat_time(path: &str) -> Duration {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let ticks: u64 = fields.take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
