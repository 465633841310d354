//! A stretch of samples of one series, wherever it lies, and how stretches are merged.

use std::sync::Arc;

use crate::TsdbError;
use crate::ahead::Ahead;
use crate::block::{Block, ChunkRef, TimesCache};
use crate::chunk::open::OpenSnapshot;
use crate::chunk::{self, ChunkStats, FloatColumns, HistogramSample, Sample, SeriesSamples};

/// Which samples are wanted of the series that are selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    /// All in the range.
    All,
    /// The newest one in the range; others do no harm.
    Newest,
}

/// A stretch of samples of one series, sorted by time.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// A sealed chunk in memory, of floats or histograms, and its first and last time.
    Chunk { min: i64, max: i64, bytes: Arc<[u8]> },
    /// A copy of the open chunk of a series.
    Open(OpenSnapshot),
    /// A float.
    One(Sample),
    /// Floats as they are; there are no histograms.
    Plain(SeriesSamples),
    /// Histograms as they are.
    Histograms(Vec<HistogramSample>),
    /// A chunk in a block file.
    Stored { chunk: ChunkRef, block: Arc<Block> },
}

/// First and last of times in order; of none a range that nothing touches.
fn ends<T>(sorted: &[T], t: impl Fn(&T) -> i64) -> (i64, i64) {
    (sorted.first().map_or(i64::MAX, &t), sorted.last().map_or(i64::MIN, &t))
}

impl Part {
    /// First and last time.
    pub(crate) fn bounds(&self) -> (i64, i64) {
        match self {
            Self::Chunk { min, max, .. } => (*min, *max),
            Self::Stored { chunk, .. } => (chunk.min, chunk.max),
            Self::Open(chunk) => (chunk.min, chunk.max),
            Self::One(s) => (s.t, s.t),
            Self::Plain(samples) => ends(&samples.floats, |s| s.t),
            Self::Histograms(samples) => ends(samples, |s| s.t),
        }
    }

    /// Appends all samples of the part.
    pub(crate) fn decode(&self, out: &mut SeriesSamples) -> Result<(), TsdbError> {
        match self {
            Self::Open(chunk) => {
                let before = out.floats.len();
                chunk.decode(&mut out.floats).ok_or_else(in_memory)?;
                if let Some(starts) = chunk.starts() {
                    out.starts.put(before, starts);
                }
            }
            Self::One(s) => out.floats.push(*s),
            Self::Plain(samples) => {
                let before = out.floats.len();
                out.floats.extend_from_slice(&samples.floats);
                out.starts.put(before, &samples.starts);
            }
            Self::Histograms(samples) => out.histograms.extend_from_slice(samples),
            Self::Stored { block, chunk } => block.read_chunk(chunk, &mut TimesCache::default(), out)?,
            Self::Chunk { bytes, .. } => chunk::decode_any(bytes, &[], out).ok_or_else(in_memory)?,
        }
        Ok(())
    }

    /// As [`Part::decode`]; what is read of a file goes through `ahead`, times that chunks share are kept in `times`.
    pub(crate) fn decode_ahead(
        &self,
        ahead: &mut Ahead,
        times: &mut TimesCache,
        out: &mut SeriesSamples,
    ) -> Result<(), TsdbError> {
        match self {
            Self::Stored { block, chunk } => {
                let body = ahead.chunk(block, chunk)?;
                block.decode_chunk(chunk, body, times, out)
            }
            _ => self.decode(out),
        }
    }

    /// As [`Part::decode_ahead`], into columns; `false` when the part has histograms, which have no place there.
    pub(crate) fn decode_columns(
        &self,
        ahead: &mut Ahead,
        times: &mut TimesCache,
        out: &mut FloatColumns,
    ) -> Result<bool, TsdbError> {
        match self {
            Self::Open(chunk) => chunk.decode_columns(out).ok_or_else(in_memory)?,
            Self::One(s) => out.extend(&[*s]),
            Self::Plain(samples) => {
                let before = out.times.len();
                out.extend(&samples.floats);
                out.starts.put(before, &samples.starts);
            }
            Self::Histograms(_) => return Ok(false),
            Self::Stored { block, chunk } => {
                let body = ahead.chunk(block, chunk)?;
                return block.decode_columns(chunk, body, times, out);
            }
            Self::Chunk { bytes, .. } if chunk::holds_floats(bytes) => {
                chunk::decode_columns(bytes, &[], out).ok_or_else(in_memory)?;
            }
            Self::Chunk { .. } => return Ok(false),
        }
        Ok(true)
    }

    /// The statistics of a part that lies within `[min, max]` and has some.
    pub(crate) fn stats_within(&self, min: i64, max: i64) -> Option<&ChunkStats> {
        match self {
            Self::Stored { chunk, .. } if chunk.min >= min && chunk.max <= max => chunk.stats.as_ref(),
            _ => None,
        }
    }

    /// Since when all samples of a part with statistics count; 0 when that is not known, or they differ.
    pub(crate) fn start_of_all(&self) -> i64 {
        match self {
            Self::Stored { chunk, .. } => chunk.start,
            _ => 0,
        }
    }

    /// The newest sample, where it is known without decoding.
    pub(crate) fn last(&self) -> Option<Sample> {
        match self {
            Self::Stored { chunk, .. } => chunk.stats.as_ref().map(|s| Sample { t: s.last_t, v: s.last }),
            Self::Open(chunk) => Some(chunk.last()),
            Self::One(s) => Some(*s),
            Self::Plain(samples) => samples.floats.last().copied(),
            Self::Chunk { .. } | Self::Histograms(_) => None,
        }
    }

    /// Appends all floats of the part; histograms are left out and not decoded.
    pub(crate) fn decode_floats(&self, out: &mut Vec<Sample>) -> Result<(), TsdbError> {
        match self {
            Self::Open(chunk) => chunk.decode(out).ok_or_else(in_memory)?,
            Self::One(s) => out.push(*s),
            Self::Plain(samples) => out.extend_from_slice(&samples.floats),
            Self::Histograms(_) => {}
            Self::Stored { block, chunk } => block.read_floats(chunk, out)?,
            Self::Chunk { bytes, .. } if chunk::holds_floats(bytes) => {
                chunk::decode(bytes, &[], out).ok_or_else(in_memory)?;
            }
            Self::Chunk { .. } => {}
        }
        Ok(())
    }
}

fn in_memory() -> TsdbError {
    TsdbError::Damaged { path: "(memory)".into(), offset: 0, what: "a chunk of the head" }
}

/// The samples of a series gathered from its stretches, those stored first first.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    samples: SeriesSamples,
    /// How many floats and histograms there were after each stretch.
    ends: Vec<(usize, usize)>,
}

impl Gather {
    /// Appends what `decode` gives; returns how much that counts against a limit on samples. Nothing is added when it
    /// fails.
    pub(crate) fn add(
        &mut self,
        decode: impl FnOnce(&mut SeriesSamples) -> Result<(), TsdbError>,
    ) -> Result<usize, TsdbError> {
        let (floats, histograms) = (self.samples.floats.len(), self.samples.histograms.len());
        if let Err(e) = decode(&mut self.samples) {
            self.samples.truncate(floats, histograms);
            return Err(e);
        }
        self.ends.push((self.samples.floats.len(), self.samples.histograms.len()));
        let new = self.samples.histograms.iter().skip(histograms);
        Ok(self.samples.floats.len() - floats + new.map(|h| h.value.cost()).sum::<usize>())
    }

    /// All samples in order of time; of equal times the one stored first, float or histogram.
    pub(crate) fn finish(mut self) -> SeriesSamples {
        if !self.samples.floats.is_empty() && !self.samples.histograms.is_empty() {
            return self.finish_mixed();
        }
        if !self.samples.starts.is_empty() && !self.samples.floats.is_sorted_by(|a, b| a.t < b.t) {
            let SeriesSamples { floats, starts, .. } = &mut self.samples;
            let mut both: Vec<(Sample, i64)> = floats.iter().copied().zip(starts.iter()).collect();
            merge(&mut both, |(s, _)| s.t);
            *starts = both.iter().map(|(_, start)| *start).collect();
            *floats = both.into_iter().map(|(s, _)| s).collect();
        }
        merge(&mut self.samples.floats, |s| s.t);
        merge(&mut self.samples.histograms, |s| s.t);
        self.samples
    }

    fn finish_mixed(self) -> SeriesSamples {
        let mut order: Vec<(i64, Result<(Sample, i64), HistogramSample>)> = Vec::with_capacity(self.samples.len());
        let mut floats = self.samples.floats.into_iter().zip(self.samples.starts.iter());
        let mut histograms = self.samples.histograms.into_iter();
        let mut before = (0, 0);
        for end in self.ends {
            order.extend(floats.by_ref().take(end.0 - before.0).map(|s| (s.0.t, Ok(s))));
            order.extend(histograms.by_ref().take(end.1 - before.1).map(|s| (s.t, Err(s))));
            before = end;
        }
        merge(&mut order, |(t, _)| *t);
        let mut out = SeriesSamples::default();
        for (_, sample) in order {
            match sample {
                Ok((float, start)) => {
                    let at = out.floats.len();
                    out.starts.set(at..at + 1, start);
                    out.floats.push(float);
                }
                Err(histogram) => out.histograms.push(histogram),
            }
        }
        out
    }
}

/// Sorts samples of stretches that may overlap; of equal times the first one counts.
pub(crate) fn merge<T>(samples: &mut Vec<T>, t: impl Fn(&T) -> i64) {
    if !samples.is_sorted_by(|a, b| t(a) < t(b)) {
        samples.sort_by_key(&t);
        samples.dedup_by_key(|s| t(s));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::HistogramValue;

    fn float(t: i64, v: f64) -> Sample {
        Sample { t, v }
    }

    /// The start time of each is its value.
    fn plain(floats: Vec<Sample>) -> Part {
        let starts = floats.iter().map(|s| s.v as i64).collect();
        Part::Plain(SeriesSamples { floats, starts, histograms: Vec::new() })
    }

    fn histogram(t: i64) -> HistogramSample {
        HistogramSample { t, start_t: 0, value: HistogramValue::stale() }
    }

    #[test]
    fn of_equal_times_the_first_stored_counts_whatever_its_kind() {
        let parts = [
            plain(vec![float(1, 1.0), float(4, 1.0)]),
            Part::Histograms(vec![histogram(2), histogram(4), histogram(6)]),
            plain(vec![float(2, 2.0), float(3, 2.0), float(4, 2.0)]),
        ];
        let mut gather = Gather::default();
        for p in &parts {
            gather.add(|out| p.decode(out)).unwrap();
        }
        let merged = gather.finish();
        assert_eq!(merged.floats, [float(1, 1.0), float(3, 2.0), float(4, 1.0)]);
        assert_eq!(merged.starts, [1, 2, 1].into_iter().collect());
        assert_eq!(merged.histograms, [histogram(2), histogram(6)]);
        let mut only = Vec::new();
        parts.iter().for_each(|p| p.decode_floats(&mut only).unwrap());
        assert_eq!(only.len(), 5);
    }
}
