//! Floor 4: the filter language, and every read that the API serves.
//!
//! Each read is one file that turns a question in the words of the product
//! into calls of an engine, and answers with plain typed values.
//! *Invariant:* knows no HTTP and no JSON; stores nothing.

pub mod analyse;
pub mod arrivals;
pub mod complete;
mod cursor;
pub mod explain;
pub mod export;
pub mod fields;
pub mod lang;
pub mod logs;
pub mod metrics;
pub mod read;
pub mod record;
pub mod services;
pub mod time;
pub mod traces;
pub mod why_empty;

pub use cursor::CursorError;
pub use read::{ReadError, Request};

/// The two signals that the events engine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSignal {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
}

impl EventSignal {
    /// `logs` or `traces`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
        }
    }
}
