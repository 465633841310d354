//! Which part of the observations lies between two values.

use super::quantile::one_sided;
use super::{Bucket, FloatHistogram, buckets};

/// The part of all observations between `lower` and `upper`, and whether NaN observations are in no part.
pub(crate) fn fraction(lower: f64, upper: f64, h: &FloatHistogram) -> (f64, bool) {
    if h.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, false);
    }
    if lower >= upper {
        return (0.0, false);
    }
    let all = buckets(h);
    let in_buckets: f64 = all.iter().map(|b| b.count).sum();
    let total = if h.sum.is_nan() { in_buckets } else { h.count };
    let rank = |v: f64| rank_of(v, &all, h).filter(|r| *r <= total).unwrap_or(total);
    ((rank(upper) - rank(lower)) / h.count, h.sum.is_nan() && in_buckets < h.count)
}

/// How many observations lie below a value; none when it is beyond all buckets.
fn rank_of(v: f64, all: &[Bucket], h: &FloatHistogram) -> Option<f64> {
    let mut below = 0.0;
    for b in all {
        let mut b = *b;
        let zero = b.lower <= 0.0 && b.upper >= 0.0;
        one_sided(&mut b, h);
        if b.lower >= v {
            return Some(below);
        }
        if b.upper > v {
            return Some(if h.has_custom_bounds() || zero {
                // An infinite bucket cannot be divided: its observations are taken to lie at its finite end.
                if b.lower == f64::NEG_INFINITY {
                    b.count
                } else {
                    below + b.count * (v - b.lower) / (b.upper - b.lower)
                }
            } else {
                below + b.count * logarithmic(&b, v)
            });
        }
        below += b.count;
    }
    None
}

/// Which part of an exponential bucket lies below a value in it.
pub(super) fn logarithmic(b: &Bucket, v: f64) -> f64 {
    let (lower, upper, v_log) = (b.lower.abs().log2(), b.upper.abs().log2(), v.abs().log2());
    if v > 0.0 { (v_log - lower) / (upper - lower) } else { 1.0 - (v_log - upper) / (lower - upper) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::parse;

    #[test]
    fn parts() {
        let h = parse("{{count:4 sum:5 buckets:[1 2 1]}}").expect("valid");
        assert_eq!(fraction(1.0, 2.0, &h), (0.5, false));
        assert_eq!(fraction(f64::NEG_INFINITY, f64::INFINITY, &h), (1.0, false));
        assert_eq!(fraction(3.0, 2.0, &h), (0.0, false));
        assert!((fraction(1.0, std::f64::consts::SQRT_2, &h).0 - 0.25).abs() < 1e-12);
        let h = parse("{{count:4 sum:NaN buckets:[2]}}").expect("valid");
        assert_eq!(fraction(0.0, 8.0, &h), (0.5, true));
    }
}
