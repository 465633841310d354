//! Decoding random requests gives what the official messages hold, by every route.

use std::fmt::Debug;

use model::{LogRecord, Signal, Span};
use proptest::prelude::*;
use prost::Message;
use serde::Serialize;
use wire::otlp::{self, Limits, encode, json};
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

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
    }
}
