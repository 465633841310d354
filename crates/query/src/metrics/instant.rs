//! The value of a PromQL expression at one moment.

use promql::ast::Expr;
use promql::eval::{Engine, Output};
use tsdb::Tsdb;

use super::source::TsdbSource;
use super::{Ask, Evaluated, MetricsError, keys};

/// Evaluates `query` at `at_ms` (unix milliseconds).
///
/// # Errors
/// A query that does not parse or cannot be evaluated, a limit, the deadline.
pub fn instant(engine: &Engine, db: &Tsdb, ask: &Ask, query: &str, at_ms: i64) -> Result<Evaluated, MetricsError> {
    Evaluated::time(ask, query, |expr| engine.instant(&TsdbSource { db, ask }, query, expr, at_ms, &ask.query_limits()))
}

/// The same for a query that was parsed before, as rules are: `expr` is what `query` says.
///
/// # Errors
/// As [`instant`], but for what does not parse.
pub fn instant_parsed(
    engine: &Engine,
    db: &Tsdb,
    ask: &Ask,
    (query, expr): (&str, &Expr),
    at_ms: i64,
) -> Result<Output, MetricsError> {
    let expr = keys::with_stored(expr);
    let mut output = engine.instant(&TsdbSource { db, ask }, query, &expr, at_ms, &ask.query_limits())?;
    output.warnings.extend(ask.partial.reasons());
    Ok(output)
}
