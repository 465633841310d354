//! Compaction: four small neighbours become one block.
//!
//! Every flush and every restart leaves a block; fewer and larger ones cost
//! less memory and fewer reads. Only blocks that follow each other in storing
//! order are merged, because of samples with one time the first stored
//! counts. The new block takes the place of the first one in the manifest.

use std::collections::VecDeque;
use std::sync::Arc;

use foundation::disk::Disk;
use model::Labels;
use roaring::RoaringBitmap;

use crate::block::{Block, BlockWriter, StoredSeries};
use crate::chunk::{Effort, SeriesSamples};
use crate::db::Tsdb;
use crate::part::Gather;
use crate::{Exemplar, TsdbError, key};

/// Blocks that become one.
const FAN_IN: usize = 4;
/// A merged block reaches over at most this long, so that retention stays precise: 3 days.
const SPAN_MS_MAX: i64 = 3 * 86_400_000;
/// Entries of a block that are read at once.
const ENTRIES_PER_READ: u32 = 256;

impl Tsdb {
    /// Merges the first run of small neighbouring blocks, if there is one; returns how many blocks became one, or 0.
    ///
    /// # Errors
    /// The disk refused or a block is damaged; nothing has changed then. A block that could not be read is left out of
    /// the next calls until the engine is opened again.
    pub fn compact(&self) -> Result<usize, TsdbError> {
        let inner = &self.inner;
        let mut files = inner.files.lock();
        let Some(run) = pick(&inner.state.read().blocks) else { return Ok(0) };
        let exemplars_max = inner.options.exemplars_per_series;
        let merged =
            inner.write_block(&mut files, Effort::Thorough, |writer| merge_blocks(&run, exemplars_max, writer))?;
        let mut next = files.manifest.clone();
        replace(&mut next.blocks, &run, merged.id, |id| *id);
        inner.replace_manifest(&mut files, next, Some(&merged))?;
        replace(&mut inner.state.write().blocks, &run, Arc::new(merged), |b| b.id);
        run.iter().try_for_each(|b| remove(&*inner.disk, b))?;
        Ok(run.len())
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

/// The first neighbours of which none is larger than the others together: each sample is then rewritten a
/// logarithmic number of times.
fn pick(blocks: &[Arc<Block>]) -> Option<Vec<Arc<Block>>> {
    let fits = |run: &&[Arc<Block>]| {
        let (sum, largest) = run.iter().fold((0, 0), |(sum, max), b| (sum + b.samples(), b.samples().max(max)));
        let from = run.iter().map(|b| b.bounds().0).min().unwrap_or_default();
        let to = run.iter().map(|b| b.bounds().1).max().unwrap_or_default();
        let mergeable = run.iter().all(|b| b.is_mergeable());
        mergeable && largest * 2 <= sum && to.saturating_sub(from) <= SPAN_MS_MAX
    };
    blocks.windows(FAN_IN).find(fits).map(<[_]>::to_vec)
}

/// Walks the series of a block in label order.
struct Cursor {
    block: Arc<Block>,
    next: u32,
    read: VecDeque<(Labels, StoredSeries)>,
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
                read.push_back((key::decode(&s.key), s));
                Ok(())
            });
            self.marked(entries)?;
        }
        Ok(self.read.front().map(|(labels, _)| labels))
    }
}

fn merge_blocks(run: &[Arc<Block>], exemplars_max: usize, writer: &mut BlockWriter) -> Result<(), TsdbError> {
    let cursor = |block: &Arc<Block>| Cursor { block: block.clone(), next: 0, read: VecDeque::new() };
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
        let mut series_key = Vec::new();
        for c in &mut cursors {
            if c.peek()? != Some(&labels) {
                continue;
            }
            let Some((_, series)) = c.read.pop_front() else { continue };
            let chunks = |out: &mut SeriesSamples| series.chunks.iter().try_for_each(|k| c.block.read_chunk(k, out));
            c.marked(gather.add(chunks))?;
            exemplars.extend(series.exemplars);
            series_key = series.key;
        }
        exemplars.dedup();
        let newest = exemplars.len().saturating_sub(exemplars_max);
        let exemplars: Vec<&Exemplar> = exemplars.iter().skip(newest).collect();
        writer.add(&series_key, &gather.finish(), &exemplars)?;
    }
}
