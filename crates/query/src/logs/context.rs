//! The records around a record, in the stream that it came in.
//!
//! A stream is what one process wrote: the same service on the same host, pod
//! or container, from the same file. Which of these attributes the record has
//! decides; those that it lacks do not count.

use eventstore::EventStore;
use eventstore::query::{AttributeScope, Field, Filter, Order, Outcome, Page, Partial, QueryStats, Row, RowId, Select};
use foundation::UnixNanos;
use model::{AccessScope, LogRecord, TimeRange, Value, attributes};

use crate::read::{ReadError, Request, bounded};

/// Most records on each side.
pub const CONTEXT_MAX: usize = 1_000;

/// Attributes of the resource that tell streams of a service apart, in the order of the semantic conventions.
const OF_RESOURCE: [&str; 7] = [
    "service.instance.id",
    "host.id",
    "host.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "container.id",
    "process.pid",
];
/// Attributes of the record that do.
const OF_RECORD: [&str; 2] = ["log.file.path", "log.iostream"];

/// Records around a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Those before it, the oldest first.
    pub before: Vec<Row<LogRecord>>,
    /// The record itself.
    pub record: Row<LogRecord>,
    /// Those after it, the oldest first.
    pub after: Vec<Row<LogRecord>>,
    /// What the records have in common: field and value.
    pub stream: Vec<(String, String)>,
}

/// `before` and `after` records around the record `id` in its stream, in the order of time and arrival.
/// The filter of `request` narrows them further; its range does not.
///
/// # Errors
/// A wrong filter, more than [`CONTEXT_MAX`] records, or a record that is not stored.
pub fn context(
    store: &EventStore,
    request: &Request,
    id: RowId,
    before: usize,
    after: usize,
) -> Result<Outcome<Context>, ReadError> {
    let before = bounded("before", before, CONTEXT_MAX)?;
    let after = bounded("after", after, CONTEXT_MAX)?;
    let (_, select) = request.select(crate::EventSignal::Logs)?;
    let found = record(store, &select.access, &select, id)?;
    let (mut stats, mut partial) = (found.stats, found.partial);
    let Some(record) = found.value else { return Err(ReadError::RecordNotFound(id)) };
    let stream = stream(&record.record);
    let mut conditions: Vec<Filter> =
        stream.iter().map(|(field, value)| Filter::eq(field.clone(), value.as_str())).collect();
    conditions.push(select.filter.clone());
    let of_stream = Select { range: TimeRange::ALL, filter: Filter::And(conditions), ..select };
    let side = |order, limit, stats: &mut QueryStats, partial: &mut Option<Partial>| {
        let found = store.logs().latest(&of_stream, &Page { order, limit, after: Some(id) })?;
        stats.add(&found.stats);
        *partial = partial.or(found.partial);
        Ok::<_, ReadError>(found.value.rows)
    };
    let mut older = side(Order::Descending, before, &mut stats, &mut partial)?;
    older.reverse();
    let newer = side(Order::Ascending, after, &mut stats, &mut partial)?;
    let stream = stream.into_iter().map(|(field, value)| (name(&field), value)).collect();
    Ok(Outcome { value: Context { before: older, record, after: newer, stream }, partial, stats })
}

/// The record with an id.
fn record(
    store: &EventStore,
    access: &AccessScope,
    select: &Select,
    id: RowId,
) -> Result<Outcome<Option<Row<LogRecord>>>, ReadError> {
    let moment = TimeRange::new(id.time, UnixNanos(id.time.0.saturating_add(1)));
    let select = Select { range: moment, filter: Filter::All, access: access.clone(), limits: select.limits.clone() };
    // The one after the one before it.
    let after = id.seq.checked_sub(1).map(|seq| RowId { time: id.time, seq });
    let found = store.logs().latest(&select, &Page { order: Order::Ascending, limit: 1, after })?;
    Ok(found.map(|rows| rows.rows.into_iter().find(|r| r.id == id)))
}

fn stream(record: &LogRecord) -> Vec<(Field, String)> {
    let text = |v: Option<&Value>| match v {
        Some(Value::Str(s)) if !s.is_empty() => Some(s.clone()),
        Some(Value::Int(i)) => Some(i.to_string()),
        _ => None,
    };
    let field = |scope, key: &str| Field::Attribute { scope, key: key.to_owned() };
    let mut out = vec![(Field::Service, record.resource.service().to_owned())];
    out.extend(OF_RESOURCE.iter().filter_map(|key| {
        Some((field(AttributeScope::Resource, key), text(attributes::get(&record.resource.attributes, key))?))
    }));
    out.extend(
        OF_RECORD.iter().filter_map(|key| {
            Some((field(AttributeScope::Record, key), text(attributes::get(&record.attributes, key))?))
        }),
    );
    out
}

fn name(field: &Field) -> String {
    match field {
        Field::Attribute { key, .. } => key.clone(),
        _ => "service".to_owned(),
    }
}
