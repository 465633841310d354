//! How large the batches are, and what made them go, under the Collector's names.

use crate::meters::{Counter, Meters};

/// Upper bounds of items.
const ITEMS: [u64; 16] =
    [10, 25, 50, 100, 250, 500, 1000, 2000, 4000, 6000, 8000, 10_000, 20_000, 30_000, 50_000, 100_000];
/// Upper bounds of bytes.
const BYTES: [u64; 10] =
    [1000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 50_000_000];

/// What makes a batch go before it could go on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// It has `send_batch_size`.
    Size,
    /// Its oldest request has waited for `timeout`.
    Time,
    /// The way is free, or the end has come.
    Free,
}

/// Counts batches of one processor.
pub(super) struct Sizes {
    items: Histogram,
    bytes: Histogram,
    by_size: Counter,
    by_time: Counter,
}

impl Sizes {
    /// Of the component `processors.batch/two`.
    pub(super) fn new(component: &str, meters: &Meters) -> Self {
        let id = component.strip_prefix("processors.").unwrap_or(component);
        let name = |what: &str| format!("otelcol_processor_batch_{what}");
        let counter = |what: &str| meters.counter(name(what), vec![("processor", id.to_owned())]);
        Self {
            items: Histogram::new(&name("batch_send_size"), &ITEMS, id, meters),
            bytes: Histogram::new(&name("batch_send_size_bytes"), &BYTES, id, meters),
            by_size: counter("batch_size_trigger_send"),
            by_time: counter("timeout_trigger_send"),
        }
    }

    pub(super) fn triggered(&self, by: Trigger) {
        match by {
            Trigger::Size => self.by_size.add(1),
            Trigger::Time => self.by_time.add(1),
            Trigger::Free => {}
        }
    }

    pub(super) fn sent(&self, items: usize, bytes: usize) {
        self.items.observe(items as u64);
        self.bytes.observe(bytes as u64);
    }
}

/// As Prometheus writes histograms: each bucket with those before it.
struct Histogram {
    buckets: Vec<(u64, Counter)>,
    sum: Counter,
    count: Counter,
}

impl Histogram {
    fn new(name: &str, bounds: &[u64], processor: &str, meters: &Meters) -> Self {
        let labels = || vec![("processor", processor.to_owned())];
        let bucket = |bound: u64, le: String| {
            let mut labels = labels();
            labels.push(("le", le));
            (bound, meters.counter(format!("{name}_bucket"), labels))
        };
        let mut buckets: Vec<_> = bounds.iter().map(|bound| bucket(*bound, bound.to_string())).collect();
        buckets.push(bucket(u64::MAX, "+Inf".to_owned()));
        let counter = |what: &str| meters.counter(format!("{name}_{what}"), labels());
        Self { buckets, sum: counter("sum"), count: counter("count") }
    }

    fn observe(&self, value: u64) {
        let from = self.buckets.partition_point(|(bound, _)| *bound < value);
        self.buckets[from..].iter().for_each(|(_, bucket)| bucket.add(1));
        self.sum.add(value);
        self.count.add(1);
    }
}
