//! Rate, errors and durations per service or operation.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::eval::{matching, parents};
use super::filter::Field;
use super::group::{NO_GROUP, groups};
use super::histogram::Histogram;
use super::request::{GroupBy, Outcome, Partial, RedBy, RedGroup, Select};
use super::run::{Halt, Prepared, Run, prepare};
use super::view::View;
use crate::column::bitmap::Bitmap;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::schema::{DURATION, KIND, STATUS};

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
}

/// See [`crate::SpanStore::red`].
pub(crate) fn red(engine: &Engine, select: &Select, by: RedBy) -> Result<Outcome<Vec<RedGroup>>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let Prepared { plan, blocks } = prepare(engine, &mut run, select)?;
    let mut table = Table::default();
    for block in &blocks {
        let added = run.visit(block, |view| {
            let rows = matching(view, &plan, view.in_range(select.range)?)?;
            table.add(view, &rows, by)
        });
        if table.full {
            run.stop(Partial::Groups { max: GROUPS_MAX });
        }
        let bytes: usize = table.groups.iter().map(|g| g.durations.heap_bytes() + 256).sum();
        if let Err(why) = added.and_then(|_| run.hold(bytes)) {
            run.stop(why);
            break;
        }
        run.release(bytes);
    }
    let mut out: Vec<RedGroup> = table
        .index
        .into_iter()
        .filter_map(|((service, name, kind), i)| {
            let g = table.groups.get(i)?;
            Some(RedGroup {
                service,
                name,
                kind,
                spans: g.spans,
                calls: g.calls,
                errors: g.errors,
                p50_nanos: g.durations.quantile(0.50),
                p95_nanos: g.durations.quantile(0.95),
                p99_nanos: g.durations.quantile(0.99),
            })
        })
        .collect();
    out.sort_by(|a, b| {
        (b.calls, b.spans, &a.service, &a.name, a.kind).cmp(&(a.calls, a.spans, &b.service, &b.name, b.kind))
    });
    Ok(run.finish(out))
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
        self.groups.push(Group::default());
        self.index.insert(key, self.groups.len() - 1);
        Some(self.groups.len() - 1)
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
        let roots = match by {
            RedBy::Service => parents(view)?,
            RedBy::Operation => Vec::new(),
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
                let text = |names: &[String], code: u32| names.get(code as usize).cloned().unwrap_or_default();
                let name = names.as_ref().map(|n| text(&n.names, name)).unwrap_or_default();
                self.slot((text(&services.names, service), name, group_kind as u8))
            });
            let Some(group) = slot.and_then(|i| self.groups.get_mut(i)) else { continue };
            group.spans += 1;
            let entry = kind == KIND_SERVER || kind == KIND_CONSUMER || roots.get(row) == Some(&[0; 8]);
            if by == RedBy::Operation || entry {
                group.calls += 1;
                group.errors += u64::from(at(&statuses, row) == STATUS_ERROR);
                group.durations.add(at(&durations, row).max(0) as u64);
            }
        }
        Ok(())
    }
}
