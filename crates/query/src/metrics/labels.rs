//! The names and values of labels.

use std::collections::BTreeSet;

use tsdb::{Matcher, Tsdb};

use super::{Ask, MetricsError, keys, matchers};

/// The label names of the series that satisfy at least one of `selectors` (of all series when there
/// is none) and have samples in `range_ms` (both ends inclusive), sorted.
///
/// # Errors
/// A selector that does not parse, a limit, the deadline.
pub fn label_names(
    db: &Tsdb,
    ask: &Ask,
    selectors: &[&str],
    range_ms: (i64, i64),
) -> Result<Vec<String>, MetricsError> {
    union(selectors, |m| Ok(db.label_names(&ask.access, m, range_ms, ask.read_limits())?))
}

/// The values of the label `name`, and those of the label that OTLP stores a key of this name under; otherwise as
/// [`label_names`].
///
/// # Errors
/// As [`label_names`].
pub fn label_values(
    db: &Tsdb,
    ask: &Ask,
    name: &str,
    selectors: &[&str],
    range_ms: (i64, i64),
) -> Result<Vec<String>, MetricsError> {
    let values =
        |name: &str| union(selectors, |m| Ok(db.label_values(&ask.access, name, m, range_ms, ask.read_limits())?));
    let found = values(name)?;
    let Some(stored) = keys::stored(name) else { return Ok(found) };
    let both: BTreeSet<String> = found.into_iter().chain(values(&stored)?).collect();
    Ok(both.into_iter().collect())
}

fn union(
    selectors: &[&str],
    read: impl Fn(&[Matcher]) -> Result<Vec<String>, MetricsError>,
) -> Result<Vec<String>, MetricsError> {
    if selectors.is_empty() {
        return read(&[]);
    }
    let mut found = BTreeSet::new();
    for matchers in matchers::selectors(selectors)? {
        found.extend(read(&matchers)?);
    }
    Ok(found.into_iter().collect())
}
