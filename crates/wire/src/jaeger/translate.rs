//! From Jaeger's vocabulary to OpenTelemetry's.
//!
//! Source: OpenTelemetry specification, "OpenTelemetry to Jaeger Transformation" (read backwards), and what the Collector's
//! Jaeger receiver does where the specification is silent: `error`, `http.status_code`, `hostname`.

use model::trace::{Event, Link, Resource, Scope, Status};
use model::{UnixNanos, Value, semconv};

use super::Converted;
use super::span::{Log, Process, Reference, Span};
use crate::bounded::{Tags, take_scope};
use crate::otlp::Assembly;
use crate::otlp::encode;

/// The spans of one process so far. The process may come after its spans.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub process: Process,
    /// Of the process that is not known yet.
    own: Vec<(Scope, Vec<u8>)>,
    others: Assembly,
}

impl Batch {
    /// Adds a span of the batch's process.
    pub(super) fn push(&mut self, span: Span) {
        let (scope, span) = translate(span);
        let mut w = crate::protobuf::Writer::new();
        encode::span(&mut w, &span);
        self.own.push((scope, w.into_bytes()));
    }

    /// Adds a span of another process.
    pub(super) fn push_of(&mut self, process: &Process, span: Span) {
        let (scope, span) = translate(span);
        let group = self.others.group(&resource(process.clone()), &scope);
        self.others.record(group, |w| encode::span(w, &span));
    }

    pub(super) fn into_converted(self) -> Converted {
        let mut assembly = self.others;
        if !self.own.is_empty() {
            let resource = resource(self.process);
            for (scope, span) in &self.own {
                let group = assembly.group(&resource, scope);
                assembly.record(group, |w| w.raw(span));
            }
        }
        let spans = assembly.records();
        Converted { request: assembly.into_request(), spans }
    }
}

fn resource(process: Process) -> Resource {
    let mut tags = process.tags;
    let mut attributes = Vec::with_capacity(tags.kept.len() + 1);
    if !process.service_name.is_empty() {
        tags.remove(semconv::SERVICE_NAME);
        attributes.push((semconv::SERVICE_NAME.to_owned(), Value::Str(process.service_name)));
    }
    attributes.extend(tags.kept.into_iter().map(|(key, value)| match key.as_str() {
        "hostname" => ("host.name".to_owned(), value),
        _ => (key, value),
    }));
    Resource { attributes, dropped_attributes_count: tags.dropped, schema_url: String::new() }
}

fn translate(mut span: Span) -> (Scope, model::Span) {
    let mut tags = std::mem::take(&mut span.tags);
    let scope = take_scope(&mut tags);
    let kind = match tags.get("span.kind").and_then(Value::as_str) {
        Some("internal") => 1,
        Some("server") => 2,
        Some("client") => 3,
        Some("producer") => 4,
        Some("consumer") => 5,
        _ => 0,
    };
    if kind != 0 {
        tags.remove("span.kind");
    }
    let trace_state = tags.take_text("w3c.tracestate");
    let status = status(&mut tags, kind);
    let parent = parent(&span);
    let links = span.references.kept.into_iter().filter(|r| Some(r) != parent.as_ref()).map(link).collect();
    let start = UnixNanos(span.start);
    let out = model::Span {
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent_span_id: parent.map_or(span.parent_span_id, |p| p.span_id),
        trace_state,
        // Bit 0 is `sampled` in both; Jaeger's other bits mean something else.
        flags: span.flags & 1,
        name: span.operation_name,
        kind,
        start,
        end: UnixNanos(span.start.saturating_add(span.duration.max(0))),
        attributes: tags.kept,
        dropped_attributes_count: tags.dropped,
        events: span.logs.kept.into_iter().map(event).collect(),
        dropped_events_count: span.logs.dropped,
        links,
        dropped_links_count: span.references.dropped,
        status,
        ..model::Span::default()
    };
    (scope, out)
}

/// The reference that is the parent: the one with the parent's id, or else the first `CHILD_OF` of the same trace.
fn parent(span: &Span) -> Option<Reference> {
    let mut child_of = span.references.kept.iter().filter(|r| !r.follows_from && r.trace_id == span.trace_id);
    if span.parent_span_id.is_zero() {
        return child_of.find(|r| !r.span_id.is_zero()).cloned();
    }
    child_of.find(|r| r.span_id == span.parent_span_id).cloned()
}

fn link(reference: Reference) -> Link {
    let kind = if reference.follows_from { "follows_from" } else { "child_of" };
    Link {
        trace_id: reference.trace_id,
        span_id: reference.span_id,
        attributes: vec![("opentracing.ref_type".to_owned(), Value::Str(kind.to_owned()))],
        ..Link::default()
    }
}

fn status(tags: &mut Tags, kind: u8) -> Status {
    let code = tags.remove("otel.status_code");
    let failed = match tags.get("error") {
        Some(Value::Bool(failed)) => *failed,
        Some(Value::Str(text)) => text == "true",
        _ => false,
    };
    // OpenTracing's `error` is the last word; an `error` of false says nothing.
    if failed {
        tags.remove("error");
        return Status { code: 2, message: message(tags) };
    }
    match code.as_ref().and_then(Value::as_str).map(str::to_ascii_uppercase).as_deref() {
        Some("ERROR") => Status { code: 2, message: message(tags) },
        Some("OK") => Status { code: 1, message: String::new() },
        Some(_) => Status::default(),
        None => http_status(tags, kind),
    }
}

fn message(tags: &mut Tags) -> String {
    let given = tags.remove("otel.status_description");
    match given.as_ref().or_else(|| tags.get("http.status_message")) {
        Some(Value::Str(text)) => text.clone(),
        _ => String::new(),
    }
}

/// What HTTP's semantic conventions say of a span without a status: 5xx is an error of
/// both sides, 4xx one of the client.
fn http_status(tags: &Tags, kind: u8) -> Status {
    let code = match tags.get("http.status_code") {
        Some(Value::Int(code)) => *code,
        Some(Value::Str(text)) => text.parse().unwrap_or(0),
        _ => 0,
    };
    let failed = (500..600).contains(&code) || kind == 3 && (400..500).contains(&code);
    Status { code: if failed { 2 } else { 0 }, message: String::new() }
}

fn event(log: Log) -> Event {
    let mut fields = log.fields;
    let name = match fields.get("event") {
        Some(Value::Str(_)) => fields.remove("event"),
        _ => fields.get("message").cloned(),
    };
    Event {
        time: UnixNanos(log.time),
        name: match name {
            Some(Value::Str(name)) => name,
            _ => String::new(),
        },
        attributes: fields.kept,
        dropped_attributes_count: fields.dropped,
    }
}
