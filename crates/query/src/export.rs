//! All records that match, page by page, oldest first: for whoever takes them elsewhere.

use eventstore::EventStore;
use eventstore::query::{Order, Outcome, Page, Rows};
use model::{LogRecord, Span};

use crate::EventSignal;
use crate::cursor::List;
use crate::logs::LIMIT_MAX;
use crate::read::{ReadError, Request, bounded};

/// Records of one signal.
#[derive(Debug, Clone, PartialEq)]
pub enum Records {
    /// By their time.
    Logs(Vec<LogRecord>),
    /// By their start.
    Spans(Vec<Span>),
}

impl Records {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Logs(records) => records.len(),
            Self::Spans(spans) => spans.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A page of records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// Oldest first.
    pub records: Records,
    /// What to pass as cursor for the next page; `None` after the last.
    pub next_cursor: Option<String>,
}

/// The records that match, from the oldest of the range on.
///
/// Pages are stable, as those of [`crate::logs::search`] are. Of a page that is not whole the cursor is missing, unless
/// all that is missing are damaged blocks.
///
/// # Errors
/// A wrong filter or cursor, or a `limit` above [`LIMIT_MAX`].
pub fn page(
    store: &EventStore,
    request: &Request,
    signal: EventSignal,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Outcome<RecordPage>, ReadError> {
    let limit = bounded("limit", limit, LIMIT_MAX)?;
    let (query, select) = request.select(signal)?;
    let list = List { signal, order: Order::Ascending, query: &query };
    let after = cursor.map(|text| list.decode(text)).transpose()?;
    let page = Page { order: Order::Ascending, limit, after };
    Ok(match signal {
        EventSignal::Logs => store.logs().latest(&select, &page)?.map(|rows| of(rows, &list, Records::Logs)),
        EventSignal::Traces => store.spans().latest(&select, &page)?.map(|rows| of(rows, &list, Records::Spans)),
    })
}

fn of<T>(rows: Rows<T>, list: &List<'_>, records: fn(Vec<T>) -> Records) -> RecordPage {
    RecordPage {
        next_cursor: rows.next.map(|row| list.encode(row)),
        records: records(rows.rows.into_iter().map(|row| row.record).collect()),
    }
}
