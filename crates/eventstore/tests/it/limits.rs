//! Every query ends at its deadline, at its memory limit and when it is cancelled, and says so; what it found until then is
//! true.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{ingest_logs, ingest_spans, limits, open};
use eventstore::EventStore;
use eventstore::query::*;
use foundation::UnixNanos;
use foundation::disk::sim::SimDisk;
use model::trace::Resource;
use model::{AccessScope, LogRecord, Span, SpanId, TimeRange, TraceId, Value};

const BLOCKS: i64 = 32;
const ROWS: i64 = 50;
const DAY: i64 = crate::support::DAY;

fn resource() -> Resource {
    Resource { attributes: vec![("service.name".into(), "api".into())], ..Resource::default() }
}

/// Thirty-two blocks of logs and of spans, a day each, every text another one.
fn filled() -> EventStore {
    let store = open(Arc::new(SimDisk::new(90)), Path::new("/store"));
    for block in 0..BLOCKS {
        let times: Vec<i64> = (0..ROWS).map(|i| block * DAY + 1 + i).collect();
        let user = |t: i64| vec![("user".to_owned(), Value::Str(format!("user {t}")))];
        let log = |t: &i64| LogRecord {
            time: UnixNanos(*t),
            observed_time: UnixNanos(*t),
            body: Value::Str(format!("request {t} {}", "x".repeat((*t % 90) as usize))),
            attributes: user(*t),
            resource: resource(),
            ..LogRecord::default()
        };
        ingest_logs(&store, &times.iter().map(log).collect::<Vec<_>>()).unwrap();
        let span = |t: &i64| Span {
            // One trace has a span in every block.
            trace_id: TraceId(if t % DAY == 1 { [9; 16] } else { u128::from(*t as u64 + 1).to_be_bytes() }),
            span_id: SpanId((*t as u64 + 1).to_be_bytes()),
            parent_span_id: SpanId(if t % DAY > 1 { (*t as u64).to_be_bytes() } else { [0; 8] }),
            name: format!("work {t}"),
            kind: 2,
            start: UnixNanos(*t),
            end: UnixNanos(*t + 5),
            attributes: user(*t),
            resource: resource(),
            ..Span::default()
        };
        ingest_spans(&store, &times.iter().map(span).collect::<Vec<_>>()).unwrap();
        store.logs().flush();
        store.spans().flush();
    }
    store
}

type Query = Box<dyn Fn(&EventStore, &Select) -> Option<Partial>>;

/// Every query of the engine, such that headers and indexes alone do not answer it.
fn queries() -> Vec<(&'static str, Query)> {
    fn query(f: impl Fn(&EventStore, &Select) -> Option<Partial> + 'static) -> Query {
        Box::new(f)
    }
    let user = || Field::attribute("user");
    let buckets = || Buckets { start: UnixNanos(0), step_nanos: DAY * BLOCKS / 60, count: 60 };
    let by_user = move |measure| Aggregation::top(vec![GroupBy::Field(user())], measure, 10);
    let any = || TraceFilter::Span(Filter::Is(Predicate::Exists { field: Field::attribute("user") }));
    vec![
        ("latest logs", query(|s, q| s.logs().latest(q, &Page::newest(1_000)).unwrap().partial)),
        (
            "oldest logs",
            query(|s, q| {
                let page = Page { order: Order::Ascending, limit: 1_000, after: None };
                s.logs().latest(q, &page).unwrap().partial
            }),
        ),
        ("logs that arrived", query(|s, q| s.logs().arrived(q, 0..10_000, 1_000).unwrap().partial)),
        (
            "counts of logs",
            query(move |s, q| {
                s.logs().count_over_time(q, buckets(), Some(&GroupBy::Field(Field::Service))).unwrap().partial
            }),
        ),
        ("top of logs", query(move |s, q| s.logs().aggregate(q, &by_user(Measure::Rows)).unwrap().partial)),
        (
            "distinct of logs",
            query(move |s, q| {
                s.logs().aggregate(q, &Aggregation::top(vec![], Measure::Distinct(user()), 1)).unwrap().partial
            }),
        ),
        ("patterns of logs", query(move |s, q| s.logs().patterns(q, buckets(), 1_000).unwrap().partial)),
        ("values of logs", query(move |s, q| s.logs().field_values(q, &user(), 10).unwrap().partial)),
        ("latest spans", query(|s, q| s.spans().latest(q, &Page::newest(1_000)).unwrap().partial)),
        (
            "counts of spans",
            query(move |s, q| {
                s.spans().count_over_time(q, buckets(), Some(&GroupBy::Field(Field::Service))).unwrap().partial
            }),
        ),
        (
            "quantiles of spans",
            query(move |s, q| {
                s.spans().aggregate(q, &by_user(Measure::Quantile(Field::Duration, 0.95))).unwrap().partial
            }),
        ),
        (
            "histogram of spans",
            query(|s, q| {
                let by = vec![GroupBy::Field(Field::Name)];
                s.spans().aggregate(q, &Aggregation::top(by, Measure::Histogram(Field::Duration), 10)).unwrap().partial
            }),
        ),
        ("patterns of spans", query(move |s, q| s.spans().patterns(q, buckets(), 1_000).unwrap().partial)),
        ("values of spans", query(move |s, q| s.spans().field_values(q, &user(), 10).unwrap().partial)),
        (
            "a trace",
            query(|s, q| s.spans().trace(TraceId([9; 16]), None, &AccessScope::ALL, &q.limits).unwrap().partial),
        ),
        ("traces", query(|s, q| s.spans().find_traces(q, 1_000, None).unwrap().partial)),
        (
            "traces by conditions",
            query(move |s, q| {
                let both = TraceFilter::And(vec![any(), any()]);
                s.spans().find_traces_by(q, &both, 1_000, None).unwrap().partial
            }),
        ),
        ("the service map", query(|s, q| s.spans().service_map(q).unwrap().partial)),
        ("rates, errors, durations", query(|s, q| s.spans().red(q, RedBy::Operation).unwrap().partial)),
    ]
}

/// All rows, by a filter that has to be looked at row by row, and a range that cuts the first block.
fn select(limits: Limits) -> Select {
    let exists = Filter::Is(Predicate::Exists { field: Field::attribute("user") });
    Select::all(TimeRange::new(UnixNanos(2), UnixNanos::MAX), limits).filter(exists)
}

#[test]
fn every_query_ends_at_each_of_its_limits() {
    let store = filled();
    for (name, query) in queries() {
        for threads in [1, 4] {
            let ask = |limits: Limits| query(&store, &select(limits.threads(threads)));
            assert_eq!(ask(limits()), None, "{name}");
            let late = Limits { deadline: Instant::now(), ..limits() };
            assert_eq!(ask(late), Some(Partial::Deadline), "{name}");
            assert_eq!(ask(Limits::new(Duration::from_secs(600), 100)), Some(Partial::Memory), "{name}");
            let cancelled = limits();
            cancelled.cancel.cancel();
            assert_eq!(ask(cancelled), Some(Partial::Cancelled), "{name}");
        }
    }
}

#[test]
fn keys_of_fields_that_no_catalogue_has_end_at_their_limits_too() {
    let store = filled();
    // The range cuts a segment, so that its catalogue does not do.
    let cut = TimeRange::new(UnixNanos(2), UnixNanos::MAX);
    let ask = |limits: Limits| {
        let select = Select::all(cut, limits);
        (store.logs().field_keys(&select).unwrap().partial, store.spans().field_keys(&select).unwrap().partial)
    };
    assert_eq!(ask(limits()), (None, None));
    let (late, cancelled) = (Limits { deadline: Instant::now(), ..limits() }, limits());
    assert_eq!(ask(late), (Some(Partial::Deadline), Some(Partial::Deadline)));
    cancelled.cancel.cancel();
    assert_eq!(ask(cancelled), (Some(Partial::Cancelled), Some(Partial::Cancelled)));
}

#[test]
fn what_was_found_before_a_limit_is_answered() {
    let store = filled();
    let rows = |memory_bytes| {
        let found = store.logs().latest(&select(Limits { memory_bytes, ..limits() }), &Page::newest(2_000)).unwrap();
        (found.partial, found.value.rows)
    };
    let (partial, whole) = rows(1 << 30);
    assert_eq!((partial, whole.len() as i64), (None, BLOCKS * ROWS - 1));
    let (partial, some) = rows(200_000);
    assert_eq!(partial, Some(Partial::Memory));
    assert!(!some.is_empty() && some.len() < whole.len(), "{} of {}", some.len(), whole.len());
    assert!(some.iter().all(|r| whole.contains(r)));

    let counted = |memory_bytes| {
        let by = vec![GroupBy::Field(Field::attribute("user"))];
        let asked = Aggregation::top(by, Measure::Rows, 10_000);
        let found = store.logs().aggregate(&select(Limits { memory_bytes, ..limits() }), &asked).unwrap();
        (found.partial, found.value.rows.len())
    };
    let (partial, groups) = counted(1 << 30);
    assert_eq!((partial, groups as i64), (None, BLOCKS * ROWS - 1));
    let (partial, groups) = counted(60_000);
    assert_eq!(partial, Some(Partial::Memory));
    assert!(groups > 0 && (groups as i64) < BLOCKS * ROWS - 1, "{groups} groups");
}
