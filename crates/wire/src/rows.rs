//! Sinks that collect rows of `model`: what decoding means, without any engine.
//!
//! Tests compare with these rows, here and in the engines. They copy everything
//! and are not for the ingest path.

use model::trace::{Event, Link, Resource, Scope, Status};
use model::{Attributes, LogRecord, Span};

use crate::otlp::{read_event, read_link, read_resource, read_scope, unique};
use crate::sink::{LogFields, LogSink, ResourceRef, ScopeRef, SpanFields, SpanSink, ValueRef};

mod metrics;
pub use crate::points::{BucketsRow, ExemplarRow, MetricPoint, PointRow};
pub use metrics::RowMetricSink;

fn resource_row(resource: ResourceRef<'_>) -> Resource {
    Resource { schema_url: resource.schema_url.to_owned(), ..read_resource(resource.raw) }
}

fn scope_row(scope: ScopeRef<'_>) -> Scope {
    Scope { schema_url: scope.schema_url.to_owned(), ..read_scope(scope.raw) }
}

/// Collects spans.
#[derive(Debug, Default)]
pub struct RowSpanSink {
    /// The spans, in the order of the request.
    pub spans: Vec<Span>,
    resource: Resource,
    scope: Scope,
    attributes: Attributes,
    events: Vec<Event>,
    links: Vec<Link>,
}

impl SpanSink for RowSpanSink {
    fn resource(&mut self, resource: ResourceRef<'_>) {
        self.resource = resource_row(resource);
    }

    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.scope = scope_row(scope);
    }

    fn attribute(&mut self, key: &str, value: ValueRef<'_>) {
        self.attributes.push((key.to_owned(), value.into()));
    }

    fn event(&mut self, raw: &[u8]) {
        self.events.push(read_event(raw));
    }

    fn link(&mut self, raw: &[u8]) {
        self.links.push(read_link(raw));
    }

    fn end_span(&mut self, s: &SpanFields<'_>) {
        self.spans.push(Span {
            trace_id: s.trace_id,
            span_id: s.span_id,
            parent_span_id: s.parent_span_id,
            trace_state: s.trace_state.to_owned(),
            flags: s.flags,
            name: s.name.to_owned(),
            kind: s.kind,
            start: s.start,
            end: s.end,
            attributes: unique(std::mem::take(&mut self.attributes)),
            dropped_attributes_count: s.dropped_attributes_count,
            events: std::mem::take(&mut self.events),
            dropped_events_count: s.dropped_events_count,
            links: std::mem::take(&mut self.links),
            dropped_links_count: s.dropped_links_count,
            status: Status { code: s.status_code, message: s.status_message.to_owned() },
            resource: self.resource.clone(),
            scope: self.scope.clone(),
        });
    }

    fn abandon(&mut self) {
        self.attributes.clear();
        self.events.clear();
        self.links.clear();
    }
}

/// Collects log records.
#[derive(Debug, Default)]
pub struct RowLogSink {
    /// The records, in the order of the request.
    pub records: Vec<LogRecord>,
    resource: Resource,
    scope: Scope,
    attributes: Attributes,
}

impl LogSink for RowLogSink {
    fn resource(&mut self, resource: ResourceRef<'_>) {
        self.resource = resource_row(resource);
    }

    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.scope = scope_row(scope);
    }

    fn attribute(&mut self, key: &str, value: ValueRef<'_>) {
        self.attributes.push((key.to_owned(), value.into()));
    }

    fn end_record(&mut self, r: &LogFields<'_>) {
        self.records.push(LogRecord {
            time: r.time,
            observed_time: r.observed_time,
            severity_number: r.severity_number,
            severity_text: r.severity_text.to_owned(),
            body: r.body.into(),
            attributes: unique(std::mem::take(&mut self.attributes)),
            event_name: r.event_name.to_owned(),
            trace_id: r.trace_id,
            span_id: r.span_id,
            flags: r.flags,
            dropped_attributes_count: r.dropped_attributes_count,
            resource: self.resource.clone(),
            scope: self.scope.clone(),
        });
    }

    fn abandon(&mut self) {
        self.attributes.clear();
    }
}
