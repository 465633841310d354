//! How many samples the steps of a query look at, counted only for those who ask.
//!
//! As Prometheus counts (`util/stats`, `QuerySamples`): an instant selector looks at one sample per series and step that has
//! one, a range at all in the window of each step, so that a sample counts as often as it is looked at. Of a subquery the
//! results count, not what they were made of. A histogram counts by its size.

use std::sync::atomic::{AtomicU64, Ordering};

use super::columns::Row;
use super::windows::Windows;
use super::{Samples, Steps};
use crate::histogram::weight;

/// A counter per step of the query.
pub(super) struct Counted(Vec<AtomicU64>);

impl Counted {
    pub(super) fn new(steps: Steps) -> Self {
        Self((0..steps.count).map(|_| AtomicU64::new(0)).collect())
    }

    /// The values of an instant selector.
    pub(super) fn row(&self, row: &Row<'_>) {
        row.each_step(|step| {
            let histogram = row.histograms.get(step).and_then(Option::as_ref);
            self.add(step, histogram.map_or(1, |h| weight(h)));
        });
    }

    /// What of a series is in the windows of a range.
    pub(super) fn windows(&self, windows: &Windows, samples: &Samples) {
        windows.each(samples, |step, window| {
            let histograms: usize = window.histograms.iter().map(|h| weight(&h.histogram)).sum();
            self.add(step, window.samples.len() + histograms);
        });
    }

    fn add(&self, step: usize, samples: usize) {
        if let Some(count) = self.0.get(step) {
            count.fetch_add(samples as u64, Ordering::Relaxed);
        }
    }

    /// So far, by step.
    pub(super) fn get(&self) -> Vec<u64> {
        self.0.iter().map(|n| n.load(Ordering::Relaxed)).collect()
    }
}
