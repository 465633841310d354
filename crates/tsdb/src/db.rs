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

impl Tsdb {
    /// Opens the engine in `options.dir`: reads the manifest, removes what a crash left behind, replays the log.
    ///
    /// # Errors
    /// When the folder, the manifest or the snapshot cannot be read. A damaged block is
    /// reported to the log and left out of queries; it is not removed.
    pub fn open(disk: SharedDisk, clock: Arc<dyn Clock>, options: Options) -> Result<Self, TsdbError> {
        disk.create_dir_all(&options.dir).map_err(TsdbError::io("make the folder", &options.dir))?;
        let state = State { head: Head::default(), newest: i64::MIN, catalog: Catalog::default() };
        let inner = Inner {
            disk: disk.clone(),
            state: RwLock::new(state),
            deltas: Mutex::new(DeltaStreams::default()),
            options,
        };
        let admission = Admission::of(&inner.options).without_series_limit();
        let mut unknown = 0u64;
        let (wal, report) = Wal::open(disk, inner.wal_options(), 0, &mut |_, bytes| {
            match record::decode(bytes, &inner.options.otlp) {
                Some(Record::Samples(batch)) => drop(inner.apply(batch, &admission)),
                Some(Record::Otlp(_request, _batch)) => unknown += 1,
                None => unknown += 1,
            }
        })?;
        for damage in &report.damage {
            tracing::warn!(file = %damage.path.display(), offset = damage.offset, bytes = damage.bytes, torn_tail = damage.torn_tail,
                "a stretch of the metrics log could not be read");
        }
        if unknown > 0 {
            tracing::error!(records = unknown, "records of the metrics log could not be understood and were left out");
        }
        Ok(Self { wal, inner: Arc::new(inner), clock })
    }

    /// An empty batch for points that arrive now; hand it to `wire::otlp::decode_metrics` and then to [`Tsdb::ingest`].
    pub fn batch(&self) -> SampleBatch {
        let options = &self.inner.options;
        let ms = |d: std::time::Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        let newest_allowed = self.clock.now().as_millis().saturating_add(ms(options.future_tolerance));
        SampleBatch::new(newest_allowed, ms(options.out_of_order_window), &options.otlp)
    }

    /// Stores an OTLP request: `request` is the protobuf as received, `batch` what was decoded from it.
    ///
    /// `done` runs once the request is on disk and can be queried, or when nothing of it was stored.
    pub fn ingest(&self, request: &[u8], mut batch: SampleBatch, done: Completion) {
        batch.finish();
        let record = record::encode_otlp(&batch, request);
        self.log(record, batch, done);
    }

    /// Stores samples (milliseconds since the epoch) of resolved series, in the given order.
    ///
    /// `done` as for [`Tsdb::ingest`].
    pub fn append(&self, samples: Vec<(Labels, i64, f64)>, done: Completion) {
        let mut batch = self.batch();
        for (labels, t, v) in &samples {
            batch.push(labels, *t, *v);
        }
        let record = record::encode_samples(&batch);
        self.log(record, batch, done);
    }

    /// [`Tsdb::append`], waiting for the disk. Not to be called from a completion.
    ///
    /// # Errors
    /// Nothing was stored.
    pub fn append_wait(&self, samples: Vec<(Labels, i64, f64)>) -> Result<Ingested, TsdbError> {
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        self.append(samples, Box::new(move |result| drop(tx.send(result))));
        rx.recv().unwrap_or(Err(TsdbError::Wal(wal::WalError::Closed)))
    }

    fn log(&self, record: Vec<u8>, batch: SampleBatch, done: Completion) {
        let inner = self.inner.clone();
        let complete = move |logged: Result<wal::Generation, wal::WalError>| match logged {
            Ok(_) => done(Ok(inner.apply(batch, &Admission::of(&inner.options)))),
            Err(e) => done(Err(e.into())),
        };
        self.wal.append(record, Box::new(complete));
    }
}

impl Inner {
    fn wal_options(&self) -> wal::Options {
        let mut wal = wal::Options::new(self.options.dir.join("wal"));
        wal.max_pending_bytes = self.options.wal_pending_bytes;
        wal.min_free_bytes = self.options.min_free_bytes;
        // OTLP repeats resource and metric texts in every request.
        wal.compress = true;
        wal
    }

    /// Puts a batch, whose record is safe, into the head.
    fn apply(&self, mut batch: SampleBatch, admission: &Admission) -> Ingested {
        let mut deltas = self.deltas.lock();
        let mut state = self.state.write();
        let State { head, newest, catalog, .. } = &mut *state;
        batch.metrics.drain(..).for_each(|info| catalog.learn(info));
        head.apply(&batch, admission, newest, &mut deltas)
    }
}
