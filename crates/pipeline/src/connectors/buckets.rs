//! Durations that connectors count into buckets, and the metrics that are made of them.

use wire::otlp::tree::{Attributes, Data, Exemplar, HistogramPoint, Metric, Number, NumberPoint, Temporality};

use super::exponential::Exponential;
use crate::component::{Refused, Setup};

/// Exponential buckets where nothing is said.
pub(super) const EXPONENTIAL_BUCKETS: usize = 160;
/// As many as the Collector takes.
const EXPONENTIAL_BUCKETS_MAX: i64 = 16384;

/// What buckets there are.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// With these upper bounds, which rise.
    Explicit(Vec<f64>),
    /// So many of them at most.
    Exponential(usize),
}

/// Durations by bucket.
#[derive(Debug, Clone)]
pub(super) enum Durations {
    Explicit {
        /// One more than bounds.
        counts: Vec<f64>,
        sum: f64,
    },
    Exponential(Exponential),
}

/// The number of exponential buckets that a setting asks for; 0 is what is usual.
pub(super) fn exponential(setup: &mut Setup<'_>, setting: &str, max: i64) -> Result<usize, Refused> {
    match max {
        0 => Ok(EXPONENTIAL_BUCKETS),
        2..=EXPONENTIAL_BUCKETS_MAX => Ok(max as usize),
        _ => Err(setup.error(setting, format!("it must lie between 2 and {EXPONENTIAL_BUCKETS_MAX}"))),
    }
}

impl Shape {
    /// No durations.
    pub(super) fn empty(&self) -> Durations {
        match self {
            Self::Explicit(bounds) => Durations::Explicit { counts: vec![0.0; bounds.len() + 1], sum: 0.0 },
            Self::Exponential(_) => Durations::Exponential(Exponential::default()),
        }
    }

    /// Adds a value that stands for `n` to durations of this shape.
    pub(super) fn observe(&self, durations: &mut Durations, value: f64, n: f64) {
        match (self, durations) {
            (Self::Explicit(bounds), Durations::Explicit { counts, sum }) => {
                let at = bounds.partition_point(|b| *b < value);
                counts[at] += n;
                *sum += value * n;
            }
            (Self::Exponential(max), Durations::Exponential(e)) => e.observe(*max, value, n),
            _ => unreachable!("durations have the shape that they were made of"),
        }
    }

    /// The metric of durations with their labels; counts of sampled spans are rounded.
    pub(super) fn metric<'d>(
        &self,
        (name, description, unit): (&str, &str, &str),
        durations: impl Iterator<Item = (&'d Attributes, &'d Durations, &'d [Exemplar])>,
        times: (u64, u64),
        temporality: Temporality,
    ) -> Metric {
        let data = match self {
            Self::Explicit(bounds) => {
                let points = durations.map(|(labels, d, exemplars)| explicit(bounds, d, labels, times, exemplars));
                Data::Histogram { points: points.collect(), temporality }
            }
            Self::Exponential(_) => {
                let points = durations.filter_map(|(labels, d, exemplars)| match d {
                    Durations::Exponential(e) => Some(e.point(labels.clone(), times, exemplars.to_vec())),
                    Durations::Explicit { .. } => None,
                });
                Data::Exponential { points: points.collect(), temporality }
            }
        };
        Metric { name: name.into(), description: description.into(), unit: unit.into(), data, ..Metric::default() }
    }
}

fn explicit(
    bounds: &[f64],
    durations: &Durations,
    labels: &Attributes,
    (start, time): (u64, u64),
    exemplars: &[Exemplar],
) -> HistogramPoint {
    let (counts, sum) = match durations {
        Durations::Explicit { counts, sum } => (counts.as_slice(), *sum),
        Durations::Exponential(_) => (&[][..], 0.0),
    };
    let bucket_counts: Vec<u64> = counts.iter().map(|n| n.round() as u64).collect();
    HistogramPoint {
        attributes: labels.clone(),
        start_time_unix_nano: start,
        time_unix_nano: time,
        count: bucket_counts.iter().sum(),
        sum: Some(sum),
        bucket_counts,
        explicit_bounds: bounds.to_vec(),
        exemplars: exemplars.to_vec(),
        ..HistogramPoint::default()
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
