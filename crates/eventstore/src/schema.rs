//! The columns that records have, and their numbers on disk.
//!
//! Numbers are part of the format (`docs/formats/segment.md`) and never reused.

/// What kind of records a store, batch or block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Schema {
    Logs = 1,
    Spans = 2,
}

pub(crate) const TIME: u8 = 0;
pub(crate) const SEQ: u8 = 1;
pub(crate) const RESOURCE: u8 = 2;
pub(crate) const SCOPE: u8 = 3;
/// The distinct resources of the block, one value each; not a row column.
pub(crate) const RESOURCES: u8 = 4;
/// The distinct scopes of the block, one value each; not a row column.
pub(crate) const SCOPES: u8 = 5;
pub(crate) const TRACE_ID: u8 = 6;
pub(crate) const SPAN_ID: u8 = 7;
pub(crate) const FLAGS: u8 = 8;
pub(crate) const DROPPED_ATTRIBUTES: u8 = 9;
/// Words that the block does not have; not a row column.
pub(crate) const TOKENS: u8 = 10;
/// The distinct presences of columns; not a row column.
pub(crate) const PRESENCES: u8 = 11;
/// Attributes beyond the cap on columns, a map per row.
pub(crate) const REST: u8 = 12;

/// Observed time minus time.
pub(crate) const OBSERVED: u8 = 16;
pub(crate) const SEVERITY: u8 = 17;
pub(crate) const SEVERITY_TEXT: u8 = 18;
pub(crate) const BODY: u8 = 19;
pub(crate) const EVENT_NAME: u8 = 20;

pub(crate) const DURATION: u8 = 32;
/// Where the parent is: 0 none, 1 in [`PARENT_ID`], else 2 + zigzag(row of the parent - row).
pub(crate) const PARENT: u8 = 33;
/// Ids of the parents that are not in the block, in row order.
pub(crate) const PARENT_ID: u8 = 34;
pub(crate) const NAME: u8 = 35;
pub(crate) const KIND: u8 = 36;
pub(crate) const STATUS: u8 = 37;
pub(crate) const STATUS_MESSAGE: u8 = 38;
pub(crate) const TRACE_STATE: u8 = 39;
pub(crate) const EVENTS: u8 = 40;
pub(crate) const LINKS: u8 = 41;
pub(crate) const DROPPED_EVENTS: u8 = 42;
pub(crate) const DROPPED_LINKS: u8 = 43;
/// The sampling threshold, 56 bits; 0 when the span stands for itself alone.
pub(crate) const THRESHOLD: u8 = 44;

/// An attribute of the record; the key follows.
pub(crate) const ATTRIBUTE: u8 = 255;

/// What a column is called in reports.
pub(crate) const fn name(id: u8) -> &'static str {
    match id {
        TIME => "time",
        SEQ => "number",
        RESOURCE => "resource",
        SCOPE => "scope",
        RESOURCES => "resources",
        SCOPES => "scopes",
        TRACE_ID => "trace id",
        SPAN_ID => "span id",
        FLAGS => "flags",
        DROPPED_ATTRIBUTES => "dropped attributes",
        TOKENS => "[token filter]",
        PRESENCES => "[presences]",
        REST => "attributes beyond the cap",
        OBSERVED => "observed time",
        SEVERITY => "severity number",
        SEVERITY_TEXT => "severity text",
        BODY => "body",
        EVENT_NAME => "event name",
        DURATION => "duration",
        PARENT => "parent",
        PARENT_ID => "parent id",
        NAME => "name",
        KIND => "kind",
        STATUS => "status code",
        STATUS_MESSAGE => "status message",
        TRACE_STATE => "trace state",
        EVENTS => "events",
        LINKS => "links",
        DROPPED_EVENTS => "dropped events",
        DROPPED_LINKS => "dropped links",
        THRESHOLD => "sampling threshold",
        ATTRIBUTE => "attribute",
        _ => "[unknown]",
    }
}

impl Schema {
    /// The folder of the store.
    pub(crate) const fn dir(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Spans => "spans",
        }
    }

    pub(crate) const fn from_u8(n: u8) -> Option<Self> {
        match n {
            1 => Some(Self::Logs),
            2 => Some(Self::Spans),
            _ => None,
        }
    }

    /// Integer columns that every record has, in the order in which a batch takes them. All zero is not stored.
    pub(crate) const fn ints(self) -> &'static [u8] {
        match self {
            Self::Logs => &[FLAGS, DROPPED_ATTRIBUTES, OBSERVED, SEVERITY],
            Self::Spans => {
                &[FLAGS, DROPPED_ATTRIBUTES, DURATION, KIND, STATUS, DROPPED_EVENTS, DROPPED_LINKS, THRESHOLD]
            }
        }
    }

    /// Text columns that every record has, in the order in which a batch takes them. All empty is not stored.
    pub(crate) const fn texts(self) -> &'static [u8] {
        match self {
            Self::Logs => &[SEVERITY_TEXT, EVENT_NAME],
            Self::Spans => &[NAME, STATUS_MESSAGE, TRACE_STATE],
        }
    }

    /// Whether full text search looks at the texts of a column.
    pub(crate) const fn searches(self, id: u8) -> bool {
        match self {
            Self::Logs => id == BODY,
            Self::Spans => matches!(id, NAME | STATUS_MESSAGE | ATTRIBUTE),
        }
    }

    /// The integer column whose values block headers count: severity or status.
    pub(crate) const fn counted(self) -> u8 {
        match self {
            Self::Logs => SEVERITY,
            Self::Spans => STATUS,
        }
    }
}

/// How many distinct values the counted column can have: severities 0-24.
pub(crate) const COUNTED_VALUES: usize = 25;
