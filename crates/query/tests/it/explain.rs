//! Explanations against counting record by record.

use std::collections::BTreeMap;

use model::{LogRecord, Span, SpanId, TraceId, Value};
use proptest::prelude::*;
use query::EventSignal;
use query::explain::{Baseline, Demotion, Explanation, Part, Question, explain};

use super::*;

fn span(id: u32, service_name: &str, seconds: i64, failed: bool, ms: i64) -> Span {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&(id + 1).to_be_bytes());
    let mut span = Span {
        trace_id: TraceId(bytes),
        span_id: SpanId([bytes[0], bytes[1], bytes[2], bytes[3], 1, 1, 1, 1]),
        name: "GET /".into(),
        kind: 2,
        start: at(seconds),
        end: UnixNanos(at(seconds).0 + ms * 1_000_000),
        resource: service(service_name),
        ..Span::default()
    };
    span.status.code = if failed { 2 } else { 0 };
    span
}

fn part(filter: &str) -> Part {
    Part { filter: filter.to_owned(), range: None }
}

fn explained(store: &EventStore, filter: &str, question: &Question) -> Explanation {
    let found = explain(store, EventSignal::Traces, &ask(filter), question, 200).unwrap();
    assert_eq!(found.partial, None);
    found.value
}

/// 400 spans; the 60 that fail have one statement, are slow, and have ids and a pod as everybody has.
fn with_a_fault() -> EventStore {
    let store = store();
    let spans: Vec<Span> = (0..400)
        .map(|i| {
            let failed = i % 20 < 3;
            let mut s = span(i, "api", i64::from(i), failed, if failed { 900 } else { 10 + i64::from(i % 37) });
            let statement =
                if failed && i % 20 != 2 { "SELECT slow" } else { ["SELECT a", "SELECT b"][i as usize % 2] };
            s.attributes.push(("db.statement".into(), statement.into()));
            s.attributes.push(("request.id".into(), Value::Str(format!("r-{i}"))));
            s.attributes.push(("pod".into(), Value::Str(format!("pod-{}", i % 7))));
            s.attributes.push(("rows".into(), Value::Int(i64::from(i % 50))));
            s
        })
        .collect();
    put_spans(&store, &spans[..250]);
    store.spans().flush();
    put_spans(&store, &spans[250..]);
    store
}

#[test]
fn a_fault_is_said_in_one_sentence() {
    let store = with_a_fault();
    let found =
        explained(&store, "service:api", &Question { selection: part("status:error"), baseline: Baseline::Rest });
    assert_eq!((found.count.selection, found.count.baseline, found.looked_at), (60, 340, None));
    let keys: Vec<&str> = found.attributes.iter().filter(|a| a.significant).map(|a| a.key.as_str()).collect();
    assert_eq!(keys, ["duration", "db.statement"]);
    assert_eq!(found.sentence, "100 % of the selection have `duration>=100ms` (baseline 0 %)");
    let statement = &found.attributes[1];
    let values: Vec<_> =
        statement.values.iter().map(|v| (v.value.as_str(), v.count.selection, v.count.baseline)).collect();
    assert_eq!(values[0], ("SELECT slow", 40, 0));
    assert_eq!(statement.values[0].term, "db.statement:\"SELECT slow\"");
    assert_eq!(statement.other.selection + statement.other.baseline, 0);
    let of = |key: &str| found.attributes.iter().find(|a| a.key == key).unwrap();
    assert_eq!(of("request.id").demoted, Some(Demotion::Id));
    assert!(!of("pod").significant && of("pod").p_value > 0.01);
    assert!(of("rows").histogram.is_some() && !of("rows").significant);
    // What was selected by is no news.
    assert!(found.attributes.iter().all(|a| a.key != "status"));
}

#[test]
fn terms_select_what_they_are_listed_with() {
    let store = with_a_fault();
    let question = Question { selection: part("duration>500ms"), baseline: Baseline::Rest };
    let found = explained(&store, "", &question);
    let mut looked_at = 0;
    for attribute in &found.attributes {
        for value in &attribute.values {
            let selected = ask(&format!("duration>500ms {}", value.term));
            let rest = ask(&format!("-duration>500ms {}", value.term));
            let count = |request| {
                let page = query::fields::histogram(&store, EventSignal::Traces, &request, None, 1).unwrap().value;
                page.groups.iter().flat_map(|g| &g.counts).sum::<u64>()
            };
            assert_eq!((count(selected), count(rest)), (value.count.selection, value.count.baseline), "{}", value.term);
            looked_at += 1;
        }
    }
    assert!(looked_at > 15, "{looked_at}");
}

#[test]
fn few_records_and_none_prove_nothing() {
    let store = with_a_fault();
    let ask = |filter: &str| explained(&store, "", &Question { selection: part(filter), baseline: Baseline::Rest });
    let few = ask("request.id:(r-0, r-1, r-20)");
    assert!(few.attributes.iter().all(|a| !a.significant));
    assert!(few.sentence.contains("a selection of 3 proves nothing"), "{}", few.sentence);
    assert_eq!(ask("service:nobody").sentence, "nothing is selected");
    assert!(ask("").sentence.contains("the baseline is empty"));
}

#[test]
fn the_previous_period_is_as_long_as_the_selection() {
    let store = with_a_fault();
    let range = Some(TimeRange::new(at(200), at(300)));
    let selection = Part { filter: String::new(), range };
    let found = explained(&store, "", &Question { selection: selection.clone(), baseline: Baseline::Previous });
    assert_eq!((found.count.selection, found.count.baseline), (100, 100));
    let rest = explained(&store, "", &Question { selection, baseline: Baseline::Rest });
    assert_eq!((rest.count.selection, rest.count.baseline), (100, 300));
    let custom = Baseline::Custom(Part { filter: "status:error".into(), range: Some(TimeRange::new(at(0), at(100))) });
    let found = explained(&store, "", &Question { selection: part("pod:pod-1"), baseline: custom });
    assert_eq!(found.count.baseline, 15);
}

#[test]
fn logs_are_compared_by_level_and_by_the_owner_of_an_attribute() {
    let store = store();
    let logs: Vec<LogRecord> = (0..200)
        .map(|i| LogRecord {
            time: at(i),
            observed_time: at(i),
            severity_number: if i < 50 { 17 } else { 9 },
            body: Value::Str(format!("message {i}")),
            attributes: vec![("host.name".into(), if i < 50 { "broken" } else { "fine" }.into())],
            resource: service("api"),
            ..LogRecord::default()
        })
        .collect();
    put_logs(&store, &logs);
    let question = Question {
        selection: Part { filter: String::new(), range: Some(TimeRange::new(at(0), at(50))) },
        baseline: Baseline::Rest,
    };
    let found = explain(&store, EventSignal::Logs, &ask(""), &question, 10).unwrap().value;
    let significant: Vec<_> = found
        .attributes
        .iter()
        .filter(|a| a.significant)
        .map(|a| (a.key.as_str(), a.values[0].term.as_str()))
        .collect();
    assert_eq!(significant, [("attr.host.name", "attr.host.name:broken"), ("level", "level:error")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every count of every value is what counting record by record gives.
    #[test]
    fn counts_are_those_of_a_naive_model(
        rows in prop::collection::vec((0_i64..100, any::<bool>(), 0_u8..4, prop::option::of(0_u8..5)), 1..120),
        narrow in prop::option::of((0_i64..60, 1_i64..60)),
        by_status in any::<bool>(),
    ) {
        let store = store();
        let spans: Vec<Span> = rows.iter().enumerate().map(|(i, (seconds, failed, name, color))| {
            let mut s = span(i as u32, ["a", "b", "c", "d"][usize::from(*name)], *seconds, *failed, 5);
            s.attributes.extend(color.map(|c| ("color".to_owned(), Value::Str(format!("c{c}")))));
            s
        }).collect();
        let half = spans.len() / 2;
        put_spans(&store, &spans[..half.max(1)]);
        store.spans().flush();
        if half > 0 {
            put_spans(&store, &spans[half.max(1)..]);
        }
        let range = narrow.map(|(from, length)| TimeRange::new(at(from), at(from + length)));
        let question = Question {
            selection: Part { filter: if by_status { "status:error".into() } else { String::new() }, range },
            baseline: Baseline::Rest,
        };
        let found = explained(&store, "", &question);
        let selected = |s: &Span| {
            (!by_status || s.status.code == 2) && range.is_none_or(|r| s.start >= r.start && s.start < r.end)
        };
        let mut naive: BTreeMap<(&str, String), [u64; 2]> = BTreeMap::new();
        let mut totals = [0, 0];
        for s in &spans {
            let side = usize::from(!selected(s));
            totals[side] += 1;
            let text = |v: Option<&Value>| match v { Some(Value::Str(v)) => v.clone(), _ => String::new() };
            let name = s.resource.attributes.iter().find(|(k, _)| k == "service.name").map(|(_, v)| v);
            naive.entry(("service", text(name))).or_default()[side] += 1;
            if let Some((_, color)) = s.attributes.first() {
                naive.entry(("color", text(Some(color)))).or_default()[side] += 1;
            }
        }
        prop_assert_eq!([found.count.selection, found.count.baseline], totals);
        if totals[0] > 0 && totals[1] > 0 {
            let mut counted: BTreeMap<(&str, String), [u64; 2]> = BTreeMap::new();
            for a in found.attributes.iter().filter(|a| ["service", "color"].contains(&a.key.as_str())) {
                for v in &a.values {
                    counted.insert((&a.key, v.value.clone()), [v.count.selection, v.count.baseline]);
                }
            }
            prop_assert_eq!(counted, naive);
        }
    }
}
