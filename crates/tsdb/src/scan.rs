//! Reading series one after another: buffers that the next series uses again, and a look ahead in the file.
//!
//! Series that a selector finds lie side by side in a block, so that one read of the file serves the chunks of many. What is
//! asked for out of order is read by itself.

use std::ops::Range;

use crate::TsdbError;
use crate::ahead::Ahead;
use crate::block::TimesCache;
use crate::chunk::{ChunkStats, FloatColumns, SeriesSamples};
use crate::part::Gather;
use crate::partial::forgive;
use crate::select::SeriesHandle;

/// Series between two looks at whether the reader is still wanted.
const SERIES_PER_CHECK: u32 = 16;

/// What of the samples is enough; what each gives is in [`SeriesHandle::scan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduce {
    /// The newest sample.
    Newest,
    /// First and last sample, and those around each fall of the values.
    Rises,
    /// A largest value.
    Largest,
    /// A smallest value.
    Smallest,
    /// How many samples there are.
    Number,
}

/// Memory of one who reads series one after another.
#[derive(Debug, Default)]
pub struct Scan {
    samples: SeriesSamples,
    columns: FloatColumns,
    /// What of the columns lies within the range of the selection.
    inside: Range<usize>,
    /// Floats that are not in `samples` because nobody needs them.
    left_out: usize,
    ahead: Ahead,
    times: TimesCache,
    /// Series until the next look at the clock.
    unchecked: u32,
}

impl Scan {
    /// What was read last.
    pub fn samples(&self) -> &SeriesSamples {
        &self.samples
    }

    /// Times and values that [`SeriesHandle::scan_columns`] read last.
    pub fn columns(&self) -> (&[i64], &[f64]) {
        let FloatColumns { times, values, .. } = &self.columns;
        (times.get(self.inside.clone()).unwrap_or_default(), values.get(self.inside.clone()).unwrap_or_default())
    }

    /// Looks at the clock once in a while.
    fn check(&mut self, handle: &SeriesHandle) -> Result<(), TsdbError> {
        if self.unchecked == 0 {
            handle.meter.check()?;
            self.unchecked = SERIES_PER_CHECK;
        }
        self.unchecked -= 1;
        Ok(())
    }

    /// Takes out the histograms that were read last.
    pub fn take_histograms(&mut self) -> Vec<crate::HistogramSample> {
        std::mem::take(&mut self.samples.histograms)
    }

    /// How many floats of the last series were left out.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

impl SeriesHandle {
    /// Reads the series within the range of the selection into `scan`.
    ///
    /// With `reduce` chunks whose statistics are enough are not decoded. Then floats may be missing, and
    /// [`Scan::left_out`] says how many. [`Reduce::Newest`] gives one sample that is no staleness marker, if it is known without
    /// decoding. Otherwise each chunk that lies wholly within the range gives those of its samples that matter; a largest or smallest one may have
    /// the time of the chunk's first.
    ///
    /// # Errors
    /// As [`SeriesHandle::samples`].
    pub fn scan(&self, reduce: Option<Reduce>, scan: &mut Scan) -> Result<(), TsdbError> {
        scan.samples.clear();
        scan.left_out = 0;
        scan.check(self)?;
        let (min, max) = self.range;
        if reduce == Some(Reduce::Newest)
            && let Some(newest) = self.newest_known(max)
        {
            scan.samples.floats.push(newest);
            return self.meter.samples(1);
        }
        if !self.in_order() {
            return self.scan_merged(scan);
        }
        for part in self.touching(min, max) {
            let known = reduce.and_then(|reduce| Some((reduce, part.stats_within(min, max)?)));
            let before = (scan.samples.floats.len(), scan.samples.histograms.len());
            if let Some((reduce, stats)) = known
                && let Some(left_out) = reduced(reduce, stats, &mut scan.samples)
            {
                scan.left_out += left_out;
                let kept = before.0..scan.samples.floats.len();
                scan.samples.starts.set(kept, part.start_of_all());
                continue;
            }
            let decoded = part.decode_ahead(&mut scan.ahead, &mut scan.times, &mut scan.samples);
            if forgive(self.meter.partial(), decoded)?.is_none() {
                scan.samples.truncate(before.0, before.1);
            }
        }
        if !scan.samples.histograms.is_empty() && scan.left_out > 0 {
            // Who mixes floats and histograms wants to see all of them.
            return self.scan_merged(scan);
        }
        scan.samples.clip(min, max);
        self.meter.samples(cost(&scan.samples))
    }

    /// Reads the floats of the series within the range of the selection as columns, for [`Scan::columns`]. `false`: read it by
    /// [`SeriesHandle::scan`], because it has histograms, its stretches overlap, or, with `began`, one of its floats may count since
    /// then or later.
    ///
    /// # Errors
    /// As [`SeriesHandle::samples`].
    pub fn scan_columns(&self, began: Option<i64>, scan: &mut Scan) -> Result<bool, TsdbError> {
        scan.check(self)?;
        if !self.in_order() {
            return Ok(false);
        }
        let (min, max) = self.range;
        let Scan { columns, ahead, times, .. } = scan;
        columns.clear();
        for part in self.touching(min, max) {
            let before = columns.times.len();
            match forgive(self.meter.partial(), part.decode_columns(ahead, times, columns))? {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => columns.truncate(before),
            }
        }
        let known = |began| columns.starts.of_all(columns.times.len()).is_none_or(|start| start >= began);
        if !columns.starts.is_empty() && began.is_some_and(known) {
            return Ok(false);
        }
        let end = columns.times.partition_point(|t| *t <= max);
        scan.inside = columns.times.partition_point(|t| *t < min)..end;
        self.meter.samples(scan.inside.len())?;
        Ok(true)
    }

    fn scan_merged(&self, scan: &mut Scan) -> Result<(), TsdbError> {
        let (min, max) = self.range;
        scan.left_out = 0;
        let mut gather = Gather::default();
        for part in self.touching(min, max) {
            let (ahead, times) = (&mut scan.ahead, &mut scan.times);
            forgive(self.meter.partial(), gather.add(|out| part.decode_ahead(ahead, times, out)))?;
        }
        scan.samples = gather.finish();
        scan.samples.clip(min, max);
        self.meter.samples(cost(&scan.samples))
    }

    /// Whether the parts follow each other in time as they stand.
    fn in_order(&self) -> bool {
        self.parts.is_sorted_by(|a, b| a.bounds().1 < b.bounds().0)
    }

    /// The newest sample up to `max`, when it is known without decoding and marks no end.
    fn newest_known(&self, max: i64) -> Option<crate::Sample> {
        let part = self.parts.iter().max_by_key(|p| p.bounds().1)?;
        let end = part.bounds().1;
        let alone = self.parts.iter().filter(|p| p.bounds().1 == end).count() == 1;
        // Parts that begin behind `max` are not in the selection, so that a part that ends behind it is read.
        (end <= max && end >= self.range.0 && alone).then(|| part.last()).flatten().filter(|s| !crate::is_stale(s.v))
    }
}

/// What the samples count against the limit of a query.
fn cost(samples: &SeriesSamples) -> usize {
    samples.floats.len() + samples.histograms.iter().map(|h| h.value.cost()).sum::<usize>()
}

/// Appends what is needed of a chunk; how many samples were left out, or `None` when the statistics do not say enough.
fn reduced(reduce: Reduce, s: &ChunkStats, out: &mut SeriesSamples) -> Option<usize> {
    let sample = |t, v| crate::Sample { t, v };
    let all = s.count as usize;
    match reduce {
        Reduce::Newest => return None,
        Reduce::Rises => {
            s.counter.filter(|c| c.resets == 0)?;
            out.floats.push(sample(s.first_t, s.first));
            if all > 1 {
                out.floats.push(sample(s.last_t, s.last));
            }
            return Some(all.saturating_sub(2));
        }
        Reduce::Largest => out.floats.push(sample(s.first_t, s.max)),
        Reduce::Smallest => out.floats.push(sample(s.first_t, s.min)),
        Reduce::Number => out.floats.push(sample(s.last_t, s.last)),
    }
    Some(all.saturating_sub(1))
}
