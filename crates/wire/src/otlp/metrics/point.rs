//! One data point of each kind.
//!
//! Points have their attributes and numbers in slices, so these are read into
//! memory that is kept from point to point.

use foundation::UnixNanos;

use super::super::any_value::attribute;
use super::super::fault::{Fault, Refusal};
use super::super::limits::Limits;
use super::buckets::{Buckets, check_histogram, packed_fixed64, push, quantile};
use super::exemplars::Exemplars;
use crate::protobuf::Reader;
use crate::sink::{
    ExponentialHistogramFields, HistogramFields, MetricKind, MetricSink, Number, PointFields, PointResult,
    SummaryFields, Temporality, ValueRef,
};

/// OTLP `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`.
const NO_RECORDED_VALUE: u32 = 1;

/// Memory for the point that is being read.
#[derive(Debug, Default)]
pub(super) struct Scratch<'a> {
    attributes: Vec<(&'a str, ValueRef<'a>)>,
    exemplars: Exemplars,
    counts: Vec<u64>,
    /// Bounds of a histogram.
    bounds: Vec<f64>,
    quantiles: Vec<(f64, f64)>,
    positive: Buckets,
    negative: Buckets,
    time: Times,
}

/// The numbers that every point has.
#[derive(Debug, Default, Clone, Copy)]
struct Times {
    start: UnixNanos,
    time: UnixNanos,
    flags: u32,
}

/// The numbers that several kinds of points have.
#[derive(Debug, Default)]
struct Totals {
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
}

impl<'a> Scratch<'a> {
    /// Reads a point and gives it to `sink`.
    pub(super) fn read<S: MetricSink>(
        &mut self,
        kind: MetricKind,
        point: Reader<'a>,
        limits: &Limits,
        sink: &mut S,
    ) -> Result<(), Fault> {
        self.clear();
        let result = match kind {
            MetricKind::Gauge => self.number(point, limits, sink)?,
            MetricKind::Sum { temporality, .. } => {
                check_temporality(temporality)?;
                self.number(point, limits, sink)?
            }
            MetricKind::Histogram { temporality } => {
                check_temporality(temporality)?;
                self.histogram(point, limits, sink)?
            }
            MetricKind::ExponentialHistogram { temporality } => {
                check_temporality(temporality)?;
                self.exponential_histogram(point, limits, sink)?
            }
            MetricKind::Summary => self.summary(point, limits, sink)?,
        };
        result.map_err(|why| Refusal::Sink(why).into())
    }

    fn clear(&mut self) {
        self.attributes.clear();
        self.exemplars.clear();
        self.counts.clear();
        self.bounds.clear();
        self.quantiles.clear();
        self.positive.clear();
        self.negative.clear();
        self.time = Times::default();
    }

    fn attribute(&mut self, r: &mut Reader<'a>, limits: &Limits) -> Result<(), Fault> {
        let mut n = self.attributes.len();
        self.attributes.push(attribute(r, &mut n, limits)?);
        Ok(())
    }

    /// Checks the times and gives the point to `take`, the sink's function for its kind.
    fn finish(
        &self,
        limits: &Limits,
        take: impl FnOnce(&PointFields<'_>) -> PointResult,
    ) -> Result<PointResult, Fault> {
        let Times { start, time, flags } = self.time;
        limits.check_time("time_unix_nano", time)?;
        let exemplars = self.exemplars.as_sink();
        Ok(take(&PointFields { attributes: &self.attributes, start, time, flags, exemplars: &exemplars }))
    }

    /// A `NumberDataPoint`.
    fn number<S: MetricSink>(
        &mut self,
        mut r: Reader<'a>,
        limits: &Limits,
        sink: &mut S,
    ) -> Result<PointResult, Fault> {
        let mut value = None;
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, 1) => self.time.start = UnixNanos::from_u64(r.fixed64()?),
                (3, 1) => self.time.time = UnixNanos::from_u64(r.fixed64()?),
                (4, 1) => value = Some(Number::Double(r.double()?)),
                (5, 2) => self.exemplars.read(&mut r, limits)?,
                (6, 1) => value = Some(Number::Int(r.fixed64()? as i64)),
                (7, 2) => self.attribute(&mut r, limits)?,
                (8, 0) => self.time.flags = r.uint()? as u32,
                _ => r.skip_unknown(key, 0b1_1111_1100)?,
            }
        }
        let value = match value {
            Some(v) => v,
            // "No recorded value" marks the end of a series; the sink looks at the flag, not at the number.
            None if self.time.flags & NO_RECORDED_VALUE != 0 => Number::Double(f64::NAN),
            None => return Err(Refusal::NoValue.into()),
        };
        self.finish(limits, |p| sink.number(p, value))
    }

    /// A `HistogramDataPoint`.
    fn histogram<S: MetricSink>(
        &mut self,
        mut r: Reader<'a>,
        limits: &Limits,
        sink: &mut S,
    ) -> Result<PointResult, Fault> {
        let mut t = Totals::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, 1) => self.time.start = UnixNanos::from_u64(r.fixed64()?),
                (3, 1) => self.time.time = UnixNanos::from_u64(r.fixed64()?),
                (4, 1) => t.count = r.fixed64()?,
                (5, 1) => t.sum = Some(r.double()?),
                (6, 1) => push(&mut self.counts, r.fixed64()?, limits)?,
                (6, 2) => packed_fixed64(r.message()?, &mut self.counts, limits, |v| v)?,
                (7, 1) => push(&mut self.bounds, r.double()?, limits)?,
                (7, 2) => packed_fixed64(r.message()?, &mut self.bounds, limits, f64::from_bits)?,
                (8, 2) => self.exemplars.read(&mut r, limits)?,
                (9, 2) => self.attribute(&mut r, limits)?,
                (10, 0) => self.time.flags = r.uint()? as u32,
                (11, 1) => t.min = Some(r.double()?),
                (12, 1) => t.max = Some(r.double()?),
                _ => r.skip_unknown(key, 0x1ffc)?,
            }
        }
        check_histogram(&self.bounds, &self.counts)?;
        let histogram = HistogramFields {
            count: t.count,
            sum: t.sum,
            min: t.min,
            max: t.max,
            bucket_counts: &self.counts,
            bounds: &self.bounds,
        };
        self.finish(limits, |p| sink.histogram(p, &histogram))
    }

    /// An `ExponentialHistogramDataPoint`.
    fn exponential_histogram<S: MetricSink>(
        &mut self,
        mut r: Reader<'a>,
        limits: &Limits,
        sink: &mut S,
    ) -> Result<PointResult, Fault> {
        let mut t = Totals::default();
        let (mut scale, mut zero_count, mut zero_threshold) = (0, 0, 0.0);
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, 2) => self.attribute(&mut r, limits)?,
                (2, 1) => self.time.start = UnixNanos::from_u64(r.fixed64()?),
                (3, 1) => self.time.time = UnixNanos::from_u64(r.fixed64()?),
                (4, 1) => t.count = r.fixed64()?,
                (5, 1) => t.sum = Some(r.double()?),
                (6, 0) => scale = r.sint()? as i32,
                (7, 1) => zero_count = r.fixed64()?,
                (8, 2) => self.positive.read(r.message()?, limits).map_err(|f| f.inside("positive"))?,
                (9, 2) => self.negative.read(r.message()?, limits).map_err(|f| f.inside("negative"))?,
                (10, 0) => self.time.flags = r.uint()? as u32,
                (11, 2) => self.exemplars.read(&mut r, limits)?,
                (12, 1) => t.min = Some(r.double()?),
                (13, 1) => t.max = Some(r.double()?),
                (14, 1) => zero_threshold = r.double()?,
                _ => r.skip_unknown(key, 0x7ffe)?,
            }
        }
        let histogram = ExponentialHistogramFields {
            count: t.count,
            sum: t.sum,
            min: t.min,
            max: t.max,
            scale,
            zero_count,
            zero_threshold,
            positive: self.positive.as_sink(),
            negative: self.negative.as_sink(),
        };
        self.finish(limits, |p| sink.exponential_histogram(p, &histogram))
    }

    /// A `SummaryDataPoint`.
    fn summary<S: MetricSink>(
        &mut self,
        mut r: Reader<'a>,
        limits: &Limits,
        sink: &mut S,
    ) -> Result<PointResult, Fault> {
        let (mut count, mut sum) = (0, 0.0);
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (2, 1) => self.time.start = UnixNanos::from_u64(r.fixed64()?),
                (3, 1) => self.time.time = UnixNanos::from_u64(r.fixed64()?),
                (4, 1) => count = r.fixed64()?,
                (5, 1) => sum = r.double()?,
                (6, 2) => {
                    let index = self.quantiles.len();
                    let q = quantile(r.message()?).map_err(|f| f.at("quantile_values", index))?;
                    push(&mut self.quantiles, q, limits)?;
                }
                (7, 2) => self.attribute(&mut r, limits)?,
                (8, 0) => self.time.flags = r.uint()? as u32,
                _ => r.skip_unknown(key, 0b1_1111_1100)?,
            }
        }
        let summary = SummaryFields { count, sum, quantiles: &self.quantiles };
        self.finish(limits, |p| sink.summary(p, &summary))
    }
}

fn check_temporality(t: Temporality) -> Result<(), Fault> {
    match t {
        Temporality::Unspecified => Err(Refusal::UnspecifiedTemporality.into()),
        Temporality::Delta | Temporality::Cumulative => Ok(()),
    }
}
