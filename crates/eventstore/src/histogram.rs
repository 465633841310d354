//! A log-linear histogram of numbers, as queries make them and segments keep them.
//!
//! Every power of two is cut into 32 equal buckets, so a quantile, answered
//! with the middle of its bucket, is within 1/64 of the true value; whole
//! numbers below 64 are exact. A bucket is the exponent and the first five
//! bits of the mantissa of a double, which are in the order of the numbers.

/// Bits of the mantissa that count.
const SUB_BITS: u32 = 5;
const SHIFT: u32 = 52 - SUB_BITS;
/// Buckets that are added up together in search of a rank.
const RUN: usize = 32;

/// Counts of numbers by magnitude.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    positive: Counts,
    negative: Option<Box<Counts>>,
    zero: u64,
    /// Whether a number was not whole.
    fractions: bool,
}

/// Counts of a run of buckets.
#[derive(Debug, Clone, Default)]
struct Counts {
    first: u32,
    counts: Vec<u32>,
}

/// One bucket of a histogram: `low` (inclusive) to `high` (exclusive); for negative numbers the other way round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistogramBucket {
    /// The smallest number that counts here.
    pub low: f64,
    /// Where the next bucket begins.
    pub high: f64,
    /// How many numbers there are.
    pub count: u64,
}

fn bucket(v: f64) -> u32 {
    (v.to_bits() >> SHIFT) as u32
}

fn bound(bucket: u32) -> f64 {
    f64::from_bits(u64::from(bucket) << SHIFT)
}

impl Counts {
    fn add(&mut self, bucket: u32, n: u32, grown: &mut usize) {
        let at = bucket.wrapping_sub(self.first) as usize;
        match self.counts.get_mut(at) {
            Some(c) => *c = c.saturating_add(n),
            None => self.widen(bucket, n, grown),
        }
    }

    #[cold]
    fn widen(&mut self, bucket: u32, n: u32, grown: &mut usize) {
        if self.counts.is_empty() {
            self.first = bucket;
        } else if bucket < self.first {
            let more = (self.first - bucket) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            *grown += more * size_of::<u32>();
            self.first = bucket;
        }
        let len = (bucket - self.first) as usize + 1;
        if len > self.counts.len() {
            *grown += (len - self.counts.len()) * size_of::<u32>();
            self.counts.resize(len, 0);
        }
        if let Some(c) = self.counts.get_mut((bucket - self.first) as usize) {
            *c = c.saturating_add(n);
        }
    }

    fn merge(&mut self, other: &Self, grown: &mut usize) {
        let Some(last) = other.counts.len().checked_sub(1) else { return };
        self.add(other.first, 0, grown);
        self.add(other.first + last as u32, 0, grown);
        let from = (other.first - self.first) as usize;
        let mine = self.counts.get_mut(from..).unwrap_or_default();
        mine.iter_mut().zip(&other.counts).for_each(|(a, b)| *a = a.saturating_add(*b));
    }

    fn total(&self) -> u64 {
        self.counts.iter().map(|n| u64::from(*n)).sum()
    }

    /// The bucket of the number that `rank` (from 1 on) numbers do not exceed in magnitude.
    fn at_rank(&self, rank: u64) -> Option<u32> {
        let mut seen = 0;
        for (i, run) in self.counts.chunks(RUN).enumerate() {
            let before = seen;
            seen += run.iter().map(|n| u64::from(*n)).sum::<u64>();
            if seen < rank {
                continue;
            }
            seen = before;
            for (j, n) in run.iter().enumerate() {
                seen += u64::from(*n);
                if seen >= rank {
                    return Some(self.first + (i * RUN + j) as u32);
                }
            }
        }
        None
    }

    /// The buckets that are not empty, by magnitude.
    fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, u32)> + '_ {
        let counts = self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        counts.map(|(i, n)| (self.first + i as u32, *n))
    }
}

impl Histogram {
    /// Buckets of numbers that are not negative are below.
    pub(crate) const WHOLE_BUCKETS: usize = 1 << (63 - SHIFT);

    /// Adds a whole number; `grown` counts the bytes that it took.
    pub(crate) fn add_whole(&mut self, v: f64, grown: &mut usize) {
        self.count(v, grown);
    }

    /// Adds a number that is not NaN.
    pub(crate) fn add(&mut self, v: f64, grown: &mut usize) {
        self.fractions |= v.fract() != 0.0;
        self.count(v, grown);
    }

    fn count(&mut self, v: f64, grown: &mut usize) {
        if v > 0.0 {
            self.positive.add(bucket(v), 1, grown);
        } else if v < 0.0 {
            self.negative.get_or_insert_default().add(bucket(-v), 1, grown);
        } else {
            self.zero += 1;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self, grown: &mut usize) {
        self.positive.merge(&other.positive, grown);
        if let Some(negative) = &other.negative {
            self.negative.get_or_insert_default().merge(negative, grown);
        }
        self.zero += other.zero;
        self.fractions |= other.fractions;
    }

    /// Of numbers that are whole and not negative: the buckets that are not empty and their counts, rising. Zero has bucket 0.
    pub(crate) fn whole(&self) -> Vec<(u32, u32)> {
        let zero = (self.zero > 0).then(|| (0, u32::try_from(self.zero).unwrap_or(u32::MAX)));
        zero.into_iter().chain(self.positive.iter()).collect()
    }

    /// Adds what [`Histogram::whole`] gave.
    pub(crate) fn add_buckets(&mut self, buckets: &[(u32, u32)], grown: &mut usize) {
        let positive = match buckets {
            [(0, zero), positive @ ..] => {
                self.zero += u64::from(*zero);
                positive
            }
            all => all,
        };
        // Made as wide as it gets at once.
        if let Some((bucket, _)) = positive.last() {
            self.positive.add(*bucket, 0, grown);
        }
        positive.iter().for_each(|(bucket, n)| self.positive.add(*bucket, *n, grown));
    }

    /// The number that stands for a bucket.
    fn middle(&self, bucket: u32) -> f64 {
        let (low, high) = (bound(bucket), bound(bucket + 1));
        if !self.fractions && high - low <= 1.0 || !high.is_finite() { low } else { low + (high - low) / 2.0 }
    }

    /// The number that a share `q` (0-1) of the numbers does not exceed; `None` when there are none.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        let negative = self.negative.as_ref().map_or(0, |n| n.total());
        let total = negative + self.zero + self.positive.total();
        let rank = ((q * total as f64).ceil() as u64).max(1);
        if rank > total {
            return None;
        }
        if rank <= negative {
            // The smallest of them are those of the largest magnitude.
            let bucket = self.negative.as_ref().and_then(|n| n.at_rank(negative - rank + 1));
            return bucket.map(|b| -self.middle(b));
        }
        match rank - negative {
            zero if zero <= self.zero => Some(0.0),
            rank => self.positive.at_rank(rank - self.zero).map(|b| self.middle(b)),
        }
    }

    /// The buckets that are not empty, from small to large, their counts multiplied by `scale`. Zero is a
    /// bucket of its own, from 0 to 0.
    pub(crate) fn buckets(&self, scale: f64) -> Vec<HistogramBucket> {
        let scaled = move |n: u64| if scale == 1.0 { n } else { (n as f64 * scale).round() as u64 };
        let of = |sign: f64| {
            move |(b, n): (u32, u32)| HistogramBucket {
                low: sign * bound(b),
                high: sign * bound(b + 1),
                count: scaled(u64::from(n)),
            }
        };
        let negative = self.negative.iter().flat_map(|n| n.iter().rev()).map(of(-1.0));
        let zero = (self.zero > 0).then_some(HistogramBucket { low: 0.0, high: 0.0, count: scaled(self.zero) });
        negative.chain(zero).chain(self.positive.iter().map(of(1.0))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_sixty_fourth() {
        let (mut h, mut parts) = (Histogram::default(), [Histogram::default(), Histogram::default()]);
        let grown = &mut 0;
        let mut values: Vec<i64> = (0..10_000).map(|i: i64| i * i * i * 37 % 5_000_000_007).collect();
        for (i, v) in values.iter().enumerate() {
            h.add_whole(*v as f64, grown);
            parts[i % 2].add_whole(*v as f64, grown);
        }
        let [mut joined, other] = parts;
        joined.merge(&other, grown);
        values.sort_unstable();
        for q in [0.0, 0.01, 0.5, 0.95, 0.99, 1.0] {
            let rank = ((q * values.len() as f64).ceil() as usize).max(1);
            let (exact, got) = (values[rank - 1] as f64, h.quantile(q).unwrap());
            assert!((got - exact).abs() <= exact / 64.0, "{q}: {got} for {exact}");
            assert_eq!(joined.quantile(q), Some(got));
        }
        assert_eq!(h.buckets(1.0).iter().map(|b| b.count).sum::<u64>(), 10_000);
    }

    #[test]
    fn small_whole_numbers_are_exact_and_negative_ones_come_first() {
        let mut h = Histogram::default();
        (-63..64).for_each(|v| h.add_whole(f64::from(v), &mut 0));
        assert_eq!((h.quantile(0.0), h.quantile(0.5), h.quantile(1.0)), (Some(-63.0), Some(0.0), Some(63.0)));
        // The ranks 1 to 127 are -63 to 63, whichever side they are on.
        assert!((1..=127).all(|rank| h.quantile(f64::from(rank) / 127.0) == Some(f64::from(rank) - 64.0)));
        assert!(h.buckets(1.0).is_sorted_by(|a, b| a.low <= b.low));
        let mut h = Histogram::default();
        [0.012, 0.5, f64::INFINITY].iter().for_each(|v| h.add(*v, &mut 0));
        assert!((h.quantile(0.3).unwrap() - 0.012).abs() < 0.012 / 64.0);
        assert_eq!(h.quantile(1.0), Some(f64::INFINITY));
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}
