//! The tree keeps what the official messages hold, and writes the bytes that they write.

use model::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message;
use wire::otlp::tree::{self, Logs, Metrics, Record, Traces, Tree};

use crate::requests;
use crate::shuffle::{Rng, shuffled};

/// Every attribute has a value, as the canonical form wants it.
fn attributes(all: &mut [KeyValue]) {
    for kv in all {
        value(kv.value.get_or_insert_default());
    }
}

fn value(v: &mut AnyValue) {
    match &mut v.value {
        Some(Value::ArrayValue(array)) => array.values.iter_mut().for_each(value),
        Some(Value::KvlistValue(map)) => attributes(&mut map.values),
        _ => {}
    }
}

/// What says nothing is not there.
fn owners(resource: &mut Option<Resource>, scopes: Vec<&mut Option<InstrumentationScope>>) {
    if let Some(r) = resource {
        attributes(&mut r.attributes);
    }
    *resource = resource.take().filter(|r| *r != Resource::default());
    for scope in scopes {
        if let Some(s) = scope {
            attributes(&mut s.attributes);
        }
        *scope = scope.take().filter(|s| *s != InstrumentationScope::default());
    }
}

fn canonical_traces(mut request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    for r in &mut request.resource_spans {
        owners(&mut r.resource, r.scope_spans.iter_mut().map(|s| &mut s.scope).collect());
        for span in r.scope_spans.iter_mut().flat_map(|s| &mut s.spans) {
            attributes(&mut span.attributes);
            span.events.iter_mut().for_each(|e| attributes(&mut e.attributes));
            span.links.iter_mut().for_each(|l| attributes(&mut l.attributes));
            span.status = span.status.take().filter(|s| *s != Default::default());
        }
    }
    request
}

fn canonical_logs(mut request: ExportLogsServiceRequest) -> ExportLogsServiceRequest {
    for r in &mut request.resource_logs {
        owners(&mut r.resource, r.scope_logs.iter_mut().map(|s| &mut s.scope).collect());
        for log in r.scope_logs.iter_mut().flat_map(|s| &mut s.log_records) {
            attributes(&mut log.attributes);
            if let Some(body) = &mut log.body {
                value(body);
            }
            log.body = log.body.take().filter(|b| b.value.is_some());
        }
    }
    request
}

fn canonical_metrics(mut request: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest {
    for r in &mut request.resource_metrics {
        owners(&mut r.resource, r.scope_metrics.iter_mut().map(|s| &mut s.scope).collect());
        for metric in r.scope_metrics.iter_mut().flat_map(|s| &mut s.metrics) {
            let mut exemplars = vec![];
            match &mut metric.data {
                Some(Data::Gauge(opentelemetry_proto::tonic::metrics::v1::Gauge { data_points }))
                | Some(Data::Sum(opentelemetry_proto::tonic::metrics::v1::Sum { data_points, .. })) => {
                    for p in data_points {
                        attributes(&mut p.attributes);
                        exemplars.extend(&mut p.exemplars);
                    }
                }
                Some(Data::Histogram(h)) => {
                    for p in &mut h.data_points {
                        attributes(&mut p.attributes);
                        exemplars.extend(&mut p.exemplars);
                    }
                }
                Some(Data::ExponentialHistogram(h)) => {
                    for p in &mut h.data_points {
                        attributes(&mut p.attributes);
                        exemplars.extend(&mut p.exemplars);
                    }
                }
                Some(Data::Summary(s)) => s.data_points.iter_mut().for_each(|p| attributes(&mut p.attributes)),
                None => {}
            }
            exemplars.into_iter().for_each(|e| attributes(&mut e.filtered_attributes));
        }
    }
    request
}

/// Canonical bytes come back as they were; other spellings of the same request give the same tree.
fn check<M: Message + Default + PartialEq + std::fmt::Debug, R: Record + PartialEq + std::fmt::Debug>(
    signal: Signal,
    sent: &M,
    canonical: &M,
    seed: u64,
) -> Result<(), TestCaseError> {
    let tree = Tree::<R>::decode(&sent.encode_to_vec()).unwrap();
    let bytes = tree.encode();
    prop_assert_eq!(&M::decode(&bytes[..]).unwrap(), canonical);
    prop_assert_eq!(&bytes[..], &canonical.encode_to_vec()[..]);
    prop_assert_eq!(&Tree::<R>::decode(&bytes).unwrap().encode(), &bytes);
    let shuffled = Tree::<R>::decode(&shuffled(signal, &sent.encode_to_vec(), &mut Rng(seed))).unwrap();
    prop_assert_eq!(shuffled, tree);
    Ok(())
}

proptest! {
    #[test]
    fn traces_come_back_as_the_official_messages_write_them(request in requests::traces(), seed: u64) {
        check::<_, tree::Span>(Signal::Traces, &request, &canonical_traces(request.clone()), seed)?;
    }

    #[test]
    fn logs_come_back_as_the_official_messages_write_them(request in requests::logs(), seed: u64) {
        check::<_, tree::LogRecord>(Signal::Logs, &request, &canonical_logs(request.clone()), seed)?;
    }

    #[test]
    fn metrics_come_back_as_the_official_messages_write_them(request in requests::metrics(), seed: u64) {
        check::<_, tree::Metric>(Signal::Metrics, &request, &canonical_metrics(request.clone()), seed)?;
    }
}

#[test]
fn entities_metadata_and_unknown_enum_numbers_are_kept() {
    let mut request = ExportTraceServiceRequest::default();
    request.resource_spans.push(Default::default());
    request.resource_spans[0].resource = Some(Resource {
        entity_refs: vec![
            EntityRef { r#type: "host".into(), ..Default::default() },
            EntityRef { id_keys: vec!["a".into(), "b".into()], ..Default::default() },
        ],
        ..Default::default()
    });
    request.resource_spans[0].scope_spans.push(Default::default());
    request.resource_spans[0].scope_spans[0].spans.push(Default::default());
    request.resource_spans[0].scope_spans[0].spans[0].kind = -7;
    let bytes = request.encode_to_vec();
    let tree = Traces::decode(&bytes).unwrap();
    assert_eq!(tree.records().next().unwrap().kind, -7);
    assert_eq!(&tree.encode()[..], &bytes[..]);

    let mut request = ExportMetricsServiceRequest::default();
    request.resource_metrics.push(Default::default());
    request.resource_metrics[0].scope_metrics.push(Default::default());
    request.resource_metrics[0].scope_metrics[0].metrics.push(opentelemetry_proto::tonic::metrics::v1::Metric {
        metadata: vec![KeyValue { key: "k".into(), value: Some(AnyValue::default()), ..Default::default() }],
        ..Default::default()
    });
    let bytes = request.encode_to_vec();
    assert_eq!(&Metrics::decode(&bytes).unwrap().encode()[..], &bytes[..]);
}

#[test]
fn a_text_that_is_not_utf8_is_repaired() {
    let mut w = wire::protobuf::Writer::new();
    w.message(1, |w| w.message(2, |w| w.message(2, |w| w.bytes(3, b"fa\xffil"))));
    let tree = Logs::decode(w.as_bytes()).unwrap();
    assert_eq!(tree.records().next().unwrap().severity_text, "fa\u{fffd}il");
}

#[test]
fn broken_requests_are_refused_with_their_place() {
    let mut w = wire::protobuf::Writer::new();
    w.message(1, |w| {
        w.message(2, |w| {
            w.message(2, |w| w.string(5, "fine"));
            w.message(2, |w| w.uint(5, 1));
        });
    });
    let e = Traces::decode(w.as_bytes()).unwrap_err();
    assert_eq!(e.path, "resource_spans[0].scope_spans[0].spans[1]");
    assert!(e.to_string().contains("field 5 has wire type 0"), "{e}");
}
