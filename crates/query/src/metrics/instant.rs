//! The value of a PromQL expression at one moment.

use promql::eval::{Engine, Output};
use tsdb::Tsdb;

use super::source::TsdbSource;
use super::{Ask, MetricsError};

/// Evaluates `query` at `at_ms` (unix milliseconds).
///
/// # Errors
/// A query that does not parse or cannot be evaluated, a limit, the deadline.
pub fn instant(engine: &Engine, db: &Tsdb, ask: &Ask, query: &str, at_ms: i64) -> Result<Output, MetricsError> {
    let expr = promql::parse(query)?;
    Ok(engine.instant(&TsdbSource { db, ask }, query, &expr, at_ms, &ask.query_limits())?)
}
