//! Spans and their events.

use wire::otlp::tree::{Event, Span, Text};

use super::{fields, id_of, id_of_hex, id_text, id_value, lists, read_only, time};
use crate::ottl::eval::{EvalError, index};
use crate::ottl::keys::Key;
use crate::ottl::path::{count, int, mismatch, nanos, text};
use crate::ottl::value::Val;

fields! {
    /// What a span has.
    SpanField {
        TraceId = "trace_id",
        TraceIdString = "trace_id.string",
        SpanId = "span_id",
        SpanIdString = "span_id.string",
        ParentSpanId = "parent_span_id",
        ParentSpanIdString = "parent_span_id.string",
        TraceState = "trace_state",
        Name = "name",
        Kind = "kind",
        KindString = "kind.string",
        KindDeprecatedString = "kind.deprecated_string",
        StartTimeUnixNano = "start_time_unix_nano",
        EndTimeUnixNano = "end_time_unix_nano",
        StartTime = "start_time",
        EndTime = "end_time",
        Attributes = "attributes",
        DroppedAttributesCount = "dropped_attributes_count",
        Events = "events",
        Links = "links",
        DroppedEventsCount = "dropped_events_count",
        DroppedLinksCount = "dropped_links_count",
        Status = "status",
        StatusCode = "status.code",
        StatusMessage = "status.message",
        Flags = "flags",
    }
}

/// Names of span kinds, by number.
const KINDS: [(&str, &str); 6] = [
    ("Unspecified", "SPAN_KIND_UNSPECIFIED"),
    ("Internal", "SPAN_KIND_INTERNAL"),
    ("Server", "SPAN_KIND_SERVER"),
    ("Client", "SPAN_KIND_CLIENT"),
    ("Producer", "SPAN_KIND_PRODUCER"),
    ("Consumer", "SPAN_KIND_CONSUMER"),
];

fn kind(number: i32) -> Option<&'static (&'static str, &'static str)> {
    usize::try_from(number).ok().and_then(|n| KINDS.get(n))
}

fn kind_of(name: &str) -> Result<i32, EvalError> {
    let found = KINDS.iter().position(|(short, long)| short.eq_ignore_ascii_case(name) || *long == name);
    found.map(|n| n as i32).ok_or_else(|| EvalError::new(format!("`{name}` is no kind of span")))
}

/// The value of a member of a W3C `tracestate`.
pub(in crate::ottl) fn state_member<'s>(state: &'s str, key: &str) -> Option<&'s str> {
    state.split(',').filter_map(|m| m.trim().split_once('=')).find(|(k, _)| *k == key).map(|(_, v)| v)
}

pub(super) fn with_member(state: &str, key: &str, value: &str) -> Text {
    let others = state.split(',').filter(|m| m.trim().split_once('=').is_some_and(|(k, _)| k != key));
    // The specification puts what was changed last first.
    let mut out = format!("{key}={value}");
    others.for_each(|m| out.extend([",", m.trim()]));
    out.into()
}

impl SpanField {
    pub(in crate::ottl) fn get(self, span: &Span, keys: &[Key]) -> Val {
        match self {
            Self::TraceId => id_value(&span.trace_id),
            Self::TraceIdString => id_text(&span.trace_id),
            Self::SpanId => id_value(&span.span_id),
            Self::SpanIdString => id_text(&span.span_id),
            Self::ParentSpanId => id_value(&span.parent_span_id),
            Self::ParentSpanIdString => id_text(&span.parent_span_id),
            Self::TraceState => match keys {
                [Key::Text(key), ..] => state_member(&span.trace_state, key).map_or(Val::NIL, Val::from),
                _ => span.trace_state.clone().into(),
            },
            Self::Name => span.name.clone().into(),
            Self::Kind => span.kind.into(),
            Self::KindString => kind(span.kind).map_or(Val::NIL, |(short, _)| (*short).into()),
            Self::KindDeprecatedString => kind(span.kind).map_or(Val::NIL, |(_, long)| (*long).into()),
            Self::StartTimeUnixNano => span.start_time_unix_nano.into(),
            Self::EndTimeUnixNano => span.end_time_unix_nano.into(),
            Self::StartTime => time(span.start_time_unix_nano),
            Self::EndTime => time(span.end_time_unix_nano),
            Self::Attributes => span.attributes.clone().into(),
            Self::DroppedAttributesCount => span.dropped_attributes_count.into(),
            Self::Events => index(lists::events(&span.events), keys),
            Self::Links => index(lists::links(&span.links), keys),
            Self::DroppedEventsCount => span.dropped_events_count.into(),
            Self::DroppedLinksCount => span.dropped_links_count.into(),
            Self::Status | Self::StatusCode => span.status.code.into(),
            Self::StatusMessage => span.status.message.clone().into(),
            Self::Flags => span.flags.into(),
        }
    }

    pub(in crate::ottl) fn set(self, span: &mut Span, keys: &[Key], v: Val) -> Result<(), EvalError> {
        match self {
            Self::TraceId => span.trace_id = id_of(&v)?,
            Self::TraceIdString => span.trace_id = id_of_hex(&v)?,
            Self::SpanId => span.span_id = id_of(&v)?,
            Self::SpanIdString => span.span_id = id_of_hex(&v)?,
            Self::ParentSpanId => span.parent_span_id = id_of(&v)?,
            Self::ParentSpanIdString => span.parent_span_id = id_of_hex(&v)?,
            Self::TraceState => match keys {
                [Key::Text(key), ..] => span.trace_state = with_member(&span.trace_state, key, text(&v)?),
                _ => span.trace_state = text(&v)?.into(),
            },
            Self::Name => span.name = text(&v)?.into(),
            Self::Kind => span.kind = small(&v)?,
            Self::KindString | Self::KindDeprecatedString => span.kind = kind_of(text(&v)?)?,
            Self::StartTimeUnixNano | Self::StartTime => span.start_time_unix_nano = nanos(&v)?,
            Self::EndTimeUnixNano | Self::EndTime => span.end_time_unix_nano = nanos(&v)?,
            Self::Attributes => return Err(mismatch("a map", &v)),
            Self::DroppedAttributesCount => span.dropped_attributes_count = count(&v)?,
            Self::Events if keys.is_empty() => span.events = lists::events_of(&v)?,
            Self::Links if keys.is_empty() => span.links = lists::links_of(&v)?,
            Self::Events | Self::Links => {
                return Err(EvalError::new("it is set as a whole; single ones are changed in a context of their own"));
            }
            Self::DroppedEventsCount => span.dropped_events_count = count(&v)?,
            Self::DroppedLinksCount => span.dropped_links_count = count(&v)?,
            Self::Status | Self::StatusCode => span.status.code = small(&v)?,
            Self::StatusMessage => span.status.message = text(&v)?.into(),
            Self::Flags => span.flags = count(&v)?,
        }
        Ok(())
    }
}

/// An enum number.
pub(super) fn small(v: &Val) -> Result<i32, EvalError> {
    let i = int(v)?;
    i32::try_from(i).map_err(|_| EvalError::new(format!("{i} does not fit 32 bits")))
}

fields! {
    /// What an event has.
    EventField {
        TimeUnixNano = "time_unix_nano",
        Time = "time",
        Name = "name",
        Attributes = "attributes",
        DroppedAttributesCount = "dropped_attributes_count",
        EventIndex = "event_index",
    }
}

impl EventField {
    pub(in crate::ottl) fn get(self, event: &Event, index: usize) -> Val {
        match self {
            Self::TimeUnixNano => event.time_unix_nano.into(),
            Self::Time => time(event.time_unix_nano),
            Self::Name => event.name.clone().into(),
            Self::Attributes => event.attributes.clone().into(),
            Self::DroppedAttributesCount => event.dropped_attributes_count.into(),
            Self::EventIndex => index.into(),
        }
    }

    pub(in crate::ottl) fn set(self, event: &mut Event, v: Val) -> Result<(), EvalError> {
        match self {
            Self::TimeUnixNano | Self::Time => event.time_unix_nano = nanos(&v)?,
            Self::Name => event.name = text(&v)?.into(),
            Self::Attributes => return Err(mismatch("a map", &v)),
            Self::DroppedAttributesCount => event.dropped_attributes_count = count(&v)?,
            Self::EventIndex => return Err(read_only("event_index")),
        }
        Ok(())
    }
}
