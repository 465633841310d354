//! Attribute values as the API shows them: the proto3 JSON form of `AnyValue`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Attributes, Value};
use serde_json::{Value as Json, json};

/// An `AnyValue`: `{"stringValue": ..}`, integers as text, NaN and infinities as text, bytes in base64, `{}` for no value.
pub fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Empty => json!({}),
        Value::Str(s) => json!({ "stringValue": s }),
        Value::Bool(b) => json!({ "boolValue": b }),
        Value::Int(i) => json!({ "intValue": i.to_string() }),
        Value::Double(d) => json!({ "doubleValue": double_to_json(*d) }),
        Value::Bytes(b) => json!({ "bytesValue": STANDARD.encode(b) }),
        Value::Array(items) => {
            json!({ "arrayValue": { "values": items.iter().map(value_to_json).collect::<Vec<_>>() } })
        }
        Value::Map(entries) => json!({ "kvlistValue": { "values": attributes_to_json(entries) } }),
    }
}

/// A list of `KeyValue`: `[{"key": .., "value": ..}]`.
pub fn attributes_to_json(attributes: &Attributes) -> Json {
    attributes.iter().map(|(k, v)| json!({ "key": k, "value": value_to_json(v) })).collect()
}

fn double_to_json(d: f64) -> Json {
    if d.is_nan() {
        json!("NaN")
    } else if d.is_infinite() {
        json!(if d > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_form() {
        let map = Value::Map(vec![("k".into(), Value::Array(vec![Value::Bool(true), Value::Empty]))]);
        let all = [
            ("s".to_owned(), "x".into()),
            ("i".to_owned(), Value::Int(i64::MIN)),
            ("d".to_owned(), Value::Double(0.5)),
            ("nan".to_owned(), Value::Double(f64::NAN)),
            ("inf".to_owned(), Value::Double(f64::NEG_INFINITY)),
            ("b".to_owned(), Value::Bytes(vec![0, 255])),
            ("m".to_owned(), map),
        ];
        assert_eq!(
            attributes_to_json(&all.to_vec()),
            json!([
                {"key": "s", "value": {"stringValue": "x"}},
                {"key": "i", "value": {"intValue": "-9223372036854775808"}},
                {"key": "d", "value": {"doubleValue": 0.5}},
                {"key": "nan", "value": {"doubleValue": "NaN"}},
                {"key": "inf", "value": {"doubleValue": "-Infinity"}},
                {"key": "b", "value": {"bytesValue": "AP8="}},
                {"key": "m", "value": {"kvlistValue": {"values": [
                    {"key": "k", "value": {"arrayValue": {"values": [{"boolValue": true}, {}]}}}
                ]}}},
            ])
        );
    }
}
