//! One whole trace by its id.

use eventstore::EventStore;
use eventstore::query::{Limits, Outcome};
use model::{AccessScope, TimeRange, TraceId};

use super::assemble::{Trace, assemble};
use crate::read::ReadError;

/// All spans of a trace that the reader may see, whenever they were, put together. What lies near `around` is read first:
/// that stays when a limit is hit.
///
/// # Errors
/// [`ReadError::TraceNotFound`] when there is no span, unless the search was cut short: then the
/// outcome is an empty trace that is marked partial.
pub fn by_id(
    store: &EventStore,
    id: TraceId,
    around: Option<TimeRange>,
    access: &AccessScope,
    limits: &Limits,
) -> Result<Outcome<Trace>, ReadError> {
    let found = store.spans().trace(id, around, access, limits)?;
    if found.value.is_empty() && found.partial.is_none() {
        return Err(ReadError::TraceNotFound(id));
    }
    Ok(found.map(|spans| assemble(id, spans)))
}
