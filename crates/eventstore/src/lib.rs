//! Floor 3: the events engine, one engine for two schemas (logs and spans).
//!
//! Life of a batch: `batch` takes what a decoder pushes, column by column;
//! `engine` logs the request, then shows the batch to queries; the sealer
//! thread turns batches into immutable encoded blocks (`block`), and blocks
//! into segment files (`segment`, listed by `manifest`). Queries (`query`)
//! see blocks only, wherever they lie. Formats: `docs/formats/segment.md`.
//!
//! *Invariant:* synchronous; no async runtime, no HTTP; all bytes pass the disk door.

mod batch;
mod block;
mod catalogue;
mod column;
mod config;
mod dictionary;
mod engine;
mod error;
mod extent;
mod histogram;
mod kinds;
mod manifest;
mod observer;
mod partition;
mod partitions;
pub mod query;
mod resources;
mod schema;
mod segment;
mod sketch;
mod store;
mod summary;
mod texts;
mod usage;
mod value_type;

pub use batch::{LogBatch, SpanBatch, SpanColumns, SpanValues, event_messages};
pub use config::{Completion, Config};
pub use engine::StoreStats;
pub use error::{IngestError, OpenError, QueryError};
pub use observer::SpanObserver;
pub use partitions::{Files, Half, Partition, Removed};
pub use store::{EventStore, LogStore, SpanStore};
pub use usage::{ColumnBytes, DistinctValues};
