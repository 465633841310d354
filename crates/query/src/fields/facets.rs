//! The most frequent values of several fields.

use eventstore::EventStore;
use eventstore::query::{FieldValue, FieldValues, Outcome, Partial, QueryStats};

use super::values;
use crate::EventSignal;
use crate::read::{ReadError, Request, bounded};

/// Most fields at once.
pub const FACETS_MAX: usize = 20;

/// The values of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// The field as a filter names it.
    pub field: String,
    /// Most frequent first.
    pub values: Vec<FieldValue>,
    /// How many values there are in all.
    pub distinct: u64,
}

/// The values of each of the fields `names` in matching records, at most `limit` each.
///
/// # Errors
/// A wrong filter, more than [`FACETS_MAX`] fields, or a `limit` above [`super::LIMIT_MAX`].
pub fn facets(
    store: &EventStore,
    signal: EventSignal,
    request: &Request,
    names: &[&str],
    limit: usize,
) -> Result<Outcome<Vec<Facet>>, ReadError> {
    bounded("fields", names.len(), FACETS_MAX)?;
    let (mut partial, mut stats): (Option<Partial>, _) = (None, QueryStats::default());
    let mut out = Vec::with_capacity(names.len());
    for name in names {
        let found = values(store, signal, request, name, None, limit)?;
        partial = partial.or(found.partial);
        stats.add(&found.stats);
        let FieldValues { values, distinct } = found.value;
        out.push(Facet { field: (*name).to_owned(), values, distinct });
    }
    Ok(Outcome { value: out, partial, stats })
}
