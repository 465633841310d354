//! `key_value_parser`: `a=1 b="two words"` as attributes.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Attributes;

use super::parser::{Parser, With};
use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};

#[derive(Debug, Deserialize)]
pub(super) struct Own {
    #[serde(default = "equals")]
    delimiter: String,
    #[serde(default)]
    pair_delimiter: Option<String>,
}

fn equals() -> String {
    "=".to_owned()
}

pub(super) struct KeyValueParser {
    parser: Parser,
    own: Own,
}

impl KeyValueParser {
    pub(super) fn new(settings: With<Own>) -> Result<Self, String> {
        let (parser, own) = settings.checked(&["delimiter", "pair_delimiter"])?;
        if own.delimiter.is_empty() || own.pair_delimiter.as_deref() == Some(&own.delimiter) {
            return Err("delimiter: it must not be empty, and not be the same as pair_delimiter".to_owned());
        }
        Ok(Self { parser, own })
    }

    fn read(&self, text: &str) -> Result<Attributes, String> {
        let mut members = Attributes::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (key, behind) = rest.split_once(self.own.delimiter.as_str()).ok_or_else(|| {
                format!("`{}` has no `{}`", rest.chars().take(40).collect::<String>(), self.own.delimiter)
            })?;
            let behind = behind.trim_start_matches(' ');
            let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (value, after) = match quote.and_then(|q| behind[1..].split_once(q)) {
                Some(quoted) => quoted,
                None => match &self.own.pair_delimiter {
                    Some(delimiter) => behind.split_once(delimiter.as_str()).unwrap_or((behind, "")),
                    None => behind.split_once(char::is_whitespace).unwrap_or((behind, "")),
                },
            };
            members.set(key.trim(), value.trim());
            let after = after.trim_start();
            rest = match &self.own.pair_delimiter {
                Some(delimiter) => after.strip_prefix(delimiter.as_str()).unwrap_or(after).trim_start(),
                None => after,
            };
        }
        Ok(members)
    }
}

impl Operator for KeyValueParser {
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String> {
        self.parser.apply(entry, now, |text| self.read(text))
    }
}
