//! One series of the head: sealed chunks, the open chunk, and what came late.
//!
//! In order samples go to the open chunk, which is sealed when it is long
//! enough. Samples older than the last one go to `late`, sorted. Of two
//! samples with one time the one that came first counts: in-order parts come
//! before late ones in [`MemSeries::parts`], and readers keep the first.

use std::sync::Arc;

use model::histogram::Histogram;

use crate::chunk::open::OpenChunk;
use crate::chunk::{self, Effort, HistogramSample, HistogramValue, Sample, SeriesSamples, StartTimes};
use crate::outcome::Refusal;
use crate::part::Part;

/// Floats of the open chunk before it is sealed, as in Prometheus; blocks cut their own, longer chunks.
const OPEN_MAX: usize = 120;
/// Late samples before they are sealed.
const LATE_MAX: usize = 240;
/// Histograms before they are sealed: open ones lie in memory as they came.
const HISTOGRAMS_MAX: usize = 16;

/// A chunk that is complete.
#[derive(Debug, Clone)]
struct Sealed {
    min: i64,
    max: i64,
    bytes: Arc<[u8]>,
}

/// What few series have.
#[derive(Debug, Default)]
struct More {
    /// In order histograms that are not sealed yet.
    histograms: Vec<HistogramSample>,
    /// The newest sample, when it is a histogram.
    last: Option<HistogramValue>,
    late_sealed: Vec<Sealed>,
    /// With their start times.
    late: Vec<(Sample, i64)>,
    late_histograms: Vec<HistogramSample>,
    /// Memory of the histograms that are not sealed.
    histograms_bytes: usize,
}

#[derive(Debug, Default)]
pub(crate) struct MemSeries {
    open: OpenChunk,
    sealed: Vec<Sealed>,
    more: Option<Box<More>>,
    /// The newest sample; meaningless while there is none.
    last: Last,
}

#[derive(Debug, Clone, Copy, Default)]
struct Last {
    t: i64,
    /// Bits of the value, unless it is a histogram.
    v: u64,
}

/// What is to be appended.
#[derive(Debug, Clone)]
pub(crate) enum Incoming<'a> {
    Float(f64),
    Histogram(&'a HistogramValue),
}

/// What an append did to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// One sample more.
    Stored,
    /// There was a sample with this time, the same one or, out of order, any: nothing changed.
    Known,
}

/// Which samples a series takes, by their time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// In order from here on. Prometheus: the head's `minValidTime`.
    pub(crate) in_order_from: i64,
    /// Out of order from here on; `None` when there is no window.
    pub(crate) late_from: Option<i64>,
}

impl Bounds {
    /// Why a sample at `t` is refused that is not taken in order.
    pub(crate) fn refuse_late(&self, t: i64) -> Result<(), Refusal> {
        match self.late_from {
            Some(from) if t >= from => Ok(()),
            Some(_) => Err(Refusal::TooOld),
            None if t < self.in_order_from => Err(Refusal::OutOfBounds),
            None => Err(Refusal::OutOfOrder),
        }
    }

    /// Whether a series without samples takes one at `t`.
    pub(crate) fn check_first(&self, t: i64) -> Result<(), Refusal> {
        if t >= self.in_order_from { Ok(()) } else { self.refuse_late(t) }
    }
}

impl MemSeries {
    /// Whether there is a sample: the first one came in order.
    fn has_samples(&self) -> bool {
        !self.open.is_empty() || !self.sealed.is_empty() || self.more.as_ref().is_some_and(|m| !m.histograms.is_empty())
    }

    /// Whether [`MemSeries::append`] would take a sample: the decision of Prometheus' `memSeries.appendable`.
    pub(crate) fn check(&self, t: i64, value: &Incoming<'_>, bounds: Bounds) -> Result<Appended, Refusal> {
        if t > self.last.t || !self.has_samples() {
            return bounds.check_first(t).map(|()| Appended::Stored);
        }
        if t == self.last.t && t >= bounds.in_order_from {
            let last = self.last_histogram();
            let same = match value {
                Incoming::Float(v) => last.is_none() && v.to_bits() == self.last.v,
                Incoming::Histogram(h) => last == Some(h),
            };
            return if same { Ok(Appended::Known) } else { Err(Refusal::Duplicate) };
        }
        bounds.refuse_late(t)?;
        Ok(if self.has_late(t) { Appended::Known } else { Appended::Stored })
    }

    /// The newest sample, if it is a histogram.
    pub(crate) fn last_histogram(&self) -> Option<&HistogramValue> {
        self.more.as_ref()?.last.as_ref()
    }

    /// Whether a late sample meets one at its time, as far as that is known without decoding.
    fn has_late(&self, t: i64) -> bool {
        let late = |m: &More| {
            m.late.binary_search_by_key(&t, |(s, _)| s.t).is_ok()
                || m.late_histograms.binary_search_by_key(&t, |s| s.t).is_ok()
        };
        t == self.last.t || self.more.as_deref().is_some_and(late)
    }

    /// Adds a sample that counts since `start_t`. Returns by how many bytes the memory grew, too.
    pub(crate) fn append(
        &mut self,
        t: i64,
        start_t: i64,
        value: &Incoming<'_>,
        bounds: Bounds,
        scratch: &mut Vec<Sample>,
    ) -> Result<(Appended, isize), Refusal> {
        if self.check(t, value, bounds)? == Appended::Known {
            return Ok((Appended::Known, 0));
        }
        let in_order = t > self.last.t || !self.has_samples();
        if let Incoming::Float(v) = value
            && in_order
            && self.open.len() + 1 < OPEN_MAX
        {
            // Nearly always, and nothing but the stream grows.
            let before = self.open.bytes();
            self.push_float(Sample { t, v: *v }, start_t, scratch);
            return Ok((Appended::Stored, self.open.bytes() as isize - before as isize));
        }
        let before = self.bytes();
        match value {
            Incoming::Float(v) if in_order => self.push_float(Sample { t, v: *v }, start_t, scratch),
            Incoming::Float(v) => self.push_late(Sample { t, v: *v }, start_t),
            Incoming::Histogram(h) => {
                let sample = HistogramSample { t, start_t, value: (*h).clone() };
                if in_order { self.push_histogram(sample) } else { self.push_late_histogram(sample) }
            }
        }
        Ok((Appended::Stored, self.bytes() as isize - before as isize))
    }

    fn push_float(&mut self, s: Sample, start_t: i64, scratch: &mut Vec<Sample>) {
        self.open.push(s, start_t);
        self.last = Last { t: s.t, v: s.v.to_bits() };
        if let Some(more) = &mut self.more {
            more.last = None;
        }
        if self.open.len() >= OPEN_MAX {
            scratch.clear();
            let starts = self.open.drain(scratch);
            seal(scratch, &starts, &mut self.sealed);
        }
    }

    fn push_histogram(&mut self, s: HistogramSample) {
        let more = self.more.get_or_insert_default();
        self.last = Last { t: s.t, v: 0 };
        more.last = Some(s.value.clone());
        more.histograms_bytes += bytes_of(&s);
        more.histograms.push(s);
        if more.histograms.len() >= HISTOGRAMS_MAX {
            more.histograms_bytes -= more.histograms.iter().map(bytes_of).sum::<usize>();
            seal_histograms(&more.histograms, &mut self.sealed);
            more.histograms = Vec::new();
        }
    }

    fn push_late(&mut self, s: Sample, start_t: i64) {
        let more = self.more.get_or_insert_default();
        let at = more.late.partition_point(|(x, _)| x.t < s.t);
        more.late.insert(at, (s, start_t));
        if more.late.len() >= LATE_MAX {
            let samples = plain(&std::mem::take(&mut more.late));
            seal(&samples.floats, &samples.starts, &mut more.late_sealed);
        }
    }

    fn push_late_histogram(&mut self, s: HistogramSample) {
        let more = self.more.get_or_insert_default();
        more.histograms_bytes += bytes_of(&s);
        let at = more.late_histograms.partition_point(|x| x.t < s.t);
        more.late_histograms.insert(at, s);
        if more.late_histograms.len() >= HISTOGRAMS_MAX {
            more.histograms_bytes -= more.late_histograms.iter().map(bytes_of).sum::<usize>();
            seal_histograms(&more.late_histograms, &mut more.late_sealed);
            more.late_histograms = Vec::new();
        }
    }

    /// Memory of the samples, without that of the struct.
    fn bytes(&self) -> usize {
        let sealed = |chunks: &Vec<Sealed>| {
            // The chunks of a series are much alike. Two counts stand before the bytes of each.
            let bytes: usize = chunks.last().map_or(0, |c| c.bytes.len() + 16);
            (bytes + size_of::<Sealed>()) * chunks.len()
        };
        let more = self.more.as_ref().map_or(0, |m| {
            size_of::<More>()
                + sealed(&m.late_sealed)
                + m.late.capacity() * size_of::<(Sample, i64)>()
                + m.histograms_bytes
        });
        self.open.bytes() + sealed(&self.sealed) + more
    }

    /// The newest sample, when it is a float within `[min, max]`; else as [`MemSeries::parts`].
    pub(crate) fn newest(&self, min: i64, max: i64) -> Vec<Part> {
        if !self.has_samples() || self.last.t > max || self.last_histogram().is_some() {
            return self.parts(min, max);
        }
        // What is late is older.
        let last = Sample { t: self.last.t, v: f64::from_bits(self.last.v) };
        if last.t < min { Vec::new() } else { vec![Part::One(last)] }
    }

    /// The stretches that touch `[min, max]` (inclusive); of equal times the first one counts.
    pub(crate) fn parts(&self, min: i64, max: i64) -> Vec<Part> {
        let touches = |(first, last): (i64, i64)| first <= max && last >= min;
        let chunk = |c: &Sealed| {
            touches((c.min, c.max)).then(|| Part::Chunk { min: c.min, max: c.max, bytes: c.bytes.clone() })
        };
        let mut parts: Vec<Part> = self.sealed.iter().filter_map(chunk).collect();
        if !self.open.is_empty() && touches(self.open.bounds()) {
            parts.push(Part::Open(self.open.snapshot()));
        }
        if let Some(more) = &self.more {
            parts.extend(within(&more.histograms, |s| s.t, min, max).map(Part::Histograms));
            parts.extend(more.late_sealed.iter().filter_map(chunk));
            parts.extend(within(&more.late, |(s, _)| s.t, min, max).map(|late| Part::Plain(plain(&late))));
            parts.extend(within(&more.late_histograms, |s| s.t, min, max).map(Part::Histograms));
        }
        parts
    }
}

/// The samples within `[min, max]`, if there are any.
fn within<T: Clone>(sorted: &[T], t: impl Fn(&T) -> i64, min: i64, max: i64) -> Option<Vec<T>> {
    let (from, to) = (sorted.partition_point(|s| t(s) < min), sorted.partition_point(|s| t(s) <= max));
    sorted.get(from..to).filter(|found| !found.is_empty()).map(<[T]>::to_vec)
}

/// Memory of a histogram that is not sealed.
fn bytes_of(s: &HistogramSample) -> usize {
    size_of::<HistogramSample>() + s.value.cost() * size_of::<Sample>()
}

/// Floats and their start times apart.
fn plain(samples: &[(Sample, i64)]) -> SeriesSamples {
    let (floats, starts) = (samples.iter().map(|s| s.0).collect(), samples.iter().map(|s| s.1).collect());
    SeriesSamples { floats, starts, histograms: Vec::new() }
}

/// Makes a chunk of samples.
fn seal(samples: &[Sample], starts: &StartTimes, sealed: &mut Vec<Sealed>) {
    if let (Some(first), Some(last)) = (samples.first(), samples.last()) {
        sealed.reserve_exact(1);
        sealed.push(Sealed { min: first.t, max: last.t, bytes: chunk::encode(samples, starts, Effort::Quick).into() });
    }
}

/// Makes chunks of histograms, one for each stretch of those that can share one.
fn seal_histograms(samples: &[HistogramSample], sealed: &mut Vec<Sealed>) {
    let mut rest = samples;
    while let Some(first) = rest.first() {
        let len = chunk::histogram::shared_len(rest, HISTOGRAMS_MAX).clamp(1, rest.len());
        let (shared, after) = rest.split_at(len);
        // Only well-formed ones are let into a batch, so that each has a chunk.
        let bytes = chunk::histogram::encode(shared);
        debug_assert!(bytes.is_some());
        if let (Some(bytes), Some(last)) = (bytes, shared.last()) {
            sealed.push(Sealed { min: first.t, max: last.t, bytes: bytes.into() });
        }
        rest = after;
    }
}

/// The marker of the end of a series whose newest sample is a histogram of the kind of `last`.
pub(crate) fn stale_like(last: &HistogramValue) -> HistogramValue {
    match last {
        HistogramValue::Int(_) => {
            let sum = f64::from_bits(model::STALE_NAN_BITS);
            HistogramValue::Int(Arc::new(Histogram { sum, ..Histogram::default() }))
        }
        HistogramValue::Float(_) => HistogramValue::stale(),
    }
}
