//! The groups of one worker: slots by key, and one accumulator per kind of measure.

use hashbrown::{HashMap, HashTable};
use model::UnixNanos;
use model::log::severity_range;
use rustc_hash::FxBuildHasher;

use super::local::Local;
use super::{GROUPS_MAX, Job, runs};
use crate::block::Meta;
use crate::column::bitmap::Bitmap;
use crate::query::filter::Field;
use crate::query::group::{Groups, NO_GROUP, groups};
use crate::query::measure::{Accumulator, Placed};
use crate::query::names::{Interner, Known};
use crate::query::request::{Buckets, GroupBy, Partial};
use crate::query::run::{Halt, Run};
use crate::query::view::View;

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
    full: bool,
    /// Bytes that accumulators hold beyond their slots.
    grown: usize,
    /// Bytes that the query knows of.
    held: usize,
}

fn hash_key(key: &[u32]) -> u64 {
    use std::hash::BuildHasher;
    FxBuildHasher.hash_one(key)
}

/// The bucket of each row, [`NO_GROUP`] outside of all. Times rise, so a bucket is looked for only when one ends.
fn bucket_codes(buckets: &Buckets, times: &[i64], rows: &[u32]) -> Vec<u32> {
    let (mut code, mut begin, mut end) = (NO_GROUP, 1, 0);
    let of = |row: &u32| {
        let t = times.get(*row as usize).copied().unwrap_or_default();
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
    rows.iter().map(of).collect()
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
    pub(super) fn by_header(&mut self, meta: &Meta) -> bool {
        let job = self.job;
        let inside = job.range.contains(meta.min_time) && job.range.contains(meta.max_time);
        let bucket = match &job.asked.buckets {
            None => Some(NO_GROUP),
            Some(b) => b.index(meta.min_time).filter(|i| b.index(meta.max_time) == Some(*i)).map(|i| i as u32),
        };
        let (true, true, Some(bucket)) = (job.by_header, inside, bucket) else { return false };
        let values = meta.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        let counted: u64 = meta.counts.iter().map(|n| u64::from(*n)).sum();
        let hits: Option<Vec<(usize, u64, bool)>> =
            values.map(|(v, n)| Some((v, u64::from(*n), job.plan.by_counted_value(job.schema, v as i64)?))).collect();
        let Some(hits) = hits.filter(|_| counted == u64::from(meta.rows)) else { return false };
        for (v, n, _) in hits.into_iter().filter(|(.., hit)| *hit) {
            let mut key = vec![bucket];
            for (by, names) in job.asked.by.iter().zip(&mut self.names) {
                let code = match by {
                    GroupBy::SeverityRange => names.code(severity_range(v as u8).as_bytes()),
                    GroupBy::Field(Field::Severity) if v == 0 => None,
                    GroupBy::Field(_) => names.code(v.to_string().as_bytes()),
                };
                key.push(code.unwrap_or(NO_GROUP));
            }
            let slot = self.slot(&key);
            for a in &mut self.accumulators {
                a.resize(self.slots);
                a.add_count(slot as usize, n);
            }
        }
        true
    }

    /// Takes the matching rows of a block.
    pub(super) fn take(&mut self, view: &View<'_>, matching: &Bitmap) -> Result<(), Halt> {
        if matching.is_empty() {
            return Ok(());
        }
        if let ([by], None, true) = (self.job.asked.by.as_slice(), &self.job.asked.buckets, self.job.only_rows()) {
            return self.count_codes(groups(view, by)?, matching);
        }
        let by: Vec<Groups> = self.job.asked.by.iter().map(|by| groups(view, by)).collect::<Result<_, _>>()?;
        if let (Some(buckets), true, true) = (&self.job.asked.buckets, self.job.only_rows(), by.len() <= 1) {
            let runs = runs::runs(buckets, view.times()?.get());
            if runs::are_worth(&runs, by.first(), view.rows()) {
                self.count_runs(&runs, by.first(), matching);
                return Ok(());
            }
        }
        let mut rows: Vec<u32> = matching.iter().map(|r| r as u32).collect();
        let mut local = Local::new(rows.len());
        if let Some(buckets) = &self.job.asked.buckets {
            let mut codes = bucket_codes(buckets, view.times()?.get(), &rows);
            if codes.contains(&NO_GROUP) {
                let mut at = 0..;
                rows.retain(|_| at.next().and_then(|i: usize| codes.get(i)) != Some(&NO_GROUP));
                codes.retain(|c| *c != NO_GROUP);
                local = Local::new(rows.len());
            }
            // Times rise, so buckets do: their distance to the first is a small code.
            let first = codes.first().copied().unwrap_or_default();
            let span = codes.last().map_or(0, |last| last - first) as usize + 1;
            local.refine(span, codes.iter().map(|c| c - first));
        }
        for g in &by {
            let names = g.names.len();
            let code = |row: &u32| match g.codes.get(*row as usize) {
                Some(c) if *c != NO_GROUP => *c,
                _ => names as u32,
            };
            local.refine(names + 1, rows.iter().map(code));
        }
        let slots = self.slots_of(view, &rows, &local, &by)?;
        let slots: Vec<u32> = local.ids.iter().map(|id| slots.get(*id as usize).copied().unwrap_or(NO_GROUP)).collect();
        let placed = Placed { rows: &rows, slots: &slots };
        for (accumulator, kind) in self.accumulators.iter_mut().zip(&self.job.kinds) {
            accumulator.resize(self.slots);
            accumulator.take(kind, view, &placed, &mut self.grown)?;
        }
        Ok(())
    }

    /// Counts rows by one field: all that is needed of most blocks for facets and top lists.
    fn count_codes(&mut self, Groups { codes, names }: Groups, matching: &Bitmap) -> Result<(), Halt> {
        let none = names.len();
        let mut counts = vec![0u32; none + 1];
        let mut count = |code: u32| {
            if let Some(n) = counts.get_mut((code as usize).min(none)) {
                *n += 1;
            }
        };
        let all = matching.words().iter().map(|w| w.count_ones() as usize).sum::<usize>() == codes.len();
        if all {
            codes.iter().for_each(|c| count(*c));
        } else {
            matching.iter().filter_map(|row| codes.get(row)).for_each(|c| count(*c));
        }
        let dictionary = self.known.first_mut().and_then(|k| k.of(&names));
        for (code, n) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
            let name = match (self.known.first_mut(), self.names.first_mut()) {
                (Some(known), Some(interner)) if code < none => {
                    known.code(dictionary, interner, &names, code as u32).unwrap_or(NO_GROUP)
                }
                _ => NO_GROUP,
            };
            let slot = self.slot(&[NO_GROUP, name]);
            for a in &mut self.accumulators {
                a.resize(self.slots);
                a.add_count(slot as usize, u64::from(n));
            }
        }
        Ok(())
    }

    /// The slot of each local group, from the row that stands for it.
    fn slots_of(&mut self, view: &View<'_>, rows: &[u32], local: &Local, by: &[Groups]) -> Result<Vec<u32>, Halt> {
        let times = match &self.job.asked.buckets {
            Some(_) => Some(view.times()?),
            None => None,
        };
        // The code of this block's names among all names, found when it first occurs.
        let mut found: Vec<HashMap<u32, u32, FxBuildHasher>> = vec![HashMap::default(); by.len()];
        let shared: Vec<Option<usize>> = by.iter().zip(&mut self.known).map(|(g, known)| known.of(&g.names)).collect();
        let mut out = Vec::with_capacity(local.first.len());
        let mut key = Vec::with_capacity(self.job.key_len());
        for at in &local.first {
            let row = rows.get(*at as usize).copied().unwrap_or_default() as usize;
            key.clear();
            key.push(match (&self.job.asked.buckets, &times) {
                (Some(b), Some(times)) => b.index(UnixNanos(times.at(row))).map_or(NO_GROUP, |b| b as u32),
                _ => NO_GROUP,
            });
            for (i, (g, found)) in by.iter().zip(&mut found).enumerate() {
                let code = g.codes.get(row).copied().unwrap_or(NO_GROUP);
                let (Some(known), Some(names)) = (self.known.get_mut(i), self.names.get_mut(i)) else { continue };
                let at = shared.get(i).copied().flatten();
                let mut name = || known.code(at, names, &g.names, code).unwrap_or(NO_GROUP);
                key.push(match code {
                    NO_GROUP => NO_GROUP,
                    // One field: every local group has a name of its own.
                    _ if at.is_some() || by.len() == 1 && times.is_none() => name(),
                    _ => *found.entry(code).or_insert_with(name),
                });
            }
            out.push(self.slot(&key));
        }
        Ok(out)
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
        let bytes = names + known + self.direct.len() * 4 + self.slots * per_slot + self.grown;
        let more = bytes.saturating_sub(self.held);
        self.held += more;
        run.hold(more)
    }

    /// Takes over the groups of another worker.
    pub(super) fn join(&mut self, mut other: Self) {
        self.full |= other.full;
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
