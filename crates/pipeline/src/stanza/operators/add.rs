//! `add`: a value that is always the same.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Value;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
pub(super) struct Add {
    field: Field,
    value: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    field: Field,
    value: serde_json::Value,
}

impl TryFrom<Settings> for Add {
    type Error = String;

    fn try_from(s: Settings) -> Result<Self, String> {
        if s.value.as_str().is_some_and(|v| v.starts_with("EXPR(")) {
            return Err("value: expressions are not evaluated here; use `copy`, or the transform processor".to_owned());
        }
        Ok(Self { field: s.field, value: Value::from_json(&s.value) })
    }
}

impl Operator for Add {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        self.field.set(entry, self.value.clone());
        Ok(Verdict::Next)
    }
}
