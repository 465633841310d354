//! Traces for which several conditions hold, each on a span of its own.
//!
//! Blocks are looked at from new to old; each finds, for each condition, the
//! traces that have such a span, and what is asked for is a combination of
//! these sets. Traces that are newer than all that was not read are followed
//! through the trace index to the other blocks that they have spans in: then
//! what holds for them is known, and the search ends when they fill the page.
//! When a number of blocks do not, the rest of the range is read in one pass:
//! the condition that is rare may be the last one.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use model::{TimeRange, TraceId, UnixNanos};
use rustc_hash::FxBuildHasher;

use super::{Matches, Search, find_traces};
use crate::block::Block;
use crate::engine::{Engine, Snapshot};
use crate::error::QueryError;
use crate::query::compile::{Plan, compile};
use crate::query::filter::Filter;
use crate::query::prune::Share;
use crate::query::request::{Outcome, RowId, Select, Traces};
use crate::query::run::{Run, blocks, with_traces};
use crate::schema::Schema;

/// A condition on a trace.
#[derive(Debug, Clone, PartialEq)]
pub enum TraceFilter {
    /// A span of the range satisfies this.
    Span(Filter),
    /// All of these hold.
    And(Vec<TraceFilter>),
    /// One of these holds.
    Or(Vec<TraceFilter>),
    /// This does not hold.
    Not(Box<TraceFilter>),
}

/// A condition whose spans have been looked for.
enum Node {
    Set(usize),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
}

/// Traces with the newest of their spans that match.
type Set = HashMap<TraceId, RowId, FxBuildHasher>;

/// A trace and its place take so much in a set, about.
const ENTRY_BYTES: usize = 48;

/// See [`crate::SpanStore::find_traces_by`].
pub(crate) fn find_traces_by(
    engine: &Engine,
    select: &Select,
    condition: &TraceFilter,
    limit: usize,
    after: Option<RowId>,
) -> Result<Outcome<Traces>, QueryError> {
    if let TraceFilter::Span(filter) = condition {
        return find_traces(engine, &select.clone().filter(filter.clone()), limit, after);
    }
    let mut run = Run::new(engine, &select.limits);
    let visible = compile(&Filter::All, &select.access)?;
    let mut plans = Vec::new();
    let root = node(condition, select, &mut plans)?;
    // A trace with none of the spans can be meant, too: then all traces are candidates.
    if holds(&root, |_| false) {
        plans.push(compile(&Filter::All, &select.access)?);
    }
    let snapshot = engine.snapshot(TimeRange::ALL);
    let mut blocks = blocks(&snapshot, &mut run, select.range, None);
    blocks.sort_by_key(|b| std::cmp::Reverse(b.meta.max_time));
    let mut scan = Scan {
        plans: &plans,
        snapshot: &snapshot,
        root: &root,
        range: select.range,
        after,
        sets: vec![Set::default(); plans.len()],
        read: HashSet::new(),
        followed: HashSet::new(),
    };
    let mut found = scan.page(&mut run, &blocks, limit);
    let more = found.len() > limit;
    found.truncate(limit);
    let search = Search { snapshot: &snapshot, plan: &visible, visible: &visible, range: select.range };
    let traces = search.summaries(&mut run, &found);
    let next = if more && !run.stopped() { found.last().map(|(_, id)| *id) } else { None };
    Ok(run.finish(Traces { traces, next }))
}

/// Blocks are read so many at a time while the search can end early.
const STEP_BLOCKS: usize = 8;
/// After so many the rest of the range is read at once: what holds is rare, and looking traces up costs more.
const FOLLOWED_BLOCKS: usize = 32;

/// Sets of traces while they are found.
struct Scan<'a> {
    plans: &'a [Plan],
    snapshot: &'a Snapshot,
    root: &'a Node,
    range: TimeRange,
    /// Traces at or above it were on earlier pages.
    after: Option<RowId>,
    /// One per condition.
    sets: Vec<Set>,
    /// The blocks that were read.
    read: HashSet<*const Block>,
    /// The traces whose blocks were all read.
    followed: HashSet<[u8; 16]>,
}

impl Scan<'_> {
    /// The traces of a page, newest first, and some that come after it if there are more.
    fn page(&mut self, run: &mut Run<'_>, blocks: &[Arc<Block>], limit: usize) -> Vec<(TraceId, RowId)> {
        // What lies above the cursor is read for traces alone that go on below it.
        let below_cursor = |b: &&Arc<Block>| self.after.is_none_or(|after| b.meta.min_time <= after.time);
        let walk: Vec<Arc<Block>> = blocks.iter().filter(below_cursor).cloned().collect();
        for (step, chunk) in walk.chunks(STEP_BLOCKS).enumerate().take(FOLLOWED_BLOCKS / STEP_BLOCKS) {
            self.look(run, chunk);
            // A trace that was not met yet stands at or below this time, or above the cursor.
            let Some(next) = walk.get((step + 1) * STEP_BLOCKS) else { break };
            self.follow(run, next.meta.max_time);
            if run.stopped() {
                break;
            }
            let found = self.holding();
            if found.iter().take_while(|(_, id)| id.time > next.meta.max_time).count() > limit {
                (0..blocks.len() - self.read.len()).for_each(|_| run.skip());
                return found;
            }
        }
        if !run.stopped() {
            self.look(run, blocks);
        }
        self.holding()
    }

    /// Reads those of `blocks` that were not read yet.
    fn look(&mut self, run: &mut Run<'_>, blocks: &[Arc<Block>]) {
        let new: Vec<Arc<Block>> = blocks.iter().filter(|b| self.read.insert(Arc::as_ptr(b))).cloned().collect();
        let (plans, range) = (self.plans, self.range);
        let look = |sets: &mut Vec<Set>, run: &mut Run<'_>, block: &Arc<Block>| {
            let grown = run.visit(block, |view| {
                let mut grown = 0;
                for (plan, set) in plans.iter().zip(sets) {
                    if plan.share(Schema::Spans, block) == Share::None {
                        continue;
                    }
                    let before = set.len();
                    for (trace, id) in Matches::of(view, plan, range)?.iter().flat_map(Matches::newest_first) {
                        set.entry(trace).and_modify(|known| *known = id.max(*known)).or_insert(id);
                    }
                    grown += set.len() - before;
                }
                Ok(grown)
            })?;
            run.hold(grown.unwrap_or_default() * ENTRY_BYTES)
        };
        let join = |mine: &mut Vec<Set>, theirs: Vec<Set>| {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                for (trace, id) in theirs {
                    mine.entry(trace).and_modify(|known| *known = id.max(*known)).or_insert(id);
                }
            }
        };
        let found = run.fold(&new, || vec![Set::default(); plans.len()], look, join);
        join(&mut self.sets, found);
    }

    /// Reads the other blocks of the traces that stand above `time`, until what holds for each of them is known.
    fn follow(&mut self, run: &mut Run<'_>, time: UnixNanos) {
        while !run.stopped() {
            let open = |(trace, id): &(&TraceId, &RowId)| {
                id.time > time && self.is_below_cursor(**id) && !self.followed.contains(&trace.0)
            };
            let traces: Vec<[u8; 16]> = self.places().iter().filter(open).map(|(trace, _)| trace.0).collect();
            if traces.is_empty() {
                return;
            }
            let mut others = with_traces(self.snapshot, traces.iter());
            others.retain(|b| self.range.overlaps(b.meta.min_time, b.meta.max_time));
            self.look(run, &others);
            self.followed.extend(traces);
        }
    }

    /// A trace stands at the newest of the spans that were looked for.
    fn places(&self) -> Set {
        let mut places = Set::default();
        for (trace, id) in self.sets.iter().flatten() {
            places.entry(*trace).and_modify(|known| *known = (*id).max(*known)).or_insert(*id);
        }
        places
    }

    fn is_below_cursor(&self, id: RowId) -> bool {
        self.after.is_none_or(|after| id < after)
    }

    /// The traces below the cursor for which the condition holds, newest first.
    fn holding(&self) -> Vec<(TraceId, RowId)> {
        let has = |set: usize, trace: &TraceId| self.sets.get(set).is_some_and(|s| s.contains_key(trace));
        let mut found: Vec<(TraceId, RowId)> = self
            .places()
            .into_iter()
            .filter(|(trace, id)| self.is_below_cursor(*id) && holds(self.root, |set| has(set, trace)))
            .collect();
        found.sort_unstable_by_key(|(_, id)| std::cmp::Reverse(*id));
        found
    }
}

fn node(condition: &TraceFilter, select: &Select, plans: &mut Vec<Plan>) -> Result<Node, QueryError> {
    let mut each = |all: &[TraceFilter]| all.iter().map(|c| node(c, select, plans)).collect::<Result<Vec<_>, _>>();
    Ok(match condition {
        TraceFilter::And(all) => Node::And(each(all)?),
        TraceFilter::Or(any) => Node::Or(each(any)?),
        TraceFilter::Not(inner) => Node::Not(Box::new(node(inner, select, plans)?)),
        TraceFilter::Span(filter) => {
            plans.push(compile(filter, &select.access)?);
            Node::Set(plans.len() - 1)
        }
    })
}

fn holds<'a>(node: &Node, has: impl Fn(usize) -> bool + Copy + 'a) -> bool {
    match node {
        Node::Set(set) => has(*set),
        Node::And(all) => all.iter().all(|n| holds(n, has)),
        Node::Or(any) => any.iter().any(|n| holds(n, has)),
        Node::Not(inner) => !holds(inner, has),
    }
}
