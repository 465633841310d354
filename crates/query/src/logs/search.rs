//! The newest or oldest log records that match, page by page.

use eventstore::EventStore;
use eventstore::query::{Order, Outcome, Page, Row};
use model::LogRecord;

use crate::EventSignal;
use crate::cursor::List;
use crate::read::{ReadError, Request, bounded};

/// Most records of one page: with bodies of a few kilobytes an answer stays at some tens of megabytes.
pub const LIMIT_MAX: usize = 5_000;

/// A page of log records.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPage {
    /// The records in the order that was asked for, each with its id.
    pub records: Vec<Row<LogRecord>>,
    /// What to pass as cursor for the next page; `None` after the last.
    pub next_cursor: Option<String>,
    /// What to pass as cursor, in the other order, for the records on the other side of the first one;
    /// `None` for an empty page.
    pub prev_cursor: Option<String>,
}

/// The records that match, from one end of the range.
///
/// Pages are stable: records that arrive between two pages neither repeat nor
/// push out records of the next page.
///
/// # Errors
/// A wrong filter or cursor, or a `limit` above [`LIMIT_MAX`].
pub fn search(
    store: &EventStore,
    request: &Request,
    order: Order,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Outcome<LogPage>, ReadError> {
    let limit = bounded("limit", limit, LIMIT_MAX)?;
    let (query, select) = request.select(EventSignal::Logs)?;
    let list = List { signal: EventSignal::Logs, order, query: &query };
    let after = cursor.map(|text| list.decode(text)).transpose()?;
    let found = store.logs().latest(&select, &Page { order, limit, after })?;
    let other = match order {
        Order::Descending => Order::Ascending,
        Order::Ascending => Order::Descending,
    };
    let back = List { order: other, ..list };
    Ok(found.map(|rows| LogPage {
        next_cursor: rows.next.map(|row| list.encode(row)),
        prev_cursor: rows.rows.first().map(|row| back.encode(row.id)),
        records: rows.rows,
    }))
}
