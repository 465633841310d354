//! Backfill: samples from before the head, straight into blocks, past log and window.
//!
//! For what was measured elsewhere and is brought in once. Samples gather in a head of their own; when that takes its share of
//! memory, and at the end, each window of time that was touched becomes a block. The new blocks stand behind those that are there:
//! of samples with one time the one that was there counts, so that a backfill that broke off is simply run again.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::TsdbError;
use crate::aggregate::Aggregates;
use crate::batch::{Batch, Rules};
use crate::block::{Block, BlockWriter};
use crate::chunk::Effort;
use crate::db::{Tsdb, millis};
use crate::delta::DeltaStreams;
use crate::flush::write_range;
use crate::head::{Carried, ExemplarLimits, Head};
use crate::outcome::Ingested;
use crate::plan;

/// No log generation: its batches name no series by number.
const EPOCH: u64 = u64::MAX;

/// Samples on their way into blocks.
pub struct Backfill<'a> {
    db: &'a Tsdb,
    rules: Rules,
    head: Arc<Head>,
    /// The windows that have samples, by their number counted from 1970.
    windows: BTreeSet<i64>,
    width_ms: i64,
    bytes_max: usize,
    total: Backfilled,
}

/// What a backfill stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backfilled {
    /// Blocks that were written; some of them may be merged by now.
    pub blocks: u64,
    /// Samples and histograms in them.
    pub samples: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Tsdb {
    /// Begins a backfill. Samples are taken from the begin of the retention up to the oldest one that is still in memory; what is
    /// newer goes the usual way. Blocks are written whenever samples take `bytes_max` of memory.
    pub fn backfill(&self, bytes_max: usize) -> Backfill<'_> {
        let usual = self.rules();
        let state = self.inner.state.read();
        let heads = state.frozen.iter().map(|f| &f.head).chain([&state.head]);
        let in_memory = heads.filter_map(|h| h.bounds()).map(|(oldest, _)| oldest).min();
        let newest_allowed = in_memory.map_or(usual.newest_allowed, |oldest| oldest.saturating_sub(1));
        // Any order is as good as another, and any age.
        let rules = Rules { newest_allowed, window_ms: i64::MAX, in_order_ms: i64::MAX, ..usual };
        Backfill {
            db: self,
            rules,
            head: Arc::new(Head::new(EPOCH, i64::MIN)),
            windows: BTreeSet::new(),
            width_ms: plan::backfill_width(self.inner.options.retention.map(millis)),
            bytes_max,
            total: Backfilled::default(),
        }
    }
}

impl Backfill<'_> {
    /// An empty batch for old samples.
    pub fn batch(&self) -> Batch {
        Batch::new(self.rules)
    }

    /// Times that are taken (both inclusive), milliseconds.
    pub fn bounds(&self) -> (i64, i64) {
        (self.rules.oldest_allowed, self.rules.newest_allowed)
    }

    /// Takes samples; they are stored at the latest when [`Backfill::finish`] returns. Rules and limits on series hold as anywhere,
    /// but for those that aggregate. Metadata is learnt at once.
    ///
    /// # Errors
    /// The disk refused. Blocks that were written before stay.
    pub fn append(&mut self, mut batch: Batch) -> Result<Ingested, TsdbError> {
        let inner = &self.db.inner;
        let metrics = std::mem::take(&mut batch.metrics);
        if !metrics.is_empty() {
            let mut about = self.db.batch();
            about.metrics = metrics;
            self.db.append_batch_wait(about)?;
        }
        let reserved = self.head.admit(&mut batch, &inner.limits);
        // What is refused from here on has another sample in its place.
        self.windows.extend(batch.buf.samples.iter().map(|s| s.t.div_euclid(self.width_ms)));
        let (deltas, aggregates) = (DeltaStreams::default(), Aggregates::default());
        let mut carried = Carried { newest: i64::MIN, deltas, aggregates };
        let done = self.head.apply(&mut batch, ExemplarLimits::of(&inner.options), &mut carried);
        drop(reserved);
        if self.head.bytes() >= self.bytes_max {
            self.write()?;
        }
        Ok(done)
    }

    /// Stores what was taken.
    ///
    /// # Errors
    /// As [`Backfill::append`].
    pub fn finish(mut self) -> Result<Backfilled, TsdbError> {
        self.write()?;
        Ok(self.total)
    }

    /// A block for every window that has samples.
    fn write(&mut self) -> Result<(), TsdbError> {
        let head = std::mem::replace(&mut self.head, Arc::new(Head::new(EPOCH, i64::MIN)));
        let order = head.in_label_order();
        for window in std::mem::take(&mut self.windows) {
            let from = window.saturating_mul(self.width_ms);
            let range = (from, from.saturating_add(self.width_ms - 1));
            let block = self.store(|writer| write_range(&head, &order, range, writer))?;
            self.total.blocks += 1;
            self.total.samples += block.samples();
            self.total.bytes += block.bytes();
        }
        Ok(())
    }

    fn store(&self, write: impl FnOnce(&mut BlockWriter) -> Result<(), TsdbError>) -> Result<Arc<Block>, TsdbError> {
        let inner = &self.db.inner;
        let mut files = inner.files.lock();
        let id = inner.next_block(&mut files)?;
        let block = inner.write_block(id, Effort::Thorough, write)?;
        let mut next = files.manifest.clone();
        next.blocks.push(block.id);
        inner.replace_manifest(&mut files, next, Some(&block))?;
        let block = Arc::new(block);
        inner.state.write().blocks.push(block.clone());
        Ok(block)
    }
}
