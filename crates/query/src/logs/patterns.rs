//! The templates of log bodies, with counts over time.

use eventstore::EventStore;
use eventstore::query::{Buckets, Outcome, Patterns};

use crate::EventSignal;
use crate::read::{ReadError, Request, bounded};

/// Most patterns that are listed.
pub const PATTERNS_MAX: usize = 1_000;
/// Steps of time in which patterns are counted.
pub const PATTERN_BUCKETS: usize = 30;

/// The templates of the matching records, most frequent first.
///
/// # Errors
/// A wrong filter, or a `limit` above [`PATTERNS_MAX`].
pub fn patterns(store: &EventStore, request: &Request, limit: usize) -> Result<Outcome<Patterns>, ReadError> {
    let limit = bounded("limit", limit, PATTERNS_MAX)?;
    let (_, select) = request.select(EventSignal::Logs)?;
    Ok(store.logs().patterns(&select, Buckets::split(request.range, PATTERN_BUCKETS), limit)?)
}
