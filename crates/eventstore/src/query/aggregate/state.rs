//! The groups of one worker: slots by key, and one accumulator per kind of measure.

use hashbrown::{HashMap, HashTable};
use model::UnixNanos;
use model::log::severity_range;
use rustc_hash::FxBuildHasher;

use super::local::Local;
use super::{GROUPS_MAX, Job};
use crate::block::Meta;
use crate::column::bitmap::Bitmap;
use crate::query::filter::Field;
use crate::query::group::{Groups, NO_GROUP, groups};
use crate::query::measure::{Accumulator, Placed};
use crate::query::names::Interner;
use crate::query::request::{GroupBy, Partial};
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

impl<'a> State<'a> {
    pub(super) fn new(job: &'a Job<'a>) -> Self {
        let mut state = Self {
            job,
            names: vec![Interner::default(); job.asked.by.len()],
            keys: Vec::new(),
            index: HashTable::new(),
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
    fn slot(&mut self, key: &[u32]) -> u32 {
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
        let mut rows: Vec<u32> = matching.iter().map(|r| r as u32).collect();
        let mut local = Local::new(rows.len());
        if let Some(buckets) = &self.job.asked.buckets {
            let times = view.times()?;
            let bucket = |row: u32| buckets.index(UnixNanos(times.at(row as usize))).map_or(NO_GROUP, |b| b as u32);
            let mut codes: Vec<u32> = rows.iter().map(|r| bucket(*r)).collect();
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
        let by: Vec<Groups> = self.job.asked.by.iter().map(|by| groups(view, by)).collect::<Result<_, _>>()?;
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

    /// The slot of each local group, from the row that stands for it.
    fn slots_of(&mut self, view: &View<'_>, rows: &[u32], local: &Local, by: &[Groups]) -> Result<Vec<u32>, Halt> {
        let times = match &self.job.asked.buckets {
            Some(_) => Some(view.times()?),
            None => None,
        };
        // The code of this block's names among all names, found when it first occurs.
        let mut known: Vec<HashMap<u32, u32, FxBuildHasher>> = vec![HashMap::default(); by.len()];
        let mut out = Vec::with_capacity(local.first.len());
        let mut key = Vec::with_capacity(self.job.key_len());
        for at in &local.first {
            let row = rows.get(*at as usize).copied().unwrap_or_default() as usize;
            key.clear();
            key.push(match (&self.job.asked.buckets, &times) {
                (Some(b), Some(times)) => b.index(UnixNanos(times.at(row))).map_or(NO_GROUP, |b| b as u32),
                _ => NO_GROUP,
            });
            for ((g, known), names) in by.iter().zip(&mut known).zip(&mut self.names) {
                let code = g.codes.get(row).copied().unwrap_or(NO_GROUP);
                key.push(match code {
                    NO_GROUP => NO_GROUP,
                    // One field: every local group has a name of its own.
                    _ if by.len() == 1 && times.is_none() => names.code(g.names.get(code)).unwrap_or(NO_GROUP),
                    _ => *known.entry(code).or_insert_with(|| names.code(g.names.get(code)).unwrap_or(NO_GROUP)),
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
        let bytes = names + self.slots * per_slot + self.grown;
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
