//! [`Tsdb`]: the engine as its owner sees it.
//!
//! Locks, in the order in which they are taken: `merging` (compaction and what takes blocks away), `files` (a flush, and
//! who changes which files there are: one at a time), `generation` (over the queueing of a record), `carried` (only the log's writer thread),
//! `state` (short: a head or block changes place; never over I/O), `catalog`, then those of the head.
//! The log is owned here and not by [`Inner`], which completions hold: the
//! writer thread must not be the one to join itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::clock::Clock;
use foundation::disk::{Disk, SharedDisk};
use model::Labels;
use parking_lot::{Mutex, RwLock};
use wal::Wal;
use wire::otlp::{DecodeError, Decoded};

use crate::batch::{Batch, Rules};
use crate::block::Block;
use crate::catalog::Catalog;
use crate::exemplar::Exemplar;
use crate::head::{Carried, ExemplarLimits, Head, Limits};
use crate::manifest::Manifest;
use crate::options::Options;
use crate::outcome::Ingested;
use crate::replay::{self, Restored};
use crate::snapshot::Snapshot;
use crate::state::{Files, State};
use crate::{TsdbError, otlp, record};

/// Runs when a batch is safe and can be queried, or was refused as a whole; on the log's writer thread, so it must be
/// short and must not wait for the engine, or on the caller's when the batch is refused at once.
pub type Completion = Box<dyn FnOnce(Result<Ingested, TsdbError>) + Send>;

pub(crate) fn millis(d: std::time::Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX)
}

/// The epoch of the first head.
const FIRST_EPOCH: u64 = 1;

/// What completions and readers share.
pub(crate) struct Inner {
    pub(crate) disk: SharedDisk,
    pub(crate) options: Options,
    pub(crate) state: RwLock<State>,
    /// Moved by the log's writer thread only.
    pub(crate) carried: Mutex<Carried>,
    pub(crate) catalog: RwLock<Catalog>,
    /// Which head the records that are queued now will be applied to ([`Head::epoch`]). Read while a record is queued,
    /// moved when the log rotates, which the head follows only later: records between the two name no series by number.
    generation: RwLock<u64>,
    pub(crate) limits: Limits,
    /// Samples refused since the start.
    refused: Mutex<BTreeMap<&'static str, u64>>,
    /// Held over a whole compaction, and by who takes blocks away: those that are being merged stay.
    pub(crate) merging: Mutex<()>,
    /// Held over I/O by the one who changes which files there are.
    pub(crate) files: Mutex<Files>,
}

/// The metrics engine.
///
/// Dropping it writes and syncs what waits in the log; [`Tsdb::close`] also flushes the head.
pub struct Tsdb {
    pub(crate) wal: Wal,
    pub(crate) inner: Arc<Inner>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Bytes of records that were replayed.
    replayed_bytes: u64,
    /// What [`Tsdb::log_bytes`] was when the head was frozen last.
    log_bytes_frozen: AtomicU64,
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
    /// Blocks of which a part could not be read since the engine was opened. What they hold is not in answers, or only
    /// what can be read; they are neither merged nor repaired.
    pub damaged_blocks: u64,
    /// Series in them, counted once per block.
    pub block_series: u64,
    /// Samples in them.
    pub block_samples: u64,
    /// Bytes of their files.
    pub block_bytes: u64,
    /// Bytes of those files that are not samples: labels, lists of series, statistics, exemplars.
    pub block_index_bytes: u64,
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
        let manifest = Manifest::load(&*disk, &options.dir)?;
        manifest.remove_orphans(&*disk, &options.dir)?;
        let (blocks, unreadable) = open_blocks(&*disk, &options.dir, &manifest);
        let mut snapshot = load_snapshot(&*disk, &options.dir, &manifest)?;
        // The snapshot knows this too; blocks know it even when the snapshot is lost.
        snapshot.newest = blocks.iter().map(|b| b.bounds().1).fold(snapshot.newest, i64::max);
        let covered_through = manifest.flushed_through;
        let limits = Limits::of(&options)?;
        let head = Arc::new(Head::new(FIRST_EPOCH, snapshot.newest));
        let aggregates = snapshot.aggregates.under(limits.aggregate.clone());
        let mut carried = Carried { newest: snapshot.newest, deltas: snapshot.deltas, aggregates };
        let mut catalog = snapshot.catalog;
        let restored = Restored { head: &head, carried: &mut carried, catalog: &mut catalog };
        let (wal, report, left_out) = replay::open_log(disk.clone(), &options, covered_through, restored)?;
        let inner = Inner {
            disk,
            state: RwLock::new(State { blocks, unreadable, frozen: Vec::new(), head }),
            carried: Mutex::new(carried),
            catalog: RwLock::new(catalog),
            generation: RwLock::new(FIRST_EPOCH),
            limits,
            refused: Mutex::default(),
            merging: Mutex::default(),
            files: Mutex::new(Files { manifest, unsettled: None }),
            options,
        };
        // The folders themselves must outlive a power cut, not only what is in them.
        sync_folders(&*inner.disk, &inner.options.dir)?;
        for damage in &report.damage {
            tracing::warn!(file = %damage.path.display(), offset = damage.offset, bytes = damage.bytes, torn_tail = damage.torn_tail,
                "a stretch of the metrics log could not be read");
        }
        if left_out.records > 0 {
            tracing::error!(
                records = left_out.records,
                "records of the metrics log could not be understood and were left out"
            );
        }
        if left_out.samples > 0 {
            tracing::error!(
                samples = left_out.samples,
                "samples of series whose names were in damaged records of the metrics log were left out"
            );
        }
        let (replayed_bytes, log_bytes_frozen) = (report.bytes, AtomicU64::new(0));
        Ok(Self { wal, inner: Arc::new(inner), clock, replayed_bytes, log_bytes_frozen })
    }

    /// Decodes an OTLP request that arrives now, for [`Tsdb::append_batch`]. Reads nothing but the clock and the settings.
    ///
    /// # Errors
    /// When the bytes are not a well-formed request.
    pub fn decode(&self, request: &[u8]) -> Result<(Batch, Decoded), DecodeError> {
        otlp::decode(request, self.rules(), &self.inner.options.otlp)
    }

    /// The rules for samples that arrive now.
    pub(crate) fn rules(&self) -> Rules {
        let options = &self.inner.options;
        let now = self.clock.now().as_millis();
        Rules {
            newest_allowed: now.saturating_add(millis(options.future_tolerance)),
            oldest_allowed: options.retention.map_or(i64::MIN, |r| now.saturating_sub(millis(r))),
            window_ms: millis(options.out_of_order_window),
            // As in Prometheus, whose heads reach back half a block.
            in_order_ms: millis(options.block_span) / 2,
        }
    }

    /// Samples, histograms and exemplars that were refused since the start, by [`Refusal::name`], and those that rules
    /// `dropped` or `aggregated` into sums.
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.inner.refused.lock().clone()
    }

    /// Bytes that the log took so far, what was replayed included.
    fn log_bytes(&self) -> u64 {
        self.replayed_bytes.saturating_add(self.wal.stats().bytes_written)
    }

    /// Whether the log has grown so much since the last flush that it must be rotated, whatever the head holds.
    pub(crate) fn log_is_long(&self) -> bool {
        let since = self.log_bytes().saturating_sub(self.log_bytes_frozen.load(Ordering::Relaxed));
        since >= self.inner.options.log_bytes_max
    }

    /// Rotates the log and makes the head a frozen one, exactly at the end of a generation.
    pub(crate) fn rotate(&self) -> Result<(), TsdbError> {
        // Read before: what is logged meanwhile counts for the next generation, at most once too often.
        let log_bytes = self.log_bytes();
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        let inner = self.inner.clone();
        {
            let mut generation = self.inner.generation.write();
            *generation += 1;
            let epoch = *generation;
            let freeze = move |rotated: Result<_, _>| drop(tx.send(rotated.map(|closed| inner.freeze(closed, epoch))));
            self.wal.rotate(Box::new(freeze));
        }
        rx.recv().unwrap_or(Err(wal::WalError::Closed))?;
        self.log_bytes_frozen.store(log_bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Fails while more samples wait for blocks than memory is meant for.
    fn check_memory(&self) -> Result<(), TsdbError> {
        let max = self.inner.options.head_bytes_max.saturating_mul(2);
        let state = self.inner.state.read();
        let held = state.frozen.iter().map(|f| f.head.bytes()).sum::<usize>() + state.head.bytes();
        if held > max { Err(TsdbError::MemoryFull { held, max }) } else { Ok(()) }
    }

    /// Logs what can be taken of a batch and applies it when it is safe.
    pub(crate) fn log(&self, mut batch: Batch, done: Completion) {
        // Before it is logged: replay must not find what was refused.
        if let Err(e) = self.check_memory() {
            return done(Err(e));
        }
        let generation = self.inner.generation.read();
        let head = self.inner.state.read().head.clone();
        let reserved = head.admit(&mut batch, &self.inner.limits);
        {
            let catalog = self.inner.catalog.read();
            batch.metrics.retain(|info| !catalog.knows(info));
        }
        if batch.is_empty() {
            drop(generation);
            self.inner.count_refused(&batch.early);
            return done(Ok(batch.early));
        }
        if head.epoch == *generation {
            head.name_series(&mut batch);
        } else {
            batch.forget_log_names();
        }
        let record = record::encode(&batch);
        let inner = self.inner.clone();
        let complete = move |logged: Result<wal::Generation, wal::WalError>| {
            let result = logged.map(|_| inner.apply(&mut batch)).map_err(TsdbError::from);
            drop(reserved);
            if let Ok(ingested) = &result {
                inner.count_refused(ingested);
            }
            done(result);
        };
        self.wal.append(record, Box::new(complete));
    }
}

fn sync_folders(disk: &dyn Disk, dir: &Path) -> Result<(), TsdbError> {
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty());
    [Some(dir), parent].into_iter().flatten().try_for_each(|d| disk.sync_dir(d).map_err(TsdbError::io("sync", d)))
}

/// The snapshot of the manifest. Without it the samples are still there: totals of delta streams begin at 0 again, as
/// reset counters do, and metadata is learnt anew.
fn load_snapshot(disk: &dyn Disk, dir: &Path, manifest: &Manifest) -> Result<Snapshot, TsdbError> {
    if !manifest.snapshot {
        return Ok(Snapshot::default());
    }
    match Snapshot::load(disk, &Manifest::snapshot_path(dir, manifest.flushed_through)) {
        Err(e) if e.is_damage() => {
            tracing::error!(error = %e, "the metrics engine starts without its snapshot");
            Ok(Snapshot::default())
        }
        loaded => loaded,
    }
}

/// The blocks of the manifest, and why others of them cannot be read.
fn open_blocks(disk: &dyn Disk, dir: &Path, manifest: &Manifest) -> (Vec<Arc<Block>>, Vec<String>) {
    let (mut blocks, mut unreadable) = (Vec::new(), Vec::new());
    for id in &manifest.blocks {
        match Block::open(disk, &Manifest::block_path(dir, *id), *id) {
            Ok(block) => blocks.push(Arc::new(block)),
            Err(e) => {
                tracing::error!(error = %e, "a block of metrics is left out of queries");
                unreadable.push(e.to_string());
            }
        }
    }
    (blocks, unreadable)
}

impl Inner {
    fn count_refused(&self, ingested: &Ingested) {
        if !ingested.refusals.is_empty() || ingested.dropped > 0 || ingested.aggregated > 0 {
            let mut refused = self.refused.lock();
            for (why, _, n) in &ingested.refusals {
                *refused.entry(why.name()).or_default() += n;
            }
            if ingested.dropped > 0 {
                *refused.entry("dropped").or_default() += ingested.dropped;
            }
            if ingested.aggregated > 0 {
                *refused.entry("aggregated").or_default() += ingested.aggregated;
            }
        }
    }

    /// Puts a batch, whose record is safe, into the head.
    fn apply(&self, batch: &mut Batch) -> Ingested {
        let mut carried = self.carried.lock();
        let metrics = std::mem::take(&mut batch.metrics);
        if !metrics.is_empty() {
            let mut catalog = self.catalog.write();
            metrics.into_iter().for_each(|info| catalog.learn(info));
        }
        let head = self.state.read().head.clone();
        head.apply(batch, ExemplarLimits::of(&self.options), &mut carried)
    }
}
