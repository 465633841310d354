//! Metrics, without their points.

use wire::otlp::tree::{Data, Metric, Temporality};

use super::span::small;
use super::{fields, read_only};
use crate::ottl::context::PointHead;
use crate::ottl::eval::EvalError;
use crate::ottl::path::{mismatch, text};
use crate::ottl::value::Val;

fields! {
    /// What a metric has.
    MetricField {
        Name = "name",
        Description = "description",
        Unit = "unit",
        Type = "type",
        AggregationTemporality = "aggregation_temporality",
        IsMonotonic = "is_monotonic",
        Metadata = "metadata",
    }
}

/// `METRIC_DATA_TYPE_*`.
const fn data_kind(data: &Data) -> i64 {
    match data {
        Data::None => 0,
        Data::Gauge(_) => 1,
        Data::Sum { .. } => 2,
        Data::Histogram { .. } => 3,
        Data::Exponential { .. } => 4,
        Data::Summary(_) => 5,
    }
}

impl MetricField {
    pub(in crate::ottl) fn get(self, metric: &Metric) -> Val {
        self.get_with(metric, &PointHead::of(&metric.data))
    }

    pub(in crate::ottl) fn get_with(self, metric: &Metric, head: &PointHead) -> Val {
        match self {
            Self::Name => metric.name.clone().into(),
            Self::Description => metric.description.clone().into(),
            Self::Unit => metric.unit.clone().into(),
            Self::Type => head.kind.into(),
            Self::AggregationTemporality => head.temporality.map_or(Val::NIL, |t| t.0.into()),
            Self::IsMonotonic => {
                if head.kind == 2 {
                    head.monotonic.into()
                } else {
                    Val::NIL
                }
            }
            Self::Metadata => metric.metadata.clone().into(),
        }
    }

    pub(in crate::ottl) fn set(self, metric: &mut Metric, v: Val) -> Result<(), EvalError> {
        let mut head = PointHead::of(&metric.data);
        self.set_with(metric, &mut head, v)?;
        head.apply(&mut metric.data);
        Ok(())
    }

    pub(in crate::ottl) fn set_with(self, metric: &mut Metric, head: &mut PointHead, v: Val) -> Result<(), EvalError> {
        match self {
            Self::Name => metric.name = text(&v)?.into(),
            Self::Description => metric.description = text(&v)?.into(),
            Self::Unit => metric.unit = text(&v)?.into(),
            Self::Type => return Err(read_only("type")),
            Self::AggregationTemporality => head.temporality = Some(Temporality(small(&v)?)),
            Self::IsMonotonic => head.monotonic = v.as_bool().ok_or_else(|| mismatch("a boolean", &v))?,
            Self::Metadata => return Err(mismatch("a map", &v)),
        }
        Ok(())
    }
}

impl PointHead {
    /// What the points of `data` have in common.
    pub fn of(data: &Data) -> Self {
        let monotonic = matches!(data, Data::Sum { monotonic: true, .. });
        Self { kind: data_kind(data), temporality: data.temporality(), monotonic }
    }

    /// Gives it back to the data, where that has it.
    pub fn apply(self, data: &mut Data) {
        match data {
            Data::Sum { temporality, monotonic, .. } => {
                *temporality = self.temporality.unwrap_or(*temporality);
                *monotonic = self.monotonic;
            }
            Data::Histogram { temporality, .. } | Data::Exponential { temporality, .. } => {
                *temporality = self.temporality.unwrap_or(*temporality);
            }
            _ => {}
        }
    }
}
