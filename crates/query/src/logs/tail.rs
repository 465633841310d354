//! The records that arrived since the last look: what a live tail shows.
//!
//! A look goes through the records of the last [`LOOK_BACK`] by their time and
//! takes those that arrived after the last one. A record that is older than
//! that when it arrives is not seen by a tail, but by every search.

use std::time::Duration;

use eventstore::EventStore;
use eventstore::query::{Outcome, Row};
use foundation::UnixNanos;
use model::{LogRecord, TimeRange};

use crate::EventSignal;
use crate::read::{ReadError, Request};

/// How old a record may be when it arrives.
pub const LOOK_BACK: Duration = Duration::from_secs(60);
/// Clocks of senders may run ahead by this.
const LOOK_AHEAD: Duration = Duration::from_secs(60);

/// What arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// The last of them, in the order in which they arrived.
    pub records: Vec<Row<LogRecord>>,
    /// How many matching records arrived.
    pub matched: u64,
    /// What to pass as `since` next time.
    pub since: u64,
}

/// The last `limit` of the matching records that arrived after `since`; `None` for those that arrive from now on.
///
/// # Errors
/// A wrong filter.
pub fn tail(
    store: &EventStore,
    request: &Request,
    now: UnixNanos,
    since: Option<u64>,
    limit: usize,
) -> Result<Outcome<Arrived>, ReadError> {
    let (_, mut select) = request.select(EventSignal::Logs)?;
    select.range = TimeRange::new(now.minus(LOOK_BACK), now.plus(LOOK_AHEAD));
    let newest = store.logs().rows_arrived();
    let Some(since) = since else {
        let value = Arrived { records: Vec::new(), matched: 0, since: newest };
        return Ok(Outcome { value, partial: None, stats: Default::default() });
    };
    let found = store.logs().arrived(&select, since..newest, limit)?;
    Ok(found.map(|(records, matched)| Arrived { records, matched, since: newest }))
}
