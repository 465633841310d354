//! Compaction: blocks become fewer and larger ones (see [`plan`] for which).
//!
//! Every flush and every restart leaves a block; fewer and larger ones cost
//! less memory and fewer reads, and are written with more effort. One series at
//! a time is in memory, with the entries and lists of the new block, about
//! 150 bytes per series. The new block takes the place of the first one in the manifest.

use std::collections::VecDeque;
use std::sync::Arc;

use foundation::disk::Disk;
use model::Labels;
use roaring::RoaringBitmap;

use crate::block::{Block, BlockWriter, StoredSeries, TimesCache};
use crate::chunk::{Effort, SeriesSamples};
use crate::db::{Inner, Tsdb, millis};
use crate::part::Gather;
use crate::plan::{self, BlockInfo};
use crate::{Exemplar, TsdbError};

/// Entries of a block that are read at once.
const ENTRIES_PER_READ: u32 = 256;

impl Tsdb {
    /// Merges the next blocks that belong together, if there are any; returns how many became one, or 0. Nothing is
    /// merged while the disk has no room for another copy of them.
    ///
    /// # Errors
    /// The disk refused or a block is damaged; nothing has changed then. A block that could not be read is left out of
    /// the next calls until the engine is opened again.
    pub fn compact(&self) -> Result<usize, TsdbError> {
        let inner = &self.inner;
        let _merging = inner.merging.lock();
        let blocks = inner.state.read().blocks.clone();
        let infos: Vec<BlockInfo> = blocks.iter().map(|b| b.info()).collect();
        let settle_ms = millis(inner.options.out_of_order_window);
        let ids = plan::merge(&infos, settle_ms, inner.options.retention.map(millis));
        let run: Vec<Arc<Block>> = blocks.into_iter().filter(|b| ids.contains(&b.id)).collect();
        if run.is_empty() || !inner.has_room_for(&run)? {
            return Ok(0);
        }
        let exemplars_max = inner.options.exemplars_per_series;
        let id = inner.next_block(&mut inner.files.lock())?;
        // Meanwhile heads are flushed; nobody takes away the blocks of the run.
        let merged = inner.write_block(id, Effort::Thorough, |writer| merge_blocks(&run, exemplars_max, writer))?;
        let mut files = inner.files.lock();
        let mut next = files.manifest.clone();
        replace(&mut next.blocks, &run, merged.id, |id| *id);
        inner.replace_manifest(&mut files, next, Some(&merged))?;
        replace(&mut inner.state.write().blocks, &run, Arc::new(merged), |b| b.id);
        run.iter().try_for_each(|b| remove(&*inner.disk, b))?;
        Ok(run.len())
    }
}

impl Inner {
    /// Whether a copy of the blocks leaves free what must stay free: what arrives needs the room more.
    fn has_room_for(&self, run: &[Arc<Block>]) -> Result<bool, TsdbError> {
        let dir = &self.options.dir;
        let free = self.disk.free_bytes(dir).map_err(TsdbError::io("ask for the free space of", dir))?;
        let needed = run.iter().map(|b| b.bytes()).sum::<u64>();
        let has_room = free >= needed.saturating_add(self.options.min_free_bytes);
        if !has_room {
            tracing::warn!(free, needed, "blocks of metrics are not merged: the disk has no room for a copy of them");
        }
        Ok(has_room)
    }
}

fn remove(disk: &dyn Disk, block: &Block) -> Result<(), TsdbError> {
    disk.remove_file(&block.path).map_err(TsdbError::io("remove", &block.path))
}

/// Puts `new` where the first block of `run` stands and takes the others out.
fn replace<T>(list: &mut Vec<T>, run: &[Arc<Block>], new: T, id: impl Fn(&T) -> u64) {
    let in_run = |x: &T| run.iter().any(|b| b.id == id(x));
    let at = list.iter().position(in_run).unwrap_or(list.len());
    list.retain(|x| !in_run(x));
    list.insert(at, new);
}

/// Walks the series of a block in label order.
struct Cursor {
    block: Arc<Block>,
    next: u32,
    read: VecDeque<StoredSeries>,
    times: TimesCache,
}

impl Cursor {
    /// Marks the block when a read of it failed.
    fn marked<T>(&self, read: Result<T, TsdbError>) -> Result<T, TsdbError> {
        if let Err(e) = &read {
            tracing::error!(error = %e, "a block of metrics is left out of compaction");
            self.block.set_unmergeable();
        }
        read
    }

    fn peek(&mut self) -> Result<Option<&Labels>, TsdbError> {
        if self.read.is_empty() && self.next < self.block.series_count() {
            let end = self.next.saturating_add(ENTRIES_PER_READ).min(self.block.series_count());
            let ids: RoaringBitmap = (self.next..end).collect();
            self.next = end;
            let read = &mut self.read;
            let entries = self.block.entries(&ids, &mut |s| {
                read.push_back(s);
                Ok(())
            });
            self.marked(entries)?;
        }
        Ok(self.read.front().map(|s| &s.labels))
    }
}

fn merge_blocks(run: &[Arc<Block>], exemplars_max: usize, writer: &mut BlockWriter) -> Result<(), TsdbError> {
    let cursor = |block: &Arc<Block>| Cursor {
        block: block.clone(),
        next: 0,
        read: VecDeque::new(),
        times: TimesCache::default(),
    };
    let mut cursors: Vec<Cursor> = run.iter().map(cursor).collect();
    loop {
        let mut first: Option<Labels> = None;
        for c in &mut cursors {
            if let Some(labels) = c.peek()?
                && first.as_ref().is_none_or(|f| labels < f)
            {
                first = Some(labels.clone());
            }
        }
        let Some(labels) = first else { return Ok(()) };
        let mut gather = Gather::default();
        let mut exemplars: Vec<Exemplar> = Vec::new();
        for c in &mut cursors {
            if c.peek()? != Some(&labels) {
                continue;
            }
            let Some(series) = c.read.pop_front() else { continue };
            let Cursor { block, times, .. } = &mut *c;
            let chunks =
                |out: &mut SeriesSamples| series.chunks.iter().try_for_each(|k| block.read_chunk(k, times, out));
            let read = gather.add(chunks);
            c.marked(read)?;
            exemplars.extend(series.exemplars);
        }
        exemplars.dedup();
        let newest = exemplars.len().saturating_sub(exemplars_max);
        let exemplars: Vec<&Exemplar> = exemplars.iter().skip(newest).collect();
        writer.add(&labels, &gather.finish(), &exemplars)?;
    }
}
