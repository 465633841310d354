//! A series brought to as many values as a picture has columns of pixels.
//!
//! M4 (Jugel et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014): of the values that fall into one column, the
//! first, the smallest, the largest and the last draw the same line as all of them. All series of an answer have the same columns, so
//! their values share one list of times, which the reader computes.

/// Which step falls into which column: column `c` has the steps from `c * steps / columns` on, to where the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    /// Above zero.
    pub steps: usize,
    /// Above zero, at most `steps`.
    pub columns: usize,
}

impl Grid {
    fn column(self, step: usize) -> usize {
        // The last column that begins at or before the step.
        ((step + 1) * self.columns - 1) / self.steps
    }
}

/// Values of one column.
#[derive(Debug, Clone, Copy)]
struct Column {
    first: f64,
    last: f64,
    min: (usize, f64),
    max: (usize, f64),
}

impl Column {
    fn one(step: usize, v: f64) -> Self {
        Self { first: v, last: v, min: (step, v), max: (step, v) }
    }

    /// `later` begins after this one ends.
    fn join(&mut self, later: &Column) {
        self.last = later.last;
        if later.min.1 < self.min.1 {
            self.min = later.min;
        }
        if later.max.1 > self.max.1 {
            self.max = later.max;
        }
    }
}

/// One series, cut while its values come.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    grid: Grid,
    columns: Vec<Option<Column>>,
    sum: f64,
    count: u64,
}

impl Cut {
    pub(super) fn new(grid: Grid) -> Self {
        Self { grid, columns: vec![None; grid.columns], sum: 0.0, count: 0 }
    }

    /// The value at a step, later than those before. What is not finite cannot be drawn and is left out.
    pub(super) fn add(&mut self, step: usize, v: f64) {
        if !v.is_finite() || step >= self.grid.steps {
            return;
        }
        self.sum += v;
        self.count += 1;
        let one = Column::one(step, v);
        match &mut self.columns[self.grid.column(step)] {
            Some(column) => column.join(&one),
            empty => *empty = Some(one),
        }
    }

    /// How many values there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Of all values, not only of those that are kept.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    pub(super) fn max(&self) -> f64 {
        self.columns.iter().flatten().map(|c| c.max.1).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Joins `factor` columns to one; the number of columns is a multiple of it.
    pub(super) fn coarser(&mut self, factor: usize) {
        let joined = self.columns.chunks(factor).map(|part| {
            part.iter().flatten().copied().reduce(|mut a, b| {
                a.join(&b);
                a
            })
        });
        self.columns = joined.collect();
        self.grid.columns = self.columns.len();
    }

    /// Four values a column: first, the extremes in their order, last. All NaN where a column has none.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + Clone {
        self.columns.iter().flat_map(|column| match column {
            None => [f64::NAN; 4],
            Some(c) if c.min.0 <= c.max.0 => [c.first, c.min.1, c.max.1, c.last],
            Some(c) => [c.first, c.max.1, c.min.1, c.last],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(values: &[f64], columns: usize) -> Cut {
        let mut cut = Cut::new(Grid { steps: values.len(), columns });
        for (step, v) in values.iter().enumerate() {
            cut.add(step, *v);
        }
        cut
    }

    #[test]
    fn every_column_has_its_first_last_and_extremes() {
        let mut values: Vec<f64> = (0..1_003).map(|i| f64::from(i % 7)).collect();
        values[123] = 99.0;
        values[457] = -99.0;
        values[600] = f64::NAN;
        values[601] = f64::INFINITY;
        for columns in [1, 7, 10, 64, 1_003] {
            let cut = cut(&values, columns);
            let four: Vec<f64> = cut.values().collect();
            assert_eq!(four.len(), 4 * columns);
            for c in 0..columns {
                let steps = c * values.len() / columns..(c + 1) * values.len() / columns;
                let of: Vec<f64> = values[steps].iter().copied().filter(|v| v.is_finite()).collect();
                let [first, a, b, last] = four[4 * c..4 * c + 4] else { unreachable!("four values a column") };
                let Some((own_first, own_last)) = of.first().zip(of.last()) else {
                    assert!(first.is_nan() && a.is_nan() && b.is_nan() && last.is_nan(), "{columns} {c}");
                    continue;
                };
                assert_eq!((first, last), (*own_first, *own_last), "{columns} {c}");
                assert_eq!(a.min(b), of.iter().copied().fold(f64::MAX, f64::min), "{columns} {c}");
                assert_eq!(a.max(b), of.iter().copied().fold(f64::MIN, f64::max), "{columns} {c}");
            }
        }
    }

    #[test]
    fn joined_columns_are_those_of_a_coarser_grid() {
        let values: Vec<f64> = (0..5_000u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 20)).collect();
        let mut fine = cut(&values, 64);
        fine.coarser(8);
        assert_eq!(fine.values().collect::<Vec<_>>(), cut(&values, 8).values().collect::<Vec<_>>());
        assert_eq!((fine.count(), fine.mean()), (5_000, Some(values.iter().sum::<f64>() / 5_000.0)));
        assert_eq!(fine.max(), values.iter().copied().fold(0.0, f64::max));
    }

    #[test]
    fn the_first_extreme_comes_first() {
        assert_eq!(cut(&[2.0, 9.0, 1.0, 3.0], 1).values().collect::<Vec<_>>(), [2.0, 9.0, 1.0, 3.0]);
        assert_eq!(cut(&[2.0, 1.0, 9.0, 3.0], 1).values().collect::<Vec<_>>(), [2.0, 1.0, 9.0, 3.0]);
        assert!(cut(&[f64::NAN], 1).values().all(f64::is_nan));
        assert_eq!(cut(&[f64::NAN], 1).mean(), None);
    }
}
