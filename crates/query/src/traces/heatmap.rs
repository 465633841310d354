//! How many spans there are by time and duration.

use eventstore::EventStore;
use eventstore::query::{Aggregation, Buckets, Cell, Field, GROUPS_MAX, Measure, Outcome};
use foundation::UnixNanos;

use crate::EventSignal;
use crate::read::{ReadError, Request, bounded};

/// Most columns.
pub const BUCKETS_MAX: usize = 2_000;
/// Rows per power of two of the duration.
const ROWS_PER_OCTAVE: i32 = 2;

/// Counts by time and duration; only cells that are not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Where the first column begins.
    pub start: UnixNanos,
    /// How long each column is.
    pub step_nanos: i64,
    /// How many columns there are.
    pub columns: usize,
    /// Where the rows that occur begin, in nanoseconds, rising; each ends where the next half octave begins.
    pub rows: Vec<u64>,
    /// Column, row, and how many spans.
    pub cells: Vec<(usize, usize, u64)>,
}

/// Counts matching spans in at most `buckets` equal steps of their start and half powers of two of their duration.
///
/// # Errors
/// A wrong filter, or more than [`BUCKETS_MAX`] buckets.
pub fn heat_map(store: &EventStore, request: &Request, buckets: usize) -> Result<Outcome<HeatMap>, ReadError> {
    let buckets = Buckets::split(request.range, bounded("buckets", buckets, BUCKETS_MAX)?);
    let (_, select) = request.select(EventSignal::Traces)?;
    let asked = Aggregation {
        by: Vec::new(),
        buckets: Some(buckets),
        measures: vec![Measure::Histogram(Field::Duration)],
        having: Vec::new(),
        order: Vec::new(),
        limit: GROUPS_MAX,
        groups_max: GROUPS_MAX,
        sample: None,
    };
    let found = store.spans().aggregate(&select, &asked)?;
    Ok(found.map(|table| {
        // By column and row of half octaves; those below one nanosecond are one row.
        let mut counts = std::collections::BTreeMap::<(usize, i32), u64>::new();
        for row in table.rows {
            let (Some(column), Some(Cell::Histogram(histogram))) = (row.bucket, row.cells.into_iter().next()) else {
                continue;
            };
            for b in histogram {
                *counts.entry((column, half_octave(b.low))).or_default() += b.count;
            }
        }
        let mut octaves: Vec<i32> = counts.keys().map(|(_, o)| *o).collect();
        octaves.sort_unstable();
        octaves.dedup();
        let place = |o: &i32| octaves.binary_search(o).unwrap_or_default();
        HeatMap {
            start: buckets.start,
            step_nanos: buckets.step_nanos,
            columns: buckets.count,
            cells: counts.iter().map(|((column, o), n)| (*column, place(o), *n)).collect(),
            rows: octaves.iter().map(|o| begin(*o)).collect(),
        }
    }))
}

/// The row of a duration; -1 below one nanosecond.
fn half_octave(nanos: f64) -> i32 {
    if nanos < 1.0 { -1 } else { (nanos.log2() * f64::from(ROWS_PER_OCTAVE) + 1e-9).floor() as i32 }
}

/// Where a row begins, in nanoseconds.
fn begin(row: i32) -> u64 {
    if row < 0 { 0 } else { 2f64.powf(f64::from(row) / f64::from(ROWS_PER_OCTAVE)).round() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_half_octaves() {
        assert_eq!([0.0, 1.0, 1.5, 2.0, 1024.0, 1500.0].map(half_octave), [-1, 0, 1, 2, 20, 21]);
        assert_eq!([-1, 0, 2, 20, 21].map(begin), [0, 1, 2, 1024, 1448]);
    }
}
