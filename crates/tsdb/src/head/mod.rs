//! The head: the samples of the current generation, in memory.
//!
//! One writer (the log's writer thread) appends batches in log order; readers
//! take ids and parts under a read lock of the owner and decode later. A head
//! is frozen as a whole when the log rotates and becomes one block.
//! Knows no files.

mod exemplars;
mod index;
mod series;

use hashbrown::HashTable;
use roaring::RoaringBitmap;

use crate::batch::{Batch, BatchSample, BatchValue, Mode};
use crate::chunk::Sample;
use crate::delta::{DeltaStreams, Total};
use crate::key;
use crate::outcome::{Ingested, Refusal};
use crate::{Options, TsdbError};

pub(crate) use exemplars::Exemplars;
pub(crate) use index::HeadIndex;
pub(crate) use series::{Appended, MemSeries};

/// Ids of series are 32 bits.
const SERIES_MAX: usize = u32::MAX as usize - 1;

/// Bytes of a series besides its key and samples, roughly.
const SERIES_BYTES: usize = 200;

/// What decides whether a sample is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission {
    /// Series in memory, at most.
    pub(crate) max_series: usize,
    pub(crate) exemplars_per_series: usize,
    pub(crate) max_exemplars: usize,
}

impl Admission {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            max_series: options.max_series.min(SERIES_MAX),
            exemplars_per_series: options.exemplars_per_series,
            max_exemplars: options.max_exemplars,
        }
    }

    /// For replay, where generations that had a head each come to share one: the limit counts beside `known` series.
    pub(crate) fn beside(self, known: usize) -> Self {
        Self { max_series: self.max_series.saturating_add(known).min(SERIES_MAX), ..self }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Head {
    by_key: HashTable<u32>,
    series: Vec<MemSeries>,
    pub(crate) index: HeadIndex,
    pub(crate) exemplars: Exemplars,
    /// Times of the oldest and newest sample; `None` when empty.
    pub(crate) bounds: Option<(i64, i64)>,
    pub(crate) samples: u64,
    /// Set by the first new series that the limit refuses; no other is made then. So in the log all that was taken lies
    /// before all that was refused, and replay, which has more room, cannot fill it with what was refused first.
    full: bool,
    /// Memory of series, index and samples, estimated.
    bytes: usize,
}

/// What the series gets: for an increase the total with it.
fn value(s: &BatchSample, key: &[u8], deltas: &DeltaStreams) -> Result<f64, Refusal> {
    let BatchValue::Float(v) = s.value else { return Err(Refusal::NotStored) };
    let Some(total) = deltas.get(key).filter(|_| s.mode == Mode::Add) else { return Ok(v) };
    if s.t <= total.t {
        return Err(Refusal::DeltaOrder);
    }
    // A snapshot may hold a total of a build that let it become NaN: counting begins again, as after a reset.
    let v = if total.v.is_finite() { total.v + v } else { v };
    if v.is_finite() { Ok(v) } else { Err(Refusal::NotFinite) }
}

/// Whether two neighbours are of one data point; what the engine makes itself stands apart.
fn same_point(a: &BatchSample, b: &BatchSample) -> bool {
    a.point == b.point && (a.mode == Mode::Derived) == (b.mode == Mode::Derived)
}

impl Head {
    /// Applies a batch, point by point. `newest` is the time of the newest sample that the engine ever took, and is moved.
    pub(crate) fn apply(
        &mut self,
        batch: &Batch,
        admission: &Admission,
        newest: &mut i64,
        deltas: &mut DeltaStreams,
    ) -> Ingested {
        let mut done = batch.early.clone();
        for point in batch.buf.samples.chunk_by(same_point) {
            let oldest_allowed = newest.saturating_sub(batch.buf.rules.window_ms);
            let checked = self.check_point(point, batch, admission.max_series, oldest_allowed, deltas);
            let mut refused = false;
            for s in point {
                let result = match &checked {
                    Ok(()) => self
                        .apply_sample(s, batch, admission.max_series, oldest_allowed, deltas)
                        .map_err(|refusal| (refusal, batch.buf.key_at(s.series))),
                    Err(whole) => Err(*whole),
                };
                self.full |= matches!(result, Err((Refusal::SeriesLimit, _)));
                match result {
                    Ok(_) => {
                        *newest = s.t.max(*newest);
                        done.samples += u64::from(s.mode != Mode::Derived);
                    }
                    Err(_) if s.mode == Mode::Derived => {}
                    Err((refusal, first)) => {
                        done.refuse(refusal, first);
                        refused = true;
                    }
                }
            }
            done.refused_points += u64::from(refused);
        }
        self.apply_exemplars(batch, admission, &mut done);
        done
    }

    fn apply_exemplars(&mut self, batch: &Batch, admission: &Admission, done: &mut Ingested) {
        for (series, exemplar) in &batch.exemplars {
            let Some(series) = batch.buf.series.get(*series as usize) else { continue };
            let key = batch.buf.key_of(series);
            match self.find(series.hash, key) {
                Some(id) => {
                    let kept =
                        self.exemplars.push(id, exemplar, admission.exemplars_per_series, admission.max_exemplars);
                    done.exemplars += u64::from(kept);
                }
                None => done.refuse(Refusal::ExemplarWithoutSeries, key),
            }
        }
    }

    /// Finds the reason to refuse a point of several samples, and the key it is about, before any of it is applied:
    /// half a histogram is worse than none, and totals of its other half must not advance.
    fn check_point<'a>(
        &self,
        point: &[BatchSample],
        batch: &'a Batch,
        max_series: usize,
        oldest_allowed: i64,
        deltas: &DeltaStreams,
    ) -> Result<(), (Refusal, &'a [u8])> {
        // A single sample is whole by itself.
        if point.len() < 2 {
            return Ok(());
        }
        let mut first_new = None;
        let mut new = 0;
        for s in point {
            let Some(of) = batch.buf.series.get(s.series as usize) else { continue };
            let key = batch.buf.key_of(of);
            let sample = Sample { t: s.t, v: value(s, key, deltas).map_err(|refusal| (refusal, key))? };
            match self.find(of.hash, key).and_then(|id| self.series.get(id as usize)) {
                Some(series) => {
                    series.check(sample, oldest_allowed).map_err(|refusal| (refusal, key))?;
                }
                None if s.t < oldest_allowed => return Err((Refusal::TooOld, key)),
                None => {
                    first_new.get_or_insert(key);
                    new += 1;
                }
            }
        }
        match first_new {
            Some(key) if self.full || self.series.len() + new > max_series => Err((Refusal::SeriesLimit, key)),
            _ => Ok(()),
        }
    }

    fn apply_sample(
        &mut self,
        s: &BatchSample,
        batch: &Batch,
        max_series: usize,
        oldest_allowed: i64,
        deltas: &mut DeltaStreams,
    ) -> Result<(), Refusal> {
        let of = batch.buf.series.get(s.series as usize).ok_or(Refusal::NoLabels)?;
        let key = batch.buf.key_of(of);
        // Checked before the series is made, so that a late sender costs no series.
        if s.t < oldest_allowed {
            return Err(Refusal::TooOld);
        }
        let v = value(s, key, deltas)?;
        let id = self.series_id(of.hash, key, max_series)?;
        let series = self.series.get_mut(id as usize).ok_or(Refusal::SeriesLimit)?;
        let before = series.samples_bytes();
        if series.append(Sample { t: s.t, v }, oldest_allowed)? == Appended::Stored {
            self.samples += 1;
            self.bytes += series.samples_bytes().saturating_sub(before);
            let (min, max) = self.bounds.unwrap_or((s.t, s.t));
            self.bounds = Some((min.min(s.t), max.max(s.t)));
        }
        if s.mode == Mode::Add {
            deltas.set(key, Total { t: s.t, v });
        }
        Ok(())
    }

    fn key_of(&self, id: u32) -> &[u8] {
        self.series.get(id as usize).map_or(&[][..], |s| &s.key)
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.by_key.find(hash, |id| self.key_of(*id) == key).copied()
    }

    fn series_id(&mut self, hash: u64, key: &[u8], max_series: usize) -> Result<u32, Refusal> {
        if let Some(id) = self.find(hash, key) {
            return Ok(id);
        }
        if self.full || self.series.len() >= max_series {
            return Err(Refusal::SeriesLimit);
        }
        let id = self.series.len() as u32;
        let of = |id: &u32| self.series.get(*id as usize).map_or(&[][..], |s| &s.key);
        self.by_key.insert_unique(hash, id, |id| key::hash(of(id)));
        self.series.push(MemSeries::new(key));
        self.bytes += SERIES_BYTES + key.len() + self.index.insert(id, key);
        Ok(id)
    }

    /// For replay: the series of another generation follow, under a limit of their own.
    pub(crate) fn begin_generation(&mut self) {
        self.full = false;
    }

    /// How many series there are.
    pub(crate) fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Memory of the head, estimated.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.exemplars.bytes
    }

    /// Whether nothing was stored.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// All series, with their ids.
    pub(crate) fn series(&self) -> impl Iterator<Item = (u32, &MemSeries)> {
        (0..).zip(&self.series)
    }

    /// The series of `ids`.
    pub(crate) fn series_of<'a>(&'a self, ids: &'a RoaringBitmap) -> impl Iterator<Item = (u32, &'a MemSeries)> {
        ids.iter().filter_map(|id| self.series.get(id as usize).map(|s| (id, s)))
    }

    /// Whether any sample lies in `[min, max]` (inclusive).
    pub(crate) fn touches(&self, min: i64, max: i64) -> bool {
        self.bounds.is_some_and(|(first, last)| first <= max && last >= min)
    }

    /// The series that satisfy the matchers.
    pub(crate) fn select(&self, matchers: &[crate::matcher::Compiled]) -> Result<RoaringBitmap, TsdbError> {
        crate::postings::select(&self.index, matchers)
    }
}
