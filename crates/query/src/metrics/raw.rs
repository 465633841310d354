//! The samples of series as they are stored, for those who copy them.

use model::Labels;
use promql::matcher::Matcher;
use tsdb::{ReadLimits, SeriesSamples, Tsdb};

use super::{Ask, MetricsError, matchers};

/// Hands every series that satisfies all of `selector` and has samples in `range_ms` (both ends inclusive) to `each`, sorted
/// by labels, one decoded at a time, until `each` fails. A copy with holes would be taken for whole, so that damage is an error here.
///
/// # Errors
/// A limit, the deadline, a damaged block; what `each` answers.
pub fn raw<E: From<MetricsError>>(
    db: &Tsdb,
    ask: &Ask,
    selector: &[Matcher],
    range_ms: (i64, i64),
    mut each: impl FnMut(&Labels, SeriesSamples) -> Result<(), E>,
) -> Result<(), E> {
    let limits = ReadLimits { partial: None, ..ask.read_limits() };
    let found = db.select(&ask.access, &matchers::to_engine(selector), range_ms, limits);
    for handle in found.map_err(MetricsError::from)?.series {
        let samples = handle.read().map_err(MetricsError::from)?;
        if !samples.is_empty() {
            each(handle.labels(), samples)?;
        }
    }
    Ok(())
}
