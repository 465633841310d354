//! How many records there are over time, by any field.

use eventstore::EventStore;
use eventstore::query::{Buckets, Counts, GroupBy, Outcome};

use super::spelled_value;
use crate::EventSignal;
use crate::lang::fields::{Values, named};
use crate::logs::BUCKETS_MAX;
use crate::read::{ReadError, Request, bounded};

/// Counts of matching records in at most `buckets` equal steps, by the values of the field `by`, the largest
/// groups first; values are spelled as a filter spells them, and empty for records without the field.
///
/// # Errors
/// A wrong filter, or more than [`BUCKETS_MAX`] buckets.
pub fn histogram(
    store: &EventStore,
    signal: EventSignal,
    request: &Request,
    by: Option<&str>,
    buckets: usize,
) -> Result<Outcome<Counts>, ReadError> {
    let buckets = Buckets::split(request.range, bounded("buckets", buckets, BUCKETS_MAX)?);
    let (_, select) = request.select(signal)?;
    let field = by.map(|name| named(signal, name));
    let group = field.map(|(field, values)| match values {
        Values::Level => (GroupBy::SeverityRange, values),
        _ => (GroupBy::Field(field), values),
    });
    let (by, values) = group.map_or((None, Values::Text), |(by, values)| (Some(by), values));
    let mut found = match signal {
        EventSignal::Logs => store.logs().count_over_time(&select, buckets, by.as_ref())?,
        EventSignal::Traces => store.spans().count_over_time(&select, buckets, by.as_ref())?,
    };
    for group in &mut found.value.groups {
        group.value = spelled_value(std::mem::take(&mut group.value), values);
    }
    Ok(found)
}
