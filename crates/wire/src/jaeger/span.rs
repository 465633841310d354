//! A Jaeger span between its encodings and OTLP.

use model::{SpanId, TraceId};

use crate::bounded::{Bounded, Tags};

/// Who reports.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Process {
    pub service_name: String,
    pub tags: Tags,
}

/// One span as Jaeger has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Span {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent_span_id: SpanId,
    pub operation_name: String,
    pub references: Bounded<Reference>,
    pub flags: u32,
    /// Nanoseconds since the epoch.
    pub start: i64,
    /// Nanoseconds.
    pub duration: i64,
    pub tags: Tags,
    pub logs: Bounded<Log>,
}

/// A relation to another span.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Reference {
    pub follows_from: bool,
    pub trace_id: TraceId,
    pub span_id: SpanId,
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Log {
    /// Nanoseconds since the epoch.
    pub time: i64,
    pub fields: Tags,
}
