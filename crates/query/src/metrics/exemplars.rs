//! Exemplars of the series that a query reads.

use std::collections::BTreeMap;

use model::Labels;
use tsdb::{Exemplar, SeriesExemplars, Tsdb};

use super::{Ask, MetricsError, matchers};

/// The exemplars in `range_ms` (both ends inclusive) of all series that `query` selects, sorted by labels.
///
/// As in Prometheus only the selectors of the query count, not what it does with them.
///
/// # Errors
/// A query that does not parse, a limit, the deadline.
pub fn exemplars(
    db: &Tsdb,
    ask: &Ask,
    query: &str,
    range_ms: (i64, i64),
) -> Result<Vec<SeriesExemplars>, MetricsError> {
    let expr = promql::parse(query)?;
    let mut selectors = Vec::new();
    expr.for_each_selector(&mut |s| selectors.push(s.all_matchers()));
    let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
    for selector in selectors {
        for series in db.exemplars(&ask.access, &matchers::to_engine(&selector), range_ms, ask.read_limits())? {
            found.insert(series.labels, series.exemplars);
        }
    }
    Ok(found.into_iter().map(|(labels, exemplars)| SeriesExemplars { labels, exemplars }).collect())
}
