//! Metrics of what is derived from spans, its limits above all.

use super::Text;
use crate::app::App;

pub(super) fn derived(app: &App, text: &mut Text) {
    let s = app.derived.stats();
    let mut one = |name: &str, kind: &str, help: &str, value: f64| text.family(name, kind, help, &[("", value)]);
    one("bellrock_derived_spans_total", "counter", "Spans that metrics were derived from.", s.spans as f64);
    one("bellrock_derived_seconds_total", "counter", "Time spent on deriving.", s.nanos as f64 / 1e9);
    one("bellrock_derived_queue_batches", "gauge", "Batches of spans that wait to be looked at.", s.queued as f64);
    one("bellrock_derived_samples_total", "counter", "Derived samples stored.", s.samples as f64);
    one(
        "bellrock_derived_samples_refused_total",
        "counter",
        "Derived samples that were not stored.",
        s.samples_refused as f64,
    );
    one("bellrock_derived_checkpoints_total", "counter", "Checkpoints of derived state.", s.checkpoints as f64);
    one("bellrock_derived_checkpoint_bytes", "gauge", "Size of the last checkpoint.", s.checkpoint_bytes as f64);
    one("bellrock_derived_halves_waiting", "gauge", "Sides of calls that wait for the other.", s.halves_waiting as f64);
    one(
        "bellrock_derived_halves_dropped_total",
        "counter",
        "Sides of calls that there was no room for.",
        s.halves_dropped as f64,
    );
    one(
        "bellrock_derived_halves_unpaired_total",
        "counter",
        "Sides of calls whose other side did not come.",
        s.halves_unpaired as f64,
    );
    one(
        "bellrock_derived_rejected_overflow_total",
        "counter",
        "Spans that samplers rejected in groups beyond the limits, left out of objectives.",
        s.rejected_overflow as f64,
    );
    let of = |spans: u64, edges: u64, groups: u64| {
        [
            ("{kind=\"span_series\"}", spans as f64),
            ("{kind=\"edges\"}", edges as f64),
            ("{kind=\"error_groups\"}", groups as f64),
        ]
    };
    text.family(
        "bellrock_derived_items",
        "gauge",
        "Series of span metrics, edges of the service graph, error groups.",
        &of(s.span_series, s.edges, s.error_groups),
    );
    text.family(
        "bellrock_derived_items_limit",
        "gauge",
        "How many there may be.",
        &of(s.span_series_max, s.edges_max, s.error_groups_max),
    );
    text.family(
        "bellrock_derived_overflow_total",
        "counter",
        "Spans, requests, exceptions beyond the limits: counted in overflow series, or left out.",
        &of(s.span_overflow, s.edge_overflow, s.error_overflow),
    );
}
