//! The value of a PromQL expression at one moment.

use promql::eval::Engine;
use tsdb::Tsdb;

use super::source::TsdbSource;
use super::{Ask, Evaluated, MetricsError};

/// Evaluates `query` at `at_ms` (unix milliseconds).
///
/// # Errors
/// A query that does not parse or cannot be evaluated, a limit, the deadline.
pub fn instant(engine: &Engine, db: &Tsdb, ask: &Ask, query: &str, at_ms: i64) -> Result<Evaluated, MetricsError> {
    Evaluated::time(ask, query, |expr| engine.instant(&TsdbSource { db, ask }, query, expr, at_ms, &ask.query_limits()))
}
