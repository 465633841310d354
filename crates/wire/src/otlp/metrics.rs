//! `ExportMetricsServiceRequest` into a [`MetricSink`].
//!
//! A metric's name and kind may come after its points, so each metric is read
//! twice: first its own fields (the points are stepped over), then the points.
//! Refusals concern one point where they can, else the metric with all of its points.
//! Source: opentelemetry/proto/metrics/v1/metrics.proto and collector/metrics/v1/metrics_service.proto.

mod buckets;
mod exemplars;
mod point;

use super::decoded::{Decoded, Tally};
use super::envelope::{Visitor, walk};
use super::fault::{DecodeError, Fault, Refusal};
use super::limits::Limits;
use super::schema::{self, Message};
use super::{structure, text};
use crate::protobuf::{Key, Malformed, Reader};
use crate::sink::{MetricKind, MetricRef, MetricSink, ResourceRef, ScopeRef, Temporality};
use point::Scratch;

/// Decodes a request into `sink`; see [`crate::sink`] for the order of the calls.
///
/// # Errors
/// When the bytes are not a well-formed request. What `sink` was given until then must be thrown away.
pub fn decode_metrics<S: MetricSink>(request: &[u8], limits: &Limits, sink: &mut S) -> Result<Decoded, DecodeError> {
    walk(request, limits, &mut Metrics { limits, sink, scratch: Scratch::default() })
}

struct Metrics<'s, 'a, S> {
    limits: &'s Limits,
    sink: &'s mut S,
    scratch: Scratch<'a>,
}

impl<'a, S: MetricSink> Visitor<'a> for Metrics<'_, 'a, S> {
    const RESOURCES: &'static str = "resource_metrics";
    const SCOPES: &'static str = "scope_metrics";
    const RECORDS: &'static str = "metrics";
    const RESOURCES_TYPE: &'static Message = &schema::RESOURCE_METRICS;
    const SCOPES_TYPE: &'static Message = &schema::SCOPE_METRICS;
    const RECORDS_TYPE: &'static Message = &schema::METRIC;

    fn resource(&mut self, resource: ResourceRef<'a>) {
        self.sink.resource(resource);
    }

    fn scope(&mut self, scope: ScopeRef<'a>) {
        self.sink.scope(scope);
    }

    fn record(&mut self, record: Reader<'a>, tally: &mut Tally) -> Result<(), Fault> {
        let Some((metric, data)) = read_metric(record, self.limits)? else { return Ok(()) };
        self.sink.metric(metric);
        self.points(metric.kind, data, tally).map_err(|f| f.inside(data_name(metric.kind)))
    }

    fn count(mut record: Reader<'a>) -> Result<u64, Malformed> {
        let mut points = 0;
        while let Some(key) = record.key()? {
            if !matches!(key, field::GAUGE | field::SUM | field::HISTOGRAM | field::EXPONENTIAL | field::SUMMARY) {
                record.skip(key)?;
                continue;
            }
            // Only the last of several counts, as when it is read.
            points = 0;
            let mut data = record.message()?;
            while let Some(key) = data.key()? {
                points += u64::from(key == field::DATA_POINTS);
                data.skip(key)?;
            }
        }
        Ok(points)
    }
}

impl<'a, S: MetricSink> Metrics<'_, 'a, S> {
    /// Reads and counts the points of one metric.
    fn points(&mut self, kind: MetricKind, mut data: Reader<'a>, tally: &mut Tally) -> Result<(), Fault> {
        let mut index = 0;
        while let Some(key) = data.key()? {
            if key != field::DATA_POINTS {
                data.skip(key)?;
                continue;
            }
            let point = data.message()?;
            match self.scratch.read(kind, point, self.limits, self.sink) {
                Ok(()) => tally.accepted += 1,
                Err(fault) if fault.is_structural() => return Err(fault.at("data_points", index)),
                Err(fault) => {
                    structure::check(point_type(kind), point).map_err(|e| Fault::from(e).at("data_points", index))?;
                    tally.reject(1, fault.at("data_points", index).inside(data_name(kind)));
                }
            }
            index += 1;
        }
        Ok(())
    }
}

mod field {
    //! Keys of the fields of `Metric` and of its data.
    use crate::protobuf::Key;

    pub(super) const NAME: Key = Key::delimited(1);
    pub(super) const DESCRIPTION: Key = Key::delimited(2);
    pub(super) const UNIT: Key = Key::delimited(3);
    pub(super) const GAUGE: Key = Key::delimited(5);
    pub(super) const SUM: Key = Key::delimited(7);
    pub(super) const HISTOGRAM: Key = Key::delimited(9);
    pub(super) const EXPONENTIAL: Key = Key::delimited(10);
    pub(super) const SUMMARY: Key = Key::delimited(11);

    /// `data_points` of every kind.
    pub(super) const DATA_POINTS: Key = Key::delimited(1);
    /// `aggregation_temporality` of sums and histograms.
    pub(super) const TEMPORALITY: Key = Key::varint(2);
    /// `is_monotonic` of sums.
    pub(super) const MONOTONIC: Key = Key::varint(3);
}

/// Fields 4, 6 and 8 held data of early versions and are reserved; 12 is `metadata`.
const METRIC_FIELDS: u32 = 0x0eae;

/// Reads what comes before the points; `None` for a metric without data, which is nothing.
fn read_metric<'a>(mut r: Reader<'a>, limits: &Limits) -> Result<Option<(MetricRef<'a>, Reader<'a>)>, Fault> {
    let (mut name, mut description, mut unit) = ("", "", "");
    let mut data = None;
    while let Some(key) = r.key()? {
        match key {
            field::NAME => name = text::field(r.delimited()?, limits, "name")?,
            field::DESCRIPTION => description = text::field(r.delimited()?, limits, "description")?,
            field::UNIT => unit = text::field(r.delimited()?, limits, "unit")?,
            field::GAUGE | field::SUM | field::HISTOGRAM | field::EXPONENTIAL | field::SUMMARY => {
                // Of several the last one counts; the others must be well-formed.
                if let Some((before, message)) = data.replace((key, r.message()?)) {
                    structure::check(data_type(before), message)?;
                }
            }
            _ => r.skip_unknown(key, METRIC_FIELDS)?,
        }
    }
    if name.is_empty() {
        return Err(Refusal::EmptyName.in_field("name"));
    }
    let Some((key, data)) = data else { return Ok(None) };
    let kind = read_kind(key, data)?;
    Ok(Some((MetricRef { name, description, unit, kind }, data)))
}

/// Reads what the data say about all of their points.
fn read_kind(data_field: Key, mut data: Reader<'_>) -> Result<MetricKind, Fault> {
    let known = match data_field {
        field::SUM => 0b1110,
        field::HISTOGRAM | field::EXPONENTIAL => 0b110,
        _ => 0b10,
    };
    let (mut temporality, mut monotonic) = (Temporality::Unspecified, false);
    while let Some(key) = data.key()? {
        match key {
            field::DATA_POINTS => drop(data.delimited()?),
            field::TEMPORALITY if known & 0b100 != 0 => {
                temporality = match data.uint()? {
                    1 => Temporality::Delta,
                    2 => Temporality::Cumulative,
                    _ => Temporality::Unspecified,
                }
            }
            field::MONOTONIC if known & 0b1000 != 0 => monotonic = data.uint()? != 0,
            _ => data.skip_unknown(key, known)?,
        }
    }
    Ok(match data_field {
        field::SUM => MetricKind::Sum { temporality, monotonic },
        field::HISTOGRAM => MetricKind::Histogram { temporality },
        field::EXPONENTIAL => MetricKind::ExponentialHistogram { temporality },
        field::SUMMARY => MetricKind::Summary,
        _ => MetricKind::Gauge,
    })
}

/// The name of the field that holds the data.
const fn data_name(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Gauge => "gauge",
        MetricKind::Sum { .. } => "sum",
        MetricKind::Histogram { .. } => "histogram",
        MetricKind::ExponentialHistogram { .. } => "exponential_histogram",
        MetricKind::Summary => "summary",
    }
}

/// The type of the data in this field of a metric.
const fn data_type(field: Key) -> &'static Message {
    match field {
        field::SUM => &schema::SUM,
        field::HISTOGRAM => &schema::HISTOGRAM,
        field::EXPONENTIAL => &schema::EXPONENTIAL_HISTOGRAM,
        field::SUMMARY => &schema::SUMMARY,
        _ => &schema::GAUGE,
    }
}

/// The type of the points.
const fn point_type(kind: MetricKind) -> &'static Message {
    match kind {
        MetricKind::Gauge | MetricKind::Sum { .. } => &schema::NUMBER_DATA_POINT,
        MetricKind::Histogram { .. } => &schema::HISTOGRAM_DATA_POINT,
        MetricKind::ExponentialHistogram { .. } => &schema::EXPONENTIAL_HISTOGRAM_DATA_POINT,
        MetricKind::Summary => &schema::SUMMARY_DATA_POINT,
    }
}
