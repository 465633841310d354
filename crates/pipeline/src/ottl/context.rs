//! What a statement is run on: a resource, a scope, or a record with both.

use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{
    Attributes, Event, Exemplar, ExponentialPoint, HistogramPoint, Link, LogRecord, Metric, NumberPoint, Resource,
    Scope, Span, SummaryPoint, Temporality, Text,
};

/// What kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Context {
    /// A resource.
    Resource,
    /// An instrumentation scope.
    Scope,
    /// A span.
    Span,
    /// An event of a span.
    SpanEvent,
    /// A link of a span.
    SpanLink,
    /// A metric.
    Metric,
    /// A point of a metric.
    DataPoint,
    /// An exemplar of a point.
    Exemplar,
    /// A log record.
    Log,
}

impl Context {
    /// As paths spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Span => "span",
            Self::SpanEvent => "spanevent",
            Self::SpanLink => "spanlink",
            Self::Metric => "metric",
            Self::DataPoint => "datapoint",
            Self::Exemplar => "exemplar",
            Self::Log => "log",
        }
    }

    /// The context of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        if name == "instrumentation_scope" {
            return Some(Self::Scope);
        }
        Signal::ALL.into_iter().flat_map(Self::of).copied().find(|c| c.name() == name)
    }

    /// The contexts of a signal, outermost first.
    pub const fn of(signal: Signal) -> &'static [Self] {
        match signal {
            Signal::Traces => &[Self::Resource, Self::Scope, Self::Span, Self::SpanEvent, Self::SpanLink],
            Signal::Metrics => &[Self::Resource, Self::Scope, Self::Metric, Self::DataPoint, Self::Exemplar],
            Signal::Logs => &[Self::Resource, Self::Scope, Self::Log],
        }
    }

    /// Whether paths of `other` can be read in this one: it is the same, or around it.
    pub const fn sees(self, other: Self) -> bool {
        match other {
            Self::Resource => true,
            Self::Scope => !matches!(self, Self::Resource),
            Self::Span => matches!(self, Self::Span | Self::SpanEvent | Self::SpanLink),
            Self::Metric => matches!(self, Self::Metric | Self::DataPoint | Self::Exemplar),
            Self::SpanEvent => matches!(self, Self::SpanEvent),
            Self::SpanLink => matches!(self, Self::SpanLink),
            Self::DataPoint => matches!(self, Self::DataPoint | Self::Exemplar),
            Self::Exemplar => matches!(self, Self::Exemplar),
            Self::Log => matches!(self, Self::Log),
        }
    }
}

/// The thing at hand, and what is around it.
pub struct Scene<'a> {
    /// Who sent it.
    pub resource: &'a mut Resource,
    /// What made it. In the context of resources a scope that says nothing.
    pub scope: &'a mut Scope,
    /// Of the conventions that the resource and the scope keep to.
    pub schema: Schema<'a>,
    /// The record, if the context has one.
    pub item: Item<'a>,
    /// The memory that statements share while they are at one thing.
    pub cache: &'a mut Attributes,
    /// Metrics that statements made; they become neighbours of the one at hand.
    pub made: &'a mut Vec<Metric>,
    /// The time, in nanoseconds since 1970.
    pub now: i64,
}

/// The URLs of the schemas that attributes keep to.
pub struct Schema<'a> {
    /// Of the resource's attributes.
    pub resource: &'a mut Text,
    /// Of the records' attributes.
    pub scope: &'a mut Text,
}

/// A record.
pub enum Item<'a> {
    /// There is none in the contexts of resources and scopes.
    None,
    /// A span.
    Span(&'a mut Span),
    /// An event; its span has none of its events meanwhile.
    Event {
        /// Of which span.
        span: &'a mut Span,
        /// The event.
        event: &'a mut Event,
        /// Which of the span's.
        index: usize,
    },
    /// A link; its span has none of its links meanwhile.
    Link {
        /// Of which span.
        span: &'a mut Span,
        /// The link.
        link: &'a mut Link,
    },
    /// A log record.
    Log(&'a mut LogRecord),
    /// A metric.
    Metric(&'a mut Metric),
    /// A point; its metric has no data meanwhile.
    Point {
        /// Of which metric.
        metric: &'a mut Metric,
        /// What the points of the metric have in common.
        head: &'a mut PointHead,
        /// The point.
        point: Point<'a>,
    },
    /// An exemplar; its point has none of its exemplars meanwhile.
    Exemplar {
        /// Of which metric.
        metric: &'a mut Metric,
        /// What the points of the metric have in common.
        head: &'a mut PointHead,
        /// Of which point.
        point: Point<'a>,
        /// The exemplar.
        exemplar: &'a mut Exemplar,
    },
}

/// What the points of a metric have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PointHead {
    /// `METRIC_DATA_TYPE_*`.
    pub kind: i64,
    /// Since when they count.
    pub temporality: Option<Temporality>,
    /// Of a sum: whether it only rises.
    pub monotonic: bool,
}

/// A point of any kind.
pub enum Point<'a> {
    /// Of a gauge or sum.
    Number(&'a mut NumberPoint),
    /// Of a histogram.
    Histogram(&'a mut HistogramPoint),
    /// Of an exponential histogram.
    Exponential(&'a mut ExponentialPoint),
    /// Of a summary.
    Summary(&'a mut SummaryPoint),
}

impl Point<'_> {
    /// The same point, borrowed anew.
    pub fn again(&mut self) -> Point<'_> {
        match self {
            Self::Number(p) => Point::Number(p),
            Self::Histogram(p) => Point::Histogram(p),
            Self::Exponential(p) => Point::Exponential(p),
            Self::Summary(p) => Point::Summary(p),
        }
    }

    /// Its exemplars; `None` for a summary, which has none.
    pub const fn exemplars_mut(&mut self) -> Option<&mut Vec<Exemplar>> {
        match self {
            Self::Number(p) => Some(&mut p.exemplars),
            Self::Histogram(p) => Some(&mut p.exemplars),
            Self::Exponential(p) => Some(&mut p.exemplars),
            Self::Summary(_) => None,
        }
    }

    pub(super) fn exemplars(&self) -> &[Exemplar] {
        match self {
            Self::Number(p) => &p.exemplars,
            Self::Histogram(p) => &p.exemplars,
            Self::Exponential(p) => &p.exemplars,
            Self::Summary(_) => &[],
        }
    }

    /// Which series it is of.
    pub const fn attributes(&self) -> &Attributes {
        match self {
            Self::Number(p) => &p.attributes,
            Self::Histogram(p) => &p.attributes,
            Self::Exponential(p) => &p.attributes,
            Self::Summary(p) => &p.attributes,
        }
    }

    pub(super) const fn attributes_mut(&mut self) -> &mut Attributes {
        match self {
            Self::Number(p) => &mut p.attributes,
            Self::Histogram(p) => &mut p.attributes,
            Self::Exponential(p) => &mut p.attributes,
            Self::Summary(p) => &mut p.attributes,
        }
    }
}
