//! `retain`: keeps some fields, and takes out all others of the parts they are in.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Value;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retain {
    fields: Vec<Field>,
}

impl Operator for Retain {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let kept: Vec<(&Field, Value)> = self.fields.iter().filter_map(|f| Some((f, f.get(entry)?.clone()))).collect();
        let (mut body, mut attributes, mut resource) = (false, false, false);
        for field in &self.fields {
            match field.root_name() {
                "body" => body = true,
                "attributes" => attributes = true,
                _ => resource = true,
            }
        }
        if body {
            entry.record.body = Value::Empty;
        }
        if attributes {
            entry.record.attributes.clear();
        }
        if resource {
            entry.resource.clear();
        }
        for (field, value) in kept {
            field.set(entry, value);
        }
        Ok(Verdict::Next)
    }
}
