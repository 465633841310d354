//! Writes OTLP messages from `model`: for load generation, forwarding and tests.
//!
//! Fields with their default value are left out, as proto3 does it; a value of an
//! attribute is written even then, because its presence says its type.
//! Source: opentelemetry/proto/{common,resource,trace,logs,metrics}/v1.

use model::trace::{Event, Link, Resource, Scope};
use model::{Attributes, LogRecord, Span, Value};

use crate::protobuf::Writer;

mod metrics;
pub use metrics::metrics_request;

/// A whole `ExportTraceServiceRequest`. Spans are grouped by equal resource and scope; groups and
/// the spans in them keep the order of their first appearance.
pub fn traces_request(spans: &[Span]) -> Vec<u8> {
    request(spans, |s| (&s.resource, &s.scope), |w, spans| spans.iter().for_each(|s| w.message(2, |w| span(w, s))))
}

/// A whole `ExportLogsServiceRequest`, grouped as in [`traces_request`].
pub fn logs_request(records: &[LogRecord]) -> Vec<u8> {
    request(
        records,
        |r| (&r.resource, &r.scope),
        |w, records| records.iter().for_each(|r| w.message(2, |w| log_record(w, r))),
    )
}

/// What records belong to one resource, by scope.
struct Group<'a, T> {
    resource: &'a Resource,
    scopes: Vec<(&'a Scope, Vec<&'a T>)>,
}

/// `write` writes the records of one scope.
fn request<T>(records: &[T], owner: fn(&T) -> (&Resource, &Scope), write: fn(&mut Writer, &[&T])) -> Vec<u8> {
    let mut groups: Vec<Group<'_, T>> = Vec::new();
    for record in records {
        let (resource, scope) = owner(record);
        // From the back: records of one resource mostly come together.
        let group = match groups.iter().rposition(|g| g.resource == resource) {
            Some(at) => at,
            None => {
                groups.push(Group { resource, scopes: Vec::new() });
                groups.len() - 1
            }
        };
        let scopes = &mut groups[group].scopes;
        match scopes.iter().rposition(|(s, _)| *s == scope) {
            Some(at) => scopes[at].1.push(record),
            None => scopes.push((scope, vec![record])),
        }
    }
    let mut w = Writer::new();
    for group in &groups {
        w.message(1, |w| {
            w.message(1, |w| self::resource(w, group.resource));
            for (scope, records) in &group.scopes {
                w.message(2, |w| {
                    w.message(1, |w| self::scope(w, scope));
                    write(w, records);
                    text(w, 3, &scope.schema_url);
                });
            }
            text(w, 3, &group.resource.schema_url);
        });
    }
    w.into_bytes()
}

/// The fields of a `Resource`.
pub fn resource(w: &mut Writer, r: &Resource) {
    attributes(w, 1, &r.attributes);
    uint(w, 2, u64::from(r.dropped_attributes_count));
}

/// The fields of an `InstrumentationScope`.
pub fn scope(w: &mut Writer, s: &Scope) {
    text(w, 1, &s.name);
    text(w, 2, &s.version);
    attributes(w, 3, &s.attributes);
    uint(w, 4, u64::from(s.dropped_attributes_count));
}

/// The fields of a `Span`.
pub fn span(w: &mut Writer, s: &Span) {
    w.bytes(1, &s.trace_id.0);
    w.bytes(2, &s.span_id.0);
    text(w, 3, &s.trace_state);
    if !s.parent_span_id.is_zero() {
        w.bytes(4, &s.parent_span_id.0);
    }
    text(w, 5, &s.name);
    uint(w, 6, u64::from(s.kind));
    fixed64(w, 7, s.start.0);
    fixed64(w, 8, s.end.0);
    attributes(w, 9, &s.attributes);
    uint(w, 10, u64::from(s.dropped_attributes_count));
    for e in &s.events {
        w.message(11, |w| event(w, e));
    }
    uint(w, 12, u64::from(s.dropped_events_count));
    for l in &s.links {
        w.message(13, |w| link(w, l));
    }
    uint(w, 14, u64::from(s.dropped_links_count));
    if s.status != model::trace::Status::default() {
        w.message(15, |w| {
            text(w, 2, &s.status.message);
            uint(w, 3, u64::from(s.status.code));
        });
    }
    if s.flags != 0 {
        w.fixed32(16, s.flags);
    }
}

/// The fields of a span's `Event`.
pub fn event(w: &mut Writer, e: &Event) {
    fixed64(w, 1, e.time.0);
    text(w, 2, &e.name);
    attributes(w, 3, &e.attributes);
    uint(w, 4, u64::from(e.dropped_attributes_count));
}

/// The fields of a span's `Link`.
pub fn link(w: &mut Writer, l: &Link) {
    w.bytes(1, &l.trace_id.0);
    w.bytes(2, &l.span_id.0);
    text(w, 3, &l.trace_state);
    attributes(w, 4, &l.attributes);
    uint(w, 5, u64::from(l.dropped_attributes_count));
    if l.flags != 0 {
        w.fixed32(6, l.flags);
    }
}

/// The fields of a `LogRecord`.
pub fn log_record(w: &mut Writer, r: &LogRecord) {
    fixed64(w, 1, r.time.0);
    uint(w, 2, u64::from(r.severity_number));
    text(w, 3, &r.severity_text);
    if r.body != Value::Empty {
        w.message(5, |w| value(w, &r.body));
    }
    attributes(w, 6, &r.attributes);
    uint(w, 7, u64::from(r.dropped_attributes_count));
    if r.flags != 0 {
        w.fixed32(8, r.flags);
    }
    if !r.trace_id.is_zero() {
        w.bytes(9, &r.trace_id.0);
    }
    if !r.span_id.is_zero() {
        w.bytes(10, &r.span_id.0);
    }
    fixed64(w, 11, r.observed_time.0);
    text(w, 12, &r.event_name);
}

/// Attributes as repeated `KeyValue` messages in `field`.
pub fn attributes(w: &mut Writer, field: u32, attributes: &Attributes) {
    for (k, v) in attributes {
        w.message(field, |w| {
            text(w, 1, k);
            w.message(2, |w| value(w, v));
        });
    }
}

/// The fields of an `AnyValue`.
pub fn value(w: &mut Writer, v: &Value) {
    match v {
        Value::Empty => {}
        Value::Str(s) => w.string(1, s),
        Value::Bool(b) => w.uint(2, u64::from(*b)),
        Value::Int(i) => w.uint(3, *i as u64),
        Value::Double(d) => w.double(4, *d),
        Value::Array(items) => w.message(5, |w| {
            for item in items {
                w.message(1, |w| value(w, item));
            }
        }),
        Value::Map(entries) => w.message(6, |w| attributes(w, 1, entries)),
        Value::Bytes(b) => w.bytes(7, b),
    }
}

fn text(w: &mut Writer, field: u32, v: &str) {
    if !v.is_empty() {
        w.string(field, v);
    }
}

fn uint(w: &mut Writer, field: u32, v: u64) {
    if v != 0 {
        w.uint(field, v);
    }
}

/// A time; OTLP has none before the epoch, such times are written as 0.
fn fixed64(w: &mut Writer, field: u32, v: i64) {
    if v > 0 {
        w.fixed64(field, v as u64);
    }
}
