//! Winning rows become records of `model`: all columns of the block, but only of these rows.
//!
//! Attributes come in the order in which the block knows their keys, which is
//! that of their first appearance; OTLP gives their order no meaning.

use std::sync::Arc;

use model::trace::{Resource, Scope, Status};
use model::{Attributes, LogRecord, Span, SpanId, TraceId, UnixNanos, Value};

use super::eval::parents_of;
use super::request::{Row, RowId};
use super::run::Halt;
use super::view::View;
use crate::block::{Loaded, Values};
use crate::column::bytes::Reader;
use crate::schema::*;
use crate::value_type::ValueType;

/// The row ids of `rows`, which rise.
pub(crate) fn row_ids(view: &View<'_>, rows: &[usize]) -> Result<Vec<RowId>, Halt> {
    let (times, seqs) = (view.required_at(TIME, rows)?, view.required_at(SEQ, rows)?);
    Ok(times.into_iter().zip(seqs).map(|(time, seq)| RowId { time: UnixNanos(time), seq: seq as u64 }).collect())
}

/// What logs and spans have in common.
struct Shared {
    trace: Option<Arc<Loaded>>,
    span: Option<Arc<Loaded>>,
    /// One of these for each row.
    resource: Vec<i64>,
    scope: Vec<i64>,
    attributes: Vec<Attributes>,
}

fn shared(view: &View<'_>, rows: &[usize]) -> Result<Shared, Halt> {
    let mut attributes: Vec<Attributes> = vec![Attributes::new(); rows.len()];
    for (place, entry) in view.with_id(ATTRIBUTE) {
        let column = view.load_rows(place, rows)?;
        for (out, row) in attributes.iter_mut().zip(rows) {
            if let Some(v) = value(&column, entry.value_type, *row) {
                out.push((entry.key.to_string(), v));
            }
        }
    }
    if let Some(rest) = view.column_of_rows(REST, rows)? {
        for (out, row) in attributes.iter_mut().zip(rows) {
            if let Some(Value::Map(rest)) = value(&rest, ValueType::Map, *row) {
                out.extend(rest);
            }
        }
    }
    Ok(Shared {
        trace: view.column_of_rows(TRACE_ID, rows)?,
        span: view.column_of_rows(SPAN_ID, rows)?,
        resource: view.required_at(RESOURCE, rows)?,
        scope: view.required_at(SCOPE, rows)?,
        attributes,
    })
}

impl Shared {
    fn trace_id(&self, row: usize) -> TraceId {
        match self.trace.as_deref() {
            Some(Loaded { values: Values::Trace(ids), presence }) => {
                presence.value(row).map_or(TraceId::ZERO, |i| TraceId(ids.get(i)))
            }
            _ => TraceId::ZERO,
        }
    }

    fn span_id(&self, row: usize) -> SpanId {
        match self.span.as_deref() {
            Some(Loaded { values: Values::Span(ids), presence }) => {
                presence.value(row).map_or(SpanId::ZERO, |i| SpanId(ids.get(i)))
            }
            _ => SpanId::ZERO,
        }
    }

    /// Of the row at place `i` of those that are read.
    fn origin(&self, view: &View<'_>, i: usize) -> Result<(Resource, Scope), Halt> {
        let resource = view.resources()?.get(self.resource[i] as usize).map(|r| r.resource.clone());
        let scope = view.scopes()?.get(self.scope[i] as usize).map(|s| s.scope.clone());
        Ok((resource.unwrap_or_default(), scope.unwrap_or_default()))
    }
}

/// The value of a row in a column of a type.
fn value(column: &Loaded, value_type: ValueType, row: usize) -> Option<Value> {
    let i = column.presence.value(row)?;
    Some(match (&column.values, value_type) {
        (Values::Ints(v), ValueType::Bool) => Value::Bool(v.get(i).is_some_and(|b| *b != 0)),
        (Values::Ints(v), _) => Value::Int(v.get(i).copied().unwrap_or_default()),
        (Values::Doubles(v), _) => Value::Double(v.get(i).copied().unwrap_or_default()),
        (Values::Binary(v), ValueType::Bytes) => Value::Bytes(v.get(i).to_vec()),
        (Values::Binary(v), ValueType::Array) => Value::Array(wire::otlp::read_array(v.get(i))),
        (Values::Binary(v), ValueType::Map) => Value::Map(wire::otlp::read_map(v.get(i))),
        (Values::Binary(v), _) => Value::Str(String::from_utf8_lossy(v.get(i)).into_owned()),
        _ => Value::Empty,
    })
}

/// A text column that every row has; empty when the block lacks it.
fn texts(view: &View<'_>, id: u8, rows: &[usize]) -> Result<impl Fn(usize) -> String + use<>, Halt> {
    let column = view.column_of_rows(id, rows)?;
    Ok(move |row| match column.as_deref() {
        Some(Loaded { values: Values::Binary(v), presence }) => {
            presence.value(row).map_or_else(String::new, |i| String::from_utf8_lossy(v.get(i)).into_owned())
        }
        _ => String::new(),
    })
}

/// The log records of `rows`, which rise and have these `ids`.
pub(crate) fn logs(view: &View<'_>, rows: &[usize], ids: &[RowId]) -> Result<Vec<Row<LogRecord>>, Halt> {
    let mut shared = shared(view, rows)?;
    let (observed, severity, flags, dropped) = (
        view.ints_at(OBSERVED, rows)?,
        view.ints_at(SEVERITY, rows)?,
        view.ints_at(FLAGS, rows)?,
        view.ints_at(DROPPED_ATTRIBUTES, rows)?,
    );
    let (severity_text, event_name) = (texts(view, SEVERITY_TEXT, rows)?, texts(view, EVENT_NAME, rows)?);
    let bodies = view
        .with_id(BODY)
        .map(|(p, e)| Ok((view.load_rows(p, rows)?, e.value_type)))
        .collect::<Result<Vec<_>, Halt>>()?;
    let mut out = Vec::with_capacity(rows.len());
    for (i, (&row, &id)) in rows.iter().zip(ids).enumerate() {
        let (resource, scope) = shared.origin(view, i)?;
        let record = LogRecord {
            time: id.time,
            observed_time: UnixNanos(id.time.0.wrapping_add(observed[i])),
            severity_number: severity[i] as u8,
            severity_text: severity_text(row),
            body: bodies.iter().find_map(|(c, t)| value(c, *t, row)).unwrap_or_default(),
            attributes: std::mem::take(&mut shared.attributes[i]),
            event_name: event_name(row),
            trace_id: shared.trace_id(row),
            span_id: shared.span_id(row),
            flags: flags[i] as u32,
            dropped_attributes_count: dropped[i] as u32,
            resource,
            scope,
        };
        out.push(Row { id, record });
    }
    Ok(out)
}

/// The spans of `rows`, which rise and have these `ids`.
pub(crate) fn spans(view: &View<'_>, rows: &[usize], ids: &[RowId]) -> Result<Vec<Row<Span>>, Halt> {
    let mut shared = shared(view, rows)?;
    let parents = parents_of(view, rows)?;
    let ints = |id| view.ints_at(id, rows);
    let (duration, kind, status) = (ints(DURATION)?, ints(KIND)?, ints(STATUS)?);
    let (flags, dropped_attributes) = (ints(FLAGS)?, ints(DROPPED_ATTRIBUTES)?);
    let (dropped_events, dropped_links) = (ints(DROPPED_EVENTS)?, ints(DROPPED_LINKS)?);
    let (name, message, trace_state) =
        (texts(view, NAME, rows)?, texts(view, STATUS_MESSAGE, rows)?, texts(view, TRACE_STATE, rows)?);
    let (events, links) = (view.column_of_rows(EVENTS, rows)?, view.column_of_rows(LINKS, rows)?);
    let mut out = Vec::with_capacity(rows.len());
    for (i, (&row, &id)) in rows.iter().zip(ids).enumerate() {
        let (resource, scope) = shared.origin(view, i)?;
        let record = Span {
            trace_id: shared.trace_id(row),
            span_id: shared.span_id(row),
            parent_span_id: SpanId(parents.get(i).copied().unwrap_or_default()),
            trace_state: trace_state(row),
            flags: flags[i] as u32,
            name: name(row),
            kind: kind[i] as u8,
            start: id.time,
            end: UnixNanos(id.time.0.wrapping_add(duration[i])),
            attributes: std::mem::take(&mut shared.attributes[i]),
            dropped_attributes_count: dropped_attributes[i] as u32,
            events: messages(events.as_deref(), row, wire::otlp::read_event)?,
            dropped_events_count: dropped_events[i] as u32,
            links: messages(links.as_deref(), row, wire::otlp::read_link)?,
            dropped_links_count: dropped_links[i] as u32,
            status: Status { code: status[i] as u8, message: message(row) },
            resource,
            scope,
        };
        out.push(Row { id, record });
    }
    Ok(out)
}

/// The events or links of a row: messages with their length in front.
fn messages<T>(column: Option<&Loaded>, row: usize, read: fn(&[u8]) -> T) -> Result<Vec<T>, Halt> {
    let Some(column) = column else { return Ok(Vec::new()) };
    let (Some(i), Values::Binary(values)) = (column.presence.value(row), &column.values) else {
        return Ok(Vec::new());
    };
    let mut r = Reader(values.get(i));
    let mut out = Vec::new();
    while !r.0.is_empty() {
        out.push(read(r.bytes()?));
    }
    Ok(out)
}

/// About how many bytes a materialised row holds, for the memory cap: what its texts and values need.
pub(crate) fn attribute_bytes(a: &Attributes) -> usize {
    a.iter().map(|(k, v)| k.len() + value_bytes(v) + 56).sum()
}

fn value_bytes(v: &Value) -> usize {
    match v {
        Value::Str(s) => s.len(),
        Value::Bytes(b) => b.len(),
        Value::Array(values) => values.iter().map(|v| value_bytes(v) + 32).sum(),
        Value::Map(entries) => attribute_bytes(entries),
        Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => 0,
    }
}

/// See [`attribute_bytes`].
pub(crate) fn log_bytes(r: &LogRecord) -> usize {
    size_of::<Row<LogRecord>>()
        + value_bytes(&r.body)
        + r.severity_text.len()
        + r.event_name.len()
        + attribute_bytes(&r.attributes)
        + attribute_bytes(&r.resource.attributes)
        + attribute_bytes(&r.scope.attributes)
}

/// See [`attribute_bytes`].
pub(crate) fn span_bytes(s: &Span) -> usize {
    size_of::<Row<Span>>()
        + s.name.len()
        + s.trace_state.len()
        + s.status.message.len()
        + attribute_bytes(&s.attributes)
        + attribute_bytes(&s.resource.attributes)
        + attribute_bytes(&s.scope.attributes)
        + s.events.iter().map(|e| 80 + e.name.len() + attribute_bytes(&e.attributes)).sum::<usize>()
        + s.links.iter().map(|l| 96 + l.trace_state.len() + attribute_bytes(&l.attributes)).sum::<usize>()
}
