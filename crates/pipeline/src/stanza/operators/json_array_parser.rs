//! `json_array_parser`: an array of JSON as a list, or with the names of a header as attributes.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::{Attributes, Value};

use super::parser::{Parser, With};
use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
pub(super) struct Own {
    #[serde(default)]
    header: String,
}

pub(super) struct JsonArrayParser {
    parser: Parser,
    names: Vec<String>,
}

impl JsonArrayParser {
    pub(super) fn new(settings: With<Own>) -> Result<Self, String> {
        let (parser, own) = settings.checked(&["header"])?;
        let names: Vec<String> = own.header.split(',').map(|name| name.trim().to_owned()).collect();
        let names = if own.header.is_empty() { Vec::new() } else { names };
        if names.is_empty() && parser.to == Field::attributes() {
            return Err("parse_to: a list has no names; write `parse_to: body`, or a `header`".to_owned());
        }
        Ok(Self { parser, names })
    }
}

fn read(text: &str) -> Result<Vec<Value>, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
    match Value::from_json(&json) {
        Value::Array(values) => Ok(values),
        _ => Err("the JSON is no array".to_owned()),
    }
}

impl Operator for JsonArrayParser {
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String> {
        if !self.names.is_empty() {
            return self.parser.apply(entry, now, |text| {
                let values = read(text)?;
                match values.len() == self.names.len() {
                    true => Ok(self.names.iter().zip(values).collect::<Attributes>()),
                    false => Err(format!("the array has {} values, the header {}", values.len(), self.names.len())),
                }
            });
        }
        let values = match self.parser.from.get(entry) {
            Some(Value::Str(text)) => read(text)?,
            _ => return Err("what is to be parsed is no text".to_owned()),
        };
        self.parser.to.set(entry, Value::Array(values));
        Ok(Verdict::Next)
    }
}
