//! Where a list goes on: opaque text for the reader, a row of the engine inside.
//!
//! A cursor belongs to one list: the same signal, order and filter. A check
//! number over all of them refuses a cursor that was damaged or carried over
//! to another list, where it would silently skip rows. The time range is not
//! part of it, because `now-1h` moves between two pages.

use eventstore::query::{Order, RowId};
use foundation::ErrorKind;
use thiserror::Error;

use crate::EventSignal;
use crate::lang::Query;

/// A text that is not a cursor of this list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("this cursor is damaged or belongs to another query; start again without a cursor")]
pub struct CursorError;

impl CursorError {
    /// What a caller can do: start again.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// The list that a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'a> {
    pub(crate) signal: EventSignal,
    pub(crate) order: Order,
    pub(crate) query: &'a Query,
}

impl List<'_> {
    /// The text that stands for `row`: 32 hex digits of the row, 16 of the check number.
    pub(crate) fn encode(&self, row: RowId) -> String {
        format!("{row}{:016x}", self.check(row))
    }

    /// The row that `text` stands for.
    pub(crate) fn decode(&self, text: &str) -> Result<RowId, CursorError> {
        let (row, check) = text.trim().split_at_checked(32).ok_or(CursorError)?;
        let row: RowId = row.parse().map_err(|_| CursorError)?;
        if check.eq_ignore_ascii_case(&format!("{:016x}", self.check(row))) { Ok(row) } else { Err(CursorError) }
    }

    /// FNV-1a with 64 bits: it guards against mistakes, not against forgery, which gains nothing here.
    fn check(&self, row: RowId) -> u64 {
        let order = match self.order {
            Order::Descending => "desc",
            Order::Ascending => "asc",
        };
        let text = format!("{}\n{order}\n{row}\n{}", self.signal.name(), self.query);
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

#[cfg(test)]
mod tests {
    use foundation::UnixNanos;

    use super::*;
    use crate::lang::parse;

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let query = parse("service:api  level:error").unwrap();
        let list = List { signal: EventSignal::Logs, order: Order::Descending, query: &query };
        let row = RowId { time: UnixNanos(-7), seq: 42 };
        let text = list.encode(row);
        assert_eq!(list.decode(&text), Ok(row));
        // The same filter written in another way is the same list.
        let same = parse("service:api AND level:error").unwrap();
        assert_eq!(List { query: &same, ..list }.decode(&text), Ok(row));

        let other = parse("service:api").unwrap();
        assert_eq!(List { query: &other, ..list }.decode(&text), Err(CursorError));
        assert_eq!(List { order: Order::Ascending, ..list }.decode(&text), Err(CursorError));
        assert_eq!(List { signal: EventSignal::Traces, ..list }.decode(&text), Err(CursorError));
        for at in 0..text.len() {
            let mut damaged = text.clone();
            damaged.replace_range(at..=at, if damaged.as_bytes()[at] == b'5' { "6" } else { "5" });
            assert_eq!(list.decode(&damaged), Err(CursorError), "{damaged}");
        }
        for text in ["", "é", "12", &"é".repeat(24), &text[1..]] {
            assert_eq!(list.decode(text), Err(CursorError), "{text}");
        }
    }
}
