//! `Span` with its events and links.

use super::read::{FIXED32, FIXED64, LEN, VARINT, text};
use super::{Attributes, Id, Record, Shape, SpanId, Text, TraceId, w_enum, w_fixed32, w_fixed64, w_text, w_uint};
use crate::protobuf::{Backward, Malformed, Reader};

/// One operation of a trace. Times are nanoseconds since 1970 and 0 when missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// W3C `tracestate`.
    pub trace_state: Text,
    /// Its parent's id; a root has none.
    pub parent_span_id: SpanId,
    /// What is done.
    pub name: Text,
    /// `SpanKind`: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// When it began.
    pub start_time_unix_nano: u64,
    /// When it ended.
    pub end_time_unix_nano: u64,
    /// What is known about it.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// What happened in it.
    pub events: Vec<Event>,
    /// How many events the sender left out.
    pub dropped_events_count: u32,
    /// Spans that it has to do with.
    pub links: Vec<Link>,
    /// How many links the sender left out.
    pub dropped_links_count: u32,
    /// How it ended.
    pub status: Status,
    /// W3C trace flags, and from bit 8 on whether the parent is remote.
    pub flags: u32,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Why it failed.
    pub message: Text,
    /// `StatusCode`: 0 unset, 1 ok, 2 error.
    pub code: i32,
}

/// Something that happened in a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// When.
    pub time_unix_nano: u64,
    /// What.
    pub name: Text,
    /// What is known about it.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
}

/// A span, perhaps of another trace, that this one has to do with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// W3C `tracestate`.
    pub trace_state: Text,
    /// What is known about the link.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// As those of a span.
    pub flags: u32,
}

impl Span {
    /// How long it took, in nanoseconds; 0 when it ends before it begins.
    pub const fn duration_nanos(&self) -> u64 {
        self.end_time_unix_nano.saturating_sub(self.start_time_unix_nano)
    }

    /// Whether it has no parent.
    pub fn is_root(&self) -> bool {
        self.parent_span_id.valid().is_none()
    }

    /// What says that something went wrong.
    pub const fn is_error(&self) -> bool {
        self.status.code == 2
    }

    #[cold]
    fn read_rare(&mut self, r: &mut Reader<'_>, key: crate::protobuf::Key) -> Result<(), Malformed> {
        match (key.field(), key.wire_type()) {
            (3, LEN) => self.trace_state = text(r)?,
            (10, VARINT) => self.dropped_attributes_count = r.uint()? as u32,
            (12, VARINT) => self.dropped_events_count = r.uint()? as u32,
            (13, LEN) => self.links.push(Link::read(r.message()?)?),
            (14, VARINT) => self.dropped_links_count = r.uint()? as u32,
            _ => r.skip_unknown(key, 0x1_fffe)?,
        }
        Ok(())
    }
}

impl Record for Span {
    const PATH: [&'static str; 3] = ["resource_spans", "scope_spans", "spans"];

    fn decode(mut r: Reader<'_>, shape: &mut Shape) -> Result<Self, Malformed> {
        let mut s = Self { attributes: Attributes::like(shape), ..Self::default() };
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (9, LEN) => s.attributes.read(r.message()?, 0)?,
                (1, LEN) => s.trace_id = Id::from(r.delimited()?),
                (2, LEN) => s.span_id = Id::from(r.delimited()?),
                (4, LEN) => s.parent_span_id = Id::from(r.delimited()?),
                (5, LEN) => s.name = text(&mut r)?,
                (6, VARINT) => s.kind = r.uint()? as i32,
                (7, FIXED64) => s.start_time_unix_nano = r.fixed64()?,
                (8, FIXED64) => s.end_time_unix_nano = r.fixed64()?,
                (11, LEN) => s.events.push(Event::read(r.message()?)?),
                (15, LEN) => s.status.merge(r.message()?)?,
                (16, FIXED32) => s.flags = r.fixed32()?,
                _ => s.read_rare(&mut r, key)?,
            }
        }
        s.attributes.seen(shape);
        Ok(s)
    }

    fn encode(&self, w: &mut Backward) {
        w_fixed32(w, 16, self.flags);
        let end = w.mark();
        w_enum(w, 3, self.status.code);
        w_text(w, 2, &self.status.message);
        w.message_unless_empty(15, end);
        w_uint(w, 14, self.dropped_links_count);
        for link in self.links.iter().rev() {
            let end = w.mark();
            link.encode(w);
            w.message(13, end);
        }
        w_uint(w, 12, self.dropped_events_count);
        for event in self.events.iter().rev() {
            let end = w.mark();
            event.encode(w);
            w.message(11, end);
        }
        w_uint(w, 10, self.dropped_attributes_count);
        self.attributes.encode(w, 9);
        w_fixed64(w, 8, self.end_time_unix_nano);
        w_fixed64(w, 7, self.start_time_unix_nano);
        w_enum(w, 6, self.kind);
        w_text(w, 5, &self.name);
        w_id(w, 4, &self.parent_span_id);
        w_text(w, 3, &self.trace_state);
        w_id(w, 2, &self.span_id);
        w_id(w, 1, &self.trace_id);
    }

    fn heap_bytes(&self) -> usize {
        let events: usize = self.events.iter().map(|e| size_of::<Event>() + e.attributes.heap_bytes()).sum();
        let links: usize = self.links.iter().map(|l| size_of::<Link>() + l.attributes.heap_bytes()).sum();
        size_of::<Self>() + self.attributes.heap_bytes() + events + links + self.name.len() + self.trace_state.len()
    }
}

/// An id; a missing one is no field.
pub(super) fn w_id<const N: usize>(w: &mut Backward, field: u32, id: &Id<N>) {
    if *id != Id::Missing {
        w.bytes(field, id.as_bytes());
    }
}

impl Status {
    fn merge(&mut self, mut r: Reader<'_>) -> Result<(), Malformed> {
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, LEN) => self.message = text(&mut r)?,
                (3, VARINT) => self.code = r.uint()? as i32,
                _ => r.skip_unknown(key, 0b1100)?,
            }
        }
        Ok(())
    }
}

impl Event {
    fn read(mut r: Reader<'_>) -> Result<Self, Malformed> {
        let mut e = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, FIXED64) => e.time_unix_nano = r.fixed64()?,
                (2, LEN) => e.name = text(&mut r)?,
                (3, LEN) => e.attributes.read(r.message()?, 0)?,
                (4, VARINT) => e.dropped_attributes_count = r.uint()? as u32,
                _ => r.skip_unknown(key, 0b1_1110)?,
            }
        }
        Ok(e)
    }

    fn encode(&self, w: &mut Backward) {
        w_uint(w, 4, self.dropped_attributes_count);
        self.attributes.encode(w, 3);
        w_text(w, 2, &self.name);
        w_fixed64(w, 1, self.time_unix_nano);
    }
}

impl Link {
    fn read(mut r: Reader<'_>) -> Result<Self, Malformed> {
        let mut l = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => l.trace_id = Id::from(r.delimited()?),
                (2, LEN) => l.span_id = Id::from(r.delimited()?),
                (3, LEN) => l.trace_state = text(&mut r)?,
                (4, LEN) => l.attributes.read(r.message()?, 0)?,
                (5, VARINT) => l.dropped_attributes_count = r.uint()? as u32,
                (6, FIXED32) => l.flags = r.fixed32()?,
                _ => r.skip_unknown(key, 0b111_1110)?,
            }
        }
        Ok(l)
    }

    fn encode(&self, w: &mut Backward) {
        w_fixed32(w, 6, self.flags);
        w_uint(w, 5, self.dropped_attributes_count);
        self.attributes.encode(w, 4);
        w_text(w, 3, &self.trace_state);
        w_id(w, 2, &self.span_id);
        w_id(w, 1, &self.trace_id);
    }
}
