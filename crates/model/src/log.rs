//! A log record, as `opentelemetry.proto.logs.v1.LogRecord`.

use crate::trace::{Resource, Scope};
use crate::{Attributes, SpanId, TraceId, UnixNanos, Value};

/// One log record with the resource and scope that sent it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRecord {
    /// When it happened; the observed time where the sender gave none.
    pub time: UnixNanos,
    /// When the collection system saw it; the time where the sender gave none.
    pub observed_time: UnixNanos,
    /// 1-24 as OpenTelemetry numbers severities, 0 unknown.
    pub severity_number: u8,
    /// The severity as the source spelled it.
    pub severity_text: String,
    /// Text or structure.
    pub body: Value,
    /// Attributes of the record.
    pub attributes: Attributes,
    /// The event's name, for records that are events.
    pub event_name: String,
    /// The trace it belongs to, or zero.
    pub trace_id: TraceId,
    /// The span it belongs to, or zero.
    pub span_id: SpanId,
    /// W3C trace flags in the low 8 bits.
    pub flags: u32,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
    /// Who produced it.
    pub resource: Resource,
    /// Which library produced it.
    pub scope: Scope,
}

/// The name of the range that a severity number falls in: `TRACE` .. `FATAL`, or `UNSPECIFIED` for 0.
///
/// OpenTelemetry Logs Data Model, "Field: SeverityNumber".
pub const fn severity_range(number: u8) -> &'static str {
    match number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => "UNSPECIFIED",
    }
}
