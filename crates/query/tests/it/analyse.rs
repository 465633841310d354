//! The analysis form over a small hour of logs and spans.

use eventstore::query::Cell as Measured;
use model::{LogRecord, Span, SpanId, TraceId, Value};
use query::analyse::{Analysed, Cell, ColumnKind, Table, analyse};
use query::lang::pipe::Unit;
use query::{EventSignal, ReadError, fields, logs, traces};

use super::*;

/// Six log records of two services.
fn some_logs() -> Vec<LogRecord> {
    let log = |seconds, name: &str, severity, body: &str, ms: Option<i64>| LogRecord {
        time: at(seconds),
        observed_time: at(seconds),
        severity_number: severity,
        body: body.into(),
        attributes: ms.map(|ms| ("elapsed_ms".to_owned(), Value::Int(ms))).into_iter().collect(),
        resource: service(name),
        ..LogRecord::default()
    };
    vec![
        log(10, "api", 9, "user 1 logged in", Some(5)),
        log(20, "api", 9, "user 22 logged in", Some(15)),
        log(70, "api", 17, "timed out after 30s", Some(30_000)),
        log(80, "bot", 9, "user 3 logged in", None),
        log(90, "bot", 13, "queue is long", Some(40)),
        log(130, "api", 9, "user 4 logged in", Some(7)),
    ]
}

/// A trace of three services with a database, one with an error, and a lonely span.
fn some_spans() -> Vec<Span> {
    let span = |trace: u8, id: u8, parent: u8, name: &str, service_name: &str, start: i64, ms: i64| Span {
        trace_id: TraceId([trace; 16]),
        span_id: SpanId([id; 8]),
        parent_span_id: SpanId([parent; 8]),
        name: name.into(),
        kind: 2,
        start: at(start),
        end: UnixNanos(at(start).0 + ms * 1_000_000),
        resource: service(service_name),
        ..Span::default()
    };
    let mut db = span(1, 4, 3, "SELECT", "users", 1, 3);
    db.kind = 3;
    db.attributes.push(("db.system.name".into(), "postgresql".into()));
    let mut failed = span(2, 6, 5, "GET /users", "users", 61, 900);
    failed.status.code = 2;
    vec![
        span(1, 1, 0, "GET /", "web", 0, 50),
        span(1, 2, 1, "match", "api", 1, 40),
        span(1, 3, 2, "GET /users", "users", 1, 10),
        db,
        span(2, 5, 0, "GET /", "web", 60, 1_000),
        failed,
        span(3, 7, 9, "lonely", "api", 120, 1),
    ]
}

fn filled() -> EventStore {
    let store = store();
    put_logs(&store, &some_logs()[..3]);
    store.logs().flush();
    put_logs(&store, &some_logs()[3..]);
    put_spans(&store, &some_spans()[..4]);
    store.spans().flush();
    put_spans(&store, &some_spans()[4..]);
    store
}

fn table(signal: EventSignal, text: &str) -> Table {
    let found = analyse(&filled(), signal, &ask(text)).unwrap();
    assert_eq!(found.partial, None);
    match found.value {
        Analysed::Table(t) => t,
        other => panic!("{text}: {other:?}"),
    }
}

/// Cells as words.
fn rows(signal: EventSignal, text: &str) -> Vec<String> {
    let word = |cell: &Cell| match cell {
        Cell::Absent => "-".to_owned(),
        Cell::Time(t) => format!("{}s", (t.0 - at(0).0) / 1_000_000_000),
        Cell::Text(s) => s.clone(),
        Cell::Measured(Measured::Number(v)) => format!("{v}"),
        Cell::Measured(Measured::Count(n)) => n.to_string(),
        Cell::Measured(Measured::Distinct { count, exact }) => format!("{count} {exact}"),
        Cell::Measured(other) => format!("{other:?}"),
    };
    table(signal, text).rows.iter().map(|r| r.iter().map(word).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn groups_by_field_level_and_time() {
    let of = |text| rows(EventSignal::Logs, text);
    assert_eq!(of("| stats count() by service | sort -count"), ["api 4", "bot 2"]);
    assert_eq!(of("service:api | stats count() by level"), ["error 1", "info 3"]);
    assert_eq!(of("| stats count() by bucket(1m) | where count >= 2"), ["0s 2", "60s 3"]);
    assert_eq!(of("| top 1 by service"), ["api 4"]);
    assert_eq!(of("level:fatal | stats count()"), ["0"]);
    assert_eq!(of("level:fatal | stats count() by service"), [""; 0]);
    assert_eq!(
        of("| stats min(elapsed_ms), max(elapsed_ms), sum(elapsed_ms), count(elapsed_ms), p50(elapsed_ms) by service"),
        ["api 5 30000 30027 4 7", "bot 40 40 40 1 40"]
    );
    assert_eq!(of("| stats count_distinct(service) as services, count_distinct(nothing)"), ["2 true 0 true"]);
    assert_eq!(of("| stats max(elapsed_ms) by service | where max(elapsed_ms) > 1s"), ["api 30000"]);
    assert_eq!(
        of("| stats rate() by bucket(1m), service | where rate > 0.03 | sort time, -service"),
        ["0s api 0.03333333333333333", "60s bot 0.03333333333333333"]
    );
}

#[test]
fn columns_say_what_they_are() {
    let t = table(EventSignal::Traces, "| stats p95(duration), count(), avg(queue.seconds), rate() by bucket(), kind");
    let kinds: Vec<(&str, ColumnKind)> = t.columns.iter().map(|c| (c.name.as_str(), c.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("time", ColumnKind::Time),
            ("kind", ColumnKind::Key),
            ("p95(duration)", ColumnKind::Measure(Unit::Duration { nanos: 1 })),
            ("count", ColumnKind::Measure(Unit::Count)),
            ("avg(queue.seconds)", ColumnKind::Measure(Unit::Duration { nanos: 1_000_000_000 })),
            ("rate", ColumnKind::Measure(Unit::PerSecond)),
        ]
    );
    // An hour in steps of 30 seconds.
    assert_eq!(t.step_nanos, Some(30_000_000_000));
    assert_eq!(
        rows(EventSignal::Traces, "| stats count() by kind, status | sort -count"),
        ["server unset 5", "server error 1", "client unset 1"]
    );
}

#[test]
fn records_and_patterns() {
    let store = filled();
    match analyse(&store, EventSignal::Logs, &ask("service:bot | fields service, elapsed_ms | sort time"))
        .unwrap()
        .value
    {
        Analysed::Logs(fields, rows) => {
            assert_eq!(fields.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["service", "elapsed_ms"]);
            assert!(rows.is_sorted_by_key(|r| r.id) && rows.len() == 2);
            assert_eq!(query::record::log_value(&rows[1].record, &fields[1].1), Some(Value::Int(40)));
        }
        other => panic!("{other:?}"),
    }
    match analyse(&store, EventSignal::Logs, &ask("| patterns | limit 1")).unwrap().value {
        Analysed::Patterns(p) => {
            assert_eq!((p.distinct, p.records, p.patterns.len()), (3, 6, 1));
            assert_eq!((p.patterns[0].template.as_str(), p.patterns[0].count), ("user <*> logged in", 4));
            assert_eq!(p.patterns[0].counts.iter().sum::<u64>(), 4);
        }
        other => panic!("{other:?}"),
    }
    let too_fine = analyse(&store, EventSignal::Logs, &ask("| stats count() by bucket(1ms)"));
    assert!(matches!(too_fine, Err(ReadError::OutOfBounds { parameter: "bucket", .. })), "{too_fine:?}");
}

#[test]
fn several_spans_of_a_trace_can_be_asked_for() {
    let store = filled();
    let found = |text: &str| -> Vec<u8> {
        let page = traces::search(&store, &ask(text), 10, None).unwrap();
        assert_eq!(page.partial, None);
        page.value.traces.iter().map(|t| t.trace_id.0[0]).collect()
    };
    assert_eq!(found("service:users status:error"), [2]);
    assert_eq!(found("service:web status:error"), [0; 0]);
    assert_eq!(found("{service:web} {status:error}"), [2]);
    assert_eq!(found("root{service:web}"), [2, 1]);
    assert_eq!(found("root{service:web} service:api"), [1]);
    assert_eq!(found("root{} -{service:api}"), [2]);
    assert_eq!(found("-root{}"), [3]);
    assert_eq!(found("{name:lonely} OR {db.system.name:postgresql}"), [3, 1]);
    // Page by page.
    let first = traces::search(&store, &ask("root{service:web} {kind:server}"), 1, None).unwrap().value;
    let second =
        traces::search(&store, &ask("root{service:web} {kind:server}"), 1, first.next_cursor.as_deref()).unwrap().value;
    assert_eq!((first.traces[0].trace_id.0[0], second.traces[0].trace_id.0[0]), (2, 1));
    assert_eq!(second.next_cursor, None);
}

#[test]
fn the_map_has_services_and_databases() {
    let map = traces::service_map(&filled(), &ask("")).unwrap().value;
    let edges: Vec<String> =
        map.edges.iter().map(|e| format!("{} {} {:?} {} {}", e.client, e.server, e.peer, e.calls, e.errors)).collect();
    assert_eq!(
        edges,
        ["api users Service 1 0", "users postgresql Database 1 0", "web api Service 1 0", "web users Service 1 1"]
    );
    assert_eq!(map.unresolved, 1);
    let failed = traces::service_map(&filled(), &ask("status:error")).unwrap().value;
    assert_eq!((failed.edges.len(), failed.edges[0].p50_nanos.abs_diff(900_000_000) < 900_000_000 / 64), (1, true));
}

#[test]
fn a_heat_map_counts_every_span_once() {
    let map = traces::heat_map(&filled(), &ask(""), 60).unwrap().value;
    assert_eq!((map.columns, map.step_nanos), (60, 60_000_000_000));
    assert_eq!(map.cells.iter().map(|c| c.2).sum::<u64>(), 7);
    // 900 ms and 1 s lie in one row of the second minute.
    assert!(
        map.rows.is_sorted()
            && map.cells.iter().any(|(column, row, n)| (*column, *n) == (1, 2) && map.rows[*row] > 700_000_000)
    );
}

#[test]
fn context_is_the_stream_of_the_record() {
    let store = filled();
    let page =
        logs::search(&store, &ask("\"timed out\""), eventstore::query::Order::Descending, 1, None).unwrap().value;
    let id = page.records[0].id;
    let context = logs::context(&store, &ask(""), id, 1, 5).unwrap().value;
    let bodies = |rows: &[eventstore::query::Row<LogRecord>]| -> Vec<String> {
        rows.iter().filter_map(|r| r.record.body.as_str().map(str::to_owned)).collect()
    };
    assert_eq!(bodies(&context.before), ["user 22 logged in"]);
    assert_eq!(bodies(&context.after), ["user 4 logged in"]);
    assert_eq!(context.record.id, id);
    assert_eq!(
        context.stream,
        [("service".to_owned(), "api".to_owned()), ("host.name".to_owned(), "api-1".to_owned())]
    );
    let gone = eventstore::query::RowId { seq: 999, ..id };
    assert_eq!(logs::context(&store, &ask(""), gone, 1, 1), Err(ReadError::RecordNotFound(gone)));
}

#[test]
fn pages_go_both_ways() {
    use eventstore::query::Order;
    let store = filled();
    let all = logs::search(&store, &ask(""), Order::Descending, 10, None).unwrap().value;
    let first = logs::search(&store, &ask(""), Order::Descending, 2, None).unwrap().value;
    let second = logs::search(&store, &ask(""), Order::Descending, 2, first.next_cursor.as_deref()).unwrap().value;
    let back = logs::search(&store, &ask(""), Order::Ascending, 10, second.prev_cursor.as_deref()).unwrap().value;
    let mut newer: Vec<_> = back.records.iter().map(|r| r.id).collect();
    newer.reverse();
    assert_eq!(newer, all.records[..2].iter().map(|r| r.id).collect::<Vec<_>>());
    // Nothing is newer than the newest, until something arrives.
    let newest = first.prev_cursor.as_deref();
    assert!(logs::search(&store, &ask(""), Order::Ascending, 10, newest).unwrap().value.records.is_empty());
    put_logs(&store, &[LogRecord { time: at(200), ..some_logs()[0].clone() }]);
    assert_eq!(logs::search(&store, &ask(""), Order::Ascending, 10, newest).unwrap().value.records.len(), 1);
}

#[test]
fn an_export_has_every_record_once_oldest_first() {
    use query::export::{Records, page};
    let store = filled();
    let mut times = Vec::new();
    for signal in [EventSignal::Logs, EventSignal::Traces] {
        let mut cursor: Option<String> = None;
        let mut here = Vec::new();
        loop {
            let found = page(&store, &ask(""), signal, 2, cursor.as_deref()).unwrap();
            assert!(found.partial.is_none() && found.value.records.len() <= 2);
            match found.value.records {
                Records::Logs(records) => here.extend(records.iter().map(|r| r.time)),
                Records::Spans(spans) => here.extend(spans.iter().map(|s| s.start)),
            }
            let Some(next) = found.value.next_cursor else { break };
            // A cursor of logs is none of spans.
            let other = if signal == EventSignal::Logs { EventSignal::Traces } else { EventSignal::Logs };
            assert!(page(&store, &ask(""), other, 2, Some(&next)).is_err());
            cursor = Some(next);
        }
        assert!(here.is_sorted());
        times.push(here.len());
    }
    let spans = store.spans().latest(
        &eventstore::query::Select::all(TimeRange::ALL, limits()),
        &eventstore::query::Page { order: eventstore::query::Order::Ascending, limit: 100, after: None },
    );
    assert_eq!(times, [some_logs().len(), spans.unwrap().value.rows.len()]);
    assert!(page(&store, &ask("level:eror"), EventSignal::Logs, 2, None).is_err());
}

#[test]
fn facets_prefixes_and_histograms() {
    let store = filled();
    let facets =
        fields::facets(&store, EventSignal::Logs, &ask("service:api"), &["level", "elapsed_ms"], 2).unwrap().value;
    let value = |f: &fields::Facet| f.values.iter().map(|v| format!("{}:{}", v.value, v.count)).collect::<Vec<_>>();
    assert_eq!(value(&facets[0]), ["info:3", "error:1"]);
    assert_eq!((facets[0].distinct, facets[1].values.len(), facets[1].distinct), (2, 2, 4));
    // Of six records one is without the field: no value, listed or not.
    for limit in [2, 10] {
        let all = fields::facets(&store, EventSignal::Logs, &ask(""), &["elapsed_ms"], limit).unwrap().value;
        assert_eq!((all[0].values.len(), all[0].distinct), (limit.min(5), 5));
    }
    let begins = |prefix| {
        let found =
            fields::values(&store, EventSignal::Traces, &ask(""), "name", Some(prefix), 10).unwrap().value.values;
        found.into_iter().map(|v| v.value).collect::<Vec<_>>()
    };
    assert_eq!(begins("GET"), ["GET /", "GET /users"]);
    assert_eq!(begins("nothing"), [""; 0]);
    let found = fields::histogram(&store, EventSignal::Logs, &ask(""), Some("level"), 60).unwrap().value;
    let groups: Vec<(&str, u64)> = found.groups.iter().map(|g| (g.value.as_str(), g.counts.iter().sum())).collect();
    assert_eq!(groups, [("info", 4), ("error", 1), ("warn", 1)]);
}

#[test]
fn wrong_names_are_hinted_at() {
    let store = filled();
    let hints = |text| fields::hints(&store, EventSignal::Logs, &ask(text)).unwrap().value;
    let found = hints("elapsed_mss>5 service:x | stats count() by host.nam");
    let names: Vec<(&str, Option<&str>)> = found.iter().map(|h| (h.name.as_str(), h.suggestion.as_deref())).collect();
    assert_eq!(names, [("elapsed_mss", Some("elapsed_ms")), ("host.nam", Some("host.name"))]);
    assert!(hints("service:x level:error").is_empty());
}

#[test]
fn a_tail_sees_what_arrives() {
    let store = filled();
    let tail = |since| logs::tail(&store, &ask("level>=warn"), at(300), since, 1).unwrap().value;
    let begin = tail(None);
    assert_eq!((begin.matched, begin.since), (0, 6));
    assert_eq!(tail(Some(begin.since)).matched, 0);
    let new = |seconds, severity| LogRecord { time: at(seconds), severity_number: severity, ..some_logs()[0].clone() };
    put_logs(&store, &[new(301, 17), new(299, 13), new(300, 5)]);
    let found = tail(Some(begin.since));
    assert_eq!((found.matched, found.records.len(), found.since), (2, 1, 9));
    assert_eq!(tail(Some(found.since)).matched, 0);
}
