//! Collects data points.

use model::trace::{Resource, Scope};

use super::{resource_row, scope_row};
use crate::otlp::{read_map, unique};
use crate::points::{ExemplarRow, MetricPoint, PointRow};
use crate::sink::{
    ExponentialHistogramFields, HistogramFields, MetricKind, MetricRef, MetricSink, Number, PointFields, PointResult,
    ResourceRef, ScopeRef, SummaryFields,
};

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
