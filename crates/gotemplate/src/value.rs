//! Values of Go's types on top of `gotmpl`'s: structs, times, durations, trusted texts.
//!
//! A struct is a map with one more key, [`MARK`], that holds its type; nothing outside this crate sees the key, because
//! printing, JSON, ranges and fields are ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{SafeKind, Value};

/// The key that makes a map a struct. No label and no key of a document can be this.
pub(crate) const MARK: &str = "\u{0}type";

/// A text.
pub fn text(text: impl AsRef<str>) -> Value {
    Value::String(Arc::from(text.as_ref()))
}

/// A list.
pub fn list(items: Vec<Value>) -> Value {
    Value::List(items.into())
}

/// A `map[string]string`. What is not there reads as the empty text.
pub fn texts<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let map: BTreeMap<Arc<str>, Value> = pairs
        .into_iter()
        .filter(|(name, _)| *name != MARK)
        .map(|(name, value)| (Arc::from(name), text(value)))
        .collect();
    Value::Map(Arc::new(map))
}

/// HTML that is not escaped.
pub fn safe_html(html: impl AsRef<str>) -> Value {
    Value::Safe { kind: SafeKind::Html, s: Arc::from(html.as_ref()) }
}

/// An address that is not checked.
pub fn safe_url(url: impl AsRef<str>) -> Value {
    Value::Safe { kind: SafeKind::Url, s: Arc::from(url.as_ref()) }
}

/// The fields of one type: their names in Go and in JSON, in the order of the declaration.
#[derive(Debug)]
pub struct StructType {
    name: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

impl StructType {
    /// A type by its name in error messages.
    pub const fn new(name: &'static str, fields: &'static [(&'static str, &'static str)]) -> Self {
        Self { name, fields }
    }

    /// A value of the type; `values` in the order of the fields.
    pub fn value<const N: usize>(&self, values: [Value; N]) -> Value {
        debug_assert_eq!(self.fields.len(), N, "{}", self.name);
        let mut map: BTreeMap<Arc<str>, Value> =
            self.fields.iter().zip(values).map(|((go, _), value)| (Arc::from(*go), value)).collect();
        let names = self.fields.iter().map(|(go, json)| list(vec![text(go), text(json)])).collect();
        map.insert(Arc::from(MARK), list(vec![text(self.name), list(names)]));
        Value::Map(Arc::new(map))
    }
}

/// The name of the type of a struct; `None` for everything else.
pub(crate) fn struct_name(value: &Value) -> Option<&str> {
    match value {
        Value::Map(map) => match map.get(MARK)? {
            Value::List(mark) => mark.first()?.as_str(),
            _ => None,
        },
        _ => None,
    }
}

/// Name in JSON and value of each field of a struct, in the order of the declaration.
pub(crate) fn struct_fields(value: &Value) -> Option<Vec<(&str, &Value)>> {
    let Value::Map(map) = value else { return None };
    let Value::List(mark) = map.get(MARK)? else { return None };
    let Value::List(names) = mark.get(1)? else { return None };
    let field = |pair: &'_ Value| -> Option<(String, String)> {
        let Value::List(pair) = pair else { return None };
        Some((pair.first()?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()))
    };
    let mut fields = Vec::with_capacity(names.len());
    for name in names.iter() {
        let (go, _) = field(name)?;
        let Value::List(pair) = name else { return None };
        fields.push((pair.get(1)?.as_str()?, map.get(go.as_str())?));
    }
    Some(fields)
}

/// What Go would call the type of a value.
pub(crate) fn type_name(value: &Value) -> String {
    match value {
        Value::Map(map) => match struct_name(value) {
            Some(name) => name.to_owned(),
            None if is_texts(map) => "map[string]string".into(),
            None => "map[string]interface {}".into(),
        },
        Value::List(items) => match items.first() {
            Some(first) => format!("[]{}", type_name(first)),
            None => "[]interface {}".into(),
        },
        Value::Nil => "nil".into(),
        other => other.type_name().into(),
    }
}

/// Whether a map is a `map[string]string`.
pub(crate) fn is_texts(map: &BTreeMap<Arc<str>, Value>) -> bool {
    map.values().all(|value| matches!(value, Value::String(_)))
}
