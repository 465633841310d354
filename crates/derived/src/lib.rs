//! Floor 4: what is derived from every span at ingest, before any sampling.
//!
//! Four pure state machines look at the columns of each batch that is logged:
//! `span_metrics` (rate, errors, durations per operation), `service_graph`
//! (who calls whom), `errors` (groups of exceptions) and `rejected` (what objectives count of spans that samplers reject). [`Derived`] feeds them
//! in log order on a thread of its own, writes their totals to the metrics
//! engine at every step as cumulative series, and keeps their state in a
//! checkpoint that is replaced together with the log's generation
//! (`docs/formats/derived.md`, ADR 0022).
//!
//! *Invariant:* the state is a function of the log alone: the same batches in the
//! same order make the same totals, so that a replay continues the series
//! exactly where they were.

mod arrival;
mod buckets;
mod bytes;
mod checkpoint;
mod engine;
pub mod errors;
mod histograms;
mod names;
mod rejected;
mod samples;
#[cfg(test)]
mod sent;
mod service_graph;
mod settings;
mod span_metrics;
mod state;
mod table;

pub use engine::{Derived, OpenError, Stats};
pub use rejected::{Counted, GroupValues, SpanCount};
pub use settings::{ErrorSettings, ServiceGraphSettings, Settings, SpanMetricsSettings, Unit};
