//! The engine against a naive model: random records, random filters, random moments of sealing,
//! flushing, closing and crashing; what the model says is what the engine must say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::support::decode_limits;
use crate::support::model_filter::{Record, matches};
use crate::support::random::{self, Rng};
use crate::support::{ingest_logs, ingest_spans, limits, sorted};
use crate::support::{model_aggregate, model_traces};
use eventstore::query::*;
use eventstore::{Config, EventStore, SpanBatch, SpanColumns};
use foundation::UnixNanos;
use foundation::disk::SharedDisk;
use foundation::disk::sim::SimDisk;
use model::{AccessScope, LogRecord, Span, TimeRange, Value};
use proptest::prelude::*;

/// What happens between two batches.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ingest,
    Query,
    Flush,
    Reopen,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Ingest),
        3 => Just(Step::Query),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

/// A store with few columns, so that some attributes lie beyond the cap.
fn open(disk: SharedDisk, dir: &Path, attribute_columns_max: usize) -> EventStore {
    EventStore::open(disk, Config { attribute_columns_max, ..Config::new(dir) }).unwrap()
}

fn check_logs(store: &eventstore::EventStore, rows: &[LogRecord], rng: &mut Rng) {
    let select = Select::all(random::range(rng), limits()).filter(random::filter(rng, false));
    let descending = rng.below(2) == 0;
    let order = if descending { Order::Descending } else { Order::Ascending };
    let page_size = 1 + rng.below(7) as usize;
    let mut expected: Vec<(i64, usize)> = rows
        .iter()
        .enumerate()
        .filter(|(_, r)| select.range.contains(r.time) && matches(&select.filter, Record::Log(r)))
        .map(|(i, r)| (r.time.0, i))
        .collect();
    expected.sort_unstable();
    if descending {
        expected.reverse();
    }
    let mut got = Vec::new();
    let mut after = None;
    loop {
        let page = store.logs().latest(&select, &Page { order, limit: page_size, after }).unwrap();
        assert_eq!(page.partial, None);
        got.extend(page.value.rows.into_iter().map(|r| r.record));
        after = page.value.next;
        if after.is_none() {
            break;
        }
    }
    let expected_rows: Vec<LogRecord> = expected.iter().map(|(_, i)| sorted::log(&rows[*i])).collect();
    let got: Vec<LogRecord> = got.iter().map(sorted::log).collect();
    assert_eq!(got, expected_rows, "filter {:?}", select.filter);

    let buckets = Buckets::split(TimeRange::new(UnixNanos(0), UnixNanos(random::TIME_MAX)), 5);
    let counts = store.logs().count_over_time(&select, buckets, Some(&GroupBy::SeverityRange)).unwrap().value;
    let mut model: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (t, i) in &expected {
        if let Some(b) = buckets.index(UnixNanos(*t)) {
            let name = model::log::severity_range(rows[*i].severity_number).to_owned();
            model.entry(name).or_insert_with(|| vec![0; buckets.count])[b] += 1;
        }
    }
    let counted: BTreeMap<String, Vec<u64>> = counts.groups.into_iter().map(|g| (g.value, g.counts)).collect();
    assert_eq!(counted, model, "filter {:?}", select.filter);

    let records: Vec<Record<'_>> = expected.iter().map(|(_, i)| Record::Log(&rows[*i])).collect();
    let asked = model_aggregate::random(rng, false);
    let table = store.logs().aggregate(&select, &asked).unwrap();
    assert_eq!(table.partial, None);
    model_aggregate::check(&table.value, &asked, &records);

    let found = store.logs().patterns(&select, buckets, usize::MAX).unwrap().value;
    model_traces::check_patterns(&found, &expected.iter().map(|(_, i)| &rows[*i]).collect::<Vec<_>>());

    // What arrived between two moments, in the order in which it came.
    let from = rng.below(rows.len() as u64 + 1);
    let seqs = from..from + rng.below(20);
    let (arrived, matched) = store.logs().arrived(&select, seqs.clone(), 5).unwrap().value;
    let mut new: Vec<usize> = expected.iter().map(|(_, i)| *i).filter(|i| seqs.contains(&(*i as u64))).collect();
    new.sort_unstable();
    assert_eq!(matched as usize, new.len());
    let arrived: Vec<LogRecord> = arrived.iter().map(|r| sorted::log(&r.record)).collect();
    let last: Vec<LogRecord> = new[new.len().saturating_sub(5)..].iter().map(|i| sorted::log(&rows[*i])).collect();
    assert_eq!(arrived, last);
    assert_eq!(store.logs().rows_arrived(), rows.len() as u64);

    let field = Field::attribute("k0");
    let values = store.logs().field_values(&select, &field, 1000).unwrap().value;
    let total: u64 = values.values.iter().map(|v| v.count).sum();
    let has_text = |r: &LogRecord| {
        let own = model::attributes::get(&r.attributes, "k0");
        let theirs = model::attributes::get(&r.resource.attributes, "k0");
        own.or(theirs).is_some_and(|v| !matches!(v, Value::Empty | Value::Bytes(_)))
            || theirs.is_some_and(|v| !matches!(v, Value::Empty | Value::Bytes(_)))
    };
    assert_eq!(total as usize, expected.iter().filter(|(_, i)| has_text(&rows[*i])).count());

    let field = random::field(rng, false);
    let mut texts: BTreeMap<String, u64> = BTreeMap::new();
    records.iter().filter_map(|r| model_aggregate::text(*r, &field)).for_each(|t| *texts.entry(t).or_default() += 1);
    let limit = 1 + rng.below(4) as usize;
    let found = store.logs().field_values(&select, &field, limit).unwrap();
    assert_eq!(found.partial, None);
    assert_eq!(
        (found.value.distinct as usize, found.value.values.len()),
        (texts.len(), texts.len().min(limit)),
        "{field:?}"
    );
    assert!(found.value.values.iter().all(|v| texts.get(&v.value) == Some(&v.count)), "{field:?}");
}

fn check_spans(store: &eventstore::EventStore, rows: &[Span], rng: &mut Rng) {
    let select = Select::all(random::range(rng), limits()).filter(random::filter(rng, true));
    let mut expected: Vec<(i64, usize)> = rows
        .iter()
        .enumerate()
        .filter(|(_, s)| select.range.contains(s.start) && matches(&select.filter, Record::Span(s)))
        .map(|(i, s)| (s.start.0, i))
        .collect();
    expected.sort_unstable();
    expected.reverse();
    let got = store.spans().latest(&select, &Page::newest(1_000_000)).unwrap().value.rows;
    let got: Vec<Span> = got.iter().map(|r| sorted::span(&r.record)).collect();
    let expected_rows: Vec<Span> = expected.iter().map(|(_, i)| sorted::span(&rows[*i])).collect();
    assert_eq!(got, expected_rows, "filter {:?}", select.filter);

    let records: Vec<Record<'_>> = expected.iter().map(|(_, i)| Record::Span(&rows[*i])).collect();
    let asked = model_aggregate::random(rng, true);
    model_aggregate::check(&store.spans().aggregate(&select, &asked).unwrap().value, &asked, &records);

    if let Some(some) = rows.get(rng.below(rows.len().max(1) as u64) as usize) {
        // A hint leaves nothing out, wherever it points.
        let around = [None, Some(random::range(rng))][rng.below(2) as usize];
        let trace = store.spans().trace(some.trace_id, around, &AccessScope::ALL, &limits()).unwrap().value;
        let mut model: Vec<(i64, usize)> =
            rows.iter().enumerate().filter(|(_, s)| s.trace_id == some.trace_id).map(|(i, s)| (s.start.0, i)).collect();
        model.sort_unstable();
        let model: Vec<Span> = model.iter().map(|(_, i)| sorted::span(&rows[*i])).collect();
        assert_eq!(trace.iter().map(sorted::span).collect::<Vec<_>>(), model);
    }

    // Traces in the order of their newest matching span, page by page.
    let mut order = Vec::new();
    for (_, i) in &expected {
        if !order.contains(&rows[*i].trace_id) {
            order.push(rows[*i].trace_id);
        }
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.spans().find_traces(&select, 3, after).unwrap();
        assert_eq!(page.partial, None);
        for t in &page.value.traces {
            let spans: Vec<&Span> = rows.iter().filter(|s| s.trace_id == t.trace_id).collect();
            assert_eq!(t.span_count as usize, spans.len());
            assert_eq!(t.error_count as usize, spans.iter().filter(|s| s.status.code == 2).count());
            assert_eq!(t.start, spans.iter().map(|s| s.start).min().unwrap());
            found.push(t.trace_id);
        }
        after = page.value.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, order);

    let condition = model_traces::random_condition(rng, 0);
    let of_range: Vec<(usize, &Span)> =
        rows.iter().enumerate().filter(|(_, s)| select.range.contains(s.start)).collect();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.spans().find_traces_by(&select, &condition, 3, after).unwrap();
        assert_eq!(page.partial, None);
        found.extend(page.value.traces.iter().map(|t| t.trace_id));
        after = page.value.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, model_traces::traces(&of_range, &condition), "{condition:?}");

    let everywhen = Select { range: TimeRange::ALL, ..select.clone() };
    model_traces::check_map(&store.spans().service_map(&everywhen).unwrap().value, rows, &select.filter);

    let red = store.spans().red(&select, RedBy::Operation).unwrap().value;
    assert_eq!(red.iter().map(|g| g.spans as usize).sum::<usize>(), expected.len());
    let errors = expected.iter().filter(|(_, i)| rows[*i].status.code == 2).count();
    assert_eq!(red.iter().map(|g| g.errors as usize).sum::<usize>(), errors);
}

/// What is said of spans that a sampler rejected is what a query would say of them.
fn check_rejected(spans: &[Span], rng: &mut Rng) {
    let mut spans = spans.to_vec();
    for span in &mut spans {
        if rng.below(4) > 0 {
            span.trace_state = wire::otlp::sampling::rejected(&span.trace_state).to_string();
        }
    }
    let request = wire::otlp::encode::traces_request(&spans);
    let mut rows = wire::rows::RowSpanSink::default();
    wire::otlp::decode_traces(&request, &decode_limits(), &mut rows).unwrap();
    let (batch, _) = SpanBatch::decode(&request, &decode_limits()).unwrap();
    let columns = SpanColumns::from(batch);
    let rejected: Vec<&Span> =
        rows.spans.iter().filter(|s| wire::otlp::sampling::is_rejected(&s.trace_state)).collect();
    let found = RejectedSpans::of(&columns);
    for _ in 0..20 {
        let filter = random::filter(rng, true);
        let expected: Vec<usize> =
            (0..rejected.len()).filter(|i| matches(&filter, Record::Span(rejected[*i]))).collect();
        let places = SpanFilter::new(&filter).unwrap().matching(&found);
        assert_eq!(places, expected, "filter {filter:?}");
        let field = random::field(rng, true);
        let texts: Vec<Option<String>> =
            expected.iter().map(|i| model_aggregate::text(Record::Span(rejected[*i]), &field)).collect();
        assert_eq!(found.texts(&field, &places), texts, "field {field:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rejected_spans_are_looked_at_like_stored_ones(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let spans = random::spans(&mut rng);
        check_rejected(&spans, &mut rng);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_answers_like_the_model(seed in any::<u64>(), steps in prop::collection::vec(step(), 4..30)) {
        let mut rng = Rng::new(seed);
        let cap = [0, 1, 3, 1000][rng.below(4) as usize];
        let mut disk = SimDisk::new(seed);
        let mut store = Some(open(Arc::new(disk.clone()), Path::new("/store"), cap));
        let (mut logs, mut spans) = (Vec::new(), Vec::new());
        for step in steps.into_iter().chain([Step::Query]) {
            let open_store = store.as_ref().unwrap();
            match step {
                Step::Ingest => {
                    let batch = random::logs(&mut rng);
                    let mut stored = ingest_logs(open_store, &batch).unwrap();
                    // As the store numbers the rows of a request.
                    stored.sort_by_key(|r| r.time);
                    logs.extend(stored);
                    let batch = random::spans(&mut rng);
                    spans.extend(ingest_spans(open_store, &batch).unwrap());
                }
                Step::Query => {
                    check_logs(open_store, &logs, &mut rng);
                    check_spans(open_store, &spans, &mut rng);
                }
                Step::Flush => {
                    open_store.logs().flush();
                    open_store.spans().flush();
                    prop_assert_eq!(open_store.logs().stats().memory_rows, 0);
                }
                Step::Reopen => {
                    store.take().unwrap().close();
                    store = Some(open(Arc::new(disk.clone()), Path::new("/store"), cap));
                }
                Step::Crash => {
                    let found = disk.crash();
                    drop(store.take());
                    disk = found;
                    store = Some(open(Arc::new(disk.clone()), Path::new("/store"), cap));
                }
            }
        }
    }
}
