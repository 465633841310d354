//! One series of the head: sealed chunks, the open chunk, and what came late.
//!
//! In order samples go to the open chunk, which is sealed when it is long
//! enough. Samples older than the last one go to `late`, sorted. Of two
//! samples with one time the one that came first counts: in-order parts come
//! before late ones in [`MemSeries::parts`], and readers keep the first.

use std::sync::Arc;

use crate::chunk::open::OpenChunk;
use crate::chunk::{self, Effort, Sample};
use crate::outcome::Refusal;
use crate::part::Part;

/// Samples of the open chunk before it is sealed, as in Prometheus; blocks cut their own, longer chunks.
const OPEN_MAX: usize = 120;
/// Late samples before they are sealed.
const LATE_MAX: usize = 240;

/// A chunk that is complete.
#[derive(Debug, Clone)]
struct Sealed {
    min: i64,
    max: i64,
    bytes: Arc<[u8]>,
}

/// What few series have.
#[derive(Debug, Default)]
struct Late {
    sealed: Vec<Sealed>,
    open: Vec<Sample>,
}

#[derive(Debug, Default)]
pub(crate) struct MemSeries {
    open: OpenChunk,
    sealed: Vec<Sealed>,
    late: Option<Box<Late>>,
    /// The newest sample; meaningless while `stored` is false.
    last: Last,
    stored: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Last {
    t: i64,
    /// Bits of the value.
    v: u64,
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
    /// Whether [`MemSeries::append`] would take a sample: the decision of Prometheus' `memSeries.appendable`.
    pub(crate) fn check(&self, s: Sample, bounds: Bounds) -> Result<Appended, Refusal> {
        if !self.stored {
            return bounds.check_first(s.t).map(|()| Appended::Stored);
        }
        if s.t > self.last.t {
            return bounds.check_first(s.t).map(|()| Appended::Stored);
        }
        if s.t == self.last.t && s.t >= bounds.in_order_from {
            return if s.v.to_bits() == self.last.v { Ok(Appended::Known) } else { Err(Refusal::Duplicate) };
        }
        bounds.refuse_late(s.t)?;
        Ok(if self.has_late(s.t) { Appended::Known } else { Appended::Stored })
    }

    /// Whether a late sample meets one at its time, as far as that is known without decoding.
    fn has_late(&self, t: i64) -> bool {
        t == self.last.t || self.late.as_ref().is_some_and(|l| l.open.binary_search_by_key(&t, |s| s.t).is_ok())
    }

    /// Adds a sample. Returns by how many bytes the memory grew, too.
    pub(crate) fn append(
        &mut self,
        s: Sample,
        bounds: Bounds,
        scratch: &mut Vec<Sample>,
    ) -> Result<(Appended, isize), Refusal> {
        if self.check(s, bounds)? == Appended::Known {
            return Ok((Appended::Known, 0));
        }
        let before = self.bytes();
        if !self.stored || s.t > self.last.t {
            self.open.push(s);
            (self.last, self.stored) = (Last { t: s.t, v: s.v.to_bits() }, true);
            if self.open.len() >= OPEN_MAX {
                scratch.clear();
                self.open.drain(scratch);
                seal(scratch, &mut self.sealed);
            }
        } else {
            let late = self.late.get_or_insert_default();
            let at = late.open.partition_point(|x| x.t < s.t);
            late.open.insert(at, s);
            if late.open.len() >= LATE_MAX {
                seal(&late.open, &mut late.sealed);
                late.open = Vec::new();
            }
        }
        Ok((Appended::Stored, self.bytes() as isize - before as isize))
    }

    /// Memory of the samples, without that of the struct.
    fn bytes(&self) -> usize {
        let sealed = |chunks: &Vec<Sealed>| {
            // Two counts stand before the bytes of a chunk.
            let bytes: usize = chunks.last().map_or(0, |c| c.bytes.len() + 16);
            (bytes + size_of::<Sealed>()) * chunks.len()
        };
        let late = self
            .late
            .as_ref()
            .map_or(0, |l| size_of::<Late>() + sealed(&l.sealed) + l.open.capacity() * size_of::<Sample>());
        self.open.bytes() + sealed(&self.sealed) + late
    }

    /// The stretches that touch `[min, max]` (inclusive); of equal times the first one counts.
    pub(crate) fn parts(&self, min: i64, max: i64) -> Vec<Part> {
        let touches = |(first, last): (i64, i64)| first <= max && last >= min;
        let chunk = |c: &Sealed| {
            touches((c.min, c.max)).then(|| Part::Chunk { min: c.min, max: c.max, bytes: c.bytes.clone() })
        };
        let mut parts: Vec<Part> = self.sealed.iter().filter_map(chunk).collect();
        if touches(self.open.bounds()) {
            parts.push(Part::Open(self.open.snapshot()));
        }
        if let Some(late) = &self.late {
            parts.extend(late.sealed.iter().filter_map(chunk));
            let from = late.open.partition_point(|s| s.t < min);
            let to = late.open.partition_point(|s| s.t <= max);
            parts.extend(late.open.get(from..to).filter(|s| !s.is_empty()).map(|s| Part::Plain(s.to_vec())));
        }
        parts
    }
}

/// Makes a chunk of samples.
fn seal(samples: &[Sample], sealed: &mut Vec<Sealed>) {
    if let (Some(first), Some(last)) = (samples.first(), samples.last()) {
        sealed.reserve_exact(1);
        sealed.push(Sealed { min: first.t, max: last.t, bytes: chunk::encode(samples, Effort::Quick).into() });
    }
}
