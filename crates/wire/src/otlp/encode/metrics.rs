//! Metric requests from rows of data points: the counterpart of the metrics decoder.
//!
//! Source: opentelemetry/proto/metrics/v1/metrics.proto.

use super::{attributes, fixed64, request, text, uint};
use crate::points::{BucketsRow, ExemplarRow, MetricPoint, PointRow};
use crate::protobuf::Writer;
use crate::sink::{MetricKind, Number, Temporality};

/// A whole `ExportMetricsServiceRequest`. Points are grouped by equal resource and scope as in
/// [`super::traces_request`], within a scope by neighbours of the same metric.
pub fn metrics_request(points: &[MetricPoint]) -> Vec<u8> {
    request(
        points,
        |p| (&p.resource, &p.scope),
        |w, points| {
            for run in points.chunk_by(|a, b| same_metric(a, b)) {
                w.message(2, |w| metric(w, run));
            }
        },
    )
}

fn same_metric(a: &MetricPoint, b: &MetricPoint) -> bool {
    a.name == b.name && a.kind == b.kind && a.unit == b.unit && a.description == b.description
}

/// The fields of a `Metric`: what all the points say of it, and the points.
fn metric(w: &mut Writer, points: &[&MetricPoint]) {
    let Some(first) = points.first() else { return };
    text(w, 1, &first.name);
    text(w, 2, &first.description);
    text(w, 3, &first.unit);
    let field = match first.kind {
        MetricKind::Gauge => 5,
        MetricKind::Sum { .. } => 7,
        MetricKind::Histogram { .. } => 9,
        MetricKind::ExponentialHistogram { .. } => 10,
        MetricKind::Summary => 11,
    };
    w.message(field, |w| {
        for p in points {
            w.message(1, |w| point(w, p));
        }
        match first.kind {
            MetricKind::Gauge | MetricKind::Summary => {}
            MetricKind::Sum { temporality: t, monotonic } => {
                temporality(w, t);
                uint(w, 3, u64::from(monotonic));
            }
            MetricKind::Histogram { temporality: t } | MetricKind::ExponentialHistogram { temporality: t } => {
                temporality(w, t);
            }
        }
    });
}

fn temporality(w: &mut Writer, t: Temporality) {
    let number = match t {
        Temporality::Unspecified => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    };
    uint(w, 2, number);
}

/// The fields of a data point. The kinds number their common fields differently.
fn point(w: &mut Writer, p: &MetricPoint) {
    let (attributes_field, exemplars_field, flags_field) = match &p.point {
        PointRow::Number(_) => (7, 5, 8),
        PointRow::Histogram { .. } => (9, 8, 10),
        PointRow::ExponentialHistogram { .. } => (1, 11, 10),
        // Summaries have no exemplars; the field is never written.
        PointRow::Summary { .. } => (7, 0, 8),
    };
    attributes(w, attributes_field, &p.attributes);
    fixed64(w, 2, p.start.0);
    fixed64(w, 3, p.time.0);
    uint(w, flags_field, u64::from(p.flags));
    if exemplars_field != 0 {
        for e in &p.exemplars {
            w.message(exemplars_field, |w| exemplar(w, e));
        }
    }
    match &p.point {
        PointRow::Number(Number::Double(v)) => w.double(4, *v),
        PointRow::Number(Number::Int(v)) => w.fixed64(6, *v as u64),
        PointRow::Histogram { count, sum, min, max, bucket_counts, bounds } => {
            w.fixed64(4, *count);
            optional(w, 5, *sum);
            packed(w, 6, bucket_counts.iter().copied());
            packed(w, 7, bounds.iter().map(|b| b.to_bits()));
            optional(w, 11, *min);
            optional(w, 12, *max);
        }
        PointRow::ExponentialHistogram {
            count,
            sum,
            min,
            max,
            scale,
            zero_count,
            zero_threshold,
            positive,
            negative,
        } => {
            w.fixed64(4, *count);
            optional(w, 5, *sum);
            w.sint(6, i64::from(*scale));
            w.fixed64(7, *zero_count);
            w.message(8, |w| buckets(w, positive));
            w.message(9, |w| buckets(w, negative));
            optional(w, 12, *min);
            optional(w, 13, *max);
            w.double(14, *zero_threshold);
        }
        PointRow::Summary { count, sum, quantiles } => {
            w.fixed64(4, *count);
            w.double(5, *sum);
            for (quantile, value) in quantiles {
                w.message(6, |w| {
                    w.double(1, *quantile);
                    w.double(2, *value);
                });
            }
        }
    }
}

fn exemplar(w: &mut Writer, e: &ExemplarRow) {
    attributes(w, 7, &e.filtered_attributes);
    fixed64(w, 2, e.time.0);
    w.double(3, e.value);
    if !e.span_id.is_zero() {
        w.bytes(4, &e.span_id.0);
    }
    if !e.trace_id.is_zero() {
        w.bytes(5, &e.trace_id.0);
    }
}

fn buckets(w: &mut Writer, b: &BucketsRow) {
    w.sint(1, i64::from(b.offset));
    for count in &b.counts {
        w.uint(2, *count);
    }
}

fn optional(w: &mut Writer, field: u32, v: Option<f64>) {
    if let Some(v) = v {
        w.double(field, v);
    }
}

fn packed(w: &mut Writer, field: u32, values: impl Iterator<Item = u64>) {
    let bytes: Vec<u8> = values.flat_map(u64::to_le_bytes).collect();
    if !bytes.is_empty() {
        w.bytes(field, &bytes);
    }
}
