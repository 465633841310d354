//! Traces with a span that matches, newest first, each with its summary.
//!
//! A trace stands in the list at its newest matching span. The search walks
//! spans from new to old until enough traces are found; then the blocks that
//! have spans of these traces are found by the trace index, and one pass over
//! them makes the summaries. A trace that is met below the cursor, but has a
//! matching span above it, was on an earlier page and is left out.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use model::{TimeRange, TraceId, UnixNanos};

use super::compile::{Plan, compile};
use super::eval::{matching, parents};
use super::filter::{Field, Filter};
use super::group::{NO_GROUP, groups};
use super::request::{GroupBy, Outcome, Partial, RowId, Select, ServiceSpans, TraceSummary, Traces};
use super::run::{Halt, Prepared, Run, blocks, narrow_below, prepare};
use super::view::View;
use crate::block::{Block, Loaded, Values};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::schema::{DURATION, NAME, STATUS, TRACE_ID};

const STATUS_ERROR: i64 = 2;

/// See [`crate::SpanStore::find_traces`].
pub(crate) fn find_traces(
    engine: &Engine,
    select: &Select,
    limit: usize,
    after: Option<RowId>,
) -> Result<Outcome<Traces>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let visible = compile(&Filter::All, &select.access)?;
    let mut traces: Vec<TraceSummary> = Vec::new();
    let mut cursor = after;
    let mut more = limit > 0;
    // Traces of earlier pages are left out after the search, which then goes on where it ended.
    while more && traces.len() < limit {
        let narrowed =
            Select { range: cursor.map_or(select.range, |c| narrow_below(select.range, c.time)), ..select.clone() };
        let Prepared { plan, blocks: candidates } = prepare(engine, &mut run, &narrowed)?;
        let above = cursor;
        let found = match newest(&mut run, &plan, candidates, narrowed.range, limit - traces.len(), above) {
            Ok(found) => found,
            Err((why, found)) => {
                run.stop(why);
                more = false;
                found
            }
        };
        more &= traces.len() + found.len() >= limit;
        cursor = found.last().map(|(_, at)| *at).or(cursor);
        let asked = Asked { select, plan: &plan, visible: &visible, above };
        match summaries(engine, &mut run, &asked, &found) {
            Ok(list) => traces.extend(list),
            Err(why) => {
                run.stop(why);
                more = false;
            }
        }
    }
    let next = if more { cursor } else { None };
    Ok(run.finish(Traces { traces, next }))
}

/// The newest `limit` traces with a matching span below the cursor, each with its newest such span.
fn newest(
    run: &mut Run<'_>,
    plan: &Plan,
    mut blocks: Vec<Arc<Block>>,
    range: TimeRange,
    limit: usize,
    after: Option<RowId>,
) -> Result<Vec<(TraceId, RowId)>, (Partial, Vec<(TraceId, RowId)>)> {
    blocks.sort_by_key(|b| Reverse(b.meta.max_time));
    let mut best: HashMap<TraceId, RowId> = HashMap::new();
    let mut order: BTreeMap<RowId, TraceId> = BTreeMap::new();
    let mut stopped = None;
    for (i, block) in blocks.iter().enumerate() {
        let worst = if order.len() < limit { None } else { order.first_key_value().map(|(id, _)| *id) };
        if worst.is_some_and(|w| block.meta.max_time < w.time) {
            (i..blocks.len()).for_each(|_| run.skip());
            break;
        }
        let visited = run.visit(block, |view| {
            let rows = matching(view, plan, view.in_range(range)?)?;
            if rows.is_empty() {
                return Ok(());
            }
            let (times, seqs, traces) = (view.times()?, view.seqs()?, view.column(TRACE_ID)?);
            let Some(Loaded { values: Values::Trace(traces), .. }) = traces.as_deref() else { return Ok(()) };
            for row in rows.iter_rev() {
                let id = RowId { time: UnixNanos(times.at(row)), seq: seqs.at(row) as u64 };
                if after.is_some_and(|a| id >= a) {
                    continue;
                }
                if order.len() >= limit && order.first_key_value().is_some_and(|(w, _)| id < *w) {
                    break;
                }
                let trace = TraceId(traces.get(row));
                match best.get(&trace) {
                    Some(known) if *known >= id => continue,
                    Some(known) => drop(order.remove(known)),
                    None => {}
                }
                best.insert(trace, id);
                order.insert(id, trace);
                if order.len() > limit
                    && let Some((_, dropped)) = order.pop_first()
                {
                    best.remove(&dropped);
                }
            }
            Ok(())
        });
        if let Err(why) = visited {
            stopped = Some(why);
            break;
        }
    }
    let found = order.into_iter().rev().map(|(id, trace)| (trace, id)).collect();
    match stopped {
        None => Ok(found),
        Some(why) => Err((why, found)),
    }
}

/// What was asked for.
struct Asked<'a> {
    select: &'a Select,
    plan: &'a Plan,
    /// The spans that the reader may see, matching or not.
    visible: &'a Plan,
    /// Traces with a matching span at or above this were met before, on this page or an earlier one.
    above: Option<RowId>,
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
    /// The newest matching span in the whole range, cursor or not.
    newest: Option<RowId>,
}

fn summaries(
    engine: &Engine,
    run: &mut Run<'_>,
    asked: &Asked<'_>,
    found: &[(TraceId, RowId)],
) -> Result<Vec<TraceSummary>, Partial> {
    let wanted: HashMap<[u8; 16], usize> = found.iter().enumerate().map(|(i, (t, _))| (t.0, i)).collect();
    let mut acc: Vec<Summary> = found.iter().map(|_| Summary::default()).collect();
    let mut seen: HashSet<usize> = HashSet::new();
    for id in wanted.keys() {
        for block in blocks(engine, run, TimeRange::ALL, Some(id)) {
            // One block has spans of many of the traces: look once.
            if seen.insert(Arc::as_ptr(&block) as usize) {
                run.visit(&block, |view| add(view, asked, &wanted, &mut acc))?;
            }
        }
    }
    let mut out = Vec::new();
    for ((trace_id, at), s) in found.iter().zip(acc) {
        let newest = s.newest.unwrap_or(*at);
        let shown_before = asked.above.is_some_and(|a| newest >= a);
        let (Some(start), Some(end), Some((_, _, root_service, root_name)), false) =
            (s.start, s.end, s.head, shown_before)
        else {
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

fn add(view: &View<'_>, asked: &Asked<'_>, wanted: &HashMap<[u8; 16], usize>, acc: &mut [Summary]) -> Result<(), Halt> {
    let traces = view.column(TRACE_ID)?;
    let Some(Loaded { values: Values::Trace(traces), .. }) = traces.as_deref() else { return Ok(()) };
    let mut rows = crate::column::bitmap::Bitmap::none(view.rows());
    traces.rows(|id| wanted.contains_key(id), |row| rows.set(row));
    let rows = matching(view, asked.visible, rows)?;
    if rows.is_empty() {
        return Ok(());
    }
    let matched = matching(view, asked.plan, view.in_range(asked.select.range)?)?;
    let services = groups(view, &GroupBy::Field(Field::Service))?;
    let (times, seqs, parents) = (view.times()?, view.seqs()?, parents(view)?);
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
        let service = services.names.get(code as usize).map_or("", String::as_str);
        s.start = Some(s.start.map_or(id.time, |t| t.min(id.time)));
        s.end = Some(s.end.map_or(end, |t| t.max(end)));
        s.spans += 1;
        s.errors += u64::from(statuses.as_ref().is_some_and(|c| c.at(row) == STATUS_ERROR));
        match s.services.get_mut(service) {
            Some(n) => *n += 1,
            None => drop(s.services.insert(service.to_owned(), 1)),
        }
        if matched.contains(row) {
            s.newest = s.newest.max(Some(id));
        }
        let root = parents.get(row) == Some(&[0; 8]);
        let better = s.head.as_ref().is_none_or(|(r, at, ..)| (!root, id) < (!*r, *at));
        if better {
            s.head = Some((root, id, service.to_owned(), name(row)));
        }
    }
    Ok(())
}
