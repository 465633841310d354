//! Counts over time by at most one field.
//!
//! Rows lie in the order of time, so a bucket is a run of rows: each run is counted in an array by code, and
//! nothing is made per row.

use model::UnixNanos;

use super::state::State;
use crate::column::bitmap::Bitmap;
use crate::query::group::{Groups, NO_GROUP};
use crate::query::request::Buckets;

/// Rows that follow each other and lie in one bucket.
pub(super) struct Run {
    bucket: u32,
    from: usize,
    to: usize,
}

/// The runs of a block, of rising times; rows outside of all buckets are in none.
pub(super) fn runs(buckets: &Buckets, times: &[i64]) -> Vec<Run> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(t) = times.get(from) {
        let rest = times.get(from..).unwrap_or_default();
        let bucket = buckets.index(UnixNanos(*t));
        let end = match bucket {
            Some(i) => buckets.start.0.wrapping_add(buckets.step_nanos.wrapping_mul(i as i64 + 1)),
            None => buckets.start.0,
        };
        // After the last bucket, and in one that ends beyond all times, nothing else follows.
        let len = if end > *t { rest.partition_point(|t| *t < end) } else { rest.len() };
        if let Some(i) = bucket {
            out.push(Run { bucket: i as u32, from, to: from + len });
        }
        from += len;
    }
    out
}

/// Whether arrays by code for each run cost no more than the rows do.
pub(super) fn are_worth(runs: &[Run], by: Option<&Groups>, rows: usize) -> bool {
    runs.len().saturating_mul(by.map_or(1, |g| g.names.len() + 1)) <= 2 * rows
}

impl State<'_> {
    /// Counts the matching rows of each run.
    pub(super) fn count_runs(&mut self, runs: &[Run], by: Option<&Groups>, matching: &Bitmap) {
        let none = by.map_or(0, |g| g.names.len());
        let all = matching.words().iter().map(|w| w.count_ones() as usize).sum::<usize>();
        let mut rows = matching.iter().peekable();
        let common = by.and_then(|g| self.known.first_mut().and_then(|k| k.of(&g.names)));
        for run in runs {
            let mut counts = vec![0; none + 1];
            match by.and_then(|g| g.codes.get(run.from..run.to).filter(|_| all == g.codes.len())) {
                Some(codes) => histogram(codes, &mut counts),
                None => {
                    while rows.next_if(|row| *row < run.from).is_some() {}
                    while let Some(row) = rows.next_if(|row| *row < run.to) {
                        let code = by.and_then(|g| g.codes.get(row)).map_or(none, |c| (*c as usize).min(none));
                        if let Some(n) = counts.get_mut(code) {
                            *n += 1;
                        }
                    }
                }
            }
            for (code, n) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
                let slot = match by {
                    None => self.slot(&[run.bucket]),
                    Some(g) if code < none => {
                        let name = self.name(common, g, code as u32);
                        self.slot(&[run.bucket, name])
                    }
                    Some(_) => self.slot(&[run.bucket, NO_GROUP]),
                };
                for a in &mut self.accumulators {
                    a.resize(self.slots);
                    a.add_count(slot as usize, u64::from(n));
                }
            }
        }
    }

    /// The number among all names of a code of the first field's.
    fn name(&mut self, common: Option<usize>, groups: &Groups, code: u32) -> u32 {
        match (self.known.first_mut(), self.names.first_mut()) {
            (Some(known), Some(names)) => known.code(common, names, &groups.names, code).unwrap_or(NO_GROUP),
            _ => NO_GROUP,
        }
    }
}

/// Counters of a code; neighbours often have the same one, and would wait for each other.
const LANES: usize = 4;

/// Adds how often each code occurs; what is beyond the last of `counts` counts there.
fn histogram(codes: &[u32], counts: &mut [u32]) {
    let Some(last) = counts.len().checked_sub(1) else { return };
    let mut lanes = vec![[0u32; LANES]; counts.len()];
    let (chunks, rest) = codes.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, code) in chunk.iter().enumerate() {
            if let Some(n) = lanes.get_mut((*code as usize).min(last)) {
                n[lane] += 1;
            }
        }
    }
    for code in rest {
        if let Some(n) = lanes.get_mut((*code as usize).min(last)) {
            n[0] += 1;
        }
    }
    counts.iter_mut().zip(lanes).for_each(|(n, lanes)| *n += lanes.iter().sum::<u32>());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_buckets_of_rows() {
        let buckets = Buckets { start: UnixNanos(10), step_nanos: 5, count: 3 };
        let times = [3, 9, 10, 10, 14, 20, 24, 24, 25, 99];
        let found: Vec<_> = runs(&buckets, &times).into_iter().map(|r| (r.bucket, r.from, r.to)).collect();
        assert_eq!(found, [(0, 2, 5), (2, 5, 8)]);
        assert!(runs(&buckets, &[]).is_empty());
        let wide = Buckets { start: UnixNanos(0), step_nanos: i64::MAX, count: 2 };
        assert_eq!(runs(&wide, &[5, i64::MAX - 1]).len(), 1);
    }

    #[test]
    fn codes_are_counted() {
        let codes = [0, 1, 1, 2, NO_GROUP, 1, 0, 7, 2];
        let mut counts = [0; 4];
        histogram(&codes, &mut counts);
        assert_eq!(counts, [2, 3, 2, 2]);
    }
}
