//! Logs: search by filter, pages, volume, fields.

use eventstore::query::Order;
use expect_test::{Expect, expect};
use foundation::ErrorKind;
use model::{AccessScope, LogRecord, TimeRange, TraceId, Value};
use query::{EventSignal, ReadError, fields, logs};

use super::*;

fn log(seconds: i64, from: &str, severity: u8, body: &str, attributes: &[(&str, Value)]) -> LogRecord {
    LogRecord {
        time: at(seconds),
        observed_time: at(seconds),
        severity_number: severity,
        severity_text: if severity == 17 { "ERR".into() } else { String::new() },
        body: body.into(),
        attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
        resource: service(from),
        ..LogRecord::default()
    }
}

fn filled() -> EventStore {
    let store = store();
    let records = [
        log(10, "api", 9, "GET /v1/match done", &[("code", Value::Int(200)), ("elapsed_ms", Value::Double(12.5))]),
        log(
            20,
            "api",
            17,
            "request timed out after 30s",
            &[("code", "500".into()), ("elapsed_ms", Value::Int(30_000))],
        ),
        log(30, "bot", 13, "user-id 42 is slow", &[("code", Value::Int(404)), ("user.id", Value::Int(42))]),
        log(40, "bot", 5, "Timeout of cache", &[("cache hit", Value::Bool(false))]),
        log(50, "db", 0, "checkpoint", &[("status", "error".into()), ("service", "shadow".into())]),
        log(60, "db", 21, "out of memory", &[("code", Value::Int(137))]),
    ];
    let mut records = records.to_vec();
    records[1].trace_id = TraceId([7; 16]);
    put_logs(&store, &records);
    store
}

/// The bodies of the records that match, oldest first.
fn check(filter: &str, expect: Expect) {
    let found = logs::search(&filled(), &ask(filter), Order::Ascending, 100, None).unwrap();
    assert_eq!(found.partial, None);
    let bodies: Vec<_> = found.value.records.iter().filter_map(|r| r.record.body.as_str()).collect();
    expect.assert_eq(&bodies.join("\n"));
}

#[test]
fn fields_find_what_they_say() {
    check(
        "service:api",
        expect![[r#"
        GET /v1/match done
        request timed out after 30s"#]],
    );
    check(
        "level>=warn",
        expect![[r#"
        request timed out after 30s
        user-id 42 is slow
        out of memory"#]],
    );
    check("level:error", expect!["request timed out after 30s"]);
    check("level:unspecified", expect!["checkpoint"]);
    check(
        "level<warn",
        expect![[r#"
        GET /v1/match done
        Timeout of cache"#]],
    );
    check(
        "-level:debug level<error",
        expect![[r#"
        GET /v1/match done
        user-id 42 is slow"#]],
    );
    check(
        "severity_text:ERR OR level:fatal",
        expect![[r#"
        request timed out after 30s
        out of memory"#]],
    );
    check("code:500", expect!["request timed out after 30s"]);
    check(
        "code:400..599",
        expect![[r#"
        request timed out after 30s
        user-id 42 is slow"#]],
    );
    check(
        "code>=404 -service:db",
        expect![[r#"
        request timed out after 30s
        user-id 42 is slow"#]],
    );
    check(
        "code:(200, 137)",
        expect![[r#"
        GET /v1/match done
        out of memory"#]],
    );
    check(
        "code!=200",
        expect![[r#"
        request timed out after 30s
        user-id 42 is slow
        Timeout of cache
        checkpoint
        out of memory"#]],
    );
    check("elapsed_ms>1s", expect!["request timed out after 30s"]);
    check("elapsed_ms:..13", expect!["GET /v1/match done"]);
    check(
        "has(user.id) OR has(\"cache hit\")",
        expect![[r#"
        user-id 42 is slow
        Timeout of cache"#]],
    );
    check("\"cache hit\":false", expect!["Timeout of cache"]);
    check("status:error", expect!["checkpoint"]);
    check("attr.service:shadow", expect!["checkpoint"]);
    check("service:shadow", expect![[r#""#]]);
    check(
        "host.name:b* resource.host.name:*-1",
        expect![[r#"
        user-id 42 is slow
        Timeout of cache"#]],
    );
    check(
        "host.name:*o*",
        expect![[r#"
        user-id 42 is slow
        Timeout of cache"#]],
    );
    check(
        "host.name~\"^(api|db)-\"",
        expect![[r#"
        GET /v1/match done
        request timed out after 30s
        checkpoint
        out of memory"#]],
    );
    check("trace_id:0707*", expect!["request timed out after 30s"]);
    check("has(trace_id)", expect!["request timed out after 30s"]);
}

#[test]
fn text_finds_words_phrases_and_patterns() {
    check("timeout", expect!["Timeout of cache"]);
    check("\"timed out\"", expect!["request timed out after 30s"]);
    check(
        "out",
        expect![[r#"
        request timed out after 30s
        out of memory"#]],
    );
    check("user-id", expect!["user-id 42 is slow"]);
    check(
        "time*",
        expect![[r#"
        request timed out after 30s
        Timeout of cache"#]],
    );
    check("*point*", expect!["checkpoint"]);
    check("\"/v1/match\"", expect!["GET /v1/match done"]);
    check("/after \\d+s/", expect!["request timed out after 30s"]);
    check("body=checkpoint", expect!["checkpoint"]);
    check(
        "-out -done",
        expect![[r#"
        user-id 42 is slow
        Timeout of cache
        checkpoint"#]],
    );
}

#[test]
fn pages_join_to_the_whole_in_both_orders() {
    let store = filled();
    for order in [Order::Ascending, Order::Descending] {
        let whole = logs::search(&store, &ask(""), order, 100, None).unwrap().value;
        assert_eq!((whole.records.len(), &whole.next_cursor), (6, &None));
        for limit in 1..=6 {
            let (mut joined, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let page = logs::search(&store, &ask(""), order, limit, cursor.as_deref()).unwrap().value;
                assert!(page.records.len() <= limit);
                joined.extend(page.records);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(joined, whole.records, "{order:?} by {limit}");
        }
    }
}

#[test]
fn a_page_stays_where_it_was_when_records_arrive() {
    let store = filled();
    let first = logs::search(&store, &ask(""), Order::Descending, 2, None).unwrap().value;
    put_logs(&store, &[log(61, "api", 9, "new", &[]), log(55, "api", 9, "late", &[])]);
    let next = logs::search(&store, &ask(""), Order::Descending, 2, first.next_cursor.as_deref()).unwrap().value;
    let bodies: Vec<_> = next.records.iter().filter_map(|r| r.record.body.as_str()).collect();
    assert_eq!(bodies, ["Timeout of cache", "user-id 42 is slow"]);
}

#[test]
fn the_range_and_the_reader_bound_what_is_seen() {
    let store = filled();
    let mut request = ask("");
    request.range = TimeRange::new(at(20), at(40));
    let found = logs::search(&store, &request, Order::Ascending, 10, None).unwrap().value;
    assert_eq!(found.records.len(), 2);
    let mut request = ask("level>=warn");
    request.access = AccessScope { services: Some(vec!["bot".into()]) };
    let found = logs::search(&store, &request, Order::Ascending, 10, None).unwrap().value;
    assert_eq!(found.records.len(), 1);
}

#[test]
fn volume_counts_levels_over_time() {
    let mut request = ask("");
    request.range = TimeRange::new(at(0), at(60));
    let volume = logs::volume(&filled(), &request, 3).unwrap().value;
    assert_eq!((volume.start, volume.step_nanos), (at(0), 20_000_000_000));
    // TRACE, DEBUG, INFO, WARN, ERROR, FATAL, UNSPECIFIED; the record at 60 s is outside.
    assert_eq!(volume.counts, [[0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0], [0, 1, 0, 0, 0, 0, 1]]);
    let errors = logs::volume(&filled(), &ask("level>=error"), 1).unwrap().value;
    assert_eq!(errors.counts, [[0, 0, 0, 0, 1, 1, 0]]);
}

#[test]
fn fields_and_their_values_are_listed() {
    let store = filled();
    let keys = fields::keys(&store, EventSignal::Logs, &ask("")).unwrap().value;
    let lines: Vec<_> =
        keys.iter().map(|k| format!("{} {} {} {}\n", k.scope.name(), k.name, k.value_type, k.count)).collect();
    expect![[r#"
        builtin service string 6
        builtin level level 6
        builtin severity_text string 6
        builtin body string 6
        builtin event_name string 6
        builtin trace_id id 6
        builtin span_id id 6
        builtin scope string 6
        resource host.name string 6
        resource service.name string 6
        record code int 3
        record cache hit bool 1
        record code string 1
        record elapsed_ms int 1
        record elapsed_ms double 1
        record service string 1
        record status string 1
        record user.id int 1
    "#]]
    .assert_eq(&lines.concat());

    let values = |name: &str, filter: &str| {
        let found = fields::values(&store, EventSignal::Logs, &ask(filter), name, None, 10).unwrap().value.values;
        found.iter().map(|v| format!("{} {}", v.value, v.count)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(values("level", "service:(api, bot)"), "debug 1, error 1, info 1, warn 1");
    assert_eq!(values("resource.host.name", "code>0"), "api-1 2, bot-1 1, db-1 1");
    assert_eq!(values("attr.service", ""), "shadow 1");
    assert_eq!(values("service", "-service:db"), "api 2, bot 2");
}

#[test]
fn unknown_fields_have_a_hint() {
    let hints = |filter: &str| {
        let found = fields::hints(&filled(), EventSignal::Logs, &ask(filter)).unwrap().value;
        found.into_iter().map(|h| (h.at.offset, h.name, h.suggestion)).collect::<Vec<_>>()
    };
    assert_eq!(hints("service:api code:200"), []);
    assert_eq!(hints("service:api userid:42"), [(12, "userid".into(), Some("user.id".into()))]);
    assert_eq!(hints("has(nothing.like.it)"), [(4, "nothing.like.it".into(), None)]);
}

#[test]
fn mistakes_are_said_with_their_place() {
    let store = filled();
    let search = |filter: &str, limit, cursor| logs::search(&store, &ask(filter), Order::Descending, limit, cursor);
    let e = search("level:eror", 10, None).unwrap_err();
    assert_eq!(
        (e.kind(), e.position().map(|p| p.offset), e.suggestion()),
        (ErrorKind::InvalidInput, Some(6), Some("error"))
    );
    assert!(matches!(search("", 0, None), Err(ReadError::OutOfBounds { parameter: "limit", .. })));
    assert!(matches!(search("", logs::LIMIT_MAX + 1, None), Err(ReadError::OutOfBounds { .. })));
    assert!(matches!(search("", 10, Some("xyz")), Err(ReadError::Cursor(_))));
    let cursor = search("", 2, None).unwrap().value.next_cursor;
    assert!(matches!(search("level:error", 2, cursor.as_deref()), Err(ReadError::Cursor(_))));
}
