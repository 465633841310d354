//! The series that selectors match.

use std::collections::BTreeSet;

use model::Labels;
use tsdb::Tsdb;

use super::{Ask, MetricsError, matchers};

/// The labels of the series that satisfy at least one of `selectors` and have samples in
/// `range_ms` (both ends inclusive), sorted, each once.
///
/// # Errors
/// No selector, one that does not parse, a limit, the deadline.
pub fn series(db: &Tsdb, ask: &Ask, selectors: &[&str], range_ms: (i64, i64)) -> Result<Vec<Labels>, MetricsError> {
    if selectors.is_empty() {
        return Err(MetricsError::NoSelector);
    }
    let mut found = BTreeSet::new();
    for matchers in matchers::selectors(selectors)? {
        found.extend(db.series(&ask.access, &matchers, range_ms, ask.read_limits())?);
    }
    Ok(found.into_iter().collect())
}
