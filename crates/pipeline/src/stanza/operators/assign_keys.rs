//! `assign_keys`: names for the values of a list, which becomes a map.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Value;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignKeys {
    field: Field,
    keys: Vec<String>,
}

impl Operator for AssignKeys {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let values = match self.field.get(entry) {
            Some(Value::Array(values)) => values,
            _ => return Err("what is to be named is no list".to_owned()),
        };
        if values.len() != self.keys.len() {
            return Err(format!("the list has {} values, there are {} keys", values.len(), self.keys.len()));
        }
        let map = self.keys.iter().zip(values.iter().cloned()).collect();
        self.field.set(entry, Value::Map(map));
        Ok(Verdict::Next)
    }
}
