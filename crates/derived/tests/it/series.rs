//! The series that come out: names, labels, values, exemplars.

use std::time::Duration;

use foundation::clock::ManualClock;
use foundation::disk::sim::SimDisk;
use model::trace::{Event, Status};
use model::{AccessScope, Span};
use tsdb::{MatchOp, Matcher, ReadLimits};

use crate::support::{START, Server, open, span};

fn server() -> Server {
    open(&SimDisk::new(1), &SimDisk::new(2), &ManualClock::new(START))
}

/// The last value of every series of a metric, as Prometheus prints it.
fn lines(server: &Server, name: &str) -> Vec<String> {
    let line = |s: tsdb::SeriesData| format!("{} {}", s.labels, s.samples.last().map_or(f64::NAN, |x| x.v));
    server.series(name).into_iter().map(line).collect()
}

fn failed(mut s: Span) -> Span {
    s.status = Status { code: 2, message: String::new() };
    let text = |key: &str, value: &str| (key.to_owned(), value.into());
    s.events.push(Event {
        name: "exception".to_owned(),
        time: START,
        attributes: vec![text("exception.type", "Timeout"), text("exception.message", "after 5 s")],
        ..Event::default()
    });
    s
}

#[test]
fn a_request_through_two_services_gives_the_series_of_the_connectors() {
    let server = server();
    let root = span("web", "GET /", 1, 1, 0);
    let client =
        Span { kind: 3, name: "GET".to_owned(), end: START.plus(Duration::from_millis(7)), ..span("web", "", 1, 2, 1) };
    let call = failed(span("api", "GET /users", 1, 3, 2));
    server.ingest(&[root, client, call]).unwrap();
    server.step();
    assert_eq!(
        lines(&server, "traces_span_metrics_calls_total"),
        [
            r#"traces_span_metrics_calls_total{service="api", service_name="api", span_kind="SPAN_KIND_SERVER", span_name="GET /users", status_code="STATUS_CODE_ERROR"} 1"#,
            r#"traces_span_metrics_calls_total{service="web", service_name="web", span_kind="SPAN_KIND_CLIENT", span_name="GET", status_code="STATUS_CODE_UNSET"} 1"#,
            r#"traces_span_metrics_calls_total{service="web", service_name="web", span_kind="SPAN_KIND_SERVER", span_name="GET /", status_code="STATUS_CODE_UNSET"} 1"#,
        ]
    );
    let buckets = server.series("traces_span_metrics_duration_milliseconds_bucket");
    let of_client: Vec<(String, f64)> = buckets
        .iter()
        .filter(|s| s.labels.get("span_kind") == "SPAN_KIND_CLIENT")
        .map(|s| (s.labels.get("le").to_owned(), s.samples.last().unwrap().v))
        .collect();
    assert_eq!(of_client.len(), 17);
    let below = |le: &str| of_client.iter().find(|(b, _)| b == le).map(|(_, v)| *v);
    assert_eq!((below("6"), below("8"), below("15000"), below("+Inf")), (Some(0.0), Some(1.0), Some(1.0), Some(1.0)));
    assert_eq!(server.series("traces_span_metrics_duration_milliseconds_sum")[1].samples.last().unwrap().v, 7.0);

    assert_eq!(
        lines(&server, "traces_service_graph_request_total"),
        [
            r#"traces_service_graph_request_total{client="user", connection_type="virtual_node", server="web"} 1"#,
            r#"traces_service_graph_request_total{client="web", server="api"} 1"#,
        ]
    );
    assert_eq!(
        lines(&server, "traces_service_graph_request_failed_total")[1],
        r#"traces_service_graph_request_failed_total{client="web", server="api"} 1"#
    );
    assert_eq!(server.series("traces_service_graph_request_client_seconds_sum")[1].samples.last().unwrap().v, 0.007);
    assert_eq!(server.series("traces_service_graph_request_server_seconds_count").len(), 2);

    let exceptions = lines(&server, "traces_exceptions_total");
    assert_eq!(exceptions.len(), 1);
    assert!(exceptions[0].contains(r#"exception_type="Timeout", service="api""#), "{exceptions:?}");
    let [(id, group)] = &server.derived.error_groups(|_| true)[..] else { panic!("not one group") };
    assert!(exceptions[0].contains(&format!("{id:016x}")));
    assert_eq!((group.normalised.as_str(), group.count, group.span_name.as_str()), ("after <num> s", 1, "GET /users"));

    let exemplars = server.metrics.exemplars(
        &AccessScope::ALL,
        &[Matcher::new("__name__", MatchOp::Eq, "traces_span_metrics_duration_milliseconds_bucket")],
        (i64::MIN, i64::MAX),
        ReadLimits::default(),
    );
    let exemplars = exemplars.unwrap();
    let of_client = exemplars.iter().find(|s| s.labels.get("span_kind") == "SPAN_KIND_CLIENT").unwrap();
    assert_eq!(of_client.labels.get("le"), "8");
    assert_eq!((of_client.exemplars[0].value, of_client.exemplars[0].span_id.0), (7.0, 2u64.to_le_bytes()));
    assert_eq!(server.metrics.metadata()["traces_span_metrics_calls_total"].kind, tsdb::MetricType::Counter);
}

#[test]
fn totals_go_on_where_they_were_and_begin_with_a_zero() {
    let server = server();
    for _ in 0..3 {
        server.ingest(&[span("web", "GET /", 1, 1, 0)]).unwrap();
        server.step();
    }
    let series = server.series("traces_span_metrics_calls_total");
    let values: Vec<f64> = series[0].samples.iter().map(|s| s.v).collect();
    assert_eq!(values, [0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn what_the_metrics_engine_could_not_take_is_written_at_the_next_step() {
    let (disk, metrics) = (SimDisk::new(1), SimDisk::new(2));
    let server = open(&disk, &metrics, &ManualClock::new(START));
    server.ingest(&[span("web", "GET /", 1, 1, 0)]).unwrap();
    server.settle();
    metrics.fail_writes_after(0);
    server.clock.advance(crate::support::STEP);
    use foundation::clock::Clock as _;
    assert!(server.derived.write(&server.metrics, server.clock.now()).is_err());
    assert!(server.derived.stats().samples_refused > 0);
    metrics.heal();
    server.step();
    let values: Vec<f64> = server.series("traces_span_metrics_calls_total")[0].samples.iter().map(|s| s.v).collect();
    assert_eq!(values, [0.0, 1.0]);
}
