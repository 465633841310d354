//! A series as stretches in order of time: chunks that only their statistics are needed of, and samples.
//!
//! For functions over ranges much longer than a chunk: what lies wholly within
//! the range and overlaps nothing else need not be decoded.

use crate::TsdbError;
use crate::chunk::{ChunkStats, SeriesSamples};
use crate::part::{Gather, Part};

/// A part of what was asked for; stretches of a series do not overlap.
#[derive(Debug, Clone, PartialEq)]
pub enum Stretch {
    /// A chunk that lies wholly within the range, not decoded.
    Stats(ChunkStats),
    /// Samples within the range.
    Samples(SeriesSamples),
}

/// Calls `each` with the stretches of `parts` (those stored first first) within `[min, max]` in order of time.
/// `add` decodes a part.
pub(crate) fn walk(
    parts: &[&Part],
    (min, max): (i64, i64),
    add: &dyn Fn(&mut Gather, &Part) -> Result<(), TsdbError>,
    each: &mut dyn FnMut(Stretch),
) -> Result<(), TsdbError> {
    // Stable: parts that begin at one time stay in the order of storing.
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|i| parts.get(*i).map_or(i64::MAX, |p| p.bounds().0));
    let mut order = order.into_iter().peekable();
    while let Some(first) = order.next() {
        let Some(part) = parts.get(first) else { continue };
        let mut end = part.bounds().1;
        let mut group = vec![first];
        while let Some(next) = order.next_if(|i| parts.get(*i).is_some_and(|p| p.bounds().0 <= end)) {
            end = end.max(parts.get(next).map_or(end, |p| p.bounds().1));
            group.push(next);
        }
        if let (1, Some(stats)) = (group.len(), part.stats_within(min, max)) {
            each(Stretch::Stats(*stats));
            continue;
        }
        group.sort_unstable();
        let mut gather = Gather::default();
        for part in group.iter().filter_map(|i| parts.get(*i)) {
            add(&mut gather, part)?;
        }
        let mut samples = gather.finish();
        samples.clip(min, max);
        if !samples.is_empty() {
            each(Stretch::Samples(samples));
        }
    }
    Ok(())
}
