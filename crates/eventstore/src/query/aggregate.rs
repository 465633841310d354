//! Records in groups, and what is known of each group: counts, sums, quantiles, distinct values.
//!
//! Works on codes: in a block each row gets a small number for its group,
//! made of the codes of the fields and of the bucket of time; names are looked
//! at once per block and group, never per row. A block whose directory entry
//! says enough is not read.

mod by_summary;
mod local;
mod runs;
mod state;
mod table;
mod tally;

use std::num::NonZeroU32;
use std::sync::Arc;

use model::{TimeRange, UnixNanos};

use super::compile::{self, Plan};
use super::eval::matching;
use super::filter::{CompareOp, Field};
use super::fold::Morsel;
use super::measure::{Cell, Kind, Measure};
use super::prune::Share;
use super::request::{Buckets, GroupBy, Outcome, Partial, Select};
use super::run::Run;
use super::summarised::{Part, overlapping, skip, split};
use crate::block::Block;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::schema::Schema;
use crate::segment::Segment;
use by_summary::Summary;
use state::State;

/// Most groups of one query, each bucket of time counted; what they hold counts as memory of the query as well.
pub const GROUPS_MAX: usize = 1_000_000;

/// What to group by, what to know of the groups, and which of them to list.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregation {
    /// What the records of a group have in common.
    pub by: Vec<GroupBy>,
    /// Groups are kept apart by time, too; records outside of the buckets are left out.
    pub buckets: Option<Buckets>,
    /// What to know.
    pub measures: Vec<Measure>,
    /// Only groups for which all of these hold.
    pub having: Vec<Having>,
    /// The order of the groups; those that are equal in it are in the order of time and keys.
    pub order: Vec<OrderBy>,
    /// At most so many of them.
    pub limit: usize,
    /// More groups than this are not made, and the outcome is partial; at most [`GROUPS_MAX`].
    pub groups_max: usize,
    /// Looks into one block in so many only, spread over the range; counts and sums are scaled up.
    pub sample: Option<NonZeroU32>,
}

impl Aggregation {
    /// One measure of groups by some fields, the largest first.
    pub fn top(by: Vec<GroupBy>, measure: Measure, limit: usize) -> Self {
        Self {
            by,
            buckets: None,
            measures: vec![measure],
            having: Vec::new(),
            order: vec![OrderBy { column: Column::Measure(0), descending: true }],
            limit,
            groups_max: GROUPS_MAX,
            sample: None,
        }
    }
}

/// A condition on a group. A group without the measure does not satisfy it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Having {
    /// Which of the measures.
    pub measure: usize,
    /// How it is compared.
    pub op: CompareOp,
    /// With what.
    pub value: f64,
}

/// A column of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The bucket of time.
    Time,
    /// One of [`Aggregation::by`].
    Key(usize),
    /// One of [`Aggregation::measures`].
    Measure(usize),
}

/// A part of an order. What has no value comes last, numbers stand in the order of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderBy {
    /// What is compared.
    pub column: Column,
    /// Large ones first.
    pub descending: bool,
}

/// The groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// In the order that was asked for.
    pub rows: Vec<TableRow>,
    /// How many groups satisfy the conditions, listed or not.
    pub groups: u64,
    /// The share of the records that was looked at, when it was a sample.
    pub sampled: Option<f64>,
    /// How many spans were counted and how many they stand for, when a measure asks for that; listed or not.
    pub stands_for: Option<(u64, f64)>,
}

/// One group.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRow {
    /// Which bucket of time.
    pub bucket: Option<usize>,
    /// The value of each field; `None` when the records have none.
    pub key: Vec<Option<String>>,
    /// The value of each measure.
    pub cells: Vec<Cell>,
}

/// See [`crate::LogStore::aggregate`].
pub(crate) fn aggregate(
    engine: &Engine,
    select: &Select,
    aggregation: &Aggregation,
) -> Result<Outcome<Table>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let range = aggregation.buckets.map_or(select.range, |b| covered(select.range, b));
    let plan = compile::compile(&select.filter, &select.access)?;
    let job = Job::new(aggregation, &plan, range, run.shared.schema);
    let table = job.table();
    let covered = |segment: &Segment| job.covered(table?, segment);
    let (summarised, mut parts) = split(&mut run, engine.snapshot(range), &plan, range, covered);
    let sampled = aggregation.sample.and_then(|n| sample(&mut run, &mut parts, n));
    let summaries =
        summarised.into_iter().filter_map(|(segment, covered)| Some(Piece::Summary(segment, table?, covered)));
    let pieces: Vec<Piece> = summaries.chain(parts.into_iter().map(Piece::Rows)).collect();
    let make = || State::new(&job);
    let look = |state: &mut State<'_>, run: &mut Run<'_>, piece: &Piece| {
        match piece {
            Piece::Summary(segment, table, covered) => state.look_at_all(run, segment, *table, *covered)?,
            Piece::Rows((block, range)) => state.look(run, block, *range)?,
        }
        state.hold(run)
    };
    let mut state = run.fold(&pieces, make, look, State::join);
    state.settle();
    if let Err(why) = state.hold(&mut run) {
        run.stop(why);
    }
    let table = state.table(sampled);
    Ok(run.finish(table))
}

/// A summary takes about as long as so many blocks.
const BLOCKS_PER_SUMMARY: usize = 16;

/// A part of the work.
enum Piece {
    Summary(Arc<Segment>, Summary, TimeRange),
    Rows(Part),
}

impl Morsel for Piece {
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Self::Summary(..) => None,
            Self::Rows(part) => part.block(),
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Summary(..) => BLOCKS_PER_SUMMARY,
            Self::Rows(_) => 1,
        }
    }
}

impl State<'_> {
    /// Takes the rows of a block that lie in a range.
    fn look(&mut self, run: &mut Run<'_>, block: &Arc<Block>, range: TimeRange) -> Result<(), Partial> {
        let plan = self.job.plan;
        let share = plan.share(self.job.schema, block);
        if share == Share::None || self.by_header(&block.meta, range) {
            run.skip();
            return Ok(());
        }
        run.visit(block, |view| {
            let within = view.in_range(range)?;
            let rows = if share == Share::All { within } else { matching(view, plan, within)? };
            self.take(view, &rows)
        })?;
        Ok(())
    }

    /// Takes the rows of a segment that lie in a range for which a table of it answers.
    fn look_at_all(
        &mut self,
        run: &mut Run<'_>,
        segment: &Segment,
        table: Summary,
        range: TimeRange,
    ) -> Result<(), Partial> {
        run.check()?;
        if self.by_summary(segment, table, range) {
            skip(run, segment, range);
            return Ok(());
        }
        overlapping(segment, range).try_for_each(|block| self.look(run, block, range))
    }
}

/// The part of `range` that the buckets cover.
fn covered(range: TimeRange, buckets: Buckets) -> TimeRange {
    let end = i128::from(buckets.start.0) + i128::from(buckets.step_nanos) * buckets.count as i128;
    TimeRange::new(range.start.max(buckets.start), range.end.min(UnixNanos(i64::try_from(end).unwrap_or(i64::MAX))))
}

/// Leaves one block in `n`, spread over time; the share of the rows that is left.
fn sample(run: &mut Run<'_>, parts: &mut Vec<Part>, n: NonZeroU32) -> Option<f64> {
    let rows = |parts: &[Part]| parts.iter().map(|(block, _)| block.rows()).sum::<usize>();
    let (n, all) = (n.get() as usize, rows(parts));
    if n == 1 || all == 0 {
        return None;
    }
    parts.sort_by_key(|(block, _)| block.meta.min_time);
    let first = (n / 2).min(parts.len() - 1);
    let mut at = 0..;
    parts.retain(|_| {
        let kept = at.next().is_some_and(|i: usize| i % n == first);
        if !kept {
            run.skip();
        }
        kept
    });
    Some(rows(parts) as f64 / all as f64)
}

/// What all workers know.
struct Job<'a> {
    asked: &'a Aggregation,
    plan: &'a Plan,
    range: TimeRange,
    schema: Schema,
    /// What is accumulated; measures share it.
    kinds: Vec<Kind>,
    /// Whether the counts of a block's directory entry are all that is asked for.
    by_header: bool,
}

impl<'a> Job<'a> {
    fn new(asked: &'a Aggregation, plan: &'a Plan, range: TimeRange, schema: Schema) -> Self {
        let mut kinds: Vec<Kind> = Vec::new();
        // What is weighed says by how much, all in all.
        let weighed = asked.measures.iter().any(|m| matches!(m, Measure::SumAdjusted(_))).then_some(Kind::Weights);
        for kind in asked.measures.iter().map(Kind::of).chain(weighed) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let counted = |by: &GroupBy| match by {
            GroupBy::SeverityRange => schema == Schema::Logs,
            GroupBy::Field(Field::Severity) => schema == Schema::Logs,
            GroupBy::Field(Field::Status) => schema == Schema::Spans,
            GroupBy::Field(_) => false,
        };
        let mut job = Self { asked, plan, range, schema, kinds, by_header: false };
        job.by_header = job.only_rows() && asked.by.iter().all(counted);
        job
    }

    /// Whether records are counted and nothing else.
    fn only_rows(&self) -> bool {
        self.kinds.iter().all(|k| *k == Kind::Rows)
    }

    /// Bucket and one code per field.
    fn key_len(&self) -> usize {
        1 + self.asked.by.len()
    }
}
