//! `severity_parser`: how bad a record is, by words, numbers, ranges and HTTP's status classes.

use std::collections::BTreeMap;

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::{Text, Value};
use wire::severity;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    parse_from: Field,
    #[serde(default)]
    preset: Option<String>,
    #[serde(default)]
    mapping: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    overwrite_text: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Written>),
    One(Written),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Written {
    Range { min: i64, max: i64 },
    Number(i64),
    Text(String),
}

#[derive(Debug)]
pub(super) struct SeverityParser {
    from: Field,
    texts: BTreeMap<String, u8>,
    ranges: Vec<(i64, i64, u8)>,
    words: bool,
    overwrite_text: bool,
}

/// OpenTelemetry's short names.
const NAMES: [&str; 25] = [
    "", "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4", "INFO", "INFO2", "INFO3",
    "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3",
    "FATAL4",
];

impl SeverityParser {
    pub(super) fn new(settings: Settings) -> Result<Self, String> {
        let words = match settings.preset.as_deref() {
            None | Some("default") => true,
            Some("none") => false,
            Some(other) => return Err(format!("preset: `{other}` is not known; write default or none")),
        };
        let (mut texts, mut ranges) = (BTreeMap::new(), Vec::new());
        for (name, values) in settings.mapping {
            let number = severity::of_text(&name);
            if number == 0 {
                return Err(format!(
                    "mapping: `{name}` is not a severity; write trace, debug, info, warn, error or fatal"
                ));
            }
            let values = match values {
                OneOrMany::Many(many) => many,
                OneOrMany::One(one) => vec![one],
            };
            for value in values {
                match value {
                    Written::Range { min, max } => ranges.push((min.min(max), min.max(max), number)),
                    Written::Number(n) => ranges.push((n, n, number)),
                    Written::Text(text) => match text.to_ascii_lowercase().strip_suffix("xx").map(str::parse::<i64>) {
                        Some(Ok(class)) => ranges.push((class * 100, class * 100 + 99, number)),
                        _ => drop(texts.insert(text.to_ascii_lowercase(), number)),
                    },
                }
            }
        }
        Ok(Self { from: settings.parse_from, texts, ranges, words, overwrite_text: settings.overwrite_text })
    }

    pub(super) const fn from(&self) -> &Field {
        &self.from
    }

    /// The severity number, 0 for a value that is none, and its text.
    pub(super) fn of(&self, value: &Value) -> (u8, Text) {
        let text = value.to_text();
        let mapped = self.texts.get(text.to_ascii_lowercase().as_str()).copied();
        let number = match value {
            Value::Int(n) => Some(*n),
            _ => text.parse().ok(),
        };
        let ranged = || number.and_then(|n| self.ranges.iter().find(|(min, max, _)| (*min..=*max).contains(&n)));
        let found = mapped.or_else(|| ranged().map(|(_, _, severity)| *severity));
        let found = found.unwrap_or_else(|| if self.words { severity::of_text(&text) } else { 0 });
        match self.overwrite_text && found > 0 {
            true => (found, Text::new(NAMES[usize::from(found.min(24))])),
            false => (found, text),
        }
    }
}

impl Operator for SeverityParser {
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let value = self.from.get(entry).ok_or("the field of the severity is not there")?;
        let (number, text) = self.of(value);
        entry.record.severity_number = i32::from(number);
        entry.record.severity_text = text;
        Ok(Verdict::Next)
    }
}
