//! What an exporter with a queue counts: sent, failed, not queued, and how full the queue is.

use std::sync::Arc;

use super::queue::{Limits, Queue};
use crate::meters::{BySignal, Meters, Reading, Sending, exporter};

/// The counters of one exporter.
#[derive(Clone)]
pub(super) struct Counts {
    id: String,
    pub(super) sending: Sending,
    pub(super) not_queued: BySignal,
}

impl Counts {
    /// Of the component `exporters.otlp/two`.
    pub(super) fn new(component: &str, meters: &Meters) -> Self {
        let id = component.strip_prefix("exporters.").unwrap_or(component).to_owned();
        let (sending, not_queued) = (Sending::new(&id, meters), exporter(&id, "enqueue_failed", meters));
        Self { id, sending, not_queued }
    }

    /// Shows how much waits, and how much may, in units of `sizer`, as long as the queue is open.
    pub(super) fn watch(&self, queue: &Arc<Queue>, limits: Limits, meters: &Meters) {
        let (queue, labels) = (Arc::downgrade(queue), vec![("exporter", self.id.clone())]);
        meters.watch(move || {
            let waiting = queue.upgrade()?.waiting();
            let (size, capacity) = match limits {
                Limits { items: u64::MAX, bytes: u64::MAX, requests, .. } => (waiting.requests, requests),
                Limits { bytes: u64::MAX, items, .. } => (waiting.items, items),
                Limits { bytes, .. } => (waiting.bytes, bytes),
            };
            Some(vec![
                Reading::gauge("otelcol_exporter_queue_size", labels.clone(), size),
                Reading::gauge("otelcol_exporter_queue_capacity", labels.clone(), capacity),
            ])
        });
    }
}
