//! Where the decoders of Prometheus' formats push what they read.
//!
//! A decoder opens one series after another and pushes the samples of each. Metadata may come between any two series.

use model::Histogram;

/// When something was measured, and since when it counts; milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// When.
    pub t: i64,
    /// Since when a counter or histogram counts; 0 if not said.
    pub start: i64,
}

/// An example of what was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExemplarRef<'a> {
    /// As sent, all UTF-8; at most 128 characters together.
    pub labels: &'a [(&'a str, &'a str)],
    /// The measured value.
    pub value: f64,
    /// Milliseconds since the epoch.
    pub t: i64,
}

/// The type of a metric, as the exposition formats and remote write name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetricType {
    /// Not said.
    #[default]
    Unknown,
    /// Only grows.
    Counter,
    /// Any value.
    Gauge,
    /// Counts per bucket.
    Histogram,
    /// Counts per bucket that may fall.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Labels only.
    Info,
    /// One of several states.
    StateSet,
}

/// What a sender says about a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataRef<'a> {
    /// The metric family: the name without `_bucket`, `_sum`, `_count`. Never empty.
    pub family: &'a str,
    /// Its type.
    pub kind: MetricType,
    /// Its unit, or empty.
    pub unit: &'a str,
    /// What it measures, or empty.
    pub help: &'a str,
}

/// Takes series.
pub trait SeriesSink {
    /// What takes the samples of one series.
    type Series<'s>: SampleSink
    where
        Self: 's;
    /// Begins the series with these canonical label bytes (see [`super::write_key`]); it has a metric name.
    fn series(&mut self, key: &[u8]) -> Self::Series<'_>;
    /// What is said about a metric.
    fn metadata(&mut self, metadata: &MetadataRef<'_>);
}

/// Takes the samples of one series.
pub trait SampleSink {
    /// A sample; NaN payloads, the stale marker among them, are as sent.
    fn sample(&mut self, at: Stamp, value: f64);
    /// A native histogram that is consistent in itself (see [`super::check_histogram`]).
    fn histogram(&mut self, at: Stamp, histogram: &Histogram<u64>);
    /// The same with counts that are not whole.
    fn float_histogram(&mut self, at: Stamp, histogram: &Histogram<f64>);
    /// An exemplar.
    fn exemplar(&mut self, exemplar: &ExemplarRef<'_>);
}
