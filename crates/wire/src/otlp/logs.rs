//! `ExportLogsServiceRequest` into a [`LogSink`].
//!
//! Source: opentelemetry/proto/logs/v1/logs.proto and collector/logs/v1/logs_service.proto;
//! missing times as in the Logs Data Model, "Field: Timestamp" and "Field: ObservedTimestamp".

use foundation::UnixNanos;
use model::{SpanId, TraceId};

use super::any_value::{attribute, value};
use super::decoded::{Decoded, Tally};
use super::envelope::{Visitor, walk};
use super::fault::{DecodeError, Fault};
use super::ids::{enum_up_to, span_id, trace_id};
use super::limits::Limits;
use super::schema::{self, Message};
use super::text;
use crate::protobuf::{Malformed, Reader};
use crate::sink::{LogFields, LogSink, ResourceRef, ScopeRef, ValueRef};

/// Decodes a request into `sink`; see [`crate::sink`] for the order of the calls.
///
/// # Errors
/// When the bytes are not a well-formed request. What `sink` was given until then must be thrown away.
pub fn decode_logs<S: LogSink>(request: &[u8], limits: &Limits, sink: &mut S) -> Result<Decoded, DecodeError> {
    walk(request, limits, &mut Logs { limits, sink })
}

struct Logs<'s, S> {
    limits: &'s Limits,
    sink: &'s mut S,
}

impl<'a, S: LogSink> Visitor<'a> for Logs<'_, S> {
    const RESOURCES: &'static str = "resource_logs";
    const SCOPES: &'static str = "scope_logs";
    const RECORDS: &'static str = "log_records";
    const RESOURCES_TYPE: &'static Message = &schema::RESOURCE_LOGS;
    const SCOPES_TYPE: &'static Message = &schema::SCOPE_LOGS;
    const RECORDS_TYPE: &'static Message = &schema::LOG_RECORD;

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
        match read_record(record, self.limits, self.sink) {
            Ok(record) => {
                self.sink.end_record(&record);
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
    //! Keys of the fields of `LogRecord`.
    use crate::protobuf::Key;

    pub(super) const TIME: Key = Key::fixed64(1);
    pub(super) const SEVERITY_NUMBER: Key = Key::varint(2);
    pub(super) const SEVERITY_TEXT: Key = Key::delimited(3);
    pub(super) const BODY: Key = Key::delimited(5);
    pub(super) const ATTRIBUTES: Key = Key::delimited(6);
    pub(super) const DROPPED_ATTRIBUTES_COUNT: Key = Key::varint(7);
    pub(super) const FLAGS: Key = Key::fixed32(8);
    pub(super) const TRACE_ID: Key = Key::delimited(9);
    pub(super) const SPAN_ID: Key = Key::delimited(10);
    pub(super) const OBSERVED_TIME: Key = Key::fixed64(11);
    pub(super) const EVENT_NAME: Key = Key::delimited(12);
}

/// Field 4 was the record's name in early versions and is reserved.
const RECORD_FIELDS: u32 = 0x1fee;

/// Reads a record; its attributes go to `sink` on the way.
fn read_record<'a, S: LogSink>(mut r: Reader<'a>, limits: &Limits, sink: &mut S) -> Result<LogFields<'a>, Fault> {
    let mut record = LogFields {
        time: UnixNanos(0),
        observed_time: UnixNanos(0),
        severity_number: 0,
        severity_text: "",
        body: ValueRef::Empty,
        event_name: "",
        trace_id: TraceId::ZERO,
        span_id: SpanId::ZERO,
        flags: 0,
        dropped_attributes_count: 0,
    };
    let mut attributes = 0;
    while let Some(key) = r.key()? {
        match key {
            field::ATTRIBUTES => {
                let (k, v) = attribute(&mut r, &mut attributes, limits)?;
                sink.attribute(k, v);
            }
            field::TIME => record.time = UnixNanos::from_u64(r.fixed64()?),
            field::OBSERVED_TIME => record.observed_time = UnixNanos::from_u64(r.fixed64()?),
            field::SEVERITY_NUMBER => record.severity_number = enum_up_to(24, r.uint()?),
            field::SEVERITY_TEXT => record.severity_text = text::field(r.delimited()?, limits, "severity_text")?,
            field::BODY => record.body = value(r.message()?, limits, 0).map_err(|f| f.inside("body"))?,
            field::TRACE_ID => record.trace_id = trace_id(r.delimited()?)?,
            field::SPAN_ID => record.span_id = span_id(r.delimited()?, "span_id")?,
            field::FLAGS => record.flags = r.fixed32()?,
            field::EVENT_NAME => record.event_name = text::field(r.delimited()?, limits, "event_name")?,
            field::DROPPED_ATTRIBUTES_COUNT => record.dropped_attributes_count = r.uint()? as u32,
            _ => r.skip_unknown(key, RECORD_FIELDS)?,
        }
    }
    default_times(&mut record, limits.now);
    limits.check_time("time_unix_nano", record.time)?;
    Ok(record)
}

/// 0 means that the sender gave no time: each of the two stands in for the other, the time of arrival for both.
fn default_times(record: &mut LogFields<'_>, now: UnixNanos) {
    if record.time.0 == 0 {
        record.time = if record.observed_time.0 == 0 { now } else { record.observed_time };
    }
    if record.observed_time.0 == 0 {
        record.observed_time = record.time;
    }
}
