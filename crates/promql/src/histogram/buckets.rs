//! The buckets of a histogram with their bounds.

use super::{FloatHistogram, bounds};
use model::histogram::{BucketSpan, buckets as indexed};

/// One bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where it begins.
    pub lower: f64,
    /// Where it ends.
    pub upper: f64,
    /// Whether `lower` itself belongs to it.
    pub lower_inclusive: bool,
    /// Whether `upper` itself belongs to it.
    pub upper_inclusive: bool,
    /// Observations in it.
    pub count: f64,
}

/// All buckets in ascending order, empty ones that are spelled out included.
///
/// The bounds of the neighbours of the zero bucket end where that one begins.
pub fn buckets(h: &FloatHistogram) -> Vec<Bucket> {
    let mut out = Vec::with_capacity(h.negative.len() + h.positive.len() + 1);
    out.extend(negative(h));
    out.reverse();
    for b in &mut out {
        clip(b, h.zero_threshold);
    }
    if h.zero_count > 0.0 && !h.has_custom_bounds() {
        out.push(zero(h));
    }
    out.extend(positive(h).map(|mut b| {
        if !h.has_custom_bounds() {
            clip(&mut b, h.zero_threshold);
        }
        b
    }));
    out
}

/// The zero bucket.
pub(super) fn zero(h: &FloatHistogram) -> Bucket {
    let (lower, upper) = (-h.zero_threshold, h.zero_threshold);
    Bucket { lower, upper, lower_inclusive: true, upper_inclusive: true, count: h.zero_count }
}

/// The buckets of positive observations (with custom bounds all), ascending.
pub(super) fn positive(h: &FloatHistogram) -> impl Iterator<Item = Bucket> {
    indexed(&h.positive_spans, &h.positive).map(|(index, count)| {
        let before = index.wrapping_sub(1);
        if h.has_custom_bounds() {
            return Bucket {
                lower: bounds::custom(before, &h.custom_bounds),
                upper: bounds::custom(index, &h.custom_bounds),
                lower_inclusive: index == 0,
                upper_inclusive: true,
                count: *count,
            };
        }
        let (lower, upper) = (bounds::exponential(before, h.schema), bounds::exponential(index, h.schema));
        Bucket { lower, upper, lower_inclusive: false, upper_inclusive: true, count: *count }
    })
}

/// The buckets of negative observations, from zero downwards.
pub(super) fn negative(h: &FloatHistogram) -> impl Iterator<Item = Bucket> {
    let (spans, counts): (&[BucketSpan], &[f64]) =
        if h.has_custom_bounds() { (&[], &[]) } else { (&h.negative_spans, &h.negative) };
    indexed(spans, counts).map(|(index, count)| {
        let (upper, lower) =
            (-bounds::exponential(index.wrapping_sub(1), h.schema), -bounds::exponential(index, h.schema));
        Bucket { lower, upper, lower_inclusive: true, upper_inclusive: false, count: *count }
    })
}

/// Ends a bucket where the zero bucket begins.
fn clip(b: &mut Bucket, zero_threshold: f64) {
    if b.lower > 0.0 && b.lower < zero_threshold {
        b.lower = zero_threshold;
    } else if b.upper < 0.0 && b.upper > -zero_threshold {
        b.upper = -zero_threshold;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::parse;

    #[test]
    fn ascending_with_bounds() {
        let h = parse("{{schema:0 z_bucket:1 z_bucket_w:0.75 buckets:[2 3] offset:0 n_buckets:[4]}}").expect("valid");
        let found: Vec<(f64, f64, f64)> = buckets(&h).iter().map(|b| (b.lower, b.upper, b.count)).collect();
        assert_eq!(found, [(-1.0, -0.75, 4.0), (-0.75, 0.75, 1.0), (0.75, 1.0, 2.0), (1.0, 2.0, 3.0)]);
        let h = parse("{{schema:-53 custom_values:[5 10] buckets:[1 2 3]}}").expect("valid");
        let found: Vec<(f64, f64)> = buckets(&h).iter().map(|b| (b.lower, b.upper)).collect();
        assert_eq!(found, [(f64::NEG_INFINITY, 5.0), (5.0, 10.0), (10.0, f64::INFINITY)]);
    }
}
