//! From head to block, and what is removed when.
//!
//! A flush freezes the head (the log rotates), writes it as a block, writes
//! the snapshot, replaces the manifest, and only then removes the log
//! generation. A crash before the manifest is replaced leaves orphans, which
//! open removes, and the log, which is replayed; a crash after it leaves log
//! files whose generation the manifest covers, which open removes. So no
//! sample is lost or there twice.

use std::path::PathBuf;
use std::sync::Arc;

use foundation::clock::UnixNanos;
use model::labels::Labels;

use crate::TsdbError;
use crate::batch::Exemplar;
use crate::block::{Block, BlockWriter};
use crate::chunk::Sample;
use crate::db::{Inner, Tsdb, millis};
use crate::head::{Head, MemSeries};
use crate::key;
use crate::manifest::Manifest;
use crate::part::merge;
use crate::snapshot::Snapshot;
use crate::state::Frozen;

/// What one round of upkeep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Whether the head was flushed.
    pub flushed: bool,
    /// Blocks removed because all their samples are older than the retention.
    pub blocks_removed: usize,
    /// Blocks that were merged into one.
    pub blocks_compacted: usize,
}

impl Tsdb {
    /// Flushes the head when it is long or large enough, removes what is past the retention, merges small blocks.
    ///
    /// To be called every few seconds by one thread of the owner; blocks while files are written.
    ///
    /// # Errors
    /// The disk refused. Nothing is lost: samples stay in memory and in the log, and the next call tries again.
    pub fn maintain(&self) -> Result<Upkeep, TsdbError> {
        let flushed = self.flush_is_due() && self.flush()?;
        let blocks_removed = self.apply_retention(self.clock.now())?;
        Ok(Upkeep { flushed, blocks_removed, blocks_compacted: self.compact()? })
    }

    fn flush_is_due(&self) -> bool {
        let options = &self.inner.options;
        let state = self.inner.state.read();
        let long = state.head.bounds.is_some_and(|(min, max)| max.saturating_sub(min) >= millis(options.block_span));
        long || state.head.bytes >= options.head_bytes_max || !state.frozen.is_empty()
    }

    /// Writes all that is in memory to a block; returns whether there was anything.
    ///
    /// # Errors
    /// As [`Tsdb::maintain`].
    pub fn flush(&self) -> Result<bool, TsdbError> {
        let mut manifest = self.inner.manifest.lock();
        let mut any = false;
        loop {
            let next = self.inner.state.read().frozen.first().cloned();
            match next {
                Some(frozen) => {
                    self.inner.store_frozen(&frozen, &mut manifest)?;
                    self.wal.remove_through(frozen.generation)?;
                    any = true;
                }
                None if any && self.inner.state.read().head.is_empty() => return Ok(true),
                None if !self.freeze()? => return Ok(any),
                None => {}
            }
        }
    }

    /// Flushes and closes.
    ///
    /// # Errors
    /// The flush failed; the samples are in the log and are replayed at the next open.
    pub fn close(self) -> Result<(), TsdbError> {
        self.flush().map(|_| ())
    }

    /// Makes the head a frozen one, exactly at the end of a log generation; `false` when it is empty.
    fn freeze(&self) -> Result<bool, TsdbError> {
        if self.inner.state.read().head.is_empty() {
            return Ok(false);
        }
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        let inner = self.inner.clone();
        self.wal.rotate(Box::new(move |rotated| drop(tx.send(rotated.map(|generation| inner.freeze(generation))))));
        rx.recv().unwrap_or(Err(wal::WalError::Closed))?;
        Ok(true)
    }

    /// Removes the blocks whose newest sample is older than the retention; returns how many.
    ///
    /// # Errors
    /// The disk refused; blocks that were taken out of the manifest are gone for queries all the same.
    pub fn apply_retention(&self, now: UnixNanos) -> Result<usize, TsdbError> {
        let Some(retention) = self.inner.options.retention else { return Ok(0) };
        let oldest = now.as_millis().saturating_sub(millis(retention));
        let mut manifest = self.inner.manifest.lock();
        let expired: Vec<Arc<Block>> =
            self.inner.state.read().blocks.iter().filter(|b| b.bounds().1 < oldest).cloned().collect();
        if expired.is_empty() {
            return Ok(0);
        }
        let gone = |id: u64| expired.iter().any(|b| b.id == id);
        let mut next = manifest.clone();
        next.blocks.retain(|id| !gone(*id));
        self.inner.replace_manifest(&mut manifest, next)?;
        self.inner.state.write().blocks.retain(|b| !gone(b.id));
        for block in &expired {
            // Queries that hold the block read on: the file is open.
            self.inner.disk.remove_file(&block.path).map_err(TsdbError::io("remove", &block.path))?;
        }
        Ok(expired.len())
    }
}

impl Inner {
    /// On the log's writer thread, between two generations.
    fn freeze(&self, generation: wal::Generation) {
        let mut deltas = self.deltas.lock();
        let mut state = self.state.write();
        deltas.forget_before(state.newest.saturating_sub(millis(self.options.delta_idle)));
        let snapshot = Snapshot { newest: state.newest, deltas: deltas.clone(), catalog: state.catalog.clone() };
        let head = std::mem::take(&mut state.head);
        state.frozen.push(Arc::new(Frozen { generation, head, snapshot }));
    }

    /// Writes a frozen head as a block and lets the manifest say so.
    fn store_frozen(&self, frozen: &Arc<Frozen>, manifest: &mut Manifest) -> Result<(), TsdbError> {
        let dir = &self.options.dir;
        let (id, path) = self.new_block(manifest);
        let mut writer = BlockWriter::create(&*self.disk, &path)?;
        write_head(&frozen.head, &mut writer)?;
        writer.finish()?;
        frozen.snapshot.store(&*self.disk, &Manifest::snapshot_path(dir, frozen.generation))?;
        self.disk.sync_dir(dir).map_err(TsdbError::io("sync", dir))?;
        let block = Arc::new(Block::open(&*self.disk, &path, id)?);
        let old_snapshot = manifest.snapshot.then(|| Manifest::snapshot_path(dir, manifest.flushed_through));
        let mut next = manifest.clone();
        next.flushed_through = frozen.generation;
        next.snapshot = true;
        next.blocks.push(id);
        self.replace_manifest(manifest, next)?;
        {
            let mut state = self.state.write();
            state.blocks.push(block);
            state.frozen.retain(|f| !Arc::ptr_eq(f, frozen));
        }
        if let Some(old) = old_snapshot {
            self.disk.remove_file(&old).map_err(TsdbError::io("remove", &old))?;
        }
        Ok(())
    }

    /// The number and path of the next block. Taken even when what follows fails: a second try does not write
    /// over the file of the first.
    pub(crate) fn new_block(&self, manifest: &mut Manifest) -> (u64, PathBuf) {
        let id = manifest.next_block;
        manifest.next_block += 1;
        (id, Manifest::block_path(&self.options.dir, id))
    }

    pub(crate) fn replace_manifest(&self, manifest: &mut Manifest, next: Manifest) -> Result<(), TsdbError> {
        next.store(&*self.disk, &self.options.dir)?;
        *manifest = next;
        Ok(())
    }
}

/// Writes all series of a head in label order, their stretches merged.
fn write_head(head: &Head, writer: &mut BlockWriter) -> Result<(), TsdbError> {
    let mut order: Vec<(Labels, u32, &MemSeries)> = head.series().map(|(id, s)| (key::decode(&s.key), id, s)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let mut samples: Vec<Sample> = Vec::new();
    for (_, id, series) in order {
        samples.clear();
        series.parts(i64::MIN, i64::MAX).iter().try_for_each(|p| p.decode(&mut samples))?;
        merge(&mut samples);
        let exemplars: Vec<&Exemplar> = head.exemplars.of(id).collect();
        writer.add(&series.key, &samples, &exemplars)?;
    }
    Ok(())
}
