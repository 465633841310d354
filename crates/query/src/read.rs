//! What every read of logs and traces is asked with, and how it fails.

use eventstore::QueryError;
use eventstore::query::{Filter, Limits, RowId, Select};
use foundation::ErrorKind;
use model::{AccessScope, TimeRange, TraceId};
use thiserror::Error;

use crate::EventSignal;
use crate::cursor::CursorError;
use crate::lang::{self, FilterError, Position, Query};

/// What to look at, for whom, and at what cost.
#[derive(Debug, Clone)]
pub struct Request {
    /// What the reader may see.
    pub access: AccessScope,
    /// Log records by their time, spans by their start.
    pub range: TimeRange,
    /// The filter; see [`lang`]. The empty text matches everything.
    pub filter: String,
    /// What the read may cost.
    pub limits: Limits,
}

impl Request {
    /// The parsed filter, and the selection for the engine.
    pub(crate) fn select(&self, signal: EventSignal) -> Result<(Query, Select), ReadError> {
        let query = lang::parse(&self.filter)?;
        let filter = lang::lower(&query, signal)?;
        Ok((query, self.with(filter)))
    }

    /// The selection of the engine with another filter than that of the request's text.
    pub(crate) fn with(&self, filter: Filter) -> Select {
        Select { range: self.range, filter, access: self.access.clone(), limits: self.limits.clone() }
    }

    /// The length of the range in seconds, never 0.
    pub(crate) fn seconds(&self) -> f64 {
        (self.range.end.0.saturating_sub(self.range.start.0).max(1)) as f64 / 1e9
    }
}

/// A read that cannot be answered.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ReadError {
    /// The filter is wrong.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The cursor is wrong.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A number is larger than it may be, or zero.
    #[error("`{parameter}` is {value}; it goes from 1 to {max}")]
    OutOfBounds {
        /// Which number.
        parameter: &'static str,
        /// What was asked for.
        value: usize,
        /// The largest that is answered.
        max: usize,
    },
    /// No span of the trace is stored, or none that the reader may see.
    #[error("no span of trace {0} is stored")]
    TraceNotFound(TraceId),
    /// No such log record is stored, or none that the reader may see.
    #[error("no log record {0} is stored")]
    RecordNotFound(RowId),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] QueryError),
}

impl ReadError {
    /// What a caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Filter(e) => e.kind(),
            Self::Cursor(e) => e.kind(),
            Self::OutOfBounds { .. } => ErrorKind::InvalidInput,
            Self::TraceNotFound(_) | Self::RecordNotFound(_) => ErrorKind::NotFound,
            Self::Engine(e) => e.kind(),
        }
    }

    /// Where the filter is wrong.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Filter(e) => Some(e.at),
            _ => None,
        }
    }

    /// What to write at [`ReadError::position`] instead.
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            Self::Filter(e) => e.suggestion.as_deref(),
            _ => None,
        }
    }
}

/// Refuses numbers out of `1..=max`, so that nobody mistakes a shortened answer for the whole.
pub(crate) fn bounded(parameter: &'static str, value: usize, max: usize) -> Result<usize, ReadError> {
    if (1..=max).contains(&value) { Ok(value) } else { Err(ReadError::OutOfBounds { parameter, value, max }) }
}
