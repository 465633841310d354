//! `ExportTraceServiceRequest` into a [`SpanSink`].
//!
//! Source: opentelemetry/proto/trace/v1/trace.proto and collector/trace/v1/trace_service.proto.

use foundation::UnixNanos;

use super::any_value::attribute;
use super::decoded::{Decoded, Tally};
use super::envelope::{Visitor, walk};
use super::fault::{DecodeError, Fault, Refusal};
use super::ids::{enum_up_to, span_id, trace_id};
use super::limits::{Limits, count};
use super::schema::{self, Message};
use super::shape::Shape;
use super::text;
use crate::protobuf::{Key, Malformed, Reader};
use crate::sink::{ResourceRef, ScopeRef, SpanFields, SpanSink};

/// Decodes a request into `sink`; see [`crate::sink`] for the order of the calls.
///
/// # Errors
/// When the bytes are not a well-formed request. What `sink` was given until then must be thrown away.
pub fn decode_traces<S: SpanSink>(request: &[u8], limits: &Limits, sink: &mut S) -> Result<Decoded, DecodeError> {
    walk(request, limits, &mut Spans { limits, sink })
}

struct Spans<'s, S> {
    limits: &'s Limits,
    sink: &'s mut S,
}

impl<'a, S: SpanSink> Visitor<'a> for Spans<'_, S> {
    const RESOURCES: &'static str = "resource_spans";
    const SCOPES: &'static str = "scope_spans";
    const RECORDS: &'static str = "spans";
    const RESOURCES_TYPE: &'static Message = &schema::RESOURCE_SPANS;
    const SCOPES_TYPE: &'static Message = &schema::SCOPE_SPANS;
    const RECORDS_TYPE: &'static Message = &schema::SPAN;

    fn expect(&mut self, records: usize) {
        self.sink.expect(records);
    }

    fn resource(&mut self, resource: ResourceRef<'a>) {
        self.sink.resource(resource);
    }

    fn scope(&mut self, scope: ScopeRef<'a>) {
        self.sink.scope(scope);
    }

    fn record(&mut self, record: Reader<'a>, tally: &mut Tally) -> Result<(), Fault> {
        match read_span(record, self.limits, self.sink) {
            Ok(span) => {
                self.sink.end_span(&span);
                tally.accepted += 1;
                Ok(())
            }
            Err(fault) => {
                self.sink.abandon();
                Err(fault)
            }
        }
    }

    fn count(_: Reader<'a>) -> Result<u64, Malformed> {
        Ok(1)
    }
}

mod field {
    //! Keys of the fields of `Span` and `Status`.
    use crate::protobuf::Key;

    pub(super) const TRACE_ID: Key = Key::delimited(1);
    pub(super) const SPAN_ID: Key = Key::delimited(2);
    pub(super) const TRACE_STATE: Key = Key::delimited(3);
    pub(super) const PARENT_SPAN_ID: Key = Key::delimited(4);
    pub(super) const NAME: Key = Key::delimited(5);
    pub(super) const KIND: Key = Key::varint(6);
    pub(super) const START: Key = Key::fixed64(7);
    pub(super) const END: Key = Key::fixed64(8);
    pub(super) const ATTRIBUTES: Key = Key::delimited(9);
    pub(super) const DROPPED_ATTRIBUTES_COUNT: Key = Key::varint(10);
    pub(super) const EVENTS: Key = Key::delimited(11);
    pub(super) const DROPPED_EVENTS_COUNT: Key = Key::varint(12);
    pub(super) const LINKS: Key = Key::delimited(13);
    pub(super) const DROPPED_LINKS_COUNT: Key = Key::varint(14);
    pub(super) const STATUS: Key = Key::delimited(15);
    pub(super) const FLAGS: Key = Key::fixed32(16);

    pub(super) const STATUS_MESSAGE: Key = Key::delimited(2);
    pub(super) const STATUS_CODE: Key = Key::varint(3);
}

const SPAN_FIELDS: u32 = 0x1_fffe;
const STATUS_FIELDS: u32 = 0b1100;

const EVENT: Shape = Shape {
    attributes: Key::delimited(3),
    texts: &[(Key::delimited(2), "name")],
    ids: &[],
    numbers: &[Key::fixed64(1), Key::varint(4)],
    known: 0b1_1110,
};

const LINK: Shape = Shape {
    attributes: Key::delimited(4),
    texts: &[(Key::delimited(3), "trace_state")],
    ids: &[(Key::delimited(1), 16, "trace_id"), (Key::delimited(2), 8, "span_id")],
    numbers: &[Key::varint(5), Key::fixed32(6)],
    known: 0b111_1110,
};

/// Reads a span; its attributes, events and links go to `sink` on the way.
fn read_span<'a, S: SpanSink>(mut r: Reader<'a>, limits: &Limits, sink: &mut S) -> Result<SpanFields<'a>, Fault> {
    let mut span = SpanFields::default();
    let (mut attributes, mut events, mut links) = (0, 0, 0);
    while let Some(key) = r.key()? {
        match key {
            field::ATTRIBUTES => {
                let (k, v) = attribute(&mut r, &mut attributes, limits)?;
                sink.attribute(k, v);
            }
            field::TRACE_ID => span.trace_id = trace_id(r.delimited()?)?,
            field::SPAN_ID => span.span_id = span_id(r.delimited()?, "span_id")?,
            field::PARENT_SPAN_ID => span.parent_span_id = span_id(r.delimited()?, "parent_span_id")?,
            field::TRACE_STATE => span.trace_state = text::field(r.delimited()?, limits, "trace_state")?,
            field::NAME => span.name = text::field(r.delimited()?, limits, "name")?,
            field::KIND => span.kind = enum_up_to(5, r.uint()?),
            field::START => span.start = UnixNanos::from_u64(r.fixed64()?),
            field::END => span.end = UnixNanos::from_u64(r.fixed64()?),
            field::EVENTS => {
                let event = nested(&mut r, &EVENT, &mut events, limits.max_events, "events", limits)?;
                sink.event(event);
            }
            field::LINKS => {
                let link = nested(&mut r, &LINK, &mut links, limits.max_links, "links", limits)?;
                sink.link(link);
            }
            field::STATUS => status(r.message()?, limits, &mut span).map_err(|f| f.inside("status"))?,
            field::FLAGS => span.flags = r.fixed32()?,
            field::DROPPED_ATTRIBUTES_COUNT => span.dropped_attributes_count = r.uint()? as u32,
            field::DROPPED_EVENTS_COUNT => span.dropped_events_count = r.uint()? as u32,
            field::DROPPED_LINKS_COUNT => span.dropped_links_count = r.uint()? as u32,
            _ => r.skip_unknown(key, SPAN_FIELDS)?,
        }
    }
    check_span(&span, limits)?;
    Ok(span)
}

/// Checks what can only be judged when the whole span is known.
fn check_span(span: &SpanFields<'_>, limits: &Limits) -> Result<(), Fault> {
    if span.trace_id.is_zero() {
        return Err(Refusal::ZeroId.in_field("trace_id"));
    }
    if span.span_id.is_zero() {
        return Err(Refusal::ZeroId.in_field("span_id"));
    }
    if span.end < span.start {
        return Err(Refusal::EndBeforeStart { start: span.start, end: span.end }.into());
    }
    limits.check_time("start_time_unix_nano", span.start)?;
    limits.check_time("end_time_unix_nano", span.end)
}

/// Checks an event or link and returns its bytes.
fn nested<'a>(
    r: &mut Reader<'a>,
    shape: &Shape,
    n: &mut usize,
    limit: usize,
    name: &'static str,
    limits: &Limits,
) -> Result<&'a [u8], Fault> {
    let index = count(n, limit, name)?;
    let message = r.message()?;
    shape.check(message, limits).map_err(|f| f.at(name, index))?;
    Ok(message.rest())
}

fn status<'a>(mut r: Reader<'a>, limits: &Limits, span: &mut SpanFields<'a>) -> Result<(), Fault> {
    while let Some(key) = r.key()? {
        match key {
            field::STATUS_MESSAGE => span.status_message = text::field(r.delimited()?, limits, "message")?,
            field::STATUS_CODE => span.status_code = enum_up_to(2, r.uint()?),
            _ => r.skip_unknown(key, STATUS_FIELDS)?,
        }
    }
    Ok(())
}
