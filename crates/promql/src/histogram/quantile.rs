//! Quantiles of native histograms.
//!
//! Within a bucket observations are taken to lie evenly: on a logarithmic
//! scale in exponential buckets, on a linear one in the zero bucket and with
//! custom bounds.

use super::{Bucket, FloatHistogram, buckets};

/// What NaN observations did to a quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NanNote {
    /// It is NaN because of them.
    Result,
    /// It is higher because they count as infinite.
    Skewed,
}

/// The value below which the part `q` of the observations lies.
pub(crate) fn quantile(q: f64, h: &FloatHistogram) -> (f64, Option<NanNote>) {
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if h.count == 0.0 || q.is_nan() {
        return (f64::NAN, None);
    }
    let all = buckets(h);
    // NaN observations are in no bucket, so only counting from below is right then.
    let upwards = h.sum.is_nan() || q < 0.5;
    let mut rank = if upwards { q * h.count } else { (1.0 - q) * h.count };
    let mut walk: Box<dyn Iterator<Item = &Bucket>> =
        if upwards { Box::new(all.iter()) } else { Box::new(all.iter().rev()) };
    let mut bucket = Bucket { lower: 0.0, upper: 0.0, lower_inclusive: false, upper_inclusive: false, count: 0.0 };
    let mut seen = 0.0;
    for b in walk.by_ref() {
        bucket = *b;
        if b.count == 0.0 {
            continue;
        }
        seen += b.count;
        if seen >= rank {
            break;
        }
    }
    if h.has_custom_bounds() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return (bucket.upper, None);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return (bucket.lower, None);
        }
    } else {
        one_sided(&mut bucket, h);
    }
    let seen = seen.min(h.count);
    if seen < rank {
        return if h.sum.is_nan() { (f64::NAN, Some(NanNote::Result)) } else { (bucket.upper, None) };
    }
    rank = if upwards { rank - (seen - bucket.count) } else { seen - rank };
    let in_buckets = seen + walk.map(|b| b.count).sum::<f64>();
    let note = (h.sum.is_nan() && in_buckets < h.count).then_some(NanNote::Skewed);
    (interpolate(&bucket, rank / bucket.count, h.has_custom_bounds()), note)
}

/// The zero bucket of a histogram with observations on one side only ends at zero.
pub(super) fn one_sided(b: &mut Bucket, h: &FloatHistogram) {
    if b.lower <= 0.0 && b.upper >= 0.0 {
        if h.negative.is_empty() && !h.positive.is_empty() {
            b.lower = 0.0;
        } else if h.positive.is_empty() && !h.negative.is_empty() {
            b.upper = 0.0;
        }
    }
}

fn interpolate(b: &Bucket, fraction: f64, custom: bool) -> f64 {
    if custom || (b.lower <= 0.0 && b.upper >= 0.0) {
        return b.lower + (b.upper - b.lower) * fraction;
    }
    let (lower, upper) = (b.lower.abs().log2(), b.upper.abs().log2());
    if b.lower > 0.0 {
        (lower + (upper - lower) * fraction).exp2()
    } else {
        -(upper + (lower - upper) * (1.0 - fraction)).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::parse;

    fn of(q: f64, text: &str) -> f64 {
        quantile(q, &parse(text).expect("valid")).0
    }

    #[test]
    fn interpolation() {
        let single = "{{count:4 sum:5 buckets:[1 2 1]}}";
        assert!((of(0.5, single) - std::f64::consts::SQRT_2).abs() < 1e-12);
        assert_eq!(of(1.0, single), 4.0);
        assert_eq!(of(0.5, "{{count:2 z_bucket:2 z_bucket_w:0.5}}"), 0.0);
        assert!((of(0.5, "{{count:2 n_buckets:[0 2]}}") + std::f64::consts::SQRT_2).abs() < 1e-12);
        assert_eq!(of(0.25, "{{schema:-53 count:4 custom_values:[2 4] buckets:[2 2]}}"), 1.0);
        assert_eq!(of(1.0, "{{schema:-53 count:4 custom_values:[2 4] buckets:[2 0 2]}}"), 4.0);
        assert!(of(0.5, "{{}}").is_nan());
    }

    #[test]
    fn nan_observations_are_told() {
        let h = parse("{{count:4 sum:NaN buckets:[2]}}").expect("valid");
        assert_eq!(quantile(0.9, &h).1, Some(NanNote::Result));
        assert_eq!(quantile(0.3, &h).1, Some(NanNote::Skewed));
    }
}
