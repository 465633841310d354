//! A span and what surrounds it, as `opentelemetry.proto.trace.v1`.

use crate::{Attributes, SpanId, TraceId, UnixNanos, attributes, semconv};

/// The entity that produces telemetry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// What describes it, `service.name` above all.
    pub attributes: Attributes,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
    /// Schema of the attributes.
    pub schema_url: String,
}

impl Resource {
    /// `service.name`, or `unknown_service` as the SDK specification names it.
    pub fn service(&self) -> &str {
        attributes::get(&self.attributes, semconv::SERVICE_NAME)
            .and_then(|v| v.as_str())
            .unwrap_or(semconv::UNKNOWN_SERVICE)
    }
}

/// The instrumentation scope (library) that made a record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// The library's name.
    pub name: String,
    /// The library's version.
    pub version: String,
    /// What describes it.
    pub attributes: Attributes,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
    /// Schema of the records' attributes.
    pub schema_url: String,
}

/// One span with the resource and scope that sent it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span {
    /// The trace it belongs to; never zero.
    pub trace_id: TraceId,
    /// Its own id; never zero.
    pub span_id: SpanId,
    /// The span it is a child of, or zero for a root.
    pub parent_span_id: SpanId,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// W3C trace flags in the low 8 bits; bits 8 and 9 say whether the parent is remote.
    pub flags: u32,
    /// The operation.
    pub name: String,
    /// 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: u8,
    /// When it began.
    pub start: UnixNanos,
    /// When it ended; not before `start`.
    pub end: UnixNanos,
    /// What describes it.
    pub attributes: Attributes,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
    /// What happened during the span.
    pub events: Vec<Event>,
    /// Events that the sender dropped.
    pub dropped_events_count: u32,
    /// Spans it is related to without being their child.
    pub links: Vec<Link>,
    /// Links that the sender dropped.
    pub dropped_links_count: u32,
    /// How it ended.
    pub status: Status,
    /// Who produced it.
    pub resource: Resource,
    /// Which library produced it.
    pub scope: Scope,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// 0 unset, 1 ok, 2 error.
    pub code: u8,
    /// What went wrong, for errors.
    pub message: String,
}

/// Something that happened at one moment of a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// When.
    pub time: UnixNanos,
    /// What.
    pub name: String,
    /// What describes it.
    pub attributes: Attributes,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
}

/// A relation to a span, of this trace or another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// W3C `tracestate` of the other span.
    pub trace_state: String,
    /// What describes the relation.
    pub attributes: Attributes,
    /// Attributes that the sender dropped.
    pub dropped_attributes_count: u32,
    /// W3C trace flags of the other span.
    pub flags: u32,
}
