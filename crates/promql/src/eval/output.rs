//! What a query gives.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use model::labels::Labels;

use super::{HistogramSample, Sample};
use crate::histogram::{FloatHistogram, Text};
use crate::number::format_float;

/// A value of a series at one time.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<FloatHistogram>),
}

impl Display for Point {
    /// As Prometheus prints values.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Point::Float(v) => f.write_str(&format_float(*v)),
            Point::Histogram(h) => Text(h).fmt(f),
        }
    }
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct InstantSample {
    /// Its labels.
    pub labels: Labels,
    /// The evaluation time in unix milliseconds.
    pub t_ms: i64,
    /// Its value.
    pub value: Point,
}

/// A series of a result: at each time it has a float or a histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Its float samples in ascending time.
    pub samples: Vec<Sample>,
    /// Its histogram samples in ascending time.
    pub histograms: Vec<HistogramSample>,
}

/// The value of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number; only of instant queries.
    Scalar(Sample),
    /// A text; only of instant queries.
    String(String),
    /// In the order that the query asks for (`sort`, `topk`), else as the source gave it.
    Vector(Vec<InstantSample>),
    /// Sorted by labels.
    Matrix(Vec<Series>),
}

/// A value and what there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The value.
    pub value: Value,
    /// Probable mistakes, each once and sorted, with the position in the query.
    pub warnings: Vec<String>,
    /// Things to know, each once and sorted, with the position in the query.
    pub infos: Vec<String>,
    /// Samples loaded from the source; a histogram counts by its size.
    pub samples_loaded: usize,
    /// Samples that each step looked at, when that was asked for.
    pub samples_per_step: Option<Vec<u64>>,
    /// The most samples loaded for one series.
    pub samples_largest_series: usize,
    /// The most memory that intermediate and final values took at one time.
    pub peak_memory_bytes: usize,
}

impl Output {
    /// Samples that were held at one time at most: values, by the memory of a sample, and the series that was being read.
    pub fn peak_samples(&self) -> usize {
        self.peak_memory_bytes.div_ceil(size_of::<Sample>()) + self.samples_largest_series
    }
}
