//! What a query cost, in the shape of Prometheus's `stats` parameter.
//!
//! Source: Prometheus, `util/stats`, `QueryStats`. Times are seconds. Of a sample that several steps look at each look
//! counts. `peakSamples` depends on how an engine works: it is what this one held, in units of a sample.

use std::time::Duration;

use promql::eval::Output;
use query::metrics::Timings;
use serde_json::{Value, json};

/// What one query cost.
pub(super) struct QueryStats<'a> {
    /// How long it waited for its slot.
    pub(super) queued: Duration,
    pub(super) timings: Timings,
    pub(super) output: &'a Output,
    /// The first step and what lies between two, when each step is told.
    pub(super) per_step: Option<(i64, i64)>,
}

impl QueryStats<'_> {
    /// The statistics as JSON.
    pub(super) fn json(&self) -> Vec<u8> {
        let Timings { preparation, evaluation } = self.timings;
        let total = preparation + evaluation;
        let counts = self.output.samples_per_step.as_deref().unwrap_or_default();
        let mut samples = json!({
            "totalQueryableSamples": counts.iter().sum::<u64>(),
            "peakSamples": self.output.peak_samples(),
        });
        if let Some((start_ms, step_ms)) = self.per_step {
            let times = (0..).map(|step| seconds(start_ms + step * step_ms));
            samples["totalQueryableSamplesPerStep"] = times.zip(counts).map(|(t, n)| json!([t, n])).collect();
        }
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
            "samples": samples,
        })
        .to_string()
        .into_bytes()
    }
}

/// Without a fraction where there is none, as Go writes them.
fn seconds(ms: i64) -> Value {
    if ms % 1000 == 0 { json!(ms / 1000) } else { json!(ms as f64 / 1000.0) }
}
