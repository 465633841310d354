//! Spans in, metrics as text out.

use wire::otlp::tree::{Data, Event, Metrics};

use super::super::periodic::Counts as _;
use super::super::testing::with_setup;
use super::*;
use crate::processors::testing::{of_service, shown, span};

fn counted(yaml: &str) -> Counted {
    let (config, shape) = with_setup(yaml, Config::read).unwrap_or_else(|e| panic!("{e}"));
    Counted::new(config, shape, 5)
}

fn told(metrics: &Metrics) -> Vec<String> {
    let mut out = vec![];
    for m in metrics.records() {
        match &m.data {
            Data::Sum { points, .. } => {
                out.extend(
                    points.iter().map(|p| format!("{} {} {:?}", m.name, shown(&p.attributes), p.value.unwrap())),
                );
            }
            Data::Histogram { points, .. } => {
                out.extend(points.iter().map(|p| format!("{} {:?} {}", m.name, p.sum.unwrap().round(), p.count)));
            }
            Data::Exponential { points, .. } => out.extend(points.iter().map(|p| {
                let buckets = &p.positive.as_ref().unwrap().bucket_counts;
                format!("{} scale {} {:?} {buckets:?} {:?}", m.name, p.scale, p.sum.unwrap().round(), p.max.unwrap())
            })),
            other => panic!("{other:?}"),
        }
    }
    out.sort();
    out
}

const BASE: &str = "service.name=shop span.name=GET span.kind=SPAN_KIND_SERVER status.code=STATUS_CODE";

#[test]
fn spans_are_counted_with_their_durations_and_what_they_stand_for() {
    let mut c = counted("{dimensions: [{name: http.route, default: none}], exemplars: {enabled: true}}");
    let mut failed = span(1, 2, "GET");
    failed.status.code = 2;
    failed.trace_state = "ot=th:c".into();
    c.add(&of_service("shop", vec![span(1, 1, "GET"), span(1, 3, "GET"), failed]), 10);
    let expected = [
        format!("traces.span.metrics.calls {BASE}_ERROR http.route=none Int(4)"),
        format!("traces.span.metrics.calls {BASE}_UNSET http.route=none Int(2)"),
        "traces.span.metrics.duration 200.0 2".to_owned(),
        "traces.span.metrics.duration 400.0 4".to_owned(),
    ];
    let metrics = c.metrics(20);
    assert_eq!(told(&metrics), expected);
    let exemplars: Vec<usize> = metrics
        .records()
        .flat_map(|m| match &m.data {
            Data::Sum { points, .. } => points.iter().map(|p| p.exemplars.len()).collect(),
            Data::Histogram { points, .. } => points.iter().map(|p| p.exemplars.len()).collect(),
            _ => vec![],
        })
        .collect();
    assert_eq!(exemplars.iter().sum::<usize>(), 6, "three spans, twice");
    c.sent();
    assert_eq!(told(&c.metrics(30)), expected, "cumulative");
}

#[test]
fn deltas_begin_anew_when_they_were_taken_and_series_have_a_limit() {
    let mut c = counted(
        "{aggregation_temporality: DELTA, histogram: {disable: true}, aggregation_cardinality_limit: 1, exclude_dimensions: [span.kind, status.code], namespace: ''}",
    );
    c.add(&of_service("s", vec![span(1, 1, "a"), span(1, 2, "b"), span(1, 3, "c")]), 10);
    let expected = ["calls otel.metric.overflow=true Int(2)", "calls service.name=s span.name=a Int(1)"];
    assert_eq!(told(&c.metrics(20)), expected);
    assert_eq!(told(&c.metrics(21)), expected, "what was refused is sent again");
    // What comes while they are on their way belongs to the next ones.
    c.add(&of_service("s", vec![span(1, 4, "a")]), 22);
    c.sent();
    let next = c.metrics(25);
    assert_eq!(told(&next), ["calls service.name=s span.name=a Int(1)"]);
    let Data::Sum { points, .. } = &next.records().next().unwrap().data else { panic!() };
    assert_eq!((points[0].start_time_unix_nano, points[0].time_unix_nano), (21, 25));
    c.sent();
    assert!(c.metrics(30).is_empty());
}

#[test]
fn exponential_buckets_hold_what_they_may() {
    let mut c = counted("{histogram: {exponential: {max_size: 4}}, namespace: ''}");
    let of = |id: u8, millis: u64| {
        let mut s = span(1, id, "GET");
        s.end_time_unix_nano = s.start_time_unix_nano + millis * 1_000_000;
        s
    };
    c.add(&of_service("shop", vec![of(1, 1), of(2, 2), of(3, 3), of(4, 9)]), 10);
    // Scale 0: up to 1, 2, 4, 8 and 16 milliseconds would be five buckets, so that neighbours are joined.
    assert_eq!(told(&c.metrics(20))[1], "duration scale -1 15.0 [1, 2, 1] 9.0");
}

#[test]
fn events_calls_and_durations_have_labels_of_their_own() {
    let mut c = counted(
        "{namespace: '', exclude_dimensions: [span.kind, status.code], events: {enabled: true, dimensions: [{name: exception.type}]}, \
         calls_dimensions: [{name: region}], histogram: {dimensions: [{glob: 'http.*'}]}, include_instrumentation_scope: [lib]}",
    );
    let mut s = span(1, 1, "GET");
    s.attributes.set("region", "eu");
    s.attributes.set("http.route", "/");
    s.attributes.set("http.code", 200);
    s.events = ["IOError", "IOError", ""]
        .map(|of| Event {
            attributes: [("exception.type", of)].into_iter().filter(|(_, v)| !v.is_empty()).collect(),
            ..Event::default()
        })
        .into();
    let mut traces = of_service("shop", vec![s]);
    traces.resources[0].scopes[0].scope.name = "lib".into();
    traces.resources[0].scopes[0].scope.version = "2".into();
    c.add(&traces, 10);
    let metrics = c.metrics(20);
    let base =
        "service.name=shop span.name=GET span.instrumentation.scope.name=lib span.instrumentation.scope.version=2";
    let told = told(&metrics);
    assert_eq!(told[0], format!("calls {base} region=eu Int(1)"));
    assert_eq!(told[2..], [format!("events {base} Int(1)"), format!("events {base} exception.type=IOError Int(2)")]);
    let Data::Histogram { points, .. } = &metrics.records().find(|m| m.name == "duration").unwrap().data else {
        panic!()
    };
    assert_eq!(shown(&points[0].attributes), format!("{base} http.route=/ http.code=200"));
}

#[test]
fn series_and_resources_are_forgotten_each_in_its_time() {
    let second = 1_000_000_000;
    let mut c = counted("{namespace: '', histogram: {disable: true}, series_expiration: 5s, metrics_expiration: 10s}");
    c.add(&of_service("a", vec![span(1, 1, "x"), span(1, 2, "y")]), 0);
    c.add(&of_service("b", vec![span(1, 1, "x")]), 0);
    c.add(&of_service("a", vec![span(1, 3, "y")]), 4 * second);
    assert_eq!(c.metrics(4 * second).records().map(|m| m.data.len()).sum::<usize>(), 3);
    let left = c.metrics(6 * second);
    assert_eq!(told(&left).len(), 1, "{:?}", told(&left));
    let mut c = counted("{namespace: '', histogram: {disable: true}, metrics_expiration: 10s}");
    c.add(&of_service("a", vec![span(1, 1, "x"), span(1, 2, "y")]), 0);
    c.add(&of_service("a", vec![span(1, 3, "y")]), 4 * second);
    assert_eq!(told(&c.metrics(14 * second)).len(), 2, "a resource keeps its series");
    assert!(c.metrics(15 * second).is_empty());
}

#[test]
fn metrics_need_not_have_the_resource() {
    let mut c = counted("{namespace: '', histogram: {disable: true}, add_resource_attributes: false}");
    c.add(&of_service("a", vec![span(1, 1, "x")]), 0);
    c.add(&of_service("b", vec![span(1, 1, "x")]), 0);
    let metrics = c.metrics(1);
    assert_eq!((metrics.resources.len(), metrics.resources[0].resource.attributes.len()), (1, 0));
    assert_eq!(told(&metrics).len(), 2);
}

#[test]
fn mistakes_are_told() {
    for (yaml, message) in [
        ("histogram: {unit: us}", "`ms` or `s`"),
        ("histogram: {explicit: {buckets: [2s, 1s]}}", "must rise"),
        ("aggregation_temporality: x", "AGGREGATION_TEMPORALITY_DELTA"),
        ("histogram: {exponential: {max_size: 1}}", "between 2 and 16384"),
        ("histogram: {exponential: {}, explicit: {}}", "keep one"),
        ("events: {enabled: true}", "list at least one"),
        ("dimensions: [{name: span.kind}]", "`span.kind` is a label already"),
        (
            "{dimensions: [{name: a}], calls_dimensions: [{name: a}]}",
            "calls_dimensions[0].name: `a` is a label already",
        ),
        ("dimensions: [{default: x}]", "it has no `name`"),
        ("dimensions: [{glob: '['}]", "dimensions[0].glob"),
        ("dimensions: [{glob: 'x*', name: y}]", "keep one"),
    ] {
        let said = with_setup(yaml, Config::read).err().unwrap();
        assert!(said.contains(message), "{yaml}: {said}");
    }
}
