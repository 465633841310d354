//! Full blocks of data as services send it: what is read of a few rows alone, counted by codes, or looked for between
//! frames is what the whole records say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::support::{limits, open, sorted};
use eventstore::query::*;
use eventstore::{EventStore, LogBatch, SpanBatch};
use foundation::UnixNanos;
use foundation::disk::sim::SimDisk;
use loadgen::dataset;
use model::{LogRecord, Span, TimeRange, Value};

const END: UnixNanos = UnixNanos(1_795_348_800_000_000_000);
const RECORDS: u64 = 30_000;

/// Blocks of two segments, and some in memory.
fn filled() -> EventStore {
    let store = open(Arc::new(SimDisk::new(1)), Path::new("/store"));
    let limits = wire::otlp::Limits::new(END);
    let (tx, rx) = std::sync::mpsc::channel();
    let done = || {
        let tx = tx.clone();
        Box::new(move |result: Result<(), eventstore::IngestError>| tx.send(result.is_ok()).unwrap_or_default())
    };
    let mut waiting = 0;
    let requests: Vec<_> = dataset::logs(1, RECORDS, END).zip(dataset::spans(1, RECORDS, END)).collect();
    for (i, (logs, spans)) in requests.iter().enumerate() {
        let (batch, _) = LogBatch::decode(&logs.bytes, &limits).unwrap();
        store.logs().ingest(logs.bytes.clone(), batch, done());
        let (batch, _) = SpanBatch::decode(&spans.bytes, &limits).unwrap();
        store.spans().ingest(spans.bytes.clone(), batch, done());
        waiting += 2;
        if [requests.len() / 3, requests.len() * 2 / 3].contains(&i) {
            (0..std::mem::take(&mut waiting)).for_each(|_| assert_eq!(rx.recv(), Ok(true)));
            store.logs().flush();
            store.spans().flush();
        }
    }
    (0..waiting).for_each(|_| assert_eq!(rx.recv(), Ok(true)));
    assert!(store.logs().stats().segments >= 1 && store.logs().stats().memory_rows > 0);
    store
}

fn everything() -> Select {
    Select::all(TimeRange::ALL, limits())
}

fn text(v: Option<&Value>) -> Option<&str> {
    match v {
        Some(Value::Str(s)) => Some(s),
        _ => None,
    }
}

fn service(attributes: &model::Attributes) -> String {
    text(model::attributes::get(attributes, "service.name")).unwrap_or("unknown_service").to_owned()
}

fn user(r: &LogRecord) -> Option<&str> {
    text(model::attributes::get(&r.attributes, "user.id"))
}

fn has(r: &LogRecord, what: &str) -> bool {
    matches!(&r.body, Value::Str(s) if s.contains(what))
}

#[test]
fn logs_of_a_few_rows_are_those_of_all_rows() {
    let store = filled();
    let all = store.logs().latest(&everything(), &Page::newest(usize::MAX)).unwrap().value.rows;
    let some_user = all.iter().find_map(|r| user(&r.record)).unwrap().to_owned();
    let of_user = some_user.clone();
    let find = |text: &str, mode| Filter::Is(Predicate::Text { text: text.into(), mode });
    type Holds = Box<dyn Fn(&LogRecord) -> bool>;
    let searches: Vec<(Filter, Holds)> = vec![
        (find(dataset::RARE_TOKEN, TextMatch::Token), Box::new(|r| has(r, dataset::RARE_TOKEN))),
        (find(dataset::PHRASE, TextMatch::Phrase), Box::new(|r| has(r, dataset::PHRASE))),
        (Filter::eq(Field::attribute("user.id"), some_user.as_str()), Box::new(move |r| user(r) == Some(&of_user))),
        (
            Filter::And(vec![
                Filter::eq(Field::Service, "checkout"),
                Filter::compare(Field::Severity, CompareOp::Ge, 17.into()),
            ]),
            Box::new(|r| service(&r.resource.attributes) == "checkout" && r.severity_number >= 17),
        ),
    ];
    for (filter, holds) in searches {
        let found = store.logs().latest(&everything().filter(filter.clone()), &Page::newest(usize::MAX)).unwrap();
        let expected: Vec<_> =
            all.iter().filter(|r| holds(&r.record)).map(|r| (r.id, sorted::log(&r.record))).collect();
        assert!(!expected.is_empty() && expected.len() * 8 < all.len(), "{filter:?} finds {}", expected.len());
        let found = found.value.rows.iter().map(|r| (r.id, sorted::log(&r.record)));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

#[test]
fn counts_by_codes_are_those_of_the_records() {
    let store = filled();
    let all = store.logs().latest(&everything(), &Page::newest(usize::MAX)).unwrap().value.rows;
    let phrase = Filter::Is(Predicate::Text { text: dataset::PHRASE.into(), mode: TextMatch::Phrase });
    let whole = TimeRange::new(UnixNanos(END.0 - 6 * 3_600_000_000_000), END);
    let minutes = Buckets::split(whole, 360);
    for (filter, holds) in [(Filter::All, None), (phrase, Some(dataset::PHRASE))] {
        let mut asked = Aggregation::top(vec![GroupBy::Field(Field::Service)], Measure::Rows, usize::MAX);
        asked.buckets = Some(minutes);
        let select = Select { filter, ..everything() };
        let found = store.logs().aggregate(&select, &asked).unwrap().value;
        let mut expected: BTreeMap<(usize, String), u64> = BTreeMap::new();
        for r in all.iter().filter(|r| holds.is_none_or(|what| has(&r.record, what))) {
            if let Some(bucket) = minutes.index(r.record.time) {
                *expected.entry((bucket, service(&r.record.resource.attributes))).or_default() += 1;
            }
        }
        let found = found.rows.into_iter().map(|r| {
            let Some(Cell::Count(n)) = r.cells.first() else { panic!("{:?}", r.cells) };
            ((r.bucket.unwrap(), r.key[0].clone().unwrap()), *n)
        });
        assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
    }
}

#[test]
fn top_lists_and_distinct_values_are_those_of_the_records() {
    let store = filled();
    let all = store.logs().latest(&everything(), &Page::newest(usize::MAX)).unwrap().value.rows;
    let mut users: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    all.iter().for_each(|r| *users.entry(user(&r.record)).or_default() += 1);
    let mut expected: Vec<(Option<&str>, u64)> = users.iter().map(|(user, n)| (*user, *n)).collect();
    // What has none comes last among equals.
    expected.sort_by_key(|(user, n)| (std::cmp::Reverse(*n), user.is_none(), *user));
    for (limit, threads) in [(7, 1), (7, 2), (usize::MAX, 1)] {
        let asked = Aggregation::top(vec![GroupBy::Field(Field::attribute("user.id"))], Measure::Rows, limit);
        let select = Select::all(TimeRange::ALL, limits().threads(threads));
        let found = store.logs().aggregate(&select, &asked).unwrap().value;
        assert_eq!(found.groups as usize, expected.len());
        let rows = found.rows.iter().map(|r| (r.key[0].as_deref(), r.cells[0].number().unwrap() as u64));
        assert_eq!(rows.collect::<Vec<_>>(), expected[..limit.min(expected.len())]);
    }
    let traces: std::collections::BTreeSet<_> =
        all.iter().map(|r| r.record.trace_id).filter(|t| !t.is_zero()).collect();
    for (field, expected) in
        [(Field::attribute("user.id"), users.keys().flatten().count()), (Field::TraceId, traces.len())]
    {
        let asked = Aggregation::top(Vec::new(), Measure::Distinct(field), 1);
        let found = store.logs().aggregate(&everything(), &asked).unwrap().value;
        let n = found.rows[0].cells[0].number().unwrap();
        assert!((n - expected as f64).abs() <= expected as f64 * 0.03, "{n} of {expected}");
    }
}

#[test]
fn spans_are_measured_as_their_records_say() {
    let store = filled();
    let all = store.spans().latest(&everything(), &Page::newest(usize::MAX)).unwrap().value.rows;
    let duration = |s: &Span| (s.end.0 - s.start.0) as u64;
    let failed = Filter::And(vec![Filter::eq(Field::Status, 2), Filter::eq(Field::Kind, 2)]);
    let found = store.spans().latest(&everything().filter(failed.clone()), &Page::newest(usize::MAX)).unwrap();
    let is_failed = |s: &Span| s.status.code == 2 && s.kind == 2;
    let expected: Vec<_> =
        all.iter().filter(|r| is_failed(&r.record)).map(|r| (r.id, sorted::span(&r.record))).collect();
    assert!(!expected.is_empty() && expected.len() * 8 < all.len());
    let found = found.value.rows.iter().map(|r| (r.id, sorted::span(&r.record)));
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let by = vec![GroupBy::Field(Field::Service), GroupBy::Field(Field::Name)];
    for filter in [Filter::All, failed] {
        let mut asked = Aggregation::top(by.clone(), Measure::Rows, usize::MAX);
        asked.measures.extend([Measure::Max(Field::Duration), Measure::Quantile(Field::Duration, 1.0)]);
        let found = store.spans().aggregate(&everything().filter(filter.clone()), &asked).unwrap().value;
        let mut groups: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        for r in all.iter().filter(|r| filter == Filter::All || is_failed(&r.record)) {
            let key = (service(&r.record.resource.attributes), r.record.name.clone());
            let (n, max) = groups.entry(key).or_default();
            (*n, *max) = (*n + 1, (*max).max(duration(&r.record)));
        }
        let mut measured = BTreeMap::new();
        for row in found.rows {
            let numbers: Vec<f64> = row.cells.iter().map(|c| c.number().unwrap()).collect();
            assert!((numbers[2] - numbers[1]).abs() <= numbers[1] / 32.0, "{numbers:?}");
            let key = (row.key[0].clone().unwrap(), row.key[1].clone().unwrap());
            measured.insert(key, (numbers[0] as u64, numbers[1] as u64));
        }
        assert_eq!(measured, groups);
    }
}
