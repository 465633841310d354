//! Rows of data points, each with the metric that it belongs to.
//!
//! The vocabulary of metrics is series, which `model` has; points as OTLP sends them are
//! needed only beside the wire: in tests, load generation and forwarding.

use foundation::UnixNanos;
use model::trace::{Resource, Scope};
use model::{Attributes, SpanId, TraceId};

use crate::sink::{ExponentialBuckets, MetricKind, Number};

/// One data point with its metric, scope and resource.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    /// Who produced it.
    pub resource: Resource,
    /// Which library produced it.
    pub scope: Scope,
    /// The metric's name.
    pub name: String,
    /// What the metric measures.
    pub description: String,
    /// UCUM unit.
    pub unit: String,
    /// What kind of metric.
    pub kind: MetricKind,
    /// Attributes of the point.
    pub attributes: Attributes,
    /// Since when a sum or histogram counts; 0 if not said.
    pub start: UnixNanos,
    /// When it was measured.
    pub time: UnixNanos,
    /// OTLP data point flags.
    pub flags: u32,
    /// Examples of what was measured.
    pub exemplars: Vec<ExemplarRow>,
    /// What was measured.
    pub point: PointRow,
}

/// An example of what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct ExemplarRow {
    /// When.
    pub time: UnixNanos,
    /// The measured value.
    pub value: f64,
    /// Zero when not traced.
    pub trace_id: TraceId,
    /// Zero when not traced.
    pub span_id: SpanId,
    /// Attributes that the metric does not have.
    pub filtered_attributes: Attributes,
}

/// What was measured; see the fields of the same names in [`crate::sink`].
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the sink's structs, documented there")]
pub enum PointRow {
    /// Of a gauge or sum.
    Number(Number),
    /// Of a histogram with explicit bounds.
    Histogram {
        count: u64,
        sum: Option<f64>,
        min: Option<f64>,
        max: Option<f64>,
        bucket_counts: Vec<u64>,
        bounds: Vec<f64>,
    },
    /// Of a histogram with exponential bounds.
    ExponentialHistogram {
        count: u64,
        sum: Option<f64>,
        min: Option<f64>,
        max: Option<f64>,
        scale: i32,
        zero_count: u64,
        zero_threshold: f64,
        positive: BucketsRow,
        negative: BucketsRow,
    },
    /// Of a summary.
    Summary { count: u64, sum: f64, quantiles: Vec<(f64, f64)> },
}

/// The buckets of one sign of an exponential histogram.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketsRow {
    /// The index of the first bucket.
    pub offset: i32,
    /// Counts per bucket, not accumulated.
    pub counts: Vec<u64>,
}

impl From<ExponentialBuckets<'_>> for BucketsRow {
    fn from(b: ExponentialBuckets<'_>) -> Self {
        Self { offset: b.offset, counts: b.counts.to_vec() }
    }
}
