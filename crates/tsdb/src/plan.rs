//! Which blocks are merged next: decisions over times and sizes only.
//!
//! Blocks grow in levels, as in Prometheus: what lies in one window of 12 hours
//! becomes one block, then what lies in one window of 3 days; a block lies where its middle lies. Of samples with
//! one time the first stored counts, so that only blocks may change their order
//! that do not overlap in time.

/// What is to be known of a block. Blocks stand in the order in which their samples were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockInfo {
    pub(crate) id: u64,
    /// Oldest and newest sample, milliseconds.
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) samples: u64,
    pub(crate) bytes: u64,
    /// Not damaged.
    pub(crate) mergeable: bool,
}

impl BlockInfo {
    /// The window that the middle of the block lies in: a head is flushed some seconds behind the end of one.
    fn home(&self, width: i64) -> i64 {
        (self.min / 2 + self.max / 2).div_euclid(width)
    }
}

const HOUR_MS: i64 = 3_600_000;

/// Restarts and full logs leave blocks shorter than this; four neighbours become one at once.
const SMALL_SPAN_MS: i64 = 2 * HOUR_MS;
const SMALL_RUN: usize = 4;

/// Widths of the windows, counted from 1970-01-01T00:00:00Z.
const LEVELS_MS: [i64; 2] = [12 * HOUR_MS, 72 * HOUR_MS];

/// A block reaches over at most this part of the retention, so that what is removed as a whole is not much too old.
const RETENTION_PART: i64 = 10;

/// With so many blocks in a window they are merged although one is much larger than the others.
const WINDOW_BLOCKS_MAX: usize = 8;

/// How wide the blocks of a backfill are: what lies in one window would become one block anyway.
pub(crate) fn backfill_width(retention_ms: Option<i64>) -> i64 {
    let [width, _] = LEVELS_MS;
    if retention_ms.is_none_or(|r| width <= r / RETENTION_PART) { width } else { SMALL_SPAN_MS }
}

/// The ids of the blocks to merge, in order; empty when there is nothing to do.
///
/// A window is merged once samples exist that are `settle_ms` newer than its end: then no more come into it.
pub(crate) fn merge(blocks: &[BlockInfo], settle_ms: i64, retention_ms: Option<i64>) -> Vec<u64> {
    let small = blocks.windows(SMALL_RUN).find(|run| {
        let (min, max) = hull(run.iter());
        run.iter().all(|b| b.mergeable) && max.saturating_sub(min) <= SMALL_SPAN_MS && !one_is_much_larger(run)
    });
    if let Some(run) = small {
        return run.iter().map(|b| b.id).collect();
    }
    let newest = blocks.iter().map(|b| b.max).max().unwrap_or(i64::MIN);
    let span_max = retention_ms.map_or(i64::MAX, |r| r / RETENTION_PART);
    for width in LEVELS_MS.into_iter().filter(|w| *w <= span_max) {
        let mut homes: Vec<i64> = blocks.iter().map(|b| b.home(width)).collect();
        homes.sort_unstable();
        homes.dedup();
        // Those whose window is not over come later again.
        homes.retain(|home| home.saturating_add(1).saturating_mul(width).saturating_add(settle_ms) <= newest);
        for home in homes {
            // What a larger level made stays out of the smaller one.
            let fits = |b: &BlockInfo| b.home(width) == home && b.max.saturating_sub(b.min) <= width;
            let run = closure(blocks, fits);
            if run.len() > 1 && run.iter().all(|b| b.mergeable) && due(&run) {
                return run.iter().map(|b| b.id).collect();
            }
        }
    }
    Vec::new()
}

fn hull<'a>(blocks: impl Iterator<Item = &'a BlockInfo>) -> (i64, i64) {
    blocks.fold((i64::MAX, i64::MIN), |(min, max), b| (min.min(b.min), max.max(b.max)))
}

fn one_is_much_larger(run: &[BlockInfo]) -> bool {
    let largest = run.iter().map(|b| b.samples).max().unwrap_or(0);
    largest * 2 > run.iter().map(|b| b.samples).sum()
}

/// Whether merging is worth it: a large block is not written again for a handful of late samples.
fn due(run: &[BlockInfo]) -> bool {
    let largest = run.iter().map(|b| b.samples).max().unwrap_or(0);
    let others = run.iter().map(|b| b.samples).sum::<u64>() - largest;
    others >= largest / 4 || run.len() >= WINDOW_BLOCKS_MAX
}

/// The chosen blocks and those stored between them that overlap them: the merged one takes the place of the first.
fn closure(blocks: &[BlockInfo], chosen: impl Fn(&BlockInfo) -> bool) -> Vec<BlockInfo> {
    let mut taken: Vec<bool> = blocks.iter().map(chosen).collect();
    loop {
        let of_run = || blocks.iter().zip(&taken).filter(|(_, t)| **t).map(|(b, _)| b);
        let (min, max) = hull(of_run());
        let (Some(first), Some(last)) = (taken.iter().position(|t| *t), taken.iter().rposition(|t| *t)) else {
            return Vec::new();
        };
        let between = blocks.iter().enumerate().skip(first).take(last - first);
        let missing = between.filter(|(i, b)| !taken[*i] && b.min <= max && b.max >= min).map(|(i, _)| i);
        let missing: Vec<usize> = missing.collect();
        if missing.is_empty() {
            return of_run().copied().collect();
        }
        missing.into_iter().for_each(|i| taken[i] = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From and to in hours.
    fn block(id: u64, from: i64, to: i64, samples: u64) -> BlockInfo {
        let (min, max) = (from * HOUR_MS, to * HOUR_MS - 1);
        BlockInfo { id, min, max, samples, bytes: samples, mergeable: true }
    }

    #[test]
    fn two_hours_become_twelve_and_those_three_days() {
        let mut blocks: Vec<BlockInfo> = (0..6).map(|i| block(i, i as i64 * 2, i as i64 * 2 + 2, 100)).collect();
        assert!(merge(&blocks, HOUR_MS, None).is_empty(), "the window is not over");
        blocks.push(block(6, 12, 13, 50));
        assert!(merge(&blocks, 2 * HOUR_MS, None).is_empty(), "late samples may come");
        blocks.push(block(7, 13, 15, 50));
        assert_eq!(merge(&blocks, HOUR_MS, None), [0, 1, 2, 3, 4, 5]);
        assert!(merge(&blocks, HOUR_MS, Some(100 * HOUR_MS)).is_empty(), "the retention is short");
        let mut days: Vec<BlockInfo> = (0..6).map(|i| block(i, i as i64 * 12, i as i64 * 12 + 12, 600)).collect();
        days.push(block(6, 72, 74, 100));
        assert_eq!(merge(&days, HOUR_MS, None), [0, 1, 2, 3, 4, 5]);
        assert!(merge(&[block(0, 0, 72, 3600), block(1, 73, 75, 100)], HOUR_MS, None).is_empty());
    }

    #[test]
    fn late_blocks_are_folded_in_when_it_is_worth_it() {
        let small = [block(0, 0, 12, 600), block(1, 12, 14, 100), block(2, 3, 4, 10), block(3, 14, 16, 100)];
        assert!(merge(&small, HOUR_MS, None).is_empty());
        let large = [block(0, 0, 12, 600), block(1, 12, 14, 100), block(2, 3, 4, 200), block(3, 14, 16, 100)];
        assert_eq!(
            merge(&large, HOUR_MS, None),
            [0, 2],
            "what lies between them in storing order is elsewhere in time"
        );
        let crossing = [block(0, 0, 12, 600), block(1, 10, 14, 100), block(2, 3, 4, 200), block(3, 14, 16, 100)];
        assert_eq!(merge(&crossing, HOUR_MS, None), [0, 1, 2], "its samples must not change places with theirs");
    }

    #[test]
    fn what_restarts_leave_is_merged_at_once_and_damage_is_left_alone() {
        let mut blocks: Vec<BlockInfo> = (0..5).map(|i| block(i, 0, 1, 10)).collect();
        assert_eq!(merge(&blocks, HOUR_MS, None), [0, 1, 2, 3]);
        blocks[1].mergeable = false;
        assert!(merge(&blocks, HOUR_MS, None).is_empty());
        assert!(merge(&[], HOUR_MS, None).is_empty());
    }
}
