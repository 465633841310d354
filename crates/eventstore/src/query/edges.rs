//! Which service calls which: pairs of parent and child spans of two services, and calls of databases and queues.
//!
//! A block keeps the parent of a span as a distance in rows, so nearly all
//! pairs are found without looking at an id. Spans whose parent lies in
//! another block are looked for in a second pass, by id.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use model::TimeRange;
use rustc_hash::FxBuildHasher;

use super::eval::matching;
use super::filter::Field;
use super::group::{NO_GROUP, groups};
use super::names::Interner;
use super::nested;
use super::request::{GroupBy, Outcome, Partial, Select};
use super::run::{Halt, Prepared, Run, blocks, prepare};
use super::view::{IntColumn, View};
use crate::block::{Block, Loaded, Values};
use crate::column::bitmap::Bitmap;
use crate::column::bytes::unzigzag;
use crate::column::ids::Ids;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::histogram::Histogram;
use crate::schema::{DURATION, KIND, PARENT, PARENT_ID, SPAN_ID, STATUS, TRACE_ID};

/// Edges of one query.
const EDGES_MAX: usize = 10_000;
/// A parent that began so long before the range is still found.
const PARENT_BEFORE: Duration = Duration::from_secs(600);
const KIND_CLIENT: i64 = 3;
const KIND_PRODUCER: i64 = 4;
const STATUS_ERROR: i64 = 2;

/// What is at the far end of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerKind {
    /// A service that sends spans of its own; durations are those of its spans.
    Service,
    /// A database, named by `db.system.name` or `db.system` of the client's span; durations are those of that span.
    Database,
    /// A queue, named by `messaging.system` of the producer's span.
    Messaging,
}

/// Calls from one service to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Who calls.
    pub client: String,
    /// Who is called.
    pub server: String,
    /// What that is.
    pub peer: PeerKind,
    /// How many calls.
    pub calls: u64,
    /// Those with the status error.
    pub errors: u64,
    /// Median duration, within 1/64; so for the others.
    pub p50_nanos: u64,
    /// 95 % of the calls took at most this.
    pub p95_nanos: u64,
    /// 99 % of the calls took at most this.
    pub p99_nanos: u64,
}

/// The edges between services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceMap {
    /// Most calls first.
    pub edges: Vec<Edge>,
    /// Spans whose parent was not found: not sent, later than the range, or long before it.
    pub unresolved: u64,
}

/// See [`crate::SpanStore::service_map`]. The filter is on the called span.
pub(crate) fn service_map(engine: &Engine, select: &Select) -> Result<Outcome<ServiceMap>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let Prepared { plan, blocks: first } = prepare(engine, &mut run, select)?;
    let look = |edges: &mut Edges, run: &mut Run<'_>, block: &Arc<Block>| {
        run.visit(block, |view| {
            let rows = matching(view, &plan, view.in_range(select.range)?)?;
            edges.pairs(view, &rows, select)
        })?;
        edges.hold(run)
    };
    let mut edges = run.fold(&first, Edges::default, look, Edges::join);
    let waiting = std::mem::take(&mut edges.waiting);
    let unresolved = resolve(engine, &mut run, select, &mut edges, &waiting);
    if let Err(why) = edges.hold(&mut run) {
        run.stop(why);
    }
    let edges = edges.listed();
    Ok(run.finish(ServiceMap { edges, unresolved }))
}

/// Where the id of a parent stands that is not in the block.
enum ParentAt {
    /// Among the ids of those that lie elsewhere.
    Elsewhere(usize),
    /// A row of another trace that has the same span id.
    Row(usize),
}

/// A span whose parent lies elsewhere.
#[derive(Debug, Clone)]
struct Waiting {
    trace: [u8; 16],
    parent: [u8; 8],
    service: u32,
    error: bool,
    duration: i64,
}

#[derive(Debug, Default)]
struct Calls {
    calls: u64,
    errors: u64,
    durations: Histogram,
}

/// The edges that one worker found.
#[derive(Default)]
struct Edges {
    names: Interner,
    calls: HashMap<(u32, u32, PeerKind), Calls, FxBuildHasher>,
    waiting: Vec<Waiting>,
    full: bool,
    /// Bytes of histograms.
    grown: usize,
    /// Bytes that the query knows of.
    held: usize,
}

impl Edges {
    fn add(&mut self, (client, server, peer): (u32, u32, PeerKind), error: bool, duration: i64) {
        if self.calls.len() >= EDGES_MAX && !self.calls.contains_key(&(client, server, peer)) {
            self.full = true;
            return;
        }
        let calls = self.calls.entry((client, server, peer)).or_default();
        calls.calls += 1;
        calls.errors += u64::from(error);
        calls.durations.add_whole(duration.max(0) as f64, &mut self.grown);
    }

    /// The edges of the matching rows of a block.
    fn pairs(&mut self, view: &View<'_>, rows: &Bitmap, select: &Select) -> Result<(), Halt> {
        if rows.is_empty() {
            return Ok(());
        }
        // By resource: the name of the service, or nothing when the reader may not see it.
        let services: Vec<u32> = view
            .resources()?
            .iter()
            .map(|r| match select.access.allows_service(&r.service) {
                true => self.names.code(r.service.as_bytes()).unwrap_or(NO_GROUP),
                false => NO_GROUP,
            })
            .collect();
        let resources = view.resource_codes()?;
        let service = |row: usize| services.get(resources.at(row) as usize).copied().unwrap_or(NO_GROUP);
        let (statuses, durations) = (view.ints(STATUS)?, view.ints(DURATION)?);
        let at = |c: &Option<IntColumn>, row| c.as_ref().map_or(0, |c| c.at(row));
        let error = |row| at(&statuses, row) == STATUS_ERROR;
        let traces = view.column(TRACE_ID)?;
        if let (Some(parents), Some(Loaded { values: Values::Trace(traces), .. })) =
            (view.ints(PARENT)?, traces.as_deref())
        {
            let mut wanted = rows.iter().peekable();
            let mut elsewhere = 0;
            let mut absent: Vec<(usize, ParentAt)> = Vec::new();
            for (row, code) in parents.get().iter().enumerate() {
                let is_wanted = wanted.next_if_eq(&row).is_some();
                match code {
                    0 => {}
                    1 => {
                        if is_wanted {
                            absent.push((row, ParentAt::Elsewhere(elsewhere)));
                        }
                        elsewhere += 1;
                    }
                    code if is_wanted => {
                        let parent = (row as i64).wrapping_add(unzigzag(code.wrapping_sub(2) as u64)) as usize;
                        // A block knows the row by the parent's id alone: it may be that of another trace.
                        if traces.get(parent) != traces.get(row) {
                            absent.push((row, ParentAt::Row(parent)));
                            continue;
                        }
                        let (client, server) = (service(parent), service(row));
                        if client != server && client != NO_GROUP && server != NO_GROUP {
                            self.add((client, server, PeerKind::Service), error(row), at(&durations, row));
                        }
                    }
                    _ => {}
                }
            }
            self.wait(view, traces, &absent, |row| (service(row), error(row), at(&durations, row)))?;
        }
        let kinds = view.ints(KIND)?;
        for (keys, kind, peer) in [
            (&["db.system.name", "db.system"][..], KIND_CLIENT, PeerKind::Database),
            (&["messaging.system"][..], KIND_PRODUCER, PeerKind::Messaging),
        ] {
            let mut key = None;
            for k in keys {
                if key.is_none() && nested::has(view, k)? {
                    key = Some(*k);
                }
            }
            let Some(key) = key else { continue };
            let systems = groups(view, &GroupBy::Field(Field::attribute(key)))?;
            let mut known: HashMap<u32, u32, FxBuildHasher> = HashMap::default();
            for row in rows.iter().filter(|row| at(&kinds, *row) == kind) {
                let code = systems.codes.get(row).copied().unwrap_or(NO_GROUP);
                if code == NO_GROUP || service(row) == NO_GROUP {
                    continue;
                }
                let names = &mut self.names;
                let system =
                    *known.entry(code).or_insert_with(|| names.code(&systems.names.get(code)).unwrap_or(NO_GROUP));
                self.add((service(row), system, peer), error(row), at(&durations, row));
            }
        }
        Ok(())
    }

    /// Keeps the spans of `absent` for the second pass.
    fn wait(
        &mut self,
        view: &View<'_>,
        traces: &Ids<16>,
        absent: &[(usize, ParentAt)],
        of: impl Fn(usize) -> (u32, bool, i64),
    ) -> Result<(), Halt> {
        if absent.is_empty() {
            return Ok(());
        }
        let (elsewhere, spans) = (view.column(PARENT_ID)?, view.column(SPAN_ID)?);
        let id = |column: &Option<Arc<Loaded>>, i: usize| match column.as_deref() {
            Some(Loaded { values: Values::Span(ids), .. }) => ids.get(i),
            _ => [0; 8],
        };
        for (row, parent) in absent {
            let (service, error, duration) = of(*row);
            if service != NO_GROUP {
                let parent = match parent {
                    ParentAt::Elsewhere(place) => id(&elsewhere, *place),
                    ParentAt::Row(row) => id(&spans, *row),
                };
                let trace = traces.get(*row);
                self.waiting.push(Waiting { trace, parent, service, error, duration });
            }
        }
        Ok(())
    }

    fn hold(&mut self, run: &mut Run<'_>) -> Result<(), Partial> {
        if self.full {
            run.note(Partial::Groups { max: EDGES_MAX });
        }
        let bytes = self.names.heap_bytes()
            + self.grown
            + self.calls.len() * (size_of::<Calls>() + 16)
            + self.waiting.len() * size_of::<Waiting>();
        let more = bytes.saturating_sub(self.held);
        self.held += more;
        run.hold(more)
    }

    fn join(&mut self, other: Self) {
        self.full |= other.full;
        let names: Vec<u32> =
            (0..other.names.len() as u32).map(|c| self.names.code(other.names.get(c)).unwrap_or(NO_GROUP)).collect();
        let name = |c: u32| names.get(c as usize).copied().unwrap_or(NO_GROUP);
        for ((client, server, peer), theirs) in other.calls {
            let key = (name(client), name(server), peer);
            if self.calls.len() >= EDGES_MAX && !self.calls.contains_key(&key) {
                self.full = true;
                continue;
            }
            let mine = self.calls.entry(key).or_default();
            mine.calls += theirs.calls;
            mine.errors += theirs.errors;
            mine.durations.merge(&theirs.durations, &mut self.grown);
        }
        self.waiting.extend(other.waiting.into_iter().map(|w| Waiting { service: name(w.service), ..w }));
    }

    fn listed(&self) -> Vec<Edge> {
        let name = |code| String::from_utf8_lossy(self.names.get(code)).into_owned();
        let edge = |((client, server, peer), calls): (&(u32, u32, PeerKind), &Calls)| {
            let quantile = |q| calls.durations.quantile(q).map_or(0, |v| v as u64);
            Edge {
                client: name(*client),
                server: name(*server),
                peer: *peer,
                calls: calls.calls,
                errors: calls.errors,
                p50_nanos: quantile(0.50),
                p95_nanos: quantile(0.95),
                p99_nanos: quantile(0.99),
            }
        };
        let mut edges: Vec<Edge> = self.calls.iter().map(edge).collect();
        edges.sort_by(|a, b| {
            b.calls.cmp(&a.calls).then_with(|| (&a.client, &a.server, a.peer).cmp(&(&b.client, &b.server, b.peer)))
        });
        edges
    }
}

/// A parent that was found: the place of its child in the list, and its service.
type Parent = (usize, String);

/// Looks for the parents of `waiting`; how many were not found.
fn resolve(engine: &Engine, run: &mut Run<'_>, select: &Select, edges: &mut Edges, waiting: &[Waiting]) -> u64 {
    if waiting.is_empty() {
        return 0;
    }
    let mut by_parent: HashMap<[u8; 8], Vec<usize>, FxBuildHasher> = HashMap::default();
    for (i, w) in waiting.iter().enumerate() {
        by_parent.entry(w.parent).or_default().push(i);
    }
    let range = TimeRange::new(select.range.start.minus(PARENT_BEFORE), select.range.end);
    let all = blocks(&engine.snapshot(range), run, range, None);
    let look = |found: &mut Vec<Parent>, run: &mut Run<'_>, block: &Arc<Block>| {
        run.visit(block, |view| {
            let ids = view.column(SPAN_ID)?;
            let Some(Loaded { values: Values::Span(ids), .. }) = ids.as_deref() else { return Ok(()) };
            let mut rows = Vec::new();
            ids.rows(|id| by_parent.contains_key(id), |row| rows.push(row));
            if rows.is_empty() {
                return Ok(());
            }
            let (traces, resources, codes) = (view.column(TRACE_ID)?, view.resources()?, view.resource_codes()?);
            let Some(Loaded { values: Values::Trace(traces), .. }) = traces.as_deref() else { return Ok(()) };
            for row in rows {
                let of_row = resources.get(codes.at(row) as usize);
                let Some(parent) = of_row.filter(|r| select.access.allows_service(&r.service)) else { continue };
                for i in by_parent.get(&ids.get(row)).into_iter().flatten() {
                    if waiting.get(*i).is_some_and(|w| w.trace == traces.get(row)) {
                        found.push((*i, parent.service.clone()));
                    }
                }
            }
            Ok(())
        })?;
        Ok(())
    };
    let mut found = run.fold(&all, Vec::new, look, |mine, theirs| mine.extend(theirs));
    // A span that was sent twice is one parent.
    found.sort_unstable();
    found.dedup_by_key(|(child, _)| *child);
    for (child, service) in &found {
        let (Some(w), Some(client)) = (waiting.get(*child), edges.names.code(service.as_bytes())) else { continue };
        if client != w.service {
            edges.add((client, w.service, PeerKind::Service), w.error, w.duration);
        }
    }
    (waiting.len() - found.len()) as u64
}
