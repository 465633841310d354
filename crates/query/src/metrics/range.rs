//! The values of a PromQL expression over a range of steps.

use promql::eval::{Engine, QueryRange};
use tsdb::Tsdb;

use super::source::TsdbSource;
use super::{Ask, Evaluated, MetricsError};

/// Evaluates `query` at every step of `range`, its end included.
///
/// # Errors
/// As [`instant`](super::instant), and a range without or with too many steps.
pub fn range(engine: &Engine, db: &Tsdb, ask: &Ask, query: &str, range: QueryRange) -> Result<Evaluated, MetricsError> {
    Evaluated::time(ask, query, |expr| engine.range(&TsdbSource { db, ask }, query, expr, range, &ask.query_limits()))
}
