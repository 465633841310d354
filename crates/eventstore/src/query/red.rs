//! Rate, errors and durations per service or operation.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::compile::{self, Plan};
use super::eval::matching;
use super::facts::{SpansOf, is_of_spans};
use super::filter::Field;
use super::group::{NO_GROUP, groups};
use super::request::{GroupBy, Outcome, Partial, RedBy, RedGroup, Select};
use super::run::{Halt, Run};
use super::summarised::{Part, of_durations, overlapping, skip, split};
use super::view::View;
use crate::column::bitmap::Bitmap;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::histogram::Histogram;
use crate::schema::{DURATION, KIND, PARENT, STATUS};
use crate::segment::Segment;
use crate::summary::Durations;

/// Groups of one query; each holds a histogram of some KiB.
const GROUPS_MAX: usize = 10_000;
const KIND_SERVER: i64 = 2;
const KIND_CONSUMER: i64 = 5;
const STATUS_ERROR: i64 = 2;

#[derive(Default)]
struct Group {
    spans: u64,
    calls: u64,
    errors: u64,
    durations: Histogram,
}

/// Service, name and kind.
type Key = (String, String, u8);

#[derive(Default)]
struct Table {
    index: HashMap<Key, usize, FxBuildHasher>,
    groups: Vec<Group>,
    full: bool,
    /// Bytes that the query does not know of yet.
    grown: usize,
}

/// See [`crate::SpanStore::red`].
pub(crate) fn red(engine: &Engine, select: &Select, by: RedBy) -> Result<Outcome<Vec<RedGroup>>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let plan = compile::compile(&select.filter, &select.access)?;
    let known = plan.asks_only(is_of_spans);
    let covered = |segment: &Segment| known.then(|| of_durations(segment, select.range)).flatten();
    let (summarised, mut parts) = split(&mut run, engine.snapshot(select.range), &plan, select.range, covered);
    let mut summaries = Vec::new();
    for (segment, covered) in summarised {
        match segment.read_durations(covered) {
            Some(tables) => {
                skip(&mut run, &segment, covered);
                summaries.extend(tables.into_iter().map(|(_, durations)| durations));
            }
            None => parts.extend(overlapping(&segment, covered).map(|block| (block.clone(), covered))),
        }
    }
    let look = |table: &mut Table, run: &mut Run<'_>, (block, range): &Part| {
        run.visit(block, |view| {
            let rows = matching(view, &plan, view.in_range(*range)?)?;
            table.add(view, &rows, by)
        })?;
        if table.full {
            run.note(Partial::Groups { max: GROUPS_MAX });
        }
        run.hold(std::mem::take(&mut table.grown))
    };
    let mut table = run.fold(&parts, Table::default, look, Table::join);
    summaries.iter().for_each(|durations| table.add_all(durations, &plan, by));
    if table.full {
        run.note(Partial::Groups { max: GROUPS_MAX });
    }
    if let Err(why) = run.hold(std::mem::take(&mut table.grown)) {
        run.stop(why);
    }
    let mut out: Vec<RedGroup> = table
        .index
        .into_iter()
        .filter_map(|((service, name, kind), i)| {
            let g = table.groups.get(i)?;
            let quantile = |q| g.durations.quantile(q).map_or(0, |v| v as u64);
            Some(RedGroup {
                service,
                name,
                kind,
                spans: g.spans,
                calls: g.calls,
                errors: g.errors,
                p50_nanos: quantile(0.50),
                p95_nanos: quantile(0.95),
                p99_nanos: quantile(0.99),
            })
        })
        .collect();
    out.sort_by(|a, b| {
        (b.calls, b.spans, &a.service, &a.name, a.kind).cmp(&(a.calls, a.spans, &b.service, &b.name, b.kind))
    });
    Ok(run.finish(out))
}

/// Whether spans of a service are calls of it.
fn is_call(kind: i64, is_root: bool) -> bool {
    kind == KIND_SERVER || kind == KIND_CONSUMER || is_root
}

impl Table {
    fn slot(&mut self, key: Key) -> Option<usize> {
        if let Some(i) = self.index.get(&key) {
            return Some(*i);
        }
        if self.groups.len() >= GROUPS_MAX {
            self.full = true;
            return None;
        }
        self.grown += size_of::<Group>() + size_of::<Key>() + key.0.len() + key.1.len() + 8;
        self.groups.push(Group::default());
        self.index.insert(key, self.groups.len() - 1);
        Some(self.groups.len() - 1)
    }

    /// Takes over the groups of another worker.
    fn join(&mut self, other: Self) {
        self.full |= other.full;
        for (key, from) in other.index {
            let Some(theirs) = other.groups.get(from) else { continue };
            if let Some(mine) = self.slot(key).and_then(|i| self.groups.get_mut(i)) {
                mine.spans += theirs.spans;
                mine.calls += theirs.calls;
                mine.errors += theirs.errors;
                mine.durations.merge(&theirs.durations, &mut self.grown);
            }
        }
    }

    /// Takes all spans of a segment.
    fn add_all(&mut self, durations: &Durations, plan: &Plan, by: RedBy) {
        for spans in &durations.groups {
            let key = &spans.key;
            if plan.decides(&SpansOf { durations, key }) != Some(true) {
                continue;
            }
            let (name, kind) = match by {
                RedBy::Operation => (durations.name(key), key.kind),
                RedBy::Service => ("", 0),
            };
            let slot = self.slot((durations.service(key).to_owned(), name.to_owned(), kind));
            let Some(group) = slot.and_then(|i| self.groups.get_mut(i)) else { continue };
            group.spans += spans.spans;
            if by == RedBy::Operation || is_call(i64::from(key.kind), key.root) {
                group.calls += spans.spans;
                group.errors += if i64::from(key.status) == STATUS_ERROR { spans.spans } else { 0 };
                group.durations.add_buckets(durations.buckets(spans), &mut self.grown);
            }
        }
    }

    fn add(&mut self, view: &View<'_>, rows: &Bitmap, by: RedBy) -> Result<(), Halt> {
        if rows.is_empty() {
            return Ok(());
        }
        let services = groups(view, &GroupBy::Field(Field::Service))?;
        let names = match by {
            RedBy::Operation => Some(groups(view, &GroupBy::Field(Field::Name))?),
            RedBy::Service => None,
        };
        // 0 for a root; operations do not ask.
        let parents = match by {
            RedBy::Service => view.ints(PARENT)?,
            RedBy::Operation => None,
        };
        let (kinds, statuses, durations) = (view.ints(KIND)?, view.ints(STATUS)?, view.ints(DURATION)?);
        let at = |c: &Option<super::view::IntColumn>, row| c.as_ref().map_or(0, |c| c.at(row));
        // Codes of the block to places in the table: names are looked at once per combination.
        let mut slots: HashMap<(u32, u32, i64), Option<usize>, FxBuildHasher> = HashMap::default();
        for row in rows.iter() {
            let kind = at(&kinds, row);
            let service = services.codes.get(row).copied().unwrap_or(NO_GROUP);
            let (name, group_kind) = match &names {
                Some(n) => (n.codes.get(row).copied().unwrap_or(NO_GROUP), kind),
                None => (NO_GROUP, 0),
            };
            let slot = *slots.entry((service, name, group_kind)).or_insert_with(|| {
                let name = names.as_ref().map(|n| n.names.text(name).into_owned()).unwrap_or_default();
                self.slot((services.names.text(service).into_owned(), name, group_kind as u8))
            });
            let Some(group) = slot.and_then(|i| self.groups.get_mut(i)) else { continue };
            group.spans += 1;
            if by == RedBy::Operation || is_call(kind, at(&parents, row) == 0) {
                group.calls += 1;
                group.errors += u64::from(at(&statuses, row) == STATUS_ERROR);
                group.durations.add_whole(at(&durations, row).max(0) as f64, &mut self.grown);
            }
        }
        Ok(())
    }
}
