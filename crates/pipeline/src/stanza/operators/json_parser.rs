//! `json_parser`: a JSON object as attributes.
//!
//! When it is the only operator, lines go from text to protobuf without an entry in between ([`JsonLines`]).

use foundation::UnixNanos;
use serde::Deserialize;
use wire::json_line::{self, Found, Interest, Scalar};
use wire::otlp::tree::Value;
use wire::protobuf::Writer;

use super::parser::{Parser, With};
use super::severity_parser::SeverityParser;
use super::time_parser::TimeParser;
use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};

#[derive(Debug, Deserialize)]
pub(super) struct Own {}

pub(super) struct JsonParser(Parser);

impl JsonParser {
    pub(super) fn new(settings: With<Own>) -> Result<Self, String> {
        Ok(Self(settings.checked(&[])?.0))
    }
}

impl Operator for JsonParser {
    fn apply(&self, entry: &mut Entry, now: UnixNanos) -> Result<Verdict, String> {
        self.0.apply(entry, now, |text| {
            let json: serde_json::Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
            match Value::from_json(&json) {
                Value::Map(members) => Ok(members),
                _ => Err("the JSON is no object".to_owned()),
            }
        })
    }
}

/// The parser for lines that go straight into a request.
pub(crate) struct JsonLines {
    parser: Parser,
    time: Vec<String>,
    severity: Vec<String>,
    trace_id: Vec<String>,
    span_id: Vec<String>,
}

impl JsonLines {
    /// `None` when something of the settings needs an entry.
    pub(super) fn new(settings: &serde_json::Value) -> Option<Self> {
        let parser = JsonParser::new(super::read(settings).ok()?).ok()?.0;
        if !parser.from.is_body()
            || parser.to != crate::stanza::field::Field::attributes()
            || parser.scope_name.is_some()
        {
            return None;
        }
        let mut names = [const { Vec::new() }; 4];
        let wanted = [
            parser.timestamp.as_ref().map(TimeParser::from),
            parser.severity.as_ref().map(SeverityParser::from),
            parser.trace.as_ref().map(|t| &t.trace_id),
            parser.trace.as_ref().map(|t| &t.span_id),
        ];
        for (slot, field) in names.iter_mut().zip(wanted) {
            if let Some(field) = field {
                slot.push(field.attribute()?.to_owned());
            }
        }
        // Flags are a rare field, and one key may be looked for once only.
        let all: Vec<_> = names.iter().flatten().collect();
        let flags = parser.trace.as_ref().is_some_and(|t| t.trace_flags.is_some());
        if flags || all.iter().enumerate().any(|(n, a)| all[..n].contains(a)) {
            return None;
        }
        let [time, severity, trace_id, span_id] = names;
        Some(Self { parser, time, severity, trace_id, span_id })
    }

    /// Writes the fields of a `LogRecord` beside its body.
    ///
    /// # Errors
    /// The line is no JSON object, or what is read of it is wrong; `w` has to be emptied.
    pub(crate) fn write(&self, line: &str, now: UnixNanos, w: &mut Writer) -> Result<(), String> {
        let [time, severity, trace_id, span_id] =
            [&self.time, &self.severity, &self.trace_id, &self.span_id].map(|names| names.first().map(String::as_str));
        let interest = Interest {
            time: time.as_slice(),
            severity: severity.as_slice(),
            trace_id: trace_id.as_slice(),
            span_id: span_id.as_slice(),
            keep: true,
            ..Interest::default()
        };
        let found = json_line::read(line, &interest, 6, w).map_err(|e| format!("no JSON: {e}"))?;
        self.head(&found, now, w)
    }

    fn head(&self, found: &Found<'_>, now: UnixNanos, w: &mut Writer) -> Result<(), String> {
        let missing = || "the field that is to be parsed is not there".to_owned();
        if let Some(parser) = &self.parser.timestamp {
            let time = parser.read(&found.time.as_ref().ok_or_else(missing)?.to_text(), now)?;
            w.fixed64(1, u64::try_from(time.0).unwrap_or(0));
        }
        if let Some(parser) = &self.parser.severity {
            let value = match found.severity.as_ref().ok_or_else(missing)? {
                Scalar::Int(n) => Value::Int(*n),
                other => Value::from(&*other.to_text()),
            };
            let (number, text) = parser.of(&value);
            w.uint(2, number as u64);
            w.string(3, &text);
        }
        for (field, id, bytes) in [(9, &found.trace_id, 16), (10, &found.span_id, 8)] {
            if let Some(id) = id.as_ref().and_then(|i| super::trace_parser::id(&i.to_text(), bytes)) {
                w.bytes(field, &id);
            }
        }
        Ok(())
    }
}
