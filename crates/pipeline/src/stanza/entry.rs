//! A log record that is being made.

use wire::otlp::tree::{Attributes, LogRecord, Text};

/// A log record, the resource it is of, and where its source ends behind it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Entry {
    pub record: LogRecord,
    pub resource: Attributes,
    pub scope_name: Text,
    /// Where it begins in its source, in bytes: what must be read again if it is lost.
    pub begins_at: u64,
}
