//! Counts over time by at most one field.
//!
//! Rows lie in the order of time, so a bucket is a run of rows: where it begins and ends is looked for, and the rows
//! between are counted in an array by code. No time is looked at per row.

use model::UnixNanos;

use super::state::State;
use super::tally::histogram;
use crate::query::group::{Groups, NO_GROUP};
use crate::query::request::Buckets;
use crate::query::run::Halt;
use crate::query::view::{Rows, View};

/// Rows that follow each other and lie in one bucket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    bucket: u32,
    /// Places among the rows that are counted.
    from: usize,
    to: usize,
}

/// The buckets that times between `low` and `high` (both inclusive) can fall into, first and last.
fn between(buckets: &Buckets, low: UnixNanos, high: UnixNanos) -> Option<(usize, usize)> {
    let first = buckets.index(low.max(buckets.start))?;
    let last = if high < buckets.start { return None } else { buckets.index(high) };
    Some((first, last.unwrap_or(buckets.count - 1)))
}

/// The runs of `rows`; rows outside of all buckets are in none. `None` when the runs would cost more than the rows do.
pub(super) fn runs(
    view: &View<'_>,
    buckets: &Buckets,
    rows: &Rows,
    by: Option<&Groups>,
) -> Result<Option<Vec<Run>>, Halt> {
    let (low, high) = view.times_between();
    let Some((first, last)) = between(buckets, low, high) else { return Ok(Some(Vec::new())) };
    let cost = (last - first + 1).saturating_mul(by.map_or(1, |g| g.names.len() + 1));
    if cost > 2 * rows.len() {
        return Ok(None);
    }
    let bound = |i: usize| {
        let at = i128::from(buckets.start.0) + i128::from(buckets.step_nanos) * i as i128;
        i64::try_from(at).unwrap_or(i64::MAX)
    };
    let bounds: Vec<i64> = (first..=last + 1).map(bound).collect();
    let mut ends = view.rows_before(&bounds)?;
    if let Rows::These(list) = rows {
        ends.iter_mut().for_each(|end| *end = list.partition_point(|row| row < end));
    }
    let of = |(i, ends): (usize, &[usize])| match *ends {
        [from, to] if from < to => Some(Run { bucket: (first + i) as u32, from, to }),
        _ => None,
    };
    Ok(Some(ends.windows(2).enumerate().filter_map(of).collect()))
}

impl State<'_> {
    /// Counts the rows of each run; codes are those of the rows that are counted.
    pub(super) fn count_runs(&mut self, runs: &[Run], by: Option<&Groups>) {
        let Some(Groups { codes, names }) = by else {
            runs.iter().for_each(|run| self.count(&[run.bucket], (run.to - run.from) as u64));
            return;
        };
        let none = names.len();
        let mut found: Vec<(u32, u32, u32)> = Vec::new();
        let mut counts = vec![0; none + 1];
        for run in runs {
            counts.fill(0);
            histogram(codes.get(run.from..run.to).unwrap_or_default(), &mut counts);
            let counted = counts.iter().enumerate().filter(|(_, n)| **n > 0);
            found.extend(counted.map(|(code, n)| (run.bucket, code as u32, *n)));
        }
        if let (Some(known), Some(interner)) = (self.known.first_mut(), self.names.first_mut()) {
            let mut name = known.of(interner, names);
            let of = |code: u32| if code as usize == none { NO_GROUP } else { name.get(code).unwrap_or(NO_GROUP) };
            let mut of = of;
            found.iter_mut().for_each(|(_, code, _)| *code = of(*code));
        }
        for (bucket, name, n) in found {
            self.count(&[bucket, name], u64::from(n));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_between_two_times() {
        let buckets = Buckets { start: UnixNanos(10), step_nanos: 5, count: 3 };
        let of = |low, high| between(&buckets, UnixNanos(low), UnixNanos(high));
        assert_eq!((of(3, 9), of(25, 30)), (None, None));
        assert_eq!(
            (of(3, 10), of(14, 15), of(3, 99), of(24, 25)),
            (Some((0, 0)), Some((0, 1)), Some((0, 2)), Some((2, 2)))
        );
        let wide = Buckets { start: UnixNanos(0), step_nanos: i64::MAX, count: 2 };
        assert_eq!(between(&wide, UnixNanos(5), UnixNanos(i64::MAX)), Some((0, 1)));
    }
}
