//! Why a read of metrics cannot be answered.

use foundation::ErrorKind;
use promql::ParseError;
use promql::eval::EvalError;
use thiserror::Error;
use tsdb::TsdbError;

/// A read of metrics that cannot be answered.
#[derive(Debug, Error)]
pub enum MetricsError {
    /// The query or selector is not PromQL.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The query cannot be evaluated.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The engine refused.
    #[error(transparent)]
    Store(#[from] TsdbError),
    /// A list of series without any selector.
    #[error("no match[] parameter provided")]
    NoSelector,
}

impl MetricsError {
    /// What a caller can do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Parse(e) => e.kind(),
            Self::Eval(e) => e.kind(),
            Self::Store(e) => e.kind(),
            Self::NoSelector => ErrorKind::InvalidInput,
        }
    }
}
