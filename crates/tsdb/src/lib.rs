//! Floor 3: the metrics engine.
//!
//! A [`Tsdb`] keeps series of samples. Samples come in as OTLP requests or
//! as a [`Batch`] ([`Tsdb::ingest`], [`Tsdb::append_batch`]), are logged first and then
//! applied to the *head* in log order; the head is flushed to immutable
//! *blocks*. Queries ([`Tsdb::select`]) merge head and blocks.
//! Formats: `docs/formats/tsdb.md`.
//!
//! *Invariant:* a synchronous library: no async runtime, no HTTP, no threads
//! of its own but the log's writer. Periodic work is [`Tsdb::maintain`] and [`Tsdb::compact`], called by the owner.

mod aggregate;
mod ahead;
mod append;
mod backfill;
mod backup;
mod batch;
mod block;
mod cardinality;
mod catalog;
pub mod chunk;
mod compact;
mod db;
mod delta;
mod error;
mod exemplar;
mod flush;
mod head;
mod histogram;
pub mod key;
mod manifest;
mod matcher;
mod options;
mod otlp;
mod outcome;
mod part;
mod partial;
mod partitions;
mod plan;
mod postings;
mod read;
mod record;
mod replay;
mod scan;
mod select;
mod snapshot;
mod state;
mod stretch;

pub use aggregate::{AggregateRule, KeepLabels};
pub use backfill::{Backfill, Backfilled};
pub use backup::Backup;
pub use batch::{Batch, SeriesWriter};
pub use cardinality::{Cardinal, Cardinality};
pub use catalog::{Metadata, MetricType};
pub use chunk::{
    ChunkStats, CounterStats, HistogramSample, HistogramValue, STALE_NAN, Sample, SeriesSamples, StartTimes, is_stale,
};
pub use db::{Completion, SeriesExemplars, Stats, Tsdb};
pub use error::TsdbError;
pub use exemplar::Exemplar;
pub use matcher::{MatchOp, Matcher};
pub use options::{Options, OtlpOptions, ReadLimits, SeriesLimits};
pub use otlp::names::{label_name, metric_name};
pub use outcome::{Ingested, Refusal};
pub use partial::Partial;
pub use partitions::{BlockSummary, remove_stopped_blocks, stopped_blocks};
pub use scan::{Reduce, Scan};
pub use select::{SeriesData, SeriesHandle, SeriesSet};
pub use stretch::Stretch;
