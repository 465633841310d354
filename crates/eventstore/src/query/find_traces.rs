//! Traces with a span that matches, newest first, each with its summary.
//!
//! A trace stands in the list at its newest matching span. With a cursor, the
//! traces with a matching span at or above it come first: they were on earlier
//! pages and are left out. Then the search walks spans from new to old, below
//! the cursor, until enough traces are found; the blocks that have spans of
//! these traces are found by the trace index, and one pass over them makes the
//! summaries. All of it looks at one snapshot.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use model::{TimeRange, TraceId, UnixNanos};

mod sets;

use super::compile::{Plan, compile};
use super::eval::matching;
use super::filter::{Field, Filter};
use super::group::{NO_GROUP, groups};
use super::request::{GroupBy, Outcome, Partial, RowId, Select, ServiceSpans, TraceSummary, Traces};
use super::run::{Halt, Run, blocks, blocks_of_traces, leave_out, narrow_below};
use super::view::View;
use crate::block::{Loaded, Values};
use crate::engine::{Engine, Snapshot};
use crate::error::QueryError;
use crate::schema::{DURATION, NAME, PARENT, STATUS, TRACE_ID};

const STATUS_ERROR: i64 = 2;

/// See [`crate::SpanStore::find_traces`].
pub(crate) fn find_traces(
    engine: &Engine,
    select: &Select,
    limit: usize,
    after: Option<RowId>,
) -> Result<Outcome<Traces>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let plan = compile(&select.filter, &select.access)?;
    let visible = compile(&Filter::All, &select.access)?;
    if limit == 0 {
        return Ok(run.finish(Traces { traces: Vec::new(), next: None }));
    }
    // One snapshot for all steps: a row is in it once, whatever arrives or moves to a segment meanwhile.
    let snapshot = engine.snapshot(TimeRange::ALL);
    let search = Search { snapshot: &snapshot, plan: &plan, visible: &visible, range: select.range };
    let (traces, next) = match search.page(&mut run, limit, after) {
        Ok(page) => page,
        Err((why, traces)) => {
            run.stop(why);
            // What was not looked at may lie above any cursor that could be given.
            (traces, None)
        }
    };
    Ok(run.finish(Traces { traces, next }))
}

pub use sets::TraceFilter;
pub(crate) use sets::find_traces_by;

/// A trace and its newest matching span.
type Found = (TraceId, RowId);

/// What was asked for, and where to look.
struct Search<'a> {
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    /// The spans that the reader may see, matching or not.
    visible: &'a Plan,
    range: TimeRange,
}

impl Search<'_> {
    /// A page and the cursor of the next; when the query has to end before, the reason and what there is.
    fn page(
        &self,
        run: &mut Run<'_>,
        limit: usize,
        after: Option<RowId>,
    ) -> Result<(Vec<TraceSummary>, Option<RowId>), (Partial, Vec<TraceSummary>)> {
        let shown = match after {
            Some(after) => self.shown(run, after).map_err(|why| (why, Vec::new()))?,
            None => HashSet::new(),
        };
        let (found, stopped) = self.newest(run, limit, after, &shown);
        let next = if found.len() == limit { found.last().map(|(_, at)| *at) } else { None };
        let traces = self.summaries(run, &found).map_err(|why| (why, Vec::new()))?;
        match stopped {
            None => Ok((traces, next)),
            Some(why) => Err((why, traces)),
        }
    }

    /// The traces of earlier pages: those with a matching span at or above the cursor.
    fn shown(&self, run: &mut Run<'_>, after: RowId) -> Result<HashSet<TraceId>, Partial> {
        let above = TimeRange::new(self.range.start.max(after.time), self.range.end);
        let mut shown = HashSet::new();
        let mut blocks = blocks(self.snapshot, run, above, self.plan.trace.as_ref());
        leave_out(run, self.plan, &mut blocks);
        for block in blocks {
            let known = shown.len();
            run.visit(&block, |view| {
                matching_traces(view, self.plan, above, |trace, id| {
                    if id >= after {
                        shown.insert(trace);
                    }
                    true
                })
            })?;
            run.hold((shown.len() - known) * 2 * size_of::<TraceId>())?;
        }
        Ok(shown)
    }

    /// The newest `limit` traces with a matching span below the cursor that were not shown; when the
    /// query has to end before, the reason too.
    fn newest(
        &self,
        run: &mut Run<'_>,
        limit: usize,
        after: Option<RowId>,
        shown: &HashSet<TraceId>,
    ) -> (Vec<Found>, Option<Partial>) {
        let range = after.map_or(self.range, |a| narrow_below(self.range, a.time));
        let mut blocks = blocks(self.snapshot, run, range, self.plan.trace.as_ref());
        leave_out(run, self.plan, &mut blocks);
        blocks.sort_by_key(|b| Reverse(b.meta.max_time));
        let mut newest = Newest { limit, best: HashMap::new(), order: BTreeMap::new() };
        let mut stopped = None;
        for (i, block) in blocks.iter().enumerate() {
            if newest.worst().is_some_and(|w| block.meta.max_time < w.time) {
                (i..blocks.len()).for_each(|_| run.skip());
                break;
            }
            run.read_ahead(blocks.iter().skip(i));
            let visited = run.visit(block, |view| {
                matching_traces(view, self.plan, range, |trace, id| {
                    let below = after.is_none_or(|a| id < a);
                    !below || newest.offer(trace, id, shown)
                })
            });
            if let Err(why) = visited {
                stopped = Some(why);
                break;
            }
        }
        (newest.order.into_iter().rev().map(|(id, trace)| (trace, id)).collect(), stopped)
    }
}

/// Calls `each` with trace and place of the matching rows, newest first, until it says that it wants no more.
fn matching_traces(
    view: &View<'_>,
    plan: &Plan,
    range: TimeRange,
    mut each: impl FnMut(TraceId, RowId) -> bool,
) -> Result<(), Halt> {
    let rows = matching(view, plan, view.in_range(range)?)?;
    if rows.is_empty() {
        return Ok(());
    }
    let (times, seqs, traces) = (view.times()?, view.seqs()?, view.column(TRACE_ID)?);
    let Some(Loaded { values: Values::Trace(traces), .. }) = traces.as_deref() else { return Ok(()) };
    for row in rows.iter_rev() {
        let id = RowId { time: UnixNanos(times.at(row)), seq: seqs.at(row) as u64 };
        if !each(TraceId(traces.get(row)), id) {
            break;
        }
    }
    Ok(())
}

/// The newest traces so far, each at its newest row.
struct Newest {
    limit: usize,
    best: HashMap<TraceId, RowId>,
    order: BTreeMap<RowId, TraceId>,
}

impl Newest {
    /// What a further trace has to be newer than.
    fn worst(&self) -> Option<RowId> {
        if self.order.len() < self.limit { None } else { self.order.first_key_value().map(|(id, _)| *id) }
    }

    /// Takes a row; whether older rows can still be wanted.
    fn offer(&mut self, trace: TraceId, id: RowId, shown: &HashSet<TraceId>) -> bool {
        if self.worst().is_some_and(|w| id < w) {
            return false;
        }
        if shown.contains(&trace) {
            return true;
        }
        match self.best.get(&trace) {
            Some(known) if *known >= id => return true,
            Some(known) => drop(self.order.remove(known)),
            None => {}
        }
        self.best.insert(trace, id);
        self.order.insert(id, trace);
        if self.order.len() > self.limit
            && let Some((_, dropped)) = self.order.pop_first()
        {
            self.best.remove(&dropped);
        }
        true
    }
}

#[derive(Default)]
struct Summary {
    start: Option<UnixNanos>,
    end: Option<UnixNanos>,
    /// Whether it is a root, and its place; the earliest root, else the earliest span.
    head: Option<(bool, RowId, String, String)>,
    spans: u64,
    errors: u64,
    services: HashMap<String, u64>,
}

impl Search<'_> {
    /// One pass over the blocks of the traces.
    fn summaries(&self, run: &mut Run<'_>, found: &[Found]) -> Result<Vec<TraceSummary>, Partial> {
        let wanted: HashMap<[u8; 16], usize> = found.iter().enumerate().map(|(i, (t, _))| (t.0, i)).collect();
        let mut acc: Vec<Summary> = found.iter().map(|_| Summary::default()).collect();
        let blocks = blocks_of_traces(self.snapshot, run, wanted.keys());
        for (i, block) in blocks.iter().enumerate() {
            run.read_ahead(blocks.iter().skip(i));
            run.visit(block, |view| add(view, self.visible, &wanted, &mut acc))?;
        }
        let mut out = Vec::new();
        for ((trace_id, at), s) in found.iter().zip(acc) {
            let (Some(start), Some(end), Some((_, _, root_service, root_name))) = (s.start, s.end, s.head) else {
                continue;
            };
            let mut services: Vec<ServiceSpans> =
                s.services.into_iter().map(|(name, spans)| ServiceSpans { name, spans }).collect();
            services.sort_by(|a, b| (b.spans, &a.name).cmp(&(a.spans, &b.name)));
            out.push(TraceSummary {
                trace_id: *trace_id,
                root_service,
                root_name,
                start,
                duration_nanos: end.0.saturating_sub(start.0).max(0) as u64,
                span_count: s.spans,
                error_count: s.errors,
                services,
                found_at: *at,
            });
        }
        Ok(out)
    }
}

fn add(view: &View<'_>, visible: &Plan, wanted: &HashMap<[u8; 16], usize>, acc: &mut [Summary]) -> Result<(), Halt> {
    let traces = view.column(TRACE_ID)?;
    let Some(Loaded { values: Values::Trace(traces), .. }) = traces.as_deref() else { return Ok(()) };
    let mut rows = crate::column::bitmap::Bitmap::none(view.rows());
    traces.rows(|id| wanted.contains_key(id), |row| rows.set(row));
    let rows = matching(view, visible, rows)?;
    if rows.is_empty() {
        return Ok(());
    }
    let services = groups(view, &GroupBy::Field(Field::Service))?;
    let (times, seqs, parents) = (view.times()?, view.seqs()?, view.ints(PARENT)?);
    let (durations, statuses, names) = (view.ints(DURATION)?, view.ints(STATUS)?, view.column(NAME)?);
    let name = |row| match names.as_deref() {
        Some(Loaded { values: Values::Binary(v), .. }) => String::from_utf8_lossy(v.get(row)).into_owned(),
        _ => String::new(),
    };
    for row in rows.iter() {
        let Some(s) = wanted.get(&traces.get(row)).and_then(|i| acc.get_mut(*i)) else { continue };
        let id = RowId { time: UnixNanos(times.at(row)), seq: seqs.at(row) as u64 };
        let end = UnixNanos(id.time.0.wrapping_add(durations.as_ref().map_or(0, |d| d.at(row))));
        let code = services.codes.get(row).copied().unwrap_or(NO_GROUP);
        let service = services.names.text(code);
        s.start = Some(s.start.map_or(id.time, |t| t.min(id.time)));
        s.end = Some(s.end.map_or(end, |t| t.max(end)));
        s.spans += 1;
        s.errors += u64::from(statuses.as_ref().is_some_and(|c| c.at(row) == STATUS_ERROR));
        match s.services.get_mut(&*service) {
            Some(n) => *n += 1,
            None => drop(s.services.insert(service.clone().into_owned(), 1)),
        }
        let root = parents.as_ref().is_none_or(|p| p.at(row) == 0);
        let better = s.head.as_ref().is_none_or(|(r, at, ..)| (!root, id) < (!*r, *at));
        if better {
            s.head = Some((root, id, service.into_owned(), name(row)));
        }
    }
    Ok(())
}
