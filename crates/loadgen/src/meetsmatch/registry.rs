//! The metrics of one process: what an SDK's meter provider holds between two exports.
//!
//! Source: OpenTelemetry metrics SDK specification, "Exemplar reservoirs"
//! (histograms keep the newest exemplar per bucket) and the data model's
//! temporality rules. Points are exported in the order of instrument name and
//! labels, so that the bytes do not depend on hashing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foundation::UnixNanos;
use wire::protobuf::Writer;

use crate::otlp::{self, RECORD, Scope};

/// What an instrument measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// A monotonic sum.
    Counter,
    /// A sum that also falls; always cumulative.
    UpDownCounter,
    /// The last value.
    Gauge,
    /// An explicit-bucket histogram with these bounds.
    Histogram(&'static [f64]),
}

/// A metric as the application defines it.
#[derive(Debug, PartialEq)]
pub struct Instrument {
    /// The metric's name.
    pub name: &'static str,
    /// UCUM unit; empty for none.
    pub unit: &'static str,
    /// What it counts.
    pub description: &'static str,
    /// What kind of metric.
    pub shape: Shape,
}

/// A label value; numbers are sent as numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// Text.
    Str(Cow<'static, str>),
    /// A number.
    Int(i64),
}

impl From<&'static str> for Label {
    fn from(v: &'static str) -> Self {
        Self::Str(Cow::Borrowed(v))
    }
}
impl From<String> for Label {
    fn from(v: String) -> Self {
        Self::Str(Cow::Owned(v))
    }
}
impl From<i64> for Label {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

/// The attributes of a point, in the order in which they are sent.
pub type Labels = Vec<(&'static str, Label)>;

/// `labels!["key" => value, ...]`: [`Labels`].
macro_rules! labels {
    ($($key:expr => $value:expr),* $(,)?) => {
        vec![$(($key, $crate::meetsmatch::registry::Label::from($value))),*]
    };
}
pub(super) use labels;

/// The span in which a value was recorded.
pub type Context = ([u8; 16], [u8; 8]);

#[derive(Debug)]
struct Exemplar {
    time: UnixNanos,
    value: f64,
    context: Context,
}

#[derive(Debug, Default)]
struct Point {
    value: f64,
    count: u64,
    min_max: Option<(f64, f64)>,
    buckets: Vec<u64>,
    exemplars: BTreeMap<usize, Exemplar>,
}

#[derive(Debug)]
struct Family {
    scope: Scope,
    instrument: &'static Instrument,
    points: BTreeMap<Labels, Point>,
}

/// All metrics of one process.
#[derive(Debug)]
pub struct Registry {
    delta: bool,
    start: UnixNanos,
    families: BTreeMap<&'static str, Family>,
}

impl Registry {
    /// No points yet; counting begins at `start`. With `delta`, sums and histograms start again after every export.
    pub fn new(delta: bool, start: UnixNanos) -> Self {
        Self { delta, start, families: BTreeMap::new() }
    }

    fn point(&mut self, scope: Scope, instrument: &'static Instrument, labels: Labels) -> &mut Point {
        let family = self.families.entry(instrument.name).or_insert_with(|| Family {
            scope,
            instrument,
            points: BTreeMap::new(),
        });
        family.points.entry(labels).or_default()
    }

    /// Adds to a counter or up-down counter; `add(.., 0.0)` makes the series exist.
    pub fn add(&mut self, scope: Scope, instrument: &'static Instrument, labels: Labels, by: f64) {
        self.point(scope, instrument, labels).value += by;
    }

    /// Sets a gauge, or a counter that is observed rather than counted.
    pub fn set(&mut self, scope: Scope, instrument: &'static Instrument, labels: Labels, to: f64) {
        self.point(scope, instrument, labels).value = to;
    }

    /// Records a value into a histogram; ignored for other shapes.
    pub fn record(
        &mut self,
        scope: Scope,
        instrument: &'static Instrument,
        labels: Labels,
        value: f64,
        time: UnixNanos,
        context: Option<Context>,
    ) {
        let Shape::Histogram(bounds) = instrument.shape else { return };
        let point = self.point(scope, instrument, labels);
        point.buckets.resize(bounds.len() + 1, 0);
        let bucket = bounds.partition_point(|&b| b < value);
        point.buckets[bucket] += 1;
        point.count += 1;
        point.value += value;
        point.min_max = Some(point.min_max.map_or((value, value), |(lo, hi)| (lo.min(value), hi.max(value))));
        if let Some(context) = context {
            point.exemplars.insert(bucket, Exemplar { time, value, context });
        }
    }

    /// Encodes all points as of `now` into scope groups, with the number of points; then starts a new interval.
    pub fn collect(&mut self, now: UnixNanos) -> (Vec<(Scope, Vec<u8>)>, usize) {
        let mut scopes: BTreeMap<Scope, Writer> = BTreeMap::new();
        let mut points = 0;
        for family in self.families.values_mut() {
            if family.points.is_empty() {
                continue;
            }
            points += family.points.len();
            let w = scopes.entry(family.scope).or_default();
            metric(w, family, self.delta, self.start, now);
            for point in family.points.values_mut() {
                point.exemplars.clear();
            }
            if self.delta && matches!(family.instrument.shape, Shape::Counter | Shape::Histogram(_)) {
                family.points.clear();
            }
        }
        if self.delta {
            self.start = now;
        }
        (scopes.into_iter().map(|(scope, w)| (scope, w.into_bytes())).collect(), points)
    }
}

fn metric(w: &mut Writer, family: &Family, delta: bool, start: UnixNanos, now: UnixNanos) {
    let temporality = if delta { 1 } else { 2 };
    w.message(RECORD, |w| {
        w.string(1, family.instrument.name);
        w.string(2, family.instrument.description);
        w.string(3, family.instrument.unit);
        match family.instrument.shape {
            Shape::Gauge => w.message(5, |w| numbers(w, family, None, now)),
            Shape::Counter => w.message(7, |w| {
                numbers(w, family, Some(start), now);
                w.uint(2, temporality);
                w.uint(3, 1);
            }),
            Shape::UpDownCounter => w.message(7, |w| {
                numbers(w, family, Some(start), now);
                w.uint(2, 2);
            }),
            Shape::Histogram(bounds) => w.message(9, |w| {
                for (labels, point) in &family.points {
                    histogram(w, labels, point, bounds, start, now);
                }
                w.uint(2, temporality);
            }),
        }
    });
}

fn numbers(w: &mut Writer, family: &Family, start: Option<UnixNanos>, now: UnixNanos) {
    for (labels, point) in &family.points {
        w.message(1, |w| {
            if let Some(start) = start {
                w.fixed64(2, start.0 as u64);
            }
            w.fixed64(3, now.0 as u64);
            // Only times are fractional; everything else is an integer instrument.
            if family.instrument.unit == "s" {
                w.double(4, point.value);
            } else {
                w.fixed64(6, point.value.round() as i64 as u64);
            }
            label_fields(w, 7, labels);
        });
    }
}

fn histogram(w: &mut Writer, labels: &Labels, point: &Point, bounds: &[f64], start: UnixNanos, now: UnixNanos) {
    w.message(1, |w| {
        w.fixed64(2, start.0 as u64);
        w.fixed64(3, now.0 as u64);
        w.fixed64(4, point.count);
        w.double(5, point.value);
        let counts: Vec<u8> = point.buckets.iter().flat_map(|n| n.to_le_bytes()).collect();
        w.bytes(6, &counts);
        let bounds: Vec<u8> = bounds.iter().flat_map(|b| b.to_le_bytes()).collect();
        w.bytes(7, &bounds);
        for exemplar in point.exemplars.values() {
            w.message(8, |w| {
                w.fixed64(2, exemplar.time.0 as u64);
                w.double(3, exemplar.value);
                w.bytes(4, &exemplar.context.1);
                w.bytes(5, &exemplar.context.0);
            });
        }
        label_fields(w, 9, labels);
        if let Some((min, max)) = point.min_max {
            w.double(11, min);
            w.double(12, max);
        }
    });
}

fn label_fields(w: &mut Writer, field: u32, labels: &Labels) {
    for (key, value) in labels {
        match value {
            Label::Str(v) => otlp::string_attribute(w, field, key, v),
            Label::Int(v) => otlp::int_attribute(w, field, key, *v),
        }
    }
}
