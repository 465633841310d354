//! The groups of one worker: slots by key, and one accumulator per kind of measure.

use hashbrown::HashTable;
use model::log::severity_range;
use model::{TimeRange, UnixNanos};
use rustc_hash::FxBuildHasher;

use super::local::Local;
use super::tally::Tally;
use super::{GROUPS_MAX, Job, runs};
use crate::block::Meta;
use crate::column::bitmap::Bitmap;
use crate::query::compile::ValueView;
use crate::query::facts::{Counted, Fact, Facts};
use crate::query::filter::Field;
use crate::query::group::{Groups, NO_GROUP, groups_of};
use crate::query::measure::{Accumulator, Placed};
use crate::query::names::{Interner, Known};
use crate::query::request::{Buckets, GroupBy, Partial};
use crate::query::run::{Halt, Run};
use crate::query::view::{IntColumn, Rows, View};
use crate::schema::TIME;

/// The groups of one worker.
pub(super) struct State<'a> {
    pub(super) job: &'a Job<'a>,
    /// The names of the codes of each field.
    pub(super) names: Vec<Interner>,
    /// Keys of [`Job::key_len`] numbers, one after another.
    pub(super) keys: Vec<u32>,
    index: HashTable<u32>,
    /// With one field and no buckets, the slot by the code of the name and one; 0 is for no name.
    direct: Vec<u32>,
    /// The codes of names that segments share, by field.
    pub(super) known: Vec<Known>,
    pub(super) slots: usize,
    pub(super) accumulators: Vec<Accumulator>,
    /// What is counted by one field alone.
    pub(super) tally: Tally,
    /// Groups that are known to be below those that are listed, and were not made.
    pub(super) unlisted: u64,
    full: bool,
    /// Bytes that accumulators hold beyond their slots.
    pub(super) grown: usize,
    /// Bytes that the query knows of.
    held: usize,
}

/// The group of each row.
enum Grouped {
    /// By a table.
    Table(Vec<u32>, Vec<u32>),
    /// Numbered in the order in which they occur.
    Numbered(Vec<u32>),
}

fn hash_key(key: &[u32]) -> u64 {
    use std::hash::BuildHasher;
    FxBuildHasher.hash_one(key)
}

/// The bucket of each of `rows`, [`NO_GROUP`] outside of all. Times rise, so a bucket is looked for only when one ends.
fn bucket_codes(buckets: &Buckets, times: &IntColumn, rows: &Rows) -> Vec<u32> {
    let (mut code, mut begin, mut end) = (NO_GROUP, 1, 0);
    let mut of = |t: i64| {
        if t < begin || t >= end {
            (code, begin, end) = match buckets.index(UnixNanos(t)) {
                Some(i) => {
                    let begin = buckets.start.0.wrapping_add(buckets.step_nanos.wrapping_mul(i as i64));
                    (i as u32, begin, begin.saturating_add(buckets.step_nanos))
                }
                None => (NO_GROUP, t, t),
            };
        }
        code
    };
    match rows {
        Rows::All(_) => times.get().iter().map(|t| of(*t)).collect(),
        Rows::These(list) => list.iter().map(|row| of(times.at(*row))).collect(),
    }
}

/// A group that no slot was looked up for yet.
const UNSEEN: u32 = NO_GROUP - 1;
/// A table of all combinations of codes may have so many entries; otherwise combinations are hashed.
const COMBINATIONS_MAX: usize = 1 << 14;

/// Codes of rows, one kind of them, below some number.
struct Codes<'c> {
    below: usize,
    of: &'c [u32],
}

/// For each row one number for all of its codes, and where these end; `None` when the numbers would be too large.
fn combined(codes: &[Codes<'_>], rows: usize) -> Option<(Vec<u32>, usize)> {
    // A code that is none is the largest.
    let end = codes.iter().try_fold(1usize, |all, c| all.checked_mul(c.below + 1));
    let end = end.filter(|end| *end <= COMBINATIONS_MAX.max(rows))?;
    let mut out = vec![0u32; rows];
    for Codes { below, of } in codes {
        let (below, factor) = (*below as u32, *below as u32 + 1);
        out.iter_mut().zip(*of).for_each(|(to, code)| *to = *to * factor + (*code).min(below));
    }
    Some((out, end))
}

impl<'a> State<'a> {
    pub(super) fn new(job: &'a Job<'a>) -> Self {
        let mut state = Self {
            job,
            names: vec![Interner::default(); job.asked.by.len()],
            keys: Vec::new(),
            index: HashTable::new(),
            direct: Vec::new(),
            known: job.asked.by.iter().map(|_| Known::default()).collect(),
            slots: 0,
            accumulators: job.kinds.iter().map(Accumulator::new).collect(),
            tally: Tally::default(),
            unlisted: 0,
            full: false,
            grown: 0,
            held: 0,
        };
        // Without groups there is one row, also when no record matches.
        if job.asked.by.is_empty() && job.asked.buckets.is_none() {
            state.slot(&[NO_GROUP]);
            state.accumulators.iter_mut().for_each(|a| a.resize(1));
        }
        state
    }

    /// The slot of a key, new or known; [`NO_GROUP`] when there are too many. Accumulators are resized by the caller.
    pub(super) fn slot(&mut self, key: &[u32]) -> u32 {
        let direct = match (key, &self.job.asked.buckets) {
            ([_, code], None) => Some(code.wrapping_add(1) as usize),
            _ => None,
        };
        if let Some(slot) = direct.and_then(|at| self.direct.get(at)).filter(|s| **s != NO_GROUP) {
            return *slot;
        }
        let slot = self.hashed_slot(key);
        if let Some(at) = direct {
            if self.direct.len() <= at {
                self.direct.resize(at + 1, NO_GROUP);
            }
            if let Some(s) = self.direct.get_mut(at) {
                *s = slot;
            }
        }
        slot
    }

    fn hashed_slot(&mut self, key: &[u32]) -> u32 {
        let (keys, len) = (&self.keys, key.len());
        let of = |slot: u32| keys.get(slot as usize * len..(slot as usize + 1) * len).unwrap_or_default();
        let h = hash_key(key);
        if let Some(slot) = self.index.find(h, |s| of(*s) == key) {
            return *slot;
        }
        if self.slots >= self.job.asked.groups_max.min(GROUPS_MAX) {
            self.full = true;
            return NO_GROUP;
        }
        let slot = self.slots as u32;
        self.keys.extend_from_slice(key);
        let keys = &self.keys;
        let of = |slot: u32| keys.get(slot as usize * len..(slot as usize + 1) * len).unwrap_or_default();
        self.index.insert_unique(h, slot, |s| hash_key(of(*s)));
        self.slots += 1;
        slot
    }

    /// Counts a block by its directory entry, if that can answer.
    pub(super) fn by_header(&mut self, meta: &Meta, range: TimeRange) -> bool {
        let job = self.job;
        let inside = range.contains(meta.min_time) && range.contains(meta.max_time);
        let bucket = match &job.asked.buckets {
            None => Some(NO_GROUP),
            Some(b) => b.index(meta.min_time).filter(|i| b.index(meta.max_time) == Some(*i)).map(|i| i as u32),
        };
        let (true, true, Some(bucket)) = (job.by_header, inside, bucket) else { return false };
        let values = meta.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        let counted: u64 = meta.counts.iter().map(|n| u64::from(*n)).sum();
        let rows = values.map(|(value, n)| (Counted { schema: job.schema, value: value as u8 }, u64::from(*n)));
        let hits: Option<Vec<(Counted, u64, bool)>> =
            rows.map(|(rows, n)| job.plan.decides(&rows).map(|hit| (rows, n, hit))).collect();
        let Some(hits) = hits.filter(|_| counted == u64::from(meta.rows)) else { return false };
        for (rows, n, _) in hits.into_iter().filter(|(.., hit)| *hit) {
            let key = self.key_of(bucket, &rows);
            self.count(&key, n);
        }
        true
    }

    /// The key of rows of which all fields are known that groups are made by.
    pub(super) fn key_of(&mut self, bucket: u32, facts: &impl Facts) -> Vec<u32> {
        let mut key = vec![bucket];
        for (by, names) in self.job.asked.by.iter().zip(&mut self.names) {
            let code = match by {
                GroupBy::SeverityRange => names.code(match facts.of(&Field::Severity) {
                    Fact::Is(ValueView::Int(v)) => severity_range(v as u8).as_bytes(),
                    _ => severity_range(0).as_bytes(),
                }),
                GroupBy::Field(field) => match facts.of(field) {
                    Fact::Is(ValueView::Int(v)) => names.code(v.to_string().as_bytes()),
                    Fact::Is(ValueView::Binary(_, text)) => names.code(text),
                    _ => None,
                },
            };
            key.push(code.unwrap_or(NO_GROUP));
        }
        key
    }

    /// Takes the matching rows of a block.
    pub(super) fn take(&mut self, view: &View<'_>, matching: &Bitmap) -> Result<(), Halt> {
        if matching.is_empty() {
            return Ok(());
        }
        let rows = Rows::of(matching, view.rows());
        let by: Vec<Groups> =
            self.job.asked.by.iter().map(|by| groups_of(view, by, &rows)).collect::<Result<_, _>>()?;
        let buckets = self.job.asked.buckets;
        match (&buckets, by.as_slice(), self.job.only_rows()) {
            (None, [by], true) => {
                self.count_by(by);
                return Ok(());
            }
            (Some(buckets), [] | [_], true) => {
                if let Some(runs) = runs::runs(view, buckets, &rows, by.first())? {
                    self.count_runs(&runs, by.first());
                    return Ok(());
                }
            }
            _ => {}
        }
        let of_time = match &buckets {
            Some(buckets) => {
                let times = match &rows {
                    Rows::All(_) => view.times()?,
                    Rows::These(list) => view.required_of_rows(TIME, list)?,
                };
                Some(bucket_codes(buckets, &times, &rows))
            }
            None => None,
        };
        let slots = self.slots_of(of_time.as_deref(), &by, rows.len());
        let placed = Placed { rows: &rows, slots: &slots };
        for (accumulator, kind) in self.accumulators.iter_mut().zip(&self.job.kinds) {
            accumulator.resize(self.slots);
            accumulator.take(kind, view, &placed, &mut self.grown)?;
        }
        Ok(())
    }

    /// The slot of each row; rows outside of all buckets have none.
    fn slots_of(&mut self, of_time: Option<&[u32]>, by: &[Groups], rows: usize) -> Vec<u32> {
        // Buckets of a block lie close together: their distance to the first is a small code.
        let in_buckets = of_time.map(|codes| {
            let known = || codes.iter().copied().filter(|c| *c != NO_GROUP);
            let first = known().min().unwrap_or_default();
            let last = known().max().unwrap_or_default();
            let near: Vec<u32> = codes.iter().map(|c| if *c == NO_GROUP { NO_GROUP } else { *c - first }).collect();
            (first, (last - first) as usize + 1, near)
        });
        let first_bucket = in_buckets.as_ref().map(|(first, ..)| *first);
        let of_buckets = in_buckets.iter().map(|(_, below, near)| Codes { below: *below, of: near });
        let of_fields = by.iter().map(|g| Codes { below: g.names.len(), of: &g.codes });
        let codes: Vec<Codes<'_>> = of_buckets.chain(of_fields).collect();
        let (groups, first_rows) = match combined(&codes, rows) {
            Some((groups, end)) => {
                // Only what occurs is looked up: in the order in which it comes, as when combinations are hashed.
                let mut table = vec![UNSEEN; end];
                let mut first_rows = Vec::new();
                for (at, group) in groups.iter().enumerate() {
                    if let Some(known) = table.get_mut(*group as usize)
                        && *known == UNSEEN
                    {
                        *known = 0;
                        first_rows.push(at as u32);
                    }
                }
                (Grouped::Table(groups, table), first_rows)
            }
            None => {
                let mut local = Local::new(rows);
                for Codes { below, of } in &codes {
                    local.refine(below + 1, of.iter().map(|c| (*c).min(*below as u32)));
                }
                (Grouped::Numbered(local.ids), local.first)
            }
        };
        let slots = self.slots_of_groups(&first_rows, first_bucket, &codes, by);
        match groups {
            Grouped::Table(groups, mut table) => {
                for (at, slot) in first_rows.iter().zip(slots) {
                    if let Some(known) = groups.get(*at as usize).and_then(|g| table.get_mut(*g as usize)) {
                        *known = slot;
                    }
                }
                groups.into_iter().map(|g| table.get(g as usize).copied().unwrap_or(NO_GROUP)).collect()
            }
            Grouped::Numbered(ids) => {
                ids.into_iter().map(|id| slots.get(id as usize).copied().unwrap_or(NO_GROUP)).collect()
            }
        }
    }

    /// The slot of each group, from the row that stands for it.
    fn slots_of_groups(
        &mut self,
        first_rows: &[u32],
        first_bucket: Option<u32>,
        codes: &[Codes<'_>],
        by: &[Groups],
    ) -> Vec<u32> {
        let len = self.job.key_len();
        let mut keys = vec![NO_GROUP; first_rows.len() * len];
        let (of_time, of_fields) = codes.split_at(usize::from(first_bucket.is_some()));
        let code = |codes: &Codes<'_>, row: u32| codes.of.get(row as usize).copied().unwrap_or(NO_GROUP);
        if let (Some(first), [buckets]) = (first_bucket, of_time) {
            for (key, row) in keys.chunks_exact_mut(len).zip(first_rows) {
                let near = code(buckets, *row);
                if let Some(to) = key.first_mut().filter(|_| near != NO_GROUP) {
                    *to = first + near;
                }
            }
        }
        let fields = of_fields.iter().zip(by).zip(self.known.iter_mut().zip(&mut self.names)).enumerate();
        for (i, ((codes, groups), (known, names))) in fields {
            let mut name = known.of(names, &groups.names);
            for (key, row) in keys.chunks_exact_mut(len).zip(first_rows) {
                let code = code(codes, *row);
                if let Some(to) = key.get_mut(1 + i).filter(|_| code != NO_GROUP) {
                    *to = name.get(code).unwrap_or(NO_GROUP);
                }
            }
        }
        let outside = |key: &[u32]| first_bucket.is_some() && key.first() == Some(&NO_GROUP);
        keys.chunks_exact(len).map(|key| if outside(key) { NO_GROUP } else { self.slot(key) }).collect()
    }

    /// Tells the query what the groups hold by now.
    pub(super) fn hold(&mut self, run: &mut Run<'_>) -> Result<(), Partial> {
        if self.full {
            run.note(Partial::Groups { max: self.job.asked.groups_max.min(GROUPS_MAX) });
        }
        let per_slot =
            self.job.key_len() * 4 + 5 + self.accumulators.iter().map(Accumulator::slot_bytes).sum::<usize>();
        let names: usize = self.names.iter().map(Interner::heap_bytes).sum();
        let known: usize = self.known.iter().map(Known::heap_bytes).sum();
        let bytes =
            names + known + self.tally.heap_bytes() + self.direct.len() * 4 + self.slots * per_slot + self.grown;
        let more = bytes.saturating_sub(self.held);
        self.held += more;
        run.hold(more)
    }

    /// Takes over the groups of another worker.
    pub(super) fn join(&mut self, mut other: Self) {
        self.full |= other.full;
        self.tally.join(std::mem::take(&mut other.tally));
        let len = self.job.key_len();
        let codes: Vec<Vec<u32>> = self
            .names
            .iter_mut()
            .zip(&other.names)
            .map(|(mine, theirs)| {
                (0..theirs.len() as u32).map(|c| mine.code(theirs.get(c)).unwrap_or(NO_GROUP)).collect()
            })
            .collect();
        let keys = std::mem::take(&mut other.keys);
        for (from, key) in keys.chunks_exact(len).enumerate() {
            let (bucket, fields) = key.split_at(1);
            let fields =
                fields.iter().zip(&codes).map(|(c, codes)| codes.get(*c as usize).copied().unwrap_or(NO_GROUP));
            let key: Vec<u32> = bucket.iter().copied().chain(fields).collect();
            let to = self.slot(&key);
            if to == NO_GROUP {
                continue;
            }
            for (mine, theirs) in self.accumulators.iter_mut().zip(&mut other.accumulators) {
                mine.resize(self.slots);
                mine.merge(to as usize, theirs, from, &mut self.grown);
            }
        }
    }
}
