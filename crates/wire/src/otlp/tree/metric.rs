//! `Metric` and what kinds of data it can hold.

use super::point::{ExponentialPoint, HistogramPoint, NumberPoint, SummaryPoint};
use super::read::{LEN, VARINT, text};
use super::{Attributes, Record, Shape, Text, w_enum, w_text, w_uint};
use crate::protobuf::{Backward, Key, Malformed, Reader};

/// A metric: points of one name and kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metric {
    /// Its name.
    pub name: Text,
    /// What it means.
    pub description: Text,
    /// Its unit in UCUM.
    pub unit: Text,
    /// Its points.
    pub data: Data,
    /// More about the metric, not about points.
    pub metadata: Attributes,
}

/// The points of a metric, by kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Data {
    /// None were sent, or a kind that this version does not know.
    #[default]
    None,
    /// Values of a moment.
    Gauge(Vec<NumberPoint>),
    /// Sums.
    Sum {
        /// The points.
        points: Vec<NumberPoint>,
        /// Since when.
        temporality: Temporality,
        /// Whether it only rises.
        monotonic: bool,
    },
    /// Histograms with bounds.
    Histogram {
        /// The points.
        points: Vec<HistogramPoint>,
        /// Since when.
        temporality: Temporality,
    },
    /// Histograms with exponential buckets.
    Exponential {
        /// The points.
        points: Vec<ExponentialPoint>,
        /// Since when.
        temporality: Temporality,
    },
    /// Quantiles made by the sender.
    Summary(Vec<SummaryPoint>),
}

/// What a sum or histogram is counted from: an `AggregationTemporality`, also unknown ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Temporality(pub i32);

impl Temporality {
    /// Not said.
    pub const UNSPECIFIED: Self = Self(0);
    /// Since the point before.
    pub const DELTA: Self = Self(1);
    /// Since a fixed start.
    pub const CUMULATIVE: Self = Self(2);
}

impl Data {
    /// How many points there are.
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Gauge(points) | Self::Sum { points, .. } => points.len(),
            Self::Histogram { points, .. } => points.len(),
            Self::Exponential { points, .. } => points.len(),
            Self::Summary(points) => points.len(),
        }
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The attributes of each point.
    pub fn attributes_mut(&mut self) -> Vec<&mut Attributes> {
        match self {
            Self::None => Vec::new(),
            Self::Gauge(points) | Self::Sum { points, .. } => points.iter_mut().map(|p| &mut p.attributes).collect(),
            Self::Histogram { points, .. } => points.iter_mut().map(|p| &mut p.attributes).collect(),
            Self::Exponential { points, .. } => points.iter_mut().map(|p| &mut p.attributes).collect(),
            Self::Summary(points) => points.iter_mut().map(|p| &mut p.attributes).collect(),
        }
    }

    /// Since when the points count; `None` for kinds that have no temporality.
    pub const fn temporality(&self) -> Option<Temporality> {
        match self {
            Self::Sum { temporality, .. }
            | Self::Histogram { temporality, .. }
            | Self::Exponential { temporality, .. } => Some(*temporality),
            _ => None,
        }
    }

    fn read(key: Key, mut r: Reader<'_>) -> Result<Self, Malformed> {
        let (mut temporality, mut monotonic) = (Temporality::default(), false);
        let mut out = match key.field() {
            5 => Self::Gauge(Vec::new()),
            7 => Self::Sum { points: Vec::new(), temporality, monotonic },
            9 => Self::Histogram { points: Vec::new(), temporality },
            10 => Self::Exponential { points: Vec::new(), temporality },
            _ => Self::Summary(Vec::new()),
        };
        let known = match out {
            Self::Gauge(_) | Self::Summary(_) => 0b10,
            Self::Sum { .. } => 0b1110,
            _ => 0b110,
        };
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => match &mut out {
                    Self::None => {}
                    Self::Gauge(points) | Self::Sum { points, .. } => points.push(NumberPoint::read(r.message()?)?),
                    Self::Histogram { points, .. } => points.push(HistogramPoint::read(r.message()?)?),
                    Self::Exponential { points, .. } => points.push(ExponentialPoint::read(r.message()?)?),
                    Self::Summary(points) => points.push(SummaryPoint::read(r.message()?)?),
                },
                (2, VARINT) if known & 0b100 != 0 => temporality = Temporality(r.uint()? as i32),
                (3, VARINT) if known & 0b1000 != 0 => monotonic = r.uint()? != 0,
                _ => r.skip_unknown(key, known)?,
            }
        }
        match &mut out {
            Self::Sum { temporality: t, monotonic: m, .. } => (*t, *m) = (temporality, monotonic),
            Self::Histogram { temporality: t, .. } | Self::Exponential { temporality: t, .. } => *t = temporality,
            _ => {}
        }
        Ok(out)
    }

    fn encode(&self, w: &mut Backward) {
        let end = w.mark();
        let field = match self {
            Self::None => return,
            Self::Gauge(points) => {
                w_points(w, points, NumberPoint::encode);
                5
            }
            Self::Sum { points, temporality, monotonic } => {
                w_uint(w, 3, u32::from(*monotonic));
                w_enum(w, 2, temporality.0);
                w_points(w, points, NumberPoint::encode);
                7
            }
            Self::Histogram { points, temporality } => {
                w_enum(w, 2, temporality.0);
                w_points(w, points, HistogramPoint::encode);
                9
            }
            Self::Exponential { points, temporality } => {
                w_enum(w, 2, temporality.0);
                w_points(w, points, ExponentialPoint::encode);
                10
            }
            Self::Summary(points) => {
                w_points(w, points, SummaryPoint::encode);
                11
            }
        };
        w.message(field, end);
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Gauge(points) | Self::Sum { points, .. } => points.iter().map(NumberPoint::heap_bytes).sum(),
            Self::Histogram { points, .. } => points.iter().map(HistogramPoint::heap_bytes).sum(),
            Self::Exponential { points, .. } => points.iter().map(ExponentialPoint::heap_bytes).sum(),
            Self::Summary(points) => points.iter().map(SummaryPoint::heap_bytes).sum(),
        }
    }
}

fn w_points<P>(w: &mut Backward, points: &[P], encode: fn(&P, &mut Backward)) {
    for point in points.iter().rev() {
        let end = w.mark();
        encode(point, w);
        w.message(1, end);
    }
}

impl Record for Metric {
    const PATH: [&'static str; 3] = ["resource_metrics", "scope_metrics", "metrics"];

    fn decode(mut r: Reader<'_>, _: &mut Shape) -> Result<Self, Malformed> {
        let mut m = Self::default();
        while let Some(key) = r.key()? {
            match (key.field(), key.wire_type()) {
                (1, LEN) => m.name = text(&mut r)?,
                (2, LEN) => m.description = text(&mut r)?,
                (3, LEN) => m.unit = text(&mut r)?,
                (5 | 7 | 9 | 10 | 11, LEN) => m.data = Data::read(key, r.message()?)?,
                (12, LEN) => m.metadata.read(r.message()?, 0)?,
                _ => r.skip_unknown(key, 0b1110_1010_1110)?,
            }
        }
        Ok(m)
    }

    fn encode(&self, w: &mut Backward) {
        self.metadata.encode(w, 12);
        self.data.encode(w);
        w_text(w, 3, &self.unit);
        w_text(w, 2, &self.description);
        w_text(w, 1, &self.name);
    }

    fn items(&self) -> usize {
        self.data.len()
    }

    fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.description.len() + self.metadata.heap_bytes() + self.data.heap_bytes()
    }
}
