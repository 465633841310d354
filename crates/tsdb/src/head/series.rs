//! One series of the head: sealed chunks, the open tail, and what came late.
//!
//! In order samples go to `open`, which is sealed into a chunk when it is
//! long enough. Samples older than the last one go to `late`, sorted. Of two
//! samples with one time the one that came first counts: in-order parts come
//! before late ones in [`MemSeries::parts`], and readers keep the first.

use crate::chunk::{self, Sample};
use crate::outcome::Refusal;
use crate::part::Part;

/// Samples in `open` before it is sealed. Small, because open samples take 16 bytes each;
/// blocks cut their own, longer chunks.
const OPEN_MAX: usize = 64;
/// Late samples before they are sealed.
const LATE_MAX: usize = 240;

#[derive(Debug)]
pub(crate) struct MemSeries {
    pub(crate) key: Box<[u8]>,
    sealed: Vec<Part>,
    open: Vec<Sample>,
    late_sealed: Vec<Part>,
    late: Vec<Sample>,
    last: Option<Sample>,
    /// Bytes of the sealed chunks.
    sealed_bytes: usize,
}

/// What an append did to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// One sample more.
    Stored,
    /// The same sample was there.
    Known,
}

impl MemSeries {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self {
            key: key.into(),
            sealed: Vec::new(),
            open: Vec::new(),
            late_sealed: Vec::new(),
            late: Vec::new(),
            last: None,
            sealed_bytes: 0,
        }
    }

    /// Whether [`MemSeries::append`] would take a sample at `t`, where samples before `oldest_allowed` are refused.
    ///
    /// The decision of Prometheus' `memSeries.appendable` with an out-of-order window.
    pub(crate) fn check(&self, s: Sample, oldest_allowed: i64) -> Result<Appended, Refusal> {
        if s.t < oldest_allowed {
            return Err(Refusal::TooOld);
        }
        let same = |known: &Sample| if *known == s { Ok(Appended::Known) } else { Err(Refusal::Duplicate) };
        match &self.last {
            Some(last) if s.t == last.t => same(last),
            Some(last) if s.t < last.t => {
                let find = |v: &[Sample]| v.binary_search_by_key(&s.t, |x| x.t).ok().and_then(|i| v.get(i).copied());
                match find(&self.open).or_else(|| find(&self.late)) {
                    Some(known) => same(&known),
                    None => Ok(Appended::Stored),
                }
            }
            _ => Ok(Appended::Stored),
        }
    }

    /// Adds a sample.
    pub(crate) fn append(&mut self, s: Sample, oldest_allowed: i64) -> Result<Appended, Refusal> {
        let appended = self.check(s, oldest_allowed)?;
        if appended == Appended::Known {
            return Ok(appended);
        }
        if self.last.is_none_or(|last| s.t > last.t) {
            self.open.push(s);
            self.last = Some(s);
            if self.open.len() >= OPEN_MAX {
                self.sealed_bytes += seal(&mut self.open, &mut self.sealed);
            }
        } else {
            let at = self.late.partition_point(|x| x.t < s.t);
            self.late.insert(at, s);
            if self.late.len() >= LATE_MAX {
                self.sealed_bytes += seal(&mut self.late, &mut self.late_sealed);
            }
        }
        Ok(appended)
    }

    /// Memory of the samples: open ones with the room kept for them, 16 bytes each, and sealed chunks.
    pub(crate) fn samples_bytes(&self) -> usize {
        let open = (self.open.capacity() + self.late.capacity()) * size_of::<Sample>();
        let sealed = (self.sealed.capacity() + self.late_sealed.capacity()) * size_of::<Part>();
        open + sealed + self.sealed_bytes
    }

    /// The stretches that touch `[min, max]` (inclusive); of equal times the first one counts.
    pub(crate) fn parts(&self, min: i64, max: i64) -> Vec<Part> {
        let touches = |p: &&Part| p.bounds().0 <= max && p.bounds().1 >= min;
        let plain = |v: &[Sample]| {
            let from = v.partition_point(|s| s.t < min);
            let to = v.partition_point(|s| s.t <= max);
            v.get(from..to).filter(|s| !s.is_empty()).map(|s| Part::Plain(s.to_vec()))
        };
        let mut parts: Vec<Part> = self.sealed.iter().filter(touches).cloned().collect();
        parts.extend(plain(&self.open));
        parts.extend(self.late_sealed.iter().filter(touches).cloned());
        parts.extend(plain(&self.late));
        parts
    }
}

/// Makes a chunk of what is open; returns its bytes. The room of the open samples is kept for the next ones.
fn seal(open: &mut Vec<Sample>, sealed: &mut Vec<Part>) -> usize {
    let mut len = 0;
    if let (Some(first), Some(last)) = (open.first(), open.last()) {
        let bytes = chunk::encode(open);
        len = bytes.len();
        sealed.push(Part::Chunk { min: first.t, max: last.t, bytes: bytes.into() });
    }
    open.clear();
    len
}
