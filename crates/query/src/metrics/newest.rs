//! The newest sample of series, ended ones too, for those who go on where something stopped.

use model::Labels;
use promql::matcher::Matcher;
use tsdb::{Sample, Tsdb};

use super::{Ask, MetricsError, matchers};

/// The newest float of each series that satisfies all of `selector` in `range_ms` (both ends inclusive), stale markers included.
///
/// # Errors
/// A limit, the deadline, a damaged block.
pub fn newest(
    db: &Tsdb,
    ask: &Ask,
    selector: &[Matcher],
    range_ms: (i64, i64),
) -> Result<Vec<(Labels, Sample)>, MetricsError> {
    let mut found = Vec::new();
    for handle in db.select(&ask.access, &matchers::to_engine(selector), range_ms, ask.read_limits())?.series {
        if let Some(last) = handle.samples()?.last() {
            found.push((handle.labels().clone(), *last));
        }
    }
    Ok(found)
}

/// The series that satisfy all of `selector` and may have samples in `range_ms`, with the first and last time of their stretches
/// that touch it, which may reach beyond; nothing is decoded.
///
/// # Errors
/// As [`newest`].
pub fn stretches(
    db: &Tsdb,
    ask: &Ask,
    selector: &[Matcher],
    range_ms: (i64, i64),
) -> Result<Vec<(Labels, (i64, i64))>, MetricsError> {
    let found = db.select(&ask.access, &matchers::to_engine(selector), range_ms, ask.read_limits())?;
    let of = |handle: tsdb::SeriesHandle| {
        let bounds = handle.bounds();
        (handle.into_labels(), bounds)
    };
    Ok(found.series.into_iter().map(of).collect())
}

/// First and last time of what satisfies all of `selector`, whenever it was; nothing is decoded.
///
/// # Errors
/// As [`newest`].
pub fn extent(db: &Tsdb, ask: &Ask, selector: &[Matcher]) -> Result<Option<(i64, i64)>, MetricsError> {
    let always = (i64::MIN / 2, i64::MAX / 2);
    let bounds = stretches(db, ask, selector, always)?.into_iter().map(|(_, bounds)| bounds);
    Ok(bounds.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
}

/// The time between the last two samples of each series that satisfies all of `selector` and has two in `range_ms`, milliseconds.
///
/// # Errors
/// As [`newest`].
pub fn intervals(
    db: &Tsdb,
    ask: &Ask,
    selector: &[Matcher],
    range_ms: (i64, i64),
    series_max: usize,
) -> Result<Vec<i64>, MetricsError> {
    let mut found = Vec::new();
    let handles = db.select(&ask.access, &matchers::to_engine(selector), range_ms, ask.read_limits())?.series;
    for handle in handles.into_iter().take(series_max) {
        if let [.., before, last] = &handle.samples()?[..] {
            found.push(last.t - before.t);
        }
    }
    Ok(found)
}

/// How many samples each series that satisfies all of `selector` has in `range_ms` (both ends inclusive).
///
/// # Errors
/// As [`newest`].
pub fn sample_counts(
    db: &Tsdb,
    ask: &Ask,
    selector: &[Matcher],
    range_ms: (i64, i64),
) -> Result<Vec<u64>, MetricsError> {
    let mut found = Vec::new();
    for handle in db.select(&ask.access, &matchers::to_engine(selector), range_ms, ask.read_limits())?.series {
        let read = handle.read()?;
        found.push((read.floats.len() + read.histograms.len()) as u64);
    }
    Ok(found)
}
