//! Histograms of durations, one per row, in flat columns.

use model::{SpanId, TraceId};

use crate::buckets::Buckets;
use crate::bytes::{Damaged, Reader, put_u32, put_u64};

/// Counts and sums of all rows.
#[derive(Debug)]
pub(crate) struct Histograms {
    buckets: Buckets,
    /// Counts of row `r` (not cumulative) are `r * buckets.counts() ..`.
    counts: Vec<u64>,
    /// Nanoseconds; wide enough that it never wraps.
    sums: Vec<u128>,
    /// The slowest span of each row since the exemplars were taken.
    exemplars: Vec<Option<Exemplar>>,
}

/// A span that a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exemplar {
    pub(crate) nanos: u64,
    /// When the span ended, milliseconds since the epoch.
    pub(crate) t: i64,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
}

impl Histograms {
    pub(crate) fn new(buckets: Buckets) -> Self {
        Self { buckets, counts: Vec::new(), sums: Vec::new(), exemplars: Vec::new() }
    }

    pub(crate) fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Makes rows up to `rows`.
    pub(crate) fn grow(&mut self, rows: usize) {
        self.counts.resize(rows * self.buckets.counts(), 0);
        self.sums.resize(rows, 0);
        self.exemplars.resize(rows, None);
    }

    pub(crate) fn observe(&mut self, row: u32, nanos: u64) {
        let at = row as usize * self.buckets.counts() + self.buckets.index(nanos);
        self.counts[at] += 1;
        self.sums[row as usize] += u128::from(nanos);
    }

    /// Keeps the exemplar that `make` gives when it is the slowest so far.
    pub(crate) fn example(&mut self, row: u32, nanos: u64, make: impl FnOnce() -> Exemplar) {
        let slot = &mut self.exemplars[row as usize];
        if slot.is_none_or(|e| e.nanos < nanos) {
            *slot = Some(make());
        }
    }

    pub(crate) fn take_exemplar(&mut self, row: u32) -> Option<Exemplar> {
        self.exemplars[row as usize].take()
    }

    /// Counts per bucket, not cumulative.
    pub(crate) fn counts(&self, row: u32) -> &[u64] {
        let n = self.buckets.counts();
        &self.counts[row as usize * n..(row as usize + 1) * n]
    }

    /// All observations.
    pub(crate) fn count(&self, row: u32) -> u64 {
        self.counts(row).iter().sum()
    }

    /// Their sum in nanoseconds.
    pub(crate) fn sum(&self, row: u32) -> u128 {
        self.sums[row as usize]
    }

    /// Keeps the rows of [`Table::retain`](crate::table::Table::retain).
    pub(crate) fn keep(&mut self, kept: &[u32]) {
        if kept.len() == self.sums.len() {
            return;
        }
        self.counts = kept.iter().flat_map(|row| self.counts(*row).to_vec()).collect();
        self.sums = kept.iter().map(|row| self.sums[*row as usize]).collect();
        self.exemplars = kept.iter().map(|row| self.exemplars[*row as usize]).collect();
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.sums.len() as u32);
        self.counts.iter().for_each(|n| put_u64(out, *n));
        self.sums.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
    }

    /// Reads the totals of `rows` rows; exemplars are not kept.
    pub(crate) fn decode(r: &mut Reader<'_>, buckets: Buckets, rows: usize) -> Result<Self, Damaged> {
        if r.count(16 + 8 * buckets.counts())? != rows {
            return Err(Damaged("not as many histograms as series"));
        }
        let counts = (0..rows * buckets.counts()).map(|_| r.u64()).collect::<Result<_, _>>()?;
        let sums = (0..rows).map(|_| r.array().map(u128::from_le_bytes)).collect::<Result<_, _>>()?;
        Ok(Self { buckets, counts, sums, exemplars: vec![None; rows] })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn rows_are_independent_and_come_back() {
        let buckets = Buckets::new(&[Duration::from_nanos(10)]);
        let mut h = Histograms::new(buckets.clone());
        h.grow(2);
        for nanos in [1, 10, 11] {
            h.observe(1, nanos);
        }
        assert_eq!((h.counts(0), h.counts(1), h.count(1), h.sum(1)), (&[0, 0][..], &[2, 1][..], 3, 22));
        let mut bytes = Vec::new();
        h.encode(&mut bytes);
        let mut back = Histograms::decode(&mut Reader(&bytes), buckets.clone(), 2).unwrap();
        assert!(Histograms::decode(&mut Reader(&bytes), buckets, 3).is_err());
        back.keep(&[1]);
        assert_eq!((back.counts(0), back.sum(0)), (&[2, 1][..], 22));
    }
}
