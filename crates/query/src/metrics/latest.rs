//! The newest sample of series, for those who copy the present state.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Histogram, Labels};
use tsdb::{HistogramValue, Tsdb, is_stale};

use super::{Ask, MetricsError, matchers};

/// The newest sample of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    /// With the metric name.
    pub labels: Labels,
    /// Unix milliseconds.
    pub t_ms: i64,
    /// What it was.
    pub value: NewestValue,
}

/// The value of a [`Newest`].
#[derive(Debug, Clone, PartialEq)]
pub enum NewestValue {
    /// A float.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram<f64>>),
}

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
) -> Result<Vec<Newest>, MetricsError> {
    if selectors.is_empty() {
        return Err(MetricsError::NoSelector);
    }
    let range = (at_ms.saturating_sub(lookback_ms).saturating_add(1), at_ms);
    let mut found = BTreeMap::new();
    for matchers in matchers::selectors(selectors)? {
        for handle in db.select(&ask.access, &matchers, range, ask.read_limits())?.series {
            let samples = handle.read()?;
            let float = samples.floats.last().map(|s| (s.t, (!is_stale(s.v)).then_some(NewestValue::Float(s.v))));
            let histogram = samples.histograms.last().map(|h| (h.t, histogram(&h.value)));
            let last = float.into_iter().chain(histogram).max_by_key(|(t, _)| *t);
            if let Some((t_ms, Some(value))) = last {
                found.insert((handle.labels().metric_name().to_owned(), handle.into_labels()), (t_ms, value));
            }
        }
    }
    Ok(found.into_iter().map(|((_, labels), (t_ms, value))| Newest { labels, t_ms, value }).collect())
}

/// `None` for the marker of an end.
fn histogram(value: &HistogramValue) -> Option<NewestValue> {
    let h = match value {
        HistogramValue::Int(h) => Arc::new(Histogram::from(&**h)),
        HistogramValue::Float(h) => h.clone(),
    };
    (!h.is_stale()).then_some(NewestValue::Histogram(h))
}
