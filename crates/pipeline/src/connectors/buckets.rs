//! Histograms that connectors count into, and the metrics that are made of them.

use wire::otlp::tree::{Attributes, Data, HistogramPoint, Metric, Number, NumberPoint, Temporality};

/// Observations by bucket.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    /// One more than bounds.
    counts: Vec<f64>,
    sum: f64,
}

impl Histogram {
    /// Adds a value that stands for `n`. `bounds` rise, and are the same at each call.
    pub(super) fn observe(&mut self, bounds: &[f64], value: f64, n: f64) {
        self.counts.resize(bounds.len() + 1, 0.0);
        let at = bounds.partition_point(|b| *b < value);
        self.counts[at] += n;
        self.sum += value * n;
    }

    /// As a point; counts of sampled spans are rounded.
    pub(super) fn point(&self, bounds: &[f64], attributes: Attributes, (start, time): (u64, u64)) -> HistogramPoint {
        let bucket_counts: Vec<u64> = self.counts.iter().map(|n| n.round() as u64).collect();
        HistogramPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            count: bucket_counts.iter().sum(),
            sum: Some(self.sum),
            bucket_counts,
            explicit_bounds: bounds.to_vec(),
            ..HistogramPoint::default()
        }
    }
}

/// A point of a sum.
pub(super) fn count(n: f64, attributes: Attributes, (start, time): (u64, u64)) -> NumberPoint {
    NumberPoint {
        attributes,
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: Some(Number::Int(n.round() as i64)),
        ..NumberPoint::default()
    }
}

/// A counter.
pub(super) fn sum_metric(name: &str, description: &str, points: Vec<NumberPoint>, temporality: Temporality) -> Metric {
    let data = Data::Sum { points, temporality, monotonic: true };
    Metric { name: name.into(), description: description.into(), data, ..Metric::default() }
}

/// A histogram.
pub(super) fn histogram_metric(
    name: &str,
    description: &str,
    unit: &str,
    points: Vec<HistogramPoint>,
    temporality: Temporality,
) -> Metric {
    let data = Data::Histogram { points, temporality };
    Metric { name: name.into(), description: description.into(), unit: unit.into(), data, ..Metric::default() }
}
