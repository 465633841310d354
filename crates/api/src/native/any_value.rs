//! Values of attributes, written as proto3 JSON `AnyValue` without a tree in between: a page has thousands of them.

use model::Value;
use serde::{Serialize, Serializer};
use wire::otlp::json::value_to_json;

/// What [`value_to_json`] makes of a value.
#[derive(Debug)]
pub(crate) struct AnyValue(pub(crate) Value);

fn one<S: Serializer>(to: S, kind: &str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    to.collect_map([(kind, value)])
}

impl Serialize for AnyValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Str(s) => one(to, "stringValue", s),
            Value::Bool(b) => one(to, "boolValue", b),
            Value::Int(i) => one(to, "intValue", &format_args!("{i}")),
            Value::Double(d) if d.is_finite() => one(to, "doubleValue", d),
            Value::Double(_) | Value::Empty | Value::Bytes(_) | Value::Array(_) | Value::Map(_) => {
                value_to_json(&self.0).serialize(to)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_their_tree_is() {
        let map =
            vec![("k".to_owned(), Value::Str("\"\u{1f415}\n".into())), (String::new(), Value::Bytes(vec![1, 255]))];
        let values = [
            Value::Empty,
            Value::Str("a \"b\" \\ \u{7}".into()),
            Value::Bool(false),
            Value::Int(i64::MIN),
            Value::Double(-0.0),
            Value::Double(1e300),
            Value::Double(f64::NAN),
            Value::Double(f64::NEG_INFINITY),
            Value::Array(vec![Value::Int(1), Value::Double(0.5), Value::Empty]),
            Value::Map(map),
        ];
        for value in values {
            let tree = value_to_json(&value).to_string();
            assert_eq!(serde_json::to_string(&AnyValue(value)).unwrap(), tree);
        }
    }
}
