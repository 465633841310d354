//! What components count, under the names of the Collector's own telemetry.
//!
//! Counters are made once and added to; what a component counts by itself is asked for when somebody looks, as long as the component
//! is there. Counters of a component go on over a reload. Source of the names: OpenTelemetry Collector, "Internal telemetry"; what the Collector
//! does not count begins with `bellrock_`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::Signal;
use parking_lot::Mutex;

/// Labels, in the order in which they are written.
pub type Labels = Vec<(&'static str, String)>;

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is as it is.
    Gauge,
}

/// One number of a component.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// `otelcol_receiver_accepted_spans`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Which component, and what of it.
    pub labels: Labels,
    /// How much.
    pub value: f64,
}

impl Reading {
    /// A counter.
    pub fn counter(name: impl Into<String>, labels: Labels, value: u64) -> Self {
        Self { name: name.into(), kind: Kind::Counter, labels, value: value as f64 }
    }

    /// A gauge.
    pub fn gauge(name: impl Into<String>, labels: Labels, value: u64) -> Self {
        Self { name: name.into(), kind: Kind::Gauge, labels, value: value as f64 }
    }
}

/// A number that grows; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
}

/// A counter for each signal.
#[derive(Debug, Clone)]
pub struct BySignal([Counter; 3]);

impl BySignal {
    /// Adds.
    pub fn add(&self, signal: Signal, n: u64) {
        self.0[signal.index()].add(n);
    }
}

/// Asks a component for its numbers; `None` when it is gone.
type Source = Box<dyn Fn() -> Option<Vec<Reading>> + Send + Sync>;

/// Everything that is counted; clones share it.
#[derive(Clone, Default)]
pub struct Meters(Arc<Inner>);

#[derive(Default)]
struct Inner {
    counters: Mutex<BTreeMap<(String, Labels), Counter>>,
    sources: Mutex<Vec<Source>>,
}

impl Meters {
    /// The counter with this name and these labels, new or known.
    pub fn counter(&self, name: impl Into<String>, labels: Labels) -> Counter {
        self.0.counters.lock().entry((name.into(), labels)).or_default().clone()
    }

    /// The counters of each signal, whose names and labels `of` gives.
    pub fn by_signal(&self, of: impl Fn(Signal) -> (String, Labels)) -> BySignal {
        BySignal(Signal::ALL.map(|signal| {
            let (name, labels) = of(signal);
            self.counter(name, labels)
        }))
    }

    /// Asks `source` whenever somebody looks, until it says `None`.
    pub fn watch(&self, source: impl Fn() -> Option<Vec<Reading>> + Send + Sync + 'static) {
        self.0.sources.lock().push(Box::new(source));
    }

    /// All numbers, by name and labels. Those of several with the same name and labels (a component in several pipelines) are added up.
    pub fn readings(&self) -> Vec<Reading> {
        let mut all: BTreeMap<(String, Labels), (Kind, f64)> = BTreeMap::new();
        for ((name, labels), counter) in &*self.0.counters.lock() {
            let value = counter.0.load(Ordering::Relaxed) as f64;
            all.insert((name.clone(), labels.clone()), (Kind::Counter, value));
        }
        self.0.sources.lock().retain(|source| {
            let Some(readings) = source() else { return false };
            for r in readings {
                all.entry((r.name, r.labels)).or_insert((r.kind, 0.0)).1 += r.value;
            }
            true
        });
        let reading = |((name, labels), (kind, value))| Reading { name, kind, labels, value };
        all.into_iter().map(reading).collect()
    }
}

/// What an exporter has sent, and what it could not send.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    pub(crate) sent: BySignal,
    pub(crate) failed: BySignal,
}

impl Sending {
    /// Of the exporter `otlp/two`.
    pub(crate) fn new(id: &str, meters: &Meters) -> Self {
        let of = |what: &str| exporter(id, what, meters);
        Self { sent: of("sent"), failed: of("send_failed") }
    }
}

/// `otelcol_exporter_<what>_spans` and its like.
pub(crate) fn exporter(id: &str, what: &str, meters: &Meters) -> BySignal {
    meters.by_signal(|s| (format!("otelcol_exporter_{what}_{}", things(s)), vec![("exporter", id.to_owned())]))
}

/// What the things of a signal are called in names.
pub const fn things(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "spans",
        Signal::Metrics => "metric_points",
        Signal::Logs => "log_records",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_shared_and_sources_are_asked() {
        let meters = Meters::default();
        let of = |component: &str| vec![("receiver", component.to_owned())];
        meters.counter("accepted", of("otlp")).add(2);
        meters.counter("accepted", of("otlp")).add(3);
        meters.counter("accepted", of("zipkin")).add(1);
        let component = Arc::new(7);
        for _ in 0..2 {
            let weak = Arc::downgrade(&component);
            meters.watch(move || Some(vec![Reading::gauge("size", vec![], *weak.upgrade()?)]));
        }
        let shown = || meters.readings().into_iter().map(|r| (r.name, r.value)).collect::<Vec<_>>();
        let counted = [("accepted".to_owned(), 5.0), ("accepted".to_owned(), 1.0)];
        assert_eq!(shown(), [&counted[..], &[("size".to_owned(), 14.0)]].concat());
        drop(component);
        assert_eq!(shown(), counted, "it is gone");
    }
}
