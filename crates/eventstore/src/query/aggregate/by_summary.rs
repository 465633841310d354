//! Groups by what segments know of their rows as a whole (`summary`), without a look into their blocks.

use hashbrown::HashMap;
use model::{TimeRange, UnixNanos};
use rustc_hash::FxBuildHasher;

use super::Job;
use super::state::State;
use crate::query::facts::{Counted, RowsOf, SpansOf, is_counted, is_of_spans};
use crate::query::filter::Field;
use crate::query::group::NO_GROUP;
use crate::query::measure::Kind;
use crate::query::request::{Buckets, GroupBy};
use crate::query::summarised::{of_durations, overlapping};
use crate::schema::Schema;
use crate::segment::Segment;
use crate::summary::counts::MINUTE;
use crate::summary::durations::HOUR;
use crate::summary::{Counts, Durations};

/// Which of the tables of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Summary {
    Counts,
    Durations,
}

/// The first nanosecond of a minute.
fn begin(minute: i64) -> UnixNanos {
    UnixNanos(minute.saturating_mul(MINUTE))
}

impl Job<'_> {
    /// The table that has all that is asked for, if one has.
    pub(super) fn table(&self) -> Option<Summary> {
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
        let buckets_of = |unit: i64| {
            let whole = |b: &Buckets| b.start.0 % unit == 0 && b.step_nanos % unit == 0;
            asked.buckets.as_ref().is_none_or(whole)
        };
        if self.only_rows() && buckets_of(MINUTE) && has(&of_counts) {
            return Some(Summary::Counts);
        }
        let kept = |kind: &Kind| match kind {
            Kind::Rows => true,
            Kind::Histogram(field) | Kind::Moments(field) => *field == Field::Duration,
            Kind::Present(_) | Kind::Distinct(_) | Kind::Weights | Kind::Weighed(_) => false,
        };
        let durations = schema == Schema::Spans && buckets_of(HOUR) && self.kinds.iter().all(kept);
        (durations && has(&is_of_spans)).then_some(Summary::Durations)
    }

    /// The part of the range for which a table of a segment answers; `None` when that is none, or reading blocks costs less.
    pub(super) fn covered(&self, table: Summary, segment: &Segment) -> Option<TimeRange> {
        let (range, info) = (self.range, &segment.info);
        let (bytes, covered) = match table {
            Summary::Durations => {
                let slices = segment.durations(range);
                let hours = slices.iter().all(|s| s.begin.0 % HOUR == 0 && s.end.0.wrapping_sub(s.begin.0) == HOUR);
                let usable = hours || self.asked.buckets.is_none();
                (slices.iter().map(|s| s.place.len()).sum(), of_durations(segment, range).filter(|_| usable)?)
            }
            Summary::Counts => {
                let first = range.start.0.div_euclid(MINUTE) + i64::from(range.start.0.rem_euclid(MINUTE) != 0);
                let start = if range.start <= info.min_time { range.start } else { begin(first) };
                let end = if range.end > info.max_time { range.end } else { begin(range.end.0.div_euclid(MINUTE)) };
                (segment.summaries.counts.as_ref()?.len(), TimeRange::new(start, end))
            }
        };
        let rows: usize = overlapping(segment, covered).map(|b| b.rows()).sum();
        (covered.start < covered.end && bytes <= rows).then_some(covered)
    }

    fn bucket(&self, time: UnixNanos) -> Option<u32> {
        match &self.asked.buckets {
            None => Some(NO_GROUP),
            Some(buckets) => buckets.index(time).map(|i| i as u32),
        }
    }
}

impl State<'_> {
    /// Takes what a segment knows of its rows in `covered`; false when that cannot be read.
    pub(super) fn by_summary(&mut self, segment: &Segment, table: Summary, covered: TimeRange) -> bool {
        match table {
            Summary::Counts => segment.counts().map(|counts| self.add_counts(&counts, covered)).is_some(),
            Summary::Durations => {
                let tables = segment.read_durations(covered);
                tables.iter().flatten().for_each(|(begin, durations)| self.add_durations(*begin, durations));
                tables.is_some()
            }
        }
    }

    fn add_counts(&mut self, counts: &Counts, covered: TimeRange) {
        let job = self.job;
        // Keys of the table that become one group.
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut places: HashMap<Vec<u32>, usize, FxBuildHasher> = HashMap::default();
        let group = |(service, value): &(u32, u8)| {
            let service = counts.services.get(*service as usize).map_or("", |s| s);
            let counted = Some(Counted { schema: job.schema, value: *value });
            let rows = RowsOf { service, counted, longest: None };
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
                let next = job.bucket(begin(*of));
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

    fn add_durations(&mut self, begin: UnixNanos, durations: &Durations) {
        let Some(bucket) = self.job.bucket(begin) else { return };
        for group in &durations.groups {
            let spans = SpansOf { durations, key: &group.key };
            if self.job.plan.decides(&spans) != Some(true) {
                continue;
            }
            let key = self.key_of(bucket, &spans);
            let slot = self.slot(&key) as usize;
            for accumulator in &mut self.accumulators {
                accumulator.resize(self.slots);
                accumulator.add_durations(slot, group, durations.buckets(group), &mut self.grown);
            }
        }
    }
}
