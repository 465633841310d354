//! The sum or mean of many histograms.

use super::{Flat, FloatHistogram, Incompatible, divided};
use crate::kahan::Sum;
use model::histogram::CounterReset;

/// A running sum or mean.
#[derive(Debug, Clone)]
pub(crate) struct Total {
    flat: Flat<Sum>,
    count: f64,
    mean: bool,
    /// The sum would have become infinite, so `flat` is a mean already.
    incremental: bool,
    reset_seen: bool,
    no_reset_seen: bool,
}

impl Total {
    pub(crate) fn new(first: &FloatHistogram, mean: bool) -> Self {
        let flat = Flat::new(first);
        let mut out = Self { flat, count: 1.0, mean, incremental: false, reset_seen: false, no_reset_seen: false };
        out.see(first.counter_reset);
        out
    }

    fn see(&mut self, hint: CounterReset) {
        self.reset_seen |= hint == CounterReset::Reset;
        self.no_reset_seen |= hint == CounterReset::NotReset;
    }

    /// Adds one more; whether custom bounds had to be given up.
    pub(crate) fn add(&mut self, h: &FloatHistogram) -> Result<bool, Incompatible> {
        self.see(h.counter_reset);
        self.add_weighted(h, 1.0)
    }

    /// Adds the sum of `weight` histograms.
    fn add_weighted(&mut self, h: &FloatHistogram, weight: f64) -> Result<bool, Incompatible> {
        let before = self.count;
        self.count += weight;
        if self.mean && !self.incremental {
            let largest = Flat::<f64>::largest;
            if (self.flat.largest() + largest(&Flat::new(h))).is_infinite() {
                self.flat.divide(before);
                self.incremental = true;
            }
        }
        if !self.incremental {
            return Ok(self.flat.add(h)?.bounds_reconciled);
        }
        self.flat.scale(before / self.count);
        Ok(self.flat.add(&divided(h, self.count))?.bounds_reconciled)
    }

    /// Adds all of another one.
    pub(crate) fn join(&mut self, other: Total) -> Result<bool, Incompatible> {
        self.reset_seen |= other.reset_seen;
        self.no_reset_seen |= other.no_reset_seen;
        let weight = other.count;
        let mut flat = other.flat;
        if other.incremental {
            flat.scale(weight);
        }
        self.add_weighted(&flat.into_histogram(), weight)
    }

    /// Whether one says that a counter was reset and another that it was not.
    pub(crate) fn resets_conflict(&self) -> bool {
        self.reset_seen && self.no_reset_seen
    }

    /// The result.
    pub(crate) fn finish(mut self) -> FloatHistogram {
        if self.mean && !self.incremental {
            self.flat.divide(self.count);
        }
        self.flat.into_histogram()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::parse;

    fn h(text: &str) -> FloatHistogram {
        parse(text).expect("valid histogram")
    }

    #[test]
    fn small_counts_survive_large_ones() {
        let mut total = Total::new(&h("{{count:1e100 sum:1e100}}"), false);
        for text in ["{{count:1 sum:1}}", "{{count:-1e100 sum:-1e100}}"] {
            assert_eq!(total.add(&h(text)), Ok(false));
        }
        assert_eq!(total.finish().count, 1.0);
    }

    #[test]
    fn a_mean_does_not_overflow() {
        let big = h("{{count:1e308 sum:1.5e308 buckets:[1e308]}}");
        let mut total = Total::new(&big, true);
        for _ in 0..2 {
            assert_eq!(total.add(&big), Ok(false));
        }
        let mean = total.finish();
        assert!((mean.sum / 1.5e308 - 1.0).abs() < 1e-12 && (mean.positive[0] / 1e308 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn parts_join_to_the_whole() {
        let mut left = Total::new(&h("{{count:1 buckets:[1]}}"), true);
        let mut right = Total::new(&h("{{count:3 buckets:[3] counter_reset_hint:reset}}"), true);
        assert_eq!(right.add(&h("{{count:5 buckets:[0 5] counter_reset_hint:not_reset}}")), Ok(false));
        assert_eq!(left.join(right), Ok(false));
        assert!(left.resets_conflict());
        let mean = left.finish();
        assert_eq!((mean.count, mean.positive), (3.0, vec![4.0 / 3.0, 5.0 / 3.0]));
        assert_eq!(Total::new(&h("{{}}"), false).add(&h("{{schema:-53}}")), Err(Incompatible));
    }
}
