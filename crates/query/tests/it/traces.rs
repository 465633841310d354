//! Traces: search, one trace by its id, services and operations.

use expect_test::{Expect, expect};
use foundation::ErrorKind;
use model::trace::Status;
use model::{AccessScope, Span, SpanId, TraceId};
use query::{EventSignal, fields, services, traces};

use super::*;

const SERVER: u8 = 2;
const CLIENT: u8 = 3;

/// One span per line: `trace id parent service kind name start_ms duration_ms status`.
fn spans(text: &str) -> Vec<Span> {
    let id = |word: &str| word.parse::<u8>().unwrap();
    text.trim()
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [trace, span, parent, from, kind, name, start, duration, status] = words[..] else {
                panic!("{line}");
            };
            let ms = |word: &str| Duration::from_millis(word.parse().unwrap());
            let start = at(0).plus(ms(start));
            Span {
                trace_id: TraceId([id(trace); 16]),
                span_id: SpanId([id(span); 8]),
                parent_span_id: SpanId([id(parent); 8]),
                resource: service(from),
                kind: if kind == "server" { SERVER } else { CLIENT },
                name: name.to_owned(),
                start,
                end: start.plus(ms(duration)),
                status: Status { code: u8::from(status == "error") * 2, message: String::new() },
                attributes: vec![("http.route".into(), format!("/{name}").as_str().into())],
                ..Span::default()
            }
        })
        .collect()
}

fn filled() -> EventStore {
    let store = store();
    put_spans(
        &store,
        &spans(
            "1 1 0 web server checkout 1000 900 ok
             1 2 1 web client pay 1100 700 error
             1 3 2 pay server pay 1150 600 error
             2 4 0 web server home 2000 50 ok
             3 5 9 pay server refund 3000 20 ok",
        ),
    );
    store
}

fn check(filter: &str, expect: Expect) {
    let found = traces::search(&filled(), &ask(filter), 10, None).unwrap();
    let lines: Vec<_> = found
        .value
        .traces
        .iter()
        .map(|t| {
            let services: Vec<_> = t.services.iter().map(|s| format!("{}={}", s.name, s.spans)).collect();
            format!(
                "{} {} {} {}ms spans={} errors={} {}\n",
                t.trace_id.0[0],
                t.root_service,
                t.root_name,
                t.duration_nanos / 1_000_000,
                t.span_count,
                t.error_count,
                services.join(" ")
            )
        })
        .collect();
    expect.assert_eq(&lines.concat());
}

#[test]
fn a_trace_matches_when_one_span_does() {
    check(
        "",
        expect![[r#"
        3 pay refund 20ms spans=1 errors=0 pay=1
        2 web home 50ms spans=1 errors=0 web=1
        1 web checkout 900ms spans=3 errors=2 web=2 pay=1
    "#]],
    );
    check(
        "status:error",
        expect![[r#"
        1 web checkout 900ms spans=3 errors=2 web=2 pay=1
    "#]],
    );
    check(
        "service:pay name:pay kind:server",
        expect![[r#"
        1 web checkout 900ms spans=3 errors=2 web=2 pay=1
    "#]],
    );
    check(
        "service:web duration<100ms",
        expect![[r#"
        2 web home 50ms spans=1 errors=0 web=1
    "#]],
    );
    check(
        "duration:600ms..700ms",
        expect![[r#"
        1 web checkout 900ms spans=3 errors=2 web=2 pay=1
    "#]],
    );
    check(
        "http.route:/re*",
        expect![[r#"
        3 pay refund 20ms spans=1 errors=0 pay=1
    "#]],
    );
    check("service:pay name:checkout", expect![[r#""#]]);
    check(
        "-has(parent_span_id)",
        expect![[r#"
        2 web home 50ms spans=1 errors=0 web=1
        1 web checkout 900ms spans=3 errors=2 web=2 pay=1
    "#]],
    );
    check(
        "checkout",
        expect![[r#"
        1 web checkout 900ms spans=3 errors=2 web=2 pay=1
    "#]],
    );
}

#[test]
fn pages_of_traces_join_to_the_whole() {
    let store = filled();
    let whole = traces::search(&store, &ask(""), 10, None).unwrap().value;
    assert_eq!(whole.traces.len(), 3);
    let (mut joined, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = traces::search(&store, &ask(""), 1, cursor.as_deref()).unwrap().value;
        joined.extend(page.traces);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(joined, whole.traces);
}

#[test]
fn a_trace_by_its_id_is_whole_and_in_order() {
    let store = filled();
    // Sent again after a retry.
    put_spans(&store, &spans("1 3 2 pay server pay 1150 600 error"));
    let by_id = |id: u8, access: &AccessScope| traces::by_id(&store, TraceId([id; 16]), None, access, &limits());
    let trace = by_id(1, &AccessScope::ALL).unwrap().value;
    let ids: Vec<u8> = trace.spans.iter().map(|s| s.span_id.0[0]).collect();
    assert_eq!((ids, trace.roots, trace.orphans, trace.repeats), (vec![1, 2, 3], vec![0], vec![], 1));
    assert_eq!((trace.start, trace.duration_nanos), (at(1), 900_000_000));

    assert_eq!(by_id(3, &AccessScope::ALL).unwrap().value.orphans, [0]);
    assert_eq!(by_id(9, &AccessScope::ALL).unwrap_err().kind(), ErrorKind::NotFound);
    let only_pay = AccessScope { services: Some(vec!["pay".into()]) };
    assert_eq!(by_id(1, &only_pay).unwrap().value.spans.len(), 1);
    assert_eq!(by_id(2, &only_pay).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn services_and_operations_have_rates_errors_and_durations() {
    let store = filled();
    let found = services::list(&store, &ask("")).unwrap().value;
    let lines: Vec<_> = found
        .iter()
        .map(|s| format!("{} spans={} calls={} errors={}\n", s.name, s.spans, s.red.calls, s.red.errors))
        .collect();
    expect![[r#"
        web spans=3 calls=2 errors=0
        pay spans=2 calls=2 errors=1
    "#]]
    .assert_eq(&lines.concat());
    let web = found.iter().find(|s| s.name == "web").unwrap();
    assert_eq!(web.red.rate_per_s, 2.0 / 3600.0);
    let near = |nanos: u64, ms: u64| nanos.abs_diff(ms * 1_000_000) <= ms * 1_000_000 / 64;
    assert!(near(web.red.p99_nanos, 900), "{}", web.red.p99_nanos);

    let operations = services::operations(&store, &ask(""), "pay").unwrap().value;
    let mut lines: Vec<_> = operations
        .iter()
        .map(|o| format!("{} kind={} calls={} ratio={}", o.name, o.kind, o.red.calls, o.red.error_ratio))
        .collect();
    lines.sort();
    assert_eq!(lines, ["pay kind=2 calls=1 ratio=1", "refund kind=2 calls=1 ratio=0"]);
    assert!(services::operations(&store, &ask(""), "nobody").unwrap().value.is_empty());
}

#[test]
fn values_of_spans_are_spelled_as_filters_spell_them() {
    let store = filled();
    let values = |name: &str| {
        let found = fields::values(&store, EventSignal::Traces, &ask(""), name, None, 10).unwrap().value.values;
        found.iter().map(|v| format!("{} {}", v.value, v.count)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(values("status"), "unset 3, error 2");
    assert_eq!(values("kind"), "server 4, client 1");
    assert_eq!(values("operation"), "pay 2, checkout 1, home 1, refund 1");
}
