//! Samples: floats, native histograms, and what is read of a series that may have both.

use std::sync::Arc;

use model::histogram::{BucketSpan, CounterReset, Histogram};

use super::starts::StartTimes;

/// One measured value of a series.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub t: i64,
    /// The value; [`STALE_NAN`](super::STALE_NAN) marks the end of a series.
    pub v: f64,
}

impl PartialEq for Sample {
    /// Bit for bit, so that NaN equals itself and 0 differs from -0.
    fn eq(&self, other: &Self) -> bool {
        self.t == other.t && self.v.to_bits() == other.v.to_bits()
    }
}

/// What values are decoded into: samples that have their times, or a column.
pub(super) trait ValueSlot {
    fn set(&mut self, v: f64);
}

impl ValueSlot for Sample {
    #[inline]
    fn set(&mut self, v: f64) {
        self.v = v;
    }
}

impl ValueSlot for f64 {
    #[inline]
    fn set(&mut self, v: f64) {
        *self = v;
    }
}

/// What times are decoded into: samples that have no value yet, or a column.
pub(super) trait TimeSlot {
    fn at(t: i64) -> Self;
    fn time(&self) -> i64;
    fn add(&mut self, distance: i64);
}

impl TimeSlot for Sample {
    #[inline]
    fn at(t: i64) -> Self {
        Self { t, v: 0.0 }
    }

    #[inline]
    fn time(&self) -> i64 {
        self.t
    }

    #[inline]
    fn add(&mut self, distance: i64) {
        self.t = self.t.wrapping_add(distance);
    }
}

impl TimeSlot for i64 {
    #[inline]
    fn at(t: i64) -> Self {
        t
    }

    #[inline]
    fn time(&self) -> i64 {
        *self
    }

    #[inline]
    fn add(&mut self, distance: i64) {
        *self = self.wrapping_add(distance);
    }
}

/// Floats of a series as columns, one element per sample each.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FloatColumns {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) times: Vec<i64>,
    /// The values.
    pub(crate) values: Vec<f64>,
    /// Since when each counts, as far as that is known.
    pub(crate) starts: StartTimes,
}

impl FloatColumns {
    /// Removes all.
    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.starts.clear();
    }

    /// Keeps the first ones.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.times.truncate(len);
        self.values.truncate(len);
        self.starts.truncate(len);
    }

    /// Appends samples.
    pub(crate) fn extend(&mut self, samples: &[Sample]) {
        self.times.extend(samples.iter().map(|s| s.t));
        self.values.extend(samples.iter().map(|s| s.v));
    }
}

/// A histogram as it was sent: with whole counts or with any numbers.
#[derive(Debug, Clone)]
pub enum HistogramValue {
    /// Whole counts.
    Int(Arc<Histogram<u64>>),
    /// Any numbers, as after a recording rule.
    Float(Arc<Histogram<f64>>),
}

/// One histogram of a series.
#[derive(Debug, Clone)]
pub struct HistogramSample {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub t: i64,
    /// Since when it counts, milliseconds; 0 when that is not known.
    pub start_t: i64,
    /// The histogram.
    pub value: HistogramValue,
}

impl HistogramValue {
    /// A marker of the end of a series.
    pub fn stale() -> Self {
        Self::Float(Arc::new(Histogram { sum: f64::from_bits(model::STALE_NAN_BITS), ..Histogram::default() }))
    }

    /// The sum of all observations.
    pub fn sum(&self) -> f64 {
        match self {
            Self::Int(h) => h.sum,
            Self::Float(h) => h.sum,
        }
    }

    /// Whether it marks the end of a series.
    pub fn is_stale(&self) -> bool {
        self.sum().to_bits() == model::STALE_NAN_BITS
    }

    /// How it relates to the one before.
    pub fn counter_reset(&self) -> CounterReset {
        match self {
            Self::Int(h) => h.counter_reset,
            Self::Float(h) => h.counter_reset,
        }
    }

    /// How many buckets it has.
    pub fn buckets(&self) -> usize {
        match self {
            Self::Int(h) => h.positive.len() + h.negative.len(),
            Self::Float(h) => h.positive.len() + h.negative.len(),
        }
    }

    /// With counts as floats, which is what PromQL computes with. Shared when it has such counts already.
    pub fn to_float(&self) -> Arc<Histogram<f64>> {
        match self {
            Self::Int(h) => Arc::new(Histogram::from(&**h)),
            Self::Float(h) => h.clone(),
        }
    }

    /// Whether every span has its counts and the indexes of buckets rise; others are not stored.
    pub fn is_well_formed(&self) -> bool {
        match self {
            Self::Int(h) => is_well_formed(h),
            Self::Float(h) => is_well_formed(h),
        }
    }

    /// What it counts against the limit on samples of a query, as in Prometheus: its size over that of a float.
    pub(crate) fn cost(&self) -> usize {
        let (spans, bounds) = match self {
            Self::Int(h) => (h.positive_spans.len() + h.negative_spans.len(), h.custom_bounds.len()),
            Self::Float(h) => (h.positive_spans.len() + h.negative_spans.len(), h.custom_bounds.len()),
        };
        (size_of::<Histogram<f64>>() + 8 * (spans + self.buckets() + bounds)) / size_of::<Sample>()
    }
}

impl PartialEq for HistogramValue {
    /// Bit for bit, so that NaN equals itself; stale markers of one kind are equal.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Arc::ptr_eq(a, b) || same(a, b, |a, b| a == b),
            (Self::Float(a), Self::Float(b)) => Arc::ptr_eq(a, b) || same(a, b, |a, b| a.to_bits() == b.to_bits()),
            _ => false,
        }
    }
}

fn same<N>(a: &Histogram<N>, b: &Histogram<N>, eq: impl Fn(&N, &N) -> bool) -> bool {
    let same_bits = |a: &f64, b: &f64| a.to_bits() == b.to_bits();
    let counts = |a: &[N], b: &[N]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| eq(a, b));
    let floats = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_bits(a, b));
    same_bits(&a.sum, &b.sum)
        && a.counter_reset == b.counter_reset
        && (a.is_stale()
            || (a.schema == b.schema
                && same_bits(&a.zero_threshold, &b.zero_threshold)
                && eq(&a.zero_count, &b.zero_count)
                && eq(&a.count, &b.count)
                && a.positive_spans == b.positive_spans
                && a.negative_spans == b.negative_spans
                && counts(&a.positive, &b.positive)
                && counts(&a.negative, &b.negative)
                && floats(&a.custom_bounds, &b.custom_bounds)))
}

impl PartialEq for HistogramSample {
    fn eq(&self, other: &Self) -> bool {
        (self.t, self.start_t) == (other.t, other.start_t) && self.value == other.value
    }
}

/// The samples of one series: floats and histograms, each strictly rising in time and never both at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesSamples {
    /// The floats.
    pub floats: Vec<Sample>,
    /// Since when each of the floats counts, as far as that is known.
    pub starts: StartTimes,
    /// The histograms; empty for nearly every series.
    pub histograms: Vec<HistogramSample>,
}

impl SeriesSamples {
    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.floats.len() + self.histograms.len()
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.floats.clear();
        self.starts.clear();
        self.histograms.clear();
    }

    /// First and last time, when there is one.
    pub fn bounds(&self) -> Option<(i64, i64)> {
        let first = [self.floats.first().map(|s| s.t), self.histograms.first().map(|s| s.t)];
        let last = [self.floats.last().map(|s| s.t), self.histograms.last().map(|s| s.t)];
        Some((first.into_iter().flatten().min()?, last.into_iter().flatten().max()?))
    }

    /// Keeps the samples within `[min, max]` (inclusive).
    pub(crate) fn clip(&mut self, min: i64, max: i64) {
        let (skipped, kept) = clip(&mut self.floats, |s| s.t, min, max);
        self.starts.truncate(skipped + kept);
        self.starts.skip(skipped);
        clip(&mut self.histograms, |s| s.t, min, max);
    }

    /// Keeps the first ones.
    pub(crate) fn truncate(&mut self, floats: usize, histograms: usize) {
        self.floats.truncate(floats);
        self.starts.truncate(floats);
        self.histograms.truncate(histograms);
    }
}

/// Keeps what lies within `[min, max]`, without a look at each where all does. How many lay before it, and within.
fn clip<T>(sorted: &mut Vec<T>, t: impl Fn(&T) -> i64, min: i64, max: i64) -> (usize, usize) {
    let to = sorted.partition_point(|s| t(s) <= max);
    sorted.truncate(to);
    let from = sorted.partition_point(|s| t(s) < min);
    if from > 0 {
        sorted.drain(..from);
    }
    (from, sorted.len())
}

/// The indexes of the buckets of spans, rising; `None` when they do not rise or there are more than `max`.
pub(super) fn indexes(spans: &[BucketSpan], max: usize) -> Option<Vec<i32>> {
    let mut out = Vec::new();
    let mut next = 0i64;
    for (i, span) in spans.iter().enumerate() {
        if i > 0 && span.offset < 0 || span.length as usize > max - out.len() {
            return None;
        }
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        if i32::try_from(first).is_err() || i32::try_from(next).is_err() {
            return None;
        }
        out.extend((first..next).map(|at| at as i32));
    }
    Some(out)
}

/// Whether each span has its counts and bucket indexes rise.
pub(super) fn is_well_formed<N>(h: &Histogram<N>) -> bool {
    let fits = |spans, counts: &[N]| indexes(spans, counts.len()).is_some_and(|at| at.len() == counts.len());
    fits(&h.positive_spans, &h.positive) && fits(&h.negative_spans, &h.negative)
}
