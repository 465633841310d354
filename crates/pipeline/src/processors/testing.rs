//! Requests and processors for tests: settings as YAML, trees as short texts.

use std::sync::Arc;

use model::Signal;
use wire::otlp::tree::{
    Attributes, Data, LogRecord, Metric, Number, NumberPoint, OfResource, OfScope, Resource, Span, SpanId, Temporality,
    TraceId, Tree as Of, Value,
};
use yaml::Findings;

use crate::component::{ComponentId, Kind, Processor, ProcessorFactory, Setup, Step};
use crate::telemetry::{Telemetry, Tree};

/// Builds a processor from YAML; the findings as text when it is refused.
pub(crate) fn built(factory: &ProcessorFactory, signal: Signal, yaml: &str) -> Result<Step, String> {
    let node = yaml::parse("test.yaml", yaml).unwrap();
    let id: ComponentId = factory.names[0].parse().unwrap();
    let mut findings = Findings::default();
    let step = (factory.build)(&mut Setup::new(Kind::Processor, &id, &node, &mut findings), signal);
    step.map_err(|_| {
        let line = |f: &&yaml::Finding| f.to_string();
        findings.sorted().iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

/// A processor of one request at a time.
pub(crate) fn processor(factory: &ProcessorFactory, signal: Signal, yaml: &str) -> Arc<dyn Processor> {
    match built(factory, signal, yaml).unwrap_or_else(|e| panic!("{e}")) {
        Step::Each(processor) => processor,
        Step::Stage(_) => panic!("it is a stage"),
    }
}

/// Sends a request through a processor.
pub(crate) fn process(processor: &dyn Processor, tree: impl Into<Tree>) -> Option<Tree> {
    processor.process(Telemetry::of(tree)).unwrap().map(|t| t.into_tree().unwrap())
}

/// What one service sent.
pub(crate) fn of_service<R>(service: &str, records: Vec<R>) -> Of<R> {
    let resource = Resource { attributes: [("service.name", service)].into_iter().collect(), ..Resource::default() };
    let scopes = vec![OfScope { records, ..OfScope::default() }];
    Of { resources: vec![OfResource { resource, scopes, ..OfResource::default() }] }
}

/// A span of trace `trace`, with this id.
pub(crate) fn span(trace: u8, id: u8, name: &str) -> Span {
    Span {
        trace_id: TraceId::from([trace; 16]),
        span_id: SpanId::from([id; 8]),
        name: name.into(),
        kind: 2,
        start_time_unix_nano: 1_000_000_000,
        end_time_unix_nano: 1_100_000_000,
        ..Span::default()
    }
}

/// A log record.
pub(crate) fn log(body: &str) -> LogRecord {
    LogRecord { body: body.into(), time_unix_nano: 1_000_000_000, ..LogRecord::default() }
}

/// A sum of one point.
pub(crate) fn sum(name: &str, value: i64, temporality: Temporality) -> Metric {
    let point =
        NumberPoint { value: Some(Number::Int(value)), time_unix_nano: 2_000_000_000, ..NumberPoint::default() };
    Metric {
        name: name.into(),
        data: Data::Sum { points: vec![point], temporality, monotonic: true },
        ..Metric::default()
    }
}

/// Attributes.
pub(crate) fn attributes<const N: usize>(pairs: [(&str, Value); N]) -> Attributes {
    pairs.into_iter().collect()
}

/// `a=1 b=x`.
pub(crate) fn shown(attributes: &Attributes) -> String {
    attributes.iter().map(|(k, v)| format!("{k}={}", v.to_text())).collect::<Vec<_>>().join(" ")
}
