//! Metrics that a receiver measured at one moment, put together name by name.

use std::collections::BTreeMap;

use foundation::UnixNanos;
use model::Signal;
use serde::{Deserialize, Serialize};
use wire::otlp::tree::{
    Attributes, Data, Metric, Metrics, Number, NumberPoint, OfResource, OfScope, Resource, Scope, Temporality, Text,
};

use crate::telemetry::Telemetry;

/// `metrics: {name: {enabled: true}}`
pub(super) type Choice = BTreeMap<String, Chosen>;

/// What is said of one metric.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Chosen {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// Metrics of one moment.
pub(super) struct Measures<'c> {
    tree: Metrics,
    /// The metrics of the last resource, by name.
    places: BTreeMap<&'static str, usize>,
    scope: &'static str,
    choice: &'c Choice,
    now: u64,
    /// Since when sums count.
    start: u64,
}

fn nanos(t: UnixNanos) -> u64 {
    u64::try_from(t.0).unwrap_or(0)
}

impl<'c> Measures<'c> {
    pub(super) fn new(scope: &'static str, choice: &'c Choice, now: UnixNanos, start: UnixNanos) -> Self {
        let mut measures = Self {
            tree: Metrics::default(),
            places: BTreeMap::new(),
            scope,
            choice,
            now: nanos(now),
            start: nanos(start),
        };
        measures.resource([]);
        measures
    }

    /// What is measured from here on is of this resource.
    pub(super) fn resource<const N: usize>(&mut self, attributes: [(&str, String); N]) {
        self.resource_of(attributes.into_iter().collect());
    }

    pub(super) fn resource_of(&mut self, attributes: Attributes) {
        self.places.clear();
        let scope = OfScope {
            scope: Scope {
                name: Text::new(self.scope),
                version: Text::new(env!("CARGO_PKG_VERSION")),
                ..Scope::default()
            },
            ..OfScope::default()
        };
        let resource = Resource { attributes, ..Resource::default() };
        self.tree.resources.push(OfResource { resource, scopes: vec![scope], ..OfResource::default() });
    }

    /// Sums count from here on, for what began at another time.
    pub(super) fn since(&mut self, start: UnixNanos) {
        self.start = nanos(start);
    }

    /// Whether a metric is wanted.
    pub(super) fn wants(&self, name: &str, otherwise: bool) -> bool {
        self.choice.get(name).and_then(|c| c.enabled).unwrap_or(otherwise)
    }

    /// A value of this moment.
    pub(super) fn gauge(
        &mut self,
        name: &'static str,
        unit: &'static str,
        value: impl Into<Value>,
        attributes: &[(&str, &str)],
    ) {
        if self.wants(name, true) {
            self.push(name, unit, value.into().0, attributes, || Data::Gauge(Vec::new()));
        }
    }

    /// A sum that only rises.
    pub(super) fn counter(
        &mut self,
        name: &'static str,
        unit: &'static str,
        value: impl Into<Value>,
        attributes: &[(&str, &str)],
    ) {
        if self.wants(name, true) {
            self.push(name, unit, value.into().0, attributes, || sum(true));
        }
    }

    /// A sum that falls too.
    pub(super) fn level(
        &mut self,
        name: &'static str,
        unit: &'static str,
        value: impl Into<Value>,
        attributes: &[(&str, &str)],
    ) {
        if self.wants(name, true) {
            self.push(name, unit, value.into().0, attributes, || sum(false));
        }
    }

    fn push(
        &mut self,
        name: &'static str,
        unit: &'static str,
        value: Number,
        attributes: &[(&str, &str)],
        data: impl FnOnce() -> Data,
    ) {
        let Some(scope) = self.tree.resources.last_mut().and_then(|r| r.scopes.last_mut()) else { return };
        let at = *self.places.entry(name).or_insert_with(|| {
            scope.records.push(Metric {
                name: Text::new(name),
                unit: Text::new(unit),
                data: data(),
                ..Metric::default()
            });
            scope.records.len() - 1
        });
        let point = |start| NumberPoint {
            attributes: attributes.iter().copied().collect(),
            start_time_unix_nano: start,
            time_unix_nano: self.now,
            value: Some(value),
            ..NumberPoint::default()
        };
        match scope.records.get_mut(at).map(|m| &mut m.data) {
            Some(Data::Gauge(points)) => points.push(point(0)),
            Some(Data::Sum { points, .. }) => points.push(point(self.start)),
            _ => {}
        }
    }

    /// A request of what was measured; `None` when nothing was.
    pub(super) fn into_telemetry(mut self) -> Option<Telemetry> {
        self.tree.resources.retain(|r| r.scopes.iter().any(|s| !s.records.is_empty()));
        (!self.tree.resources.is_empty()).then(|| Telemetry::new(Signal::Metrics, self.tree.encode()))
    }
}

fn sum(monotonic: bool) -> Data {
    Data::Sum { points: Vec::new(), temporality: Temporality::CUMULATIVE, monotonic }
}

/// A number of any type.
pub(super) struct Value(Number);

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self(Number::Double(v))
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self(Number::Int(v))
    }
}

impl From<u64> for Value {
    fn from(v: u64) -> Self {
        Self(Number::Int(i64::try_from(v).unwrap_or(i64::MAX)))
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self(Number::Int(v.into()))
    }
}
