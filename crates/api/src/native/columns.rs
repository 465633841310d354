//! A trace as columns: for traces of thousands of spans, where one object per span is megabytes of text.
//!
//! Names, services and kinds stand once and are referred to by place; times
//! are distances to the start of the trace. Attributes, events and links come
//! with a span of its own (`/api/v1/traces/{trace_id}/spans/{span_id}`); what a
//! waterfall writes beside a name and marks on its bars is here.

use std::collections::HashMap;

use model::{Span, SpanId, Value};
use query::traces::Trace;
use serde::Serialize;
use utoipa::ToSchema;

use super::shape::kind_name;

/// A trace as columns; place `i` of every column belongs to span `i`, by start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ColumnsShape {
    /// Unix nanoseconds.
    start_unix_nano: String,
    duration_nanos: u64,
    /// What `name` refers to.
    names: Vec<String>,
    /// What `service` refers to.
    services: Vec<String>,
    /// What `kind` refers to.
    kinds: [&'static str; 6],
    /// 16 hex digits each.
    span_id: Vec<String>,
    /// The place of the parent; -1 for a root, -2 when the parent is not stored.
    parent: Vec<i64>,
    name: Vec<usize>,
    service: Vec<usize>,
    kind: Vec<u8>,
    /// 0 unset, 1 ok, 2 error.
    status: Vec<u8>,
    /// Nanoseconds after the start of the trace.
    start: Vec<i64>,
    /// Nanoseconds.
    duration: Vec<i64>,
    /// How many events the span has.
    events: Vec<usize>,
    /// What `badge` refers to.
    badges: Vec<String>,
    /// The attribute that says most beside the name: status of HTTP, system of a database or of messaging; -1 for none.
    badge: Vec<i64>,
    /// The place of the span of each event; all events of a span stand together.
    event_span: Vec<usize>,
    /// Nanoseconds after the start of the trace.
    event_time: Vec<i64>,
    /// What `event_name` refers to.
    event_names: Vec<String>,
    event_name: Vec<usize>,
}

/// Attributes that make a badge, the most telling first; both spellings of the semantic conventions.
const BADGE_KEYS: [&str; 6] =
    ["http.response.status_code", "http.status_code", "db.system.name", "db.system", "messaging.system", "rpc.system"];

fn badge_of(span: &Span) -> Option<String> {
    let value = BADGE_KEYS.iter().find_map(|key| span.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v))?;
    match value {
        Value::Str(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Texts, each once, in the order in which they came.
#[derive(Default)]
struct Dictionary<'a> {
    places: HashMap<&'a str, usize>,
    texts: Vec<String>,
}

impl<'a> Dictionary<'a> {
    fn place(&mut self, text: &'a str) -> usize {
        let texts = &mut self.texts;
        *self.places.entry(text).or_insert_with(|| {
            texts.push(text.to_owned());
            texts.len() - 1
        })
    }
}

impl ColumnsShape {
    pub(crate) fn new(trace: &Trace) -> Self {
        let spans = &trace.spans;
        let places: HashMap<SpanId, i64> = spans.iter().enumerate().rev().map(|(i, s)| (s.span_id, i as i64)).collect();
        let (mut names, mut services) = (Dictionary::default(), Dictionary::default());
        let parent = |s: &Span| match s.parent_span_id {
            id if id.is_zero() => -1,
            id => places.get(&id).copied().unwrap_or(-2),
        };
        let name = spans.iter().map(|s| names.place(&s.name)).collect();
        let service = spans.iter().map(|s| services.place(s.resource.service())).collect();
        let badge_texts: Vec<Option<String>> = spans.iter().map(badge_of).collect();
        let mut badges = Dictionary::default();
        let badge = badge_texts.iter().map(|b| b.as_deref().map_or(-1, |text| badges.place(text) as i64)).collect();
        let mut event_names = Dictionary::default();
        let events = || spans.iter().enumerate().flat_map(|(i, s)| s.events.iter().map(move |e| (i, e)));
        Self {
            start_unix_nano: trace.start.0.to_string(),
            duration_nanos: trace.duration_nanos,
            kinds: [0, 1, 2, 3, 4, 5].map(kind_name),
            span_id: spans.iter().map(|s| s.span_id.to_string()).collect(),
            parent: spans.iter().map(parent).collect(),
            name,
            service,
            kind: spans.iter().map(|s| s.kind.min(5)).collect(),
            status: spans.iter().map(|s| s.status.code).collect(),
            start: spans.iter().map(|s| s.start.0.saturating_sub(trace.start.0)).collect(),
            duration: spans.iter().map(|s| s.end.0.saturating_sub(s.start.0)).collect(),
            events: spans.iter().map(|s| s.events.len()).collect(),
            badge,
            event_span: events().map(|(i, _)| i).collect(),
            event_time: events().map(|(_, e)| e.time.0.saturating_sub(trace.start.0)).collect(),
            event_name: events().map(|(_, e)| event_names.place(&e.name)).collect(),
            event_names: event_names.texts,
            badges: badges.texts,
            names: names.texts,
            services: services.texts,
        }
    }
}

#[cfg(test)]
mod tests {
    use foundation::UnixNanos;
    use model::trace::Event;

    use super::*;

    #[test]
    fn parents_are_places_and_texts_stand_once() {
        let span = |id: u8, parent: u8, start: i64| Span {
            span_id: SpanId([id; 8]),
            parent_span_id: SpanId([parent; 8]),
            name: "GET /".into(),
            start: UnixNanos(start),
            end: UnixNanos(start + 5),
            ..Span::default()
        };
        let mut spans = vec![span(1, 0, 100), span(2, 1, 101), span(3, 9, 102)];
        spans[1].attributes.push(("db.system".to_owned(), Value::Str("redis".to_owned())));
        spans[2].attributes.push(("http.response.status_code".to_owned(), Value::Int(503)));
        spans[2].events.push(Event { time: UnixNanos(104), name: "retry".into(), ..Event::default() });
        let trace = Trace { spans, start: UnixNanos(100), duration_nanos: 7, ..Trace::default() };
        let c = ColumnsShape::new(&trace);
        assert_eq!((c.parent, c.start, c.names.len(), c.name), (vec![-1, 0, -2], vec![0, 1, 2], 1, vec![0, 0, 0]));
        assert_eq!((c.badge, c.badges), (vec![-1, 0, 1], vec!["redis".to_owned(), "503".to_owned()]));
        assert_eq!(
            (c.event_span, c.event_time, c.event_name, c.event_names),
            (vec![2], vec![4], vec![0], vec!["retry".to_owned()])
        );
    }
}
