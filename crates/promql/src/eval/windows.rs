//! Moving windows over the samples of a series.
//!
//! Prometheus 3 rules: windows are open on the left.

use super::select::Reference;
use super::{HistogramSample, Sample, Samples};

/// The samples of one series inside one window.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a> {
    /// Sorted by time.
    pub(crate) samples: &'a [Sample],
    /// Of each sample, or empty.
    pub(crate) start_times: &'a [i64],
    /// Sorted by time.
    pub(crate) histograms: &'a [HistogramSample],
    /// Exclusive.
    pub(crate) start_ms: i64,
    /// Inclusive.
    pub(crate) end_ms: i64,
    /// The evaluation time of the step.
    pub(crate) step_ms: i64,
    /// Samples that are inside too and were left out by the source.
    pub(crate) left_out: usize,
}

impl Window<'_> {
    /// The width in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        (self.end_ms - self.start_ms) as f64 / 1000.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.histograms.is_empty()
    }
}

/// How the windows of a range vector lie.
pub(crate) struct Windows {
    pub(super) reference: Reference,
    pub(super) range_ms: i64,
    /// How far windows reach beyond their edges.
    pub(super) before_ms: i64,
    pub(super) after_ms: i64,
}

impl Windows {
    /// Windows of this width that end at the steps.
    #[cfg(test)]
    pub(super) fn plain(steps: super::Steps, range_ms: i64) -> Self {
        Self { reference: Reference::plain(steps), range_ms, before_ms: 0, after_ms: 0 }
    }

    /// The first time that any window sees (exclusive), and the last one.
    pub(super) fn bounds(&self) -> (i64, i64) {
        let open_ms = self.reference.first().saturating_sub(self.range_ms).saturating_sub(self.before_ms);
        (open_ms, self.reference.last().saturating_add(self.after_ms))
    }

    /// The edges of the window of a step: start (exclusive) and end.
    #[inline]
    pub(super) fn edges(&self, step: usize) -> (i64, i64) {
        let end_ms = self.reference.at(step);
        (end_ms.saturating_sub(self.range_ms), end_ms)
    }

    /// Calls `f` with the window of every step, empty ones included.
    pub(crate) fn each<'s>(&self, samples: &'s Samples, mut f: impl FnMut(usize, Window<'s>)) {
        let mut floats = Moving::default();
        let mut histograms = Moving::default();
        for step in 0..self.reference.steps().count {
            let (start_ms, end_ms) = self.edges(step);
            let (open_ms, last_ms) = (start_ms.saturating_sub(self.before_ms), end_ms.saturating_add(self.after_ms));
            floats.advance(&samples.floats, |s| s.t_ms, open_ms, last_ms);
            histograms.advance(&samples.histograms, |s| s.t_ms, open_ms, last_ms);
            let window = Window {
                samples: floats.of(&samples.floats),
                start_times: floats.of(&samples.start_times),
                histograms: histograms.of(&samples.histograms),
                start_ms,
                end_ms,
                step_ms: self.reference.steps().time(step),
                left_out: samples.left_out,
            };
            f(step, window);
        }
    }

    /// Whether every step has the same window.
    pub(crate) fn is_fixed(&self) -> bool {
        self.reference.is_fixed()
    }

    /// Whether windows see only what is inside of their edges.
    pub(super) fn is_plain(&self) -> bool {
        self.before_ms == 0 && self.after_ms == 0
    }

    pub(super) fn steps(&self) -> usize {
        self.reference.steps().count
    }
}

/// Two indexes that only move forward.
#[derive(Default)]
pub(super) struct Moving {
    pub(super) low: usize,
    pub(super) high: usize,
}

impl Moving {
    #[inline]
    pub(super) fn advance<T>(&mut self, samples: &[T], time: impl Fn(&T) -> i64, open_ms: i64, last_ms: i64) {
        while samples.get(self.high).is_some_and(|s| time(s) <= last_ms) {
            self.high += 1;
        }
        while self.low < self.high && samples.get(self.low).is_some_and(|s| time(s) <= open_ms) {
            self.low += 1;
        }
    }

    fn of<'s, T>(&self, samples: &'s [T]) -> &'s [T] {
        samples.get(self.low..self.high).unwrap_or(&[])
    }
}
