//! `flatten`: the members of a map one level up.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Value;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flatten {
    field: Field,
}

impl Operator for Flatten {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        match self.field.get(entry) {
            Some(Value::Map(_)) => {}
            _ => return Err("the field that is to be flattened is no map".to_owned()),
        }
        let above = self.field.above().ok_or("the field has nothing above it")?;
        if let Some(Value::Map(members)) = self.field.remove(entry) {
            match above.map(entry) {
                Some(_) => members.into_iter().for_each(|(key, value)| above.below(&key).set(entry, value)),
                None => above.set(entry, Value::Map(members)),
            }
        }
        Ok(Verdict::Next)
    }
}
