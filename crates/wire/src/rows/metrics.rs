//! Rows of data points, each with the metric that it belongs to.

use foundation::UnixNanos;
use model::trace::{Resource, Scope};
use model::{Attributes, SpanId, TraceId};

use super::{resource_row, scope_row};
use crate::otlp::{read_map, unique};
use crate::sink::{
    ExponentialBuckets, ExponentialHistogramFields, HistogramFields, MetricKind, MetricRef, MetricSink, Number,
    PointFields, PointResult, ResourceRef, ScopeRef, SummaryFields,
};

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

/// Collects data points.
#[derive(Debug, Default)]
pub struct RowMetricSink {
    /// The points, in the order of the request.
    pub points: Vec<MetricPoint>,
    resource: Resource,
    scope: Scope,
    metric: Option<(String, String, String, MetricKind)>,
}

impl RowMetricSink {
    fn push(&mut self, p: &PointFields<'_>, point: PointRow) -> PointResult {
        let Some((name, description, unit, kind)) = self.metric.clone() else {
            return Err("a point came before its metric".to_owned());
        };
        let exemplars = p.exemplars.iter().map(|e| ExemplarRow {
            time: e.time,
            value: e.value,
            trace_id: e.trace_id,
            span_id: e.span_id,
            filtered_attributes: read_map(e.filtered_attributes),
        });
        self.points.push(MetricPoint {
            resource: self.resource.clone(),
            scope: self.scope.clone(),
            name,
            description,
            unit,
            kind,
            attributes: unique(p.attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect()),
            start: p.start,
            time: p.time,
            flags: p.flags,
            exemplars: exemplars.collect(),
            point,
        });
        Ok(())
    }
}

impl MetricSink for RowMetricSink {
    fn resource(&mut self, resource: ResourceRef<'_>) {
        self.resource = resource_row(resource);
    }

    fn scope(&mut self, scope: ScopeRef<'_>) {
        self.scope = scope_row(scope);
    }

    fn metric(&mut self, m: MetricRef<'_>) {
        self.metric = Some((m.name.to_owned(), m.description.to_owned(), m.unit.to_owned(), m.kind));
    }

    fn number(&mut self, point: &PointFields<'_>, value: Number) -> PointResult {
        self.push(point, PointRow::Number(value))
    }

    fn histogram(&mut self, point: &PointFields<'_>, h: &HistogramFields<'_>) -> PointResult {
        let row = PointRow::Histogram {
            count: h.count,
            sum: h.sum,
            min: h.min,
            max: h.max,
            bucket_counts: h.bucket_counts.to_vec(),
            bounds: h.bounds.to_vec(),
        };
        self.push(point, row)
    }

    fn exponential_histogram(&mut self, point: &PointFields<'_>, h: &ExponentialHistogramFields<'_>) -> PointResult {
        let row = PointRow::ExponentialHistogram {
            count: h.count,
            sum: h.sum,
            min: h.min,
            max: h.max,
            scale: h.scale,
            zero_count: h.zero_count,
            zero_threshold: h.zero_threshold,
            positive: h.positive.into(),
            negative: h.negative.into(),
        };
        self.push(point, row)
    }

    fn summary(&mut self, point: &PointFields<'_>, s: &SummaryFields<'_>) -> PointResult {
        self.push(point, PointRow::Summary { count: s.count, sum: s.sum, quantiles: s.quantiles.to_vec() })
    }
}
