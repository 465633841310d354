//! `trace_parser`: the trace and span that a record belongs to.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::Id;

use crate::stanza::Entry;
use crate::stanza::chain::{Operator, Verdict};
use crate::stanza::field::Field;

#[derive(Debug, Deserialize)]
#[serde(from = "Settings")]
pub(super) struct TraceParser {
    pub trace_id: Field,
    pub span_id: Field,
    pub trace_flags: Option<Field>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    trace_id: Option<From_>,
    #[serde(default)]
    span_id: Option<From_>,
    #[serde(default)]
    trace_flags: Option<From_>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From_ {
    parse_from: Field,
}

impl From<Settings> for TraceParser {
    fn from(s: Settings) -> Self {
        let default = |name: &str| format!("attributes.{name}").parse().unwrap_or_else(|_| Field::body());
        // The default of flags is looked for only where somebody asks for it: few logs have them.
        Self {
            trace_id: s.trace_id.map_or_else(|| default("trace_id"), |f| f.parse_from),
            span_id: s.span_id.map_or_else(|| default("span_id"), |f| f.parse_from),
            trace_flags: s.trace_flags.map(|f| f.parse_from),
        }
    }
}

/// An id in hex, of so many bytes.
pub(super) fn id(text: &str, bytes: usize) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() != 2 * bytes || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let id: Vec<u8> = (0..bytes).filter_map(|n| u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()).collect();
    (id.len() == bytes && id.iter().any(|b| *b != 0)).then_some(id)
}

impl Operator for TraceParser {
    /// A field that is not there is no error: not every line belongs to a trace.
    fn apply(&self, entry: &mut Entry, _: UnixNanos) -> Result<Verdict, String> {
        let text = |field: &Field| field.get(entry).map(|v| v.to_text()).filter(|t| !t.is_empty());
        let (trace, span) = (text(&self.trace_id), text(&self.span_id));
        let flags = self.trace_flags.as_ref().and_then(text);
        let wrong = |what: &str, text: &str| format!("`{}` is not a {what}", text.chars().take(40).collect::<String>());
        if let Some(text) = trace {
            let id: [u8; 16] = id(&text, 16).and_then(|i| i.try_into().ok()).ok_or_else(|| wrong("trace id", &text))?;
            entry.record.trace_id = Id::Set(id);
        }
        if let Some(text) = span {
            let id: [u8; 8] = id(&text, 8).and_then(|i| i.try_into().ok()).ok_or_else(|| wrong("span id", &text))?;
            entry.record.span_id = Id::Set(id);
        }
        if let Some(text) = flags {
            entry.record.flags = u32::from_str_radix(&text, 16).map_err(|_| wrong("hex number of flags", &text))?;
        }
        Ok(Verdict::Next)
    }
}
