//! Groups by what segments know of their rows as a whole (`summary`), without a look into their blocks.
//!
//! A table answers for the minutes, or the segments, that lie in the range as a whole; what of the range is left at its two
//! ends is read from the blocks that have rows there.

use std::sync::Arc;

use hashbrown::HashMap;
use model::{TimeRange, UnixNanos};
use rustc_hash::FxBuildHasher;

use super::Job;
use super::state::State;
use crate::block::Block;
use crate::engine::Snapshot;
use crate::query::facts::{Counted, RowsOf, SpansOf, is_counted, is_of_spans};
use crate::query::filter::Field;
use crate::query::fold::Morsel;
use crate::query::group::NO_GROUP;
use crate::query::measure::Kind;
use crate::query::prune::Share;
use crate::query::request::GroupBy;
use crate::schema::Schema;
use crate::segment::Segment;
use crate::summary::counts::MINUTE;
use crate::summary::{Counts, Durations};

/// A part of the work: of a block its rows in a range, or what a segment knows of its rows in a range.
pub(super) enum Piece {
    Block(Arc<Block>, TimeRange),
    Summary(Arc<Segment>, Table, TimeRange),
}

impl Morsel for Piece {
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Self::Block(block, _) => Some(block),
            Self::Summary(..) => None,
        }
    }
}

/// Which of the tables of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Counts,
    Durations,
}

/// The first nanosecond of a minute.
fn begin(minute: i64) -> UnixNanos {
    UnixNanos(minute.saturating_mul(MINUTE))
}

fn overlapping(segment: &Segment, range: TimeRange) -> impl Iterator<Item = &Arc<Block>> {
    segment.blocks.iter().filter(move |b| range.overlaps(b.meta.min_time, b.meta.max_time))
}

impl Job<'_> {
    /// The table that has all that is asked for, if one has.
    fn table(&self) -> Option<Table> {
        let asked = self.asked;
        // What a block counts of its rows lies in memory already.
        if asked.sample.is_some() || self.by_header && asked.buckets.is_none() {
            return None;
        }
        let schema = self.schema;
        let has = |of: &dyn Fn(&Field) -> bool| {
            let by = |by: &GroupBy| match by {
                GroupBy::SeverityRange => schema == Schema::Logs && of(&Field::Severity),
                GroupBy::Field(field) => of(field),
            };
            asked.by.iter().all(by) && self.plan.asks_only(of)
        };
        let of_counts = |field: &Field| *field == Field::Service || is_counted(field, schema);
        let in_minutes = |b: &super::Buckets| b.start.0 % MINUTE == 0 && b.step_nanos % MINUTE == 0;
        if self.only_rows() && asked.buckets.as_ref().is_none_or(in_minutes) && has(&of_counts) {
            return Some(Table::Counts);
        }
        let kept = |kind: &Kind| match kind {
            Kind::Rows => true,
            Kind::Histogram(field) | Kind::Moments(field) => *field == Field::Duration,
            Kind::Present(_) | Kind::Distinct(_) | Kind::Weights | Kind::Weighed(_) => false,
        };
        let durations = schema == Schema::Spans && asked.buckets.is_none() && self.kinds.iter().all(kept);
        (durations && has(&is_of_spans)).then_some(Table::Durations)
    }

    /// Takes the segments out of a snapshot that can answer for (a part of) the range, and makes pieces of them.
    pub(super) fn summarised(&self, snapshot: &mut Snapshot) -> Vec<Piece> {
        let Some(table) = self.table() else { return Vec::new() };
        let (mut summaries, mut ends) = (Vec::new(), Vec::new());
        snapshot.segments.retain(|segment| {
            let Some(covered) = self.covered(table, segment) else { return true };
            summaries.push(Piece::Summary(segment.clone(), table, covered));
            for end in [TimeRange::new(self.range.start, covered.start), TimeRange::new(covered.end, self.range.end)] {
                let blocks = overlapping(segment, end).filter(|b| self.plan.share(self.schema, b) != Share::None);
                ends.extend(blocks.map(|block| Piece::Block(block.clone(), end)));
            }
            false
        });
        summaries.extend(ends);
        summaries
    }

    /// The part of the range for which a table of a segment answers; `None` when that is none, or reading blocks costs less.
    fn covered(&self, table: Table, segment: &Segment) -> Option<TimeRange> {
        let (range, info) = (self.range, &segment.info);
        let (place, covered) = match table {
            Table::Durations => (segment.durations.as_ref()?, segment.lies_in(range).then_some(range)?),
            Table::Counts => {
                let first = range.start.0.div_euclid(MINUTE) + i64::from(range.start.0.rem_euclid(MINUTE) != 0);
                let start = if range.start <= info.min_time { range.start } else { begin(first) };
                let end = if range.end > info.max_time { range.end } else { begin(range.end.0.div_euclid(MINUTE)) };
                (segment.counts.as_ref()?, TimeRange::new(start, end))
            }
        };
        let rows: usize = overlapping(segment, covered).map(|b| b.rows()).sum();
        (covered.start < covered.end && place.len() <= rows).then_some(covered)
    }
}

impl State<'_> {
    /// Takes what a segment knows of its rows in `covered`; false when that cannot be read.
    pub(super) fn by_summary(&mut self, segment: &Segment, table: Table, covered: TimeRange) -> bool {
        match table {
            Table::Counts => segment.counts().map(|counts| self.add_counts(&counts, covered)).is_some(),
            Table::Durations => segment.durations().map(|durations| self.add_durations(&durations)).is_some(),
        }
    }

    fn add_counts(&mut self, counts: &Counts, covered: TimeRange) {
        let job = self.job;
        // Keys of the table that become one group.
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut places: HashMap<Vec<u32>, usize, FxBuildHasher> = HashMap::default();
        let group = |(service, value): &(u32, u8)| {
            let service = counts.services.get(*service as usize).map_or("", |s| s);
            let rows = RowsOf { counted: Counted { schema: job.schema, value: *value }, service };
            if job.plan.decides(&rows) != Some(true) {
                return None;
            }
            let key = self.key_of(NO_GROUP, &rows);
            Some(*places.entry(key).or_insert_with_key(|key| {
                groups.push(key.clone());
                groups.len() - 1
            }))
        };
        let of_keys: Vec<Option<usize>> = counts.keys.iter().map(group).collect();
        let mut rows = vec![0u64; groups.len()];
        let (mut minute, mut bucket) = (None, None);
        let first = covered.start.0.div_euclid(MINUTE);
        for (of, key, n) in counts.lines.iter().filter(|(of, ..)| *of >= first && begin(*of) < covered.end) {
            if minute != Some(*of) {
                minute = Some(*of);
                let next = match &job.asked.buckets {
                    None => Some(NO_GROUP),
                    Some(buckets) => buckets.index(begin(*of)).map(|i| i as u32),
                };
                if next != bucket {
                    self.count_groups(bucket, &mut groups, &mut rows);
                    bucket = next;
                }
            }
            if let Some(rows) = of_keys.get(*key as usize).copied().flatten().and_then(|group| rows.get_mut(group)) {
                *rows += n;
            }
        }
        self.count_groups(bucket, &mut groups, &mut rows);
    }

    /// Counts the rows of groups in a bucket, and sets them to none.
    fn count_groups(&mut self, bucket: Option<u32>, groups: &mut [Vec<u32>], rows: &mut [u64]) {
        for (key, n) in groups.iter_mut().zip(rows) {
            let n = std::mem::take(n);
            if let (Some(bucket), Some(to)) = (bucket, key.first_mut())
                && n > 0
            {
                *to = bucket;
                self.count(key, n);
            }
        }
    }

    fn add_durations(&mut self, durations: &Durations) {
        for group in &durations.groups {
            let spans = SpansOf { durations, key: &group.key };
            if self.job.plan.decides(&spans) != Some(true) {
                continue;
            }
            let key = self.key_of(NO_GROUP, &spans);
            let slot = self.slot(&key) as usize;
            for accumulator in &mut self.accumulators {
                accumulator.resize(self.slots);
                accumulator.add_durations(slot, group, durations.buckets(group), &mut self.grown);
            }
        }
    }
}
