//! `unquote`: a text without the quotes around it, and what was escaped in them.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Value;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unquote {
    field: Field,
}

/// The text inside: back quotes hold it as it is, double ones with escapes, single ones one character.
fn inside(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '`' | '"' | '\''))?;
    let inner = text[1..].strip_suffix(quote)?;
    match quote {
        '`' => (!inner.contains('`')).then(|| inner.to_owned()),
        '"' => serde_json::from_str(text).ok(),
        '\'' if inner.chars().count() == 1 || inner.starts_with('\\') => {
            serde_json::from_str(&format!("\"{}\"", inner.replace("\\'", "'").replace('"', "\\\""))).ok()
        }
        _ => None,
    }
}

impl Operator for Unquote {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let text = match self.field.get(entry) {
            Some(Value::Str(text)) => text,
            _ => return Err("what is to be unquoted is no text".to_owned()),
        };
        let text = inside(text).ok_or("the text is not in quotes")?;
        self.field.set(entry, Value::Str(text.into()));
        Ok(Verdict::Next)
    }
}
