//! Field names of a filter that do not occur, for the reader of an empty result.

use eventstore::EventStore;
use eventstore::query::Outcome;

use crate::EventSignal;
use crate::lang::{Hint, unknown_fields};
use crate::read::{ReadError, Request};

/// The fields of the request's filter that no record of its range has, with the nearest name that occurs.
///
/// # Errors
/// A wrong filter.
pub fn hints(store: &EventStore, signal: EventSignal, request: &Request) -> Result<Outcome<Vec<Hint>>, ReadError> {
    let (query, select) = request.select(signal)?;
    let keys = match signal {
        EventSignal::Logs => store.logs().field_keys(&select)?,
        EventSignal::Traces => store.spans().field_keys(&select)?,
    };
    Ok(keys.map(|keys| {
        let catalogue: Vec<String> = keys.into_iter().map(|key| key.name).collect();
        unknown_fields(&query, signal, &catalogue)
    }))
}
