//! The query classes of the design on the bench data set: CPU time of one thread, wall time of two.
//!
//! `cargo run --release -p eventstore --example query_speed <folder> [records] [class]`. Fills the folder with so many logs and
//! spans (default 2,000,000 each) if it is empty, and keeps it, so that versions can be compared on the same
//! files. Warm: every query runs once before it is measured. No HTTP, no parsing.

#![allow(clippy::print_stdout, reason = "a tool that prints its figures")]

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use eventstore::query::*;
use eventstore::{Config, EventStore, IngestError, LogBatch, SpanBatch};
use foundation::UnixNanos;
use foundation::disk::RealDisk;
use loadgen::{Request, dataset};
use model::{AccessScope, TimeRange, TraceId};

const END: UnixNanos = UnixNanos(1_795_348_800_000_000_000);
const HOUR: i64 = 3_600_000_000_000;
/// Requests that may wait for the log.
const IN_FLIGHT: usize = 16;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("a folder");
    let n: u64 = args.next().and_then(|a| a.parse().ok()).unwrap_or(2_000_000);
    let class = args.next().unwrap_or_default();
    let store = EventStore::open(Arc::new(RealDisk), Config::new(&dir)).expect("a store");
    let limits = wire::otlp::Limits::new(END);
    if store.logs().stats().segment_rows == 0 {
        send(dataset::logs(1, n, END), |request, done| {
            let (batch, _) = LogBatch::decode(&request, &limits).expect("a request");
            store.logs().ingest(request, batch, done);
        });
        send(dataset::spans(1, n, END), |request, done| {
            let (batch, _) = SpanBatch::decode(&request, &limits).expect("a request");
            store.spans().ingest(request, batch, done);
        });
        store.logs().flush();
        store.spans().flush();
    }
    let (logs, spans) = (store.logs().stats(), store.spans().stats());
    println!(
        "{} logs in {} segments, {} spans in {}",
        logs.segment_rows, logs.segments, spans.segment_rows, spans.segments
    );
    Bench { store: &store, class }.run();
}

fn send(requests: impl Iterator<Item = Request>, mut ingest: impl FnMut(Vec<u8>, eventstore::Completion)) {
    let (tx, rx) = mpsc::channel::<Result<(), IngestError>>();
    let mut waiting = 0;
    for request in requests {
        let tx = tx.clone();
        ingest(request.bytes, Box::new(move |result| tx.send(result).unwrap_or_default()));
        waiting += 1;
        if waiting == IN_FLIGHT {
            rx.recv().expect("a completion").expect("accepted");
            waiting -= 1;
        }
    }
    (0..waiting).for_each(|_| rx.recv().expect("a completion").expect("accepted"));
}

struct Bench<'a> {
    store: &'a EventStore,
    class: String,
}

fn text(text: &str, mode: TextMatch) -> Filter {
    Filter::Is(Predicate::Text { text: text.into(), mode })
}

fn field(key: &str) -> GroupBy {
    GroupBy::Field(Field::attribute(key))
}

fn rows<T>(found: Result<Outcome<Rows<T>>, eventstore::QueryError>) -> usize {
    found.map_or(0, |o| o.value.rows.len())
}

fn groups(found: Result<Outcome<Table>, eventstore::QueryError>) -> usize {
    found.map_or(0, |o| o.value.groups as usize)
}

impl Bench<'_> {
    fn run(&self) {
        let (logs, spans) = (self.store.logs(), self.store.spans());
        let whole = TimeRange::new(UnixNanos(END.0 - 6 * HOUR), END);
        let hour = TimeRange::new(UnixNanos(END.0 - 3 * HOUR), UnixNanos(END.0 - 2 * HOUR));
        let minutes = Buckets::split(whole, 360);
        let service = |name: &str| Filter::eq(Field::Service, name);
        let errors = Filter::compare(Field::Severity, CompareOp::Ge, 17.into());
        let by = |by: Vec<GroupBy>, buckets, measures| Aggregation {
            by,
            buckets,
            measures,
            having: Vec::new(),
            order: vec![OrderBy { column: Column::Measure(0), descending: true }],
            limit: 100,
            groups_max: GROUPS_MAX,
            sample: None,
        };
        let of_service = Filter::And(vec![service("checkout"), errors]);
        self.time("a   latest 100 errors of a service, 1 h", hour, |s| {
            rows(logs.latest(&s.filter(of_service.clone()), &Page::newest(100)))
        });
        self.time("a2  latest 100 of anything, 1 h", hour, |s| rows(logs.latest(&s, &Page::newest(100))));
        let rare = text(dataset::RARE_TOKEN, TextMatch::Token);
        self.time("b   rare token", whole, |s| rows(logs.latest(&s.filter(rare.clone()), &Page::newest(100))));
        let phrase = text(dataset::PHRASE, TextMatch::Phrase);
        let by_service = by(vec![GroupBy::Field(Field::Service)], Some(minutes), vec![Measure::Rows]);
        self.time("c   phrase by service and minute", whole, |s| {
            groups(logs.aggregate(&s.filter(phrase.clone()), &by_service))
        });
        let by_level = by(vec![GroupBy::SeverityRange], Some(minutes), vec![Measure::Rows]);
        self.time("d   count by severity and minute", whole, |s| groups(logs.aggregate(&s, &by_level)));
        self.time("d2  count by service and minute", whole, |s| groups(logs.aggregate(&s, &by_service)));
        let trace = spans
            .latest(&self.select(hour, 1), &Page::newest(1))
            .map_or(TraceId::ZERO, |o| o.value.rows.first().map_or(TraceId::ZERO, |r| r.record.trace_id));
        self.time("e   trace by id", whole, |s| {
            spans.trace(trace, None, &AccessScope::ALL, &s.limits).map_or(0, |o| o.value.len())
        });
        let of_trace = Filter::eq(Field::TraceId, trace.to_string().as_str());
        self.time("e2  logs of a trace", whole, |s| rows(logs.latest(&s.filter(of_trace.clone()), &Page::newest(100))));
        let slow = Filter::And(vec![
            service("checkout"),
            Filter::compare(Field::Duration, CompareOp::Gt, 1_000_000_000.into()),
            Filter::eq(Field::Status, 2),
        ]);
        self.time("f   20 slow failing traces, 1 h", hour, |s| {
            spans.find_traces(&s.filter(slow.clone()), 20, None).map_or(0, |o| o.value.traces.len())
        });
        let sets = TraceFilter::And(vec![TraceFilter::Span(service("gateway")), TraceFilter::Span(slow.clone())]);
        self.time("f2  the same with a second span, 1 h", hour, |s| {
            spans.find_traces_by(&s, &sets, 20, None).map_or(0, |o| o.value.traces.len())
        });
        let quantile = |q| Measure::Quantile(Field::Duration, q);
        let operations = by(
            vec![GroupBy::Field(Field::Service), GroupBy::Field(Field::Name)],
            None,
            vec![quantile(0.5), quantile(0.95), quantile(0.99)],
        );
        self.time("g   p50/95/99 by service and operation", whole, |s| groups(spans.aggregate(&s, &operations)));
        self.time("g2  RED by operation", whole, |s| spans.red(&s, RedBy::Operation).map_or(0, |o| o.value.len()));
        let users = by(vec![field("user.id")], None, vec![Measure::Rows]);
        self.time("h   top user.id", whole, |s| groups(logs.aggregate(&s, &users)));
        let distinct = by(Vec::new(), None, vec![Measure::Distinct(Field::attribute("user.id"))]);
        self.time("h2  distinct user.id", whole, |s| groups(logs.aggregate(&s, &distinct)));
        self.time("i   service map, 1 h", hour, |s| spans.service_map(&s).map_or(0, |o| o.value.edges.len()));
        let heat = by(Vec::new(), Some(Buckets::split(hour, 120)), vec![Measure::Histogram(Field::Duration)]);
        self.time("j   heat map, 1 h", hour, |s| groups(spans.aggregate(&s, &heat)));
        self.time("k   patterns", whole, |s| {
            logs.patterns(&s, Buckets::split(whole, 30), 100).map_or(0, |o| o.value.distinct as usize)
        });
        let regex = Filter::Is(Predicate::Regex { field: Field::Body, pattern: "time[ds] ?out after [0-9]+".into() });
        self.time("l   regex", whole, |s| groups(logs.aggregate(&s.filter(regex.clone()), &by_service)));
        self.time("m   attribute keys", whole, |s| logs.field_keys(&s).map_or(0, |o| o.value.len()));
    }

    fn select(&self, range: TimeRange, threads: usize) -> Select {
        Select::all(range, Limits::new(Duration::from_secs(60), 1 << 30).threads(threads))
    }

    fn time(&self, what: &str, range: TimeRange, query: impl Fn(Select) -> usize) {
        if !what.starts_with(&self.class) {
            return;
        }
        let n = query(self.select(range, 1));
        let began = Instant::now();
        query(self.select(range, 1));
        let runs = (200_000_000 / began.elapsed().as_nanos().max(1)).clamp(3, 50) as u32;
        let cpu = thread_time();
        for _ in 0..runs {
            query(self.select(range, 1));
        }
        let cpu = (thread_time() - cpu) / runs;
        let mut walls: Vec<Duration> = (0..runs)
            .map(|_| {
                let began = Instant::now();
                query(self.select(range, 2));
                began.elapsed()
            })
            .collect();
        walls.sort_unstable();
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        let wall = walls.get(walls.len() / 2).copied().unwrap_or_default();
        println!("{what:42} {:9.2} ms CPU  {:9.2} ms wall on two threads  ({n})", ms(cpu), ms(wall));
    }
}

/// CPU time of this thread in nanoseconds (proc(5), `schedstat`).
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_default())
}
