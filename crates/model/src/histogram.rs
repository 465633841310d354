//! Native histograms, as Prometheus defines them: counts in buckets whose bounds follow from a schema.
//!
//! Source: Prometheus, "Native histograms" specification. Arithmetic is PromQL's and lives there; encodings
//! live with their engines and wires. Here counts are per bucket (not differences between neighbours, as on
//! Prometheus' wire), whole numbers in a [`Histogram<u64>`], any numbers in a [`Histogram<f64>`].

/// The schema of histograms with custom bounds ("NHCB").
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;
/// The exponential schemas: the bounds of schema `n` grow by `2^(2^-n)`.
pub const EXPONENTIAL_SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;

/// What is known of how a histogram relates to the one before it in its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CounterReset {
    /// Nothing: readers compare the counts.
    #[default]
    Unknown,
    /// The counter began anew.
    Reset,
    /// It did not.
    NotReset,
    /// A gauge: there is no such thing as a reset.
    Gauge,
}

/// A run of neighbouring buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BucketSpan {
    /// Buckets left out since the end of the run before; of the first run the index of its first bucket.
    pub offset: i32,
    /// How many buckets it has.
    pub length: u32,
}

/// A histogram whose counts are `N`: `u64` or `f64`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram<N> {
    /// Which bounds the buckets have: one of [`EXPONENTIAL_SCHEMAS`] or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Observations within this distance of zero (inclusive) are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: N,
    /// All observations; more than the buckets hold when some were NaN.
    pub count: N,
    /// Their sum. A stale marker here marks the end of the series.
    pub sum: f64,
    /// Runs of the buckets of positive observations.
    pub positive_spans: Vec<BucketSpan>,
    /// Counts of those buckets, one per bucket of the runs.
    pub positive: Vec<N>,
    /// Runs of the buckets of negative observations.
    pub negative_spans: Vec<BucketSpan>,
    /// Counts of those buckets.
    pub negative: Vec<N>,
    /// With custom bounds: the upper bounds (inclusive), rising, without the infinite one. Else empty.
    pub custom_bounds: Vec<f64>,
    /// How it relates to the one before.
    pub counter_reset: CounterReset,
}

impl<N> Histogram<N> {
    /// Whether the bounds are custom ones.
    pub fn has_custom_bounds(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// Whether this is the marker of a series' end: the bits that `sum` then has.
    pub fn is_stale(&self) -> bool {
        self.sum.to_bits() == crate::STALE_NAN_BITS
    }

    /// The same with every count turned into another number.
    pub fn map_counts<M>(&self, mut f: impl FnMut(&N) -> M) -> Histogram<M> {
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: f(&self.zero_count),
            count: f(&self.count),
            sum: self.sum,
            positive_spans: self.positive_spans.clone(),
            positive: self.positive.iter().map(&mut f).collect(),
            negative_spans: self.negative_spans.clone(),
            negative: self.negative.iter().map(&mut f).collect(),
            custom_bounds: self.custom_bounds.clone(),
            counter_reset: self.counter_reset,
        }
    }
}

impl From<&Histogram<u64>> for Histogram<f64> {
    fn from(h: &Histogram<u64>) -> Self {
        h.map_counts(|n| *n as f64)
    }
}

/// The buckets of `spans` with their indexes, in order of index. Indexes wrap; wires check theirs before.
pub fn buckets<'a, N>(spans: &'a [BucketSpan], counts: &'a [N]) -> impl Iterator<Item = (i32, &'a N)> {
    let mut next = 0i32;
    spans
        .iter()
        .flat_map(move |span| {
            let first = next.wrapping_add(span.offset);
            next = first.wrapping_add_unsigned(span.length);
            (0..span.length).map(move |i| first.wrapping_add_unsigned(i))
        })
        .zip(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_give_the_indexes_of_buckets() {
        let spans = [BucketSpan { offset: -2, length: 2 }, BucketSpan { offset: 3, length: 1 }];
        let found: Vec<(i32, u64)> = buckets(&spans, &[10, 20, 30]).map(|(i, n)| (i, *n)).collect();
        assert_eq!(found, [(-2, 10), (-1, 20), (3, 30)]);
    }

    #[test]
    fn whole_counts_become_numbers() {
        let whole = Histogram::<u64> { count: 3, positive: vec![1, 2], sum: 0.5, ..Histogram::default() };
        let floats = Histogram::<f64>::from(&whole);
        assert_eq!((floats.count, floats.sum, floats.positive), (3.0, 0.5, vec![1.0, 2.0]));
    }
}
