//! What parsers have in common: where from, where to, and what is read of the result.

use foundation::UnixNanos;
use serde::Deserialize;
use wire::otlp::tree::{Attributes, Value};

use super::scope_name_parser::ScopeNameParser;
use super::severity_parser::{self, SeverityParser};
use super::time_parser::{self, TimeParser};
use super::trace_parser::TraceParser;
use crate::stanza::Entry;
use crate::stanza::chain::{Operator as _, Verdict};
use crate::stanza::field::Field;

/// Settings of every parser.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Settings {
    #[serde(default)]
    pub parse_from: Option<Field>,
    #[serde(default)]
    pub parse_to: Option<Field>,
    #[serde(default)]
    pub timestamp: Option<time_parser::Settings>,
    #[serde(default)]
    pub severity: Option<severity_parser::Settings>,
    #[serde(default)]
    pub trace: Option<TraceParser>,
    #[serde(default)]
    pub scope_name: Option<ScopeNameParser>,
}

/// The same, checked.
pub(super) struct Parser {
    pub from: Field,
    pub to: Field,
    pub timestamp: Option<TimeParser>,
    pub severity: Option<SeverityParser>,
    pub trace: Option<TraceParser>,
    pub scope_name: Option<ScopeNameParser>,
}

impl Parser {
    pub(super) fn new(settings: Settings) -> Result<Self, String> {
        Ok(Self {
            from: settings.parse_from.unwrap_or_else(Field::body),
            to: settings.parse_to.unwrap_or_else(Field::attributes),
            timestamp: settings.timestamp.map(TimeParser::new).transpose()?,
            severity: settings.severity.map(SeverityParser::new).transpose()?,
            trace: settings.trace,
            scope_name: settings.scope_name,
        })
    }

    /// Reads the text with `parse`, puts what it gives into the entry, and reads time, severity and the like of it.
    pub(super) fn apply(
        &self,
        entry: &mut Entry,
        now: UnixNanos,
        parse: impl FnOnce(&str) -> Result<Attributes, String>,
    ) -> Result<Verdict, String> {
        let members = match self.from.get(entry) {
            Some(Value::Str(text)) => parse(text)?,
            Some(_) => return Err("what is to be parsed is no text".to_owned()),
            None => return Err("the field that is to be parsed is not there".to_owned()),
        };
        self.to.merge(entry, members);
        if let Some(timestamp) = &self.timestamp {
            timestamp.apply(entry, now)?;
        }
        if let Some(severity) = &self.severity {
            severity.apply(entry, now)?;
        }
        if let Some(trace) = &self.trace {
            trace.apply(entry, now)?;
        }
        if let Some(scope_name) = &self.scope_name {
            scope_name.apply(entry, now)?;
        }
        Ok(Verdict::Next)
    }
}

/// `Parser` settings and those of one parser: serde's `flatten`, which buffers; operators are read from JSON.
#[derive(Debug, Deserialize)]
pub(super) struct With<T> {
    #[serde(flatten)]
    pub common: Settings,
    #[serde(flatten)]
    pub own: T,
    #[serde(flatten)]
    pub unknown: serde_json::Map<String, serde_json::Value>,
}

impl<T> With<T> {
    /// Takes it apart; `names` are the settings of the parser itself.
    pub(super) fn checked(self, names: &[&str]) -> Result<(Parser, T), String> {
        const COMMON: [&str; 6] = ["parse_from", "parse_to", "timestamp", "severity", "trace", "scope_name"];
        if let Some(name) = self.unknown.keys().find(|k| !names.contains(&k.as_str()) && !COMMON.contains(&k.as_str()))
        {
            let all: Vec<_> = names.iter().chain(&COMMON).copied().collect();
            return Err(format!("unknown field `{name}`, expected one of {}", all.join(", ")));
        }
        Ok((Parser::new(self.common)?, self.own))
    }
}
