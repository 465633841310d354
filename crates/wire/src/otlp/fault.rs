//! What can be wrong with a request, and the place in words of the schema.
//!
//! The place is put together while a failure travels outwards, so that a
//! record without failures pays nothing for it.

use std::fmt;

use foundation::{ErrorKind, UnixNanos};
use thiserror::Error;

use crate::protobuf::Malformed;
use crate::sink::MAX_NESTING;

/// A request that is not protobuf of the expected schema; nothing of it may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{source}{}{path}", if path.is_empty() { "" } else { " in " })]
pub struct DecodeError {
    /// What is wrong, and the byte where it was found.
    #[source]
    pub source: Malformed,
    /// The message that it was found in, for example `resource_spans[3].scope_spans[0].spans[17]`; empty for the request itself.
    pub path: String,
}

impl DecodeError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}

/// Why a record, well-formed as a message, is not stored.
#[derive(Debug, Clone, PartialEq, Error)]
pub(super) enum Refusal {
    #[error("the id is missing or all zeroes")]
    ZeroId,
    #[error("the id has {found} bytes instead of {expected}")]
    IdLength { found: usize, expected: usize },
    #[error("the text is not valid UTF-8")]
    NotUtf8,
    #[error("{bytes} bytes are more than the limit of {limit} for one value")]
    TooLarge { bytes: usize, limit: usize },
    #[error("more than {limit} {what}")]
    TooMany { what: &'static str, limit: usize },
    #[error("arrays and maps nest deeper than {MAX_NESTING}")]
    TooDeep,
    #[error("end_time_unix_nano {} is before start_time_unix_nano {}", end.0, start.0)]
    EndBeforeStart { start: UnixNanos, end: UnixNanos },
    #[error("{} is older than the oldest accepted time {}", time.0, accept_from.0)]
    TooOld { time: UnixNanos, accept_from: UnixNanos },
    #[error("{} is not before {}, the end of the accepted times", time.0, accept_to.0)]
    TooNew { time: UnixNanos, accept_to: UnixNanos },
    #[error("the metric has no name")]
    EmptyName,
    #[error("the aggregation temporality is unspecified; sums and histograms need delta or cumulative")]
    UnspecifiedTemporality,
    #[error("the point has no value")]
    NoValue,
    #[error("{counts} bucket counts do not fit {bounds} bounds: there must be one more, or none of both")]
    BucketCount { counts: usize, bounds: usize },
    #[error("the bounds are not strictly increasing")]
    Bounds,
    #[error("the index of the last bucket is above {}", i32::MAX)]
    BucketIndex,
    #[error("the quantile {0} is not between 0 and 1")]
    Quantile(f64),
    #[error("{0}")]
    Sink(String),
}

impl Refusal {
    #[cold]
    pub(super) fn in_field(self, field: &'static str) -> Fault {
        Fault::from(self).inside(field)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cause {
    /// The request is broken.
    Malformed(Malformed),
    /// The record is wrong.
    Refused(Refusal),
}

/// A failure on its way outwards. Boxed, because it is returned where records without failures pass, too.
#[derive(Debug)]
pub(super) struct Fault(Box<Located>);

#[derive(Debug)]
struct Located {
    cause: Cause,
    path: String,
}

impl Fault {
    #[cold]
    fn new(cause: Cause) -> Self {
        Self(Box::new(Located { cause, path: String::new() }))
    }

    fn prepend(mut self, segment: &str) -> Self {
        if !self.0.path.is_empty() {
            self.0.path.insert(0, '.');
        }
        self.0.path.insert_str(0, segment);
        self
    }

    /// The failure is inside element `index` of the repeated field `name`.
    #[cold]
    pub(super) fn at(self, name: &str, index: usize) -> Self {
        self.prepend(&format!("{name}[{index}]"))
    }

    /// The failure is inside the field `name`.
    #[cold]
    pub(super) fn inside(self, name: &str) -> Self {
        self.prepend(name)
    }

    /// Whether the whole request is broken.
    pub(super) fn is_structural(&self) -> bool {
        matches!(self.0.cause, Cause::Malformed(_))
    }

    /// The error that refuses the request, or the failure again if it is one record's.
    pub(super) fn into_decode_error(self) -> Result<DecodeError, Self> {
        match self.0.cause {
            Cause::Malformed(source) => Ok(DecodeError { source, path: self.0.path }),
            Cause::Refused(_) => Err(self),
        }
    }
}

impl From<Malformed> for Fault {
    #[cold]
    fn from(e: Malformed) -> Self {
        Self::new(Cause::Malformed(e))
    }
}

impl From<Refusal> for Fault {
    #[cold]
    fn from(e: Refusal) -> Self {
        Self::new(Cause::Refused(e))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::Malformed(e) => write!(f, "{}: {e}", self.0.path),
            Cause::Refused(e) => write!(f, "{}: {e}", self.0.path),
        }
    }
}
