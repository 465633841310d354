//! From Zipkin's vocabulary to OpenTelemetry's.

use model::trace::{Event, Resource, Status};
use model::{SpanId, TraceId, UnixNanos, Value, semconv};

use super::span::{Annotation, Endpoint, Kind, Span, hex_id};
use super::{Converted, Options, ZipkinError};
use crate::bounded::{Tags, take_scope};
use crate::otlp::{Assembly, encode};

/// The spans of a request so far.
pub(super) struct Spans {
    options: Options,
    assembly: Assembly,
    index: u64,
}

impl Spans {
    pub(super) fn new(options: Options) -> Self {
        Self { options, assembly: Assembly::new(), index: 0 }
    }

    pub(super) fn push(&mut self, span: Span) -> Result<(), ZipkinError> {
        let index = self.index;
        self.index += 1;
        let trace_id = TraceId(hex_id(index, "traceId", &span.trace_id)?);
        let span_id = SpanId(hex_id(index, "id", &span.id)?);
        // A parent of zero is no parent.
        let parent = span.parent_id.as_deref().map(str::trim).filter(|p| p.bytes().any(|b| b != b'0'));
        let parent = parent.map(|p| hex_id(index, "parentId", p)).transpose()?;
        let mut tags = span.tags;
        let scope = take_scope(&mut tags);
        let local = span.local_endpoint.unwrap_or_default();
        let group = self.assembly.group(&resource(&local), &scope);
        let status = status(&mut tags);
        let trace_state = tags.take_text("w3c.tracestate");
        let kind = kind(span.kind, &mut tags);
        if self.options.parse_string_tags {
            tags.kept.iter_mut().for_each(|(_, value)| parse(value));
        }
        endpoint(&mut tags, "net.host.ip", "net.host.port", &local);
        if let Some(remote) = &span.remote_endpoint {
            if let Some(name) = remote.service_name.as_ref().filter(|n| !n.is_empty()) {
                tags.push("peer.service".to_owned(), Value::Str(name.clone()));
            }
            endpoint(&mut tags, "net.peer.ip", "net.peer.port", remote);
        }
        let first = span.annotations.kept.iter().map(|a| a.timestamp).min();
        let start = span.timestamp.or(first).filter(|t| t.0 > 0).map_or(self.options.now.0, |t| t.nanos());
        let duration = span.duration.map_or(0, |d| d.nanos().max(0));
        let out = model::Span {
            trace_id,
            span_id,
            parent_span_id: SpanId(parent.unwrap_or_default()),
            trace_state,
            name: span.name.unwrap_or_default(),
            kind,
            start: UnixNanos(start),
            end: UnixNanos(start.saturating_add(duration)),
            attributes: tags.kept,
            dropped_attributes_count: tags.dropped,
            events: span.annotations.kept.into_iter().map(event).collect(),
            dropped_events_count: span.annotations.dropped,
            status,
            ..model::Span::default()
        };
        self.assembly.record(group, |w| encode::span(w, &out));
        Ok(())
    }

    pub(super) fn into_converted(self) -> Converted {
        let spans = self.assembly.records();
        Converted { request: self.assembly.into_request(), spans }
    }
}

fn resource(local: &Endpoint) -> Resource {
    let name = local.service_name.as_ref().filter(|n| !n.is_empty());
    let attributes = name.map(|n| (semconv::SERVICE_NAME.to_owned(), Value::Str(n.clone()))).into_iter().collect();
    Resource { attributes, ..Resource::default() }
}

fn endpoint(tags: &mut Tags, ip: &str, port: &str, endpoint: &Endpoint) {
    if let Some(address) = endpoint.ipv4.as_ref().or(endpoint.ipv6.as_ref()).filter(|a| !a.is_empty()) {
        tags.push(ip.to_owned(), Value::Str(address.clone()));
    }
    if let Some(number) = endpoint.port.filter(|p| p.0 > 0) {
        tags.push(port.to_owned(), Value::Int(number.0));
    }
}

/// Zipkin has no word for what is neither remote side; OpenTelemetry's exporters leave the kind out then.
fn kind(kind: Option<Kind>, tags: &mut Tags) -> u8 {
    match kind {
        Some(Kind::Server) => 2,
        Some(Kind::Client) => 3,
        Some(Kind::Producer) => 4,
        Some(Kind::Consumer) => 5,
        None if tags.get("span.kind").and_then(Value::as_str) == Some("internal") => {
            tags.remove("span.kind");
            1
        }
        None => 0,
    }
}

/// `otel.status_code` where an OpenTelemetry exporter wrote it; else Zipkin's `error`, whose presence alone says it.
fn status(tags: &mut Tags) -> Status {
    let code = tags.take_text("otel.status_code").to_ascii_uppercase();
    let description = tags.take_text("otel.status_description");
    let error = match tags.get("error") {
        Some(Value::Str(text)) if text == "false" => None,
        Some(Value::Bool(false)) | None => None,
        Some(Value::Str(text)) => Some(text.clone()),
        Some(_) => Some("true".to_owned()),
    };
    match (code.as_str(), error) {
        ("OK", None) => Status { code: 1, message: String::new() },
        ("ERROR", None) => Status { code: 2, message: description },
        (_, None) => Status::default(),
        (_, Some(error)) => {
            let says_more = !matches!(error.as_str(), "true" | "");
            if !says_more {
                tags.remove("error");
            }
            let message = if description.is_empty() && says_more { error } else { description };
            Status { code: 2, message }
        }
    }
}

fn parse(value: &mut Value) {
    let Value::Str(text) = &*value else { return };
    let parsed = match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        t => match (t.parse(), t.parse()) {
            (Ok(int), _) => Value::Int(int),
            (_, Ok(double)) if t.bytes().any(|b| b.is_ascii_digit()) => Value::Double(double),
            _ => return,
        },
    };
    *value = parsed;
}

fn event(annotation: Annotation) -> Event {
    Event { time: UnixNanos(annotation.timestamp.nanos()), name: annotation.value, ..Event::default() }
}
