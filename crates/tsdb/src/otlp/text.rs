//! Attribute values as label texts.
//!
//! OpenTelemetry specification, "Mapping Arbitrary Data to OTLP AnyValue",
//! non-OTLP protocols: texts as they are, `true`/`false`, numbers in their
//! shortest form, bytes as base64, arrays and maps as JSON.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Value;
use wire::sink::ValueRef;

/// The text of a value; empty for no value, which is the same as no label.
pub(crate) fn label_text(v: ValueRef<'_>) -> Cow<'_, str> {
    match v {
        ValueRef::Empty => Cow::Borrowed(""),
        ValueRef::Str(s) => Cow::Borrowed(s),
        ValueRef::Bool(b) => Cow::Borrowed(if b { "true" } else { "false" }),
        ValueRef::Int(i) => Cow::Owned(i.to_string()),
        ValueRef::Double(d) => Cow::Owned(shortest(d)),
        ValueRef::Bytes(b) => Cow::Owned(STANDARD.encode(b)),
        ValueRef::Array(_) | ValueRef::Map(_) => Cow::Owned(json(&v.into()).to_string()),
    }
}

/// The text of a value that was read already.
pub(crate) fn value_text(v: &Value) -> String {
    match v {
        Value::Empty => String::new(),
        Value::Str(s) => s.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Double(d) => shortest(*d),
        Value::Bytes(b) => STANDARD.encode(b),
        Value::Array(_) | Value::Map(_) => json(v).to_string(),
    }
}

/// The shortest text that reads back as the same double; an exponent below 1e-6 and from 1e21, as JSON writes.
pub(crate) fn shortest(d: f64) -> String {
    let size = d.abs();
    if d.is_nan() {
        "NaN".to_owned()
    } else if d.is_infinite() {
        (if d > 0.0 { "+Inf" } else { "-Inf" }).to_owned()
    } else if size != 0.0 && size < 1e-6 {
        format!("{d:e}")
    } else if size >= 1e21 {
        format!("{d:e}").replacen('e', "e+", 1)
    } else {
        d.to_string()
    }
}

/// The text of a bucket bound or quantile: Go's `strconv.FormatFloat(v, 'f', -1, 64)`, as Prometheus' OTLP receiver writes.
pub(crate) fn bound(v: f64) -> String {
    if v.is_finite() { v.to_string() } else { shortest(v) }
}

fn json(v: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match v {
        Value::Empty => Json::Null,
        Value::Str(s) => Json::String(s.clone()),
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) => Json::from(*i),
        Value::Double(d) => serde_json::Number::from_f64(*d).map_or_else(|| Json::String(shortest(*d)), Json::Number),
        Value::Bytes(b) => Json::String(STANDARD.encode(b)),
        Value::Array(a) => Json::Array(a.iter().map(json).collect()),
        Value::Map(m) => {
            let mut entries: Vec<_> = m.iter().map(|(k, v)| (k.clone(), json(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(entries.into_iter().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_text() {
        assert_eq!(label_text(ValueRef::Int(-3)), "-3");
        assert_eq!(label_text(ValueRef::Bool(true)), "true");
        assert_eq!(label_text(ValueRef::Double(0.1)), "0.1");
        assert_eq!(label_text(ValueRef::Bytes(b"hi")), "aGk=");
        let map =
            Value::Map(vec![("b".into(), Value::Int(1)), ("a".into(), Value::Array(vec!["x".into(), Value::Empty]))]);
        assert_eq!(value_text(&map), r#"{"a":["x",null],"b":1}"#);
    }

    #[test]
    fn doubles_are_short() {
        for (d, want) in [(1.0, "1"), (1e21, "1e+21"), (1e-7, "1e-7"), (123456.5, "123456.5"), (f64::INFINITY, "+Inf")]
        {
            assert_eq!(shortest(d), want);
        }
        for (d, want) in [(0.005, "0.005"), (1.0, "1"), (1e-7, "0.0000001"), (2.5, "2.5"), (f64::INFINITY, "+Inf")] {
            assert_eq!(bound(d), want);
        }
    }
}
