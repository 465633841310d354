//! Why a query could not be evaluated.

use foundation::ErrorKind;

use super::SourceError;
use crate::ast::Span;

/// Why a query could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// Valid PromQL that this version does not evaluate.
    #[error("{what} is not supported by this version")]
    Unsupported {
        /// ``function `info` `` and the like.
        what: String,
        /// Where it stands.
        span: Span,
    },
    /// `start`, `end` and `step` make no range.
    #[error("{message}")]
    BadRange {
        /// What is wrong.
        message: &'static str,
    },
    /// A range query of something that has no value per step.
    #[error("invalid expression type {got:?} for range query, must be scalar or instant vector")]
    RangeQueryType {
        /// The type it has.
        got: &'static str,
    },
    /// The query makes no sense for the data it met.
    #[error("{message}")]
    Execution {
        /// In Prometheus's words where it has some.
        message: String,
    },
    /// More steps than allowed.
    #[error("exceeded maximum resolution of {limit} points per timeseries: the query has {points}, try a larger step")]
    TooManyPoints {
        /// Steps of the query.
        points: usize,
        /// The limit.
        limit: usize,
    },
    /// More samples than allowed.
    #[error("query processing would load too many samples into memory (limit {limit})")]
    TooManySamples {
        /// The limit.
        limit: usize,
    },
    /// Values take more memory than allowed.
    #[error(
        "query needs more than {limit_bytes} bytes of memory for its values: select fewer series, a shorter range or a larger step"
    )]
    TooMuchMemory {
        /// The limit.
        limit_bytes: usize,
    },
    /// The deadline passed.
    #[error("query timed out")]
    TimedOut,
    /// The caller went away.
    #[error("query was canceled")]
    Cancelled,
    /// The source of the series failed.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl EvalError {
    pub(crate) fn execution(message: impl Into<String>) -> Self {
        Self::Execution { message: message.into() }
    }

    /// Two results with the same labels at the same step.
    pub(crate) fn same_labelset() -> Self {
        Self::execution("vector cannot contain metrics with the same labelset")
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::BadRange { .. } | Self::RangeQueryType { .. } | Self::Execution { .. } => ErrorKind::InvalidInput,
            Self::TooManyPoints { .. } => ErrorKind::InvalidInput,
            Self::TooManySamples { .. } | Self::TooMuchMemory { .. } => ErrorKind::LimitExceeded,
            Self::TimedOut | Self::Cancelled => ErrorKind::Timeout,
            Self::Source(e) => e.kind,
        }
    }
}
