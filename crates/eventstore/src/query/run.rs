//! One query while it runs: its limits, its cost, and what it had to leave out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use model::{TimeRange, UnixNanos};

use super::compile::{self, Plan};
use super::prune::Share;
use super::request::{Limits, Outcome, Partial, QueryStats, Select};
use super::view::View;
use crate::block::{Block, BlockError, Columns};
use crate::column::Damaged;
use crate::engine::{Engine, Shared, Snapshot};
use crate::error::QueryError;

/// Blocks whose headers are asked for in advance, and those whose columns are: a header is needed to know where columns lie.
const HEADERS_AHEAD: usize = 32;
const COLUMNS_AHEAD: usize = 8;

/// Why the work on a block ended.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The block can not be read: it is left out.
    Block(BlockError),
    /// The query ends here.
    Stop(Partial),
}

impl From<BlockError> for Halt {
    fn from(e: BlockError) -> Self {
        Self::Block(e)
    }
}

impl From<Damaged> for Halt {
    fn from(e: Damaged) -> Self {
        Self::Block(e.into())
    }
}

/// A query while it runs.
pub(crate) struct Run<'a> {
    pub(crate) shared: &'a Shared,
    limits: &'a Limits,
    started: Instant,
    stats: QueryStats,
    partial: Option<Partial>,
    damaged: u64,
    /// Segments that could not be opened; the steps of a query may meet the same ones.
    missing: u64,
    /// What had to be read of blocks that nobody read before.
    cold: Columns,
    /// Bytes of the result so far; shared with the workers of this query.
    held: Arc<AtomicUsize>,
    /// Set when one worker has to end the query, so that the others end too.
    ended: Arc<AtomicBool>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(engine: &'a Engine, limits: &'a Limits) -> Self {
        Self {
            shared: engine.shared(),
            limits,
            started: Instant::now(),
            stats: QueryStats::default(),
            partial: None,
            damaged: 0,
            missing: 0,
            cold: Columns::default(),
            held: Arc::default(),
            ended: Arc::default(),
        }
    }

    /// Another hand for the same query: it shares the limits and counts for itself.
    pub(super) fn fork(&self) -> Self {
        Self {
            shared: self.shared,
            limits: self.limits,
            started: self.started,
            stats: QueryStats::default(),
            partial: None,
            damaged: 0,
            missing: 0,
            cold: self.cold,
            held: self.held.clone(),
            ended: self.ended.clone(),
        }
    }

    /// Takes over what a fork counted and why it stopped.
    pub(super) fn join(&mut self, fork: Self) {
        self.stats.add(&fork.stats);
        self.damaged += fork.damaged;
        self.partial = self.partial.or(fork.partial);
    }

    /// What the query may cost.
    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Whether a worker of the query has ended it.
    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Checks whether the query may go on.
    pub(super) fn check(&self) -> Result<(), Partial> {
        if self.limits.cancel.is_cancelled() {
            Err(Partial::Cancelled)
        } else if Instant::now() >= self.limits.deadline {
            Err(Partial::Deadline)
        } else {
            Ok(())
        }
    }

    /// Counts bytes that the query keeps.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), Partial> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held > self.limits.memory_bytes { Err(Partial::Memory) } else { Ok(()) }
    }

    /// Counts a block that needed no look inside.
    pub(crate) fn skip(&mut self) {
        self.stats.blocks_skipped += 1;
    }

    /// Whether the query ended before everything was looked at.
    pub(crate) fn stopped(&self) -> bool {
        self.partial.is_some()
    }

    /// Ends the query: the result is not whole.
    pub(crate) fn stop(&mut self, why: Partial) {
        self.partial.get_or_insert(why);
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Lets what was found be made into a result after the query has ended.
    pub(super) fn go_on(&mut self) {
        self.ended = Arc::default();
    }

    /// Notes that the result is not whole, though everything is looked at.
    pub(crate) fn note(&mut self, why: Partial) {
        self.partial.get_or_insert(why);
    }

    /// Asks the disk for what the next blocks will be read for, given what had to be read of the ones before. At most
    /// `wanted` of them are taken to be read.
    pub(super) fn read_ahead<'b>(&self, next: impl Iterator<Item = &'b Arc<Block>> + Clone, wanted: usize) {
        next.clone().take(wanted.min(HEADERS_AHEAD)).for_each(|block| block.ask_for_header());
        if self.is_cold() {
            next.take(wanted.min(COLUMNS_AHEAD)).for_each(|block| block.ask_for(self.cold));
        }
    }

    /// Whether the disk had to be asked.
    pub(super) fn is_cold(&self) -> bool {
        !self.cold.is_empty()
    }

    /// Asks for columns of a block that will be read, and, if they were not in memory, of those that follow.
    pub(super) fn ask_for(&mut self, block: &Block, columns: Columns) {
        let known = block.touched();
        block.ask_for(columns);
        self.cold = self.cold.or(block.touched().without(known));
    }

    /// Looks into a block; `None` when the block is damaged and left out.
    ///
    /// # Errors
    /// When the query has to end.
    pub(crate) fn visit<T>(
        &mut self,
        block: &Arc<Block>,
        look: impl FnOnce(&View<'_>) -> Result<T, Halt>,
    ) -> Result<Option<T>, Partial> {
        self.check()?;
        self.stats.blocks_scanned += 1;
        self.stats.rows_scanned += block.rows() as u64;
        let left = self.limits.memory_bytes.saturating_sub(self.held.load(Ordering::Relaxed));
        let known = block.touched();
        let looked = View::new(self.shared, block, left).map_err(Halt::from).and_then(|view| look(&view));
        self.cold = self.cold.or(block.touched().without(known));
        match looked {
            Ok(value) => Ok(Some(value)),
            Err(Halt::Stop(why)) => Err(why),
            Err(Halt::Block(error)) => {
                self.damaged += 1;
                if block.mark_damaged() {
                    self.shared.damaged_blocks.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(store = self.shared.schema.dir(), %error, "a block cannot be read and is left out");
                }
                Ok(None)
            }
        }
    }

    pub(crate) fn finish<T>(mut self, value: T) -> Outcome<T> {
        self.stats.elapsed = self.started.elapsed();
        let blocks = self.damaged + self.missing;
        let damaged = (blocks > 0).then_some(Partial::Damaged { blocks });
        Outcome { value, partial: self.partial.or(damaged), stats: self.stats }
    }
}

/// The blocks that a query has to look at, and its filter ready to run.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) blocks: Vec<Arc<Block>>,
}

/// Compiles the filter and finds the blocks that may have rows for it.
///
/// # Errors
/// When the filter is not valid.
pub(crate) fn prepare(engine: &Engine, run: &mut Run<'_>, select: &Select) -> Result<Prepared, QueryError> {
    let plan = compile::compile(&select.filter, &select.access)?;
    let mut blocks = blocks(&engine.snapshot(select.range), run, select.range, plan.trace.as_ref());
    leave_out(run, &plan, &mut blocks);
    Ok(Prepared { plan, blocks })
}

/// Leaves out blocks without a row that matches, as far as that is known without reading them.
pub(crate) fn leave_out(run: &mut Run<'_>, plan: &Plan, blocks: &mut Vec<Arc<Block>>) {
    let all = blocks.len();
    let schema = run.shared.schema;
    blocks.retain(|b| plan.share(schema, b) != Share::None);
    run.stats.blocks_skipped += (all - blocks.len()) as u64;
}

/// The blocks of a snapshot that may have rows in `range` (and of `trace`).
///
/// A segment of that range that could not be opened counts as a damaged block.
pub(crate) fn blocks(
    snapshot: &Snapshot,
    run: &mut Run<'_>,
    range: TimeRange,
    trace: Option<&[u8; 16]>,
) -> Vec<Arc<Block>> {
    let missing = snapshot.missing.iter().filter(|s| range.overlaps(s.min_time, s.max_time)).count() as u64;
    run.missing = run.missing.max(missing);
    let overlaps = |b: &&Arc<Block>| range.overlaps(b.meta.min_time, b.meta.max_time);
    let of_trace = |b: &&Arc<Block>| trace.is_none_or(|id| b.may_have_trace(id));
    let mut blocks: Vec<Arc<Block>> = snapshot.blocks.iter().filter(overlaps).filter(of_trace).cloned().collect();
    let mut all = snapshot.blocks.len();
    for segment in &snapshot.segments {
        match trace {
            Some(id) => blocks.extend(segment.trace_blocks(id).filter(overlaps).cloned()),
            None => blocks.extend(segment.blocks.iter().filter(overlaps).cloned()),
        }
        all += segment.blocks.len();
    }
    run.stats.blocks_skipped += (all - blocks.len()) as u64;
    blocks
}

/// The blocks of a snapshot that may have rows of any of `traces`, each once.
///
/// Any segment that could not be opened may have some too: it counts as a damaged block.
pub(crate) fn blocks_of_traces<'t>(
    snapshot: &Snapshot,
    run: &mut Run<'_>,
    traces: impl Iterator<Item = &'t [u8; 16]> + Clone,
) -> Vec<Arc<Block>> {
    if traces.clone().next().is_some() {
        run.missing = snapshot.missing.len() as u64;
    }
    let blocks = with_traces(snapshot, traces);
    let all = snapshot.blocks.len() + snapshot.segments.iter().map(|s| s.blocks.len()).sum::<usize>();
    run.stats.blocks_skipped += (all - blocks.len()) as u64;
    blocks
}

/// The same without counting what it spares.
pub(crate) fn with_traces<'t>(
    snapshot: &Snapshot,
    traces: impl Iterator<Item = &'t [u8; 16]> + Clone,
) -> Vec<Arc<Block>> {
    let mut blocks: Vec<Arc<Block>> =
        snapshot.blocks.iter().filter(|b| traces.clone().any(|id| b.may_have_trace(id))).cloned().collect();
    for segment in &snapshot.segments {
        let mut of_segment: Vec<&Arc<Block>> = traces.clone().flat_map(|id| segment.trace_blocks(id)).collect();
        // One block has spans of many of the traces.
        of_segment.sort_unstable_by_key(|b| Arc::as_ptr(b) as usize);
        of_segment.dedup_by_key(|b| Arc::as_ptr(b) as usize);
        blocks.extend(of_segment.into_iter().cloned());
    }
    blocks
}

/// The part of `range` that a page leaves, given that `after` is excluded.
pub(crate) fn narrow_below(range: TimeRange, after: UnixNanos) -> TimeRange {
    TimeRange::new(range.start, range.end.min(UnixNanos(after.0.saturating_add(1))))
}
