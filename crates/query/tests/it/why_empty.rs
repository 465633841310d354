//! Reasons of empty answers.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use foundation::clock::ManualClock;
use model::{Labels, LogRecord, Span, SpanId, TraceId};
use query::EventSignal;
use query::metrics::Ask;
use query::why_empty::{Reason, WhyEmpty, events, metrics};
use tsdb::{Options, Tsdb};

use super::*;

fn log(seconds: i64, name: &str, severity: u8, body: &str) -> LogRecord {
    LogRecord {
        time: at(seconds),
        observed_time: at(seconds),
        severity_number: severity,
        body: body.into(),
        resource: service(name),
        ..LogRecord::default()
    }
}

fn filled() -> EventStore {
    let store = store();
    let logs: Vec<LogRecord> =
        (0..40).map(|i| log(i, ["api", "bot"][i as usize % 2], if i < 4 { 17 } else { 9 }, "logged in")).collect();
    put_logs(&store, &logs);
    store.logs().flush();
    put_logs(&store, &[log(2000, "late", 9, "again")]);
    store
}

fn why(filter: &str, range: (i64, i64)) -> WhyEmpty {
    let request = Request { range: TimeRange::new(at(range.0), at(range.1)), ..ask(filter) };
    events(&filled(), EventSignal::Logs, &request).unwrap()
}

fn terms(why: &WhyEmpty) -> Vec<(&str, u64)> {
    why.terms.iter().map(|t| (t.text.as_str(), t.without)).collect()
}

#[test]
fn each_term_says_what_it_takes_away() {
    let found = why("service:api level:fatal", (0, 100));
    assert_eq!(found.reason, Reason::Filtered);
    assert_eq!(terms(&found), [("level:fatal", 20), ("service:api", 0)]);
    assert_eq!(found.sentence, "20 log records match without `level:fatal`");
    let at = found.terms[0].at.unwrap();
    assert_eq!((at.offset, at.length), (12, 11));
    let found = why("(service:x OR service:y) level:error | stats count()", (0, 100));
    assert_eq!(terms(&found), [("(service:x OR service:y)", 4), ("level:error", 0)]);
    assert_eq!(terms(&why("level:fatal", (0, 100))), [("level:fatal", 40)]);
}

#[test]
fn what_lies_elsewhere_is_out_of_range() {
    let found = why("service:late", (0, 100));
    assert_eq!((found.reason, found.newest), (Reason::OutOfRange, Some(at(2000))));
    let found = why("service:api", (500, 600));
    assert_eq!((found.reason, found.oldest, found.newest), (Reason::OutOfRange, Some(at(0)), Some(at(38))));
    assert_eq!(why("", (500, 600)).reason, Reason::OutOfRange);
    // The newest of the signal when nothing matches anywhere.
    let found = why("service:nobody", (0, 100));
    assert_eq!((found.reason, found.newest), (Reason::Filtered, Some(at(2000))));
    assert_eq!(why("service:api | where count > 5".split(" |").next().unwrap(), (0, 100)).reason, Reason::Present);
}

#[test]
fn a_signal_that_never_came_says_so() {
    let found = events(&filled(), EventSignal::Traces, &ask("service:api")).unwrap();
    assert_eq!(found.reason, Reason::NeverReceived);
}

#[test]
fn filters_of_traces_are_counted_in_traces() {
    let store = store();
    let span = |id: u8, parent: u8, name: &str| Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([id; 8]),
        parent_span_id: SpanId([parent; 8]),
        name: name.into(),
        start: at(1),
        end: at(2),
        resource: service("api"),
        ..Span::default()
    };
    put_spans(&store, &[span(1, 0, "GET"), span(2, 1, "SELECT")]);
    let found = events(&store, EventSignal::Traces, &ask("{name:GET} {name:DELETE}")).unwrap();
    assert_eq!(found.reason, Reason::Filtered);
    assert_eq!(terms(&found), [("{name:DELETE}", 1), ("{name:GET}", 0)]);
}

/// Two services count requests for ten minutes.
fn db() -> Tsdb {
    let clock = ManualClock::new(at(600));
    let db = Tsdb::open(Arc::new(SimDisk::new(1)), Arc::new(clock), Options::new("metrics")).unwrap();
    let mut samples = Vec::new();
    for step in 0..=40 {
        for (service, code) in [("api", "200"), ("api", "500"), ("bot", "200")] {
            let labels =
                Labels::from_pairs([("__name__", "http_requests_total"), ("service", service), ("status_code", code)]);
            samples.push((labels, at(step * 15).as_millis(), step as f64));
        }
    }
    samples.push((Labels::from_pairs([("__name__", "young_total")]), at(590).as_millis(), 1.0));
    let late = Labels::from_pairs([("__name__", "late_total"), ("service", "api")]);
    samples.push((late, at(590).as_millis(), 1.0));
    db.append_wait(samples).unwrap();
    db
}

fn why_metrics(query: &str, range: (i64, i64)) -> WhyEmpty {
    let ask = Ask::new(AccessScope::ALL, Instant::now() + Duration::from_secs(60), Arc::new(AtomicBool::new(false)));
    metrics(&db(), &ask, query, (at(range.0).as_millis(), at(range.1).as_millis())).unwrap()
}

#[test]
fn names_that_do_not_exist_are_repaired() {
    let all = (0, 600);
    let fix = |query: &str| {
        let found = why_metrics(query, all);
        assert_eq!(found.reason, Reason::LabelMismatch, "{query}");
        let first = found.mismatches[0].clone();
        (first.message, first.fixed_query.unwrap_or_default())
    };
    assert_eq!(
        fix("sum(rate(http_requests_total{status=~\"5..\"}[5m]))"),
        (
            "no series of `http_requests_total` has a label `status`".to_owned(),
            "sum(rate(http_requests_total{status_code=~\"5..\"}[5m]))".to_owned()
        )
    );
    assert_eq!(
        fix("rate(http_request_total[5m])"),
        ("no metric is called `http_request_total`".to_owned(), "rate(http_requests_total[5m])".to_owned())
    );
    assert_eq!(
        fix("http_requests_total{service=\"apy\"}"),
        (
            "no series of `http_requests_total` has `service=\"apy\"`".to_owned(),
            "http_requests_total{service=\"api\"}".to_owned()
        )
    );
    let found = why_metrics("http_requests_total{status_code=~\"4..\"}", all);
    assert_eq!((found.mismatches[0].similar.len(), &found.mismatches[0].fixed_query), (2, &None));
}

#[test]
fn windows_ends_and_combinations() {
    let found = why_metrics("rate(young_total[1m])", (540, 600));
    assert_eq!(found.reason, Reason::Waiting);
    assert_eq!(found.waiting.map(|w| (w.samples, w.samples_needed, w.next)), Some((1, 2, None)));
    // The other metric of its service comes every fifteen seconds.
    let found = why_metrics("rate(late_total[1m])", (540, 600));
    assert_eq!(found.waiting.and_then(|w| w.next), Some(at(605)));
    let found = why_metrics("http_requests_total", (3000, 3600));
    assert_eq!((found.reason, found.newest), (Reason::OutOfRange, Some(at(600))));
    assert_eq!(found.oldest, Some(at(0)));
    let found = why_metrics("http_requests_total{service=\"bot\",status_code=\"500\"}", (0, 600));
    assert_eq!(found.reason, Reason::Filtered);
    assert_eq!(terms(&found), [("service=\"bot\"", 1), ("status_code=\"500\"", 1)]);
    assert_eq!(why_metrics("http_requests_total > 1e9", (0, 600)).reason, Reason::Present);
    assert_eq!(why_metrics("vector(1) > 2", (0, 600)).reason, Reason::Present);
}
