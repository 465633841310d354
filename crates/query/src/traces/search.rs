//! The newest traces with a span that matches, page by page.

use eventstore::EventStore;
use eventstore::query::{Filter, Order, Outcome, TraceSummary};

use crate::EventSignal;
use crate::cursor::List;
use crate::lang;
use crate::read::{ReadError, Request, bounded};

/// Most traces of one page: each is summed up from all of its spans.
pub const LIMIT_MAX: usize = 1_000;

/// A page of traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracePage {
    /// Newest first, by the newest span that matches.
    pub traces: Vec<TraceSummary>,
    /// What to pass as cursor for the next page; `None` after the last.
    pub next_cursor: Option<String>,
}

/// Traces of which at least one span matches the filter and starts in the range; with braces, traces with
/// a span for each pair of them.
///
/// The summary is of the whole trace, also of spans outside of the range.
///
/// # Errors
/// A wrong filter or cursor, or a `limit` above [`LIMIT_MAX`].
pub fn search(
    store: &EventStore,
    request: &Request,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Outcome<TracePage>, ReadError> {
    let limit = bounded("limit", limit, LIMIT_MAX)?;
    let query = lang::parse(&request.filter)?;
    let condition = lang::lower_traces(&query)?;
    let list = List { signal: EventSignal::Traces, order: Order::Descending, query: &query };
    let after = cursor.map(|text| list.decode(text)).transpose()?;
    let found = store.spans().find_traces_by(&request.with(Filter::All), &condition, limit, after)?;
    Ok(found.map(|page| TracePage { traces: page.traces, next_cursor: page.next.map(|row| list.encode(row)) }))
}
