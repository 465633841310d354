//! Field names of a query that do not occur, for the reader of an empty result.

use eventstore::EventStore;
use eventstore::query::{Filter, Outcome};

use crate::EventSignal;
use crate::lang::{Hint, parse_pipe, unknown_fields_of_pipe};
use crate::read::{ReadError, Request};

/// The fields of the request's filter (and of its stages, if it is an analysis) that no record of its
/// range has, with the nearest name that occurs. Looks at the attributes of the range only if the filter names any.
///
/// # Errors
/// A wrong filter.
pub fn hints(store: &EventStore, signal: EventSignal, request: &Request) -> Result<Outcome<Vec<Hint>>, ReadError> {
    let pipe = parse_pipe(&request.filter)?;
    if unknown_fields_of_pipe(&pipe, signal, &[]).is_empty() {
        return Ok(Outcome { value: Vec::new(), partial: None, stats: Default::default() });
    }
    let select = request.with(Filter::All);
    let keys = match signal {
        EventSignal::Logs => store.logs().field_keys(&select)?,
        EventSignal::Traces => store.spans().field_keys(&select)?,
    };
    Ok(keys.map(|keys| {
        let catalogue: Vec<String> = keys.into_iter().map(|key| key.name).collect();
        unknown_fields_of_pipe(&pipe, signal, &catalogue)
    }))
}
