//! What senders said about their metrics.

use std::collections::BTreeMap;

use tsdb::{Metadata, Tsdb};

/// Type, unit and help by metric name; only of `metric` when it is given, of at most `limit` names.
///
/// Names are those of Prometheus' metadata API: histograms and summaries without their suffixes.
pub fn metadata(db: &Tsdb, metric: Option<&str>, limit: usize) -> BTreeMap<String, Metadata> {
    let all = db.metadata();
    all.into_iter().filter(|(name, _)| metric.is_none_or(|m| m == name)).take(limit).collect()
}
