//! Exponential buckets that durations are counted into: as fine as a number of buckets allows.
//!
//! Source: the OpenTelemetry metrics data model, exponential histograms. Bucket `i` of scale `s` holds what is above `2^(i*2^-s)`, up to and
//! with `2^((i+1)*2^-s)`. When a value would need more buckets than there may be, neighbours are joined and the scale falls.

use std::collections::VecDeque;

use wire::otlp::tree::{Attributes, Buckets, Exemplar, ExponentialPoint};

use crate::points::joined;

/// The finest scale that a 64-bit double fills.
const SCALE_MAX: i32 = 20;
/// Below it all positive doubles are in two buckets.
const SCALE_MIN: i32 = -10;

/// Observations that are not negative.
#[derive(Debug, Clone)]
pub(super) struct Exponential {
    scale: i32,
    /// The index of the first bucket.
    offset: i64,
    counts: VecDeque<f64>,
    zero: f64,
    sum: f64,
    /// The least and the greatest.
    extremes: Option<(f64, f64)>,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { scale: SCALE_MAX, offset: 0, counts: VecDeque::new(), zero: 0.0, sum: 0.0, extremes: None }
    }
}

impl Exponential {
    /// Adds a value that stands for `n`; `buckets_max` is 2 or more.
    pub(super) fn observe(&mut self, buckets_max: usize, value: f64, n: f64) {
        if !value.is_finite() {
            return;
        }
        let value = value.max(0.0);
        let (least, greatest) = self.extremes.unwrap_or((value, value));
        self.extremes = Some((least.min(value), greatest.max(value)));
        self.sum += value * n;
        if value < f64::MIN_POSITIVE {
            self.zero += n;
            return;
        }
        let mut index = index(value, self.scale);
        let (first, last) = match self.counts.len() as i64 {
            0 => (index, index),
            len => (self.offset.min(index), (self.offset + len - 1).max(index)),
        };
        let fits = |steps: &u32| (last >> steps) - (first >> steps) < buckets_max as i64;
        let steps = (0..=(self.scale - SCALE_MIN) as u32).find(fits).unwrap_or_default();
        if steps > 0 {
            self.coarser(steps);
            index >>= steps;
        }
        if self.counts.is_empty() {
            self.offset = index;
        }
        while index < self.offset {
            self.counts.push_front(0.0);
            self.offset -= 1;
        }
        let at = (index - self.offset) as usize;
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0.0);
        }
        self.counts[at] += n;
    }

    /// Joins neighbours, `steps` times.
    fn coarser(&mut self, steps: u32) {
        let (offset, counts) = joined(self.offset, std::mem::take(&mut self.counts), steps, |a, b| a + b);
        (self.offset, self.counts) = (offset, counts.into());
        self.scale -= steps as i32;
    }

    /// As a point; counts of sampled spans are rounded.
    pub(super) fn point(
        &self,
        attributes: Attributes,
        (start, time): (u64, u64),
        exemplars: Vec<Exemplar>,
    ) -> ExponentialPoint {
        let bucket_counts: Vec<u64> = self.counts.iter().map(|n| n.round() as u64).collect();
        let zero_count = self.zero.round() as u64;
        ExponentialPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            count: bucket_counts.iter().sum::<u64>() + zero_count,
            sum: Some(self.sum),
            scale: self.scale,
            zero_count,
            positive: Some(Buckets { offset: self.offset as i32, bucket_counts }),
            min: self.extremes.map(|(least, _)| least),
            max: self.extremes.map(|(_, greatest)| greatest),
            exemplars,
            ..ExponentialPoint::default()
        }
    }
}

/// The bucket of a value: bounds above belong to it.
fn index(value: f64, scale: i32) -> i64 {
    (value.log2() * f64::from(scale).exp2()).ceil() as i64 - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_the_bounds_of_their_bucket_and_buckets_stay_few() {
        let mut e = Exponential::default();
        let values: Vec<f64> = (1..2000).map(|n| f64::from(n) * 0.7).collect();
        for v in &values {
            e.observe(160, *v, 1.0);
        }
        e.observe(160, 0.0, 2.0);
        let p = e.point(Attributes::new(), (1, 2), vec![]);
        let buckets = p.positive.clone().unwrap();
        assert!(buckets.bucket_counts.len() <= 160 && buckets.bucket_counts.len() > 80, "{buckets:?}");
        assert_eq!((p.count, p.zero_count, p.min, p.max), (2001, 2, Some(0.0), Some(1999.0 * 0.7)));
        for (n, count) in buckets.bucket_counts.iter().enumerate() {
            let bound = |i: i64| (i as f64 * f64::from(-p.scale).exp2()).exp2();
            let i = i64::from(buckets.offset) + n as i64;
            let within = values.iter().filter(|v| **v > bound(i) && **v <= bound(i + 1)).count();
            assert_eq!(within as u64, *count, "bucket {i} of scale {}", p.scale);
        }
    }

    #[test]
    fn powers_of_two_are_upper_bounds_and_far_values_find_room() {
        assert_eq!([index(1.0, 0), index(2.0, 0), index(2.1, 0), index(4.0, 1)], [-1, 0, 1, 3]);
        let mut e = Exponential::default();
        for v in [f64::MIN_POSITIVE, 1.0, f64::MAX, f64::NAN, f64::INFINITY] {
            e.observe(2, v, 1.0);
        }
        let p = e.point(Attributes::new(), (1, 2), vec![]);
        assert_eq!((p.count, p.positive.unwrap().bucket_counts.len()), (3, 2), "scale {}", p.scale);
    }
}
