//! Memory into segments, and partitions out of the store.
//!
//! The order of a flush is what makes it safe: segment files and their
//! folders are synced, then the manifest names them and the generation of the
//! log they cover, then queries see segments in place of memory, and only
//! then the generation is removed. A crash before the manifest leaves files
//! that nobody names, removed at the next open; a crash after it leaves a
//! generation that is not replayed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;

use foundation::disk::SharedDisk;
use parking_lot::Mutex;
use wal::Wal;

use super::commit::{self, Pending};
use super::sealer::Signal;
use super::{Frozen, Shared, State, set_aside};
use crate::block::encode::Effort;
use crate::block::{self, Block};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::dictionary::Cache;
use crate::error::OpenError;
use crate::manifest::Manifest;
use crate::observer::SpanObserver;
use crate::partition::Day;
use crate::partitions::{self, Partition, Removed};
use crate::resources::OriginCache;
use crate::schema::Schema;
use crate::segment::Segment;

/// Opens what the manifest names and removes segment files that it does not; returns the covered generation too.
pub(super) fn open_disk(
    disk: SharedDisk,
    config: Config,
    schema: Schema,
    dir: PathBuf,
    observer: Option<Arc<dyn SpanObserver>>,
) -> Result<(Arc<Shared>, wal::Generation), OpenError> {
    let io = |source| OpenError::Io { path: dir.clone(), source };
    disk.create_dir_all(&dir).map_err(io)?;
    let manifest = match Manifest::read(&disk, &dir)? {
        Some(manifest) => {
            remove_orphans(&disk, &dir, &manifest).map_err(io)?;
            manifest
        }
        // Without a manifest every segment would look like left over from a crash.
        None if !segment_files(&disk, &dir).map_err(io)?.is_empty() => {
            return Err(OpenError::ManifestGone { path: Manifest::path(&dir) });
        }
        None => {
            // Written before the first segment, so that one without the other is never a crash.
            let manifest = Manifest::default();
            manifest.write(&disk, &dir).map_err(io)?;
            manifest
        }
    };
    let dictionaries = Arc::new(Cache::default());
    let (mut segments, mut missing) = (Vec::new(), Vec::new());
    for info in &manifest.segments {
        match Segment::open(&disk, &dir, schema, info.clone(), &dictionaries) {
            Ok(s) => segments.push(Arc::new(s)),
            Err(error) => {
                missing.push(info.clone());
                tracing::error!(path = %info.path(&dir).display(), %error, "a segment cannot be opened and is left out");
            }
        }
    }
    let covered = manifest.covered;
    let damaged = missing.len() as u64;
    let state = State { segments, missing, next_seq: manifest.next_seq, ..State::default() };
    let shared = Shared {
        schema,
        config,
        disk,
        dir,
        state: Mutex::new(state),
        tail_encoding: Mutex::new(()),
        flushing: Mutex::new(manifest),
        merging: Mutex::default(),
        unsettled: Mutex::default(),
        origins: OriginCache::default(),
        dictionaries,
        observer,
        in_flight: AtomicUsize::new(0),
        damaged_blocks: AtomicU64::new(damaged),
        failed_flushes: AtomicU64::new(0),
        replay_refused: AtomicU64::new(0),
        rejected_rows: AtomicU64::new(0),
        encode_nanos: AtomicU64::new(0),
        flushed_bytes: AtomicU64::new(0),
        merged_bytes: AtomicU64::new(0),
        unmergeable_segments: AtomicU64::new(0),
        flush_wanted: AtomicBool::new(false),
        sealing: Mutex::default(),
        seal_work: Signal::default(),
        flush_work: Signal::default(),
        merge_work: Signal::default(),
    };
    Ok((Arc::new(shared), covered))
}

/// The files in the folders of days.
fn segment_files(disk: &SharedDisk, dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in disk.list(dir)? {
        if folder.file_name().and_then(|n| n.to_str()).is_some_and(|name| Day::parse(name).is_some()) {
            files.extend(disk.list(&folder)?);
        }
    }
    Ok(files)
}

fn remove_orphans(disk: &SharedDisk, dir: &Path, manifest: &Manifest) -> io::Result<()> {
    let live: Vec<PathBuf> = manifest.segments.iter().map(|s| s.path(dir)).collect();
    for file in segment_files(disk, dir)?.into_iter().filter(|f| !live.contains(f)) {
        tracing::warn!(path = %file.display(), "removing a segment file that no manifest names");
        disk.remove_file(&file)?;
    }
    Ok(())
}

/// Writes all of memory to segments; false when that failed and should be tried again.
pub(super) fn flush(shared: &Arc<Shared>, wal: &Wal) -> bool {
    let mut manifest = shared.flushing.lock();
    if shared.state.lock().frozen.is_none() && !freeze(shared, wal) {
        return false;
    }
    let Some(blocks) = seal_frozen(shared) else { return true };
    match write_segments(shared, wal, &mut manifest, &blocks) {
        Ok(()) => {
            shared.merge_work.wake();
            true
        }
        Err(error) => {
            shared.failed_flushes.fetch_add(1, Ordering::Relaxed);
            tracing::error!(store = shared.schema.dir(), %error, "cannot write segments; memory is kept");
            false
        }
    }
}

/// Moves active memory to frozen between two generations of the log; false when the log refused.
fn freeze(shared: &Arc<Shared>, wal: &Wal) -> bool {
    if shared.state.lock().active.is_empty() && shared.in_flight.load(Ordering::Relaxed) == 0 {
        return true;
    }
    // Whatever is being sealed goes to its place first: it would not be found in frozen memory.
    let _still = shared.sealing.lock();
    let (tx, rx) = mpsc::sync_channel(1);
    let held = shared.clone();
    wal.rotate(Box::new(move |result| {
        let refused = result.map(|generation| held.freeze(generation)).err();
        drop(tx.send(refused));
    }));
    match rx.recv() {
        Ok(None) => true,
        refused => {
            shared.failed_flushes.fetch_add(1, Ordering::Relaxed);
            tracing::error!(store = shared.schema.dir(), ?refused, "the log cannot begin a new generation");
            false
        }
    }
}

impl Shared {
    /// On the log's thread, after all rows of `generation` and before any later one.
    fn freeze(&self, generation: wal::Generation) {
        if let Some(observer) = &self.observer {
            observer.ended(generation);
        }
        let mut state = self.state.lock();
        let (memory, end_seq) = (std::mem::take(&mut state.active), state.next_seq);
        if !memory.is_empty() {
            state.frozen = Some(Frozen { memory, generation, end_seq });
        }
    }
}

/// Seals what the frozen memory still has as batches; its readable blocks, or nothing when nothing is frozen.
fn seal_frozen(shared: &Shared) -> Option<Vec<Arc<Block>>> {
    loop {
        let sealing = {
            let state = shared.state.lock();
            let frozen = state.frozen.as_ref()?;
            if frozen.memory.tail_is_empty() {
                let blocks = frozen.memory.blocks().to_vec();
                drop(state);
                return Some(readable(shared, blocks));
            }
            frozen.memory.seal_begin(true)
        };
        let blocks = shared.encode(&sealing.batches, Effort::Full);
        shared.state.lock().frozen.as_mut()?.memory.seal_end(&sealing, blocks);
    }
}

/// The blocks that a segment can hold. One that does not read back would make every flush fail,
/// and memory and log would never be emptied again: it is left out, counted and reported.
fn readable(shared: &Shared, mut blocks: Vec<Arc<Block>>) -> Vec<Arc<Block>> {
    blocks.retain(|b| match block::trace_fingerprints(b) {
        Ok(_) => true,
        Err(error) => {
            if b.mark_damaged() {
                shared.damaged_blocks.fetch_add(1, Ordering::Relaxed);
            }
            let kept = set_aside::set_aside(shared, b);
            tracing::error!(store = shared.schema.dir(), rows = b.rows(), bytes = b.len, %error, ?kept, "a block in memory cannot be read and is set aside");
            false
        }
    });
    blocks
}

fn write_segments(shared: &Shared, wal: &Wal, manifest: &mut Manifest, blocks: &[Arc<Block>]) -> io::Result<()> {
    let (generation, end_seq) = match &shared.state.lock().frozen {
        Some(Frozen { generation, end_seq, .. }) => (*generation, *end_seq),
        None => return Ok(()),
    };
    let mut days: BTreeMap<Day, Vec<Arc<Block>>> = BTreeMap::new();
    for b in blocks {
        days.entry(Day::of(b.meta.min_time)).or_default().push(b.clone());
    }
    commit::settle(shared, manifest)?;
    let mut pending = Pending::default();
    for (day, blocks) in days {
        let catalogue = Catalogue::of_blocks(&blocks, &shared.origins);
        if let Err(error) = pending.write(shared, manifest.take_id(), day, &blocks, catalogue, &mut |_| Ok(())) {
            pending.discard(shared);
            return Err(error);
        }
    }
    // What was derived of the generation must be safe before the generation goes.
    if let Some(observer) = &shared.observer
        && let Err(error) = observer.checkpoint(generation)
    {
        pending.discard(shared);
        return Err(error);
    }
    shared.flushed_bytes.fetch_add(pending.bytes(), Ordering::Relaxed);
    let next = Manifest { covered: generation, next_seq: end_seq, ..manifest.clone() };
    let opened = pending.commit(shared, manifest, next)?;
    {
        let mut state = shared.state.lock();
        state.frozen = None;
        state.segments.extend(opened);
    }
    if let Err(error) = wal.remove_through(generation) {
        // Not replayed either way; removed at the next flush or open.
        tracing::warn!(store = shared.schema.dir(), %error, "cannot remove a generation of the log");
    }
    Ok(())
}

/// Takes away the announced segments that are still there.
pub(super) fn remove(shared: &Shared, announced: &[Partition]) -> io::Result<Removed> {
    let mut manifest = shared.flushing.lock();
    let gone = partitions::take_out(&shared.disk, &shared.dir, &mut manifest, announced)?;
    {
        let mut state = shared.state.lock();
        state.segments.retain(|s| !gone.iter().any(|g| g.id == s.info.id));
        state.missing.retain(|s| !gone.iter().any(|g| g.id == s.id));
    }
    Ok(partitions::remove_files(&shared.disk, &shared.dir, &gone))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use foundation::disk::sim::SimDisk;
    use model::{LogRecord, TimeRange, UnixNanos};

    use super::*;
    use crate::batch::LogBatch;
    use crate::block::Meta;
    use crate::engine::Engine;
    use crate::engine::memory::Sealing;

    fn engine(disk: &SimDisk) -> Engine {
        Engine::open(Arc::new(disk.clone()), Config::new("/store"), Schema::Logs, None)
            .unwrap_or_else(|e| panic!("{e}"))
    }

    /// Stores one record at `time` and waits.
    fn ingest(engine: &Engine, time: i64) {
        ingest_many(engine, time, 1);
    }

    fn ingest_many(engine: &Engine, time: i64, n: usize) {
        let time = UnixNanos(time);
        let record = LogRecord { time, observed_time: time, ..LogRecord::default() };
        let request = wire::otlp::encode::logs_request(&vec![record; n]);
        let limits = wire::otlp::Limits::new(UnixNanos::from_secs(1_000));
        let (batch, _) = LogBatch::decode(&request, &limits).unwrap_or_else(|e| panic!("{e}"));
        let (tx, rx) = mpsc::channel();
        engine.ingest(request, batch.into_inner(), Box::new(move |result| tx.send(result.is_ok()).unwrap_or_default()));
        assert_eq!(rx.recv(), Ok(true));
    }

    #[test]
    fn batches_are_sealed_while_memory_is_flushed() {
        let engine = engine(&SimDisk::new(2));
        let flush = engine.shared.flushing.lock();
        for i in 0..3 {
            ingest_many(&engine, i, 4_000);
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while engine.shared.state.lock().active.blocks().is_empty() {
            assert!(Instant::now() < deadline, "nothing is sealed");
            std::thread::yield_now();
        }
        drop(flush);
        engine.flush();
        assert_eq!((engine.stats().memory_rows, engine.stats().segment_rows), (0, 12_000));
    }

    #[test]
    fn a_block_that_does_not_read_back_does_not_stop_the_flush_of_others() {
        let engine = engine(&SimDisk::new(1));
        ingest(&engine, 1);
        let meta = Meta { rows: 1, min_time: UnixNanos(2), max_time: UnixNanos(2), counts: Default::default() };
        let broken = Arc::new(Block::in_memory(vec![0; 64].into(), meta, Vec::new()));
        engine.shared.state.lock().active.seal_end(&Sealing { batches: Vec::new() }, vec![broken]);
        engine.flush();
        let stats = engine.stats();
        assert_eq!((stats.failed_flushes, stats.memory_rows, stats.damaged_blocks), (0, 0, 1));
        assert_eq!((stats.segments, stats.segment_rows), (1, 1));
        let kept = engine.shared.disk.list(Path::new("/store/logs/damaged")).unwrap_or_default();
        assert_eq!(kept.len(), 1);
        assert_eq!(engine.shared.disk.read(&kept[0]).ok(), Some(vec![0; 64]));
        assert_eq!(engine.snapshot(TimeRange::ALL).segments.len(), 1);
    }
}
