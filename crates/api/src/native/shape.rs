//! What the native API answers with. Attribute values keep their OTLP type (proto3 JSON `AnyValue`).

use eventstore::query::{Outcome, Partial, QueryStats, RowId};
use model::log::severity_range;
use model::trace::{Event, Link, Resource, Scope};
use model::{Attributes, LogRecord, Span};
use query::EventSignal;
use serde::Serialize;
use utoipa::ToSchema;
use wire::otlp::sampling;

use super::any_value::AnyValue;
use super::error::Position;
use crate::app::App;

/// What a query cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsShape {
    /// Rows of the blocks that were looked into.
    rows_scanned: u64,
    /// Blocks that were looked into.
    blocks_scanned: u64,
    /// Blocks that were answered or ruled out by their header.
    blocks_skipped: u64,
    /// Time inside the engine.
    elapsed_ms: f64,
}

impl From<QueryStats> for StatsShape {
    fn from(s: QueryStats) -> Self {
        Self {
            rows_scanned: s.rows_scanned,
            blocks_scanned: s.blocks_scanned,
            blocks_skipped: s.blocks_skipped,
            elapsed_ms: s.elapsed.as_secs_f64() * 1e3,
        }
    }
}

/// Why an answer is not the whole truth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartialShape {
    /// In words.
    reason: String,
}

/// How complete an answer is and what it cost; part of every answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Footer {
    /// `null` when the answer is complete.
    partial: Option<PartialShape>,
    /// What it cost.
    stats: StatsShape,
    /// Fields of the query that no record of the range has; looked for when nothing was found.
    hints: Vec<HintShape>,
}

/// A field that does not occur.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HintShape {
    /// Where its name stands in `q`.
    position: Position,
    /// The name.
    name: String,
    /// What is probably meant: put in the place of `position`.
    suggestion: Option<String>,
    /// In words.
    message: String,
}

impl From<query::lang::Hint> for HintShape {
    fn from(h: query::lang::Hint) -> Self {
        let known = match (&h.suggestion, h.other) {
            (Some(suggestion), _) => format!(", did you mean `{suggestion}`?"),
            (None, Some(EventSignal::Logs)) => ": it is a field of log records".to_owned(),
            (None, Some(EventSignal::Traces)) => ": it is a field of spans".to_owned(),
            (None, None) => String::new(),
        };
        Self {
            position: Position { offset: h.at.offset, length: h.at.length },
            message: format!("no record of this time range has a field `{}`{known}", h.name),
            name: h.name,
            suggestion: h.suggestion,
        }
    }
}

impl Footer {
    /// The footer of an answer to a query; when nothing was found, with hints at wrong field names.
    pub(crate) fn hinted<T>(
        app: &App,
        signal: EventSignal,
        request: &query::Request,
        outcome: &Outcome<T>,
        nothing_found: bool,
    ) -> Self {
        let mut footer = Self::of(outcome);
        if nothing_found && outcome.partial.is_none() {
            // A hint that cannot be had in time is no reason to fail.
            let hints = query::fields::hints(&app.engines.events, signal, request);
            footer.hints = hints.map_or_else(|_| Vec::new(), |h| h.value.into_iter().map(HintShape::from).collect());
        }
        footer
    }

    pub(crate) fn of<T>(outcome: &Outcome<T>) -> Self {
        Self::new(outcome.partial, outcome.stats)
    }

    pub(crate) fn new(partial: Option<Partial>, stats: QueryStats) -> Self {
        let partial = partial.map(|p| PartialShape { reason: p.to_string() });
        Self { partial, stats: stats.into(), hints: Vec::new() }
    }
}

/// One attribute.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttributeShape {
    key: String,
    /// `{"stringValue": ..}`, `{"intValue": "1"}`, `{"doubleValue": 1.5}`, `{"boolValue": true}`, `{"bytesValue": "base64"}`,
    /// `{"arrayValue": {"values": [..]}}`, `{"kvlistValue": {"values": [..]}}`, or `{}`.
    #[schema(value_type = Object)]
    value: AnyValue,
}

fn attributes(list: Attributes) -> Vec<AttributeShape> {
    list.into_iter().map(|(key, value)| AttributeShape { key, value: AnyValue(value) }).collect()
}

/// Who produced a record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResourceShape {
    attributes: Vec<AttributeShape>,
    dropped_attributes_count: u32,
    schema_url: String,
}

impl From<Resource> for ResourceShape {
    fn from(r: Resource) -> Self {
        Self {
            attributes: attributes(r.attributes),
            dropped_attributes_count: r.dropped_attributes_count,
            schema_url: r.schema_url,
        }
    }
}

/// Which library produced a record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScopeShape {
    name: String,
    version: String,
    attributes: Vec<AttributeShape>,
    dropped_attributes_count: u32,
    schema_url: String,
}

impl From<Scope> for ScopeShape {
    fn from(s: Scope) -> Self {
        Self {
            name: s.name,
            version: s.version,
            attributes: attributes(s.attributes),
            dropped_attributes_count: s.dropped_attributes_count,
            schema_url: s.schema_url,
        }
    }
}

/// How a span ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatusShape {
    /// `UNSET`, `OK` or `ERROR`.
    code: &'static str,
    message: String,
}

/// One span.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpanShape {
    trace_id: String,
    span_id: String,
    /// Empty for a root.
    parent_span_id: String,
    trace_state: String,
    /// How many spans it stands for, because a sampler left others out; 1 when it stands for itself alone.
    adjusted_count: f64,
    flags: u32,
    name: String,
    /// `UNSPECIFIED`, `INTERNAL`, `SERVER`, `CLIENT`, `PRODUCER` or `CONSUMER`.
    kind: &'static str,
    service: String,
    /// Text, because JSON numbers do not hold nanoseconds.
    start_unix_nano: String,
    end_unix_nano: String,
    duration_nanos: i64,
    attributes: Vec<AttributeShape>,
    dropped_attributes_count: u32,
    events: Vec<EventShape>,
    dropped_events_count: u32,
    links: Vec<LinkShape>,
    dropped_links_count: u32,
    status: StatusShape,
    resource: ResourceShape,
    scope: ScopeShape,
}

/// The name of a span kind.
pub(crate) const fn kind_name(kind: u8) -> &'static str {
    match kind {
        1 => "INTERNAL",
        2 => "SERVER",
        3 => "CLIENT",
        4 => "PRODUCER",
        5 => "CONSUMER",
        _ => "UNSPECIFIED",
    }
}

/// What the sampling threshold in a `tracestate` says.
fn adjusted_count(trace_state: &str) -> f64 {
    sampling::Sampling::of_state(trace_state).threshold.map_or(1.0, sampling::adjusted_count)
}

impl From<Span> for SpanShape {
    fn from(s: Span) -> Self {
        let code = match s.status.code {
            1 => "OK",
            2 => "ERROR",
            _ => "UNSET",
        };
        Self {
            trace_id: s.trace_id.to_string(),
            span_id: s.span_id.to_string(),
            parent_span_id: if s.parent_span_id.is_zero() { String::new() } else { s.parent_span_id.to_string() },
            adjusted_count: adjusted_count(&s.trace_state),
            trace_state: s.trace_state,
            flags: s.flags,
            name: s.name,
            kind: kind_name(s.kind),
            service: s.resource.service().to_owned(),
            start_unix_nano: s.start.0.to_string(),
            end_unix_nano: s.end.0.to_string(),
            duration_nanos: s.end.0.saturating_sub(s.start.0),
            attributes: attributes(s.attributes),
            dropped_attributes_count: s.dropped_attributes_count,
            events: s.events.into_iter().map(EventShape::from).collect(),
            dropped_events_count: s.dropped_events_count,
            links: s.links.into_iter().map(LinkShape::from).collect(),
            dropped_links_count: s.dropped_links_count,
            status: StatusShape { code, message: s.status.message },
            resource: s.resource.into(),
            scope: s.scope.into(),
        }
    }
}

/// Something that happened at one moment of a span.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventShape {
    time_unix_nano: String,
    name: String,
    attributes: Vec<AttributeShape>,
    dropped_attributes_count: u32,
}

impl From<Event> for EventShape {
    fn from(e: Event) -> Self {
        Self {
            time_unix_nano: e.time.0.to_string(),
            name: e.name,
            attributes: attributes(e.attributes),
            dropped_attributes_count: e.dropped_attributes_count,
        }
    }
}

/// A relation to another span.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkShape {
    trace_id: String,
    span_id: String,
    trace_state: String,
    attributes: Vec<AttributeShape>,
    dropped_attributes_count: u32,
    flags: u32,
}

impl From<Link> for LinkShape {
    fn from(l: Link) -> Self {
        Self {
            trace_id: l.trace_id.to_string(),
            span_id: l.span_id.to_string(),
            trace_state: l.trace_state,
            attributes: attributes(l.attributes),
            dropped_attributes_count: l.dropped_attributes_count,
            flags: l.flags,
        }
    }
}

/// One log record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogShape {
    /// Names the record for ever.
    id: String,
    time_unix_nano: String,
    observed_time_unix_nano: String,
    severity_number: u8,
    severity_text: String,
    /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`, `FATAL` or `UNSPECIFIED`.
    level: &'static str,
    service: String,
    /// An `AnyValue`, as in attributes.
    #[schema(value_type = Object)]
    body: AnyValue,
    event_name: String,
    /// Empty when the record belongs to no trace.
    trace_id: String,
    /// Empty when the record belongs to no span.
    span_id: String,
    flags: u32,
    attributes: Vec<AttributeShape>,
    dropped_attributes_count: u32,
    resource: ResourceShape,
    scope: ScopeShape,
}

impl LogShape {
    pub(crate) fn new(id: RowId, r: LogRecord) -> Self {
        Self {
            id: id.to_string(),
            time_unix_nano: r.time.0.to_string(),
            observed_time_unix_nano: r.observed_time.0.to_string(),
            severity_number: r.severity_number,
            severity_text: r.severity_text,
            level: severity_range(r.severity_number),
            service: r.resource.service().to_owned(),
            body: AnyValue(r.body),
            event_name: r.event_name,
            trace_id: if r.trace_id.is_zero() { String::new() } else { r.trace_id.to_string() },
            span_id: if r.span_id.is_zero() { String::new() } else { r.span_id.to_string() },
            flags: r.flags,
            attributes: attributes(r.attributes),
            dropped_attributes_count: r.dropped_attributes_count,
            resource: r.resource.into(),
            scope: r.scope.into(),
        }
    }
}
