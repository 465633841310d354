//! What a store is given: its configuration, and what to run when a batch is safe.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::IngestError;

/// Runs when a batch is durable and visible to queries, or was refused.
///
/// It runs on the thread that writes the log: it must be short and must not wait for the store.
pub type Completion = Box<dyn FnOnce(Result<(), IngestError>) + Send>;

/// How the store behaves. All sizes are per half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder of the store; made when missing. The caller holds the lock on it.
    pub dir: PathBuf,
    /// Bytes that memory may hold before batches are refused as unavailable.
    pub memory_bytes_max: usize,
    /// Encoded bytes in memory at which they are written to segments.
    pub flush_bytes: usize,
    /// Rows in memory at which they are written to segments.
    pub flush_rows: usize,
    /// Age of the oldest row in memory at which it is written to a segment.
    pub flush_age: Duration,
    /// Keys of attributes that a block has as columns; what the others hold is kept together in one further column,
    /// where it is found, if more slowly. `column_bytes` says how much that is. Keys of more than 256 bytes always lie there.
    pub attribute_columns_max: usize,
    /// Bytes that may wait for the log's sync before batches are refused as unavailable.
    pub wal_pending_bytes_max: usize,
    /// Compress the log: less disk bandwidth, more CPU.
    pub wal_compress: bool,
    /// Bytes a second that merges write at most. Ingest at full speed makes about 12 MiB of segments a second, and merges
    /// write that up to three times over; when they fall behind, the next flush waits for them.
    pub merge_bytes_per_second: u64,
    /// Bytes of disk that stay free: below, batches are refused as unavailable.
    pub min_free_bytes: u64,
}

impl Config {
    /// The usual values for a store in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            memory_bytes_max: 256 << 20,
            flush_bytes: 64 << 20,
            flush_rows: 1_000_000,
            flush_age: Duration::from_secs(600),
            attribute_columns_max: 1_000,
            wal_pending_bytes_max: 64 << 20,
            wal_compress: false,
            merge_bytes_per_second: 64 << 20,
            min_free_bytes: wal::Options::new("").min_free_bytes,
        }
    }
}
