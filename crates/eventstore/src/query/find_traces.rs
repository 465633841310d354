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
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use model::{TimeRange, TraceId, UnixNanos};
use parking_lot::Mutex;

mod sets;

use super::compile::{Plan, compile};
use super::eval::{matching, tested_columns};
use super::filter::Filter;
use super::fold::EndsEarly;
use super::request::{Outcome, Partial, RowId, Select, ServiceSpans, TraceSummary, Traces};
use super::run::{Halt, Run, blocks, blocks_of_traces, leave_out, narrow_below};
use super::view::View;
use crate::block::{Block, Columns, Loaded, Values};
use crate::engine::{Engine, Snapshot};
use crate::error::QueryError;
use crate::schema::{DURATION, NAME, PARENT, RESOURCE, RESOURCES, SEQ, STATUS, Schema, TIME, TRACE_ID};

const STATUS_ERROR: i64 = 2;
/// What summaries of traces are made of.
const SUMMARISED: Columns =
    Columns::numbered(&[TRACE_ID, TIME, SEQ, RESOURCE, RESOURCES, PARENT, DURATION, STATUS, NAME]);

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
        Err(why) => {
            run.stop(why);
            (Vec::new(), None)
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
    /// A page and the cursor of the next.
    ///
    /// # Errors
    /// When the query has to end before it is known what was on earlier pages.
    fn page(
        &self,
        run: &mut Run<'_>,
        limit: usize,
        after: Option<RowId>,
    ) -> Result<(Vec<TraceSummary>, Option<RowId>), Partial> {
        let shown = match after {
            Some(after) => self.shown(run, after)?,
            None => HashSet::new(),
        };
        let found = self.newest(run, limit, after, &shown);
        // What was not looked at may lie above any cursor that could be given.
        let next = if found.len() == limit && !run.stopped() { found.last().map(|(_, at)| *at) } else { None };
        Ok((self.summaries(run, &found), next))
    }

    /// The traces of earlier pages: those with a matching span at or above the cursor.
    fn shown(&self, run: &mut Run<'_>, after: RowId) -> Result<HashSet<TraceId>, Partial> {
        let above = TimeRange::new(self.range.start.max(after.time), self.range.end);
        let mut shown = HashSet::new();
        let mut blocks = blocks(self.snapshot, run, above, self.plan.trace.as_ref());
        leave_out(run, self.plan, &mut blocks);
        for block in blocks {
            let known = shown.len();
            let matches = run.visit(&block, |view| Matches::of(view, self.plan, above))?.flatten();
            let above = matches.iter().flat_map(Matches::newest_first).filter(|(_, id)| *id >= after);
            shown.extend(above.map(|(trace, _)| trace));
            run.hold((shown.len() - known) * 2 * size_of::<TraceId>())?;
        }
        Ok(shown)
    }

    /// The newest `limit` traces with a matching span below the cursor that were not shown; fewer when the query has to
    /// end before.
    fn newest(&self, run: &mut Run<'_>, limit: usize, after: Option<RowId>, shown: &HashSet<TraceId>) -> Vec<Found> {
        let range = after.map_or(self.range, |a| narrow_below(self.range, a.time));
        let mut blocks = blocks(self.snapshot, run, range, self.plan.trace.as_ref());
        leave_out(run, self.plan, &mut blocks);
        blocks.sort_by_key(|b| Reverse(b.meta.max_time));
        let newest = Mutex::new(Newest { limit, best: HashMap::new(), order: BTreeMap::new() });
        let columns = tested_columns(self.plan, Schema::Spans).or(Columns::numbered(&[TIME, SEQ, TRACE_ID]));
        run.fold_early(&blocks, columns, &newest, |run, _, block| {
            let matches = run.visit(block, |view| Matches::of(view, self.plan, range))?.flatten();
            let mut newest = newest.lock();
            for (trace, id) in matches.iter().flat_map(Matches::newest_first) {
                let below = after.is_none_or(|a| id < a);
                if below && !newest.offer(trace, id, shown) {
                    break;
                }
            }
            Ok(())
        });
        newest.into_inner().order.into_iter().rev().map(|(id, trace)| (trace, id)).collect()
    }
}

/// The matching rows of a block.
struct Matches {
    rows: Vec<usize>,
    /// One for each of the rows.
    times: Vec<i64>,
    seqs: Vec<i64>,
    traces: Arc<Loaded>,
}

impl Matches {
    /// `None` when there are none, or no row of the block is of a trace.
    fn of(view: &View<'_>, plan: &Plan, range: TimeRange) -> Result<Option<Self>, Halt> {
        let rows: Vec<usize> = matching(view, plan, view.in_range(range)?)?.iter().collect();
        if rows.is_empty() {
            return Ok(None);
        }
        let (times, seqs) = (view.required_at(TIME, &rows)?, view.required_at(SEQ, &rows)?);
        Ok(view.column_of_rows(TRACE_ID, &rows)?.map(|traces| Self { rows, times, seqs, traces }))
    }

    /// Traces and places of the rows.
    fn newest_first(&self) -> impl Iterator<Item = (TraceId, RowId)> + '_ {
        self.rows.iter().zip(&self.times).zip(&self.seqs).rev().filter_map(|((row, time), seq)| {
            let Values::Trace(traces) = &self.traces.values else { return None };
            let id = RowId { time: UnixNanos(*time), seq: *seq as u64 };
            Some((TraceId(traces.get(self.traces.presence.value(*row)?)), id))
        })
    }
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

impl EndsEarly for Mutex<Newest> {
    fn wants(&self, block: &Block) -> bool {
        self.lock().worst().is_none_or(|worst| block.meta.max_time >= worst.time)
    }

    fn found(&self) -> (usize, usize) {
        let newest = self.lock();
        (newest.order.len(), newest.limit)
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

impl Summary {
    /// Takes a root, or another span, if none better is known.
    fn lead(&mut self, root: bool, id: RowId, names: impl FnOnce() -> (String, String)) {
        if self.head.as_ref().is_none_or(|(known_root, at, ..)| (!root, id) < (!*known_root, *at)) {
            let (service, name) = names();
            self.head = Some((root, id, service, name));
        }
    }

    fn last(&mut self, start: UnixNanos, end: UnixNanos) {
        self.start = Some(self.start.map_or(start, |t| t.min(start)));
        self.end = Some(self.end.map_or(end, |t| t.max(end)));
    }

    /// Takes over what another has of the same trace.
    fn join(&mut self, other: Self) {
        if let (Some(start), Some(end)) = (other.start, other.end) {
            self.last(start, end);
        }
        if let Some((root, id, service, name)) = other.head {
            self.lead(root, id, || (service, name));
        }
        self.spans += other.spans;
        self.errors += other.errors;
        for (service, spans) in other.services {
            *self.services.entry(service).or_default() += spans;
        }
    }
}

impl Search<'_> {
    /// One pass over the blocks of the traces, also when the query has ended with what was found; none when it has to end
    /// in the middle of it.
    fn summaries(&self, run: &mut Run<'_>, found: &[Found]) -> Vec<TraceSummary> {
        let wanted: HashMap<[u8; 16], usize> = found.iter().enumerate().map(|(i, (t, _))| (t.0, i)).collect();
        let blocks = blocks_of_traces(self.snapshot, run, wanted.keys());
        blocks.iter().for_each(|block| block.ask_for_header());
        blocks.iter().for_each(|block| block.ask_for(SUMMARISED));
        let make = || -> Vec<Summary> { found.iter().map(|_| Summary::default()).collect() };
        run.go_on();
        let acc = run.fold(
            &blocks,
            make,
            |acc, run, block| run.visit(block, |view| add(view, self.visible, &wanted, acc)).map(|_| ()),
            |mine, theirs| mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.join(theirs)),
        );
        if run.ended() {
            return Vec::new();
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
        out
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
    let list: Vec<usize> = rows.iter().collect();
    let (resources, codes) = (view.resources()?, view.required_at(RESOURCE, &list)?);
    let (times, seqs) = (view.required_at(TIME, &list)?, view.required_at(SEQ, &list)?);
    let (parents, durations) = (view.ints_at(PARENT, &list)?, view.ints_at(DURATION, &list)?);
    let (statuses, names) = (view.ints_at(STATUS, &list)?, view.column_of_rows(NAME, &list)?);
    let name = |row| match names.as_deref() {
        Some(Loaded { values: Values::Binary(v), presence }) => {
            presence.value(row).map_or_else(String::new, |i| String::from_utf8_lossy(v.get(i)).into_owned())
        }
        _ => String::new(),
    };
    for (i, row) in list.into_iter().enumerate() {
        let Some(s) = wanted.get(&traces.get(row)).and_then(|i| acc.get_mut(*i)) else { continue };
        let id = RowId { time: UnixNanos(times[i]), seq: seqs[i] as u64 };
        let service = resources.get(codes[i] as usize).map_or("", |resource| &resource.service);
        s.last(id.time, UnixNanos(id.time.0.wrapping_add(durations[i])));
        s.spans += 1;
        s.errors += u64::from(statuses[i] == STATUS_ERROR);
        match s.services.get_mut(service) {
            Some(n) => *n += 1,
            None => drop(s.services.insert(service.to_owned(), 1)),
        }
        s.lead(parents[i] == 0, id, || (service.to_owned(), name(row)));
    }
    Ok(())
}
