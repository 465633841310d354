//! What of a batch may go into the log: known series are found, new ones are held against rules and limits.
//!
//! Runs on the thread of whoever brings the batch, before its record is
//! written, so that the log holds only what is taken and replay decides
//! nothing. New series are reserved until the batch is applied: two batches
//! that bring the same new series count it twice meanwhile, so that near the
//! limit one may be refused that would just have fitted; never the other way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hashbrown::HashTable;

use super::Head;
use super::index::{HeadIndex, UNNAMED};
use super::limits::{Census, Limits};
use crate::batch::{Batch, Found, Mode, same_point};
use crate::outcome::Refusal;

/// New series that a batch on its way may still make. Dropped when it is applied or given up.
#[derive(Debug)]
pub(crate) struct Reserved {
    head: Arc<Head>,
    series: usize,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.head.reserved.fetch_sub(self.series, Ordering::Relaxed);
    }
}

impl Head {
    /// Finds the series of a batch, and takes away the samples that rules drop and the points whose new series the limits
    /// do not allow.
    pub(crate) fn admit(self: &Arc<Self>, batch: &mut Batch, limits: &Limits) -> Reserved {
        self.find_all(batch);
        limits.mark_inputs(&self.sums.read(), batch);
        let mut reserved = Reserved { head: self.clone(), series: 0 };
        let Some(fresh) = Fresh::of(batch) else { return reserved };
        // Reserved before it is looked at: of two batches at once none takes the room of the other.
        let before = self.reserved.fetch_add(fresh.count, Ordering::Relaxed);
        reserved.series = fresh.count;
        let index = self.index.read();
        let room = limits.max_series.saturating_sub((index.len() as usize).saturating_add(before));
        if fresh.refuse(limits, &index, room, batch) {
            batch.forget_unused();
        }
        reserved
    }

    /// Finds the series of a batch that the head has.
    pub(crate) fn find_all(&self, batch: &mut Batch) {
        let index = self.index.read();
        let buf = &batch.buf;
        let find = |series| {
            let id = index.find(buf.hash_of(series), buf.key_of(series));
            Found { id, log_name: id.and_then(|id| index.log_name(id)), ..Found::default() }
        };
        batch.found = buf.series.iter().map(find).collect();
        batch.epoch = self.epoch;
    }

    /// Writes the keys of the series of a batch that came with their ids only.
    pub(crate) fn put_keys(&self, batch: &mut Batch) {
        let index = self.index.read();
        for (at, id) in (0..).zip(&batch.found).filter_map(|(at, found)| Some((at, found.id?))) {
            batch.buf.set_key(at, index.key(id));
        }
    }

    /// Gives numbers to the series of a batch that have none, for its record to tell.
    pub(crate) fn name_series(&self, batch: &mut Batch) {
        let is_nameless = |found: &Found| found.log_name.is_none() && !found.input;
        let nameless = batch.found.iter().filter(|found| is_nameless(found)).count() as u64;
        if nameless == 0 {
            return;
        }
        let first = self.log_names.fetch_add(nameless, Ordering::Relaxed);
        let names = (first..).map_while(|name| u32::try_from(name).ok().filter(|name| *name < UNNAMED));
        // When numbers run out, the rest is written with its keys each time.
        for (found, name) in batch.found.iter_mut().filter(|found| is_nameless(found)).zip(names) {
            (found.log_name, found.named_here) = (Some(name), true);
        }
    }
}

/// The series of a batch that are new.
struct Fresh {
    /// Per series of the batch the first one with the same key, if it is new.
    first: Vec<Option<u32>>,
    /// How many different ones there are.
    count: usize,
}

impl Fresh {
    /// `None` when the head has all of them, as nearly always.
    fn of(batch: &Batch) -> Option<Self> {
        if batch.found.iter().all(|found| found.id.is_some() || found.input) {
            return None;
        }
        let buf = &batch.buf;
        let mut seen: HashTable<u32> = HashTable::new();
        let mut fresh = Self { first: Vec::with_capacity(buf.series.len()), count: 0 };
        for (at, (series, found)) in (0u32..).zip(buf.series.iter().zip(&batch.found)) {
            let (hash, key) = (buf.hash_of(series), buf.key_of(series));
            fresh.first.push(match seen.find(hash, |s| buf.key_at(*s) == key) {
                _ if found.id.is_some() || found.input => None,
                Some(first) => Some(*first),
                None => {
                    let hash_at = |s: &u32| buf.series.get(*s as usize).map_or(0, |s| buf.hash_of(s));
                    seen.insert_unique(hash, at, hash_at);
                    fresh.count += 1;
                    Some(at)
                }
            });
        }
        Some(fresh)
    }

    /// Takes away the samples of series that rules drop, and the points that need series that are not allowed or
    /// beyond `room`, each as a whole. Returns whether there were any.
    fn refuse(&self, limits: &Limits, index: &HeadIndex, mut room: usize, batch: &mut Batch) -> bool {
        let Batch { buf, early, .. } = batch;
        let first_of = |series: u32| self.first.get(series as usize).copied().flatten();
        let mut samples = std::mem::take(&mut buf.samples);
        let dropped: Vec<bool> = (0..)
            .zip(&self.first)
            .map(|(at, first)| match first {
                Some(first) if *first == at => limits.drops(buf.key_at(at)),
                _ => false,
            })
            .collect();
        let before = samples.len();
        samples.retain(|s| !first_of(s.series).is_some_and(|first| dropped[first as usize]));
        early.dropped += (before - samples.len()) as u64;
        let mut census = Census::new(limits, index);
        let mut taken = vec![false; self.first.len()];
        let mut keep = Vec::with_capacity(samples.len());
        for point in samples.chunk_by(same_point) {
            let mut new: Vec<u32> = point.iter().filter_map(|s| first_of(s.series)).collect();
            new.retain(|first| !taken[*first as usize]);
            new.sort_unstable();
            new.dedup();
            let entered = census.enter(new.iter().map(|first| buf.key_at(*first))).and_then(|()| {
                if new.len() <= room {
                    return Ok(());
                }
                new.iter().for_each(|first| census.forget(buf.key_at(*first)));
                Err((Refusal::SeriesLimit, 0))
            });
            keep.extend(point.iter().map(|_| entered.is_ok()));
            match entered {
                Ok(()) => {
                    room -= new.len();
                    new.iter().for_each(|first| taken[*first as usize] = true);
                }
                Err((why, at)) if point.iter().all(|s| s.mode != Mode::Derived) => {
                    let series = new.get(at).map_or(&[][..], |first| buf.key_at(*first));
                    point.iter().for_each(|_| early.refuse(why, series));
                    early.refused_points += 1;
                }
                Err(_) => {}
            }
        }
        let mut keep = keep.into_iter();
        samples.retain(|_| keep.next().unwrap_or_default());
        buf.samples = samples;
        buf.samples.len() < before
    }
}
