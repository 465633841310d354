//! The built-in field names of each signal, and what they stand for.
//!
//! A bare key that is not listed here is an attribute. The table is part of
//! the language: it is specified in `docs/query-language.md`, "Fields".

use eventstore::query::{AttributeScope, Field};

use super::ast::{Key, KeyScope, Position};
use crate::EventSignal;

/// A field that has a name of its own, other than the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// The name, then other names for the same.
    pub names: &'static [&'static str],
    /// What its values are.
    pub values: Values,
    field: Stored,
}

/// What the values of a field are, and so what it can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Any text.
    Text,
    /// The text of a log record: `:` searches it, `=` compares it.
    FullText,
    /// `trace` .. `fatal`.
    Level,
    /// `internal`, `server`, `client`, `producer`, `consumer`, `unspecified`.
    SpanKind,
    /// `unset`, `ok`, `error`.
    StatusCode,
    /// A duration.
    Duration,
    /// So many hex digits.
    Id(usize),
    /// What the sender sent.
    Attribute,
}

impl Values {
    /// The word for it in a list of fields.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text | Self::FullText => "string",
            Self::Level => "level",
            Self::SpanKind | Self::StatusCode => "enum",
            Self::Duration => "duration",
            Self::Id(_) => "id",
            Self::Attribute => "attribute",
        }
    }
}

/// The fields of the engine that have no key; a copyable [`Field`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Service,
    Name,
    Kind,
    Status,
    StatusMessage,
    Duration,
    TraceId,
    SpanId,
    ParentSpanId,
    Severity,
    SeverityText,
    Body,
    EventName,
    ScopeName,
}

impl Builtin {
    /// The name by which it is listed.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// The field of the engine.
    pub fn field(&self) -> Field {
        match self.field {
            Stored::Service => Field::Service,
            Stored::Name => Field::Name,
            Stored::Kind => Field::Kind,
            Stored::Status => Field::Status,
            Stored::StatusMessage => Field::StatusMessage,
            Stored::Duration => Field::Duration,
            Stored::TraceId => Field::TraceId,
            Stored::SpanId => Field::SpanId,
            Stored::ParentSpanId => Field::ParentSpanId,
            Stored::Severity => Field::Severity,
            Stored::SeverityText => Field::SeverityText,
            Stored::Body => Field::Body,
            Stored::EventName => Field::EventName,
            Stored::ScopeName => Field::ScopeName,
        }
    }
}

const fn builtin(names: &'static [&'static str], values: Values, field: Stored) -> Builtin {
    Builtin { names, values, field }
}

const LOGS: [Builtin; 8] = [
    builtin(&["service"], Values::Text, Stored::Service),
    builtin(&["level", "severity"], Values::Level, Stored::Severity),
    builtin(&["severity_text"], Values::Text, Stored::SeverityText),
    builtin(&["body"], Values::FullText, Stored::Body),
    builtin(&["event_name"], Values::Text, Stored::EventName),
    builtin(&["trace_id", "trace"], Values::Id(32), Stored::TraceId),
    builtin(&["span_id"], Values::Id(16), Stored::SpanId),
    builtin(&["scope"], Values::Text, Stored::ScopeName),
];

const TRACES: [Builtin; 10] = [
    builtin(&["service"], Values::Text, Stored::Service),
    builtin(&["name", "operation"], Values::Text, Stored::Name),
    builtin(&["kind"], Values::SpanKind, Stored::Kind),
    builtin(&["status"], Values::StatusCode, Stored::Status),
    builtin(&["status_message"], Values::Text, Stored::StatusMessage),
    builtin(&["duration"], Values::Duration, Stored::Duration),
    builtin(&["trace_id", "trace"], Values::Id(32), Stored::TraceId),
    builtin(&["span_id"], Values::Id(16), Stored::SpanId),
    builtin(&["parent_span_id"], Values::Id(16), Stored::ParentSpanId),
    builtin(&["scope"], Values::Text, Stored::ScopeName),
];

/// The built-in fields of a signal, in the order in which they are listed.
pub const fn builtins(signal: EventSignal) -> &'static [Builtin] {
    match signal {
        EventSignal::Logs => &LOGS,
        EventSignal::Traces => &TRACES,
    }
}

/// The built-in field that `name` stands for.
pub fn find(signal: EventSignal, name: &str) -> Option<&'static Builtin> {
    builtins(signal).iter().find(|b| b.names.contains(&name))
}

/// What `name` stands for where it is given alone, without a filter around it.
///
/// `resource.` and `attr.` prefixes count as in a filter.
pub fn named(signal: EventSignal, name: &str) -> (Field, Values) {
    let (scope, name) = KeyScope::split(name);
    resolve(signal, &Key { scope, name: name.to_owned(), at: Position::default() })
}

/// What a key of a filter stands for.
pub(super) fn resolve(signal: EventSignal, key: &Key) -> (Field, Values) {
    let attribute = |scope| (Field::Attribute { scope, key: key.name.clone() }, Values::Attribute);
    match key.scope {
        KeyScope::Auto => match find(signal, &key.name) {
            Some(builtin) => (builtin.field(), builtin.values),
            None => attribute(AttributeScope::Any),
        },
        KeyScope::Attribute => attribute(AttributeScope::Any),
        KeyScope::Resource => attribute(AttributeScope::Resource),
        KeyScope::Record => attribute(AttributeScope::Record),
    }
}
