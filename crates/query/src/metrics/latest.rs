//! The newest sample of series, for those who copy the present state.

use std::collections::BTreeMap;

use model::Labels;
use tsdb::{Sample, Tsdb, is_stale};

use super::{Ask, MetricsError, matchers};

/// The newest sample at `at_ms` of each series that satisfies at least one of `selectors`, sorted by metric name and
/// labels. Series whose sample is `lookback_ms` old or older, or that have ended, are left out.
///
/// # Errors
/// No selector, one that does not parse, a limit, the deadline.
pub fn latest(
    db: &Tsdb,
    ask: &Ask,
    selectors: &[&str],
    at_ms: i64,
    lookback_ms: i64,
) -> Result<Vec<(Labels, Sample)>, MetricsError> {
    if selectors.is_empty() {
        return Err(MetricsError::NoSelector);
    }
    let range = (at_ms.saturating_sub(lookback_ms).saturating_add(1), at_ms);
    let mut found = BTreeMap::new();
    for matchers in matchers::selectors(selectors)? {
        for handle in db.select(&ask.access, &matchers, range, ask.read_limits())?.series {
            if let Some(last) = handle.samples()?.last().filter(|s| !is_stale(s.v)) {
                let name = handle.labels().metric_name().to_owned();
                found.insert((name, handle.into_labels()), *last);
            }
        }
    }
    Ok(found.into_iter().map(|((_, labels), sample)| (labels, sample)).collect())
}
