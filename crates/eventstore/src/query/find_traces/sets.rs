//! Traces for which several conditions hold, each on a span of its own.
//!
//! One pass over the range finds, for each condition, the traces that have
//! such a span; what is asked for is a combination of these sets. There is
//! no early end: the condition that is rare may be the last one.

use std::sync::Arc;

use hashbrown::HashMap;
use model::{TimeRange, TraceId};
use rustc_hash::FxBuildHasher;

use super::{Search, find_traces, matching_traces};
use crate::block::Block;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::query::compile::{Plan, compile};
use crate::query::filter::Filter;
use crate::query::request::{Outcome, RowId, Select, Traces};
use crate::query::run::{Run, blocks};

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
    let all = blocks(&snapshot, &mut run, select.range, None);
    let look = |sets: &mut Vec<Set>, run: &mut Run<'_>, block: &Arc<Block>| {
        let grown = run.visit(block, |view| {
            let mut grown = 0;
            for (plan, set) in plans.iter().zip(sets) {
                let before = set.len();
                matching_traces(view, plan, select.range, |trace, id| {
                    set.entry(trace).and_modify(|known| *known = id.max(*known)).or_insert(id);
                    true
                })?;
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
    let sets = run.fold(&all, || vec![Set::default(); plans.len()], look, join);
    // A trace stands at the newest of the spans that were looked for.
    let mut places = Set::default();
    for (trace, id) in sets.iter().flatten() {
        places.entry(*trace).and_modify(|known| *known = (*id).max(*known)).or_insert(*id);
    }
    let mut found: Vec<(TraceId, RowId)> = places
        .into_iter()
        .filter(|(trace, id)| {
            after.is_none_or(|a| *id < a) && holds(&root, |set| sets.get(set).is_some_and(|s| s.contains_key(trace)))
        })
        .collect();
    found.sort_unstable_by_key(|(_, id)| std::cmp::Reverse(*id));
    let more = found.len() > limit;
    found.truncate(limit);
    let search = Search { snapshot: &snapshot, plan: &visible, visible: &visible, range: select.range };
    let traces = match search.summaries(&mut run, &found) {
        Ok(traces) => traces,
        Err(why) => {
            run.stop(why);
            Vec::new()
        }
    };
    let next = if more && !run.stopped() { found.last().map(|(_, id)| *id) } else { None };
    Ok(run.finish(Traces { traces, next }))
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
