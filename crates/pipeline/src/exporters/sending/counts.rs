//! What an exporter with a queue counts: sent, failed, not queued, and how full the queue is.

use std::sync::Arc;

use model::Signal;

use super::queue::{Limits, Queue};
use crate::meters::{Labels, Meters, Reading, things};

/// The counters of one exporter.
#[derive(Clone)]
pub(super) struct Counts {
    meters: Meters,
    labels: Labels,
}

impl Counts {
    /// Of the component `exporters.otlp/two`.
    pub(super) fn new(component: &str, meters: &Meters) -> Self {
        let id = component.strip_prefix("exporters.").unwrap_or(component);
        Self { meters: meters.clone(), labels: vec![("exporter", id.to_owned())] }
    }

    fn add(&self, what: &str, signal: Signal, items: u64) {
        self.meters.counter(format!("otelcol_exporter_{what}_{}", things(signal)), self.labels.clone()).add(items);
    }

    pub(super) fn sent(&self, signal: Signal, items: u64) {
        self.add("sent", signal, items);
    }

    pub(super) fn failed(&self, signal: Signal, items: u64) {
        self.add("send_failed", signal, items);
    }

    pub(super) fn not_queued(&self, signal: Signal, items: u64) {
        self.add("enqueue_failed", signal, items);
    }

    /// Shows how many requests wait, and how many may, as long as the queue is open.
    pub(super) fn watch(&self, queue: &Arc<Queue>, limits: Limits, meters: &Meters) {
        let (queue, labels) = (Arc::downgrade(queue), self.labels.clone());
        meters.watch(move || {
            let queue = queue.upgrade()?;
            let mut all = vec![Reading::gauge("otelcol_exporter_queue_size", labels.clone(), queue.len())];
            if limits.requests < u64::MAX {
                all.push(Reading::gauge("otelcol_exporter_queue_capacity", labels.clone(), limits.requests));
            }
            Some(all)
        });
    }
}
