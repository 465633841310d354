//! `LogRecord`.

use super::read::{FIXED32, FIXED64, LEN, VARINT, text};
use super::span::w_id;
use super::{
    Attributes, Id, Record, Shape, SpanId, Text, TraceId, Value, w_enum, w_fixed32, w_fixed64, w_text, w_uint,
};
use crate::protobuf::{Backward, Malformed, Reader};

/// A log record. Times are nanoseconds since 1970 and 0 when missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRecord {
    /// When it happened.
    pub time_unix_nano: u64,
    /// When it was first seen by telemetry.
    pub observed_time_unix_nano: u64,
    /// `SeverityNumber`: 1 to 24, 0 unknown.
    pub severity_number: i32,
    /// The severity in the source's words.
    pub severity_text: Text,
    /// What was logged.
    pub body: Value,
    /// What is known about it.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// W3C trace flags.
    pub flags: u32,
    /// The trace in which it was logged.
    pub trace_id: TraceId,
    /// The span in which it was logged.
    pub span_id: SpanId,
    /// The name that makes it an event.
    pub event_name: Text,
}

impl Record for LogRecord {
    const PATH: [&'static str; 3] = ["resource_logs", "scope_logs", "log_records"];

    fn decode(mut r: Reader<'_>, shape: &mut Shape) -> Result<Self, Malformed> {
        let mut l = Self { attributes: Attributes::like(shape), ..Self::default() };
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (6, LEN) => l.attributes.read(r.message()?, 0)?,
                (1, FIXED64) => l.time_unix_nano = r.fixed64()?,
                (2, VARINT) => l.severity_number = r.uint()? as i32,
                (3, LEN) => l.severity_text = text(&mut r)?,
                (5, LEN) => l.body = Value::read(r.message()?, 0)?,
                (7, VARINT) => l.dropped_attributes_count = r.uint()? as u32,
                (8, FIXED32) => l.flags = r.fixed32()?,
                (9, LEN) => l.trace_id = Id::from(r.delimited()?),
                (10, LEN) => l.span_id = Id::from(r.delimited()?),
                (11, FIXED64) => l.observed_time_unix_nano = r.fixed64()?,
                (12, LEN) => l.event_name = text(&mut r)?,
                _ => r.skip_unknown(key, 0b1_1111_1110_1110)?,
            }
        }
        l.attributes.seen(shape);
        Ok(l)
    }

    fn encode(&self, w: &mut Backward) {
        w_text(w, 12, &self.event_name);
        w_fixed64(w, 11, self.observed_time_unix_nano);
        w_id(w, 10, &self.span_id);
        w_id(w, 9, &self.trace_id);
        w_fixed32(w, 8, self.flags);
        w_uint(w, 7, self.dropped_attributes_count);
        self.attributes.encode(w, 6);
        let end = w.mark();
        self.body.encode(w);
        w.message_unless_empty(5, end);
        w_text(w, 3, &self.severity_text);
        w_enum(w, 2, self.severity_number);
        w_fixed64(w, 1, self.time_unix_nano);
    }

    fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.attributes.heap_bytes() + self.body.heap_bytes()
    }
}
