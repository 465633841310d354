//! The values of a PromQL expression over a range of steps.

use promql::eval::{Engine, Output, QueryRange};
use tsdb::Tsdb;

use super::source::TsdbSource;
use super::{Ask, MetricsError};

/// Evaluates `query` at every step of `range`, its end included.
///
/// # Errors
/// As [`instant`](super::instant), and a range without or with too many steps.
pub fn range(engine: &Engine, db: &Tsdb, ask: &Ask, query: &str, range: QueryRange) -> Result<Output, MetricsError> {
    let expr = promql::parse(query)?;
    Ok(engine.range(&TsdbSource { db, ask }, query, &expr, range, &ask.query_limits())?)
}
