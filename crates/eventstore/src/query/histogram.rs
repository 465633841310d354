//! A log-linear histogram of durations.
//!
//! Every power of two is cut into 32 equal buckets, so a quantile, answered
//! with the middle of its bucket, is within 1/64 of the true value; values
//! below 32 are exact.

const SUB_BITS: u32 = 5;
const SUB: u64 = 1 << SUB_BITS;

/// Counts of values by magnitude.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

fn index(v: u64) -> usize {
    if v < SUB {
        return v as usize;
    }
    let exponent = 63 - v.leading_zeros() - SUB_BITS;
    (u64::from(exponent) * SUB + (v >> exponent)) as usize
}

fn middle(index: usize) -> u64 {
    let i = index as u64;
    if i < 2 * SUB {
        return i;
    }
    let exponent = (i / SUB - 1) as u32;
    let low = (SUB + i % SUB) << exponent;
    low + (1 << exponent) / 2
}

impl Histogram {
    pub(crate) fn add(&mut self, v: u64) {
        let i = index(v);
        if self.counts.len() <= i {
            self.counts.resize(i + 1, 0);
        }
        if let Some(c) = self.counts.get_mut(i) {
            *c = c.saturating_add(1);
        }
        self.total += 1;
    }

    /// The value that a share `q` (0-1) of the values does not exceed; 0 when empty.
    pub(crate) fn quantile(&self, q: f64) -> u64 {
        let rank = ((q * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (i, n) in self.counts.iter().enumerate() {
            seen += u64::from(*n);
            if seen >= rank {
                return middle(i);
            }
        }
        0
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.counts.len() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_the_stated_error() {
        let mut h = Histogram::default();
        let values: Vec<u64> = (0..10_000u64).map(|i| i * i * 37 + 3).collect();
        values.iter().for_each(|v| h.add(*v));
        for q in [0.01, 0.5, 0.95, 0.99, 1.0] {
            let truth = values[((q * 10_000.0_f64).ceil() as usize).max(1) - 1] as f64;
            let got = h.quantile(q) as f64;
            assert!((got - truth).abs() <= truth / 64.0 + 1.0, "{q}: {got} for {truth}");
        }
        assert_eq!(Histogram::default().quantile(0.5), 0);
        h.add(u64::MAX);
        assert!(h.quantile(1.0) > u64::MAX / 64 * 62);
    }
}
