//! What a query cost, in the shape of Prometheus's `stats` parameter.
//!
//! Source: Prometheus, `util/stats`, `QueryStats`. Times are seconds.

use std::time::Duration;

use promql::eval::Output;
use query::metrics::Timings;
use serde_json::json;

/// What one query cost.
pub(super) struct QueryStats<'a> {
    /// How long it waited for its slot.
    pub(super) queued: Duration,
    pub(super) timings: Timings,
    pub(super) output: &'a Output,
}

impl QueryStats<'_> {
    /// The statistics as JSON.
    pub(super) fn json(&self) -> Vec<u8> {
        let Timings { preparation, evaluation } = self.timings;
        let total = preparation + evaluation;
        json!({
            "timings": {
                "evalTotalTime": total.as_secs_f64(),
                // Results come sorted out of the evaluation, which does not tell the two apart.
                "resultSortTime": 0.0,
                "queryPreparationTime": preparation.as_secs_f64(),
                "innerEvalTime": evaluation.as_secs_f64(),
                "execQueueTime": self.queued.as_secs_f64(),
                "execTotalTime": (self.queued + total).as_secs_f64(),
            },
            "samples": {
                "totalQueryableSamples": self.output.samples_loaded,
                "peakSamples": self.output.samples_loaded,
            },
        })
        .to_string()
        .into_bytes()
    }
}
