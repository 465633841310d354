//! OTLP messages, encoded field by field.
//!
//! Source: opentelemetry-proto 1.8, `common/v1`, `resource/v1`, `trace/v1`,
//! `logs/v1`, `metrics/v1`; the numbers in this file are its field numbers.
//! The three export requests have one shape (`1` resource groups of `1`
//! resource, `2` scope groups, `3` schema URL; a scope group of `1` scope, `2`
//! records, `3` schema URL), so one function wraps all of them.

use std::borrow::Cow;

use foundation::UnixNanos;
use wire::protobuf::Writer;

/// Semantic conventions that the generated attributes follow.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.37.0";

/// The field of a scope group that holds its records, whatever the signal.
pub const RECORD: u32 = 2;

/// An attribute value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `stringValue`.
    Str(Cow<'static, str>),
    /// `intValue`.
    Int(i64),
    /// `doubleValue`.
    Double(f64),
    /// `boolValue`.
    Bool(bool),
    /// `arrayValue` of strings.
    Strings(Vec<Cow<'static, str>>),
}

impl From<&'static str> for Value {
    fn from(v: &'static str) -> Self {
        Self::Str(Cow::Borrowed(v))
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Str(Cow::Owned(v))
    }
}
impl From<Cow<'static, str>> for Value {
    fn from(v: Cow<'static, str>) -> Self {
        Self::Str(v)
    }
}
impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}
impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Double(v)
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}

/// Attributes in the order in which they are sent.
pub type Attributes = Vec<(&'static str, Value)>;

/// `attrs!["key" => value, ...]`: [`Attributes`].
#[macro_export]
macro_rules! attrs {
    ($($key:expr => $value:expr),* $(,)?) => {
        vec![$(($key, $crate::otlp::Value::from($value))),*]
    };
}

fn any_value(w: &mut Writer, field: u32, value: &Value) {
    w.message(field, |w| match value {
        Value::Str(v) => w.string(1, v),
        Value::Bool(v) => w.uint(2, u64::from(*v)),
        Value::Int(v) => w.uint(3, *v as u64),
        Value::Double(v) => w.double(4, *v),
        Value::Strings(list) => w.message(5, |w| {
            for item in list {
                w.message(1, |w| w.string(1, item));
            }
        }),
    });
}

/// One `KeyValue` as field `field`.
pub fn attribute(w: &mut Writer, field: u32, key: &str, value: &Value) {
    w.message(field, |w| {
        w.string(1, key);
        any_value(w, 2, value);
    });
}

/// One `KeyValue` with a string value as field `field`, without a [`Value`].
pub fn string_attribute(w: &mut Writer, field: u32, key: &str, value: &str) {
    w.message(field, |w| {
        w.string(1, key);
        w.message(2, |w| w.string(1, value));
    });
}

/// One `KeyValue` with an integer value as field `field`, without a [`Value`].
pub fn int_attribute(w: &mut Writer, field: u32, key: &str, value: i64) {
    w.message(field, |w| {
        w.string(1, key);
        w.message(2, |w| w.uint(3, value as u64));
    });
}

fn attributes(w: &mut Writer, field: u32, list: &[(&'static str, Value)]) {
    for (key, value) in list {
        attribute(w, field, key, value);
    }
}

/// A `Resource` message without its key and length.
pub fn resource(list: &[(&'static str, Value)]) -> Vec<u8> {
    let mut w = Writer::new();
    attributes(&mut w, 1, list);
    w.into_bytes()
}

/// The instrumentation library of a group of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The library's name.
    pub name: &'static str,
    /// The library's version.
    pub version: &'static str,
}

/// `SpanKind`, by its number in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work inside a process.
    Internal = 1,
    /// The far side of a call.
    Server = 2,
    /// The near side of a call.
    Client = 3,
    /// Hands work to a queue.
    Producer = 4,
    /// Takes work from a queue.
    Consumer = 5,
}

/// An event of a span.
#[derive(Debug, Clone)]
pub struct Event {
    /// When it happened.
    pub time: UnixNanos,
    /// What happened.
    pub name: &'static str,
    /// Its attributes.
    pub attributes: Attributes,
}

/// A relation to a span that is not the parent.
#[derive(Debug, Clone)]
pub struct Link {
    /// The other span's trace.
    pub trace_id: [u8; 16],
    /// The other span.
    pub span_id: [u8; 8],
    /// Its attributes.
    pub attributes: Attributes,
}

/// A span to encode.
#[derive(Debug, Clone)]
pub struct Span {
    /// Not zero.
    pub trace_id: [u8; 16],
    /// Not zero.
    pub span_id: [u8; 8],
    /// The parent; `None` for a root.
    pub parent: Option<[u8; 8]>,
    /// The parent is in another process (bit 9 of the flags).
    pub remote_parent: bool,
    /// The operation.
    pub name: Cow<'static, str>,
    /// Its role.
    pub kind: Kind,
    /// Begin.
    pub start: UnixNanos,
    /// End, not before `start`.
    pub end: UnixNanos,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its events, in time order.
    pub events: Vec<Event>,
    /// Its links.
    pub links: Vec<Link>,
    /// `Some(message)` for status ERROR; otherwise the status is left unset, as instrumentation does.
    pub error: Option<String>,
}

/// W3C flag "sampled", and OTLP's "the remote bit is known".
const FLAGS: u32 = 0x01 | 0x100;
const FLAG_REMOTE: u32 = 0x200;

/// Encodes `span` as a record of its scope group.
pub fn span(w: &mut Writer, span: &Span) {
    w.message(RECORD, |w| {
        w.bytes(1, &span.trace_id);
        w.bytes(2, &span.span_id);
        if let Some(parent) = &span.parent {
            w.bytes(4, parent);
        }
        w.string(5, &span.name);
        w.uint(6, span.kind as u64);
        w.fixed64(7, span.start.0 as u64);
        w.fixed64(8, span.end.0 as u64);
        attributes(w, 9, &span.attributes);
        for event in &span.events {
            w.message(11, |w| {
                w.fixed64(1, event.time.0 as u64);
                w.string(2, event.name);
                attributes(w, 3, &event.attributes);
            });
        }
        for link in &span.links {
            w.message(13, |w| {
                w.bytes(1, &link.trace_id);
                w.bytes(2, &link.span_id);
                attributes(w, 4, &link.attributes);
                w.fixed32(6, FLAGS);
            });
        }
        if let Some(message) = &span.error {
            w.message(15, |w| {
                if !message.is_empty() {
                    w.string(2, message);
                }
                w.uint(3, 2);
            });
        }
        w.fixed32(16, if span.remote_parent { FLAGS | FLAG_REMOTE } else { FLAGS });
    });
}

/// Severity numbers of the logs data model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// 5
    Debug = 5,
    /// 9
    Info = 9,
    /// 13
    Warn = 13,
    /// 17
    Error = 17,
}

impl Severity {
    /// The text that most libraries send.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// A log record to encode.
#[derive(Debug, Clone)]
pub struct Log {
    /// When it happened.
    pub time: UnixNanos,
    /// How bad it is.
    pub severity: Severity,
    /// The message.
    pub body: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// The trace and span in which it was written.
    pub context: Option<([u8; 16], [u8; 8])>,
}

/// Encodes `log` as a record of its scope group.
pub fn log(w: &mut Writer, log: &Log) {
    w.message(RECORD, |w| {
        w.fixed64(1, log.time.0 as u64);
        w.uint(2, log.severity as u64);
        w.string(3, log.severity.text());
        w.message(5, |w| w.string(1, &log.body));
        attributes(w, 6, &log.attributes);
        if let Some((trace_id, span_id)) = &log.context {
            w.fixed32(8, 1);
            w.bytes(9, trace_id);
            w.bytes(10, span_id);
        }
        w.fixed64(11, log.time.0 as u64);
    });
}

/// One resource with its scope groups; `records` are encoded records one after another.
pub fn resource_group<'a>(w: &mut Writer, resource: &[u8], scopes: impl IntoIterator<Item = (Scope, &'a [u8])>) {
    w.message(1, |w| {
        w.bytes(1, resource);
        for (scope, records) in scopes {
            w.message(2, |w| {
                w.message(1, |w| {
                    w.string(1, scope.name);
                    if !scope.version.is_empty() {
                        w.string(2, scope.version);
                    }
                });
                w.raw(records);
                w.string(3, SCHEMA_URL);
            });
        }
        w.string(3, SCHEMA_URL);
    });
}
