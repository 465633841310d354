//! The value of a field in a record that was read, by path too: what the `fields` stage lists.

use eventstore::query::{AttributeScope, Field, lookup};
use model::trace::{Resource, Scope};
use model::{Attributes, LogRecord, Span, Value};

/// The value of a field of a log record; an attribute of the record wins over that of its resource.
pub fn log_value(r: &LogRecord, field: &Field) -> Option<Value> {
    match field {
        Field::Severity => (r.severity_number != 0).then(|| Value::Int(i64::from(r.severity_number))),
        Field::SeverityText => text(&r.severity_text),
        Field::Body => (r.body != Value::Empty).then(|| r.body.clone()),
        Field::EventName => text(&r.event_name),
        Field::TraceId => (!r.trace_id.is_zero()).then(|| Value::Str(r.trace_id.to_string())),
        Field::SpanId => (!r.span_id.is_zero()).then(|| Value::Str(r.span_id.to_string())),
        other => shared(other, &r.attributes, &r.resource, &r.scope),
    }
}

/// The value of a field of a span.
pub fn span_value(s: &Span, field: &Field) -> Option<Value> {
    match field {
        Field::Name => text(&s.name),
        Field::Kind => Some(Value::Int(i64::from(s.kind))),
        Field::Status => Some(Value::Int(i64::from(s.status.code))),
        Field::StatusMessage => text(&s.status.message),
        Field::Duration => Some(Value::Int(s.end.0.saturating_sub(s.start.0))),
        Field::TraceId => Some(Value::Str(s.trace_id.to_string())),
        Field::SpanId => Some(Value::Str(s.span_id.to_string())),
        Field::ParentSpanId => (!s.parent_span_id.is_zero()).then(|| Value::Str(s.parent_span_id.to_string())),
        other => shared(other, &s.attributes, &s.resource, &s.scope),
    }
}

fn text(s: &str) -> Option<Value> {
    (!s.is_empty()).then(|| Value::Str(s.to_owned()))
}

fn shared(field: &Field, own: &Attributes, resource: &Resource, scope: &Scope) -> Option<Value> {
    match field {
        Field::Service => Some(Value::Str(resource.service().to_owned())),
        Field::ScopeName => text(&scope.name),
        Field::Attribute { scope, key } => {
            let own = (*scope != AttributeScope::Resource).then(|| lookup(own, key)).flatten();
            let theirs = (*scope != AttributeScope::Record).then(|| lookup(&resource.attributes, key)).flatten();
            own.or(theirs).cloned()
        }
        _ => None,
    }
}
