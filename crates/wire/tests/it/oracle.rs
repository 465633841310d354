//! Decoding random requests gives what the official messages hold, by every route.

use std::fmt::Debug;

use model::{LogRecord, Signal, Span};
use proptest::prelude::*;
use prost::Message;
use serde::Serialize;
use wire::otlp::{self, Decoded, Encoding, Limits, encode, json};
use wire::rows::{MetricPoint, RowLogSink, RowMetricSink, RowSpanSink};

use crate::expected::{self, Expected, NOW};
use crate::requests;
use crate::shuffle::{Rng, shuffled};

fn spans(request: &[u8]) -> Expected<Span> {
    let mut sink = RowSpanSink::default();
    let decoded = otlp::decode_traces(request, &Limits::new(NOW), &mut sink).unwrap();
    assert_eq!(decoded.accepted, sink.spans.len() as u64);
    assert_eq!(decoded.first_error.is_some(), decoded.rejected > 0);
    (sink.spans, decoded.rejected)
}

fn log_records(request: &[u8]) -> Expected<LogRecord> {
    let mut sink = RowLogSink::default();
    let decoded = otlp::decode_logs(request, &Limits::new(NOW), &mut sink).unwrap();
    assert_eq!(decoded.accepted, sink.records.len() as u64);
    assert_eq!(decoded.first_error.is_some(), decoded.rejected > 0);
    (sink.records, decoded.rejected)
}

fn metric_points(request: &[u8]) -> Expected<MetricPoint> {
    let mut sink = RowMetricSink::default();
    let decoded = otlp::decode_metrics(request, &Limits::new(NOW), &mut sink).unwrap();
    assert_eq!(decoded.accepted, sink.points.len() as u64);
    (sink.points, decoded.rejected)
}

/// Compares texts, because the number of a point without a value is NaN.
fn same<T: Debug>(found: &Expected<T>, expected: &Expected<T>) -> Result<(), TestCaseError> {
    prop_assert_eq!(format!("{found:#?}"), format!("{expected:#?}"));
    Ok(())
}

/// Checks the routes by which a request can come: protobuf, protobuf in another field order, JSON.
fn check<M: Message + Serialize, T: Debug>(
    signal: Signal,
    request: &M,
    seed: u64,
    decode: fn(&[u8]) -> Expected<T>,
    expected: fn(&M) -> Expected<T>,
) -> Result<(), TestCaseError> {
    let expected = expected(request);
    let protobuf = request.encode_to_vec();
    same(&decode(&protobuf), &expected)?;
    same(&decode(&shuffled(signal, &protobuf, &mut Rng(seed))), &expected)?;
    let json = serde_json::to_vec(request).unwrap();
    let rewritten = json::to_protobuf(signal, &json).map_err(|e| TestCaseError::fail(e.to_string()))?;
    same(&decode(&rewritten), &expected)
}

#[test]
fn responses_read_back_with_the_official_messages() {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

    let some = Decoded { accepted: 1, rejected: 300, first_error: Some("why".into()) };
    let answer = |signal| otlp::export_response(signal, &some, Encoding::Protobuf);
    let traces = ExportTraceServiceResponse::decode(&answer(Signal::Traces)[..]).unwrap().partial_success.unwrap();
    assert_eq!((traces.rejected_spans, &*traces.error_message), (300, "300 spans refused, the first: why"));
    let logs = ExportLogsServiceResponse::decode(&answer(Signal::Logs)[..]).unwrap().partial_success.unwrap();
    assert_eq!((logs.rejected_log_records, &*logs.error_message), (300, "300 log records refused, the first: why"));
    let metrics = ExportMetricsServiceResponse::decode(&answer(Signal::Metrics)[..]).unwrap().partial_success.unwrap();
    assert_eq!(
        (metrics.rejected_data_points, &*metrics.error_message),
        (300, "300 data points refused, the first: why")
    );
    let all = otlp::export_response(Signal::Traces, &Decoded::default(), Encoding::Protobuf);
    assert_eq!(ExportTraceServiceResponse::decode(&all[..]).unwrap().partial_success, None);
}

proptest! {
    #[test]
    fn traces_mean_what_the_official_messages_hold(request in requests::traces(), seed: u64) {
        check(Signal::Traces, &request, seed, spans, expected::spans)?;
        let rows = spans(&request.encode_to_vec()).0;
        let again = spans(&encode::traces_request(&rows)).0;
        prop_assert_eq!(again.len(), rows.len());
        prop_assert!(again.iter().all(|s| rows.contains(s)));
    }

    #[test]
    fn logs_mean_what_the_official_messages_hold(request in requests::logs(), seed: u64) {
        check(Signal::Logs, &request, seed, log_records, expected::log_records)?;
        let rows = log_records(&request.encode_to_vec()).0;
        let again = log_records(&encode::logs_request(&rows)).0;
        prop_assert_eq!(again.len(), rows.len());
        prop_assert!(again.iter().all(|r| rows.contains(r)));
    }

    #[test]
    fn metrics_mean_what_the_official_messages_hold(request in requests::metrics(), seed: u64) {
        check(Signal::Metrics, &request, seed, metric_points, expected::metric_points)?;
        let rows = metric_points(&request.encode_to_vec());
        let again = metric_points(&encode::metrics_request(&rows.0));
        prop_assert_eq!(again.1, 0);
        let lines = |points: &[MetricPoint]| {
            let mut lines: Vec<String> = points.iter().map(|p| format!("{p:?}")).collect();
            lines.sort();
            lines
        };
        prop_assert_eq!(lines(&again.0), lines(&rows.0));
    }
}
