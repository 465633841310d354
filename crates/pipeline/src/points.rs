//! Adding up points of metrics: counts and sums, buckets with the same bounds, exponential buckets of any scale.

use wire::otlp::tree::{Buckets, ExponentialPoint, HistogramPoint, Number, NumberPoint};

/// Buckets of an exponential histogram; beyond, the scale falls.
const BUCKETS_MAX: usize = 160;

/// A point that can be added to.
pub(crate) trait Total: Clone {
    fn time(&self) -> u64;
    /// Adds what came after it; `false`: it does not fit, and begins anew.
    fn add(&mut self, delta: &Self) -> bool;
}

impl Total for NumberPoint {
    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn add(&mut self, delta: &Self) -> bool {
        self.value = match (self.value, delta.value) {
            (Some(Number::Int(a)), Some(Number::Int(b))) => Some(Number::Int(a.saturating_add(b))),
            (Some(a), Some(b)) => Some(Number::Double(a.as_f64() + b.as_f64())),
            (a, b) => a.or(b),
        };
        self.time_unix_nano = delta.time_unix_nano;
        self.exemplars.clone_from(&delta.exemplars);
        true
    }
}

fn extreme(a: Option<f64>, b: Option<f64>, f: fn(f64, f64) -> f64) -> Option<f64> {
    a.zip(b).map(|(a, b)| f(a, b))
}

impl Total for HistogramPoint {
    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn add(&mut self, delta: &Self) -> bool {
        if self.explicit_bounds != delta.explicit_bounds || self.bucket_counts.len() != delta.bucket_counts.len() {
            return false;
        }
        self.count = self.count.saturating_add(delta.count);
        self.sum = extreme(self.sum, delta.sum, |a, b| a + b);
        (self.min, self.max) = (extreme(self.min, delta.min, f64::min), extreme(self.max, delta.max, f64::max));
        self.bucket_counts.iter_mut().zip(&delta.bucket_counts).for_each(|(a, b)| *a = a.saturating_add(*b));
        self.time_unix_nano = delta.time_unix_nano;
        self.exemplars.clone_from(&delta.exemplars);
        true
    }
}

impl Total for ExponentialPoint {
    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn add(&mut self, delta: &Self) -> bool {
        let scale = self.scale.min(delta.scale);
        let (own, other) = (self.scale.abs_diff(scale), delta.scale.abs_diff(scale));
        let range = |a: &Option<Buckets>, b: &Option<Buckets>| match (indices(a, own), indices(b, other)) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        let ranges = [range(&self.positive, &delta.positive), range(&self.negative, &delta.negative)];
        let wide = |steps: u32| {
            ranges.iter().flatten().any(|(first, last)| (last >> steps) - (first >> steps) >= BUCKETS_MAX as i64)
        };
        let more = (0..62).find(|steps| !wide(*steps)).unwrap_or(62);
        let at = |b: &Option<Buckets>, steps: u32| b.as_ref().map(|b| merged_down(b, steps));
        self.positive = sum(at(&self.positive, own + more), at(&delta.positive, other + more));
        self.negative = sum(at(&self.negative, own + more), at(&delta.negative, other + more));
        self.scale = scale.saturating_sub(more as i32);
        self.count = self.count.saturating_add(delta.count);
        self.zero_count = self.zero_count.saturating_add(delta.zero_count);
        self.zero_threshold = self.zero_threshold.max(delta.zero_threshold);
        self.sum = extreme(self.sum, delta.sum, |a, b| a + b);
        (self.min, self.max) = (extreme(self.min, delta.min, f64::min), extreme(self.max, delta.max, f64::max));
        self.time_unix_nano = delta.time_unix_nano;
        self.exemplars.clone_from(&delta.exemplars);
        true
    }
}

/// The indices of the first and the last bucket at a scale that is `steps` smaller.
fn indices(b: &Option<Buckets>, steps: u32) -> Option<(i64, i64)> {
    let b = b.as_ref().filter(|b| !b.bucket_counts.is_empty())?;
    let first = i64::from(b.offset);
    Some((first >> steps.min(62), (first + b.bucket_counts.len() as i64 - 1) >> steps.min(62)))
}

/// Adds buckets of one scale that lie near each other.
fn sum(a: Option<Buckets>, b: Option<Buckets>) -> Option<Buckets> {
    let (Some((a_first, a_last)), Some((b_first, b_last))) = (indices(&a, 0), indices(&b, 0)) else {
        return a.filter(|a| !a.bucket_counts.is_empty()).or(b);
    };
    let (low, high) = (a_first.min(b_first), a_last.max(b_last));
    let mut out = Buckets { offset: low as i32, bucket_counts: vec![0; (high - low + 1) as usize] };
    for part in [&a, &b].into_iter().flatten() {
        let at = (i64::from(part.offset) - low) as usize;
        for (slot, n) in out.bucket_counts[at..].iter_mut().zip(&part.bucket_counts) {
            *slot = slot.saturating_add(*n);
        }
    }
    Some(out)
}

/// The same buckets at a scale that is `steps` smaller.
pub(crate) fn merged_down(b: &Buckets, steps: u32) -> Buckets {
    let (offset, bucket_counts) =
        joined(i64::from(b.offset), b.bucket_counts.iter().copied(), steps, u64::saturating_add);
    Buckets { offset: offset as i32, bucket_counts }
}

/// Buckets from `offset` on at a scale that is `steps` smaller, each step of which joins two: the new offset, and the counts.
pub(crate) fn joined<T: Copy + Default>(
    offset: i64,
    counts: impl IntoIterator<Item = T>,
    steps: u32,
    add: fn(T, T) -> T,
) -> (i64, Vec<T>) {
    let shift = |i: i64| i >> steps.min(62);
    let first = shift(offset);
    let mut out = Vec::new();
    for (n, count) in counts.into_iter().enumerate() {
        let at = (shift(offset + n as i64) - first) as usize;
        if out.len() <= at {
            out.resize(at + 1, T::default());
        }
        out[at] = add(out[at], count);
    }
    (first, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_histograms_meet_at_the_smaller_scale_and_stay_small() {
        let e = |scale, offset, counts: Vec<u64>| ExponentialPoint {
            scale,
            count: counts.iter().sum(),
            positive: Some(Buckets { offset, bucket_counts: counts }),
            ..ExponentialPoint::default()
        };
        let mut a = e(1, 2, vec![1, 2, 1]);
        assert!(a.add(&e(0, 1, vec![10, 10])));
        assert_eq!(
            (a.scale, a.count, a.positive.clone().unwrap()),
            (0, 24, Buckets { offset: 1, bucket_counts: vec![13, 11] })
        );
        let mut wide = e(5, -1000, vec![1]);
        assert!(wide.add(&e(5, 1_000_000_000, vec![1])));
        let p = wide.positive.unwrap();
        assert!(p.bucket_counts.len() <= BUCKETS_MAX && p.bucket_counts.iter().sum::<u64>() == 2, "{p:?}");
        // The scale says how far buckets were joined: both are where their observations are.
        assert_eq!(
            (wide.scale, p.offset, i64::from(p.offset) + p.bucket_counts.len() as i64 - 1),
            (5 - 23, -1, 1_000_000_000 >> 23)
        );
    }
}
