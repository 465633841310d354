//! How many rows match, per bucket of time and group.
//!
//! A block that lies in one bucket and needs no filter is answered by its header.

use std::sync::Arc;

use hashbrown::HashMap;
use model::log::severity_range;
use model::{TimeRange, UnixNanos};
use rustc_hash::FxBuildHasher;

use super::eval::matching;
use super::filter::Field;
use super::group::{NO_GROUP, groups};
use super::request::{Buckets, CountGroup, Counts, GroupBy, Outcome, Partial, Select};
use super::run::{Halt, Prepared, Run, prepare};
use super::view::View;
use crate::block::Block;
use crate::column::bitmap::Bitmap;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::schema::Schema;

/// Groups of one query; more make the outcome partial.
const GROUPS_MAX: usize = 1000;
/// Buckets of one query; more are cut off.
const BUCKETS_MAX: usize = 100_000;

/// See [`crate::LogStore::count_over_time`].
pub(crate) fn count_over_time(
    engine: &Engine,
    select: &Select,
    buckets: Buckets,
    group: Option<&GroupBy>,
) -> Result<Outcome<Counts>, QueryError> {
    let mut run = Run::new(engine, &select.limits);
    let buckets = Buckets { count: buckets.count.min(BUCKETS_MAX), step_nanos: buckets.step_nanos.max(1), ..buckets };
    let end = i128::from(buckets.start.0) + i128::from(buckets.step_nanos) * buckets.count as i128;
    let covered = TimeRange::new(
        select.range.start.max(buckets.start),
        select.range.end.min(UnixNanos(i64::try_from(end).unwrap_or(i64::MAX))),
    );
    let select = Select { range: covered, ..select.clone() };
    let Prepared { plan, blocks } = prepare(engine, &mut run, &select)?;
    let mut table = Table { buckets, counts: HashMap::default(), full: false };
    if group.is_none() {
        table.counts.insert(String::new(), vec![0; buckets.count]);
    }
    for block in &blocks {
        if plan.is_all() && table.by_header(run.shared.schema, block, covered, group) {
            run.skip();
            continue;
        }
        let counted = run.visit(block, |view| {
            let rows = matching(view, &plan, view.in_range(covered)?)?;
            table.add(view, &rows, group)
        });
        if let Err(why) = counted.and_then(|_| table.check(&mut run)) {
            run.stop(why);
            break;
        }
    }
    let mut groups: Vec<CountGroup> =
        table.counts.into_iter().map(|(value, counts)| CountGroup { value, counts }).collect();
    groups.sort_by_cached_key(|g| (std::cmp::Reverse(g.counts.iter().sum::<u64>()), g.value.clone()));
    Ok(run.finish(Counts { buckets, groups }))
}

struct Table {
    buckets: Buckets,
    counts: HashMap<String, Vec<u64>, FxBuildHasher>,
    /// Whether a group was left out.
    full: bool,
}

impl Table {
    fn add_one(&mut self, group: &str, bucket: usize, n: u64) {
        if !self.counts.contains_key(group) {
            if self.counts.len() >= GROUPS_MAX {
                self.full = true;
                return;
            }
            self.counts.insert(group.to_owned(), vec![0; self.buckets.count]);
        }
        if let Some(c) = self.counts.get_mut(group).and_then(|c| c.get_mut(bucket)) {
            *c += n;
        }
    }

    fn check(&self, run: &mut Run<'_>) -> Result<(), Partial> {
        if self.full {
            run.stop(Partial::Groups { max: GROUPS_MAX });
        }
        let bytes = self.counts.len() * self.buckets.count * 8;
        run.hold(bytes)?;
        run.release(bytes);
        Ok(())
    }

    /// Counts a block by its header, if the header can answer.
    fn by_header(&mut self, schema: Schema, block: &Arc<Block>, range: TimeRange, group: Option<&GroupBy>) -> bool {
        let meta = &block.meta;
        let bucket = self.buckets.index(meta.min_time);
        let inside = range.contains(meta.min_time) && range.contains(meta.max_time);
        let (true, Some(bucket)) = (inside && bucket == self.buckets.index(meta.max_time), bucket) else {
            return false;
        };
        let name: fn(usize) -> String = match (schema, group) {
            (_, None) => {
                self.add_one("", bucket, u64::from(meta.rows));
                return true;
            }
            (Schema::Logs, Some(GroupBy::SeverityRange)) => |v| severity_range(v as u8).to_owned(),
            (Schema::Spans, Some(GroupBy::Field(Field::Status))) => |v| v.to_string(),
            _ => return false,
        };
        for (v, n) in meta.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            self.add_one(&name(v), bucket, u64::from(*n));
        }
        true
    }

    fn add(&mut self, view: &View<'_>, rows: &Bitmap, group: Option<&GroupBy>) -> Result<(), Halt> {
        if rows.is_empty() {
            return Ok(());
        }
        let times = view.times()?;
        let bucket = |row: usize| self.buckets.index(UnixNanos(times.at(row)));
        let Some(group) = group else {
            let mut counts = vec![0; self.buckets.count];
            for b in rows.iter().filter_map(bucket) {
                counts[b] += 1;
            }
            for (b, n) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
                self.add_one("", b, n);
            }
            return Ok(());
        };
        let groups = groups(view, group)?;
        let mut counts: HashMap<(u32, usize), u64, FxBuildHasher> = HashMap::default();
        for row in rows.iter() {
            if let Some(b) = bucket(row) {
                *counts.entry((groups.codes.get(row).copied().unwrap_or(NO_GROUP), b)).or_default() += 1;
            }
        }
        for ((code, b), n) in counts {
            let name = groups.names.get(code as usize).map_or("", String::as_str);
            self.add_one(name, b, n);
        }
        Ok(())
    }
}
