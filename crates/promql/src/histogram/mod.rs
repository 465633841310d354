//! Arithmetic of native histograms, as PromQL defines it.
//!
//! Source: Prometheus, "Native histograms" specification. Knows nothing of
//! queries and positions: what is worth a note to the user comes back as a
//! value ([`Combined`], [`Incompatible`]).
//!
//! - [`buckets()`] lists the buckets of a histogram with their bounds.
//! - [`parse()`] reads the notation of test scripts, `Display` of [`Text`] prints as Prometheus does.

mod bounds;
mod buckets;
mod flat;
mod fraction;
mod quantile;
mod reset;
mod statistics;
mod text;
mod total;
mod trim;

use model::histogram::{BucketSpan, CounterReset, Histogram};

pub use buckets::{Bucket, buckets};
pub(crate) use flat::{Combined, Flat, Incompatible};
pub(crate) use fraction::fraction;
pub(crate) use quantile::{NanNote, quantile};
pub(crate) use reset::detect_reset;
pub(crate) use statistics::variance;
pub use text::{Text, parse};
pub(crate) use total::Total;
pub(crate) use trim::{Keep, trim};

/// A histogram of PromQL: any numbers as counts.
pub type FloatHistogram = Histogram<f64>;

/// Without empty buckets at the edges of and between its runs.
pub fn compact(h: &FloatHistogram) -> FloatHistogram {
    Flat::<f64>::new(h).into_histogram()
}

/// All counts and the sum multiplied; a negative factor makes it a gauge.
pub(crate) fn scaled(h: &FloatHistogram, factor: f64) -> FloatHistogram {
    let mut flat = Flat::<f64>::new(h);
    flat.scale(factor);
    flat.into_histogram()
}

/// All counts and the sum divided; by zero there are no buckets left.
pub(crate) fn divided(h: &FloatHistogram, divisor: f64) -> FloatHistogram {
    let mut flat = Flat::<f64>::new(h);
    flat.divide(divisor);
    flat.into_histogram()
}

/// Equality of data: bit by bit, empty buckets included. Hints do not count.
pub(crate) fn same_data(a: &FloatHistogram, b: &FloatHistogram) -> bool {
    let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
    let side = |spans_a: &[BucketSpan], a: &[f64], spans_b: &[BucketSpan], b: &[f64]| {
        let (a, b) = (model::histogram::buckets(spans_a, a), model::histogram::buckets(spans_b, b));
        a.map(|(i, n)| (i, n.to_bits())).eq(b.map(|(i, n)| (i, n.to_bits())))
    };
    a.schema == b.schema
        && bits(a.count, b.count)
        && bits(a.sum, b.sum)
        && bits(a.zero_count, b.zero_count)
        && a.zero_threshold == b.zero_threshold
        && a.custom_bounds == b.custom_bounds
        && side(&a.positive_spans, &a.positive, &b.positive_spans, &b.positive)
        && side(&a.negative_spans, &a.negative, &b.negative_spans, &b.negative)
}

/// Its weight against the limit of samples: one sample is 16 bytes.
pub(crate) fn weight(h: &FloatHistogram) -> usize {
    let spans = (h.positive_spans.len() + h.negative_spans.len()) * size_of::<BucketSpan>();
    let numbers = (h.positive.len() + h.negative.len() + h.custom_bounds.len()) * size_of::<f64>();
    (size_of::<FloatHistogram>() + spans + numbers).div_ceil(16)
}

/// The hint of the result of combining two histograms, and whether the two contradict each other.
fn combined_hint(a: CounterReset, b: CounterReset) -> (CounterReset, bool) {
    use CounterReset::{Gauge, Unknown};
    match (a, b) {
        (a, b) if a == b => (a, false),
        (Gauge, _) | (_, Gauge) => (Gauge, false),
        (Unknown, _) | (_, Unknown) => (Unknown, false),
        _ => (Unknown, true),
    }
}
