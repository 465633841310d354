//! The newest (or oldest) N rows that match.
//!
//! Blocks are looked at in the order of their bounds, and the search ends when
//! no later block can hold a better row than the N that are kept. Only these
//! are materialised, block by block.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{LogRecord, Span, TimeRange, UnixNanos};
use parking_lot::Mutex;

use super::eval::{matching, tested_columns};
use super::fold::{EndsEarly, Morsel};
use super::materialize;
use super::prune::Share;
use super::request::{Order, Outcome, Page, Row, RowId, Rows, Select};
use super::run::{Halt, Prepared, Run, narrow_below, prepare};
use super::view::View;
use crate::block::{Block, Columns};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::schema::{SEQ, TIME};

/// See [`crate::LogStore::latest`].
pub(crate) fn logs(engine: &Engine, select: &Select, page: &Page) -> Result<Outcome<Rows<LogRecord>>, QueryError> {
    latest(engine, select, page, materialize::logs, materialize::log_bytes)
}

/// See [`crate::SpanStore::latest`].
pub(crate) fn spans(engine: &Engine, select: &Select, page: &Page) -> Result<Outcome<Rows<Span>>, QueryError> {
    latest(engine, select, page, materialize::spans, materialize::span_bytes)
}

/// Makes records of rows of a block, which rise and have these ids.
type Materialize<T> = fn(&View<'_>, &[usize], &[RowId]) -> Result<Vec<Row<T>>, Halt>;

fn latest<T: Send>(
    engine: &Engine,
    select: &Select,
    page: &Page,
    materialize: Materialize<T>,
    bytes: fn(&T) -> usize,
) -> Result<Outcome<Rows<T>>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let select = Select { range: narrow(select.range, page), ..select.clone() };
    let Prepared { plan, mut blocks } = prepare(engine, &mut run, &select)?;
    let best = Best::new(page);
    best.sort(&mut blocks);
    let schema = run.shared.schema;
    let best = Mutex::new(best);
    let columns = tested_columns(&plan, schema).or(Columns::numbered(&[TIME, SEQ]));
    run.fold_early(&blocks, columns, &best, |run, place, block| {
        run.visit(block, |view| {
            let within = view.in_range(select.range)?;
            let all = plan.share(schema, block) == Share::All;
            let rows = if all { within } else { matching(view, &plan, within)? };
            if rows.is_empty() {
                return Ok(());
            }
            // Decoded before the lock is taken.
            let list: Vec<usize> = rows.iter().collect();
            let ids = (view.required_at(TIME, &list)?, view.required_at(SEQ, &list)?);
            best.lock().take(&ids, place, &list);
            Ok(())
        })?;
        Ok(())
    });
    let best = best.into_inner();
    // The last row that was kept, though its block may turn out to be damaged.
    let last = best.worst_id();
    let mut rows = winners(&mut run, &blocks, best.kept, materialize, bytes);
    rows.sort_by_key(|r| r.id);
    if page.order == Order::Descending {
        rows.reverse();
    }
    // Rows that were not looked at can lie before the last one: a cursor would jump over them.
    let next = if run.stopped() { None } else { last };
    Ok(run.finish(Rows { rows, next }))
}

fn narrow(range: TimeRange, page: &Page) -> TimeRange {
    match (page.order, page.after) {
        (_, None) => range,
        (Order::Descending, Some(after)) => narrow_below(range, after.time),
        (Order::Ascending, Some(after)) => TimeRange::new(range.start.max(after.time), range.end),
    }
}

/// The best N rows so far, with their places.
struct Best<'a> {
    page: &'a Page,
    /// Worst last in the order of the page: for descending, the key is negated by [`Best::key`].
    kept: BTreeMap<(i128, u64), (usize, usize, RowId)>,
}

impl<'a> Best<'a> {
    fn new(page: &'a Page) -> Self {
        Self { page, kept: BTreeMap::new() }
    }

    fn descending(&self) -> bool {
        self.page.order == Order::Descending
    }

    /// Smaller is better.
    fn key(&self, id: RowId) -> (i128, u64) {
        if self.descending() { (-i128::from(id.time.0), u64::MAX - id.seq) } else { (i128::from(id.time.0), id.seq) }
    }

    /// Puts the block with the best possible row first.
    fn sort(&self, blocks: &mut [Arc<Block>]) {
        if self.descending() {
            blocks.sort_by_key(|b| std::cmp::Reverse(b.meta.max_time));
        } else {
            blocks.sort_by_key(|b| b.meta.min_time);
        }
    }

    fn worst(&self) -> Option<(i128, u64)> {
        if self.kept.len() < self.page.limit { None } else { self.kept.last_key_value().map(|(k, _)| *k) }
    }

    /// The worst of a full page.
    fn worst_id(&self) -> Option<RowId> {
        if self.kept.len() < self.page.limit { None } else { self.kept.last_key_value().map(|(_, (.., id))| *id) }
    }

    fn may_improve(&self, block: &Block) -> bool {
        if self.page.limit == 0 {
            return false;
        }
        let bound = if self.descending() { block.meta.max_time } else { block.meta.min_time };
        let best = self.key(RowId { time: bound, seq: if self.descending() { u64::MAX } else { 0 } });
        self.worst().is_none_or(|worst| best < worst)
    }

    /// Takes the rows of a block, best first, until they no longer improve.
    fn take(&mut self, (times, seqs): &(Vec<i64>, Vec<i64>), block: usize, rows: &[usize]) {
        let mut ids = rows.iter().zip(times).zip(seqs);
        while let Some(((&row, &time), &seq)) = if self.descending() { ids.next_back() } else { ids.next() } {
            let id = RowId { time: UnixNanos(time), seq: seq as u64 };
            let key = self.key(id);
            if self.page.after.is_some_and(|after| key <= self.key(after)) {
                continue;
            }
            if self.worst().is_some_and(|worst| key >= worst) {
                // Rows of a block are in the order of their ids: none of the rest is better.
                break;
            }
            if self.kept.len() >= self.page.limit {
                self.kept.pop_last();
            }
            self.kept.insert(key, (block, row, id));
        }
    }
}

impl EndsEarly for Mutex<Best<'_>> {
    fn wants(&self, block: &Block) -> bool {
        self.lock().may_improve(block)
    }

    fn found(&self) -> (usize, usize) {
        let best = self.lock();
        (best.kept.len(), best.page.limit)
    }
}

/// The rows of a block that are materialised, with their ids.
struct Winners<'a> {
    block: &'a Arc<Block>,
    rows: Vec<usize>,
    ids: Vec<RowId>,
}

impl Morsel for Winners<'_> {
    fn block(&self) -> Option<&Arc<Block>> {
        Some(self.block)
    }

    /// All columns are read, of few rows.
    fn weight(&self) -> usize {
        2
    }
}

/// Materialises the kept rows, also when the query has ended with these; when it has to end before, what there is so far.
pub(super) fn winners<T: Send>(
    run: &mut Run<'_>,
    blocks: &[Arc<Block>],
    kept: BTreeMap<(i128, u64), (usize, usize, RowId)>,
    materialize: Materialize<T>,
    bytes: fn(&T) -> usize,
) -> Vec<Row<T>> {
    let mut by_block: BTreeMap<usize, Vec<(usize, RowId)>> = BTreeMap::new();
    for (block, row, id) in kept.into_values() {
        by_block.entry(block).or_default().push((row, id));
    }
    let of_block = |(block, mut rows): (usize, Vec<(usize, RowId)>)| {
        rows.sort_unstable_by_key(|(row, _)| *row);
        let (rows, ids) = rows.into_iter().unzip();
        Some(Winners { block: blocks.get(block)?, rows, ids })
    };
    let winners: Vec<Winners<'_>> = by_block.into_iter().filter_map(of_block).collect();
    for of_block in &winners {
        of_block.block.ask_for_dictionaries();
        of_block.block.ask_for(Columns::RECORD);
    }
    let look = |out: &mut Vec<Row<T>>, run: &mut Run<'_>, Winners { block, rows, ids }: &Winners<'_>| {
        let found = run.visit(block, |view| materialize(view, rows, ids))?.unwrap_or_default();
        let held = found.iter().map(|r| bytes(&r.record)).sum();
        out.extend(found);
        run.hold(held)
    };
    run.go_on();
    run.fold(&winners, Vec::new, look, |mine, theirs| mine.extend(theirs))
}
