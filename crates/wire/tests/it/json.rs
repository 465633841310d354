//! Requests written as JSON read back as they were, and mean what their own JSON says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Signal;
use proptest::prelude::*;
use prost::Message;
use serde::Serialize;
use serde_json::Value;
use wire::otlp::json;
use wire::otlp::tree::{self, Record, Tree};

use crate::requests;
use crate::shuffle::{Rng, shuffled};

/// Written and read back: the same, whatever order the fields came in; and what the official messages write themselves.
fn check<M: Message + Serialize, R: Record + std::fmt::Debug>(
    signal: Signal,
    request: &M,
    seed: u64,
) -> Result<(), TestCaseError> {
    let tree = Tree::<R>::decode(&request.encode_to_vec()).unwrap();
    let bytes = tree.encode();
    let text = json::from_protobuf(signal, &bytes).unwrap();
    for text in [&text, &json::from_protobuf(signal, &shuffled(signal, &bytes, &mut Rng(seed))).unwrap()] {
        let back = json::to_protobuf(signal, text).map_err(|e| TestCaseError::fail(e.to_string()))?;
        // As texts, because NaN is not itself.
        prop_assert_eq!(format!("{:?}", Tree::<R>::decode(&back).unwrap()), format!("{:?}", tree));
    }
    let ours = meant(serde_json::from_slice(&text).unwrap());
    prop_assert_eq!(ours, meant(serde_json::to_value(request).unwrap()));
    Ok(())
}

/// What both spellings mean: without zeroes, numbers as texts, bytes in base64. Numbers that are none are null there and texts here.
fn meant(json: Value) -> Option<Value> {
    match json {
        Value::Null => None,
        Value::Bool(b) => b.then_some(Value::Bool(b)),
        Value::Number(n) => meant(Value::String(n.to_string())),
        Value::String(s) => {
            let nothing = ["", "0", "0.0", "NaN", "Infinity", "-Infinity"].contains(&s.as_str());
            (!nothing).then_some(Value::String(s))
        }
        Value::Array(all) => {
            let all: Vec<Value> = all.into_iter().map(|v| meant(v).unwrap_or_default()).collect();
            (!all.is_empty()).then_some(Value::Array(all))
        }
        Value::Object(all) => {
            let of_bytes = |key: &str, v: Value| match (key, &v) {
                ("bytesValue", Value::Array(bytes)) => {
                    let bytes: Vec<u8> = bytes.iter().map(|b| b.as_u64().unwrap() as u8).collect();
                    Value::String(STANDARD.encode(bytes))
                }
                _ => v,
            };
            let all = all.into_iter().filter_map(|(k, v)| meant(of_bytes(&k, v)).map(|v| (k, v)));
            let all: serde_json::Map<String, Value> = all.collect();
            (!all.is_empty()).then_some(Value::Object(all))
        }
    }
}

proptest! {
    #[test]
    fn traces_as_text(request in requests::traces(), seed: u64) {
        check::<_, tree::Span>(Signal::Traces, &request, seed)?;
    }

    #[test]
    fn logs_as_text(request in requests::logs(), seed: u64) {
        check::<_, tree::LogRecord>(Signal::Logs, &request, seed)?;
    }

    #[test]
    fn metrics_as_text(request in requests::metrics(), seed: u64) {
        check::<_, tree::Metric>(Signal::Metrics, &request, seed)?;
    }

    #[test]
    fn bytes_from_outside_make_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for signal in [Signal::Traces, Signal::Metrics, Signal::Logs] {
            if let Ok(text) = json::from_protobuf(signal, &bytes) {
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok());
            }
        }
    }
}
