//! [`Tsdb`]: the engine as its owner sees it.
//!
//! Locks, in the order in which they are taken: `flush` (one flush at a time),
//! `manifest`, `deltas` (only the log's writer thread and open), `state` (short: a batch is
//! applied, a selection is made, a head or block changes place; never over I/O).
//! The log is owned here and not by [`Inner`], which completions hold: the
//! writer thread must not be the one to join itself.

use std::path::PathBuf;
use std::sync::Arc;

use foundation::clock::Clock;
use foundation::disk::SharedDisk;
use model::Labels;
use parking_lot::{Mutex, RwLock};
use wal::Wal;

use crate::batch::{Exemplar, Ingested, SampleBatch};
use crate::catalog::Catalog;
use crate::delta::DeltaStreams;
use crate::head::{Admission, Head};
use crate::options::Options;
use crate::record::{self, Record};
use crate::TsdbError;

/// Runs when a batch is safe and can be queried, or was refused as a whole; on the log's writer thread, so it must be short.
pub type Completion = Box<dyn FnOnce(Result<Ingested, TsdbError>) + Send>;

/// What can be queried.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) head: Head,
    /// Time of the newest sample ever taken, milliseconds; `i64::MIN` before the first.
    pub(crate) newest: i64,
    pub(crate) catalog: Catalog,
}

/// What completions and readers share.
pub(crate) struct Inner {
    pub(crate) disk: SharedDisk,
    pub(crate) options: Options,
    pub(crate) state: RwLock<State>,
    pub(crate) deltas: Mutex<DeltaStreams>,
}

/// The metrics engine.
///
/// Dropping it writes and syncs what waits in the log; [`Tsdb::close`] also flushes the head.
pub struct Tsdb {
    pub(crate) wal: Wal,
    pub(crate) inner: Arc<Inner>,
    clock: Arc<dyn Clock>,
}

/// The state of the engine in numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stats {
    /// Series in the head.
    pub head_series: u64,
    /// Samples in the head.
    pub head_samples: u64,
    /// Memory of the head, estimated.
    pub head_bytes: u64,
    /// Blocks on disk.
    pub blocks: u64,
    /// Samples in them.
    pub block_samples: u64,
    /// Bytes of their files.
    pub block_bytes: u64,
    /// Delta streams whose totals are kept.
    pub delta_streams: u64,
    /// Time of the oldest sample, milliseconds.
    pub oldest_ms: Option<i64>,
    /// Time of the newest sample, milliseconds.
    pub newest_ms: Option<i64>,
    /// The log.
    pub wal: wal::Stats,
}

/// Exemplars of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesExemplars {
    /// With the metric name.
    pub labels: Labels,
    /// By time.
    pub exemplars: Vec<Exemplar>,
}
