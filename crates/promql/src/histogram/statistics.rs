//! The spread of the observations of a histogram.

use super::{FloatHistogram, buckets};
use crate::kahan::Sum;

/// The variance, with every observation taken to be in the middle of its bucket: the geometric middle of
/// exponential buckets, the arithmetic one of custom buckets, zero in the zero bucket.
pub(crate) fn variance(h: &FloatHistogram) -> f64 {
    let mean = h.sum / h.count;
    let mut sum = Sum::default();
    for b in buckets(h).iter().filter(|b| b.count != 0.0) {
        let middle = if h.has_custom_bounds() {
            f64::midpoint(b.lower, b.upper)
        } else if b.lower <= 0.0 && b.upper >= 0.0 {
            0.0
        } else {
            (b.upper * b.lower).sqrt().copysign(b.upper)
        };
        sum.add(b.count * (middle - mean) * (middle - mean));
    }
    (sum.sum + sum.correction) / h.count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::parse;

    #[test]
    fn middles_of_buckets() {
        let h = parse("{{schema:-53 count:2 sum:4 custom_values:[0 2 4] buckets:[0 1 1]}}").expect("valid");
        assert_eq!(variance(&h), 1.0);
        let h = parse("{{count:1 sum:0 z_bucket:1 z_bucket_w:0.5}}").expect("valid");
        assert_eq!(variance(&h), 0.0);
    }
}
