//! Applying a batch whose record is safe: on the log's writer thread and at replay, in log order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::pages::Cursor;
use super::series::{Appended, Bounds, Incoming, MemSeries, stale_like};
use super::{ExemplarLimits, Head};
use crate::aggregate::{Aggregates, Output};
use crate::batch::{Batch, BatchSample, BatchValue, Mode, Rules, same_point};
use crate::chunk::{HistogramValue, Sample, is_stale};
use crate::delta::{DeltaStreams, Total};
use crate::key;
use crate::outcome::{Ingested, Refusal};

/// What outlives a head and moves with every sample.
#[derive(Debug)]
pub(crate) struct Carried {
    /// Time of the newest sample ever taken, milliseconds; `i64::MIN` before the first.
    pub(crate) newest: i64,
    pub(crate) deltas: DeltaStreams,
    pub(crate) aggregates: Aggregates,
}

#[cfg(test)]
impl Default for Carried {
    fn default() -> Self {
        Self { newest: i64::MIN, deltas: DeltaStreams::default(), aggregates: Aggregates::default() }
    }
}

/// The writer at work on one batch.
struct Applying<'a> {
    head: &'a Head,
    cursor: Cursor<'a>,
    carried: &'a mut Carried,
    scratch: Vec<Sample>,
    tally: Tally,
}

/// What samples that were stored add to the sums of a head.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Times of the oldest and newest one.
    bounds: Option<(i64, i64)>,
    samples: u64,
    bytes: isize,
}

impl Tally {
    /// Counts a sample, if it was stored.
    pub(super) fn count(&mut self, t: i64, (appended, grown): (Appended, isize)) {
        if appended == Appended::Stored {
            self.samples += 1;
            self.bytes += grown;
            let (min, max) = self.bounds.unwrap_or((t, t));
            self.bounds = Some((min.min(t), max.max(t)));
        }
    }

    /// Writes down what changed.
    pub(super) fn add_to(self, head: &Head) {
        if let Some((min, max)) = self.bounds {
            head.oldest.fetch_min(min, Ordering::Relaxed);
            head.newest.fetch_max(max, Ordering::Relaxed);
        }
        head.samples.fetch_add(self.samples, Ordering::Relaxed);
        // Wraps when it shrinks; the sum over all tallies is never below 0.
        head.samples_bytes.fetch_add(self.bytes as usize, Ordering::Relaxed);
    }
}

/// Appends a float that counts since `start_t` to a series, or the marker that ends a series of histograms.
pub(super) fn append_float(
    series: &mut MemSeries,
    s: Sample,
    start_t: i64,
    bounds: Bounds,
    scratch: &mut Vec<Sample>,
) -> Result<(Appended, isize), Refusal> {
    match series.last_histogram() {
        // Who says that a series ends need not know what it held.
        Some(last) if is_stale(s.v) => {
            let stale = stale_like(last);
            series.append(s.t, 0, &Incoming::Histogram(&stale), bounds, scratch)
        }
        _ => series.append(s.t, start_t, &Incoming::Float(s.v), bounds, scratch),
    }
}

impl Head {
    /// Applies a batch, point by point.
    pub(crate) fn apply(&self, batch: &mut Batch, exemplars: ExemplarLimits, carried: &mut Carried) -> Ingested {
        if batch.epoch != self.epoch {
            // The head that its series were found in is frozen.
            self.find_all(batch);
        }
        let cursor = Cursor::new(&self.pages);
        let (scratch, tally) = Default::default();
        let mut at_work = Applying { head: self, cursor, carried, scratch, tally };
        let mut done = std::mem::take(&mut batch.early);
        let all = std::mem::take(&mut batch.buf.samples);
        for point in all.chunk_by(same_point) {
            at_work.point(point, batch, &mut done);
        }
        at_work.tally.add_to(self);
        self.keep_log_names(batch);
        self.apply_exemplars(batch, exemplars, &mut done);
        done
    }

    /// The numbers that the record of the batch gave to series are known from now on.
    fn keep_log_names(&self, batch: &Batch) {
        if batch.found.iter().any(|f| f.named_here) {
            let mut index = self.index.write();
            for found in batch.found.iter().filter(|f| f.named_here) {
                if let (Some(id), Some(name)) = (found.id, found.log_name) {
                    index.set_log_name(id, name);
                }
            }
        }
    }

    pub(super) fn apply_exemplars(&self, batch: &mut Batch, limits: ExemplarLimits, done: &mut Ingested) {
        for (series, exemplar) in std::mem::take(&mut batch.exemplars) {
            match self.id_of(batch, series) {
                Some(id) => {
                    let kept = self.exemplars.lock().push(id, &exemplar, limits.per_series, limits.max);
                    done.exemplars += u64::from(kept);
                }
                None => done.refuse(Refusal::ExemplarWithoutSeries, batch.buf.key_at(series)),
            }
        }
    }

    /// Makes a series, unless it is there.
    pub(super) fn make_series(&self, cursor: &mut Cursor<'_>, hash: u64, key: &[u8]) -> Result<u32, Refusal> {
        cursor.release();
        let mut index = self.index.write();
        if let Some(id) = index.find(hash, key) {
            return Ok(id);
        }
        let id = index.insert(hash, key).ok_or(Refusal::SeriesLimit)?;
        cursor.push(id).ok_or(Refusal::SeriesLimit)?;
        self.index_bytes.store(index.bytes(), Ordering::Relaxed);
        Ok(id)
    }

    /// The id of a series of a batch, if the head has it.
    pub(crate) fn id_of(&self, batch: &Batch, series: u32) -> Option<u32> {
        let found = batch.found.get(series as usize).and_then(|found| found.id);
        found.or_else(|| {
            let series = batch.buf.series.get(series as usize)?;
            self.index.read().find(batch.buf.hash_of(series), batch.buf.key_of(series))
        })
    }
}

/// Which samples are taken when the newest one so far is at `newest`.
pub(super) fn bounds(rules: &Rules, newest: i64) -> Bounds {
    Bounds {
        in_order_from: newest.saturating_sub(rules.in_order_ms),
        late_from: (rules.window_ms > 0).then(|| newest.saturating_sub(rules.window_ms)),
    }
}

/// What a series gets.
enum Value {
    Float(f64),
    Histogram(HistogramValue),
    /// The total of a delta stream.
    Total(Total),
    /// The total of a delta stream of histograms, its value apart.
    HistogramTotal(Total<()>, HistogramValue),
}

impl Value {
    fn incoming(&self) -> Incoming<'_> {
        match self {
            Self::Float(v) => Incoming::Float(*v),
            Self::Total(total) => Incoming::Float(total.v),
            Self::Histogram(h) | Self::HistogramTotal(_, h) => Incoming::Histogram(h),
        }
    }
}

impl Applying<'_> {
    fn point(&mut self, point: &[BatchSample], batch: &mut Batch, done: &mut Ingested) {
        let bounds = bounds(&batch.buf.rules, self.carried.newest);
        // A single sample is whole by itself.
        let checked = if point.len() < 2 { Ok(()) } else { self.check(point, batch, bounds) };
        let mut refused = false;
        for s in point {
            let result = checked.and_then(|()| self.sample(s, batch, bounds).map_err(|refusal| (refusal, s.series)));
            match result {
                Ok(()) => {
                    self.carried.newest = s.t.max(self.carried.newest);
                    done.aggregated += u64::from(s.mode.is_input());
                    match s.value {
                        BatchValue::Float(_) => done.samples += u64::from(s.mode != Mode::Derived),
                        BatchValue::Histogram(_) => done.histograms += 1,
                    }
                }
                Err(_) if s.mode == Mode::Derived => {}
                Err((refusal, series)) => {
                    done.refuse(refusal, batch.buf.key_at(series));
                    refused = true;
                }
            }
        }
        done.refused_points += u64::from(refused);
    }

    /// Finds the reason to refuse a point of several samples, and the series it is about, before any of it is applied:
    /// half a histogram is worse than none, and totals of its other half must not advance.
    fn check(&mut self, point: &[BatchSample], batch: &Batch, bounds: Bounds) -> Result<(), (Refusal, u32)> {
        for s in point.iter().filter(|s| !s.mode.is_input()) {
            let value = self.value(s, batch).map_err(|refusal| (refusal, s.series))?;
            let id = batch.found.get(s.series as usize).and_then(|found| found.id);
            let checked = match id.and_then(|id| self.cursor.series(id)) {
                Some(series) => series.check(s.t, &value.incoming(), bounds).map(|_| ()),
                None => bounds.check_first(s.t),
            };
            checked.map_err(|refusal| (refusal, s.series))?;
        }
        Ok(())
    }

    fn sample(&mut self, s: &BatchSample, batch: &mut Batch, bounds: Bounds) -> Result<(), Refusal> {
        if let BatchValue::Float(v) = s.value
            && s.mode.is_input()
            && self.add_up(s, v, batch, bounds)
        {
            return Ok(());
        }
        let value = self.value(s, batch)?;
        let id = match batch.found.get(s.series as usize).and_then(|found| found.id) {
            Some(id) => id,
            None => {
                // Checked before the series is made, so that a late sender costs no series.
                bounds.check_first(s.t)?;
                self.make_series(s.series, batch)?
            }
        };
        let Self { cursor, scratch, .. } = self;
        let series = cursor.series(id).ok_or(Refusal::SeriesLimit)?;
        let appended = match &value {
            Value::Float(v) => append_float(series, Sample { t: s.t, v: *v }, s.start_t, bounds, scratch)?,
            Value::Total(total) => series.append(s.t, total.start_t, &value.incoming(), bounds, scratch)?,
            value => series.append(s.t, s.start_t, &value.incoming(), bounds, scratch)?,
        };
        self.tally.count(s.t, appended);
        match value {
            Value::Total(total) => self.carried.deltas.set(batch.buf.key_at(s.series), total),
            Value::HistogramTotal(total, HistogramValue::Int(h)) => {
                let total = Total { t: total.t, start_t: total.start_t, v: Arc::unwrap_or_clone(h) };
                self.carried.deltas.set_histogram(batch.buf.key_at(s.series), total);
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds a sample to the sum of its rule; `false` when no rule knows it any more, and it is stored then.
    fn add_up(&mut self, s: &BatchSample, v: f64, batch: &Batch, bounds: Bounds) -> bool {
        let key = batch.buf.key_at(s.series);
        let rules = self.carried.aggregates.rules();
        let Some(rule) = rules.of(key) else { return false };
        let mut told = Vec::new();
        self.carried.aggregates.add(rule, key, (s.t, v), s.mode == Mode::InputAdd, &mut told);
        for output in told {
            // Who is refused here has another sample at this time, and keeps it.
            let _ = self.store(&output, bounds);
        }
        true
    }

    fn store(&mut self, output: &Output, bounds: Bounds) -> Result<(), Refusal> {
        let Output { key, t, v } = output;
        let id = self.head.make_series(&mut self.cursor, key::hash(key), key)?;
        let Self { cursor, scratch, .. } = self;
        self.head.sums.write().insert(id);
        let series = cursor.series(id).ok_or(Refusal::SeriesLimit)?;
        let appended = append_float(series, Sample { t: *t, v: *v }, 0, bounds, scratch)?;
        self.tally.count(*t, appended);
        Ok(())
    }

    /// What the series gets: for an increase the total with it.
    fn value(&self, s: &BatchSample, batch: &Batch) -> Result<Value, Refusal> {
        let key = || batch.buf.key_at(s.series);
        match s.value {
            BatchValue::Float(v) if matches!(s.mode, Mode::Add | Mode::InputAdd) => {
                self.carried.deltas.with(key(), s.t, s.start_t, v).map(Value::Total)
            }
            BatchValue::Float(v) => Ok(Value::Float(v)),
            BatchValue::Histogram(at) => {
                let h = batch.buf.histograms.get(at as usize).ok_or(Refusal::BadHistogram)?;
                match h {
                    HistogramValue::Int(h) if s.mode == Mode::Add => {
                        let Total { t, start_t, v } = self.carried.deltas.with_histogram(key(), s.t, s.start_t, h)?;
                        Ok(Value::HistogramTotal(Total { t, start_t, v: () }, HistogramValue::Int(Arc::new(v))))
                    }
                    h => Ok(Value::Histogram(h.clone())),
                }
            }
        }
    }

    /// Makes a series, unless the same one came before under another place of the batch, or since it was admitted.
    fn make_series(&mut self, at: u32, batch: &mut Batch) -> Result<u32, Refusal> {
        let series = batch.buf.series.get(at as usize).ok_or(Refusal::NoLabels)?;
        let (hash, key) = (batch.buf.hash_of(series), batch.buf.key_of(series));
        let id = self.head.make_series(&mut self.cursor, hash, key)?;
        if let Some(found) = batch.found.get_mut(at as usize) {
            found.id = Some(id);
        }
        Ok(id)
    }
}
