//! From head to block.
//!
//! A flush freezes the head (the log rotates), writes it as a block, writes
//! the snapshot, replaces the manifest, and only then removes the log
//! generation. A crash before the manifest is replaced leaves orphans, which
//! open removes, and the log, which is replayed; a crash after it leaves log
//! files whose generation the manifest covers, which open removes. So no
//! sample is lost or there twice.

use std::sync::Arc;

use crate::block::{Block, BlockWriter};
use crate::chunk::Effort;
use crate::db::{Inner, Tsdb, millis};
use crate::head::{Carried, Head};
use crate::manifest::Manifest;
use crate::part::{Gather, Needed};
use crate::snapshot::Snapshot;
use crate::state::{Files, Frozen};
use crate::{TsdbError, key};

impl Tsdb {
    /// Flushes the head when it or its log is long or large enough; returns whether it did.
    ///
    /// To be called every few seconds by one thread of the owner; waits while files are written, but not for
    /// [`Tsdb::compact`], which another thread calls.
    ///
    /// # Errors
    /// The disk refused. Nothing is lost: samples stay in memory and in the log, and the next call tries again.
    pub fn maintain(&self) -> Result<bool, TsdbError> {
        Ok(self.flush_is_due() && self.flush()?)
    }

    fn flush_is_due(&self) -> bool {
        if self.log_is_long() {
            return true;
        }
        let options = &self.inner.options;
        let state = self.inner.state.read();
        let long = state.head.reaches_over(millis(options.block_span).max(1));
        // Only replay makes such a head, of several generations: the next replay would add to it again.
        let merged = state.head.series_count() > options.max_series;
        long || merged || state.head.bytes() >= options.head_bytes_max || !state.frozen.is_empty()
    }

    /// Writes all that is in memory now to blocks; returns whether there was anything.
    ///
    /// What arrives meanwhile is left for the next call: a busy engine would never come to an end.
    ///
    /// # Errors
    /// As [`Tsdb::maintain`].
    pub fn flush(&self) -> Result<bool, TsdbError> {
        let mut files = self.inner.files.lock();
        let left_over = self.store_all_frozen(&mut files)?;
        if !self.freeze()? {
            return Ok(left_over);
        }
        self.store_all_frozen(&mut files)
    }

    /// Stores the frozen heads, oldest first; returns whether there was one. Only who holds `files` freezes another.
    fn store_all_frozen(&self, files: &mut Files) -> Result<bool, TsdbError> {
        let mut any = false;
        loop {
            let Some(frozen) = self.inner.state.read().frozen.first().cloned() else { return Ok(any) };
            self.inner.store_frozen(&frozen, files)?;
            self.wal.remove_through(frozen.generation)?;
            any = true;
        }
    }

    /// Flushes and closes.
    ///
    /// # Errors
    /// The flush failed; the samples are in the log and are replayed at the next open.
    pub fn close(self) -> Result<(), TsdbError> {
        self.flush().map(|_| ())
    }

    /// Makes the head a frozen one; `false` when it is empty and the log behind it is short.
    fn freeze(&self) -> Result<bool, TsdbError> {
        if self.inner.state.read().head.is_empty() && !self.log_is_long() {
            return Ok(false);
        }
        self.rotate()?;
        Ok(true)
    }
}

impl Inner {
    /// On the log's writer thread, between two generations. `epoch` is that of the head that follows.
    pub(crate) fn freeze(&self, generation: wal::Generation, epoch: u64) {
        let mut carried = self.carried.lock();
        let Carried { newest, deltas, aggregates } = &mut *carried;
        let idle_since = newest.saturating_sub(millis(self.options.delta_idle));
        deltas.forget_before(idle_since);
        aggregates.forget_before(idle_since);
        let catalog = self.catalog.read().clone();
        let snapshot = Snapshot { newest: *newest, deltas: deltas.clone(), aggregates: aggregates.clone(), catalog };
        let mut state = self.state.write();
        let head = std::mem::replace(&mut state.head, Arc::new(Head::new(epoch, *newest)));
        state.frozen.push(Arc::new(Frozen { generation, head, snapshot }));
    }

    /// Writes a frozen head as a block, an empty one as its snapshot only, and lets the manifest say so.
    fn store_frozen(&self, frozen: &Arc<Frozen>, files: &mut Files) -> Result<(), TsdbError> {
        let dir = &self.options.dir;
        let old = &files.manifest;
        let old_snapshot = old.snapshot.then(|| Manifest::snapshot_path(dir, old.flushed_through));
        let snapshot_path = Manifest::snapshot_path(dir, frozen.generation);
        let id = self.next_block(files)?;
        let block = if frozen.head.is_empty() {
            frozen.snapshot.store(&*self.disk, &snapshot_path)?;
            self.disk.sync_dir(dir).map_err(TsdbError::io("sync", dir))?;
            None
        } else {
            Some(self.write_block(id, Effort::Quick, |writer| {
                write_range(&frozen.head, &frozen.head.in_label_order(), (i64::MIN, i64::MAX), writer)?;
                frozen.snapshot.store(&*self.disk, &snapshot_path)
            })?)
        };
        let mut next = files.manifest.clone();
        next.flushed_through = frozen.generation;
        next.snapshot = true;
        next.blocks.extend(block.as_ref().map(|b| b.id));
        self.replace_manifest(files, next, block.as_ref())?;
        {
            let mut state = self.state.write();
            state.blocks.extend(block.map(Arc::new));
            state.frozen.retain(|f| !Arc::ptr_eq(f, frozen));
        }
        if let Some(old) = old_snapshot {
            self.disk.remove_file(&old).map_err(TsdbError::io("remove", &old))?;
        }
        Ok(())
    }

    /// The number of a new block.
    pub(crate) fn next_block(&self, files: &mut Files) -> Result<u64, TsdbError> {
        self.settle(files)?;
        let id = files.manifest.next_block;
        files.manifest.next_block += 1;
        Ok(id)
    }

    /// Writes and syncs a new block, which the manifest does not name yet. Nothing of it stays when that fails.
    pub(crate) fn write_block(
        &self,
        id: u64,
        effort: Effort,
        write: impl FnOnce(&mut BlockWriter) -> Result<(), TsdbError>,
    ) -> Result<Block, TsdbError> {
        let dir = &self.options.dir;
        let path = Manifest::block_path(dir, id);
        let run = || {
            let mut writer = BlockWriter::create(&*self.disk, &path, effort)?;
            write(&mut writer)?;
            writer.finish()?;
            self.disk.sync_dir(dir).map_err(TsdbError::io("sync", dir))?;
            Block::open(&*self.disk, &path, id)
        };
        let written = run();
        if written.is_err() {
            // A full disk must not fill up with halves. If this fails too, the next open removes the orphan.
            let _ = self.disk.remove_file(&path);
        }
        written
    }

    /// Replaces the manifest by one that names `new`.
    pub(crate) fn replace_manifest(
        &self,
        files: &mut Files,
        next: Manifest,
        new: Option<&Block>,
    ) -> Result<(), TsdbError> {
        if let Err(e) = next.store(&*self.disk, &self.options.dir) {
            files.unsettled = new.map(|b| b.path.clone());
            return Err(e);
        }
        files.manifest = next;
        Ok(())
    }

    /// Makes sure that the manifest on disk is the one that the engine goes by.
    fn settle(&self, files: &mut Files) -> Result<(), TsdbError> {
        if let Some(path) = &files.unsettled {
            files.manifest.store(&*self.disk, &self.options.dir)?;
            self.disk.remove_file(path).map_err(TsdbError::io("remove", path))?;
            files.unsettled = None;
        }
        Ok(())
    }
}

/// Writes what the series of a head have within `range` (both ends inclusive), their stretches merged. `order` is that of their
/// labels.
pub(crate) fn write_range(
    head: &Head,
    order: &[u32],
    range: (i64, i64),
    writer: &mut BlockWriter,
) -> Result<(), TsdbError> {
    head.visit_parts(order.iter().copied(), range, Needed::All, &mut || Ok(()), &mut |id, key, parts| {
        let mut gather = Gather::default();
        for part in parts {
            gather.add(|out| part.decode(out))?;
        }
        let mut samples = gather.finish();
        samples.clip(range.0, range.1);
        let exemplars = head.exemplars_of(id);
        let inside = exemplars.iter().filter(|e| (range.0..=range.1).contains(&e.t));
        writer.add(&key::decode(key), &samples, &inside.collect::<Vec<_>>())
    })
}
