//! One half of the store: log, memory, segments, and the threads that move rows from one to the next.
//!
//! The life of a row: `ingest` appends its request to the write-ahead log;
//! when that is safe, the log's thread puts the batch into memory (`memory`),
//! where queries see it. The sealer thread (`sealer`) encodes full batches into
//! blocks. When memory is large or old the flusher thread (`flusher`) freezes
//! it together with the log's generation, writes its blocks to segment files
//! (`flush`), commits them in the manifest and removes the generation. The merger thread makes large
//! segments of small ones (`merge`).
//!
//! Locks, in the order in which they are taken: `Shared::merging`, `Shared::flushing`, `Shared::sealing`,
//! `Shared::tail_encoding`, `Shared::state`. The log's thread takes only `Shared::state`, so the others
//! may be held while waiting for it.
//! `Shared::unsettled` is taken under `Shared::flushing` only.

mod commit;
mod flush;
mod flusher;
mod memory;
mod merge;
mod reopen;
mod replay;
mod sealer;
mod set_aside;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use foundation::disk::SharedDisk;
use foundation::shutdown::Shutdown;
use model::TimeRange;
use parking_lot::Mutex;
use wal::Wal;

use crate::batch::{Batch, SpanColumns};
use crate::block::Block;
use crate::block::encode::{Effort, Numbered, encode};
use crate::config::{Completion, Config};
use crate::dictionary::Cache;
use crate::error::{IngestError, OpenError};
use crate::manifest::{Manifest, SegmentInfo};
use crate::observer::SpanObserver;
use crate::partitions::{Partition, Removed, partitions};
use crate::resources::OriginCache;
use crate::schema::Schema;
use crate::segment::Segment;
use crate::usage::{ColumnBytes, column_bytes};

pub(crate) use memory::Memory;

/// How much a half of the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Rows in memory.
    pub memory_rows: u64,
    /// Bytes in memory, waiting ones included.
    pub memory_bytes: u64,
    /// Segment files.
    pub segments: u64,
    /// Rows in segments.
    pub segment_rows: u64,
    /// Bytes of segment files.
    pub segment_bytes: u64,
    /// Blocks that were found damaged or unreadable since the store was opened.
    pub damaged_blocks: u64,
    /// Flushes that failed since the store was opened; memory is kept and the flush is tried again.
    pub failed_flushes: u64,
    /// Records in the log that could not be replayed when the store was opened.
    pub replay_refused: u64,
    /// Spans that a sampler had rejected, seen by the observer and not stored, since the store was opened; replayed ones included.
    pub rejected_rows: u64,
    /// Time spent on encoding batches into blocks, queries' share included, in nanoseconds.
    pub encode_nanos: u64,
    /// Bytes of segments written from memory since the store was opened.
    pub flushed_bytes: u64,
    /// Bytes of segments written by merges since the store was opened: write amplification is
    /// `1 + merged_bytes / flushed_bytes`.
    pub merged_bytes: u64,
    /// Segments that are damaged and were left out of merges since the store was opened.
    pub unmergeable_segments: u64,
    /// The log.
    pub wal: wal::Stats,
}

/// What the threads share.
pub(crate) struct Shared {
    pub(crate) schema: Schema,
    pub(crate) config: Config,
    pub(crate) disk: SharedDisk,
    /// The folder of this half.
    pub(crate) dir: PathBuf,
    /// What queries see.
    pub(crate) state: Mutex<State>,
    /// Held while the unsealed tail is encoded for a query, so that two queries do not encode it twice.
    pub(crate) tail_encoding: Mutex<()>,
    /// What the disk holds; held for the whole of a flush and of retention, and at the ends of a merge.
    pub(crate) flushing: Mutex<Manifest>,
    /// Held while segments are merged: one set at a time.
    merging: Mutex<()>,
    /// Segment files of a manifest that could not be written; see [`commit`].
    unsettled: Mutex<Vec<PathBuf>>,
    /// Held while the front of active memory's tail is sealed, and while memory is frozen: what was
    /// taken from one memory goes back to the same.
    sealing: Mutex<()>,
    pub(crate) origins: OriginCache,
    pub(crate) dictionaries: Arc<Cache>,
    /// Sees what is stored, in log order; spans only.
    pub(crate) observer: Option<Arc<dyn SpanObserver>>,
    /// Bytes of batches that were handed to the log and are not in memory yet.
    pub(crate) in_flight: AtomicUsize,
    pub(crate) damaged_blocks: AtomicU64,
    pub(crate) failed_flushes: AtomicU64,
    pub(crate) replay_refused: AtomicU64,
    pub(crate) rejected_rows: AtomicU64,
    pub(crate) encode_nanos: AtomicU64,
    pub(crate) flushed_bytes: AtomicU64,
    pub(crate) merged_bytes: AtomicU64,
    pub(crate) unmergeable_segments: AtomicU64,
    /// Set when a batch was refused for want of memory.
    pub(crate) flush_wanted: AtomicBool,
    /// Wakes the sealer.
    seal_work: sealer::Signal,
    /// Wakes the flusher.
    flush_work: sealer::Signal,
    /// Wakes the merger.
    merge_work: sealer::Signal,
}

/// What queries see: every row once.
#[derive(Default)]
pub(crate) struct State {
    /// Takes new batches.
    pub(crate) active: Memory,
    /// Being written to segments, with the log's generation that holds it.
    pub(crate) frozen: Option<Frozen>,
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Named by the manifest and could not be opened: answers that should have their rows are not whole.
    pub(crate) missing: Vec<SegmentInfo>,
    /// The number of the next row.
    pub(crate) next_seq: u64,
}

/// Memory that takes no more batches.
pub(crate) struct Frozen {
    pub(crate) memory: Memory,
    pub(crate) generation: wal::Generation,
    /// The number after its last row.
    pub(crate) end_seq: u64,
}

/// One half of the store.
pub(crate) struct Engine {
    shared: Arc<Shared>,
    wal: Arc<Wal>,
    shutdown: Shutdown,
    /// The sealer, the flusher and the merger.
    threads: Vec<JoinHandle<()>>,
}

/// The blocks that a query looks at.
pub(crate) struct Snapshot {
    pub(crate) blocks: Vec<Arc<Block>>,
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Segments that could not be opened.
    pub(crate) missing: Vec<SegmentInfo>,
}

impl Engine {
    pub(crate) fn open(
        disk: SharedDisk,
        config: Config,
        schema: Schema,
        observer: Option<Arc<dyn SpanObserver>>,
    ) -> Result<Self, OpenError> {
        let dir = config.dir.join(schema.dir());
        let (shared, covered) = flush::open_disk(disk, config, schema, dir, observer)?;
        let wal = Arc::new(replay::open_log(&shared, covered)?);
        let mut engine = Self { shared, wal, shutdown: Shutdown::new(), threads: Vec::new() };
        // When a thread cannot be made, dropping the engine ends the others.
        engine.threads.push(sealer::spawn(engine.shared.clone(), engine.shutdown.clone())?);
        engine.threads.push(flusher::spawn(engine.shared.clone(), engine.wal.clone(), engine.shutdown.clone())?);
        engine.threads.push(merge::spawn(engine.shared.clone(), engine.shutdown.clone())?);
        Ok(engine)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// See [`crate::LogStore::ingest`].
    pub(crate) fn ingest(&self, request: Vec<u8>, batch: Batch, done: Completion) {
        if batch.rows() == 0 {
            return done(Ok(()));
        }
        let bytes = batch.heap_bytes();
        let max = self.shared.config.memory_bytes_max;
        let held = self.shared.state.lock().held_bytes() + self.shared.in_flight.load(Ordering::Relaxed);
        // One batch above the limit passes alone: it would never pass otherwise.
        if held > 0 && held.saturating_add(bytes) > max {
            self.shared.flush_wanted.store(true, Ordering::Relaxed);
            self.shared.flush_work.wake();
            return done(Err(IngestError::MemoryFull { held, max }));
        }
        self.shared.in_flight.fetch_add(bytes, Ordering::Relaxed);
        let record = replay::record(request, &batch.limits);
        let shared = self.shared.clone();
        self.wal.append(
            record,
            Box::new(move |result| {
                if let Ok(generation) = &result {
                    shared.show(*generation, batch);
                }
                shared.in_flight.fetch_sub(bytes, Ordering::Relaxed);
                done(result.map(|_| ()).map_err(IngestError::Wal));
            }),
        );
    }

    /// Writes what is in memory to segments, merges what is due then, and waits until that has succeeded or failed.
    pub(crate) fn flush(&self) {
        if flush::flush(&self.shared, &self.wal) {
            merge::merge(&self.shared, &mut |_| Ok(()));
        }
    }

    /// Oldest first; what is only in memory is not there.
    pub(crate) fn partitions(&self) -> Vec<Partition> {
        let state = self.shared.state.lock();
        partitions(state.segments.iter().map(|s| &s.info).chain(&state.missing))
    }

    /// See [`crate::LogStore::remove`].
    pub(crate) fn remove(&self, announced: &[Partition]) -> io::Result<Removed> {
        flush::remove(&self.shared, announced)
    }

    /// Everything that may have rows in `range`.
    pub(crate) fn snapshot(&self, range: TimeRange) -> Snapshot {
        self.shared.snapshot(range)
    }

    /// Where the bytes of the segments of a partition are, or of all; empty when a block cannot be read.
    pub(crate) fn column_bytes(&self, of: Option<&Partition>) -> Vec<ColumnBytes> {
        let mut segments = self.shared.state.lock().segments.clone();
        segments.retain(|s| of.is_none_or(|p| p.segments.contains(&s.info.id)));
        column_bytes(&segments).unwrap_or_else(|error| {
            tracing::error!(store = self.shared.schema.dir(), %error, "cannot read the headers of all blocks");
            Vec::new()
        })
    }

    pub(crate) fn stats(&self) -> StoreStats {
        let state = self.shared.state.lock();
        let frozen = state.frozen.as_ref().map(|f| &f.memory);
        let rows = state.active.rows() + frozen.map_or(0, Memory::rows);
        StoreStats {
            memory_rows: rows as u64,
            memory_bytes: (state.held_bytes() + self.shared.in_flight.load(Ordering::Relaxed)) as u64,
            segments: state.segments.len() as u64,
            segment_rows: state.segments.iter().map(|s| s.info.rows).sum(),
            segment_bytes: state.segments.iter().map(|s| s.info.bytes).sum(),
            damaged_blocks: self.shared.damaged_blocks.load(Ordering::Relaxed),
            failed_flushes: self.shared.failed_flushes.load(Ordering::Relaxed),
            replay_refused: self.shared.replay_refused.load(Ordering::Relaxed),
            rejected_rows: self.shared.rejected_rows.load(Ordering::Relaxed),
            encode_nanos: self.shared.encode_nanos.load(Ordering::Relaxed),
            flushed_bytes: self.shared.flushed_bytes.load(Ordering::Relaxed),
            merged_bytes: self.shared.merged_bytes.load(Ordering::Relaxed),
            unmergeable_segments: self.shared.unmergeable_segments.load(Ordering::Relaxed),
            wal: self.wal.stats(),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown.set();
        self.shared.seal_work.wake();
        self.shared.flush_work.wake();
        self.shared.merge_work.wake();
        for thread in self.threads.drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(store = self.shared.schema.dir(), thread = name, "a thread panicked");
            }
        }
    }
}

impl State {
    fn held_bytes(&self) -> usize {
        self.active.bytes() + self.frozen.as_ref().map_or(0, |f| f.memory.bytes())
    }
}

impl Shared {
    /// Makes a batch visible to queries. Called in log order.
    fn show(&self, generation: wal::Generation, batch: Batch) {
        self.rejected_rows.fetch_add(batch.rejected() as u64, Ordering::Relaxed);
        let batch = Arc::new(batch);
        if let Some(observer) = &self.observer {
            observer.spans(generation, SpanColumns::new(batch.clone()));
        }
        let mut state = self.state.lock();
        let first_seq = state.next_seq;
        state.next_seq += batch.kept() as u64;
        state.active.push(batch, first_seq, Instant::now());
        if state.active.wants_sealing() {
            self.seal_work.wake();
        }
    }

    fn encode(&self, batches: &[Numbered], effort: Effort) -> Vec<Arc<Block>> {
        let began = Instant::now();
        let blocks = encode(self.schema, batches, self.config.attribute_columns_max, effort);
        self.encode_nanos.fetch_add(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
        blocks
    }

    fn snapshot(&self, range: TimeRange) -> Snapshot {
        let _one = self.tail_encoding.lock();
        let mut blocks = Vec::new();
        let state = self.state.lock();
        let segments: Vec<_> =
            state.segments.iter().filter(|s| range.overlaps(s.info.min_time, s.info.max_time)).cloned().collect();
        let missing = state.missing.iter().filter(|s| range.overlaps(s.min_time, s.max_time)).cloned().collect();
        let parts = state.parts();
        drop(state);
        for (part, target) in parts {
            blocks.extend(part.blocks);
            // What is not asked for stays as it is; pieces are of the front of the tail, so it is all or nothing.
            if !part.unencoded.iter().any(|b| b.batch.overlaps(range)) {
                continue;
            }
            // What stands for many pieces will be asked more often.
            let effort = if part.replace { Effort::Full } else { Effort::Least };
            let fresh = self.encode(&part.unencoded, effort);
            blocks.extend(fresh.iter().cloned());
            if let Some(memory) = self.state.lock().part(target) {
                memory.keep_piece(part.replace, fresh, &part.unencoded);
            }
        }
        blocks.retain(|b| range.overlaps(b.meta.min_time, b.meta.max_time));
        Snapshot { blocks, segments, missing }
    }
}

/// Which memory of the state.
#[derive(Debug, Clone, Copy)]
enum Part {
    Active,
    Frozen,
}

impl State {
    fn parts(&self) -> Vec<(memory::View, Part)> {
        let mut parts = Vec::new();
        if let Some(f) = &self.frozen {
            parts.push((f.memory.view(), Part::Frozen));
        }
        parts.push((self.active.view(), Part::Active));
        parts
    }

    fn part(&mut self, part: Part) -> Option<&mut Memory> {
        match part {
            Part::Active => Some(&mut self.active),
            Part::Frozen => self.frozen.as_mut().map(|f| &mut f.memory),
        }
    }
}
