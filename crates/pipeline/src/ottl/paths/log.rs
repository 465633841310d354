//! Log records.

use wire::otlp::tree::LogRecord;

use super::span::small;
use super::{fields, id_of, id_of_hex, id_text, id_value, time};
use crate::ottl::eval::EvalError;
use crate::ottl::path::{count, mismatch, nanos, text};
use crate::ottl::value::Val;

fields! {
    /// What a log record has.
    LogField {
        TimeUnixNano = "time_unix_nano",
        ObservedTimeUnixNano = "observed_time_unix_nano",
        Time = "time",
        ObservedTime = "observed_time",
        SeverityNumber = "severity_number",
        SeverityText = "severity_text",
        Body = "body",
        BodyString = "body.string",
        Attributes = "attributes",
        DroppedAttributesCount = "dropped_attributes_count",
        Flags = "flags",
        TraceId = "trace_id",
        TraceIdString = "trace_id.string",
        SpanId = "span_id",
        SpanIdString = "span_id.string",
        EventName = "event_name",
    }
}

impl LogField {
    pub(in crate::ottl) fn get(self, log: &LogRecord) -> Val {
        match self {
            Self::TimeUnixNano => log.time_unix_nano.into(),
            Self::ObservedTimeUnixNano => log.observed_time_unix_nano.into(),
            Self::Time => time(log.time_unix_nano),
            Self::ObservedTime => time(log.observed_time_unix_nano),
            Self::SeverityNumber => log.severity_number.into(),
            Self::SeverityText => log.severity_text.clone().into(),
            Self::Body => log.body.clone().into(),
            Self::BodyString => log.body.to_text().into(),
            Self::Attributes => log.attributes.clone().into(),
            Self::DroppedAttributesCount => log.dropped_attributes_count.into(),
            Self::Flags => log.flags.into(),
            Self::TraceId => id_value(&log.trace_id),
            Self::TraceIdString => id_text(&log.trace_id),
            Self::SpanId => id_value(&log.span_id),
            Self::SpanIdString => id_text(&log.span_id),
            Self::EventName => log.event_name.clone().into(),
        }
    }

    pub(in crate::ottl) fn set(self, log: &mut LogRecord, v: Val) -> Result<(), EvalError> {
        match self {
            Self::TimeUnixNano | Self::Time => log.time_unix_nano = nanos(&v)?,
            Self::ObservedTimeUnixNano | Self::ObservedTime => log.observed_time_unix_nano = nanos(&v)?,
            Self::SeverityNumber => log.severity_number = small(&v)?,
            Self::SeverityText => log.severity_text = text(&v)?.into(),
            Self::Body => log.body = v.into_value(),
            Self::BodyString => log.body = text(&v)?.into(),
            Self::Attributes => return Err(mismatch("a map", &v)),
            Self::DroppedAttributesCount => log.dropped_attributes_count = count(&v)?,
            Self::Flags => log.flags = count(&v)?,
            Self::TraceId => log.trace_id = id_of(&v)?,
            Self::TraceIdString => log.trace_id = id_of_hex(&v)?,
            Self::SpanId => log.span_id = id_of(&v)?,
            Self::SpanIdString => log.span_id = id_of_hex(&v)?,
            Self::EventName => log.event_name = text(&v)?.into(),
        }
        Ok(())
    }
}
