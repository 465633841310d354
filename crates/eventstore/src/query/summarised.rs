//! Which parts of a range are answered by what segments know of their rows as a whole (`summary`), and which blocks are left.

use std::sync::Arc;

use model::TimeRange;

use super::compile::Plan;
use super::fold::Morsel;
use super::prune::Share;
use super::run::{self, Run};
use crate::block::Block;
use crate::engine::Snapshot;
use crate::segment::Segment;

/// A segment, and the time for whose rows its tables answer.
pub(crate) type Summarised = (Arc<Segment>, TimeRange);
/// A block, and the time of its rows that are asked for.
pub(crate) type Part = (Arc<Block>, TimeRange);

impl Morsel for Part {
    fn block(&self) -> Option<&Arc<Block>> {
        Some(&self.0)
    }
}

/// The blocks of a segment that may have rows in a range.
pub(crate) fn overlapping(segment: &Segment, range: TimeRange) -> impl Iterator<Item = &Arc<Block>> {
    segment.blocks.iter().filter(move |b| range.overlaps(b.meta.min_time, b.meta.max_time))
}

/// Splits what a query looks at. `covered` says for which part of the range the tables of a segment answer: what
/// lies before and behind it is left to the blocks.
pub(crate) fn split(
    run: &mut Run<'_>,
    mut snapshot: Snapshot,
    plan: &Plan,
    range: TimeRange,
    covered: impl Fn(&Segment) -> Option<TimeRange>,
) -> (Vec<Summarised>, Vec<Part>) {
    let schema = run.shared.schema;
    let (mut summarised, mut parts) = (Vec::new(), Vec::new());
    snapshot.segments.retain(|segment| {
        let Some(covered) = covered(segment) else { return true };
        let ends = [TimeRange::new(range.start, covered.start), TimeRange::new(covered.end, range.end)];
        for end in ends.into_iter().filter(|end| end.start < end.end) {
            let blocks = overlapping(segment, end).filter(|b| plan.share(schema, b) != Share::None);
            parts.extend(blocks.map(|block| (block.clone(), end)));
        }
        summarised.push((segment.clone(), covered));
        false
    });
    let mut blocks = run::blocks(&snapshot, run, range, plan.trace.as_ref());
    run::leave_out(run, plan, &mut blocks);
    parts.extend(blocks.into_iter().map(|block| (block, range)));
    (summarised, parts)
}

/// The part of `range` for which the durations of a segment answer.
pub(crate) fn of_durations(segment: &Segment, range: TimeRange) -> Option<TimeRange> {
    let slices = segment.durations(range);
    let (first, last) = (slices.first()?, slices.last()?);
    let start = if range.start <= segment.info.min_time { range.start } else { first.begin };
    let end = if range.end > segment.info.max_time { range.end } else { last.end };
    Some(TimeRange::new(start, end))
}

/// Counts the blocks of a segment that a table spares.
pub(crate) fn skip(run: &mut Run<'_>, segment: &Segment, covered: TimeRange) {
    let whole = |b: &&Arc<Block>| covered.contains(b.meta.min_time) && covered.contains(b.meta.max_time);
    segment.blocks.iter().filter(whole).for_each(|_| run.skip());
}
